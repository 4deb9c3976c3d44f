//! Probabilities to sets of labels.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PredictionSet;
use super::quantile::{NEGATIVE_ROWS, POSITIVE_ROWS, Quantile, ROWS};
use crate::evaluation::EvaluationError;
use crate::evaluation::classification::{ClassificationCases, check_probabilities};

/// What the promise of a set holds for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConformalKind {
    /// Of all rows together. The default. Where one class is rare, most of the misses may be of that class.
    #[default]
    Marginal,
    /// Of the rows of each class (Mondrian). Needs enough calibration rows of each; sets are larger.
    ClassConditional,
}

impl fmt::Display for ConformalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Marginal => "marginal",
            Self::ClassConditional => "class conditional",
        })
    }
}

/// Turns a probability into the set of labels that the row may have; the set misses the true one with chance `alpha` at most.
///
/// A label is in the set if its nonconformity, 1 less its probability, is at most the quantile of those of the calibration
/// rows: the `k`-th smallest of `n`, `k = ceil((n + 1) (1 - alpha))`.
///
/// The promise is over calibration rows and rows to come that are exchangeable: drawn alike, none of them seen in training.
/// It says nothing of customers of another time or place. Several rows of one customer are not exchangeable with those of
/// others. It does not say that probabilities are calibrated, nor ask for it: a bad model has large sets.
///
/// Serialises with its numbers; what is read back is checked.
///
/// # Edge cases
/// A label whose nonconformity equals the quantile is in the set. Ties make sets hold the label more often than promised.
/// The quantile is rounded up to 15 digits, so that it comes back from JSON unchanged.
///
/// # Source
/// Vovk, Gammerman and Shafer 2005, "Algorithmic learning in a random world", chapters 2 and 4 (Mondrian); Angelopoulos and
/// Bates 2021, sections 1 and 4.2, <https://arxiv.org/abs/2107.07511>. Differences: `(n + 1) (1 - alpha)` may exceed a whole
/// number by 1e-9 for rounding; too few rows are refused where the quantile would be infinite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredClassifier")]
pub struct ConformalClassifier {
    alpha: f64,
    #[serde(flatten)]
    quantiles: Quantiles,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Quantiles {
    Marginal(Quantile),
    ClassConditional {
        negative: Quantile,
        positive: Quantile,
    },
}

impl ConformalClassifier {
    /// Calibrates on rows that neither training nor the calibration of the probabilities saw.
    ///
    /// # Errors
    /// [`EvaluationError::SettingOutOfRange`] for an `alpha` outside `(0, 1)`; [`EvaluationError::WeightsUndefined`];
    /// [`EvaluationError::TooFewCalibrationRows`]: at least `1 / alpha - 1` are needed, of each class if class-conditional.
    pub fn fit(
        kind: ConformalKind,
        alpha: f64,
        calibration: &ClassificationCases,
    ) -> Result<Self, EvaluationError> {
        check_alpha(alpha)?;
        check_unweighted(calibration)?;
        let of_class = |class: bool, rows: &'static str| {
            let scores = scores(calibration).filter(|(label, _)| *label == class);
            Quantile::new(alpha, rows, scores.map(|(_, score)| score).collect())
        };
        let quantiles = match kind {
            ConformalKind::Marginal => {
                let scores = scores(calibration).map(|(_, score)| score);
                Quantiles::Marginal(Quantile::new(alpha, ROWS, scores.collect())?)
            }
            ConformalKind::ClassConditional => Quantiles::ClassConditional {
                negative: of_class(false, NEGATIVE_ROWS)?,
                positive: of_class(true, POSITIVE_ROWS)?,
            },
        };
        Ok(Self { alpha, quantiles })
    }

