//! What is kept of a case: a line to read, and a line of JSON.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use serde::Serialize;

use super::built;
use super::memory::Baseline;
use super::usage::Iteration;

/// Names the file that lines of JSON are appended to.
const JSON_FILE: &str = "SALIENT_BENCH_JSON";

/// The figures of one case; `benches/pytorch.py` writes the same fields.
#[derive(Serialize)]
pub(crate) struct Record<'a> {
    case: &'a str,
    by: &'a str,
    setting: &'a str,
    device: &'a str,
    threads: usize,
    iterations: usize,
    cpu_ms: f64,
    cpu_p10_ms: f64,
    cpu_p90_ms: f64,
    wall_ms: f64,
    wall_min_ms: f64,
    peak_growth_mb: Option<f64>,
    rss_before_mb: Option<f64>,
    load: Option<f64>,
}

impl<'a> Record<'a> {
    /// Sums up the iterations of a case.
    pub(crate) fn new(
        case: &'a str,
        device: &'a str,
        iterations: &[Iteration],
        memory: &Baseline,
    ) -> Self {
        let cpu = sorted(iterations, |iteration| iteration.cpu_ms);
        let wall = sorted(iterations, |iteration| iteration.wall_ms);
        Self {
            case,
            by: "salient",
            setting: "mimalloc",
            device,
            threads: rayon::current_num_threads(),
            iterations: iterations.len(),
            cpu_ms: quantile(&cpu, 0.5),
            cpu_p10_ms: quantile(&cpu, 0.1),
            cpu_p90_ms: quantile(&cpu, 0.9),
            wall_ms: quantile(&wall, 0.5),
            wall_min_ms: quantile(&wall, 0.0),
            peak_growth_mb: memory.peak_growth_mb(),
            rss_before_mb: memory.before_mb(),
            load: load(),
        }
    }

    /// Prints the line, and appends the JSON if a file is named.
    pub(crate) fn publish(&self) {
        eprintln!("{}", self.line());
        let Some(path) = std::env::var_os(JSON_FILE) else {
            return;
        };
        let mut line = built(serde_json::to_string(self));
        line.push('\n');
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        if let Err(error) = written {
            panic!("cannot append to {}: {error}", path.display());
        }
    }

    fn line(&self) -> String {
        let Self {
            case,
            cpu_ms,
            cpu_p10_ms,
            cpu_p90_ms,
            wall_ms,
            threads,
            ..
        } = self;
        let or_na = |value: Option<f64>, unit: &str| {
            value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.1}{unit}"))
        };
        let growth = or_na(self.peak_growth_mb, " MB");
        let load = or_na(self.load, "");
        format!(
            "{case}: CPU {cpu_ms:.2} ms ({cpu_p10_ms:.2} to {cpu_p90_ms:.2}), wall {wall_ms:.2} ms, \
             peak growth {growth}, threads {threads}, load {load}"
        )
    }
}

fn sorted(iterations: &[Iteration], figure: impl Fn(&Iteration) -> f64) -> Vec<f64> {
    let mut figures: Vec<f64> = iterations.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures
}

/// The `share`-quantile of sorted numbers, halfway values interpolated; NaN without numbers.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let at = |place: f64| sorted.get(place as usize).copied().unwrap_or(f64::NAN);
    let (low, high) = (at(place.floor()), at(place.ceil()));
    low + (high - low) * place.fract()
}

/// Mean number of runnable threads on the machine over the last minute; `None` outside Linux.
fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
