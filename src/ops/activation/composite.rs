//! Activations from Burn's pointwise operations.

use burn::tensor::{Tensor, activation};

use super::Activation;

pub(super) fn activate<const D: usize>(x: Tensor<D>, activation: Activation) -> Tensor<D> {
    match activation {
        Activation::Relu => relu(x),
        Activation::Gelu => gelu(x),
        Activation::Silu => silu(x),
        Activation::Swiglu => swiglu(x),
    }
}

fn relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::relu(x)
}

/// Burn's own GELU is not used: on some backends its gradient is that of the tanh approximation.
fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let probability = (x.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() * 0.5 + 0.5;
    x * probability
}

fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.clone() * activation::sigmoid(x)
}

fn swiglu<const D: usize>(gate_and_value: Tensor<D>) -> Tensor<D> {
    let d_ff = gate_and_value.dims()[D - 1] / 2;
    let gate = gate_and_value.clone().narrow(D - 1, 0, d_ff);
    let value = gate_and_value.narrow(D - 1, d_ff, d_ff);
    silu(gate) * value
}
