//! Runs the cases of a bench under criterion, each in a process of its own.

use std::env;
use std::process::{Command, ExitCode};
use std::time::Duration;

use burn::tensor::Device;
use criterion::{Criterion, SamplingMode};

use super::built;
use super::memory::Baseline;
use super::record::Record;
use super::usage::{Iteration, measure};

/// Names the one case that a process runs; set by the process that starts it.
const CASE: &str = "SALIENT_BENCH_CASE";

/// Names the device, as [`salient::device::pick`] knows it.
const DEVICE: &str = "SALIENT_DEVICE";

/// Samples of a case: the fewest that criterion takes, as a case may need seconds for each.
const SAMPLES: usize = 10;

const WARM_UP: Duration = Duration::from_secs(1);

/// What all samples together take, unless ten iterations take longer.
const MEASUREMENT: Duration = Duration::from_secs(4);

/// The cases of a bench.
///
/// Memory that one case leaves with the allocator would hide the growth of the next, so the first process starts one
/// more for each case, with the same command line, and measures nothing itself.
pub(crate) struct Suite {
    criterion: Criterion,
    only: Option<String>,
    failed: bool,
}

/// Runs the cases that `register` names and the command line chooses.
pub(crate) fn run(register: impl FnOnce(&mut Suite)) -> ExitCode {
    let mut suite = Suite {
        criterion: Criterion::default().configure_from_args(),
        only: env::var(CASE).ok(),
        failed: false,
    };
    register(&mut suite);
    if suite.failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

impl Suite {
    /// A case named `group/case/size`. `prepare` makes its inputs and returns what is timed.
    pub(crate) fn case<R: FnMut()>(&mut self, name: &str, mut prepare: impl FnMut(&Device) -> R) {
        match &self.only {
            // What broke one case, such as an interrupt, would break the others.
            None if self.failed => {}
            None => self.start(name),
            Some(only) if only == name => self.measure(name, &mut prepare),
            Some(_) => {}
        }
    }

    /// Runs this program once more, for this case alone.
    fn start(&mut self, name: &str) {
        let program = built(env::current_exe());
        let mut command = Command::new(program);
        let status = built(
            command
                .args(env::args_os().skip(1))
                .env(CASE, name)
                .status(),
        );
        self.failed |= !status.success();
    }

    fn measure<R: FnMut()>(&mut self, name: &str, prepare: &mut dyn FnMut(&Device) -> R) {
        let device_name = env::var(DEVICE).unwrap_or_else(|_| "flex".to_owned());
        let device = built(salient::device::pick(&device_name));
        let (group, case) = name.split_once('/').unwrap_or((name, ""));
        let mut running = None;
        // Every call of the closure is a sample, those of the warm-up first.
        let mut samples: Vec<Vec<Iteration>> = Vec::new();
        let mut group = self.criterion.benchmark_group(group);
        group
            .sample_size(SAMPLES)
            .sampling_mode(SamplingMode::Flat)
            .warm_up_time(WARM_UP)
            .measurement_time(MEASUREMENT);
        group.bench_function(case, |bencher| {
            let (routine, _) = running.get_or_insert_with(|| {
                let routine = prepare(&device);
                (routine, Baseline::new())
            });
            bencher.iter_custom(|n_iterations| {
                let sample: Vec<_> = (0..n_iterations)
                    .map(|_| measure(&device, routine))
                    .collect();
                let wall_ms: f64 = sample.iter().map(|iteration| iteration.wall_ms).sum();
                samples.push(sample);
                Duration::from_secs_f64(wall_ms / 1e3)
            });
        });
        group.finish();
        // Fewer samples were asked for by `--test` or `--list`.
        if let (Some((_, memory)), Some(warm_up)) = (&running, samples.len().checked_sub(SAMPLES)) {
            let measured = samples.split_off(warm_up).concat();
            Record::new(name, &device_name, &measured, memory).publish();
        }
    }
}
