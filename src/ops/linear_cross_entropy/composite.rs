//! Cross-entropy from blocks of logits.

use burn::tensor::Tensor;

use crate::ops::host;

/// Logits of a block: 16 MiB in 32 bits, to stay near the cache and yet busy all cores.
const BLOCK_LEN: usize = 1 << 22;

/// Mean of the rows' losses, each times its factor. There is at least one row.
pub(super) fn linear_cross_entropy(
    hidden: Tensor<2>,
    table: Tensor<2>,
    targets: &[u32],
    factors: &[f32],
) -> Tensor<1> {
    let [n_items, _] = table.dims();
    let block_rows = (BLOCK_LEN / n_items).max(1);
    let by_item = table.transpose();
    let blocks = targets.chunks(block_rows).zip(factors.chunks(block_rows));
    let losses = blocks.enumerate().map(|(block, (targets, factors))| {
        let rows = hidden.clone().narrow(0, block * block_rows, targets.len());
        block_loss(rows.matmul(by_item.clone()), targets, factors)
    });
    Tensor::cat(losses.collect(), 0).sum()
}

fn block_loss(logits: Tensor<2>, targets: &[u32], factors: &[f32]) -> Tensor<1> {
    let n_rows = targets.len();
    let (device, dtype) = (logits.device(), logits.dtype());
    let index = targets.iter().map(|&target| i64::from(target)).collect();
    let index = host::indices(index, &device).reshape([n_rows, 1]);
    let factors = host::floats(factors.to_vec(), [n_rows, 1], &device, dtype);
    // The softmax does not change with a shift of a row, so the maximum needs no gradient.
    let shifted = logits.clone() - logits.detach().max_dim(1);
    let target = shifted.clone().gather(1, index);
    let log_sum = shifted.exp().sum_dim(1).log();
    ((log_sum - target) * factors).sum()
}
