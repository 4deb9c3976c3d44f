//! Calibration finds the best map of its kind, gives probabilities, and refuses what has no best.

use proptest::prelude::*;
use rand::RngExt;
use salient::evaluation::EvaluationError as E;
use salient::evaluation::calibration::{
    CalibrationKind, Calibrator, IsotonicMap, PlattTargets, prior_corrected, prior_shift,
};
use salient::evaluation::classification::{
    CalibrationBins, ClassificationCases, expected_calibration_error, roc_auc,
};
use salient::random::RandomKey;
use serde_json::Value;

use crate::support::{assert_close, golden};

const KINDS: [CalibrationKind; 4] = [
    CalibrationKind::Temperature,
    CalibrationKind::Platt(PlattTargets::Smoothed),
    CalibrationKind::Platt(PlattTargets::Labels),
    CalibrationKind::Isotonic,
];

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap()).collect()
}

/// Logits, labels and weights.
type Rows = (Vec<f64>, Vec<bool>, Vec<f64>);

fn golden_cases() -> Vec<(Rows, Value)> {
    let golden = golden("classification");
    let cases = golden["calibration"].as_array().unwrap().iter();
    let rows = |case: &Value| {
        let labels = case["labels"].as_array().unwrap().iter();
        let labels = labels.map(|label| label.as_bool().unwrap()).collect();
        (
            (numbers(&case["logits"]), labels, numbers(&case["weights"])),
            case.clone(),
        )
    };
    cases.map(rows).collect()
}

fn fit(kind: CalibrationKind, (logits, labels, weights): &Rows) -> Calibrator {
    Calibrator::fit(kind, logits, labels, Some(weights)).unwrap()
}

#[test]
fn fits_are_those_of_scikit_learn() {
    for (rows, case) in golden_cases() {
        let Calibrator::Temperature { temperature } = fit(CalibrationKind::Temperature, &rows)
        else {
            panic!("not a temperature");
        };
        assert_close(
            &[temperature],
            &[case["temperature"].as_f64().unwrap()],
            1e-9,
        );
        let line = |targets| match fit(CalibrationKind::Platt(targets), &rows) {
            Calibrator::Platt { slope, intercept } => [slope, intercept],
            other => panic!("{other}"),
        };
        // Its logistic regression ends at a gradient near 1e-12, its own Platt fit at one of 1e-6 of the mean.
        let expected = numbers(&case["platt_labels"]);
        assert_close(&line(PlattTargets::Labels), &expected, 1e-7);
        let expected = numbers(&case["platt_smoothed"]);
        assert_close(&line(PlattTargets::Smoothed), &expected, 1e-4);
        let isotonic = fit(CalibrationKind::Isotonic, &rows);
        let asked = numbers(&case["asked"]).into_iter();
        let found: Vec<f64> = asked.map(|logit| isotonic.probability(logit)).collect();
        assert_close(&found, &numbers(&case["isotonic"]), 1e-12);
    }
}

fn some_rows() -> impl Strategy<Value = Rows> {
    let logit = prop::sample::select(vec![-3.0, -1.5, -1.0, -0.25, 0.0, 0.5, 1.0, 2.0, 4.0]);
    let row = (logit, prop::bool::ANY, 0..4u32);
    prop::collection::vec(row, 6..40).prop_map(|mut rows| {
        // A positive and a negative row on either side of 0, so that every kind has a best map but for the direction.
        rows[0] = (-1.0, true, 1);
        rows[1] = (2.0, true, 3);
        rows[2] = (-1.5, false, 3);
        rows[3] = (1.0, false, 1);
        (
            rows.iter().map(|row| row.0).collect(),
            rows.iter().map(|row| row.1).collect(),
            rows.iter().map(|row| f64::from(row.2)).collect(),
        )
    })
}

/// The mean loss of the probabilities that a calibrator gives, with the label's probability taken for `targets`.
fn loss(calibrator: &Calibrator, (logits, labels, weights): &Rows, targets: [f64; 2]) -> f64 {
    let cost = |row: usize| {
        let (p, target) = (
            calibrator.probability(logits[row]),
            targets[usize::from(labels[row])],
        );
        -weights[row] * (target * p.ln() + (1.0 - target) * (1.0 - p).ln())
    };
    (0..logits.len()).map(cost).sum::<f64>() / weights.iter().sum::<f64>()
}

