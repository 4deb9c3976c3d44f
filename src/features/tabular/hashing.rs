//! Values to buckets, and how often they collide there.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::random::mix;

/// Hashes of different values that are kept to count them; one for each up to so many, then of every second, fourth and so on.
const MAX_KEPT: usize = 1 << 20;

/// A hash of 64 bits that is the same on every machine: FNV-1a, finished as SplitMix64 is, so that all bits depend on all.
pub(super) fn hash(text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    mix(hash)
}

/// The bucket of a value.
pub(super) fn bucket(text: &str, n_buckets: usize) -> usize {
    (hash(text) % n_buckets as u64) as usize
}

/// How often values that are hashed collide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Collisions {
    /// Buckets.
    pub n_buckets: usize,
    /// Different values: counted up to 1,048,576, else estimated from a sample of their hashes.
    pub n_values: usize,
    /// Share of the values that share their bucket with another, to be expected of so many: `1 - (1 - 1 / b)^(n - 1)`.
    pub expected: f64,
    /// The same share, counted; none where the values were too many to be counted.
    pub measured: Option<f64>,
}

/// Counts different values by their hashes, in bounded memory.
///
/// # Source
/// Adaptive sampling of M. Wegman, as in Flajolet 1990, "On adaptive sampling", <https://doi.org/10.1007/BF02241657>.
pub(super) struct DistinctCounter {
    kept: HashSet<u64>,
    /// Only hashes that begin with so many zeros are kept.
    depth: u32,
    max_kept: usize,
}

impl DistinctCounter {
    pub(super) fn new() -> Self {
        Self::keeping(MAX_KEPT)
    }

    fn keeping(max_kept: usize) -> Self {
        Self {
            kept: HashSet::new(),
            depth: 0,
            max_kept,
        }
    }

    pub(super) fn push(&mut self, value: &str) {
        let hash = hash(value);
        if hash.leading_zeros() < self.depth {
            return;
        }
        self.kept.insert(hash);
        while self.kept.len() > self.max_kept {
            self.depth += 1;
            let depth = self.depth;
            self.kept.retain(|hash| hash.leading_zeros() >= depth);
        }
    }

    /// How the values seen collide in so many buckets.
    pub(super) fn collisions(&self, n_buckets: usize) -> Collisions {
        let n_values = self.kept.len() << self.depth;
        let others = n_values.saturating_sub(1) as f64;
        Collisions {
            n_buckets,
            n_values,
            expected: 1.0 - (1.0 - 1.0 / n_buckets as f64).powf(others),
            measured: (self.depth == 0 && n_values > 0).then(|| self.measured(n_buckets)),
        }
    }

    fn measured(&self, n_buckets: usize) -> f64 {
        let mut n_in_bucket: HashMap<u64, usize> = HashMap::new();
        for hash in &self.kept {
            *n_in_bucket.entry(hash % n_buckets as u64).or_default() += 1;
        }
        let n_colliding: usize = n_in_bucket.values().filter(|&&count| count > 1).sum();
        n_colliding as f64 / self.kept.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        // FNV-1a of these texts as its authors give it, finished by SplitMix64's mix.
        assert_eq!(hash(""), mix(0xcbf2_9ce4_8422_2325));
        assert_eq!(hash("a"), mix(0xaf63_dc4c_8601_ec8c));
        assert_eq!(hash("foobar"), mix(0x8594_4171_f739_67e8));
    }

    #[test]
    fn many_values_are_estimated_and_few_are_counted() {
        let mut few = DistinctCounter::keeping(1_000);
        let mut many = DistinctCounter::keeping(1_000);
        for value in 0..100_000 {
            few.push(&(value % 1_000).to_string());
            many.push(&value.to_string());
        }
        assert_eq!(few.collisions(10).n_values, 1_000);
        let seen = many.collisions(10);
        // The error of adaptive sampling is 1.20 / sqrt(1,000) of a standard deviation; three of them.
        assert!(
            (88_000..112_000).contains(&seen.n_values),
            "{}",
            seen.n_values
        );
        assert_eq!(seen.measured, None);
        assert!(many.kept.len() <= 1_000);
    }

    #[test]
    fn a_single_value_collides_with_none() {
        let mut counter = DistinctCounter::new();
        assert_eq!(counter.collisions(7).expected, 0.0);
        counter.push("a");
        let one = counter.collisions(1);
        assert_eq!((one.expected, one.measured), (0.0, Some(0.0)));
        counter.push("b");
        let two = counter.collisions(1);
        assert_eq!((two.expected, two.measured), (1.0, Some(1.0)));
    }
}
