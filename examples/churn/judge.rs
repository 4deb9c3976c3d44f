//! How good the procedure is on rows that it has not seen.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use salient::data::synthetic::Shop;
use salient::evaluation::classification::{
    CalibrationBins, ClassificationCases, ClassificationReport, ClassificationSettings,
    average_precision, brier_score, evaluate_classification, expected_calibration_error, lift_at,
    log_loss, roc_auc,
};
use salient::evaluation::conformal::{
    ConformalClassifier, ConformalKind, ConformalReport, ConformalSettings, evaluate_conformal,
};
use salient::evaluation::decisions::{
    Budget, ContactRule, CostMatrix, Costs, DecisionReport, DecisionSettings, Priority,
    evaluate_decisions,
};
use salient::evaluation::{DataOrigin, Estimate, paired_folds};
use salient::tasks::churn::CrossValidation;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::flags::ContactFlags;

/// The figures of one fold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FoldFigures {
    pub(crate) repeat: usize,
    pub(crate) fold: usize,
    pub(crate) metrics: BTreeMap<String, f64>,
}

/// The figures of each fold.
pub(crate) fn by_fold(judged: &CrossValidation) -> Result<Vec<FoldFigures>, Box<dyn Error>> {
    let figures = judged.folds.iter().map(|fold| {
        Ok(FoldFigures {
            repeat: fold.repeat,
            fold: fold.fold,
            metrics: figures(&fold.cases)?,
        })
    });
    figures.collect()
}

fn figures(cases: &ClassificationCases) -> Result<BTreeMap<String, f64>, Box<dyn Error>> {
    let figures = [
        ("roc_auc", roc_auc(cases)?),
        ("average_precision", average_precision(cases)?),
        ("log_loss", log_loss(cases)?),
        ("brier_score", brier_score(cases)?),
        (
            "expected_calibration_error",
            expected_calibration_error(cases, CalibrationBins::EqualWidth(10))?,
        ),
        ("lift_at_10_percent", lift_at(cases, 0.1)?),
    ];
    Ok(figures.map(|(name, value)| (name.to_owned(), value)).into())
}

/// The figures of each fold in the results of another run.
pub(crate) fn of_file(path: &Path) -> Result<(String, Vec<FoldFigures>), Box<dyn Error>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    let mut results: Value =
        serde_json::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
    let name = results["model"]["preset"].as_str().unwrap_or("the other");
    let name = name.to_owned();
    let folds = serde_json::from_value(results["folds"].take());
    Ok((
        name,
        folds.map_err(|error| format!("{shown}, folds: {error}"))?,
    ))
}

/// Prints the mean of each figure over the folds, and its spread.
pub(crate) fn print_spread(model: &str, figures: &[FoldFigures]) {
    println!(
        "{model}, mean of {} folds (standard deviation)",
        figures.len()
    );
    let names = figures.first().into_iter();
    for name in names.flat_map(|fold| fold.metrics.keys()) {
        let values: Vec<f64> = figures.iter().map(|fold| fold.metrics[name]).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        let deviation = (squares.sum::<f64>() / n).sqrt();
        println!("  {name:28} {mean:.4} ({deviation:.4})");
    }
    println!();
}

/// How much higher each figure is than another's, fold by fold.
pub(crate) fn differences(
    ours: &[FoldFigures],
    theirs: &[FoldFigures],
) -> Result<BTreeMap<String, Estimate>, Box<dyn Error>> {
    let folds = |figures: &[FoldFigures]| -> Vec<(usize, usize)> {
        figures
            .iter()
            .map(|fold| (fold.repeat, fold.fold))
            .collect()
    };
    if folds(ours) != folds(theirs) {
        return Err("the folds of the other results are not these".into());
    }
    let n_folds = 1 + ours.iter().map(|fold| fold.fold).max().unwrap_or(0);
    let column = |figures: &[FoldFigures], name: &str| -> Option<Vec<f64>> {
        let values = figures.iter();
        values.map(|fold| fold.metrics.get(name).copied()).collect()
    };
    let mut differences = BTreeMap::new();
    for name in ours
        .first()
        .into_iter()
        .flat_map(|fold| fold.metrics.keys())
    {
        if let (Some(ours), Some(theirs)) = (column(ours, name), column(theirs, name)) {
            let difference = paired_folds(&ours, &theirs, 1.0 / n_folds as f64, 0.95)?;
            differences.insert(name.clone(), difference);
        }
    }
    Ok(differences)
}

