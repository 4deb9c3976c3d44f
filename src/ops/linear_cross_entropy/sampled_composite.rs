//! Sampled cross-entropy from Burn's matrix products, a group of rows at a time.

use burn::tensor::Tensor;

use super::sampled::Candidates;
use crate::ops::host;

/// Mean of the rows' losses, each times its factor. There is at least one row and one negative a group.
pub(super) fn cross_entropy(
    hidden: Tensor<2>,
    target_rows: Tensor<2>,
    negative_rows: Tensor<2>,
    candidates: &Candidates,
) -> Tensor<1> {
    let n_negatives = candidates.n_negatives;
    let groups = candidates.groups.ranges().enumerate();
    let losses = groups
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(group, rows)| {
            let of_group = |tensor: &Tensor<2>| tensor.clone().narrow(0, rows.start, rows.len());
            let negatives = negative_rows
                .clone()
                .narrow(0, group * n_negatives, n_negatives);
            let (hidden, target_rows) = (of_group(&hidden), of_group(&target_rows));
            let (device, dtype) = (hidden.device(), hidden.dtype());
            let (at_target, at_negatives) = corrections(candidates, group);
            let shape = [rows.len(), n_negatives];
            let logits = hidden.clone().matmul(negatives.transpose())
                + host::floats(at_negatives, shape, &device, dtype);
            let target = (hidden * target_rows).sum_dim(1)
                + host::floats(at_target, [rows.len(), 1], &device, dtype);
            let logits = Tensor::cat(vec![target.clone(), logits], 1);
            // The softmax does not change with a shift of a row, so the maximum needs no gradient.
            let highest = logits.clone().detach().max_dim(1);
            let log_sum = (logits - highest.clone()).exp().sum_dim(1).log() + highest;
            let factors = candidates.factors[rows.clone()].to_vec();
            let factors = host::floats(factors, [rows.len(), 1], &device, dtype);
            ((log_sum - target) * factors).sum()
        });
    Tensor::cat(losses.collect(), 0).sum()
}

/// What is added to the logits of the targets and, row by row, of the negatives of a group.
fn corrections(candidates: &Candidates, group: usize) -> (Vec<f32>, Vec<f32>) {
    let rows = candidates.groups.range(group);
    let n_negatives = candidates.n_negatives;
    let negatives = group * n_negatives..(group + 1) * n_negatives;
    let correction = |side: usize, index: usize| match &candidates.corrections {
        Some(corrections) => -corrections[side][index],
        None => 0.0,
    };
    let of_targets = rows.clone().map(|row| correction(0, row)).collect();
    let cells = rows.flat_map(|row| negatives.clone().map(move |negative| (row, negative)));
    let of_negatives = cells.map(|(row, negative)| {
        if candidates.negatives[negative] == candidates.targets[row] {
            f32::NEG_INFINITY
        } else {
            correction(1, negative)
        }
    });
    (of_targets, of_negatives.collect())
}
