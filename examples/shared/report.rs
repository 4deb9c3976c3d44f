//! The results of a run as JSON, in the one form that all examples write.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

/// The results of a run.
#[derive(Serialize)]
pub struct RunReport {
    /// Such as `next_item`.
    pub task: &'static str,
    /// Rows, checksum and the rest of the audit.
    pub data: Value,
    /// What was measured, and how.
    pub protocol: Value,
    /// Preset, number of weights and settings.
    pub model: Value,
    /// The figures of the model.
    pub metrics: BTreeMap<String, f64>,
    /// Their intervals, lower and upper end.
    pub intervals: BTreeMap<String, [f64; 2]>,
    /// The figures of the model by group of cases.
    pub segments: Value,
    /// The figures of the baselines, by name.
    pub baselines: BTreeMap<String, BTreeMap<String, f64>>,
    /// What it took.
    pub timing: Timing,
    /// Peak resident memory.
    pub peak_rss_mib: f64,
}

/// What a run took.
#[derive(Serialize)]
pub struct Timing {
    /// Wall-clock seconds of training, validation included.
    pub train_seconds: f64,
    /// Processor seconds of training, all threads together.
    pub train_cpu_seconds: f64,
    /// Epochs done.
    pub epochs: usize,
    /// Training examples a second.
    pub examples_per_second: f64,
    /// Wall-clock seconds of evaluating the model.
    pub evaluate_seconds: f64,
}

/// What a run found, without what it took: equal for equal runs.
#[derive(Serialize)]
pub struct Quality<'a> {
    /// What was measured, and how.
    pub protocol: &'a Value,
    /// The figures of the model.
    pub metrics: &'a BTreeMap<String, f64>,
    /// Their intervals, lower and upper end.
    pub intervals: &'a BTreeMap<String, [f64; 2]>,
    /// The figures of the baselines, by name.
    pub baselines: &'a BTreeMap<String, BTreeMap<String, f64>>,
}

impl RunReport {
    /// The part of the report that is saved with the model.
    pub fn quality(&self) -> Quality<'_> {
        Quality {
            protocol: &self.protocol,
            metrics: &self.metrics,
            intervals: &self.intervals,
            baselines: &self.baselines,
        }
    }

    /// Writes the report to a file.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text + "\n")
    }
}
