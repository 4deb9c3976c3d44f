//! Cases, curves and settings that make no sense are refused by name.

use salient::evaluation::survival::{
    SurvivalCases, SurvivalCurves, SurvivalSettings, brier_score_at, brier_skill, calibration_at,
    evaluate_survival, harrell_concordance, integrated_brier_score, roc_auc_at,
    time_dependent_concordance,
};
use salient::evaluation::{EvaluationError as E, IntervalSettings};

use super::{cases, exponential};

#[test]
fn durations_that_are_none_are_refused() {
    for value in [-1e-9, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = SurvivalCases::new(vec![0.0, value], vec![true, false]).unwrap_err();
        assert!(matches!(
            error,
            E::RowOutOfRange { column: "duration", row: 1, value: found, rule: "0 or above and finite" }
                if found.to_bits() == value.to_bits()
        ));
    }
    assert!(matches!(
        SurvivalCases::new(vec![], vec![]),
        Err(E::NoCases)
    ));
    let error = SurvivalCases::new(vec![1.0, 2.0], vec![true]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "events has 1 entries for 2 rows; give one a row"
    );
    assert!(SurvivalCases::new(vec![0.0, -0.0], vec![true, false]).is_ok());
}

#[test]
fn grids_that_do_not_ascend_are_refused() {
    for (times, place, rule) in [
        (vec![0.0, 1.0], 0, "above 0 and finite"),
        (vec![f64::NAN, 1.0], 0, "above 0 and finite"),
        (vec![1.0, 1.0], 1, "above the time before it and finite"),
        (
            vec![1.0, f64::INFINITY],
            1,
            "above the time before it and finite",
        ),
        (
            vec![1.0, f64::NAN],
            1,
            "above the time before it and finite",
        ),
    ] {
        let error = SurvivalCurves::new(times.clone(), vec![0.5, 0.4]).unwrap_err();
        assert!(matches!(
            error,
            E::TimeOutOfOrder { index, rule: found, .. } if index == place && found == rule
        ));
        let error = SurvivalCurves::from_hazards(&times, &[0.5, 0.4]).unwrap_err();
        assert!(matches!(error, E::TimeOutOfOrder { .. }));
    }
    let error = SurvivalCurves::new(vec![1.0, 0.5], vec![0.5, 0.4]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "time 1 of the grid is 0.5; it must be above the time before it and finite"
    );
    let error = SurvivalCurves::new(vec![], vec![0.5]).unwrap_err();
    assert!(matches!(
        error,
        E::TooFewTimes {
            n_times: 0,
            needed: 1
        }
    ));
}

#[test]
fn curves_that_are_none_are_refused() {
    let times = || vec![1.0, 2.0];
    for (value, before) in [(0.6, 0.5), (-1e-9, 1.0), (1.5, 1.0), (f64::NAN, 1.0)] {
        let survival = vec![0.9, 0.8, before, value];
        let error = SurvivalCurves::new(times(), survival).unwrap_err();
        assert!(matches!(
            error,
            E::CurveOutOfRange { column: "survival", row: 1, time: 2.0, value: found, .. }
                if found.to_bits() == value.to_bits()
        ));
    }
    for value in [-1e-9, 1.0 + 1e-9, f64::NAN] {
        let error = SurvivalCurves::from_hazards(&times(), &[0.1, value]).unwrap_err();
        assert!(matches!(
            error,
            E::CurveOutOfRange {
                column: "hazard",
                row: 0,
                time: 2.0,
                ..
            }
        ));
    }
    let error = SurvivalCurves::from_hazards(&times(), &[0.5, 1.5]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "hazard of row 0 at time 2 is 1.5; it must be between 0 and 1"
    );
    let error = SurvivalCurves::new(times(), vec![0.5; 3]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "survival has 3 values, which do not fill rows of 2 times"
    );
    assert!(matches!(
        SurvivalCurves::new(times(), vec![]),
        Err(E::NoCases)
    ));
}

#[test]
fn curves_of_other_customers_are_refused() {
    let (three, curves) = (cases(&[1.0, 2.0, 3.0], &[true; 3]), exponential(&[0.1; 2]));
    let settings = SurvivalSettings::default();
    let errors = [
        time_dependent_concordance(&three, &curves).unwrap_err(),
        brier_score_at(&three, &curves, 1.0).unwrap_err(),
        integrated_brier_score(&three, &curves, &[1.0, 2.0]).unwrap_err(),
        brier_skill(&three, &curves, &[1.0, 2.0]).unwrap_err(),
        roc_auc_at(&three, &curves, 1.0).unwrap_err(),
        calibration_at(&three, &curves, 1.0, 2, 0.9).unwrap_err(),
        evaluate_survival("m", &three, &curves, &settings).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(
            error,
            E::RowCount { column, found: 2, expected: 3 } if column == "curves"
        ));
    }
    let error = harrell_concordance(&three, &[0.1, f64::NAN, 0.2]).unwrap_err();
    assert!(matches!(
        error,
        E::RowOutOfRange {
            column: "risk",
            row: 1,
            ..
        }
    ));
    let error = harrell_concordance(&three, &[0.1]).unwrap_err();
    assert!(matches!(error, E::RowCount { found: 1, .. }));
}

