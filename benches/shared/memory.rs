//! Resident memory of the process, where the system tells it.

use std::fs;

/// Resident memory from which growth counts, in KiB.
pub(crate) struct Baseline(Option<u64>);

impl Baseline {
    /// Forgets earlier peaks and starts from what is resident now.
    pub(crate) fn new() -> Self {
        // 5 resets the high-water mark, see proc_pid_clear_refs(5). Where this fails there is no growth to report.
        let reset = fs::write("/proc/self/clear_refs", "5");
        Self(reset.ok().and_then(|()| status_kib("VmRSS:")))
    }

    /// What was resident at first, in MB.
    pub(crate) fn before_mb(&self) -> Option<f64> {
        self.0.map(megabytes)
    }

    /// By how much the highest resident memory since then exceeds it, in MB; `None` outside Linux.
    pub(crate) fn peak_growth_mb(&self) -> Option<f64> {
        Some(megabytes(status_kib("VmHWM:")?.saturating_sub(self.0?)))
    }
}

/// A line of the process's status on Linux.
fn status_kib(key: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

fn megabytes(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}
