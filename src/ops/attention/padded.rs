//! The packed layout as a grid `[n_sequences, max_query_len, max_key_len]`, worked out on the host once a call.

use rayon::prelude::*;

use super::{AttentionLayout, BiasRule, Direction, Dropout, Visibility, time_bucket};
use crate::sequence::Offsets;

/// Numbers for all sequences, or one copy that they share.
pub(super) struct Planes<T> {
    /// Number of planes: `n_sequences` or 1.
    pub(super) n_planes: usize,
    /// Their numbers, `[n_planes, n_rows, max_key_len]`, where `n_rows` is `max_query_len` or 1.
    pub(super) values: Vec<T>,
}

/// The packed row of each cell `[n_sequences, max_len]`; `None` if they are the same already.
///
/// Cells past the end of a sequence repeat a row. Nothing may depend on them.
pub(super) fn rows_of_cells(offsets: &Offsets) -> Option<Vec<i64>> {
    if offsets.uniform_len().is_some() {
        return None;
    }
    let (max_len, last_row) = (offsets.max_len(), offsets.n_rows().saturating_sub(1));
    let cells = offsets.ranges().flat_map(|range| {
        let last = range.end.saturating_sub(1).max(range.start).min(last_row);
        (0..max_len).map(move |position| (range.start + position).min(last) as i64)
    });
    Some(cells.collect())
}

/// The cell `[n_sequences, max_len]` of each packed row; `None` if they are the same already.
pub(super) fn cells_of_rows(offsets: &Offsets) -> Option<Vec<i64>> {
    if offsets.uniform_len().is_some() {
        return None;
    }
    let max_len = offsets.max_len();
    let sequences = offsets.lengths().enumerate();
    Some(
        sequences
            .flat_map(|(sequence, length)| {
                (0..length).map(move |position| (sequence * max_len + position) as i64)
            })
            .collect(),
    )
}

/// Minus infinity where a key is hidden, else 0; `None` if nothing is hidden.
///
/// A query that sees nothing has a row of zeros, so that no infinity spoils it; its output is to be discarded.
pub(super) fn mask(layout: &AttentionLayout, visibility: Visibility) -> Option<Planes<f32>> {
    let (max_query, max_key) = (layout.query.max_len(), layout.key.max_len());
    let sees_all = visibility == Visibility::bidirectional();
    let uniform = layout.query.uniform_len().is_some() && layout.key.uniform_len().is_some();
    if uniform && sees_all {
        return None;
    }
    // With causal visibility the keys past the end of a sequence lie after all its queries, hence hidden anyway.
    let causal = visibility.direction == Direction::Causal;
    if uniform || causal && has_common_shift(layout) {
        let values = mask_plane(visibility, (max_query, max_key), (max_query, max_key));
        return Some(Planes {
            n_planes: 1,
            values,
        });
    }
    let lengths = layout.lengths();
    let values = lengths.flat_map(|(query_len, key_len)| {
        if sees_all {
            // All queries of a sequence see the same keys.
            mask_plane(visibility, (1, key_len), (1, max_key))
        } else {
            mask_plane(visibility, (query_len, key_len), (max_query, max_key))
        }
    });
    Some(Planes {
        n_planes: layout.n_sequences(),
        values: values.collect(),
    })
}

fn mask_plane(
    visibility: Visibility,
    (query_len, key_len): (usize, usize),
    (max_query, max_key): (usize, usize),
) -> Vec<f32> {
    let mut plane = vec![0.0; max_query * max_key];
    for (query, row) in plane.chunks_exact_mut(max_key).take(query_len).enumerate() {
        let keys = visibility.keys(query, query_len, key_len);
        if !keys.is_empty() {
            row[..keys.start].fill(f32::NEG_INFINITY);
            row[keys.end..].fill(f32::NEG_INFINITY);
        }
    }
    plane
}

/// Whether queries and keys of all sequences are aligned alike.
fn has_common_shift(layout: &AttentionLayout) -> bool {
    let mut shifts = layout
        .lengths()
        .map(|(query_len, key_len)| key_len as i64 - query_len as i64);
    shifts
        .next()
        .is_none_or(|first| shifts.all(|shift| shift == first))
}

/// 1 for each query that sees a key, 0 for each that sees none; `None` if all see some.
pub(super) fn seeing(layout: &AttentionLayout, visibility: Visibility) -> Option<Vec<f32>> {
    let rows = layout.lengths().flat_map(|(query_len, key_len)| {
        (0..query_len).map(move |query| !visibility.keys(query, query_len, key_len).is_empty())
    });
    let seeing: Vec<f32> = rows.map(|sees| f32::from(u8::from(sees))).collect();
    seeing.contains(&0.0).then_some(seeing)
}

