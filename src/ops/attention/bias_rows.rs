//! Biases as rows of numbers that are added to rows of scores, and their gradients.

use std::ops::Range;

use super::kernel::Plan;
use super::{BiasRule, time_bucket};
use crate::ops::cpu::wide;

/// Where the table of a bias is among all tables of a call.
#[derive(Clone, Debug)]
pub(super) struct BiasPlan {
    pub(super) rule: BiasRule,
    pub(super) first_bucket: usize,
    pub(super) n_buckets: usize,
}

/// The biases of all heads, laid out as they are added.
pub(super) struct BiasRows {
    /// The sum of all biases by position, `[n_heads, n_distances]`, the greatest distance first: a row of scores takes a
    /// stretch of it.
    by_distance: Vec<f32>,
    /// For each bias by position, which bucket of all tables each distance falls into.
    buckets: Vec<Vec<usize>>,
    n_distances: usize,
    max_key_len: usize,
    /// All tables, `[n_heads, n_buckets]`.
    by_bucket: Vec<f32>,
    n_buckets: usize,
}

/// Gradients in the layout of [`BiasRows`].
pub(super) struct BiasGradient {
    by_distance: Vec<f32>,
    by_bucket: Vec<f32>,
}

/// The biases of one head of one sequence.
pub(super) struct HeadBias<'a> {
    rows: &'a BiasRows,
    plan: &'a Plan,
    head: usize,
    queries: Range<usize>,
    keys: Range<usize>,
}

impl BiasRows {
    /// `tables` are those of all biases, `[n_buckets, n_heads]`.
    pub(super) fn new(plan: &Plan, tables: &[f32]) -> Self {
        let n_heads = plan.n_heads;
        let n_buckets = tables.len() / n_heads;
        let (max_query, max_key) = (plan.layout.query.max_len(), plan.layout.key.max_len());
        let buckets: Vec<Vec<usize>> = plan
            .biases
            .iter()
            .filter_map(|bias| distance_buckets(bias, max_query, max_key))
            .collect();
        let n_distances = buckets.first().map_or(0, Vec::len);
        let mut by_distance = vec![0.0; n_heads * n_distances];
        for (index, sum) in by_distance.iter_mut().enumerate() {
            let (head, distance) = (index / n_distances, index % n_distances);
            let numbers = buckets
                .iter()
                .map(|of| tables[of[distance] * n_heads + head]);
            *sum = numbers.sum();
        }
        let turned = |index| tables[(index % n_buckets) * n_heads + index / n_buckets];
        Self {
            by_distance,
            buckets,
            n_distances,
            max_key_len: max_key,
            by_bucket: (0..tables.len()).map(turned).collect(),
            n_buckets,
        }
    }

    /// The biases of one head and the sequence with these rows of queries and keys.
    pub(super) fn of_head<'a>(
        &'a self,
        plan: &'a Plan,
        head: usize,
        queries: Range<usize>,
        keys: Range<usize>,
    ) -> HeadBias<'a> {
        HeadBias {
            rows: self,
            plan,
            head,
            queries,
            keys,
        }
    }

    /// A gradient of zero.
    pub(super) fn gradient(&self) -> BiasGradient {
        BiasGradient {
            by_distance: vec![0.0; self.by_distance.len()],
            by_bucket: vec![0.0; self.by_bucket.len()],
        }
    }

    /// The gradient of all tables, `[n_buckets, n_heads]`: the sum of parts, in their order.
    pub(super) fn sum(&self, plan: &Plan, parts: &[BiasGradient], len: usize) -> Vec<f32> {
        let mut tables = vec![0.0; len];
        if plan.biases.is_empty() {
            return tables;
        }
        for part in parts {
            for (index, number) in part.by_bucket.iter().enumerate() {
                tables[(index % self.n_buckets) * plan.n_heads + index / self.n_buckets] += number;
            }
            for (index, number) in part.by_distance.iter().enumerate() {
                let (head, distance) = (index / self.n_distances, index % self.n_distances);
                for buckets in &self.buckets {
                    tables[buckets[distance] * plan.n_heads + head] += number;
                }
            }
        }
        tables
    }
}

/// The bucket of each distance from `max_key - 1` down to `1 - max_query`, if the bias is one by position.
fn distance_buckets(bias: &BiasPlan, max_query: usize, max_key: usize) -> Option<Vec<usize>> {
    let BiasRule::RelativePosition { direction, buckets } = &bias.rule else {
        return None;
    };
    let distances = (0..max_key + max_query - 1).map(|index| max_key as i64 - 1 - index as i64);
    let bucket = |distance| buckets.bucket(distance, *direction, bias.n_buckets);
    Some(
        distances
            .map(|distance| bias.first_bucket + bucket(distance))
            .collect(),
    )
}

