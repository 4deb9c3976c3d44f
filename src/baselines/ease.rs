//! Which items a linear model of all others expects.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cholesky::{NotPositiveDefinite, invert};
use super::history::{check_cases, distinct, users_of_items};
use super::recency::Recency;
use super::{BaselineError, Popularity, PopularityConfig, TrainingHistory};
use crate::evaluation::ranking::{RankingCase, Scorer, ScorerError};

/// Bytes held at once for each pair of items: two matrices of 64 bits.
const BYTES_PER_PAIR: usize = 16;

/// Settings of [`Ease`].
///
/// The defaults are the best of a grid (regularisation 20 to 2000, half-life 0.5 events to none) by NDCG at 10 on the
/// validation part of MovieLens-100K, leave-one-out, seen items filtered: 0.125, where no half-life gives 0.088 at best. A
/// half-life by days besides, from 1.5 minutes to a month, gave 0.127 at best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EaseConfig {
    /// Added to the diagonal of the matrix of common users, above 0; `lambda` in the paper. Default 500. More trusts rare
    /// pairs less.
    pub regularisation: f64,
    /// Number of events, above 0, after which an item of the history counts half as much; `None` counts all alike.
    /// Default 5. Shorter follows the last items, longer the whole taste.
    pub history_half_life_events: Option<f64>,
    /// Days, above 0, after which an item of the history counts half as much, seen from the question; multiplied with the
    /// half-life by events. `None` does not look at times. Default `None`.
    pub history_half_life_days: Option<f64>,
    /// Largest catalogue that is fitted, at least 1. Default 10,000: 1.6 GB while fitting, 0.4 GB after. Memory grows with
    /// the square of the catalogue (16 bytes a pair of items, then 4), time with its cube.
    pub max_items: usize,
}

impl Default for EaseConfig {
    fn default() -> Self {
        Self {
            regularisation: 500.0,
            history_half_life_events: Some(5.0),
            history_half_life_days: None,
            max_items: 10_000,
        }
    }
}

/// Scores an item by linear regression on the items of the history: a shallow autoencoder with a solution in closed form.
///
/// `B = I - P diag(1 / diag(P))` with `P = (Xᵀ X + lambda I)⁻¹`, where `X` is 1 where a user has an item and 0 elsewhere.
/// `B` minimises `|X - X B|² + lambda |B|²` among the matrices whose diagonal is 0. The score is the sum of the rows of `B`
/// of the different items of the history, each at its last appearance and weighted by its age. Popularity decides among
/// items without evidence.
///
/// The equations are solved in 64 bits: the largest eigenvalue of `Xᵀ X` is that of the most popular items, `lambda` is the
/// least, and where they are 10⁵ apart 32 bits leave two digits. `B` is kept in 32 bits.
///
/// # Source
/// Steck 2019, <https://arxiv.org/abs/1905.03375>. Differences: the weight by recency; popularity.
#[derive(Clone, Debug, PartialEq)]
pub struct Ease {
    /// `B` by rows.
    weights: Vec<f32>,
    tie_breaks: Vec<f32>,
    recency: Recency,
}

impl Ease {
    /// Solves for the weights between all pairs of items.
    ///
    /// # Errors
    /// [`BaselineError::TooManyItems`], [`BaselineError::NotPositiveDefinite`], [`BaselineError::NoItems`],
    /// [`BaselineError::TrainingItemOutOfRange`], [`BaselineError::TimesMismatch`], [`BaselineError::NotPositive`].
    pub fn fit(
        histories: &[TrainingHistory<'_>],
        n_items: usize,
        config: &EaseConfig,
    ) -> Result<Self, BaselineError> {
        BaselineError::check_positive("regularisation", config.regularisation)?;
        BaselineError::check_positive("max_items", config.max_items as f64)?;
        let recency = Recency::new(
            config.history_half_life_events,
            config.history_half_life_days,
        )?;
        if n_items > config.max_items {
            return Err(BaselineError::TooManyItems {
                n_items,
                max_items: config.max_items,
                n_bytes: (n_items as u64)
                    .saturating_mul(n_items as u64)
                    .saturating_mul(BYTES_PER_PAIR as u64),
            });
        }
        let popularity = Popularity::fit(histories, n_items, &PopularityConfig::default())?;
        let mut matrix = common_users(histories, n_items);
        for item in 0..n_items {
            matrix[item * n_items + item] += config.regularisation;
        }
        invert(&mut matrix, n_items).map_err(|NotPositiveDefinite| {
            BaselineError::NotPositiveDefinite {
                regularisation: config.regularisation,
            }
        })?;
        Ok(Self {
            weights: weights(&matrix, n_items),
            tie_breaks: popularity.tie_breaks(),
            recency,
        })
    }

    /// What having `item` adds to the score of each item, a row of `B`; none for an item that the catalogue does not hold.
    pub fn weights(&self, item: u32) -> &[f32] {
        let n_items = self.n_items();
        let mut rows = self.weights.chunks_exact(n_items);
        rows.nth(item as usize).unwrap_or_default()
    }

    fn score_case(&self, case: &RankingCase, scores: &mut [f32]) {
        scores.copy_from_slice(&self.tie_breaks);
        for (item, weight) in self.recency.items(case) {
            let row = self.weights(item);
            for (score, value) in scores.iter_mut().zip(row) {
                *score += weight as f32 * value;
            }
        }
    }
}

/// `Xᵀ X`: for each pair of items the users who have both. Counts are exact, so that their order does not matter.
fn common_users(histories: &[TrainingHistory<'_>], n_items: usize) -> Vec<f64> {
    let baskets: Vec<Vec<u32>> = (histories.par_iter())
        .map(|history| distinct(history.items))
        .collect();
    let users = users_of_items(&baskets, n_items);
    let mut matrix = vec![0.0; n_items * n_items];
    let rows = matrix.par_chunks_mut(n_items).zip(&users);
    rows.for_each(|(row, users)| {
        for &user in users {
            for &other in &baskets[user as usize] {
                row[other as usize] += 1.0;
            }
        }
    });
    matrix
}

/// `B` by rows, from the lower triangle of `P` by columns.
fn weights(inverse: &[f64], n_items: usize) -> Vec<f32> {
    let mut weights = vec![0.0; n_items * n_items];
    let rows = weights.par_chunks_mut(n_items).enumerate();
    rows.for_each(|(from, row)| {
        for (to, weight) in row.iter_mut().enumerate() {
            if from != to {
                let entry = inverse[from.min(to) * n_items + from.max(to)];
                *weight = (-entry / inverse[to * n_items + to]) as f32;
            }
        }
    });
    weights
}

impl Scorer for Ease {
    fn name(&self) -> &str {
        "ease"
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
