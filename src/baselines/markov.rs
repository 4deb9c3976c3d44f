//! What people chose right after the last item.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::history::check_cases;
use super::sparse_rows::SparseRows;
use super::{BaselineError, Popularity, PopularityConfig, TrainingHistory};
use crate::evaluation::ranking::{RankingCase, Scorer, ScorerError};

/// Settings of [`Markov`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MarkovConfig {
    /// How many transitions popularity is worth, above 0. Default 10, of no weight: on MovieLens-100K anything from 0.1 to 100 gives the
    /// same NDCG at 10. More trusts rare transitions less.
    pub prior_transitions: f64,
}

impl Default for MarkovConfig {
    fn default() -> Self {
        Self {
            prior_transitions: 10.0,
        }
    }
}

/// A Markov chain of first order: scores an item by its probability to follow the last one.
///
/// `(n(last, item) + prior * share(item)) / (n(last) + prior)`, where `n` counts transitions and `share` is the item's
/// share of all events. An item without successors, and an empty history, leave popularity.
///
/// # Source
/// Shani, Heckerman and Brafman 2005, "An MDP-based recommender system", <https://www.jmlr.org/papers/v6/shani05a.html>,
/// section 4.1, with one item of context instead of several; it is also the unfactorised chain of Rendle et al. 2010 (FPMC),
/// <https://doi.org/10.1145/1772690.1772773>, over all users. Difference: where Shani skips and clusters to fill in what
/// was never seen, the prior is popularity, as in MacKay and Bauman Peto 1995, <https://doi.org/10.1017/S1351324900000218>.
#[derive(Clone, Debug, PartialEq)]
pub struct Markov {
    /// Each row holds the number of transitions to its successors.
    transitions: SparseRows,
    n_departures: Vec<f32>,
    shares: Vec<f32>,
    prior: f32,
}

impl Markov {
    /// Counts which item follows which.
    ///
    /// Memory is one entry for each different transition.
    ///
    /// # Errors
    /// [`BaselineError::NoItems`], [`BaselineError::TrainingItemOutOfRange`], [`BaselineError::TimesMismatch`],
    /// [`BaselineError::NotPositive`].
    pub fn fit(
        histories: &[TrainingHistory<'_>],
        n_items: usize,
        config: &MarkovConfig,
    ) -> Result<Self, BaselineError> {
        BaselineError::check_positive("prior_transitions", config.prior_transitions)?;
        let popularity = Popularity::fit(histories, n_items, &PopularityConfig::default())?;
        let windows = histories
            .iter()
            .flat_map(|history| history.items.windows(2));
        let mut pairs: Vec<(u32, u32)> = windows.map(|pair| (pair[0], pair[1])).collect();
        pairs.par_sort_unstable();
        let mut counted = pairs.chunk_by(|left, right| left == right).peekable();
        let mut rows: Vec<Vec<(u32, f32)>> = Vec::with_capacity(n_items);
        for from in 0..n_items as u32 {
            let mut row = Vec::new();
            while let Some(run) = counted.next_if(|run| run[0].0 == from) {
                row.push((run[0].1, run.len() as f32));
            }
            rows.push(row);
        }
        let n_departures = rows.iter().map(|row| row.iter().map(|(_, n)| n).sum());
        Ok(Self {
            n_departures: n_departures.collect(),
            transitions: SparseRows::from_rows(rows),
            shares: popularity.shares(),
            prior: config.prior_transitions as f32,
        })
    }

    fn score_case(&self, case: &RankingCase, scores: &mut [f32]) {
        let Some(last) = case.history.last().map(|&item| item as usize) else {
            scores.copy_from_slice(&self.shares);
            return;
        };
        let scale = 1.0 / (self.n_departures[last] + self.prior);
        for (score, share) in scores.iter_mut().zip(&self.shares) {
            *score = self.prior * scale * share;
        }
        self.transitions.add_row(last, scale, scores);
    }
}

impl Scorer for Markov {
    fn name(&self) -> &str {
        "markov"
    }

    fn n_items(&self) -> usize {
        self.shares.len()
    }

    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        check_cases(cases, scores, self.n_items())?;
        let rows = scores.par_chunks_mut(self.n_items()).zip(cases);
        rows.for_each(|(row, case)| self.score_case(case, row));
        Ok(())
    }
}
