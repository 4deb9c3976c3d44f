//! Dropout as a product with a mask made on the host.

use burn::tensor::Tensor;

use super::Dropout;
use crate::ops::host;

pub(super) fn dropout<const D: usize>(x: Tensor<D>, dropout: &Dropout) -> Tensor<D> {
    let shape = x.dims();
    let factors = dropout.factors(shape.iter().product());
    let mask = host::floats(factors, shape, &x.device(), x.dtype());
    x * mask
}

pub(super) fn dropout_add<const D: usize>(
    x: Tensor<D>,
    residual: Tensor<D>,
    drop: &Dropout,
) -> Tensor<D> {
    residual + dropout(x, drop)
}
