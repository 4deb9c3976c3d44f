//! What pointwise attention has beside its projections to heads.

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use crate::model::linear::{linear, mapped};
use crate::model::norm::{Norm, NormConfig};
use crate::model::{ModelError, check};
use crate::ops::activation::silu;
use crate::ops::attention::AttentionForm;
use crate::ops::dropout::{Dropout, dropout};
use crate::random::RandomKey;

/// Added to the variance of a context before the root; that of the authors' code, since weights over a long history are
/// small.
const EPSILON: f64 = 1e-6;

/// Settings of a [`Pointwise`].
#[derive(Config, Debug)]
pub struct PointwiseConfig {
    /// What weights are divided by; at least 1, usually the length of the longest history.
    pub divisor: usize,
}

/// Attention whose weights stand alone, so that a context tells how much was found and not only where, behind a gate.
///
/// `(norm(A V) * U) Output` with `A = silu(Q Kᵀ + biases) / divisor` and `Q, K, V, U` each `silu(x Projection)`: equations 1
/// to 3 of the paper, the residual connection apart, which is that of the
/// [`EncoderBlock`](crate::model::encoder::EncoderBlock) with `feed_forward` off. Dropout acts on the weights and, with the
/// same chance, on the gated context; the paper drops nothing of the branch thereafter, which is a `residual_dropout` of 0.
///
/// # Source
/// HSTU, Zhai et al. 2024, <https://arxiv.org/abs/2402.17152>, section 3. Differences: the norm of the context scales and
/// shifts, with `gamma` of ones and `beta` of zeros at first; query, key and value are as wide as each other; the four
/// projections may have a bias, which the authors' code leaves out.
#[derive(Module, Debug)]
pub struct Pointwise {
    /// What a row lets through of what it found, `[d_model, d_model]`.
    pub gate: Linear,
    /// Norm of the joined heads.
    pub norm: Norm,
    divisor: usize,
}

impl PointwiseConfig {
    /// Draws the weights and puts them on `device`.
    pub(super) fn init(
        &self,
        d_model: usize,
        bias: bool,
        key: RandomKey,
        device: &Device,
    ) -> Result<Pointwise, ModelError> {
        check::positive_size("pointwise.divisor", self.divisor)?;
        Ok(Pointwise {
            gate: linear(d_model, d_model, bias, key, device),
            norm: NormConfig::new(d_model)
                .with_epsilon(EPSILON)
                .init(device)?,
            divisor: self.divisor,
        })
    }
}

impl Pointwise {
    /// How scores become weights.
    pub(super) fn form(&self) -> AttentionForm {
        AttentionForm::Pointwise {
            divisor: self.divisor as f32,
        }
    }

    /// What the rows that asked let through of what they found. There is at least one.
    pub(super) fn gated(
        &self,
        context: Tensor<2>,
        rows: Tensor<2>,
        drop: Option<Dropout>,
    ) -> Tensor<2> {
        let gated = self.norm.forward(context) * silu(mapped(rows, &self.gate));
        match drop {
            Some(drop) => dropout(gated, &drop),
            None => gated,
        }
    }
}
