//! Batches made ahead of their use.

use std::ops::Range;
use std::sync::mpsc::sync_channel;
use std::thread;

/// Batches that each thread may have ready before it waits; one under way and one in hand keep the trainer supplied.
const AHEAD: usize = 2;

/// Calls `consume` with `make(i)` for each `i` of the range in order, made on `n_threads` other threads or, if 0, on this
/// one.
///
/// Thread `t` makes every `n_threads`-th batch from the `t`-th on, into a channel of its own: the order is kept without a
/// queue of late batches, and what is ready at a time is bounded. Whatever `consume` leaves is not made.
pub(super) fn with_batches<B: Send, R>(
    range: Range<usize>,
    n_threads: usize,
    make: impl Fn(usize) -> B + Sync,
    consume: impl FnOnce(&mut dyn Iterator<Item = B>) -> R,
) -> R {
    if n_threads == 0 {
        return consume(&mut range.map(make));
    }
    thread::scope(|scope| {
        let make = &make;
        let channels: Vec<_> = (0..n_threads.min(range.len()))
            .map(|thread| {
                let (sender, receiver) = sync_channel(AHEAD);
                let mine = range.clone().skip(thread).step_by(n_threads);
                scope.spawn(move || {
                    // Sending fails once the consumer is gone.
                    mine.map(make).try_for_each(|batch| sender.send(batch))
                });
                receiver
            })
            .collect();
        // A thread that panics ends the batches; the scope then passes the panic on.
        let mut batches = (0..range.len()).map_while(|i| channels[i % n_threads].recv().ok());
        consume(&mut batches)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn batches_come_in_order_from_any_number_of_threads() {
        for n_threads in [0, 1, 2, 3, 7, 50] {
            let made: Vec<usize> =
                with_batches(5..36, n_threads, |i| i * i, |batches| batches.collect());
            let expected: Vec<usize> = (5..36).map(|i| i * i).collect();
            assert_eq!(made, expected, "{n_threads} threads");
        }
    }

    #[test]
    fn an_empty_range_gives_no_batches() {
        for n_threads in [0, 3] {
            assert_eq!(with_batches(4..4, n_threads, |i| i, |b| b.count()), 0);
        }
    }

    #[test]
    fn no_more_than_the_bound_is_made_ahead() {
        let made = AtomicUsize::new(0);
        let make = |i| {
            made.fetch_add(1, Ordering::SeqCst);
            i
        };
        let taken = with_batches(0..1_000, 3, make, |batches| {
            let taken = batches.take(5).count();
            thread::sleep(std::time::Duration::from_millis(50));
            taken
        });
        assert_eq!(taken, 5);
        // Taken, waiting in three channels, and one in the hand of each thread; one more each while the channels close.
        assert!(made.load(Ordering::SeqCst) <= 5 + 3 * (AHEAD + 2));
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_in_a_loader_is_passed_on() {
        with_batches(0..9, 2, |i| assert!(i < 4), |batches| batches.count());
    }
}