fn smoothed((_, labels, weights): &Rows) -> [f64; 2] {
    let of = |label| -> f64 {
        let rows = labels
            .iter()
            .zip(weights)
            .filter(|(found, _)| **found == label);
        rows.map(|(_, weight)| weight).sum()
    };
    [1.0 / (of(false) + 2.0), (of(true) + 1.0) / (of(true) + 2.0)]
}

/// The best rising values by the max-min formula, which pools nothing (Robertson et al. 1988, theorem 1.4.4).
fn isotonic_by_max_min((logits, labels, weights): &Rows) -> Vec<(f64, f64)> {
    let mut points: Vec<f64> = (0..logits.len())
        .filter(|&row| weights[row] > 0.0)
        .map(|row| logits[row])
        .collect();
    points.sort_by(f64::total_cmp);
    points.dedup();
    let mean = |first: f64, last: f64| {
        let rows = (0..logits.len()).filter(|&row| (first..=last).contains(&logits[row]));
        let (mut positive, mut total) = (0.0, 0.0);
        for row in rows {
            positive += weights[row] * f64::from(labels[row]);
            total += weights[row];
        }
        positive / total
    };
    let value = |at: usize| {
        let least = |first: usize| {
            let means = (at..points.len()).map(|last| mean(points[first], points[last]));
            means.fold(f64::INFINITY, f64::min)
        };
        (0..=at).map(least).fold(f64::NEG_INFINITY, f64::max)
    };
    (0..points.len())
        .map(|at| (points[at], value(at)))
        .collect()
}

proptest! {
    #[test]
    fn no_neighbouring_map_is_better(rows in some_rows()) {
        for (targets, values) in [(PlattTargets::Labels, [0.0, 1.0]), (PlattTargets::Smoothed, smoothed(&rows))] {
            let best = fit(CalibrationKind::Platt(targets), &rows);
            let Calibrator::Platt { slope, intercept } = best else { unreachable!() };
            for (by_slope, by_intercept) in [(1e-3, 0.0), (-1e-3, 0.0), (0.0, 1e-3), (0.0, -1e-3), (1e-3, -1e-3)] {
                let near = Calibrator::Platt { slope: slope + by_slope, intercept: intercept + by_intercept };
                prop_assert!(loss(&best, &rows, values) < loss(&near, &rows, values));
            }
        }
        match Calibrator::fit(CalibrationKind::Temperature, &rows.0, &rows.1, Some(&rows.2)) {
            Ok(best) => {
                let Calibrator::Temperature { temperature } = best else { unreachable!() };
                for factor in [0.999, 1.001] {
                    let near = Calibrator::Temperature { temperature: temperature * factor };
                    prop_assert!(loss(&best, &rows, [0.0, 1.0]) <= loss(&near, &rows, [0.0, 1.0]));
                }
            }
            Err(error) => {
                // Only where certainty in the logits' sense does not help at all.
                let said = (0..rows.0.len()).map(|row| rows.2[row] * rows.0[row] * (f64::from(rows.1[row]) - 0.5));
                prop_assert!(said.sum::<f64>() <= 1e-12, "{error}");
            }
        }
    }

    #[test]
    fn pooling_finds_the_best_rising_values(rows in some_rows()) {
        let calibrator = fit(CalibrationKind::Isotonic, &rows);
        let n_rows = rows.2.iter().filter(|weight| **weight > 0.0).count();
        let bound = 1.0 / (n_rows as f64 + 2.0);
        for (logit, expected) in isotonic_by_max_min(&rows) {
            let found = calibrator.probability(logit);
            prop_assert!((found - expected.clamp(bound, 1.0 - bound)).abs() < 1e-12, "{logit}: {found}, {expected}");
        }
    }

    #[test]
    fn a_weight_counts_as_so_many_rows(rows in some_rows()) {
        let (logits, labels, weights) = &rows;
        let repeated = |row: usize| vec![row; weights[row] as usize];
        let order: Vec<usize> = (0..logits.len()).rev().flat_map(repeated).collect();
        let logits: Vec<f64> = order.iter().map(|&row| logits[row]).collect();
        let labels: Vec<bool> = order.iter().map(|&row| labels[row]).collect();
        for kind in &KINDS[1..3] {
            let (left, right) = (fit(*kind, &rows), Calibrator::fit(*kind, &logits, &labels, None).unwrap());
            for logit in [-4.0, -0.3, 0.0, 2.2] {
                prop_assert!((left.probability(logit) - right.probability(logit)).abs() < 1e-7);
            }
        }
    }

    #[test]
    fn every_number_has_a_probability(rows in some_rows(), logit in -1e300..1e300f64, near in -9.0..9.0f64) {
        for kind in KINDS {
            let Ok(calibrator) = Calibrator::fit(kind, &rows.0, &rows.1, Some(&rows.2)) else { continue };
            for logit in [logit, near, 0.0, f64::MAX, f64::MIN, f64::INFINITY, f64::NEG_INFINITY] {
                let probability = calibrator.probability(logit);
                prop_assert!((0.0..=1.0).contains(&probability), "{calibrator}: {probability}");
            }
            prop_assert!(calibrator.probability(f64::NAN).is_nan());
            let json = serde_json::to_string(&calibrator).unwrap();
            let read: Calibrator = serde_json::from_str(&json).unwrap();
            prop_assert!((read.probability(near) - calibrator.probability(near)).abs() < 1e-12);
        }
    }
}