impl HeadBias<'_> {
    /// The stretch of distances from a query to `n_keys` keys.
    fn stretch(&self, query: usize, first_key: usize, n_keys: usize) -> Range<usize> {
        // Queries and keys are aligned at their ends; the query stands at key `query + key_len - query_len`.
        let start =
            self.rows.max_key_len - 1 + self.queries.len() + first_key - (query + self.keys.len());
        let start = self.head * self.rows.n_distances + start;
        start..start + n_keys
    }

    /// Calls `work` with the buckets that a query's keys fall into, for each bias by time.
    fn by_time(
        &self,
        query: usize,
        keys: Range<usize>,
        buckets: &mut Vec<u32>,
        mut work: impl FnMut(usize, &[u32]),
    ) {
        for bias in &self.plan.biases {
            if let BiasRule::TimeInterval {
                query_times,
                key_times,
                unit_millis,
            } = &bias.rule
            {
                let time = query_times[self.queries.start + query];
                let key_times = &key_times[self.keys.clone()][keys.clone()];
                time_buckets(time, key_times, *unit_millis, bias.n_buckets, buckets);
                work(self.head * self.rows.n_buckets + bias.first_bucket, buckets);
            }
        }
    }

    /// Adds the biases of a query and the keys from `first_key` on to its scores.
    pub(super) fn add(
        &self,
        query: usize,
        first_key: usize,
        scores: &mut [f32],
        buckets: &mut Vec<u32>,
    ) {
        if self.rows.n_distances > 0 {
            let biases = &self.rows.by_distance[self.stretch(query, first_key, scores.len())];
            for (score, bias) in scores.iter_mut().zip(biases) {
                *score += bias;
            }
        }
        let keys = first_key..first_key + scores.len();
        self.by_time(query, keys, buckets, |first, buckets| {
            let biases = &self.rows.by_bucket[first..];
            for (score, &bucket) in scores.iter_mut().zip(buckets) {
                *score += biases[bucket as usize];
            }
        });
    }

    /// Adds the gradients of a query's scores to those of the biases that [`add`](Self::add) added to them.
    pub(super) fn gradient(
        &self,
        query: usize,
        first_key: usize,
        d_scores: &[f32],
        d_bias: &mut BiasGradient,
        buckets: &mut Vec<u32>,
    ) {
        if self.rows.n_distances > 0 {
            let stretch = self.stretch(query, first_key, d_scores.len());
            for (sum, d_score) in d_bias.by_distance[stretch].iter_mut().zip(d_scores) {
                *sum += d_score;
            }
        }
        let keys = first_key..first_key + d_scores.len();
        self.by_time(query, keys, buckets, |first, buckets| {
            let sums = &mut d_bias.by_bucket[first..];
            for (d_score, &bucket) in d_scores.iter().zip(buckets) {
                sums[bucket as usize] += d_score;
            }
        });
    }
}

/// The [`time_bucket`] of each key.
fn time_buckets(
    query_time: i64,
    key_times: &[i64],
    unit_millis: i64,
    n_buckets: usize,
    buckets: &mut Vec<u32>,
) {
    /// Intervals below this are exact as 64-bit floats, and so is whether their quotient reaches a power of two.
    const EXACT_BITS: u32 = 52;
    /// The exponent of 0.5 in the bits of a 64-bit float; that of 1 is one more and belongs to bucket 1.
    const EXPONENT_OF_HALF: i64 = 1022;
    let last = n_buckets as i64 - 1;
    buckets.clear();
    buckets.resize(key_times.len(), 0);
    let too_long = wide(
        #[inline(always)]
        || {
            let mut high_bits = 0;
            for (bucket, time) in buckets.iter_mut().zip(key_times) {
                let interval = query_time.saturating_sub(*time).unsigned_abs();
                high_bits |= interval >> EXACT_BITS;
                let units = interval as i64 as f64 / unit_millis as f64;
                let exponent = (units.to_bits() >> 52) as i64 - EXPONENT_OF_HALF;
                *bucket = exponent.clamp(0, last) as u32;
            }
            high_bits != 0
        },
    );
    if too_long {
        for (bucket, time) in buckets.iter_mut().zip(key_times) {
            let interval = query_time.saturating_sub(*time);
            *bucket = time_bucket(interval, unit_millis, n_buckets) as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_of_a_row_are_those_of_each_interval() {
        let units = [1, 3, 1000, 86_400_000, i64::MAX];
        for unit in units {
            let mut times = vec![0, 1, -1, i64::MAX, i64::MIN + 1];
            for power in 0..62 {
                let edge = unit.saturating_mul(1 << power);
                times.extend([edge - 1, edge, edge.saturating_add(1), -edge]);
            }
            for n_buckets in [1, 2, 32, 64] {
                // Alone, short intervals take the fast way.
                for times in times.chunks(1).chain([&times[..]]) {
                    let mut found = Vec::new();
                    time_buckets(0, times, unit, n_buckets, &mut found);
                    let of = |time: &i64| {
                        time_bucket(0i64.saturating_sub(*time), unit, n_buckets) as u32
                    };
                    let expected: Vec<u32> = times.iter().map(of).collect();
                    assert_eq!(found, expected, "{unit} {n_buckets} {times:?}");
                }
            }
        }
    }
}