    /// The set of labels that each row may have.
    ///
    /// # Errors
    /// [`EvaluationError::RowOutOfRange`] for a probability that is not a number in `[0, 1]`.
    pub fn predict_sets(
        &self,
        probabilities: &[f64],
    ) -> Result<Vec<PredictionSet>, EvaluationError> {
        check_probabilities(probabilities)?;
        let holds = |probability: f64, label: bool| {
            nonconformity(probability, label) <= self.quantile_of(label).nonconformity
        };
        let sets = probabilities.iter();
        Ok(sets
            .map(|&p| PredictionSet::new(holds(p, false), holds(p, true)))
            .collect())
    }

    /// Share of the sets that may miss the label.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// What the promise holds for.
    pub fn kind(&self) -> ConformalKind {
        match self.quantiles {
            Quantiles::Marginal(_) => ConformalKind::Marginal,
            Quantiles::ClassConditional { .. } => ConformalKind::ClassConditional,
        }
    }

    /// The highest nonconformity with which a label is in a set.
    pub fn quantile(&self, label: bool) -> f64 {
        self.quantile_of(label).nonconformity
    }

    /// Number of calibration rows behind the quantile of a label.
    pub fn n_calibration_rows(&self, label: bool) -> usize {
        self.quantile_of(label).n_rows
    }

    fn quantile_of(&self, label: bool) -> Quantile {
        match (self.quantiles, label) {
            (Quantiles::Marginal(quantile), _) => quantile,
            (Quantiles::ClassConditional { negative, .. }, false) => negative,
            (Quantiles::ClassConditional { positive, .. }, true) => positive,
        }
    }
}

/// The label of each row and how unlike the others it is.
fn scores(cases: &ClassificationCases) -> impl Iterator<Item = (bool, f64)> {
    let rows = cases.labels().iter().zip(cases.probabilities());
    rows.map(|(&label, &probability)| (label, nonconformity(probability, label)))
}

/// 1 less the probability of the label.
fn nonconformity(probability: f64, label: bool) -> f64 {
    match label {
        true => 1.0 - probability,
        false => probability,
    }
}

fn check_alpha(alpha: f64) -> Result<(), EvaluationError> {
    // Less than this would need more rows than can be counted.
    match (1e-9..1.0).contains(&alpha) {
        true => Ok(()),
        false => Err(EvaluationError::SettingOutOfRange {
            setting: "alpha",
            value: alpha,
            rule: "above 0 (by 1e-9 at least) and below 1",
        }),
    }
}

pub(super) fn check_unweighted(cases: &ClassificationCases) -> Result<(), EvaluationError> {
    match cases.weights() {
        None => Ok(()),
        Some(_) => Err(EvaluationError::WeightsUndefined {
            what: "conformal prediction",
        }),
    }
}

/// A classifier as it is stored, not yet checked.
#[derive(Deserialize)]
struct StoredClassifier {
    alpha: f64,
    #[serde(flatten)]
    quantiles: Quantiles,
}

impl TryFrom<StoredClassifier> for ConformalClassifier {
    type Error = EvaluationError;

    fn try_from(stored: StoredClassifier) -> Result<Self, EvaluationError> {
        let StoredClassifier { alpha, quantiles } = stored;
        check_alpha(alpha)?;
        match &quantiles {
            Quantiles::Marginal(quantile) => quantile.check(alpha, ROWS)?,
            Quantiles::ClassConditional { negative, positive } => {
                negative.check(alpha, NEGATIVE_ROWS)?;
                positive.check(alpha, POSITIVE_ROWS)?;
            }
        }
        Ok(Self { alpha, quantiles })
    }
}

impl fmt::Display for ConformalClassifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, alpha) = (self.kind(), self.alpha);
        write!(f, "{kind}, alpha {alpha}")?;
        match self.quantiles {
            Quantiles::Marginal(of) => {
                write!(
                    f,
                    ", quantile {:.4} of {} rows",
                    of.nonconformity, of.n_rows
                )
            }
            Quantiles::ClassConditional { negative, positive } => write!(
                f,
                ", quantiles {:.4} of {} negative and {:.4} of {} positive rows",
                negative.nonconformity, negative.n_rows, positive.nonconformity, positive.n_rows
            ),
        }
    }
}
