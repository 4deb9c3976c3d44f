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

#[cfg(test)]
mod tests {
    use super::super::events::EventKind;
    use super::*;

    const HOUR_MILLIS: i64 = 3_600_000;

    fn law(next_item: NextItemConfig) -> NextItemLaw {
        let config = ShopConfig {
            n_items: 60,
            n_categories: 6,
            n_styles: 5,
            max_events: 30,
            mean_events: 20.0,
            next_item,
            ..ShopConfig::default()
        };
        NextItemLaw::draw(&config, RandomKey::new(11))
    }

    fn history(items: &[u32]) -> Vec<Event> {
        items
            .iter()
            .enumerate()
            .map(|(index, &item)| Event {
                user: 0,
                item,
                time_utc_millis: index as i64 * 60_000,
                kind: EventKind::View,
                dwell_seconds: 30.0,
                session: 0,
            })
            .collect()
    }

    fn weights(routine: f64, taste: f64, season: f64, popularity: f64) -> NextItemConfig {
        NextItemConfig {
            routine_weight: routine,
            taste_weight: taste,
            season_weight: season,
            popularity_weight: popularity,
            ..NextItemConfig::default()
        }
    }

    #[test]
    fn draws_follow_the_stated_probabilities() {
        let law = law(NextItemConfig::default());
        let events = history(&[3, 17, 40, 8, 21]);
        let context = law.context(events.iter(), 6 * 60_000);
        let probabilities = law.probabilities(&context);
        let mut generator = RandomKey::new(12).generator();
        let n_draws = 200_000;
        let mut counts = vec![0.0; probabilities.len()];
        for _ in 0..n_draws {
            counts[law.draw_item(&context, &mut generator) as usize] += 1.0;
        }
        let mut chi_square = 0.0;
        for (item, (count, probability)) in counts.iter().zip(&probabilities).enumerate() {
            let expected = probability * f64::from(n_draws);
            if [3, 17, 40, 8, 21].contains(&item) {
                assert_eq!((*count, expected), (0.0, 0.0));
            } else {
                chi_square += (count - expected) * (count - expected) / expected;
            }
        }
        // 54 degrees of freedom; the 0.001 and 0.999 quantiles of chi-square.
        assert!((26.9..91.9).contains(&chi_square), "{chi_square}");
    }

    #[test]
    fn one_probability_is_that_of_the_whole_distribution() {
        let law = law(NextItemConfig::default());
        let events = history(&[3, 17, 40, 8, 21]);
        let context = law.context(events.iter(), 6 * 60_000);
        for (item, probability) in law.probabilities(&context).into_iter().enumerate() {
            assert!((law.probability(&context, item as u32) - probability).abs() < 1e-14);
        }
    }

    #[test]
    fn popularity_alone_is_renormalised_over_the_unseen_items() {
        let law = law(weights(0.0, 0.0, 0.0, 1.0));
        let events = history(&[0, 1]);
        let probabilities = law.probabilities(&law.context(events.iter(), 180_000));
        let popularity = |item: usize| law.catalogue.items[item].popularity;
        for (item, probability) in probabilities.iter().enumerate().skip(2) {
            let expected = popularity(item) / (1.0 - popularity(0) - popularity(1));
            assert!((probability - expected).abs() < 1e-14);
        }
        assert_eq!(probabilities[..2], [0.0, 0.0]);
    }

    #[test]
    fn taste_follows_the_decayed_engagement() {
        let config = NextItemConfig {
            taste_half_life_events: 1.0,
            ..weights(0.0, 1.0, 0.0, 0.002)
        };
        let law = law(config);
        let category = |item: u32| law.catalogue.items[item as usize].category;
        let other = (1..60).find(|&item| category(item) != category(0)).unwrap();
        let mut events = history(&[0, other]);
        // A purchase one event back: 4 / 2 against 1.
        events[0].kind = EventKind::Buy;
        let taste = law.taste(events.iter());
        assert!((taste[category(0) as usize] - 2.0 / 3.0).abs() < 1e-15);
        assert!((taste[category(other) as usize] - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn the_routine_reads_the_category_before_last_and_the_last_style() {
        let config = NextItemConfig {
            routine_lag_weights: [0.0, 1.0, 0.0],
            style_share: 1.0,
            ..weights(1.0, 0.0, 0.0, 0.002)
        };
        let law = law(config);
        let events = history(&[5, 30, 12]);
        let probabilities = law.probabilities(&law.context(events.iter(), 240_000));
        let category = law.successors[1][law.catalogue.items[30].category as usize];
        let style = law.catalogue.items[12].style;
        let reached: f64 = probabilities
            .iter()
            .zip(&law.catalogue.items)
            .filter(|(_, item)| item.category == category && item.style == style)
            .map(|(probability, _)| probability)
            .sum();
        assert!(reached > 0.99, "{reached}");
    }

    #[test]
    fn a_new_session_moves_routine_to_taste() {
        let law = law(weights(0.6, 0.2, 0.1, 0.1));
        let events = history(&[5, 30, 12]);
        let last = events[2].time_utc_millis;
        let same = law.context(events.iter(), last + SESSION_GAP_MILLIS - 1);
        let new = law.context(events.iter(), last + SESSION_GAP_MILLIS);
        assert!((same.taste_weight - 0.2).abs() < 1e-15);
        assert!((new.taste_weight - 0.5).abs() < 1e-15);
        assert!((new.popularity_weight - 0.1).abs() < 1e-15);
    }

    #[test]
    fn parts_without_history_give_their_weight_to_popularity() {
        let law = law(NextItemConfig {
            routine_lag_weights: [0.5, 0.3, 0.2],
            ..weights(0.6, 0.2, 0.1, 0.1)
        });
        let nothing = law.context([].iter(), 0);
        assert!((nothing.popularity_weight - 0.9).abs() < 1e-15);
        let events = history(&[5]);
        let one = law.context(events.iter(), 60_000);
        assert!((one.popularity_weight - 0.4).abs() < 1e-15);
    }

    #[test]
    fn seasons_return_after_a_year() {
        assert_eq!(season(0), 0);
        assert_eq!(season(YEAR_MILLIS - 1), 51);
        assert_eq!(season(YEAR_MILLIS), 0);
        assert_eq!(season(-1), 51);
        assert_eq!(
            season(20 * 7 * 24 * HOUR_MILLIS),
            season(20 * 7 * 24 * HOUR_MILLIS + YEAR_MILLIS)
        );
    }
}
