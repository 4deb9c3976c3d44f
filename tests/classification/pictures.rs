//! Pictures show what reports hold.

use std::fs;

use salient::evaluation::EvaluationError;
use salient::evaluation::classification::{
    ClassificationCases, ClassificationReport, ClassificationSettings, evaluate_classification,
};

use super::cases;

fn report_on(cases: &ClassificationCases) -> ClassificationReport {
    let settings = ClassificationSettings {
        interval: None,
        ..ClassificationSettings::default()
    };
    evaluate_classification("a model", cases, &settings).unwrap()
}

/// Rare positives, of which the model promises a little too many.
fn report(n_rows: u32) -> ClassificationReport {
    let part = |row: u32, step: u32| f64::from(row.wrapping_mul(step) % 1009) / 1009.0;
    let probability = |row| 0.01 + 0.25 * part(row, 379).powi(3);
    let probabilities: Vec<f64> = (0..n_rows).map(probability).collect();
    let label = |row| row == 0 || row != 1 && part(row, 613) < 0.8 * probability(row);
    let labels: Vec<bool> = (0..n_rows).map(label).collect();
    report_on(&cases(&probabilities, &labels))
}

/// The text of the reliability curve and of the gain curve.
fn pictures(report: &ClassificationReport) -> [String; 2] {
    let folder = tempfile::tempdir().unwrap();
    // The folder of a picture is made if need be.
    let paths = ["new/reliability.svg", "gain.svg"].map(|name| folder.path().join(name));
    report.write_reliability_svg(&paths[0]).unwrap();
    report.write_gain_svg(&paths[1]).unwrap();
    paths.map(|path| fs::read_to_string(path).unwrap())
}

#[test]
fn a_reliability_curve_shows_every_bin_and_a_histogram_every_bar() {
    let [svg, _] = pictures(&report(5000));
    assert_eq!(svg.matches("r=\"4\"").count(), 10);
    for text in [
        "a model, calibration error",
        "share of positives",
        "as predicted",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    assert!(svg.matches("<rect").count() >= 20);
}

#[test]
fn a_gain_curve_is_drawn_beside_chance_and_the_best_possible() {
    let [_, svg] = pictures(&report(5000));
    // The gain starts at 0, the lift at the first decile.
    assert_eq!(svg.matches("r=\"3\"").count(), 11 + 10);
    for text in ["a model, ROC AUC", "best possible", "by chance", "lift"] {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn two_rows_and_predictions_of_nought_can_be_drawn() {
    let nought = report_on(&cases(&[0.0; 3], &[true, false, false]));
    for report in [report(2), nought] {
        assert!(pictures(&report).iter().all(|svg| svg.starts_with("<svg")));
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = report(50).write_gain_svg(folder.path()).unwrap_err();
    assert!(matches!(
        error,
        EvaluationError::Picture { picture: "gain curve", path, .. } if path == folder.path()
    ));
}
