//! How queries and keys of different sequences stand to each other.

use burn::tensor::{Bool, Tensor, TensorData};

use crate::ops::attention::{AttentionLayout, Visibility};

/// Positions of queries and keys where the last query of a sequence stands at its last key.
pub(super) fn aligned_positions(layout: &AttentionLayout) -> (Vec<i64>, Vec<i64>) {
    let query =
        layout
            .query
            .lengths()
            .zip(layout.key.lengths())
            .flat_map(|(query_len, key_len)| {
                (0..query_len as i64).map(move |row| row + key_len as i64 - query_len as i64)
            });
    let key = layout.key.positions().map(|position| position as i64);
    (query.collect(), key.collect())
}

/// For each query, whether it sees no key at all; `None` if all see something.
pub(super) fn blind_queries(
    layout: &AttentionLayout,
    visibility: &Visibility,
) -> Option<Vec<bool>> {
    if layout.query == layout.key {
        return None;
    }
    let blind: Vec<bool> = layout
        .query
        .lengths()
        .zip(layout.key.lengths())
        .flat_map(|(query_len, key_len)| {
            (0..query_len).map(move |row| visibility.keys(row, query_len, key_len).is_empty())
        })
        .collect();
    blind.contains(&true).then_some(blind)
}

/// The rows with zeros in those that are marked.
pub(super) fn hidden(rows: Tensor<2>, marked: Vec<bool>) -> Tensor<2> {
    let [n_rows, d_model] = rows.dims();
    let mask = Tensor::<2, Bool>::from_data(TensorData::new(marked, [n_rows, 1]), &rows.device());
    rows.mask_fill(mask.expand([n_rows, d_model]), 0.0)
}
