//! What people chose who also chose the items of the history.

use std::cmp::Ordering;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::history::{check_cases, distinct, users_of_items};
use super::recency::Recency;
use super::sparse_rows::SparseRows;
use super::{BaselineError, Popularity, PopularityConfig, TrainingHistory};
use crate::evaluation::ranking::{RankingCase, Scorer, ScorerError};

/// Items whose neighbours one task finds, with one array of counts.
const ITEMS_PER_TASK: usize = 256;

/// Settings of [`ItemKnn`].
///
/// The defaults are the best of a grid (neighbours 20 to all, shrinkage 0 to 50, half-life 0.5 to none) by NDCG at 10 on the
/// validation part of MovieLens-100K, leave-one-out, seen items filtered: 0.119, where no half-life gives 0.072. A half-life
/// by days besides, from 1.5 minutes to a month, gave 0.120 at best; alone, 0.107.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ItemKnnConfig {
    /// Number of similar items kept for each item, at least 1. Default 50. More costs memory and lets weak evidence in.
    pub n_neighbours: usize,
    /// Added to the denominator of the cosine, at least 0. Default 10. More trusts items with few users less.
    pub shrinkage: f64,
    /// Number of events, above 0, after which an item of the history counts half as much; `None` counts all alike.
    /// Default 1. Shorter follows the last items, longer the whole taste.
    pub history_half_life_events: Option<f64>,
    /// Days, above 0, after which an item of the history counts half as much, seen from the question, or from the last event
    /// of a question without time; multiplied with the half-life by events. `None` does not look at times. Default `None`.
    pub history_half_life_days: Option<f64>,
    /// Events at the end of each history to learn from, at least 1. Default 500. Time to fit grows with its square.
    pub max_history: usize,
}

impl Default for ItemKnnConfig {
    fn default() -> Self {
        Self {
            n_neighbours: 50,
            shrinkage: 10.0,
            history_half_life_events: Some(1.0),
            history_half_life_days: None,
            max_history: 500,
        }
    }
}

/// Scores an item by its similarity to the items of the history.
///
/// The similarity of two items is the cosine of their sets of users, `|A and B| / (sqrt(|A| |B|) + shrinkage)`, and only
/// the nearest neighbours of each item count. The score is the sum over the different items of the history, each at its
/// last appearance, `a` events before the end and `d` days before the question, weighted by
/// `2^(-a / half life in events - d / half life in days)`. Popularity decides among items without similarity.
///
/// # Source
/// Sarwar et al. 2001, <https://doi.org/10.1145/371920.372071>, and Deshpande and Karypis 2004,
/// <https://doi.org/10.1145/963770.963776>: cosine over users, the nearest neighbours, sum over the history. Differences:
/// sets of users instead of ratings; the shrinkage, after Bell and Koren 2007, <https://doi.org/10.1109/ICDM.2007.90>; the
/// weight by recency; popularity.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemKnn {
    neighbours: SparseRows,
    tie_breaks: Vec<f32>,
    recency: Recency,
}

impl ItemKnn {
    /// Finds the nearest neighbours of each item.
    ///
    /// Memory is `n_items * n_neighbours` entries and one count an item for each thread; time is the sum of squares of the
    /// histories' lengths.
    ///
    /// # Errors
    /// [`BaselineError::NoItems`], [`BaselineError::TrainingItemOutOfRange`], [`BaselineError::TimesMismatch`],
    /// [`BaselineError::NotPositive`], [`BaselineError::Negative`].
    pub fn fit(
        histories: &[TrainingHistory<'_>],
        n_items: usize,
        config: &ItemKnnConfig,
    ) -> Result<Self, BaselineError> {
        check_config(config)?;
        let recency = Recency::new(
            config.history_half_life_events,
            config.history_half_life_days,
        )?;
        let popularity = Popularity::fit(histories, n_items, &PopularityConfig::default())?;
        let baskets: Vec<Vec<u32>> = (histories.par_iter())
            .map(|TrainingHistory { items, .. }| {
                distinct(&items[items.len().saturating_sub(config.max_history)..])
            })
            .collect();
        let users = users_of_items(&baskets, n_items);
        let items: Vec<u32> = (0..n_items as u32).collect();
        let neighbours: Vec<Vec<(u32, f32)>> = items
            .par_chunks(ITEMS_PER_TASK)
            .flat_map_iter(|items| {
                let mut together = vec![0u32; n_items];
                let (baskets, users) = (&baskets, &users);
                items
                    .iter()
                    .map(move |&item| nearest(item, baskets, users, &mut together, config))
            })
            .collect();
        Ok(Self {
            neighbours: SparseRows::from_rows(neighbours),
            tie_breaks: popularity.tie_breaks(),
            recency,
        })
    }

    /// The items most similar to `item` and their similarities, the most similar first; none for an item that the
    /// catalogue does not hold.
    pub fn neighbours(&self, item: u32) -> impl Iterator<Item = (u32, f32)> + '_ {
        let known = ((item as usize) < self.tie_breaks.len()).then_some(item as usize);
        known.into_iter().flat_map(|item| self.neighbours.row(item))
    }

    fn score_case(&self, case: &RankingCase, scores: &mut [f32]) {
        scores.copy_from_slice(&self.tie_breaks);
        for (item, weight) in self.recency.items(case) {
            self.neighbours
                .add_row(item as usize, weight as f32, scores);
        }
    }
}

fn check_config(config: &ItemKnnConfig) -> Result<(), BaselineError> {
    BaselineError::check_positive("n_neighbours", config.n_neighbours as f64)?;
    BaselineError::check_positive("max_history", config.max_history as f64)?;
    BaselineError::check_not_negative("shrinkage", config.shrinkage)
}

/// The neighbours of one item, the most similar first, the lower index first among equals.
///
/// `together` has one count an item, zero before and after.
fn nearest(
    item: u32,
    baskets: &[Vec<u32>],
    users: &[Vec<u32>],
    together: &mut [u32],
    config: &ItemKnnConfig,
) -> Vec<(u32, f32)> {
    let mut met = Vec::new();
    for &user in &users[item as usize] {
        for &other in &baskets[user as usize] {
            if together[other as usize] == 0 {
                met.push(other);
            }
            together[other as usize] += 1;
        }
    }
    let n_users = users[item as usize].len() as f64;
    let mut similar: Vec<(u32, f32)> = Vec::with_capacity(met.len());
    for other in met {
        let n_together = std::mem::take(&mut together[other as usize]);
        if other != item {
            let norm = (n_users * users[other as usize].len() as f64).sqrt();
            similar.push((
                other,
                (f64::from(n_together) / (norm + config.shrinkage)) as f32,
            ));
        }
    }
    let order = |left: &(u32, f32), right: &(u32, f32)| -> Ordering {
        right.1.total_cmp(&left.1).then(left.0.cmp(&right.0))
    };
    if similar.len() > config.n_neighbours {
        similar.select_nth_unstable_by(config.n_neighbours, order);
        similar.truncate(config.n_neighbours);
    }
    similar.sort_unstable_by(order);
    similar.shrink_to_fit();
    similar
}

impl Scorer for ItemKnn {
    fn name(&self) -> &str {
        "item_knn"
    }

    fn n_items(&self) -> usize {
        self.tie_breaks.len()
    }

    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        check_cases(cases, scores, self.n_items())?;
        self.recency.check(cases)?;
        let rows = scores.par_chunks_mut(self.n_items()).zip(cases);
        rows.for_each(|(row, case)| self.score_case(case, row));
        Ok(())
    }
}
