//! What one iteration takes.

use std::time::{Duration, Instant};

use burn::tensor::Device;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use super::built;

/// Time of one iteration, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Iteration {
    /// By the clock on the wall.
    pub(crate) wall_ms: f64,
    /// Of all threads of the process together, in user and in kernel mode.
    pub(crate) cpu_ms: f64,
}

/// Runs `routine` once and waits for the device before the clocks stop.
pub(crate) fn measure(device: &Device, routine: &mut dyn FnMut()) -> Iteration {
    let (cpu, start) = (cpu_time(), Instant::now());
    routine();
    built(device.sync());
    let wall = start.elapsed();
    Iteration {
        wall_ms: millis(wall),
        cpu_ms: millis(cpu_time().saturating_sub(cpu)),
    }
}

/// CPU time of the process until now.
fn cpu_time() -> Duration {
    let usage = built(getrusage(UsageWho::RUSAGE_SELF));
    duration(usage.user_time()) + duration(usage.system_time())
}

fn duration(time: TimeVal) -> Duration {
    let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
    Duration::from_micros(micros.unsigned_abs())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
