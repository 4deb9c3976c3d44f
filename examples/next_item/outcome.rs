//! The results of this example in the form that all examples write.

use std::collections::BTreeMap;

use salient::evaluation::ranking::RankingReport;
use salient::parameters;
use salient::tasks::next_item::Recommender;
use salient::training::Trained;
use serde_json::{json, to_value};

use crate::flags::Flags;
use crate::shared::log::Log;
use crate::shared::report::{RunReport, Timing};
use crate::shared::resources;

/// Puts the results together; `seconds` are the CPU seconds of training and the wall-clock seconds of evaluating.
pub(crate) fn outcome(
    flags: &Flags,
    log: &Log,
    trained: &Trained<Recommender>,
    report: RankingReport,
    baselines: &[RankingReport],
    seconds: (f64, f64),
) -> RunReport {
    let mut data = to_value(&log.audit).unwrap_or_default();
    data["rows"] = json!(log.audit.n_rows);
    data["users"] = json!(log.audit.n_users);
    data["items"] = json!(log.audit.n_items);
    data["sha256"] = json!(log.sha256);
    let mut protocol = to_value(&report.protocol).unwrap_or_default();
    protocol["training_seed"] = json!(flags.run.seed);
    let intervals = report.metrics.iter();
    // The figures that early stopping chose the weights by.
    let best = trained
        .history
        .iter()
        .find(|record| Some(record.epoch) == trained.best_epoch);
    let validation = best.and_then(|record| record.validation.as_ref());
    let validation = validation.map(|validation| &validation.metrics);
    RunReport {
        task: "next_item",
        data,
        protocol,
        model: json!({
            "preset": trained.model.config().preset,
            "parameters": parameters::count(trained.model.model()),
            "best_epoch": trained.best_epoch,
            "validation": validation,
            "config": trained.model.config(),
        }),
        intervals: intervals
            .filter_map(|(name, estimate)| {
                estimate
                    .interval
                    .map(|interval| (name.clone(), [interval.low, interval.high]))
            })
            .collect(),
        metrics: report.means(),
        segments: to_value(&report.segments).unwrap_or_default(),
        baselines: baselines
            .iter()
            .map(|baseline| (name(&baseline.model), baseline.means()))
            .collect::<BTreeMap<_, _>>(),
        lists: None,
        significance: None,
        hidden_items: None,
        folds: None,
        decisions: None,
        conformal: None,
        timing: Timing {
            train_seconds: trained.timing.wall_seconds,
            train_cpu_seconds: seconds.0,
            epochs: trained.history.len(),
            examples_per_second: trained.timing.examples_per_second,
            evaluate_seconds: seconds.1,
            baseline_cpu_seconds: BTreeMap::new(),
            folds: Vec::new(),
        },
        peak_rss_mib: resources::peak_rss_mib(),
    }
}

/// A name as a JSON key.
fn name(model: &str) -> String {
    model.to_lowercase().replace([' ', '-'], "_")
}
