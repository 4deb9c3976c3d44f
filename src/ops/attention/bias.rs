//! Learned numbers added to the scores.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::Direction;

/// Numbers added to the scores: one for each bucket and head, where a rule tells the bucket of a query and a key.
///
/// Gradients flow to the table.
#[derive(Clone, Debug)]
pub struct AttentionBias {
    /// The numbers, `[n_buckets, n_heads]`.
    pub table: Tensor<2>,
    /// Which row of the table belongs to a query and a key.
    pub rule: BiasRule,
}

/// Which bucket a query and a key fall into.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BiasRule {
    /// By how many positions the key lies before or after the query; positions are aligned as in
    /// [`Visibility`](super::Visibility).
    RelativePosition {
        /// `Causal` shares bucket 0 among all keys after the query, `Bidirectional` tells the two sides apart.
        direction: Direction,
        /// Which distances share a bucket.
        buckets: DistanceBuckets,
    },
    /// By how much time lies between query and key, whichever is first; see [`time_bucket`].
    ///
    /// In next-item models the time of a query is that of the event to predict, if it is known, else its own.
    TimeInterval {
        /// Time of each query row, milliseconds.
        query_times: Arc<[i64]>,
        /// Time of each key row, milliseconds.
        key_times: Arc<[i64]>,
        /// Intervals shorter than this share bucket 0; at least 1. 1000 counts in seconds.
        unit_millis: i64,
    },
}

/// Which distances share a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DistanceBuckets {
    /// Each distance has its own bucket, up to the last, which all greater ones share.
    ///
    /// # Source
    /// Shaw et al. 2018, <https://arxiv.org/abs/1803.02155>, section 3.2. Differences: a number a head, not a vector.
    Clipped,
    /// The nearer half of the buckets holds one distance each, the others grow by a constant factor up to
    /// `max_distance`; the last takes all beyond.
    ///
    /// # Source
    /// T5, Raffel et al. 2019, <https://arxiv.org/abs/1910.10683>, section 2.1.
    Logarithmic {
        /// The distance from which on all fall into the last bucket. T5 takes 128 for 32 buckets.
        max_distance: usize,
    },
}

impl DistanceBuckets {
    /// The bucket of a key that lies `distance` positions before the query (after it, if negative).
    ///
    /// With `Causal`, bucket 0 holds distance 0 and all keys after the query, and the last bucket the most distant keys.
    /// With `Bidirectional`, `Clipped` puts distance 0 in bucket `(n_buckets - 1) / 2`, earlier keys above and later
    /// keys below it; `Logarithmic` gives later keys the upper half of the table, as T5 does.
    ///
    /// ```
    /// use salient::ops::attention::{Direction, DistanceBuckets};
    ///
    /// let clipped = |distance| DistanceBuckets::Clipped.bucket(distance, Direction::Bidirectional, 5);
    /// assert_eq!([-9, -2, -1, 0, 1, 2, 9].map(clipped), [0, 0, 1, 2, 3, 4, 4]);
    /// ```
    pub fn bucket(&self, distance: i64, direction: Direction, n_buckets: usize) -> usize {
        let before = usize::try_from(distance).unwrap_or(0);
        let apart = usize::try_from(distance.unsigned_abs()).unwrap_or(usize::MAX);
        let last = n_buckets.saturating_sub(1);
        match (self, direction) {
            (Self::Clipped, Direction::Causal) => before.min(last),
            (Self::Clipped, Direction::Bidirectional) => {
                let middle = last / 2;
                if distance < 0 {
                    middle - apart.min(middle)
                } else {
                    middle + apart.min(middle)
                }
            }
            (Self::Logarithmic { max_distance }, Direction::Causal) => {
                logarithmic_bucket(before, n_buckets, *max_distance)
            }
            (Self::Logarithmic { max_distance }, Direction::Bidirectional) => {
                let half = n_buckets / 2;
                let side = if distance < 0 { half } else { 0 };
                side + logarithmic_bucket(apart, half, *max_distance)
            }
        }
    }
}

fn logarithmic_bucket(distance: usize, n_buckets: usize, max_distance: usize) -> usize {
    let n_exact = n_buckets / 2;
    if distance < n_exact {
        return distance;
    }
    let last = n_buckets.saturating_sub(1);
    if n_exact == 0 || distance >= max_distance {
        return last;
    }
    let octaves = |x: usize| (x as f64 / n_exact as f64).ln();
    let share = octaves(distance) / octaves(max_distance);
    (n_exact + (share * (n_buckets - n_exact) as f64) as usize).min(last)
}

/// The bucket of a time interval: 0 below one unit, then one bucket for each doubling, the last for all beyond.
///
/// Bucket `b > 0` holds intervals of `2^(b-1)` to less than `2^b` units; the sign does not matter. With a unit of a
/// second, 32 buckets reach to 34 years.
///
/// # Panics
/// If `unit_millis` is less than 1.
///
/// # Source
/// HSTU, Zhai et al. 2024, <https://arxiv.org/abs/2402.17152>. Differences: powers of two, in exact integers.
///
/// ```
/// use salient::ops::attention::time_bucket;
///
/// let bucket = |millis| time_bucket(millis, 1000, 4);
/// assert_eq!([0, 999, 1000, -1999, 2000, 3999, 4000, 1 << 40].map(bucket), [0, 0, 1, 1, 2, 2, 3, 3]);
/// ```
pub fn time_bucket(interval_millis: i64, unit_millis: i64, n_buckets: usize) -> usize {
    assert!(
        unit_millis >= 1,
        "a time unit of {unit_millis} ms is less than 1 ms"
    );
    let units = interval_millis.unsigned_abs() / unit_millis.unsigned_abs();
    let doublings = (u64::BITS - units.leading_zeros()) as usize;
    doublings.min(n_buckets.saturating_sub(1))
}
