//! The results of this example in the form that all examples write.

use std::collections::BTreeMap;

use salient::evaluation::classification::ClassificationReport;
use salient::parameters;
use salient::tasks::ctr::{CtrData, CtrModel};
use salient::training::Trained;
use serde::Serialize;
use serde_json::{json, to_value};

use crate::flags::Flags;
use crate::judge::Judged;
use crate::shared::report::{RunReport, Timing};
use crate::shared::resources;

/// Puts the results together: for each label the report of the model, then those of the baselines.
pub(crate) fn outcome(
    flags: &Flags,
    data: &CtrData,
    trained: &Trained<CtrModel>,
    judged: &Judged,
    reports: &[Vec<ClassificationReport>],
) -> RunReport {
    // With one label its figures have their own names, with two the label's name before them.
    let key = |label: usize, name: &str| match reports.len() {
        1 => name.to_owned(),
        _ => format!("{}.{name}", judged.labels[label].name),
    };
    let (mut metrics, mut intervals) = (BTreeMap::new(), BTreeMap::new());
    let mut baselines: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for (label, reports) in reports.iter().enumerate() {
        for (place, report) in reports.iter().enumerate() {
            for (name, estimate) in &report.metrics {
                if place > 0 {
                    let baseline = baselines.entry(report.model.replace(' ', "_")).or_default();
                    baseline.insert(key(label, name), estimate.mean);
                    continue;
                }
                metrics.insert(key(label, name), estimate.mean);
                if let Some(interval) = estimate.interval {
                    intervals.insert(key(label, name), [interval.low, interval.high]);
                }
            }
        }
    }
    let first = reports.first().and_then(|reports| reports.first());
    let models = reports
        .iter()
        .enumerate()
        .filter_map(|(label, reports)| Some((label, reports.first()?)));
    let segments = models.flat_map(|(label, report)| {
        let parts = report.segments.iter();
        parts.map(move |(field, parts)| (key(label, field), parts))
    });
    let mut protocol = to_value(first.map(|report| &report.protocol)).unwrap_or_default();
    protocol["training_seed"] = json!(flags.run.seed);
    let best = trained
        .history
        .iter()
        .find(|record| Some(record.epoch) == trained.best_epoch);
    let validation = best.and_then(|record| record.validation.as_ref());
    let n_rows: u64 = data.reads.iter().map(|read| read.n_rows_read).sum();
    RunReport {
        task: "ctr",
        data: json!({
            "rows": n_rows,
            "sha256": data.reads.first().and_then(|read| read.sha256.clone()),
            "files": data.reads,
            "columns": data.columns,
            "features": data.features,
            "train_rows": data.train.n_rows(),
            "validation_rows": data.valid.as_ref().map(|rows| rows.n_rows()),
            "test_rows": data.test.as_ref().map(|rows| rows.n_rows()),
        }),
        protocol,
        model: json!({
            "preset": trained.model.config().preset,
            "parameters": parameters::count(trained.model.network()),
            "best_epoch": trained.best_epoch,
            "validation": validation.map(|validation| &validation.metrics),
            "calibrators": trained.model.calibrators(),
            "config": trained.model.config(),
        }),
        metrics,
        intervals,
        segments: to_value(segments.collect::<BTreeMap<_, _>>()).unwrap_or_default(),
        baselines,
        lists: None,
        significance: None,
        hidden_items: None,
        folds: None,
        decisions: None,
        conformal: None,
        timing: timing(&judged.folds),
        peak_rss_mib: resources::peak_rss_mib(),
    }
}

/// What one training took.
#[derive(Serialize)]
pub(crate) struct FoldTiming {
    pub(crate) train_seconds: f64,
    pub(crate) train_cpu_seconds: f64,
    pub(crate) epochs: usize,
    pub(crate) examples_per_second: f64,
    pub(crate) evaluate_seconds: f64,
}

/// What all folds took together and, if there are several, each.
fn timing(folds: &[FoldTiming]) -> Timing {
    let sum = |seconds: fn(&FoldTiming) -> f64| folds.iter().map(seconds).sum::<f64>();
    let train_seconds = sum(|fold| fold.train_seconds);
    let n_examples = sum(|fold| fold.examples_per_second * fold.train_seconds);
    let several = folds.iter().filter(|_| folds.len() > 1);
    Timing {
        train_seconds,
        train_cpu_seconds: sum(|fold| fold.train_cpu_seconds),
        epochs: folds.iter().map(|fold| fold.epochs).sum(),
        examples_per_second: n_examples / train_seconds.max(f64::MIN_POSITIVE),
        evaluate_seconds: sum(|fold| fold.evaluate_seconds),
        baseline_cpu_seconds: BTreeMap::new(),
        folds: several.map(|fold| json!(fold)).collect(),
    }
}
