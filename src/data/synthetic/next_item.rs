//! The law of the next item: what it reads of a history, how it draws and what it gives each item.

use rand::RngExt;

use super::config::{NextItemConfig, ShopConfig};
use super::distribution::{Choice, draw_index, permutation};
use super::events::{Event, SESSION_GAP_MILLIS};
use super::items::Catalogue;
use crate::random::{CounterGenerator, RandomKey};

const N_LAGS: usize = 3;
const N_SEASONS: usize = 52;
/// The mean year of the Gregorian calendar, 365.2425 days.
const YEAR_MILLIS: i64 = 31_556_952_000;
/// Refused draws after which the whole distribution is written out. Refusing is exact; this only bounds the time.
const MOST_REFUSALS: usize = 200;

/// Tables of the next-item law.
#[derive(Clone, Debug)]
pub(super) struct NextItemLaw {
    pub(super) catalogue: Catalogue,
    config: NextItemConfig,
    /// Next category after a category, by how many events back that category is.
    successors: [Vec<u32>; N_LAGS],
    /// Categories by season of the year.
    seasons: Vec<Choice>,
}

/// What the law reads of a history.
#[derive(Clone, Debug)]
pub(super) struct Context {
    seen: Vec<u32>,
    /// Categories that the routine leads to with the weight of each in the mixture.
    routine: [(u32, f64); N_LAGS],
    style: u32,
    /// Share of each category in the decayed history; zeros for an empty one.
    taste: Vec<f64>,
    season: usize,
    /// Weights of taste, season and popularity; with those of the routine they sum to one.
    taste_weight: f64,
    season_weight: f64,
    popularity_weight: f64,
}

impl Context {
    /// Share of `category` in the taste.
    pub(super) fn taste(&self, category: u32) -> f64 {
        self.taste[category as usize]
    }
}

impl NextItemLaw {
    pub(super) fn draw(config: &ShopConfig, key: RandomKey) -> Self {
        let catalogue = Catalogue::draw(config, key.child(0));
        let mut generator = key.child(1).generator();
        Self {
            catalogue,
            config: config.next_item.clone(),
            successors: std::array::from_fn(|_| {
                draw_successors(config.n_categories, &mut generator)
            }),
            seasons: draw_seasons(config, &mut generator),
        }
    }