/// Logits of a model that is twice as sure as it should be and promises too much, with labels that follow the truth.
fn overconfident(seed: u64, n: usize) -> (Vec<f64>, Vec<bool>) {
    let mut generator = RandomKey::new(seed).generator();
    let row = |_| {
        let truth = 4.0 * generator.random::<f64>() - 3.0;
        (
            2.0 * truth + 1.0,
            generator.random::<f64>() < sigmoid(truth),
        )
    };
    (0..n).map(row).unzip()
}

#[test]
fn calibration_on_one_half_mends_the_other() {
    let (logits, labels) = overconfident(5, 20_000);
    let (asked, truth) = overconfident(6, 20_000);
    let error = |calibrator: &Calibrator| {
        let probabilities = asked
            .iter()
            .map(|&logit| calibrator.probability(logit))
            .collect();
        let cases = ClassificationCases::new(probabilities, truth.clone()).unwrap();
        let error = expected_calibration_error(&cases, CalibrationBins::EqualMass(10)).unwrap();
        (error, roc_auc(&cases).unwrap())
    };
    let (before, auc) = error(&Calibrator::Identity);
    assert!((0.05..0.3).contains(&before), "{before}");
    for kind in KINDS {
        let calibrator = Calibrator::fit(kind, &logits, &labels, None).unwrap();
        let (after, auc_after) = error(&calibrator);
        // A bin of 2000 rows is off by about 0.01 by chance. A temperature cannot mend the share of positives.
        let most = if kind == CalibrationKind::Temperature {
            before
        } else {
            0.015
        };
        assert!(after < most, "{calibrator}: {after}");
        assert!((auc_after - auc).abs() < 0.002, "{calibrator}");
    }
    let line = Calibrator::fit(KINDS[1], &logits, &labels, None).unwrap();
    let Calibrator::Platt { slope, intercept } = line else {
        panic!("{line}");
    };
    // The truth is (logit - 1) / 2; the standard errors are near 0.007 and 0.02.
    assert!(
        (0.47..0.53).contains(&slope) && (-0.58..-0.42).contains(&intercept),
        "{line}"
    );
}

#[test]
fn negatives_that_were_left_out_are_restored() {
    let mut generator = RandomKey::new(9).generator();
    // Of two kinds of rows one clicks in 2 %, the other in 10 % of the cases; of the negatives a tenth is kept.
    for truth in [0.02, 0.1] {
        let (mut positive, mut kept) = (0.0, 0.0);
        for _ in 0..400_000 {
            let label = generator.random::<f64>() < truth;
            if label || generator.random::<f64>() < 0.1 {
                positive += f64::from(label);
                kept += 1.0;
            }
        }
        let sampled: f64 = positive / kept;
        assert!(sampled > 1.5 * truth);
        let restored = prior_corrected(sampled, 0.1).unwrap();
        assert!((restored / truth - 1.0).abs() < 0.05, "{restored}");
        let logit = (sampled / (1.0 - sampled)).ln();
        let shifted = sigmoid(logit + prior_shift(0.1).unwrap());
        assert!((shifted - restored).abs() < 1e-12);
    }
    assert_eq!(prior_shift(1.0).unwrap(), 0.0);
    assert_eq!(
        (
            prior_corrected(0.0, 0.1).unwrap(),
            prior_corrected(1.0, 0.1).unwrap()
        ),
        (0.0, 1.0)
    );
    for share in [0.0, -0.5, 1.0001, f64::NAN] {
        let errors = [
            prior_shift(share).unwrap_err(),
            prior_corrected(0.5, share).unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(
                error,
                E::SettingOutOfRange {
                    setting: "share of negatives that were kept",
                    ..
                }
            ));
        }
    }
    for probability in [-0.1, 1.1, f64::NAN] {
        let error = prior_corrected(probability, 0.5).unwrap_err();
        assert!(matches!(
            error,
            E::SettingOutOfRange {
                setting: "probability",
                ..
            }
        ));
    }
}

