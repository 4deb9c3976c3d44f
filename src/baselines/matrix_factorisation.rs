//! Which items lie near the user, where both are points of a space that training lays out.

use std::collections::HashMap;

use discorec::RecommenderBuilder;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cholesky::{NotPositiveDefinite, solve};
use super::history::check_cases;
use super::recency::Recency;
use super::{BaselineError, Popularity, PopularityConfig, TrainingHistory};
use crate::evaluation::ranking::{RankingCase, Scorer, ScorerError};

/// Settings of [`MatrixFactorisation`].
///
/// The defaults are the best of a grid (16 to 128 factors, regularisation 1 to 1000, alpha 1 to 600, half-life 0.5 events to
/// none, 5 to 30 iterations) by NDCG at 10 on the validation part of MovieLens-100K, leave-one-out, seen items filtered:
/// 0.115, where no half-life gives 0.057; 128 factors gave 0.116 for eight times the time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MatrixFactorisationConfig {
    /// Numbers that describe a user or an item, at least 1. Default 32. More tells tastes apart and overfits sooner.
    pub n_factors: u32,
    /// Rounds over all users and all items, at least 1. Default 15.
    pub n_iterations: u32,
    /// Weight of the squared factors beside the squared errors, above 0; `lambda` in the paper. Default 100. More keeps what
    /// is rare near the origin.
    pub regularisation: f64,
    /// How much surer an event makes than no event, above 0: the confidence of `r` events is `1 + alpha * r`. Default 64.
    pub alpha: f64,
    /// Number of events, above 0, after which an event of the history counts half as much; `None` counts all alike.
    /// Default 3. Shorter follows the last items, longer the whole taste. Training counts all alike.
    pub history_half_life_events: Option<f64>,
    /// Days, above 0, after which an event of the history counts half as much, seen from the question; multiplied with the
    /// half-life by events. `None` does not look at times. Default `None`.
    pub history_half_life_days: Option<f64>,
    /// Where the random numbers that the factors start from begin. Default 0.
    pub seed: u64,
}

impl Default for MatrixFactorisationConfig {
    fn default() -> Self {
        Self {
            n_factors: 32,
            n_iterations: 15,
            regularisation: 100.0,
            alpha: 64.0,
            history_half_life_events: Some(3.0),
            history_half_life_days: None,
            seed: 0,
        }
    }
}

/// Scores an item by the product of its factors and the user's.
///
/// Users and items are vectors `x` and `y` that minimise `sum c (p - x·y)² + lambda (sum |x|² + sum |y|²)` over all pairs,
/// with `p = 1` and `c = 1 + alpha * r` where the user has `r` events of the item, `p = 0` and `c = 1` elsewhere. They are
/// found by alternating least squares with conjugate gradients (the crate `discorec`).
///
/// A question names no user, so the user is solved for anew from the history and the items' factors:
/// `(Yᵀ C Y + lambda I) x = Yᵀ C p`, where `r` is the sum of the weights of the item's events. This answers users that
/// training never saw, too. Popularity decides among items without training events.
///
/// # Source
/// Hu, Koren and Volinsky 2008, <https://doi.org/10.1109/ICDM.2008.22>; Takács, Pilászy and Tikk 2011,
/// <https://doi.org/10.1145/2043932.2043987>, for the conjugate gradients. Differences: three of their steps for each vector
/// and round; the weight by recency; popularity.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixFactorisation {
    n_factors: usize,
    /// `Y` by rows, zeros for items without training events.
    item_factors: Vec<f32>,
    /// `Yᵀ Y + lambda I`.
    gram: Vec<f64>,
    alpha: f64,
    regularisation: f64,
    tie_breaks: Vec<f32>,
    recency: Recency,
}

