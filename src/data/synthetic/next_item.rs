//! The law of the next item: what it reads of a history, how it draws and what it gives each item.

use super::config::{NextItemConfig, ShopConfig};
use super::distribution::{Choice, draw_index, permutation};
use super::events::{Event, SESSION_GAP_MILLIS};
use super::items::Catalogue;
use crate::random::{CounterGenerator, RandomKey};

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
    /// Next category by `[department of the last category, category before it]`.
    second_order: Vec<u32>,
    /// Next category by `[department of the last category, category two before it]`.
    third_order: Vec<u32>,
    /// Categories by season of the year.
    seasons: Vec<Choice>,
}

/// What the law reads of a history.
#[derive(Clone, Debug)]
pub(super) struct Context {
    seen: Vec<u32>,
    /// Next categories of the routine with their shares; shares sum to one where the routine has weight.
    routine: [(u32, f64); 2],
    style: u32,
    /// Share of each category in the decayed history; zeros for an empty one.
    taste: Vec<f64>,
    season: usize,
    /// Weights of routine, taste, season and popularity; they sum to one.
    weights: [f64; 4],
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
            second_order: draw_successors(config, &mut generator),
            third_order: draw_successors(config, &mut generator),
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
        let newest = [newest_first.next(), newest_first.next(), newest_first.next()];
        let taste = self.taste(history.clone());
        let opens_session = newest[0].is_some_and(|last| opens_session(last.time_utc_millis, time_utc_millis));
        Context {
            seen: history.map(|event| event.item).collect(),
            routine: self.routine(&newest),
            style: newest[0].map_or(0, |event| self.catalogue.item(event.item).style),
            taste,
            season: season(time_utc_millis),
            weights: self.weights(&newest, opens_session),
        }
    }

    /// Weights of the parts, given the newest events and whether the next one opens a session.
    fn weights(&self, newest: &[Option<&Event>; 3], opens_session: bool) -> [f64; 4] {
        let config = &self.config;
        let total = config.routine_weight + config.taste_weight + config.season_weight + config.popularity_weight;
        let mut routine = if newest[1].is_some() { config.routine_weight / total } else { 0.0 };
        let mut taste = if newest[0].is_some() { config.taste_weight / total } else { 0.0 };
        if opens_session {
            let moved = routine * (1.0 - config.session_start_routine);
            routine -= moved;
            taste += moved;
        }
        let season = config.season_weight / total;
        [routine, taste, season, (1.0 - routine - taste - season).max(0.0)]
    }

    /// Next categories of the routine: the one before last leads to its successor, in the department of the last.
    fn routine(&self, newest: &[Option<&Event>; 3]) -> [(u32, f64); 2] {
        let [Some(last), Some(before), two_before] = newest else {
            return [(0, 0.0); 2];
        };
        let department = self.catalogue.item(last.item).department as usize;
        let successor = |table: &[u32], event: &Event| {
            let category = self.catalogue.item(event.item).category as usize;
            table[department * self.catalogue.n_categories + category]
        };
        let second = successor(&self.second_order, before);
        match two_before {
            None => [(second, 1.0), (second, 0.0)],
            Some(two_before) => {
                let share = self.config.second_order_share;
                [(second, share), (successor(&self.third_order, two_before), 1.0 - share)]
            }
        }
    }

    /// Share of each category in a history where events count by what was done and halve every
    /// [`NextItemConfig::taste_half_life_events`].
    pub(super) fn taste<'a>(&self, history: impl DoubleEndedIterator<Item = &'a Event>) -> Vec<f64> {
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
        let [routine, taste, season, popularity] = context.weights;
        let facts = self.catalogue.item(item);
        let within_category = self.catalogue.within_category(item);
        let category = facts.category as usize;
        let mut mass = popularity * facts.popularity
            + within_category
                * (taste * context.taste[category] + season * self.seasons[context.season].probability(category));
        for (successor, share) in context.routine {
            if successor == facts.category && share > 0.0 {
                let style_share = self.config.style_share;
                let within = style_share * self.catalogue.within_style(item, context.style)
                    + (1.0 - style_share) * within_category;
                mass += routine * share * within;
            }
        }
        mass
    }

    /// Probability of `item`, in time proportional to the length of the history.
    pub(super) fn probability(&self, context: &Context, item: u32) -> f64 {
        if context.seen.contains(&item) {
            return 0.0;
        }
        let seen: f64 = context.seen.iter().map(|&seen| self.mass(context, seen)).sum();
        self.mass(context, item) / (1.0 - seen)
    }

    /// Probabilities of all items.
    pub(super) fn probabilities(&self, context: &Context) -> Vec<f64> {
        let n_items = self.catalogue.items.len() as u32;
        let mut probabilities: Vec<f64> = (0..n_items).map(|item| self.mass(context, item)).collect();
        for &seen in &context.seen {
            probabilities[seen as usize] = 0.0;
        }
        let total: f64 = probabilities.iter().sum();
        probabilities.iter_mut().for_each(|probability| *probability /= total);
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
        match draw_index(&context.weights, generator) {
            0 => {
                let shares = context.routine.map(|(_, share)| share);
                let category = context.routine[draw_index(&shares, generator)].0 as usize;
                if draw_index(&[self.config.style_share, 1.0 - self.config.style_share], generator) == 0 {
                    catalogue.draw_in_style(category, context.style, generator)
                } else {
                    catalogue.draw_in_category(category, generator)
                }
            }
            1 => catalogue.draw_in_category(draw_index(&context.taste, generator), generator),
            2 => catalogue.draw_in_category(self.seasons[context.season].draw(generator), generator),
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

/// A table `[n_departments, n_categories]` of categories. A row is a permutation, so no category is favoured in the long
/// run; a column has no category twice, so that every department leads elsewhere.
fn draw_successors(config: &ShopConfig, generator: &mut CounterGenerator) -> Vec<u32> {
    let n_categories = config.n_categories;
    let from = permutation(n_categories, generator);
    let to = permutation(n_categories, generator);
    let offsets = permutation(n_categories, generator);
    offsets[..config.n_departments]
        .iter()
        .flat_map(|offset| from.iter().map(move |place| (place + offset) % n_categories))
        .map(|place| to[place] as u32)
        .collect()
}

/// Categories by season: each has a peak somewhere in the year.
fn draw_seasons(config: &ShopConfig, generator: &mut CounterGenerator) -> Vec<Choice> {
    let peaks = permutation(config.n_categories, generator);
    (0..N_SEASONS)
        .map(|season| {
            let weights: Vec<f64> = peaks
                .iter()
                .map(|&peak| {
                    let turns = season as f64 / N_SEASONS as f64 - peak as f64 / config.n_categories as f64;
                    (config.next_item.season_strength * (std::f64::consts::TAU * turns).cos()).exp()
                })
                .collect();
            Choice::new(&weights)
        })
        .collect()
}
