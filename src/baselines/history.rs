//! What baselines learn from.

use super::BaselineError;
use crate::evaluation::ranking::RankingCase;

/// The events of one user, oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrainingHistory<'a> {
    /// Catalogue indices, `0..n_items`.
    pub items: &'a [u32],
    /// Milliseconds since 1970 UTC, one an event, or none at all.
    pub times_utc_millis: &'a [i64],
}

impl<'a> From<&'a [u32]> for TrainingHistory<'a> {
    fn from(items: &'a [u32]) -> Self {
        Self {
            items,
            times_utc_millis: &[],
        }
    }
}

/// # Errors
/// [`BaselineError::NoItems`], [`BaselineError::TrainingItemOutOfRange`], [`BaselineError::TimesMismatch`].
pub(super) fn check_training(
    histories: &[TrainingHistory<'_>],
    n_items: usize,
) -> Result<(), BaselineError> {
    if n_items == 0 {
        return Err(BaselineError::NoItems);
    }
    for (
        history,
        TrainingHistory {
            items,
            times_utc_millis: times,
        },
    ) in histories.iter().enumerate()
    {
        if let Some(item) = outside(items, n_items) {
            return Err(BaselineError::TrainingItemOutOfRange {
                history,
                item,
                n_items,
            });
        }
        if !times.is_empty() && times.len() != items.len() {
            return Err(BaselineError::TimesMismatch {
                history,
                n_times: times.len(),
                n_events: items.len(),
            });
        }
    }
    Ok(())
}

/// # Errors
/// [`BaselineError::ItemOutOfRange`].
///
/// # Panics
/// If `scores` does not hold `n_items` scores a case.
pub(super) fn check_cases(
    cases: &[RankingCase],
    scores: &[f32],
    n_items: usize,
) -> Result<(), BaselineError> {
    assert_eq!(
        scores.len(),
        cases.len() * n_items,
        "scores must be [cases, n_items]"
    );
    let mut numbered = cases.iter().enumerate();
    numbered.try_for_each(|(case, RankingCase { history, .. })| {
        outside(history, n_items).map_or(Ok(()), |item| {
            Err(BaselineError::ItemOutOfRange {
                case,
                item,
                n_items,
            })
        })
    })
}

fn outside(items: &[u32], n_items: usize) -> Option<u32> {
    items.iter().copied().find(|&item| item as usize >= n_items)
}

/// The different items of a history, ascending.
pub(super) fn distinct(items: &[u32]) -> Vec<u32> {
    let mut items = items.to_vec();
    items.sort_unstable();
    items.dedup();
    items
}

/// The users of each item, ascending, from the different items of each user.
pub(super) fn users_of_items(baskets: &[Vec<u32>], n_items: usize) -> Vec<Vec<u32>> {
    let mut users = vec![Vec::new(); n_items];
    for (user, basket) in (0..).zip(baskets) {
        for &item in basket {
            users[item as usize].push(user);
        }
    }
    users
}
