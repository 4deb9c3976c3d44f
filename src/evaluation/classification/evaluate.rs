//! From cases to a report.

use std::collections::BTreeMap;

use super::blocks::both_classes;
use super::cases::SegmentColumn;
use super::gain::gain_of;
use super::prepared::{Prepared, Values, estimates};
use super::reliability::curve_of;
use super::{
    ClassificationCases, ClassificationMetric, ClassificationReport, ClassificationSegment,
    ClassificationSettings, PredictionHistogram,
};
use crate::evaluation::{EvaluationError, IntervalSettings, Measurement, Protocol};

/// Number of points of the gain curve: deciles.
const N_GAIN_PARTS: usize = 10;
/// Number of bars of the histogram of predictions.
const N_BARS: usize = 20;

/// Measures all of [`ClassificationMetric::ALL`], the reliability curve, the gain curve, and the parts of the cases.
///
/// Group AUC is there if the cases have groups and one of them both classes, precision if a prediction reaches the
/// threshold; what is undefined is left out. Intervals draw rows, or whole groups if there are groups; all metrics are
/// measured on the same draws. The bins of the calibration error stay those of the cases.
///
/// `model` names who made the predictions.
///
/// # Errors
/// [`EvaluationError::SingleClass`]; of the settings [`EvaluationError::SettingOutOfRange`],
/// [`EvaluationError::TooFewResamples`], [`EvaluationError::LevelOutOfRange`].
pub fn evaluate_classification(
    model: &str,
    cases: &ClassificationCases,
    settings: &ClassificationSettings,
) -> Result<ClassificationReport, EvaluationError> {
    settings.check()?;
    let prepared = Prepared::new(cases, settings.threshold, settings.bins);
    let blocks = prepared.blocks.tally(|row| cases.weight(row));
    both_classes(&blocks).ok_or_else(|| cases.single_class("the report"))?;
    let interval = settings.interval.as_ref();
    let level = interval.map_or(IntervalSettings::default().level, |interval| interval.level);
    let n_units = prepared.n_units();
    let found = estimates(prepared.values(), n_units, interval, |counts| {
        prepared.resampled(counts)
    });
    let named = ClassificationMetric::ALL.into_iter().zip(found);
    Ok(ClassificationReport {
        model: model.to_owned(),
        n_rows: cases.n_rows(),
        n_positives: cases.n_positives(),
        groups: prepared.group_auc(),
        metrics: named
            .filter_map(|(metric, found)| Some((metric.name().to_owned(), found?)))
            .collect(),
        reliability: curve_of(cases, &prepared.blocks, settings.bins, level),
        gain: gain_of(&blocks, N_GAIN_PARTS).unwrap_or_default(),
        histogram: histogram(cases),
        segments: segments(cases, settings),
        protocol: Protocol {
            origin: settings.origin.clone(),
            n_cases: cases.n_rows(),
            cases_sha256: cases.sha256(),
            interval: settings.interval.clone(),
            measurement: Measurement::Classification(prepared.protocol()),
        },
        cases: Some(cases.clone()),
    })
}

fn histogram(cases: &ClassificationCases) -> PredictionHistogram {
    let highest = cases.probabilities().iter().copied().fold(0.0, f64::max);
    let high = if highest > 0.0 { highest } else { 1.0 };
    let mut n_rows = vec![0; N_BARS];
    for probability in cases.probabilities() {
        let bar = (probability / high * N_BARS as f64) as usize;
        n_rows[bar.min(N_BARS - 1)] += 1;
    }
    PredictionHistogram { high, n_rows }
}

fn segments(
    cases: &ClassificationCases,
    settings: &ClassificationSettings,
) -> BTreeMap<String, BTreeMap<String, ClassificationSegment>> {
    let by_value = |column: &SegmentColumn| {
        let mut rows = vec![Vec::new(); column.values.len()];
        for (row, &value) in column.value_of.iter().enumerate() {
            rows[value].push(row);
        }
        let values = column.values.iter().cloned().zip(rows);
        let values = values.map(|(value, rows)| (value, segment(&cases.subset(&rows), settings)));
        (column.name.clone(), values.collect())
    };
    cases.segments.iter().map(by_value).collect()
}

fn segment(
    cases: &ClassificationCases,
    settings: &ClassificationSettings,
) -> ClassificationSegment {
    let values: Values = Prepared::new(cases, settings.threshold, settings.bins).values();
    let named = ClassificationMetric::ALL.into_iter().zip(values);
    ClassificationSegment {
        n_rows: cases.n_rows(),
        n_positives: cases.n_positives(),
        metrics: named
            .filter_map(|(metric, value)| Some((metric.name().to_owned(), value?)))
            .collect(),
    }
}