/// What the procedures say of all rows of the first repeat together, beside the base rate and, for the shop, the truth.
pub(crate) fn pooled(
    models: &[(&str, &CrossValidation)],
    shop: Option<&Shop>,
    origin: &DataOrigin,
) -> Result<Vec<ClassificationReport>, Box<dyn Error>> {
    let settings = ClassificationSettings {
        bins: CalibrationBins::EqualWidth(10),
        origin: origin.clone(),
        ..ClassificationSettings::default()
    };
    let (mut reports, mut plain) = (Vec::new(), None);
    for (name, judged) in models {
        let cases = judged.pooled(0)?;
        reports.push(evaluate_classification(name, &cases, &settings)?);
        plain = Some(cases);
    }
    let Some(plain) = plain else {
        return Ok(reports);
    };
    let rate = plain.n_positives() as f64 / plain.n_rows() as f64;
    let base_rate = plain.with_probabilities(vec![rate; plain.n_rows()])?;
    reports.push(evaluate_classification("base rate", &base_rate, &settings)?);
    if let Some(shop) = shop {
        let best = plain.with_probabilities(true_probabilities(shop))?;
        reports.push(evaluate_classification("best possible", &best, &settings)?);
    }
    Ok(reports)
}

/// How far predicted probabilities are from the true ones: mean absolute and root mean square distance.
pub(crate) fn distance(cases: &ClassificationCases, shop: &Shop) -> (f64, f64) {
    let truth = true_probabilities(shop);
    let n = truth.len() as f64;
    let distances = cases.probabilities().iter().zip(&truth);
    let distances: Vec<f64> = distances
        .map(|(said, truth)| (said - truth).abs())
        .collect();
    let squares = distances.iter().map(|distance| distance * distance);
    (
        distances.iter().sum::<f64>() / n,
        (squares.sum::<f64>() / n).sqrt(),
    )
}

fn true_probabilities(shop: &Shop) -> Vec<f64> {
    let customers = shop.customers().iter();
    customers.map(|who| who.churn_probability).collect()
}

/// What contacting the customers of the first repeat would have earned.
pub(crate) fn decisions(
    model: &str,
    judged: &CrossValidation,
    flags: &ContactFlags,
    origin: &DataOrigin,
) -> Result<DecisionReport, Box<dyn Error>> {
    let matrix = CostMatrix::contact(flags.contact_cost, flags.customer_value, flags.success_rate)?;
    let settings = DecisionSettings {
        rule: rule(flags),
        origin: origin.clone(),
        ..DecisionSettings::new(Costs::Same(matrix))
    };
    Ok(evaluate_decisions(model, &judged.pooled(0)?, &settings)?)
}

/// Whom the flags ask to contact.
pub(crate) fn rule(flags: &ContactFlags) -> ContactRule {
    match flags.budget {
        None => ContactRule::ExpectedValue,
        Some(customers) => ContactRule::Budget {
            budget: Budget::Customers(customers),
            by: Priority::ExpectedValue,
        },
    }
}

/// How often the prediction sets of a fold, calibrated within its training rows, hold what happened in its test rows.
pub(crate) fn conformal(
    model: &str,
    judged: &CrossValidation,
    alpha: f64,
    origin: &DataOrigin,
) -> Result<Vec<ConformalReport>, Box<dyn Error>> {
    let settings = ConformalSettings {
        origin: origin.clone(),
        ..ConformalSettings::default()
    };
    let reports = judged.folds.iter().map(|fold| {
        let classifier =
            ConformalClassifier::fit(ConformalKind::Marginal, alpha, &fold.out_of_fold)?;
        Ok(evaluate_conformal(
            model,
            &classifier,
            &fold.cases,
            &settings,
        )?)
    });
    reports.collect()
}