#[test]
fn rows_that_cannot_be_fitted_to_are_refused() {
    let logits = [-1.0, 1.0, 0.5];
    let labels = [false, true, false];
    for kind in KINDS.into_iter().chain([CalibrationKind::Identity]) {
        let fit = |logits: &[f64], labels: &[bool], weights: Option<&[f64]>| {
            Calibrator::fit(kind, logits, labels, weights).unwrap_err()
        };
        assert!(matches!(fit(&[], &[], None), E::NoCases));
        let error = fit(&logits, &labels[..2], None);
        assert!(matches!(
            error,
            E::RowCount {
                found: 2,
                expected: 3,
                ..
            }
        ));
        let error = fit(&logits, &labels, Some(&[1.0; 4]));
        assert!(matches!(
            error,
            E::RowCount {
                found: 4,
                expected: 3,
                ..
            }
        ));
        for value in [f64::NAN, f64::INFINITY, -2e100] {
            let error = fit(&[-1.0, value, 0.5], &labels, None);
            assert!(matches!(
                error,
                E::RowOutOfRange {
                    column: "logit",
                    row: 1,
                    ..
                }
            ));
        }
        let error = fit(&logits, &labels, Some(&[1.0, -1.0, 1.0]));
        assert!(matches!(
            error,
            E::RowOutOfRange {
                column: "weight",
                row: 1,
                ..
            }
        ));
        let error = fit(&logits, &labels, Some(&[0.0; 3]));
        assert!(matches!(error, E::NoWeight { n_rows: 3 }));
        // The only positive row has no weight.
        let error = fit(&logits, &labels, Some(&[1.0, 0.0, 1.0]));
        assert!(matches!(
            error,
            E::SingleClass {
                metric: "calibration",
                n_rows: 2,
                n_positives: 0
            }
        ));
    }
}

#[test]
fn what_has_no_best_map_is_refused() {
    let refusal =
        |kind, logits: &[f64], labels: &[bool]| match Calibrator::fit(kind, logits, labels, None) {
            Err(E::NoBestCalibration { reason, .. }) => Some(reason),
            Err(other) => panic!("{other}"),
            Ok(_) => None,
        };
    let [temperature, smoothed, labels, isotonic] = KINDS;
    let apart = ([-2.0, -1.0, 1.0, 2.0], [false, false, true, true]);
    let surer = |reason: Option<&str>| {
        reason.is_some_and(|reason| reason.contains("surer is always better"))
    };
    assert!(surer(refusal(temperature, &apart.0, &apart.1)));
    assert!(surer(refusal(labels, &apart.0, &apart.1)));
    assert!(refusal(smoothed, &apart.0, &apart.1).is_none());
    assert!(refusal(isotonic, &apart.0, &apart.1).is_none());
    // The classes touch in one logit: the likelihood still rises without end.
    let touching = ([-2.0, 1.0, 1.0, 2.0], [false, false, true, true]);
    assert!(surer(refusal(labels, &touching.0, &touching.1)));
    assert!(refusal(temperature, &touching.0, &touching.1).is_none());
    let equal = ([1.0; 4], [false, true, true, true]);
    for kind in [smoothed, labels] {
        assert_eq!(
            refusal(kind, &equal.0, &equal.1),
            Some("all logits are equal")
        );
    }
    assert!(refusal(isotonic, &equal.0, &equal.1).is_none());
    let opposite = ([2.0, 1.0, -1.0, -2.0], [false, true, false, true]);
    let reason = refusal(temperature, &opposite.0, &opposite.1).unwrap();
    assert!(reason.contains("the opposite"), "{reason}");
    // A line may fall.
    let Ok(Calibrator::Platt { slope, .. }) =
        Calibrator::fit(labels, &opposite.0, &opposite.1, None)
    else {
        panic!("no line");
    };
    assert!((-1.0..-0.1).contains(&slope), "{slope}");
}

