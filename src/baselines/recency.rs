//! How much an event of a history counts, by its age.

use std::collections::HashSet;

use super::BaselineError;
use super::popularity::MILLIS_PER_DAY;
use crate::evaluation::ranking::RankingCase;

/// After how many events, and after how many days, an event counts half; both may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Recency {
    half_life_events: Option<f64>,
    half_life_days: Option<f64>,
}

impl Recency {
    /// # Errors
    /// [`BaselineError::NotPositive`].
    pub(super) fn new(
        history_half_life_events: Option<f64>,
        history_half_life_days: Option<f64>,
    ) -> Result<Self, BaselineError> {
        let half_lives = [
            ("history_half_life_events", history_half_life_events),
            ("history_half_life_days", history_half_life_days),
        ];
        for (setting, half_life) in half_lives {
            if let Some(half_life) = half_life {
                BaselineError::check_positive(setting, half_life)?;
            }
        }
        Ok(Self {
            half_life_events: history_half_life_events,
            half_life_days: history_half_life_days,
        })
    }

    /// Checks that cases have the times that their weights need.
    ///
    /// # Errors
    /// [`BaselineError::HistoryTimesMismatch`].
    pub(super) fn check(&self, cases: &[RankingCase]) -> Result<(), BaselineError> {
        if self.half_life_days.is_none() {
            return Ok(());
        }
        let mut numbered = cases.iter().enumerate();
        numbered.try_for_each(|(case, asked)| {
            let n_times = asked.history_times_utc_millis.len();
            match asked.history.len() {
                n_events if n_events == n_times => Ok(()),
                n_events => Err(BaselineError::HistoryTimesMismatch {
                    case,
                    n_times,
                    n_events,
                }),
            }
        })
    }

    /// The events of a history, the last first: the item and what the event counts for, in `[0, 1]`.
    pub(super) fn events<'a>(
        &'a self,
        case: &'a RankingCase,
    ) -> impl Iterator<Item = (u32, f64)> + 'a {
        let times = &case.history_times_utc_millis;
        let now = case.query_time_utc_millis.or(times.last().copied());
        let last_first = case.history.iter().enumerate().rev().enumerate();
        last_first.map(move |(age_events, (event, &item))| {
            let mut half_lives = 0.0;
            if let Some(half_life) = self.half_life_events {
                half_lives += age_events as f64 / half_life;
            }
            if let (Some(half_life), Some(now)) = (self.half_life_days, now) {
                // An event after the question would count more than one at its moment.
                let age_millis = now.saturating_sub(times[event]).max(0);
                half_lives += age_millis as f64 / MILLIS_PER_DAY / half_life;
            }
            (item, (-half_lives).exp2())
        })
    }

    /// The different items of a history, each at its last appearance, the last first.
    pub(super) fn items<'a>(
        &'a self,
        case: &'a RankingCase,
    ) -> impl Iterator<Item = (u32, f64)> + 'a {
        let mut counted = HashSet::new();
        self.events(case)
            .filter(move |(item, _)| counted.insert(*item))
    }
}
