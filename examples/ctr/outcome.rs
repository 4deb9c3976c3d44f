//! The results of this example in the form that all examples write.

use std::collections::BTreeMap;

use salient::evaluation::classification::ClassificationReport;
use salient::parameters;
use salient::tasks::ctr::{CtrData, CtrModel};
use salient::training::Trained;
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
        segments: to_value(first.map(|report| &report.segments)).unwrap_or_default(),
        baselines,
        lists: None,
        significance: None,
        hidden_items: None,
        timing: Timing {
            train_seconds: trained.timing.wall_seconds,
            train_cpu_seconds: judged.train_cpu_seconds,
            epochs: trained.history.len(),
            examples_per_second: trained.timing.examples_per_second,
            evaluate_seconds: judged.evaluate_seconds,
            baseline_cpu_seconds: BTreeMap::new(),
        },
        peak_rss_mib: resources::peak_rss_mib(),
    }
}
