//! Affine layers with weights drawn from a key.

use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use crate::ops;
use crate::parameters;
use crate::random::RandomKey;

/// A layer from `d_in` to `d_out` with uniform weights after Glorot and Bengio 2010 and a bias of zero, if any.
pub(crate) fn linear(
    d_in: usize,
    d_out: usize,
    bias: bool,
    key: RandomKey,
    device: &Device,
) -> Linear {
    let bound = parameters::glorot_bound(d_in, d_out);
    Linear {
        weight: parameters::uniform([d_in, d_out], bound, key, device),
        bias: bias.then(|| parameters::zeros([d_out], device)),
    }
}

/// Maps each row by a layer.
pub(crate) fn mapped(rows: Tensor<2>, layer: &Linear) -> Tensor<2> {
    let bias = layer.bias.as_ref().map(|bias| bias.val());
    ops::linear::linear(rows, layer.weight.val(), bias)
}
