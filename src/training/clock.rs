//! What a run takes.

use std::time::Instant;

use super::Timing;

/// Ticks a second of the processor times in `/proc`: part of Linux's interface to programs, whatever the kernel's own
/// tick.
const TICKS_PER_SECOND: f64 = 100.0;

/// Measures a run from its creation on.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    cpu_started: Option<f64>,
    step_seconds: f64,
    n_examples: usize,
    epoch: Option<Epoch>,
}

#[derive(Debug)]
struct Epoch {
    started: Instant,
    whole: bool,
    step_seconds: f64,
    n_examples: usize,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            started: Instant::now(),
            cpu_started: cpu_seconds(),
            step_seconds: 0.0,
            n_examples: 0,
            epoch: None,
        }
    }

    /// An epoch begins; `whole` unless its first part was trained by another process.
    pub(super) fn start_epoch(&mut self, whole: bool) {
        self.epoch = Some(Epoch {
            started: Instant::now(),
            whole,
            step_seconds: 0.0,
            n_examples: 0,
        });
    }

    /// A step is over. Returns the examples per second of its epoch so far.
    pub(super) fn add_step(&mut self, seconds: f64, n_examples: usize) -> f64 {
        self.step_seconds += seconds;
        self.n_examples += n_examples;
        self.epoch.as_mut().map_or(0.0, |epoch| {
            epoch.step_seconds += seconds;
            epoch.n_examples += n_examples;
            per_second(epoch.n_examples, epoch.step_seconds)
        })
    }

    /// Seconds since the epoch began, if this process trained it all.
    pub(super) fn epoch_seconds(&self) -> Option<f64> {
        let epoch = self.epoch.as_ref().filter(|epoch| epoch.whole)?;
        Some(epoch.started.elapsed().as_secs_f64())
    }

    pub(super) fn timing(&self) -> Timing {
        Timing {
            wall_seconds: self.started.elapsed().as_secs_f64(),
            cpu_seconds: cpu_seconds()
                .zip(self.cpu_started)
                .map(|(now, then)| now - then),
            step_seconds: self.step_seconds,
            examples_per_second: per_second(self.n_examples, self.step_seconds),
        }
    }
}

fn per_second(n_examples: usize, seconds: f64) -> f64 {
    if seconds > 0.0 {
        n_examples as f64 / seconds
    } else {
        0.0
    }
}

/// Processor seconds of all threads of this process, those that ended too.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    parse_stat(&stat)
}

/// User and system time are fields 14 and 15. The second field, the program's name, is in parentheses and may hold
/// anything; what follows the last parenthesis starts with field 3.
fn parse_stat(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_whatever_the_programs_name() {
        let stat = "42 (a (b) 1 2) R 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 3 0 99 1 2";
        assert_eq!(parse_stat(stat), Some(3.0));
        assert_eq!(parse_stat("nonsense"), None);
    }

    #[test]
    fn examples_per_second_count_step_time_alone() {
        let mut clock = Clock::start();
        assert_eq!(clock.timing().examples_per_second, 0.0);
        clock.start_epoch(true);
        assert_eq!(clock.add_step(0.5, 10), 20.0);
        assert!(clock.epoch_seconds().is_some());
        clock.start_epoch(false);
        assert_eq!(clock.add_step(1.5, 10), 10.0 / 1.5);
        assert_eq!(clock.timing().examples_per_second, 10.0);
        assert_eq!(clock.epoch_seconds(), None);
    }
}
