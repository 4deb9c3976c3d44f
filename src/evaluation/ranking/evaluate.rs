//! From cases and scores to a report.

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::target_ranks::{Ranker, Unrankable, hexadecimal};
use super::{
    Candidates, RankingCase, RankingMetric, RankingProtocol, RankingReport, RankingSettings,
    Scorer, Segment, SegmentReport, TieRule,
};
use crate::evaluation::case_table::{CaseTable, CaseTableBuilder};
use crate::evaluation::interval::estimate_columns;
use crate::evaluation::{EvaluationError, Measurement, Protocol};

/// Ranks the whole catalogue for each case and reports where the targets came.
///
/// Cases are scored batch by batch, so that never more than `batch_size * n_items` scores are held, and their targets'
/// ranks are found on all cores. The report does not depend on the batch size or the number of threads.
///
/// # Errors
/// - settings: [`EvaluationError::NoCutoffs`], [`EvaluationError::ZeroCutoff`], [`EvaluationError::CutoffExceedsItems`],
///   [`EvaluationError::CutoffExceedsCandidates`], [`EvaluationError::CandidateOutOfRange`],
///   [`EvaluationError::ZeroBatchSize`], [`EvaluationError::TooFewResamples`], [`EvaluationError::LevelOutOfRange`]
/// - cases: [`EvaluationError::NoCases`], [`EvaluationError::NoTargets`], [`EvaluationError::TargetOutOfRange`],
///   [`EvaluationError::RepeatedTarget`], [`EvaluationError::HistoryOutOfRange`], [`EvaluationError::ColumnLength`]
/// - scores: [`EvaluationError::ScorerFailed`], [`EvaluationError::NotFinite`]
pub fn evaluate_ranking<S: Scorer + ?Sized>(
    cases: &[RankingCase],
    scorer: &S,
    settings: &RankingSettings,
) -> Result<RankingReport, EvaluationError> {
    let n_items = scorer.n_items();
    let cutoffs = checked_cutoffs(settings, n_items)?;
    let ranker = Ranker::new(n_items, &settings.candidates, settings.seen_items)?;
    check_cases(cases, n_items)?;
    let by_case = score_cases(cases, scorer, &ranker, &cutoffs, settings.batch_size)?;
    let estimates = estimate_columns(&by_case, settings.interval.as_ref())?;
    let outside = |case: &RankingCase| {
        let targets = case.targets.iter();
        targets.filter(|&&item| !ranker.is_candidate(item)).count()
    };
    Ok(RankingReport {
        model: scorer.name().to_owned(),
        n_users: cases.len(),
        n_unknown_targets: cases.iter().map(|case| case.n_unknown_targets).sum(),
        n_targets_outside_candidates: cases.iter().map(outside).sum(),
        metrics: by_case.columns().iter().cloned().zip(estimates).collect(),
        segments: segment_reports(cases, &by_case),
        protocol: Protocol {
            origin: settings.origin.clone(),
            n_cases: cases.len(),
            cases_sha256: cases_sha256(cases),
            interval: settings.interval.clone(),
            measurement: Measurement::Ranking(RankingProtocol {
                n_items,
                candidates: ranker.candidate_set(),
                seen_items: settings.seen_items,
                tie_rule: TieRule::AgainstTarget,
                cutoffs,
            }),
        },
        by_case,
    })
}

/// The cutoffs, ascending and distinct.
fn checked_cutoffs(
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

fn check_cases(cases: &[RankingCase], n_items: usize) -> Result<(), EvaluationError> {
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

/// Every metric at every cutoff, for each case.
fn score_cases<S: Scorer + ?Sized>(
    cases: &[RankingCase],
    scorer: &S,
    ranker: &Ranker,
    cutoffs: &[usize],
    batch_size: usize,
) -> Result<CaseTable, EvaluationError> {
    let wanted: Vec<(RankingMetric, usize)> = RankingMetric::ALL
        .into_iter()
        .flat_map(|metric| cutoffs.iter().map(move |&k| (metric, k)))
        .collect();
    let n_items = scorer.n_items();
    let columns = wanted.iter().map(|(metric, k)| metric.name_at(*k));
    let mut table = CaseTableBuilder::new(columns.collect());
    let mut scores = vec![0.0; batch_size.min(cases.len()) * n_items];
    for (batch, first_case) in cases.chunks(batch_size).zip((0..).step_by(batch_size)) {
        let scores = &mut scores[..batch.len() * n_items];
        // What a scorer forgets to write must not pass for the scores of the batch before.
        scores.fill(f32::NAN);
        let scored = scorer.score(batch, scores);
        scored.map_err(|source| EvaluationError::ScorerFailed {
            scorer: scorer.name().to_owned(),
            first_case,
            source,
        })?;
        let rows = (batch.par_iter().zip(scores.par_chunks(n_items)))
            .map(|(case, row)| {
                let ranks = ranker.ranks(case, row)?;
                let at_k = |(metric, k): &(RankingMetric, usize)| {
                    metric.at_k(&ranks, case.n_relevant(), *k)
                };
                Ok(wanted.iter().map(at_k).collect())
            })
            .collect::<Vec<Result<Vec<f64>, Unrankable>>>();
        for (case, row) in (first_case..).zip(rows) {
            let not_finite = |Unrankable { item, value }| EvaluationError::NotFinite {
                scorer: scorer.name().to_owned(),
                case,
                item,
                value,
            };
            table.push(&row.map_err(not_finite)?);
        }
    }
    Ok(table.finish())
}

fn segment_reports(
    cases: &[RankingCase],
    by_case: &CaseTable,
) -> BTreeMap<String, BTreeMap<String, SegmentReport>> {
    let mut members: BTreeMap<&str, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        for Segment { name, value } in &case.segments {
            members
                .entry(name)
                .or_default()
                .entry(value)
                .or_default()
                .push(index);
        }
    }
    let report = |members: Vec<usize>| SegmentReport {
        n_users: members.len(),
        metrics: by_case
            .columns()
            .iter()
            .cloned()
            .zip(by_case.means_of(members))
            .collect(),
    };
    let groups = members.into_iter().map(|(name, groups)| {
        let groups = groups.into_iter();
        let reports = groups.map(|(value, members)| (value.to_owned(), report(members)));
        (name.to_owned(), reports.collect())
    });
    groups.collect()
}

/// A digest of what decides the metrics of given scores: histories, targets and their order.
fn cases_sha256(cases: &[RankingCase]) -> String {
    let mut digest = Sha256::new();
    for case in cases {
        for items in [&case.history, &case.targets] {
            digest.update((items.len() as u64).to_le_bytes());
            let bytes: Vec<u8> = items.iter().flat_map(|item| item.to_le_bytes()).collect();
            digest.update(&bytes);
        }
        digest.update((case.n_unknown_targets as u64).to_le_bytes());
    }
    hexadecimal(&digest.finalize())
}
