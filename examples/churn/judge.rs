//! How good a model is on the rows of each fold, and of all together.

use std::collections::BTreeMap;
use std::error::Error;

use salient::evaluation::classification::{
    CalibrationBins, ClassificationCases, average_precision, brier_score,
    expected_calibration_error, lift_at, log_loss, roc_auc,
};
use salient::tasks::churn::CrossValidation;
use serde::{Deserialize, Serialize};

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

/// Prints the mean of each figure over the folds, and its spread.
pub(crate) fn print_spread(model: &str, figures: &[FoldFigures]) {
    println!(
        "{model}, mean of {} folds (standard deviation)",
        figures.len()
    );
    for name in figures
        .first()
        .into_iter()
        .flat_map(|fold| fold.metrics.keys())
    {
        let values: Vec<f64> = figures.iter().map(|fold| fold.metrics[name]).collect();
        let (mean, deviation) = spread(&values);
        println!("  {name:28} {mean:.4} ({deviation:.4})");
    }
    println!();
}

/// Mean, and standard deviation of a population.
fn spread(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (mean, (squares.sum::<f64>() / n).sqrt())
}
