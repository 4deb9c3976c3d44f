//! What the process has used so far.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// Peak resident memory in MiB.
pub(crate) fn peak_rss_mib() -> f64 {
    // The unit is KiB, except on Apple's systems, where it is bytes.
    let unit = if cfg!(target_vendor = "apple") {
        1024.0 * 1024.0
    } else {
        1024.0
    };
    getrusage(UsageWho::RUSAGE_SELF).map_or(0.0, |usage| usage.max_rss() as f64 / unit)
}

/// CPU seconds of all threads, in user and kernel mode.
pub(crate) fn cpu_seconds() -> f64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(0.0, |usage| {
        (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64
            * 1e-6
    })
}
