//! From cases and scores to a report.

use super::pass::ScoringPass;
use super::{RankingCase, RankingMetric, RankingReport, RankingSettings, Scorer, TieRule};
use crate::evaluation::case_table::{CaseTable, CaseTableBuilder};
use crate::evaluation::interval::estimate_columns;
use crate::evaluation::{EvaluationError, Measurement};

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
    let pass = ScoringPass::new(cases, scorer.n_items(), settings)?;
    let accuracy = Accuracy::new(&pass);
    let mut table = accuracy.table();
    pass.run(
        scorer,
        |case, scores| accuracy.of(case, scores),
        |_, row| {
            table.push(&row);
            Ok(())
        },
    )?;
    accuracy.report(scorer.name(), table.finish())
}

/// Every metric at every cutoff.
#[derive(Debug)]
pub(super) struct Accuracy<'a> {
    pass: &'a ScoringPass<'a>,
    wanted: Vec<(RankingMetric, usize)>,
}

impl<'a> Accuracy<'a> {
    pub(super) fn new(pass: &'a ScoringPass<'a>) -> Self {
        let at_cutoffs = |metric| pass.cutoffs.iter().map(move |&k| (metric, k));
        Self {
            pass,
            wanted: RankingMetric::ALL
                .into_iter()
                .flat_map(at_cutoffs)
                .collect(),
        }
    }

    /// A table with a column for each value of [`Self::of`], and no case yet.
    pub(super) fn table(&self) -> CaseTableBuilder {
        let columns = self.wanted.iter().map(|(metric, k)| metric.name_at(*k));
        CaseTableBuilder::new(columns.collect())
    }

    /// The values of one case.
    pub(super) fn of(&self, case: &RankingCase, scores: &[f32]) -> Vec<f64> {
        let ranks = self.pass.ranker.ranks(case, scores);
        let wanted = self.wanted.iter();
        wanted
            .map(|(metric, k)| metric.at_k(&ranks, case.n_relevant(), *k))
            .collect()
    }

    pub(super) fn report(
        &self,
        model: &str,
        by_case: CaseTable,
    ) -> Result<RankingReport, EvaluationError> {
        let ScoringPass { cases, ranker, .. } = self.pass;
        let estimates = estimate_columns(&by_case, self.pass.settings.interval.as_ref())?;
        let outside = |case: &RankingCase| {
            let targets = case.targets.iter();
            targets.filter(|&&item| !ranker.is_candidate(item)).count()
        };
        let measurement = Measurement::Ranking(self.pass.ranking_protocol(TieRule::AgainstTarget));
        Ok(RankingReport {
            model: model.to_owned(),
            n_users: cases.len(),
            n_unknown_targets: cases.iter().map(|case| case.n_unknown_targets).sum(),
            n_targets_outside_candidates: cases.iter().map(outside).sum(),
            metrics: by_case.columns().iter().cloned().zip(estimates).collect(),
            segments: self.pass.segment_reports(&by_case),
            protocol: self.pass.protocol(measurement),
            by_case,
        })
    }
}