    /// Reads the events before a moment, oldest first.
    pub(super) fn context<'a>(
        &self,
        history: impl DoubleEndedIterator<Item = &'a Event> + Clone,
        time_utc_millis: i64,
    ) -> Context {
        let mut newest_first = history.clone().rev();
        let newest: [Option<&Event>; N_LAGS] = std::array::from_fn(|_| newest_first.next());
        let config = &self.config;
        let total = config.routine_weight
            + config.taste_weight
            + config.season_weight
            + config.popularity_weight;
        let opens_session =
            newest[0].is_some_and(|last| opens_session(last.time_utc_millis, time_utc_millis));
        let kept = if opens_session {
            config.session_start_routine
        } else {
            1.0
        };
        let routine = self.routine(&newest, config.routine_weight / total * kept);
        let mut taste_weight = 0.0;
        if newest[0].is_some() {
            taste_weight = (config.taste_weight + config.routine_weight * (1.0 - kept)) / total;
        }
        let season_weight = config.season_weight / total;
        let routine_weight: f64 = routine.iter().map(|(_, weight)| weight).sum();
        Context {
            taste: self.taste(history.clone()),
            seen: history.map(|event| event.item).collect(),
            routine,
            style: newest[0].map_or(0, |event| self.catalogue.item(event.item).style),
            season: season(time_utc_millis),
            taste_weight,
            season_weight,
            popularity_weight: (1.0 - routine_weight - taste_weight - season_weight).max(0.0),
        }
    }

    /// Where the routine leads from each of the newest events, with what share of its `weight`.
    fn routine(&self, newest: &[Option<&Event>; N_LAGS], weight: f64) -> [(u32, f64); N_LAGS] {
        let lags: f64 = self.config.routine_lag_weights.iter().sum();
        std::array::from_fn(|lag| match newest[lag] {
            None => (0, 0.0),
            Some(event) => {
                let category = self.catalogue.item(event.item).category as usize;
                let share = self.config.routine_lag_weights[lag] / lags;
                (self.successors[lag][category], weight * share)
            }
        })
    }

    /// Share of each category in a history where events count by what was done and halve every
    /// [`NextItemConfig::taste_half_life_events`].
    pub(super) fn taste<'a>(
        &self,
        history: impl DoubleEndedIterator<Item = &'a Event>,
    ) -> Vec<f64> {
        let mut shares = vec![0.0; self.catalogue.n_categories];
        self.decayed(history, |event, weight| {
            shares[self.catalogue.item(event.item).category as usize] += weight;
        });
        let total: f64 = shares.iter().sum();
        if total > 0.0 {
            shares.iter_mut().for_each(|share| *share /= total);
        }
        shares
    }

    /// Visits a history, newest first, with the decayed weight of each event.
    pub(super) fn decayed<'a>(
        &self,
        history: impl DoubleEndedIterator<Item = &'a Event>,
        mut visit: impl FnMut(&Event, f64),
    ) {
        let decay = (-std::f64::consts::LN_2 / self.config.taste_half_life_events).exp();
        let mut weight = 1.0;
        for event in history.rev() {
            visit(event, weight * event.kind.engagement());
            weight *= decay;
        }
    }

    /// What the mixture gives `item` before the items already met are ruled out.
    fn mass(&self, context: &Context, item: u32) -> f64 {
        let facts = self.catalogue.item(item);
        let category = facts.category as usize;
        let within_category = self.catalogue.within_category(item);
        let season = self.seasons[context.season].probability(category);
        let mut mass = context.popularity_weight * facts.popularity
            + within_category
                * (context.taste_weight * context.taste[category] + context.season_weight * season);
        for (successor, weight) in context.routine {
            if successor == facts.category {
                let share = self.config.style_share;
                mass += weight * share * self.catalogue.within_style(item, context.style)
                    + weight * (1.0 - share) * within_category;
            }
        }
        mass
    }

    /// Probability of `item`, in time proportional to the length of the history.
    pub(super) fn probability(&self, context: &Context, item: u32) -> f64 {
        if context.seen.contains(&item) {
            return 0.0;
        }
        let seen: f64 = context
            .seen
            .iter()
            .map(|&seen| self.mass(context, seen))
            .sum();
        self.mass(context, item) / (1.0 - seen)
    }

    /// Probabilities of all items.
    pub(super) fn probabilities(&self, context: &Context) -> Vec<f64> {
        let n_items = self.catalogue.items.len() as u32;
        let mut probabilities: Vec<f64> =
            (0..n_items).map(|item| self.mass(context, item)).collect();
        for &seen in &context.seen {
            probabilities[seen as usize] = 0.0;
        }
        let total: f64 = probabilities.iter().sum();
        probabilities
            .iter_mut()
            .for_each(|probability| *probability /= total);
        probabilities
    }

    /// Draws the next item. An item already met is refused and drawn anew, which is the law of [`Self::probabilities`].
    pub(super) fn draw_item(&self, context: &Context, generator: &mut CounterGenerator) -> u32 {
        for _ in 0..MOST_REFUSALS {
            let item = self.draw_unrestricted(context, generator);
            if !context.seen.contains(&item) {
                return item;
            }
        }
        draw_index(&self.probabilities(context), generator) as u32
    }

    fn draw_unrestricted(&self, context: &Context, generator: &mut CounterGenerator) -> u32 {
        let catalogue = &self.catalogue;
        let [(_, first), (_, second), (_, third)] = context.routine;
        let weights = [
            first,
            second,
            third,
            context.taste_weight,
            context.season_weight,
            context.popularity_weight,
        ];
        match draw_index(&weights, generator) {
            lag @ 0..N_LAGS => {
                let category = context.routine[lag].0 as usize;
                if generator.random::<f64>() < self.config.style_share {
                    catalogue.draw_in_style(category, context.style, generator)
                } else {
                    catalogue.draw_in_category(category, generator)
                }
            }
            3 => catalogue.draw_in_category(draw_index(&context.taste, generator), generator),
            4 => {
                catalogue.draw_in_category(self.seasons[context.season].draw(generator), generator)
            }
            _ => catalogue.popularity.draw(generator) as u32,
        }
    }
}

/// Whether an event opens a session, given the time of the event before it.
pub(super) fn opens_session(before_utc_millis: i64, time_utc_millis: i64) -> bool {
    time_utc_millis - before_utc_millis >= SESSION_GAP_MILLIS
}

fn season(time_utc_millis: i64) -> usize {
    (time_utc_millis.rem_euclid(YEAR_MILLIS) * N_SEASONS as i64 / YEAR_MILLIS) as usize
}

/// A category after each category. It is a permutation, so no category is favoured in the long run.
fn draw_successors(n_categories: usize, generator: &mut CounterGenerator) -> Vec<u32> {
    let to = permutation(n_categories, generator);
    to.into_iter().map(|category| category as u32).collect()
}

/// Categories by season: each has a peak somewhere in the year.
fn draw_seasons(config: &ShopConfig, generator: &mut CounterGenerator) -> Vec<Choice> {
    let peaks = permutation(config.n_categories, generator);
    (0..N_SEASONS)
        .map(|season| {
            let weights: Vec<f64> = peaks
                .iter()
                .map(|&peak| {
                    let turns =
                        season as f64 / N_SEASONS as f64 - peak as f64 / config.n_categories as f64;
                    (config.next_item.season_strength * (std::f64::consts::TAU * turns).cos()).exp()
                })
                .collect();
            Choice::new(&weights)
        })
        .collect()
}
