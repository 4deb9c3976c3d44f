//! Networks that are trained, counted on standard error.

use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use salient::tasks::churn::{ChurnRun, MemberRecord};

/// Counts trained networks.
pub(crate) struct Progress {
    tell: Box<dyn Fn(&MemberRecord) + Sync>,
}

impl Progress {
    /// So many networks for this purpose; told where standard error is a terminal.
    pub(crate) fn new(what: &str, n_networks: usize) -> Self {
        let (what, start) = (what.to_owned(), Instant::now());
        let n_done = AtomicUsize::new(0);
        let tell = move |_: &MemberRecord| {
            let n_done = n_done.fetch_add(1, Ordering::Relaxed) + 1;
            if !stderr().is_terminal() {
                return;
            }
            let seconds = start.elapsed().as_secs_f64();
            let left = seconds / n_done as f64 * (n_networks - n_done) as f64;
            eprint!(
                "\r{what}: {n_done} of {n_networks} networks, {seconds:.0} s, {left:.0} s left  "
            );
            if n_done == n_networks {
                eprintln!();
            }
        };
        Self {
            tell: Box::new(tell),
        }
    }

    /// A run that is counted.
    pub(crate) fn run(&self, n_threads: Option<usize>) -> ChurnRun<'_> {
        ChurnRun {
            n_threads,
            on_member: Some(&*self.tell),
            ..ChurnRun::default()
        }
    }
}