#[test]
fn customers_none_of_whom_churned_are_refused() {
    let (three, curves) = (cases(&[1.0, 2.0, 3.0], &[false; 3]), exponential(&[0.1; 3]));
    let error = evaluate_survival("m", &three, &curves, &SurvivalSettings::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "the report needs events: none was observed for 3 customers, all are censored"
    );
    let error = time_dependent_concordance(&three, &curves).unwrap_err();
    assert!(matches!(
        error,
        E::NoComparablePairs {
            n_rows: 3,
            n_events: 0
        }
    ));
    let error = roc_auc_at(&three, &curves, 1.0).unwrap_err();
    assert!(matches!(
        error,
        E::OneSideOfTime {
            n_events: 0,
            n_beyond: 2,
            ..
        }
    ));
    // All at one time: nobody outlives anybody.
    let at_once = cases(&[2.0; 3], &[true; 3]);
    let error = harrell_concordance(&at_once, &[0.1, 0.2, 0.3]).unwrap_err();
    assert!(matches!(
        error,
        E::NoComparablePairs {
            n_rows: 3,
            n_events: 3
        }
    ));
    let error = evaluate_survival("m", &at_once, &curves, &SurvivalSettings::default());
    assert!(matches!(error, Err(E::NoComparablePairs { .. })));
}

#[test]
fn times_without_censoring_support_are_refused() {
    let three = cases(&[1.0, 2.0, 3.0], &[true, true, false]);
    let curves = exponential(&[0.1; 3]);
    assert!(brier_score_at(&three, &curves, 2.99).is_ok());
    let errors = [
        brier_score_at(&three, &curves, 3.0).unwrap_err(),
        roc_auc_at(&three, &curves, 3.0).unwrap_err(),
        integrated_brier_score(&three, &curves, &[1.0, 3.0]).unwrap_err(),
        evaluate_survival("m", &three, &curves, &with(|s| s.horizons = vec![1.0, 3.0]))
            .unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(
            error,
            E::NoCensoringSupport {
                time: 3.0,
                last_duration: 3.0
            }
        ));
    }
    // All events are known, so that the weights are 1 for ever.
    let known = cases(&[1.0, 2.0, 3.0], &[true; 3]);
    assert!(brier_score_at(&known, &curves, 9.0).is_ok());
    let error = roc_auc_at(&known, &curves, 3.0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "roc_auc_at needs both sides of time 3: there are 3 events by then and 0 customers beyond it"
    );
}

fn with(change: impl FnOnce(&mut SurvivalSettings)) -> SurvivalSettings {
    let mut settings = SurvivalSettings::default();
    change(&mut settings);
    settings
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let (three, curves) = (cases(&[1.0, 2.0, 3.0], &[true; 3]), exponential(&[0.1; 3]));
    let refusal = |settings: SurvivalSettings| {
        evaluate_survival("m", &three, &curves, &settings).unwrap_err()
    };
    let error = refusal(with(|s| s.horizons = vec![-1.0]));
    assert_eq!(
        error.to_string(),
        "horizon is -1; it must be 0 or above and finite"
    );
    let error = refusal(with(|s| s.n_bins = 0));
    assert!(matches!(
        error,
        E::SettingOutOfRange {
            setting: "number of bins",
            ..
        }
    ));
    let error = refusal(with(|s| s.times = vec![-1.0, 2.0]));
    assert!(matches!(
        error,
        E::TimeOutOfOrder {
            index: 0,
            rule: "0 or above and finite",
            ..
        }
    ));
    let error = refusal(with(|s| s.times = vec![2.0]));
    assert!(matches!(
        error,
        E::TooFewTimes {
            n_times: 1,
            needed: 2
        }
    ));
    let few = IntervalSettings {
        n_resamples: 1,
        ..IntervalSettings::default()
    };
    let error = refusal(with(|s| s.interval = Some(few)));
    assert!(matches!(error, E::TooFewResamples { n_resamples: 1 }));
    let error = calibration_at(&three, &curves, f64::NAN, 2, 0.9).unwrap_err();
    assert!(matches!(
        error,
        E::SettingOutOfRange {
            setting: "horizon",
            ..
        }
    ));
    let error = calibration_at(&three, &curves, 1.0, 2, 1.0).unwrap_err();
    assert!(matches!(error, E::LevelOutOfRange { level: 1.0 }));
    let error = brier_score_at(&three, &curves, f64::NAN).unwrap_err();
    assert!(matches!(
        error,
        E::SettingOutOfRange {
            setting: "time",
            ..
        }
    ));
    let error = integrated_brier_score(&three, &curves, &[1.0]).unwrap_err();
    assert!(matches!(
        error,
        E::TooFewTimes {
            n_times: 1,
            needed: 2
        }
    ));
}
