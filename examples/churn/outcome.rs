//! The results of this example in the form that all examples write.

use std::collections::BTreeMap;

use salient::evaluation::Estimate;
use salient::evaluation::classification::ClassificationReport;
use salient::evaluation::conformal::ConformalReport;
use salient::evaluation::decisions::DecisionReport;
use salient::parameters;
use salient::tasks::churn::{ChurnData, TrainedChurn};
use serde_json::{json, to_value};

use crate::flags::Flags;
use crate::judge::FoldFigures;
use crate::shared::report::{RunReport, Timing};
use crate::shared::resources;

/// By whom it is compared with, then by figure.
pub(crate) type Differences = BTreeMap<String, BTreeMap<String, Estimate>>;

/// What cross-validation found.
pub(crate) struct Judged {
    pub(crate) figures: Vec<FoldFigures>,
    pub(crate) differences: Differences,
    /// Of the model, then of the baselines.
    pub(crate) reports: Vec<ClassificationReport>,
    pub(crate) decisions: DecisionReport,
    /// One a fold.
    pub(crate) conformal: Vec<ConformalReport>,
    pub(crate) evaluate_seconds: f64,
}

/// Puts the results together.
pub(crate) fn outcome(
    flags: &Flags,
    data: &ChurnData,
    trained: &TrainedChurn,
    judged: Option<&Judged>,
    train_seconds: f64,
) -> RunReport {
    let (mut metrics, mut intervals, mut baselines) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (place, report) in judged
        .into_iter()
        .flat_map(|judged| &judged.reports)
        .enumerate()
    {
        let values = report.metrics.iter();
        let values = values.map(|(name, estimate)| (name.clone(), estimate.mean));
        if place > 0 {
            baselines.insert(report.model.replace(' ', "_"), values.collect());
            continue;
        }
        metrics.extend(values);
        for (name, estimate) in &report.metrics {
            if let Some(interval) = estimate.interval {
                intervals.insert(name.clone(), [interval.low, interval.high]);
            }
        }
    }
    let model = &trained.model;
    let protocol = judged.map(|judged| &judged.reports[0].protocol);
    let mut protocol = to_value(protocol).unwrap_or_default();
    if protocol.is_object() {
        protocol["training_seed"] = json!(flags.run.seed);
    }
    let epochs: usize = trained
        .members
        .iter()
        .map(|member| member.history.len())
        .sum();
    let n_networks = model.networks().len();
    // A network learns from all parts but its own.
    let n_parts = model.config().n_parts;
    let examples = epochs as f64 * data.n_rows() as f64 * (1.0 - 1.0 / n_parts as f64);
    RunReport {
        task: "churn",
        data: json!({
            "rows": data.n_rows(),
            "sha256": data.read.sha256,
            "files": [&data.read],
            "columns": data.columns,
            "features": trained.features,
            "churn_rate": data.churn_rate(),
        }),
        protocol,
        model: json!({
            "preset": model.config().preset,
            "networks": n_networks,
            "parameters": model.networks().iter().map(parameters::count).sum::<usize>(),
            "calibrator": model.calibrator(),
            "config": model.config(),
        }),
        metrics,
        intervals,
        segments: json!({}),
        baselines,
        lists: None,
        significance: judged.map(|judged| json!(judged.differences)),
        hidden_items: None,
        folds: judged.map(|judged| json!(judged.figures)),
        decisions: judged.map(|judged| json!(judged.decisions)),
        conformal: judged.map(|judged| json!(judged.conformal)),
        timing: Timing {
            train_seconds,
            train_cpu_seconds: resources::cpu_seconds(),
            epochs,
            examples_per_second: examples / train_seconds.max(f64::MIN_POSITIVE),
            evaluate_seconds: judged.map_or(0.0, |judged| judged.evaluate_seconds),
            baseline_cpu_seconds: BTreeMap::new(),
            folds: Vec::new(),
        },
        peak_rss_mib: resources::peak_rss_mib(),
    }
}
