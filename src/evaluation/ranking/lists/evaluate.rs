//! From cases, scores and a catalogue to a report on lists.

use super::best::best;
use super::exposure::Exposure;
use super::facts::{ItemFacts, UserList};
use super::{Catalogue, ListMeasure, ListProtocol, ListReport};
use crate::evaluation::case_table::CaseTableBuilder;
use crate::evaluation::interval::estimate_columns;
use crate::evaluation::ranking::evaluate::Accuracy;
use crate::evaluation::ranking::pass::ScoringPass;
use crate::evaluation::ranking::{RankingCase, RankingReport, RankingSettings, Scorer, TieRule};
use crate::evaluation::{EvaluationError, Measurement};

/// Makes the list of the best items for each case and reports what the lists are like.
///
/// A list holds the candidates of highest score, of equal scores the lower index first. Items of the history are left out
/// under [`SeenItems::Filtered`](crate::evaluation::ranking::SeenItems::Filtered), targets among them too: who makes a list
/// does not know the targets. That is where it differs from what [`evaluate_ranking`](crate::evaluation::ranking::evaluate_ranking) ranks.
///
/// Never more than `batch_size * n_items` scores are held; the report does not depend on the batch size or the number of
/// threads.
///
/// # Edge cases
/// Where fewer than `k` items are left, the list is shorter, means are over what it holds, and serendipity still divides by
/// `k`.
///
/// # Errors
/// - those of [`evaluate_ranking`](crate::evaluation::ranking::evaluate_ranking)
/// - catalogue: [`EvaluationError::CatalogueLength`], [`EvaluationError::ContentNotFinite`]
/// - [`EvaluationError::EmptyList`] for a case whose history holds all candidates
///
/// ```
/// # use salient::evaluation::ranking::{RankingCase, Scorer, ScorerError};
/// use salient::evaluation::ranking::{
///     Catalogue, ExposureMeasure, ListMeasure, RankingSettings, evaluate_lists,
/// };
/// # struct LargerIsBetter;
/// # impl Scorer for LargerIsBetter {
/// #     fn name(&self) -> &str { "larger is better" }
/// #     fn n_items(&self) -> usize { 4 }
/// #     fn score(&self, _: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
/// #         scores.iter_mut().enumerate().for_each(|(index, score)| *score = (index % 4) as f32);
/// #         Ok(())
/// #     }
/// # }
///
/// // Item 3 is in the history, so the list of 1 is item 2, which a quarter of the smoothed events chose.
/// let case = RankingCase { history: vec![3], targets: vec![2], ..RankingCase::default() };
/// let settings = RankingSettings { cutoffs: vec![1], ..RankingSettings::default() };
/// let catalogue = Catalogue { item_counts: &[9, 3, 4, 0], content: None };
/// let report = evaluate_lists(&[case], &LargerIsBetter, &settings, &catalogue)?;
/// assert_eq!(report.mean(ListMeasure::Novelty, 1), Some(2.0));
/// assert_eq!(report.mean(ListMeasure::Serendipity, 1), Some(1.0));
/// assert_eq!(report.exposure(ExposureMeasure::Coverage, 1), Some(0.25));
/// # Ok::<(), salient::evaluation::EvaluationError>(())
/// ```
pub fn evaluate_lists<S: Scorer + ?Sized>(
    cases: &[RankingCase],
    scorer: &S,
    settings: &RankingSettings,
    catalogue: &Catalogue<'_>,
) -> Result<ListReport, EvaluationError> {
    let pass = ScoringPass::new(cases, scorer.n_items(), settings)?;
    let lists = Lists::new(&pass, catalogue)?;
    let mut tally = lists.tally();
    pass.run(
        scorer,
        |case, scores| lists.of(case, scores),
        |case, list| tally.take(case, list),
    )?;
    lists.report(scorer.name(), tally)
}

