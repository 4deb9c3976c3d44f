//! How often sets hold the label.

use super::binomial::{clopper_pearson, promised_coverage};
use super::classifier::check_unweighted;
use super::quantile::n_above;
use super::{
    ConformalClassifier, ConformalKind, ConformalProtocol, ConformalReport, Coverage, PredictionSet,
};
use crate::evaluation::classification::ClassificationCases;
use crate::evaluation::{DataOrigin, EvaluationError, Measurement, Protocol};

/// How [`evaluate_conformal`] judges.
#[derive(Clone, Debug, PartialEq)]
pub struct ConformalSettings {
    /// Share of the intervals of a coverage that hold it, in `(0, 1)`. Default 0.95.
    pub level: f64,
    /// Where the cases come from; carried into the protocol.
    pub origin: DataOrigin,
}

impl Default for ConformalSettings {
    fn default() -> Self {
        Self {
            level: 0.95,
            origin: DataOrigin::default(),
        }
    }
}

/// Counts how often the sets of rows that calibration did not see hold their label.
///
/// `model` names who made the predictions.
///
/// # Errors
/// [`EvaluationError::LevelOutOfRange`]; [`EvaluationError::WeightsUndefined`].
pub fn evaluate_conformal(
    model: &str,
    classifier: &ConformalClassifier,
    cases: &ClassificationCases,
    settings: &ConformalSettings,
) -> Result<ConformalReport, EvaluationError> {
    check_unweighted(cases)?;
    let sets = classifier.predict_sets(cases.probabilities())?;
    let rows: Vec<(bool, PredictionSet)> = cases.labels().iter().copied().zip(sets).collect();
    let count = |set: PredictionSet| rows.iter().filter(|(_, found)| *found == set).count();
    let kind = classifier.kind();
    let coverage = |class: Option<bool>| {
        let promise = match (kind, class) {
            (ConformalKind::Marginal, None) => Some(false),
            (ConformalKind::ClassConditional, class) => class,
            // Of each class alone nothing is promised.
            (ConformalKind::Marginal, Some(_)) => None,
        };
        let of_class = rows
            .iter()
            .filter(|(label, _)| class.is_none_or(|c| c == *label));
        let promise = promise.map(|label| promise_of(classifier, label));
        coverage_of(of_class.copied(), promise, settings.level)
    };
    let n_labels: usize = rows.iter().map(|(_, set)| set.n_labels()).sum();
    let n_single = count(PredictionSet::Negative) + count(PredictionSet::Positive);
    Ok(ConformalReport {
        model: model.to_owned(),
        coverage: coverage(None)?.ok_or(EvaluationError::NoCases)?,
        negatives: coverage(Some(false))?,
        positives: coverage(Some(true))?,
        n_empty: count(PredictionSet::Empty),
        n_negative: count(PredictionSet::Negative),
        n_positive: count(PredictionSet::Positive),
        n_both: count(PredictionSet::Both),
        mean_set_size: n_labels as f64 / rows.len() as f64,
        single_share: n_single as f64 / rows.len() as f64,
        protocol: Protocol {
            origin: settings.origin.clone(),
            n_cases: rows.len(),
            cases_sha256: cases.sha256(),
            interval: None,
            measurement: Measurement::Conformal(ConformalProtocol {
                alpha: classifier.alpha(),
                kind,
                level: settings.level,
            }),
        },
    })
}

/// The rank of the quantile of a label, and how many calibration rows and one to come are above.
fn promise_of(classifier: &ConformalClassifier, label: bool) -> (usize, usize) {
    let n_rows = classifier.n_calibration_rows(label);
    let n_above = n_above(n_rows, classifier.alpha());
    (n_rows + 1 - n_above, n_above)
}

/// `None` without rows.
fn coverage_of(
    rows: impl Iterator<Item = (bool, PredictionSet)>,
    promise: Option<(usize, usize)>,
    level: f64,
) -> Result<Option<Coverage>, EvaluationError> {
    let (mut n_rows, mut n_covered) = (0, 0);
    for (label, set) in rows {
        n_rows += 1;
        n_covered += usize::from(set.holds(label));
    }
    if n_rows == 0 {
        return Ok(None);
    }
    Ok(Some(Coverage {
        n_rows,
        n_covered,
        share: n_covered as f64 / n_rows as f64,
        interval: clopper_pearson(n_covered, n_rows, level)?,
        promised: promise.map(|promise| promised_coverage(promise, n_rows, level)),
    }))
}
