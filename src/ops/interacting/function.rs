//! The public function.

use burn::tensor::Tensor;

use super::composite;
use crate::ops::dropout::Dropout;

/// What the rows of an interacting layer are mapped by; all `[d_in, width]`.
#[derive(Clone, Debug)]
pub struct InteractingWeights {
    /// What a field looks for.
    pub query: Tensor<2>,
    /// What a field can be found by.
    pub key: Tensor<2>,
    /// What a field has to say.
    pub value: Tensor<2>,
    /// What a field keeps of itself.
    pub residual: Tensor<2>,
}

/// How the fields of an interacting layer look at each other.
#[derive(Clone, Copy, Debug)]
pub struct InteractingOptions {
    /// Rows that look at each other; at least 1.
    pub n_tokens: usize,
    /// Heads; at least 1, and a divisor of `width`.
    pub n_heads: usize,
    /// What products of queries and keys are multiplied by.
    pub scale: f64,
    /// Dropout of the weights, in training, by the numbers of [`AttentionOptions`](crate::ops::attention::AttentionOptions).
    pub dropout: Option<Dropout>,
}

/// Lets each `n_tokens` rows that follow each other look at each other.
///
/// `relu(concat over heads of softmax(scale * q kᵀ) v + rows residual)`, where `q`, `k` and `v` are the rows mapped by query,
/// key and value.
///
/// # Shapes
/// - `rows`: `[n_rows, d_in]`, `n_rows` a multiple of `n_tokens`
/// - `weights`: `[d_in, width]` each
/// - returns `[n_rows, width]`
///
/// # Edge cases
/// No rows give no rows, without a gradient.
///
/// # Panics
/// If a shape above does not hold.
///
/// # Source
/// Song et al. 2019, <https://arxiv.org/abs/1810.11921>, equations 5 to 8. Differences: a scale, and dropout of weights.
pub fn interacting(
    rows: Tensor<2>,
    weights: InteractingWeights,
    options: &InteractingOptions,
) -> Tensor<2> {
    let [n_rows, d_in] = rows.dims();
    let [_, width] = weights.residual.dims();
    let (n_tokens, n_heads) = (options.n_tokens, options.n_heads);
    assert!(
        n_tokens > 0 && n_rows % n_tokens == 0,
        "{n_rows} rows do not make whole groups of {n_tokens}"
    );
    assert!(
        n_heads > 0 && width % n_heads == 0,
        "{n_heads} heads do not share {width} columns"
    );
    for weight in [
        &weights.query,
        &weights.key,
        &weights.value,
        &weights.residual,
    ] {
        assert_eq!(
            weight.dims(),
            [d_in, width],
            "all weights must be alike, as high as rows are wide"
        );
    }
    if n_rows == 0 {
        return Tensor::zeros([0, width], (&rows.device(), rows.dtype()));
    }
    #[cfg(feature = "flex")]
    if super::flex::runs(&rows, &weights, options) {
        return super::flex::interacting(rows, weights, options);
    }
    composite::interacting(rows, weights, options)
}
