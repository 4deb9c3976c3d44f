//! The public functions.

use burn::tensor::Tensor;

use super::composite;

/// Replaces negative numbers by zero.
///
/// # Shapes
/// - `x`: any
/// - returns the shape of `x`
pub fn relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    composite::relu(x)
}

/// Multiplies each number by the chance that a standard normal number lies below it.
///
/// `x * (1 + erf(x / sqrt(2))) / 2`, exact as PyTorch's default, not the tanh approximation; the gradient is that of the
/// exact form on every backend.
///
/// # Shapes
/// - `x`: any
/// - returns the shape of `x`
///
/// # Source
/// Hendrycks and Gimpel 2016, <https://arxiv.org/abs/1606.08415>.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    composite::gelu(x)
}

/// Multiplies each number by its logistic sigmoid.
///
/// # Shapes
/// - `x`: any
/// - returns the shape of `x`
///
/// # Source
/// Elfwing et al. 2017, <https://arxiv.org/abs/1702.03118>; also known as Swish with beta 1.
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    composite::silu(x)
}

/// Multiplies the second half of each row by the [`silu`] of the first.
///
/// Both halves come from one projection of width `2 * d_ff`, which is faster than two.
///
/// # Shapes
/// - `gate_and_value`: `[.., 2 * d_ff]`, the gate first
/// - returns `[.., d_ff]`
///
/// # Panics
/// If the last axis is odd.
///
/// # Source
/// Shazeer 2020, <https://arxiv.org/abs/2002.05202>, equation 6. Differences: the output projection is the caller's.
pub fn swiglu<const D: usize>(gate_and_value: Tensor<D>) -> Tensor<D> {
    let width = gate_and_value.dims()[D - 1];
    assert!(
        width.is_multiple_of(2),
        "swiglu needs a gate and a value of one width, found {width} columns"
    );
    composite::swiglu(gate_and_value)
}
