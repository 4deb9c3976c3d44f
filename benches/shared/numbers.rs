//! Tensors of fixed random numbers.

use burn::tensor::{Device, Tensor};
use salient::parameters;
use salient::random::RandomKey;

/// Standard normal numbers, others for each `part`.
pub(crate) fn normal<const D: usize>(shape: [usize; D], part: u64, device: &Device) -> Tensor<D> {
    parameters::normal(shape, 1.0, RandomKey::new(7).child(part), device).val()
}
