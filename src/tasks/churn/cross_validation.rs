//! Judging the whole procedure on rows that it has not seen.

use std::time::Instant;

use burn::tensor::Device;

use super::config::ChurnConfig;
use super::data::ChurnData;
use super::fit::{ChurnRun, fit};
use super::folds::Folds;
use super::parallel;
use crate::Error;
use crate::evaluation::classification::ClassificationCases;

/// What [`cross_validate`] gives.
#[derive(Clone, Debug)]
pub struct CrossValidation {
    /// One for each fold of each repeat, in that order.
    pub folds: Vec<FoldOutcome>,
    /// How the folds were made.
    pub origin: String,
}

/// What came of one fold.
#[derive(Clone, Debug)]
pub struct FoldOutcome {
    /// Which repeat, from 0.
    pub repeat: usize,
    /// Which fold of it, from 0.
    pub fold: usize,
    /// The rows that were tested.
    pub test_rows: Vec<usize>,
    /// Their probabilities beside the truth.
    pub cases: ClassificationCases,
    /// The answers within the training rows, by networks that had not seen each.
    pub out_of_fold: ClassificationCases,
    /// Wall-clock seconds of training and testing.
    pub seconds: f64,
}

/// Trains on all folds but one and tests that one, for each fold of each repeat.
///
/// Folds run side by side, on as many threads as `run` says. The result does not depend on how many.
///
/// # Errors
/// As [`fit`], for the first fold that fails.
pub fn cross_validate(
    config: &ChurnConfig,
    data: &ChurnData,
    folds: &Folds,
    run: &ChurnRun<'_>,
    device: &Device,
) -> Result<CrossValidation, Error> {
    let n_folds = folds.n_folds();
    let n_jobs = n_folds * folds.n_repeats();
    let n_threads = run.n_threads.unwrap_or_else(parallel::available);
    let of_fold = ChurnRun {
        n_threads: Some((n_threads / n_jobs).max(1)),
        cancel: run.cancel.clone(),
        on_member: run.on_member,
    };
    let outcomes = parallel::each(n_jobs, n_threads, |job| {
        let (repeat, fold) = (job / n_folds, job % n_folds);
        let (train, test_rows) = folds.rows(repeat, fold);
        let start = Instant::now();
        let trained = fit(config, &data.select(&train), &of_fold, device)?;
        let cases = trained.model.cases(&data.select(&test_rows))?;
        Ok(FoldOutcome {
            repeat,
            fold,
            test_rows,
            cases,
            out_of_fold: trained.out_of_fold,
            seconds: start.elapsed().as_secs_f64(),
        })
    })?;
    Ok(CrossValidation {
        folds: outcomes,
        origin: folds.origin().to_owned(),
    })
}

impl CrossValidation {
    /// The answers about all rows, in their order, in one repeat, each by the model that had not seen it.
    ///
    /// # Errors
    /// [`Error::Evaluation`] where there is no such repeat.
    pub fn pooled(&self, repeat: usize) -> Result<ClassificationCases, Error> {
        let mut rows = Vec::new();
        for fold in self.folds.iter().filter(|fold| fold.repeat == repeat) {
            for (case, &row) in fold.test_rows.iter().enumerate() {
                let weight = fold.cases.weights().map(|weights| weights[case]);
                let probability = fold.cases.probabilities()[case];
                rows.push((row, probability, fold.cases.labels()[case], weight));
            }
        }
        rows.sort_unstable_by_key(|&(row, ..)| row);
        let probabilities = rows.iter().map(|&(_, probability, ..)| probability);
        let labels = rows.iter().map(|&(_, _, label, _)| label).collect();
        let cases = ClassificationCases::new(probabilities.collect(), labels)?;
        let weights: Option<Vec<f64>> = rows.iter().map(|&(.., weight)| weight).collect();
        Ok(match weights {
            Some(weights) => cases.with_weights(weights)?,
            None => cases,
        })
    }
}
