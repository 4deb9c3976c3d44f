//! Scores of targets and of negatives from Burn's products, and what they count for.

use burn::tensor::{Tensor, activation::log_sigmoid};

use crate::ops::host;
use crate::ops::linear_cross_entropy::Negatives;
use crate::sequence::Offsets;

/// Products of each row with its target, `[n_rows, 1]`.
pub(super) fn target_scores(hidden: Tensor<2>, target_rows: Tensor<2>) -> Tensor<2> {
    (hidden * target_rows).sum_dim(1)
}

/// Products of each row with the negatives of its group, `[n_rows, n_negatives]`. There is at least one of each.
pub(super) fn negative_scores(
    hidden: Tensor<2>,
    negative_rows: Tensor<2>,
    groups: &Offsets,
) -> Tensor<2> {
    let [n_rows, d_model] = hidden.dims();
    let [n_all, _] = negative_rows.dims();
    let n_groups = groups.n_sequences();
    let n_each = n_all / n_groups;
    let negative_rows = negative_rows.reshape([n_groups, n_each, d_model]);
    match groups.uniform_len() {
        // No two rows share a negative: nothing for a matrix product to gain.
        Some(1) => (negative_rows * hidden.unsqueeze_dim(1))
            .sum_dim(2)
            .reshape([n_rows, n_each]),
        Some(len) => hidden
            .reshape([n_groups, len, d_model])
            .matmul(negative_rows.swap_dims(1, 2))
            .reshape([n_rows, n_each]),
        None => {
            // Short groups are filled up with a row that nobody reads.
            let longest = groups.max_len();
            let cells = groups.ranges().flat_map(|rows| {
                let n_missing = longest - rows.len();
                rows.chain(std::iter::repeat_n(0, n_missing))
            });
            let cells = cells.map(|row| row as i64).collect();
            let grid = host::select_rows(hidden, host::indices(cells, &negative_rows.device()))
                .reshape([n_groups, longest, d_model])
                .matmul(negative_rows.swap_dims(1, 2))
                .reshape([n_groups * longest, n_each]);
            let rows = groups.lengths().enumerate();
            let rows = rows.flat_map(|(group, len)| (0..len).map(move |at| group * longest + at));
            let rows = rows.map(|cell| cell as i64).collect();
            let rows = host::indices(rows, &grid.device());
            host::select_rows(grid, rows)
        }
    }
}

/// What each negative of each row counts for, row by row: 0 where it equals the target, else what `share` makes of the row
/// and of the number of its negatives that count.
pub(super) fn negative_weights(
    targets: &[u32],
    negatives: &Negatives<'_>,
    share: impl Fn(usize, usize) -> f32,
) -> Vec<f32> {
    let n_each = negatives.n_each();
    let mut weights = Vec::with_capacity(targets.len() * n_each);
    for (group, rows) in negatives.groups.ranges().enumerate() {
        let ids = &negatives.ids[group * n_each..][..n_each];
        for row in rows {
            let target = targets[row];
            let n_counted = ids.iter().filter(|&&id| id != target).count();
            let share = share(row, n_counted);
            let weight = |&id: &u32| if id == target { 0.0 } else { share };
            weights.extend(ids.iter().map(weight));
        }
    }
    weights
}

/// The sum of `-log sigmoid` of each margin, times its weight.
pub(super) fn surprise(margins: Tensor<2>, weights: Vec<f32>) -> Tensor<1> {
    let weights = host::floats(weights, margins.dims(), &margins.device(), margins.dtype());
    (log_sigmoid(margins) * weights).sum().neg()
}