#[test]
fn logits_of_any_size_are_fitted_to() {
    for size in [1e-60, 1e-6, 1.0, 1e6, 1e60] {
        let logits = [-2.0, -1.0, 1.0, 2.0, -1.0, 1.0].map(|logit| logit * size);
        let labels = [false, false, true, true, true, false];
        for kind in KINDS {
            let found = Calibrator::fit(kind, &logits, &labels, None).unwrap();
            let plain = Calibrator::fit(kind, &logits.map(|logit| logit / size), &labels, None);
            let (found, plain) = (
                found.probability(1.5 * size),
                plain.unwrap().probability(1.5),
            );
            assert!(
                (found - plain).abs() < 1e-6,
                "{kind:?}, {size}: {found}, {plain}"
            );
        }
    }
}

#[test]
fn isotonic_maps_are_level_beyond_their_ends_and_never_certain() {
    let logits = [-2.0, -1.0, 0.0, 1.0, 2.0];
    let labels = [false, false, true, true, true];
    let map = Calibrator::fit(CalibrationKind::Isotonic, &logits, &labels, None).unwrap();
    // Five rows: no probability below a seventh.
    assert_eq!(map.probability(-2.0), 1.0 / 7.0);
    assert_eq!(map.probability(-1e9), 1.0 / 7.0);
    assert_eq!(map.probability(1e9), 1.0 - 1.0 / 7.0);
    assert!((map.probability(-0.5) - 0.5).abs() < 1e-12);
    assert_eq!(map.to_string(), "isotonic, 4 points");
}

#[test]
fn a_calibrator_reads_back_and_a_bad_one_is_refused() {
    let calibrators = [
        (r#"{"kind":"identity"}"#, Calibrator::Identity),
        (
            r#"{"kind":"temperature","temperature":1.5}"#,
            Calibrator::Temperature { temperature: 1.5 },
        ),
        (
            r#"{"kind":"platt","slope":0.5,"intercept":-1.0}"#,
            Calibrator::Platt {
                slope: 0.5,
                intercept: -1.0,
            },
        ),
        (
            r#"{"kind":"isotonic","logits":[-1.0,2.0],"probabilities":[0.25,0.5]}"#,
            Calibrator::Isotonic(IsotonicMap::new(vec![-1.0, 2.0], vec![0.25, 0.5]).unwrap()),
        ),
    ];
    for (json, calibrator) in calibrators {
        assert_eq!(serde_json::to_string(&calibrator).unwrap(), json);
        assert_eq!(
            serde_json::from_str::<Calibrator>(json).unwrap(),
            calibrator
        );
    }
    let bad = [
        (
            r#"{"kind":"temperature","temperature":0.0}"#,
            "temperature is 0; it must be finite and above 0",
        ),
        (
            r#"{"kind":"temperature","temperature":-1.0}"#,
            "temperature is -1;",
        ),
        (
            r#"{"kind":"temperature","temperature":null}"#,
            "invalid type: null",
        ),
        (r#"{"kind":"temperature"}"#, "missing field `temperature`"),
        (r#"{"kind":"beta"}"#, "unknown variant `beta`"),
        (
            r#"{"kind":"isotonic","logits":[],"probabilities":[]}"#,
            "no cases",
        ),
        (
            r#"{"kind":"isotonic","logits":[1.0],"probabilities":[0.1,0.2]}"#,
            "probabilities has 2 entries for 1 rows",
        ),
        (
            r#"{"kind":"isotonic","logits":[1.0,1.0],"probabilities":[0.1,0.2]}"#,
            "logit of row 1 is 1;",
        ),
        (
            r#"{"kind":"isotonic","logits":[1.0,2.0],"probabilities":[0.2,0.1]}"#,
            "probability of row 1 is 0.1;",
        ),
        (
            r#"{"kind":"isotonic","logits":[1.0],"probabilities":[1.5]}"#,
            "probability of row 0 is 1.5;",
        ),
    ];
    for (json, message) in bad {
        let error = serde_json::from_str::<Calibrator>(json)
            .unwrap_err()
            .to_string();
        assert!(error.contains(message), "{json}: {error}");
    }
    for bad in [f64::NAN, f64::INFINITY] {
        assert!(
            Calibrator::Platt {
                slope: bad,
                intercept: 0.0
            }
            .check()
            .is_err()
        );
        assert!(
            Calibrator::Platt {
                slope: 1.0,
                intercept: bad
            }
            .check()
            .is_err()
        );
        assert!(
            Calibrator::Temperature { temperature: bad }
                .check()
                .is_err()
        );
        assert!(IsotonicMap::new(vec![bad], vec![0.5]).is_err());
        assert!(IsotonicMap::new(vec![0.0], vec![bad]).is_err());
    }
}