/// [`evaluate_ranking`](crate::evaluation::ranking::evaluate_ranking) and [`evaluate_lists`] for the scoring of one.
///
/// # Errors
/// Those of [`evaluate_lists`].
pub fn evaluate_ranking_and_lists<S: Scorer + ?Sized>(
    cases: &[RankingCase],
    scorer: &S,
    settings: &RankingSettings,
    catalogue: &Catalogue<'_>,
) -> Result<(RankingReport, ListReport), EvaluationError> {
    let pass = ScoringPass::new(cases, scorer.n_items(), settings)?;
    let (accuracy, lists) = (Accuracy::new(&pass), Lists::new(&pass, catalogue)?);
    let (mut table, mut tally) = (accuracy.table(), lists.tally());
    pass.run(
        scorer,
        |case, scores| (accuracy.of(case, scores), lists.of(case, scores)),
        |case, (row, list)| {
            table.push(&row);
            tally.take(case, list)
        },
    )?;
    let report = accuracy.report(scorer.name(), table.finish())?;
    Ok((report, lists.report(scorer.name(), tally)?))
}

/// Makes lists and measures them.
struct Lists<'a> {
    pass: &'a ScoringPass<'a>,
    facts: ItemFacts<'a>,
    measures: Vec<ListMeasure>,
    protocol: ListProtocol,
}

/// A list and its measures, by measure and then by cutoff.
struct MeasuredList {
    items: Vec<u32>,
    row: Vec<f64>,
}

/// What all lists so far add up to.
struct Tally {
    table: CaseTableBuilder,
    /// One a cutoff.
    exposures: Vec<Exposure>,
    /// Length of a full list.
    longest: usize,
    n_short_lists: usize,
}

impl<'a> Lists<'a> {
    fn new(pass: &'a ScoringPass<'a>, catalogue: &Catalogue<'a>) -> Result<Self, EvaluationError> {
        let facts = ItemFacts::new(catalogue, &pass.ranker)?;
        Ok(Self {
            pass,
            measures: facts.measures(),
            facts,
            protocol: ListProtocol {
                ranking: pass.ranking_protocol(TieRule::LowerIndex),
                item_counts_sha256: catalogue.counts_sha256(),
                content: catalogue.content_protocol(),
            },
        })
    }

    fn tally(&self) -> Tally {
        let cutoffs = &self.pass.cutoffs;
        let named = |measure: &ListMeasure| {
            let measure = *measure;
            cutoffs.iter().map(move |&k| measure.name_at(k))
        };
        let n_items = self.pass.ranker.n_items();
        Tally {
            table: CaseTableBuilder::new(self.measures.iter().flat_map(named).collect()),
            exposures: cutoffs.iter().map(|&k| Exposure::new(k, n_items)).collect(),
            longest: self.pass.longest_list(),
            n_short_lists: 0,
        }
    }

    fn of(&self, case: &RankingCase, scores: &[f32]) -> MeasuredList {
        let hidden = self.pass.ranker.hidden(&case.history);
        let items = best(&self.pass.ranker, &hidden, scores, self.pass.longest_list());
        let list = UserList {
            items: &items,
            hidden: &hidden,
            targets: &case.targets,
        };
        let measures = self.measures.iter();
        let row = measures
            .flat_map(|&measure| self.facts.at_cutoffs(measure, list, &self.pass.cutoffs))
            .collect();
        MeasuredList { items, row }
    }

    fn report(self, model: &str, tally: Tally) -> Result<ListReport, EvaluationError> {
        let by_case = tally.table.finish();
        let estimates = estimate_columns(&by_case, self.pass.settings.interval.as_ref())?;
        let candidates = self.pass.ranker.candidates();
        let exposures = tally.exposures.iter();
        Ok(ListReport {
            model: model.to_owned(),
            n_users: self.pass.cases.len(),
            n_short_lists: tally.n_short_lists,
            measures: by_case.columns().iter().cloned().zip(estimates).collect(),
            exposure: exposures
                .flat_map(|exposure| exposure.measures(&candidates))
                .collect(),
            segments: self.pass.segment_reports(&by_case),
            protocol: self.pass.protocol(Measurement::Lists(self.protocol)),
            by_case,
        })
    }
}

impl Tally {
    fn take(&mut self, case: usize, list: MeasuredList) -> Result<(), EvaluationError> {
        if list.items.is_empty() {
            return Err(EvaluationError::EmptyList { case });
        }
        self.n_short_lists += usize::from(list.items.len() < self.longest);
        self.table.push(&list.row);
        let exposures = self.exposures.iter_mut();
        exposures.for_each(|exposure| exposure.add(&list.items));
        Ok(())
    }
}