impl MatrixFactorisation {
    /// Finds the factors of all items, on one thread.
    ///
    /// # Errors
    /// [`BaselineError::NoItems`], [`BaselineError::TrainingItemOutOfRange`], [`BaselineError::TimesMismatch`],
    /// [`BaselineError::NotPositive`], [`BaselineError::FactorsNotFinite`].
    pub fn fit(
        histories: &[TrainingHistory<'_>],
        n_items: usize,
        config: &MatrixFactorisationConfig,
    ) -> Result<Self, BaselineError> {
        BaselineError::check_positive("n_factors", config.n_factors.into())?;
        BaselineError::check_positive("n_iterations", config.n_iterations.into())?;
        BaselineError::check_positive("regularisation", config.regularisation)?;
        BaselineError::check_positive("alpha", config.alpha)?;
        let recency = Recency::new(
            config.history_half_life_events,
            config.history_half_life_days,
        )?;
        let popularity = Popularity::fit(histories, n_items, &PopularityConfig::default())?;
        let n_factors = config.n_factors as usize;
        let item_factors = finite_factors(&event_counts(histories), n_items, config)?;
        let mut gram = vec![0.0; n_factors * n_factors];
        for factors in item_factors.chunks_exact(n_factors) {
            add_square(&mut gram, factors, 1.0);
        }
        for factor in 0..n_factors {
            gram[factor * n_factors + factor] += config.regularisation;
        }
        Ok(Self {
            n_factors,
            item_factors,
            gram,
            alpha: config.alpha,
            regularisation: config.regularisation,
            tie_breaks: popularity.tie_breaks(),
            recency,
        })
    }

    /// The factors of an item, zeros if training never saw it; none if the catalogue does not hold it.
    pub fn item_factors(&self, item: u32) -> &[f32] {
        let mut rows = self.item_factors.chunks_exact(self.n_factors);
        rows.nth(item as usize).unwrap_or_default()
    }

    /// The user's factors, from the history alone.
    fn user_factors(&self, case: &RankingCase) -> Result<Vec<f64>, BaselineError> {
        let mut left = self.gram.clone();
        let mut right = vec![0.0; self.n_factors];
        for (item, events) in self.event_weights(case) {
            let factors = self.item_factors(item);
            let surplus = self.alpha * events;
            add_square(&mut left, factors, surplus);
            for (sum, &factor) in right.iter_mut().zip(factors) {
                *sum += (1.0 + surplus) * f64::from(factor);
            }
        }
        solve(&mut left, &mut right).map_err(|NotPositiveDefinite| {
            BaselineError::NotPositiveDefinite {
                regularisation: self.regularisation,
            }
        })?;
        Ok(right)
    }

    /// The different items of a history and the sum of the weights of their events, in an order that is always the same.
    fn event_weights(&self, case: &RankingCase) -> Vec<(u32, f64)> {
        let mut sums: Vec<(u32, f64)> = Vec::new();
        let mut place: HashMap<u32, usize> = HashMap::new();
        for (item, weight) in self.recency.events(case) {
            let at = *place.entry(item).or_insert(sums.len());
            match sums.get_mut(at) {
                Some((_, sum)) => *sum += weight,
                None => sums.push((item, weight)),
            }
        }
        sums
    }

    fn score_case(&self, case: &RankingCase, scores: &mut [f32]) -> Result<(), BaselineError> {
        scores.copy_from_slice(&self.tie_breaks);
        if case.history.is_empty() {
            return Ok(());
        }
        let user = self.user_factors(case)?;
        let user: Vec<f32> = user.into_iter().map(|factor| factor as f32).collect();
        let items = self.item_factors.chunks_exact(self.n_factors);
        for (score, item) in scores.iter_mut().zip(items) {
            *score += item.iter().zip(&user).map(|(y, x)| y * x).sum::<f32>();
        }
        Ok(())
    }
}

/// How often each user has each item.
fn event_counts(histories: &[TrainingHistory<'_>]) -> Vec<(u32, u32, f32)> {
    let mut counts = Vec::new();
    for (user, history) in (0..).zip(histories) {
        let mut items = history.items.to_vec();
        items.sort_unstable();
        for events in items.chunk_by(|left, right| left == right) {
            counts.push((user, events[0], events.len() as f32));
        }
    }
    counts
}

/// The factors of all items by rows.
///
/// Conjugate gradients that have converged to the last bit divide 0 by 0, which happens where there is next to no data;
/// fewer rounds then give all there is to find.
fn finite_factors(
    counts: &[(u32, u32, f32)],
    n_items: usize,
    config: &MatrixFactorisationConfig,
) -> Result<Vec<f32>, BaselineError> {
    let n_factors = config.n_factors as usize;
    let mut factors = vec![0.0; n_items * n_factors];
    if counts.is_empty() {
        return Ok(factors);
    }
    let mut n_iterations = config.n_iterations;
    while n_iterations > 0 {
        let model = RecommenderBuilder::new()
            .factors(config.n_factors)
            .iterations(n_iterations)
            .regularization(config.regularisation as f32)
            .alpha(config.alpha as f32)
            .seed(config.seed)
            .fit_implicit(counts);
        for (item, row) in (0..).zip(factors.chunks_exact_mut(n_factors)) {
            if let Some(found) = model.item_factors(&item) {
                row.copy_from_slice(found);
            }
        }
        if factors.iter().all(|factor| factor.is_finite()) {
            return Ok(factors);
        }
        n_iterations /= 2;
    }
    Err(BaselineError::FactorsNotFinite {
        n_factors: config.n_factors,
        regularisation: config.regularisation,
        alpha: config.alpha,
    })
}

/// Adds `weight * row rowᵀ` to the lower triangle, by columns, of a matrix.
fn add_square(matrix: &mut [f64], row: &[f32], weight: f64) {
    for (at, column) in matrix.chunks_exact_mut(row.len()).enumerate() {
        let scaled = weight * f64::from(row[at]);
        for (sum, &factor) in column[at..].iter_mut().zip(&row[at..]) {
            *sum += scaled * f64::from(factor);
        }
    }
}

impl Scorer for MatrixFactorisation {
    fn name(&self) -> &str {
        "matrix_factorisation"
    }

    fn n_items(&self) -> usize {
        self.tie_breaks.len()
    }

    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        check_cases(cases, scores, self.n_items())?;
        self.recency.check(cases)?;
        let rows = scores.par_chunks_mut(self.n_items()).zip(cases);
        rows.try_for_each(|(row, case)| self.score_case(case, row))?;
        Ok(())
    }
}
