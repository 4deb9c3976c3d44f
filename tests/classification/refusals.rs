//! Columns and settings that make no sense are refused by name.

use salient::evaluation::EvaluationError as E;
use salient::evaluation::IntervalSettings;
use salient::evaluation::classification::{
    CalibrationBins, ClassificationCases, ClassificationSettings, average_precision, confusion_at,
    cumulative_gain, evaluate_classification, expected_calibration_error, group_auc, lift_at,
    log_loss, normalised_entropy, reliability_curve, roc_auc,
};

use super::cases;

#[test]
fn probabilities_outside_0_to_1_are_refused() {
    for value in [-1e-9, 1.0 + 1e-9, f64::NAN, f64::INFINITY] {
        let error = ClassificationCases::new(vec![0.0, 1.0, value], vec![true; 3]).unwrap_err();
        assert!(matches!(
            error,
            E::RowOutOfRange { column: "probability", row: 2, value: found, .. }
                if found.to_bits() == value.to_bits()
        ));
        let again = cases(&[0.0, 1.0], &[true, false]).with_probabilities(vec![value, 0.5]);
        assert!(matches!(again, Err(E::RowOutOfRange { row: 0, .. })));
    }
    let error = ClassificationCases::new(vec![0.1, 1.5], vec![true; 2]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "probability of row 1 is 1.5; it must be between 0 and 1"
    );
}

#[test]
fn columns_of_other_lengths_are_refused() {
    let two = cases(&[0.1, 0.2], &[true, false]);
    let check = |error: E, expected_column: &str| {
        assert_eq!(
            error.to_string(),
            format!("{expected_column} has 3 entries for 2 rows; give one a row")
        );
        assert!(matches!(
            error,
            E::RowCount { column, found: 3, expected: 2 } if column == expected_column
        ));
    };
    let error = ClassificationCases::new(vec![0.1, 0.2], vec![true; 3]);
    check(error.unwrap_err(), "labels");
    check(
        two.clone().with_weights(vec![1.0; 3]).unwrap_err(),
        "weights",
    );
    check(two.clone().with_groups(vec![1; 3]).unwrap_err(), "groups");
    check(
        two.with_probabilities(vec![0.5; 3]).unwrap_err(),
        "probabilities",
    );
    let error = two.with_segment("country", &["no"; 3]).unwrap_err();
    assert!(matches!(
        error,
        E::LabelsMismatch { segment, n_labels: 3, n_cases: 2 } if segment == "country"
    ));
    let error = ClassificationCases::new(vec![], vec![]).unwrap_err();
    assert!(matches!(error, E::NoCases));
}

#[test]
fn weights_that_cannot_count_rows_are_refused() {
    let two = cases(&[0.1, 0.2], &[true, false]);
    for value in [-1.0, f64::NAN, f64::INFINITY, 1e-101, 1e101] {
        let error = two.clone().with_weights(vec![1.0, value]).unwrap_err();
        assert!(
            matches!(
                error,
                E::RowOutOfRange {
                    column: "weight",
                    row: 1,
                    ..
                }
            ),
            "{value}"
        );
    }
    assert!(two.clone().with_weights(vec![1e-100, 1e100]).is_ok());
    let error = two.with_weights(vec![0.0; 2]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "all 2 weights are 0; one at least must be above"
    );
    assert!(matches!(error, E::NoWeight { n_rows: 2 }));
}

#[test]
fn the_smallest_and_the_largest_weights_count_alike() {
    let of = |weight: f64| {
        let three = cases(&[0.1, 0.2, 0.15], &[false, true, true]);
        roc_auc(&three.with_weights(vec![weight; 3]).unwrap()).unwrap()
    };
    assert_eq!((of(1e-100), of(1.0), of(1e100)), (1.0, 1.0, 1.0));
}

#[test]
fn one_class_has_no_ranking() {
    // The only negative row has no weight.
    let one = cases(&[0.1, 0.2, 0.3], &[true, false, true]);
    let one = one.with_weights(vec![1.0, 0.0, 2.0]).unwrap();
    let settings = ClassificationSettings::default();
    let errors = [
        (roc_auc(&one).unwrap_err(), "roc_auc"),
        (average_precision(&one).unwrap_err(), "average_precision"),
        (normalised_entropy(&one).unwrap_err(), "normalised_entropy"),
        (cumulative_gain(&one, 10).unwrap_err(), "cumulative_gain"),
        (lift_at(&one, 0.5).unwrap_err(), "lift"),
        (
            evaluate_classification("one", &one, &settings).unwrap_err(),
            "the report",
        ),
    ];
    for (error, expected) in errors {
        let text = "needs both classes: 2 of 2 weighted rows are positive";
        assert_eq!(error.to_string(), format!("{expected} {text}"));
        assert!(matches!(
            error,
            E::SingleClass { metric, n_rows: 2, n_positives: 2 } if metric == expected
        ));
    }
    assert!(log_loss(&one).is_ok());
}

#[test]
fn group_auc_needs_groups_with_both_classes() {
    let two = cases(&[0.1, 0.2], &[true, false]);
    assert!(matches!(group_auc(&two).unwrap_err(), E::NoGroups));
    let apart = two.with_groups(vec![1, 2]).unwrap();
    let error = group_auc(&apart).unwrap_err();
    assert!(matches!(error, E::NoGroupWithBothClasses { n_groups: 2 }));
    assert_eq!(
        error.to_string(),
        "group_auc is undefined: none of 2 groups has both classes"
    );
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let two = cases(&[0.1, 0.2], &[true, false]);
    for threshold in [-0.1, 1.1, f64::NAN] {
        let error = confusion_at(&two, threshold).unwrap_err();
        assert!(matches!(
            error,
            E::SettingOutOfRange {
                setting: "threshold",
                ..
            }
        ));
        let settings = ClassificationSettings {
            threshold,
            ..ClassificationSettings::default()
        };
        assert!(evaluate_classification("", &two, &settings).is_err());
    }
    assert!(confusion_at(&two, 0.0).is_ok() && confusion_at(&two, 1.0).is_ok());
    for share in [0.0, -1.0, 1.1, f64::NAN] {
        let error = lift_at(&two, share).unwrap_err();
        assert!(matches!(
            error,
            E::SettingOutOfRange {
                setting: "share of rows",
                ..
            }
        ));
    }
    for bins in [
        CalibrationBins::EqualMass(0),
        CalibrationBins::EqualWidth(0),
    ] {
        let errors = [
            expected_calibration_error(&two, bins).unwrap_err(),
            reliability_curve(&two, bins, 0.95).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(
                error.to_string(),
                "number of bins is 0; it must be at least 1"
            );
        }
    }
    assert!(matches!(
        cumulative_gain(&two, 0).unwrap_err(),
        E::SettingOutOfRange {
            setting: "number of parts",
            ..
        }
    ));
    for level in [0.0, 1.0, f64::NAN] {
        let error = reliability_curve(&two, CalibrationBins::default(), level).unwrap_err();
        assert!(matches!(error, E::LevelOutOfRange { .. }));
    }
    let settings = ClassificationSettings {
        interval: Some(IntervalSettings {
            n_resamples: 1,
            ..IntervalSettings::default()
        }),
        ..ClassificationSettings::default()
    };
    let error = evaluate_classification("", &two, &settings).unwrap_err();
    assert!(matches!(error, E::TooFewResamples { n_resamples: 1 }));
}
