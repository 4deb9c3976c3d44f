//! What all evaluations of scores share: checked cases, one pass over the scores, the protocol.

use std::collections::BTreeMap;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::checks::{check_cases, checked_cutoffs};
use super::target_ranks::{Ranker, hexadecimal};
use super::{
    RankingCase, RankingProtocol, RankingSettings, Scorer, Segment, SegmentReport, TieRule,
};
use crate::evaluation::case_table::CaseTable;
use crate::evaluation::{EvaluationError, Measurement, Protocol};

/// Cases that are scored once, for whatever is to be measured.
#[derive(Debug)]
pub(super) struct ScoringPass<'a> {
    pub(super) cases: &'a [RankingCase],
    pub(super) settings: &'a RankingSettings,
    /// Ascending and distinct.
    pub(super) cutoffs: Vec<usize>,
    pub(super) ranker: Ranker,
}

/// A score that has no place in an order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Unrankable {
    item: u32,
    value: f32,
}

impl<'a> ScoringPass<'a> {
    /// # Errors
    /// Those of [`evaluate_ranking`](super::evaluate_ranking) on settings and cases.
    pub(super) fn new(
        cases: &'a [RankingCase],
        n_items: usize,
        settings: &'a RankingSettings,
    ) -> Result<Self, EvaluationError> {
        let cutoffs = checked_cutoffs(settings, n_items)?;
        let ranker = Ranker::new(n_items, &settings.candidates, settings.seen_items)?;
        check_cases(cases, n_items)?;
        Ok(Self {
            cases,
            settings,
            cutoffs,
            ranker,
        })
    }

    /// Scores all cases batch by batch, has `judge` look at each case with its scores on all cores, and hands what it found to
    /// `take`, with the number of the case and in the order of the cases.
    ///
    /// # Errors
    /// [`EvaluationError::ScorerFailed`], [`EvaluationError::NotFinite`], and those of `take`.
    pub(super) fn run<S: Scorer + ?Sized, T: Send>(
        &self,
        scorer: &S,
        judge: impl Fn(&RankingCase, &[f32]) -> T + Sync,
        mut take: impl FnMut(usize, T) -> Result<(), EvaluationError>,
    ) -> Result<(), EvaluationError> {
        let n_items = scorer.n_items();
        let batch_size = self.settings.batch_size;
        let mut scores = vec![0.0; batch_size.min(self.cases.len()) * n_items];
        let batches = self.cases.chunks(batch_size);
        for (batch, first_case) in batches.zip((0..).step_by(batch_size)) {
            let scores = &mut scores[..batch.len() * n_items];
            // What a scorer forgets to write must not pass for the scores of the batch before.
            scores.fill(f32::NAN);
            let scored = scorer.score(batch, scores);
            scored.map_err(|source| EvaluationError::ScorerFailed {
                scorer: scorer.name().to_owned(),
                first_case,
                source,
            })?;
            let judged = (batch.par_iter().zip(scores.par_chunks(n_items)))
                .map(|(case, row)| check_finite(row).map(|()| judge(case, row)))
                .collect::<Vec<Result<T, Unrankable>>>();
            for (case, judged) in (first_case..).zip(judged) {
                let not_finite = |Unrankable { item, value }| EvaluationError::NotFinite {
                    scorer: scorer.name().to_owned(),
                    case,
                    item,
                    value,
                };
                take(case, judged.map_err(not_finite)?)?;
            }
        }
        Ok(())
    }

    /// The largest cutoff.
    pub(super) fn longest_list(&self) -> usize {
        self.cutoffs.last().copied().unwrap_or(0)
    }

    /// How the items were ranked.
    pub(super) fn ranking_protocol(&self, tie_rule: TieRule) -> RankingProtocol {
        RankingProtocol {
            n_items: self.ranker.n_items(),
            candidates: self.ranker.candidate_set(),
            seen_items: self.settings.seen_items,
            tie_rule,
            cutoffs: self.cutoffs.clone(),
        }
    }

    /// The protocol of a report on these cases.
    pub(super) fn protocol(&self, measurement: Measurement) -> Protocol {
        Protocol {
            origin: self.settings.origin.clone(),
            n_cases: self.cases.len(),
            cases_sha256: cases_sha256(self.cases),
            interval: self.settings.interval.clone(),
            measurement,
        }
    }

    /// The means of each group of cases.
    pub(super) fn segment_reports(
        &self,
        by_case: &CaseTable,
    ) -> BTreeMap<String, BTreeMap<String, SegmentReport>> {
        let mut members: BTreeMap<&str, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
        for (index, case) in self.cases.iter().enumerate() {
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
}

fn check_finite(scores: &[f32]) -> Result<(), Unrankable> {
    // Without a branch in the loop, so that it is vectorised: this runs over every score there is.
    if scores
        .iter()
        .fold(true, |finite, score| finite & score.is_finite())
    {
        return Ok(());
    }
    let mut numbered = (0..).zip(scores);
    let first = numbered.find(|(_, score)| !score.is_finite());
    first.map_or(Ok(()), |(item, &value)| Err(Unrankable { item, value }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_that_is_not_a_number_is_named() {
        let found = check_finite(&[0.5, 0.9, f32::INFINITY, f32::NAN, 0.1]);
        let expected = Unrankable {
            item: 2,
            value: f32::INFINITY,
        };
        assert_eq!(found, Err(expected));
    }
}
