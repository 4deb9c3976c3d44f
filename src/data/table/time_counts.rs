//! How many rows are from when, in little memory.

use std::collections::HashMap;

/// Times that are told apart at most: 12 MiB of counts, and a split that is exact to a hundred-thousandth of the time that
/// the table spans. A judgement.
const MAX_TIMES: usize = 1 << 17;

/// How many rows are from when: what a split by time goes by.
///
/// Takes some 12 MiB however many rows are counted. As long as there are no more than 131,072 different times, each is counted
/// alone; with more, those in the same 2, 4, 8 and so on milliseconds are counted as one. So a year of events, each at a
/// millisecond of its own, is told apart by less than five minutes. The order of the rows does not matter.
///
/// ```
/// use salient::data::{RowUse, TableSplit, TableSplitter, TimeCounts};
///
/// let times: TimeCounts = [50, 10, 30, 20, 40].into_iter().collect();
/// let split = TableSplit::ByTime { validation: 0.0, test: 0.4 };
/// let splitter = TableSplitter::new(split, &times, 5)?;
/// assert_eq!(splitter.use_of(1, None, Some(10))?, RowUse::Train);
/// assert_eq!(splitter.use_of(4, None, Some(40))?, RowUse::Test);
/// # Ok::<(), salient::data::DataError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TimeCounts {
    n_rows: usize,
    /// Times that differ in their last bits alone, as many of them, are one.
    n_bits: u32,
    counts: HashMap<i64, usize>,
}

impl TimeCounts {
    /// Rows counted.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The earliest time from which on the rows come that are left when the first `n_before` in order of time are taken away;
    /// rows of one time stay together.
    pub(super) fn starts_after(&self, n_before: &[usize]) -> Vec<i64> {
        let mut sorted: Vec<(i64, usize)> = self.counts.iter().map(|(&t, &n)| (t, n)).collect();
        sorted.sort_unstable();
        let start = |&n_before: &usize| {
            let mut seen = 0;
            let found = sorted.iter().find(|(_, n_rows)| {
                seen += n_rows;
                seen > n_before
            });
            found.map_or(i64::MAX, |(time, _)| time << self.n_bits)
        };
        n_before.iter().map(start).collect()
    }

    fn push(&mut self, time_utc_millis: i64) {
        self.n_rows += 1;
        *self
            .counts
            .entry(time_utc_millis >> self.n_bits)
            .or_default() += 1;
        while self.counts.len() > MAX_TIMES {
            self.n_bits += 1;
            for (time, n_rows) in std::mem::take(&mut self.counts) {
                *self.counts.entry(time >> 1).or_default() += n_rows;
            }
        }
    }
}

impl Extend<i64> for TimeCounts {
    /// Counts rows of these times, in milliseconds since 1970, UTC.
    fn extend<T: IntoIterator<Item = i64>>(&mut self, times_utc_millis: T) {
        times_utc_millis
            .into_iter()
            .for_each(|time| self.push(time));
    }
}

impl FromIterator<i64> for TimeCounts {
    /// Counts rows of these times, in milliseconds since 1970, UTC.
    fn from_iter<T: IntoIterator<Item = i64>>(times_utc_millis: T) -> Self {
        let mut counts = Self::default();
        counts.extend(times_utc_millis);
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::RandomKey;
    use rand::RngExt;

    #[test]
    fn few_times_are_told_apart_exactly() {
        let mut generator = RandomKey::new(5).generator();
        let mut times: Vec<i64> = (0..3_000)
            .map(|_| generator.random_range(-500..500))
            .collect();
        let counts: TimeCounts = times.iter().copied().collect();
        times.sort_unstable();
        let asked = [0, 1, 700, 2_999, 3_000];
        let expected: Vec<i64> = asked
            .iter()
            .map(|&n_before| times.get(n_before).copied().unwrap_or(i64::MAX))
            .collect();
        assert_eq!(counts.starts_after(&asked), expected);
        assert_eq!(counts.n_rows(), 3_000);
    }

    #[test]
    fn many_times_take_little_memory_and_move_a_share_by_little() {
        // A year from before 1970 on, a row each 50 seconds or so; forwards and backwards.
        let year = 365 * 86_400_000_i64;
        let mut generator = RandomKey::new(6).generator();
        let times: Vec<i64> = (0..600_000)
            .map(|_| generator.random_range(-year / 3..year))
            .collect();
        let counts: TimeCounts = times.iter().copied().collect();
        let backwards: TimeCounts = times.iter().rev().copied().collect();
        assert!((MAX_TIMES / 2..=MAX_TIMES).contains(&counts.counts.len()));
        let asked = [60_000, 300_000, 480_000];
        let starts = counts.starts_after(&asked);
        assert_eq!(starts, backwards.starts_after(&asked));
        for (start, n_before) in starts.into_iter().zip(asked) {
            let found = times.iter().filter(|&&time| time < start).count();
            assert!(
                found <= n_before && n_before - found < 20,
                "{found} of {n_before}"
            );
        }
    }
}
