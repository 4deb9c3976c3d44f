//! What most people chose.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::history::{check_cases, check_training};
use super::{BaselineError, TrainingHistory};
use crate::evaluation::ranking::{RankingCase, Scorer, ScorerError};

pub(super) const MILLIS_PER_DAY: f64 = 86_400_000.0;

/// What popularity is worth beside other evidence: it decides among items that nothing else speaks for, and little else. A
/// share of events is at most 1, a cosine of two users in common among a thousand is 0.002.
const TIE_BREAK_WEIGHT: f32 = 1e-6;

/// Settings of [`Popularity`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PopularityConfig {
    /// Days, above 0, after which an event counts half as much, seen from the last event of all; `None` counts all events
    /// alike. Default `None`. Shorter follows fashions, longer is steadier.
    pub half_life_days: Option<f64>,
}

/// Scores an item by the number of its events, whatever the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Popularity {
    counts: Vec<f32>,
    is_recent: bool,
}

impl Popularity {
    /// Counts the events of each item.
    ///
    /// # Errors
    /// [`BaselineError::NoItems`], [`BaselineError::TrainingItemOutOfRange`], [`BaselineError::TimesMismatch`] also where
    /// times are missing and a half-life is set, [`BaselineError::NotPositive`].
    pub fn fit(
        histories: &[TrainingHistory<'_>],
        n_items: usize,
        config: &PopularityConfig,
    ) -> Result<Self, BaselineError> {
        check_training(histories, n_items)?;
        let counts = match config.half_life_days {
            None => count(histories, n_items),
            Some(half_life_days) => count_recent(histories, n_items, half_life_days)?,
        };
        Ok(Self {
            counts: counts.into_iter().map(|count| count as f32).collect(),
            is_recent: config.half_life_days.is_some(),
        })
    }

    /// The count of each item, which is also its score.
    pub fn counts(&self) -> &[f32] {
        &self.counts
    }

    /// What popularity adds to the scores of a baseline that has better evidence.
    pub(super) fn tie_breaks(&self) -> Vec<f32> {
        let shares = self.shares().into_iter();
        shares.map(|share| share * TIE_BREAK_WEIGHT).collect()
    }

    /// The share of all events that each item has; 0 for all without events.
    pub(super) fn shares(&self) -> Vec<f32> {
        let total: f64 = self.counts.iter().copied().map(f64::from).sum();
        let share = |&count: &f32| {
            if total > 0.0 {
                f64::from(count) / total
            } else {
                0.0
            }
        };
        self.counts
            .iter()
            .map(|count| share(count) as f32)
            .collect()
    }
}

fn count(histories: &[TrainingHistory<'_>], n_items: usize) -> Vec<f64> {
    let mut counts = vec![0.0; n_items];
    for &item in histories.iter().flat_map(|history| history.items) {
        counts[item as usize] += 1.0;
    }
    counts
}

fn count_recent(
    histories: &[TrainingHistory<'_>],
    n_items: usize,
    half_life_days: f64,
) -> Result<Vec<f64>, BaselineError> {
    BaselineError::check_positive("half_life_days", half_life_days)?;
    let untimed =
        |history: &TrainingHistory<'_>| history.times_utc_millis.len() != history.items.len();
    if let Some(history) = histories.iter().position(untimed) {
        return Err(BaselineError::TimesMismatch {
            history,
            n_times: histories[history].times_utc_millis.len(),
            n_events: histories[history].items.len(),
        });
    }
    let times = histories
        .iter()
        .flat_map(|history| history.times_utc_millis);
    let last = times.max().copied().unwrap_or(0);
    let mut counts = vec![0.0; n_items];
    for history in histories {
        for (&item, &time) in history.items.iter().zip(history.times_utc_millis) {
            let age_days = last.abs_diff(time) as f64 / MILLIS_PER_DAY;
            counts[item as usize] += (-age_days / half_life_days).exp2();
        }
    }
    Ok(counts)
}

impl Scorer for Popularity {
    fn name(&self) -> &str {
        if self.is_recent {
            "recent_popularity"
        } else {
            "popularity"
        }
    }

    fn n_items(&self) -> usize {
        self.counts.len()
    }

    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        check_cases(cases, scores, self.n_items())?;
        let rows = scores.par_chunks_mut(self.n_items());
        rows.for_each(|row| row.copy_from_slice(&self.counts));
        Ok(())
    }
}
