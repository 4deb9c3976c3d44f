//! Pictures show what reports hold.

use std::fs;

use salient::evaluation::EvaluationError;
use salient::evaluation::survival::{SurvivalReport, SurvivalSettings, evaluate_survival};

use super::{cases, exponential, world};

fn picture(report: &SurvivalReport) -> String {
    let folder = tempfile::tempdir().unwrap();
    // The folder of a picture is made if need be.
    let path = folder.path().join("new/survival.svg");
    report.write_survival_svg(&path).unwrap();
    fs::read_to_string(path).unwrap()
}

fn settings() -> SurvivalSettings {
    SurvivalSettings {
        interval: None,
        ..SurvivalSettings::default()
    }
}

#[test]
fn survival_of_each_quarter_is_drawn_beside_kaplan_meier() {
    let world = world(3, 1500, 1.0, true);
    let report = evaluate_survival("a model", &world.cases, &world.curves, &settings()).unwrap();
    let svg = picture(&report);
    for text in [
        "a model, time-dependent concordance 0.",
        "share that survives",
        "highest risk: 375 customers",
        "part 2: 375 customers",
        "lowest risk: 375 customers",
        "Kaplan-Meier",
        "predicted",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    // A band for nearly every one of 100 steps in 4 groups.
    assert!(svg.matches("<rect").count() > 300);
}

#[test]
fn two_customers_can_be_drawn() {
    let two = cases(&[1.0, 2.0], &[true, true]);
    let report = evaluate_survival("m", &two, &exponential(&[0.5, 0.1]), &settings()).unwrap();
    assert!(picture(&report).starts_with("<svg"));
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let two = cases(&[1.0, 2.0], &[true, true]);
    let report = evaluate_survival("m", &two, &exponential(&[0.5, 0.1]), &settings()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let error = report.write_survival_svg(folder.path()).unwrap_err();
    assert!(matches!(
        error,
        EvaluationError::Picture { picture: "survival curves", path, .. } if path == folder.path()
    ));
}
