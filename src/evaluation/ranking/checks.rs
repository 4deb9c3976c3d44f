//! Whether settings and cases make sense, before anything is scored.

use std::collections::HashSet;

use super::{Candidates, RankingCase, RankingSettings};
use crate::evaluation::EvaluationError;

/// The cutoffs, ascending and distinct.
pub(super) fn checked_cutoffs(
    settings: &RankingSettings,
    n_items: usize,
) -> Result<Vec<usize>, EvaluationError> {
    let mut cutoffs = settings.cutoffs.clone();
    cutoffs.sort_unstable();
    cutoffs.dedup();
    let (&smallest, &k) =
        (cutoffs.first().zip(cutoffs.last())).ok_or(EvaluationError::NoCutoffs)?;
    if smallest == 0 {
        return Err(EvaluationError::ZeroCutoff);
    }
    if k > n_items {
        return Err(EvaluationError::CutoffExceedsItems { k, n_items });
    }
    if let Candidates::AllowList(items) = &settings.candidates {
        let n_candidates = items.iter().collect::<HashSet<_>>().len();
        if k > n_candidates {
            return Err(EvaluationError::CutoffExceedsCandidates { k, n_candidates });
        }
    }
    if settings.batch_size == 0 {
        return Err(EvaluationError::ZeroBatchSize);
    }
    // Checked before the scoring, which may take long.
    if let Some(interval) = &settings.interval {
        interval.check()?;
    }
    Ok(cutoffs)
}

pub(super) fn check_cases(cases: &[RankingCase], n_items: usize) -> Result<(), EvaluationError> {
    if cases.is_empty() {
        return Err(EvaluationError::NoCases);
    }
    let mut numbered = cases.iter().enumerate();
    numbered.try_for_each(|(index, case)| check_case(index, case, n_items))
}

fn check_case(
    case: usize,
    RankingCase {
        history,
        history_times_utc_millis: times,
        history_events: events,
        history_weights: weights,
        targets,
        n_unknown_targets,
        ..
    }: &RankingCase,
    n_items: usize,
) -> Result<(), EvaluationError> {
    let outside = |items: &[u32]| items.iter().copied().find(|&item| item as usize >= n_items);
    if targets.is_empty() && *n_unknown_targets == 0 {
        return Err(EvaluationError::NoTargets { case });
    }
    if let Some(item) = outside(targets) {
        return Err(EvaluationError::TargetOutOfRange {
            case,
            item,
            n_items,
        });
    }
    if let Some(item) = outside(history) {
        return Err(EvaluationError::HistoryOutOfRange {
            case,
            item,
            n_items,
        });
    }
    let mut met = HashSet::new();
    if let Some(&item) = targets.iter().find(|item| !met.insert(**item)) {
        return Err(EvaluationError::RepeatedTarget { case, item });
    }
    let columns = [
        ("history_times_utc_millis", times.len()),
        ("history_events", events.len()),
        ("history_weights", weights.len()),
    ];
    let expected = history.len();
    match columns
        .into_iter()
        .find(|&(_, found)| found != 0 && found != expected)
    {
        Some((column, found)) => Err(EvaluationError::ColumnLength {
            case,
            column,
            expected,
            found,
        }),
        None => Ok(()),
    }
}
