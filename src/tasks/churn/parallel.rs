//! Independent jobs on some threads.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rayon::ThreadPoolBuilder;

use crate::Error;
use crate::tasks::TaskError;

/// Threads there are.
pub(super) fn available() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// The results of `job(0)..job(n_jobs)` in order, found on `n_threads` threads; the first error in that order, if there is one.
///
/// Each job runs on one thread, whatever it asks of others: so no job waits inside another, and none of its results depend on
/// how many run at once.
pub(super) fn each<T: Send>(
    n_jobs: usize,
    n_threads: usize,
    job: impl Fn(usize) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new((0..n_jobs).map(|_| None).collect::<Vec<_>>());
    let unusable = |source: rayon::ThreadPoolBuildError| TaskError::NoThread {
        reason: source.to_string(),
    };
    let work = || -> Result<(), Error> {
        let alone = ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .map_err(unusable)?;
        alone.install(|| {
            while let Some(index) =
                Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&i| i < n_jobs)
            {
                let result = job(index);
                if result.is_err() {
                    // Nobody needs the rest.
                    next.store(n_jobs, Ordering::Relaxed);
                }
                if let Ok(mut found) = found.lock() {
                    found[index] = Some(result);
                }
            }
        });
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..n_threads.clamp(1, n_jobs.max(1)))
            .map(|_| scope.spawn(work))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
    })?;
    let found = found
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    found.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_from_any_number_of_threads() {
        for n_threads in [0, 1, 3, 20] {
            let squares = each(11, n_threads, |index| Ok(index * index)).unwrap();
            assert_eq!(
                squares,
                (0..11).map(|index| index * index).collect::<Vec<_>>()
            );
        }
        assert!(each(0, 2, |_| Ok(())).unwrap().is_empty());
    }

    #[test]
    fn an_error_ends_the_work() {
        let part = "customer";
        let result = each(1_000, 2, |index| match index {
            3 => Err(TaskError::NoRows { part }.into()),
            _ => Ok(()),
        });
        assert!(matches!(result, Err(Error::Task(TaskError::NoRows { .. }))));
    }

    #[test]
    fn what_a_job_asks_of_others_stays_on_its_thread() {
        let threads = each(4, 2, |_| Ok(rayon::current_num_threads())).unwrap();
        assert_eq!(threads, [1; 4]);
    }
}
