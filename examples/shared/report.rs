//! The results of a run as JSON, in the one form that all examples write.

use std::collections::BTreeMap;
use std::path::Path;

use salient::evaluation::ranking::ListReport;
use serde::Serialize;
use serde_json::Value;

/// The results of a run.
#[derive(Serialize)]
pub(crate) struct RunReport {
    /// Such as `next_item`.
    pub(crate) task: &'static str,
    /// Rows, checksum and the rest of the audit.
    pub(crate) data: Value,
    /// What was measured, and how.
    pub(crate) protocol: Value,
    /// Preset, number of weights and settings.
    pub(crate) model: Value,
    /// The figures of the model.
    pub(crate) metrics: BTreeMap<String, f64>,
    /// Their intervals, lower and upper end.
    pub(crate) intervals: BTreeMap<String, [f64; 2]>,
    /// The figures of the model by group of cases.
    pub(crate) segments: Value,
    /// The figures of the baselines, by name.
    pub(crate) baselines: BTreeMap<String, BTreeMap<String, f64>>,
    /// What the lists of the model are like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lists: Option<ListReport>,
    /// Whether the model is better than the best baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) significance: Option<Value>,
    /// How well items that were hidden from training are ranked, if any were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hidden_items: Option<Value>,
    /// The figures of each fold, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) folds: Option<Value>,
    /// Whom to contact, and what that is worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decisions: Option<Value>,
    /// How often sets of labels hold the true one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) conformal: Option<Value>,
    /// What it took.
    pub(crate) timing: Timing,
    /// Peak resident memory.
    pub(crate) peak_rss_mib: f64,
}

/// What a run took.
#[derive(Serialize)]
pub(crate) struct Timing {
    /// Wall-clock seconds of training, validation included.
    pub(crate) train_seconds: f64,
    /// Processor seconds of training, all threads together.
    pub(crate) train_cpu_seconds: f64,
    /// Epochs done.
    pub(crate) epochs: usize,
    /// Training examples a second.
    pub(crate) examples_per_second: f64,
    /// Wall-clock seconds of evaluating the model.
    pub(crate) evaluate_seconds: f64,
    /// Processor seconds of fitting each baseline.
    pub(crate) baseline_cpu_seconds: BTreeMap<String, f64>,
    /// The same of each fold, if there are several; those above are of all together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) folds: Vec<Value>,
}

/// What a run found, without what it took: equal for equal runs.
#[derive(Serialize)]
pub(crate) struct Quality<'a> {
    /// What was measured, and how.
    pub(crate) protocol: &'a Value,
    /// The figures of the model.
    pub(crate) metrics: &'a BTreeMap<String, f64>,
    /// Their intervals, lower and upper end.
    pub(crate) intervals: &'a BTreeMap<String, [f64; 2]>,
    /// The figures of the baselines, by name.
    pub(crate) baselines: &'a BTreeMap<String, BTreeMap<String, f64>>,
}

impl RunReport {
    /// The part of the report that is saved with the model.
    pub(crate) fn quality(&self) -> Quality<'_> {
        Quality {
            protocol: &self.protocol,
            metrics: &self.metrics,
            intervals: &self.intervals,
            baselines: &self.baselines,
        }
    }

    /// Writes the report to a file, whose directory is made if need be.
    pub(crate) fn write(&self, path: &Path) -> Result<(), String> {
        let write = || -> std::io::Result<()> {
            if let Some(directory) = path.parent() {
                std::fs::create_dir_all(directory)?;
            }
            let text = serde_json::to_string_pretty(self)?;
            std::fs::write(path, text + "\n")
        };
        write().map_err(|error| format!("cannot write {}: {error}", path.display()))
    }
}