/// The same for each cell `[n_sequences, max_query_len]`: 0 also past the end of a sequence.
pub(super) fn seeing_cells(layout: &AttentionLayout, visibility: Visibility) -> Vec<f32> {
    let max_query = layout.query.max_len();
    let cells = layout.lengths().flat_map(|(query_len, key_len)| {
        (0..max_query).map(move |query| {
            query < query_len && !visibility.keys(query, query_len, key_len).is_empty()
        })
    });
    cells.map(|sees| f32::from(u8::from(sees))).collect()
}

/// The bucket of each query and key; any bucket past the end of a sequence.
pub(super) fn buckets(layout: &AttentionLayout, rule: &BiasRule, n_buckets: usize) -> Planes<i64> {
    match rule {
        BiasRule::RelativePosition { direction, buckets } => {
            let bucket = |distance| buckets.bucket(distance, *direction, n_buckets);
            position_planes(layout, bucket)
        }
        BiasRule::TimeInterval {
            query_times,
            key_times,
            unit_millis,
        } => time_planes(layout, query_times, key_times, |interval| {
            time_bucket(interval, *unit_millis, n_buckets)
        }),
    }
}

fn position_planes(layout: &AttentionLayout, bucket: impl Fn(i64) -> usize) -> Planes<i64> {
    let (max_query, max_key) = (layout.query.max_len(), layout.key.max_len());
    let plane = |(query_len, key_len): (usize, usize)| {
        let shift = key_len as i64 - query_len as i64;
        // A distance lies in -max_key..max_query + max_key; each bucket is worked out once, not for every pair.
        let distances = 1 - max_key as i64 + shift..max_query as i64 + shift;
        let by_distance: Vec<i64> = distances.map(|distance| bucket(distance) as i64).collect();
        let rows = (0..max_query).flat_map(|query| {
            let row = &by_distance[query..query + max_key];
            row.iter().rev().copied()
        });
        rows.collect::<Vec<i64>>()
    };
    let mut lengths = layout.lengths();
    if let (true, Some(first)) = (has_common_shift(layout), lengths.next()) {
        return Planes {
            n_planes: 1,
            values: plane(first),
        };
    }
    Planes {
        n_planes: layout.n_sequences(),
        values: layout.lengths().flat_map(plane).collect(),
    }
}

fn time_planes(
    layout: &AttentionLayout,
    query_times: &[i64],
    key_times: &[i64],
    bucket: impl Fn(i64) -> usize + Sync,
) -> Planes<i64> {
    let (max_query, max_key) = (layout.query.max_len(), layout.key.max_len());
    let mut values = vec![0; layout.n_sequences() * max_query * max_key];
    let planes = values.par_chunks_mut(max_query * max_key);
    planes.enumerate().for_each(|(sequence, plane)| {
        let keys = &key_times[layout.key.range(sequence)];
        let queries = &query_times[layout.query.range(sequence)];
        for (query, row) in queries.iter().zip(plane.chunks_exact_mut(max_key)) {
            for (cell, key) in row.iter_mut().zip(keys) {
                *cell = bucket(query.saturating_sub(*key)) as i64;
            }
        }
    });
    Planes {
        n_planes: layout.n_sequences(),
        values,
    }
}

/// What dropout multiplies each weight by, `[n_sequences, n_heads, max_query_len, max_key_len]`.
pub(super) fn dropout_factors(
    layout: &AttentionLayout,
    visibility: Visibility,
    n_heads: usize,
    dropout: &Dropout,
) -> Vec<f32> {
    let (max_query, max_key) = (layout.query.max_len(), layout.key.max_len());
    let mut factors = vec![0.0; layout.n_sequences() * n_heads * max_query * max_key];
    let planes = factors.par_chunks_mut(max_query * max_key);
    planes.enumerate().for_each(|(plane, factors)| {
        let (sequence, head) = (plane / n_heads, plane % n_heads);
        let (query_len, key_len) = (
            layout.query.range(sequence).len(),
            layout.key.range(sequence).len(),
        );
        let dropout = dropout.child(sequence as u64);
        let rows = factors.chunks_exact_mut(max_key).take(query_len);
        for (query, row) in rows.enumerate() {
            let keys = visibility.keys(query, query_len, key_len);
            let dropout = dropout.child((head * query_len + query) as u64);
            dropout.fill(keys.start, &mut row[keys]);
        }
    });
    factors
}
