//! The update from Burn's own operations.

use burn::tensor::Tensor;

use super::{Change, Sums};

pub(super) fn update<const D: usize>(
    weight: Tensor<D>,
    gradient: Tensor<1>,
    sums: Sums,
    change: &Change,
) -> (Tensor<D>, Sums) {
    let gradient = match change.scale {
        1.0 => gradient,
        scale => gradient.mul_scalar(scale),
    };
    let square = gradient.clone().mul(gradient.clone());
    let second = sums.second.mul_scalar(change.beta_2).add(square);
    let first = sums
        .first
        .map(|first| first.mul_scalar(change.beta_1).add(gradient.clone()));
    let direction = first.clone().unwrap_or(gradient);
    let step = direction
        .div(second.clone().sqrt().add_scalar(change.floor))
        .mul_scalar(change.size);
    let shape = weight.dims();
    let kept = match change.kept {
        1.0 => weight,
        kept => weight.mul_scalar(kept),
    };
    (kept.sub(step.reshape(shape)), Sums { first, second })
}
