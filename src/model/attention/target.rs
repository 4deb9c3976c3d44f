//! One question to each history.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::{AttentionInput, ContextOutput, MultiHeadAttention, MultiHeadAttentionConfig};
use crate::model::{ModelError, check};
use crate::random::{Mode, RandomKey};
use crate::sequence::{Offsets, PackedSequences};

/// Settings of a [`TargetAttention`].
#[derive(Config, Debug)]
pub struct TargetAttentionConfig {
    /// Width of the target and of the context vector; a positive multiple of `n_heads`.
    pub d_model: usize,
    /// Number of heads; at least 1.
    pub n_heads: usize,
    /// Width of the rows of a history; at least 1. Default: `d_model`.
    pub d_history: Option<usize>,
    /// Chance, in `[0, 1)`, that training zeroes an attention weight. Default 0.1.
    #[config(default = 0.1)]
    pub dropout: f64,
    /// Whether the four projections have a bias. Default true.
    #[config(default = true)]
    pub bias: bool,
}

/// Sums each history up from the point of view of one target, such as an item that may be shown.
///
/// # Edge cases
/// An empty history yields a zero vector.
///
/// # Source
/// The idea: Zhou et al. 2018, deep interest network, <https://arxiv.org/abs/1706.06978>. Difference: weights are a
/// softmax over products of projected heads, not the outputs of a small network.
#[derive(Module, Debug)]
pub struct TargetAttention {
    /// The attention of a target to its history.
    pub attention: MultiHeadAttention,
}

impl TargetAttentionConfig {
    /// Draws the weights and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::HeadsDoNotDivideModel`], [`ModelError::DropoutOutOfRange`].
    pub fn init(&self, key: RandomKey, device: &Device) -> Result<TargetAttention, ModelError> {
        if let Some(d_history) = self.d_history {
            check::positive_size("d_history", d_history)?;
        }
        let attention = MultiHeadAttentionConfig::new(self.d_model, self.n_heads)
            .with_d_context(self.d_history)
            .with_dropout(self.dropout)
            .with_bias(self.bias);
        Ok(TargetAttention {
            attention: attention.init(key, device)?,
        })
    }
}

impl TargetAttention {
    /// Sums each history up for its target.
    ///
    /// # Shapes
    /// - `targets`: `[n_sequences, d_model]`, one a history
    /// - rows of `history`: `[n_rows, d_history]`
    /// - returns `[n_sequences, d_model]`
    ///
    /// # Panics
    /// If a shape above does not hold.
    pub fn forward(
        &self,
        targets: Tensor<2>,
        history: impl Into<AttentionInput>,
        mode: Mode,
    ) -> Tensor<2> {
        let queries = one_each(targets);
        self.attention.forward_cross(queries, history, mode).rows()
    }

    /// Sums up as [`forward`](Self::forward) does and also returns what each target looked at.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_with_weights(
        &self,
        targets: Tensor<2>,
        history: impl Into<AttentionInput>,
        mode: Mode,
    ) -> ContextOutput {
        let queries = one_each(targets);
        self.attention
            .forward_cross_with_weights(queries, history, mode)
            .into()
    }

    /// Sums up a batch with padding: the first `lengths[i]` rows of history `i` are there.
    ///
    /// # Shapes
    /// - `targets`: `[batch, d_model]`
    /// - `histories`: `[batch, seq_len, d_history]`
    /// - returns `[batch, d_model]`
    ///
    /// # Panics
    /// If there is not one length a history, a length exceeds `seq_len`, or as [`forward`](Self::forward).
    pub fn forward_dense(
        &self,
        targets: Tensor<2>,
        histories: Tensor<3>,
        lengths: &[usize],
        mode: Mode,
    ) -> Tensor<2> {
        let histories = PackedSequences::from_dense(histories, lengths);
        self.forward(targets, histories, mode)
    }
}

/// Sequences of one row each.
fn one_each(rows: Tensor<2>) -> PackedSequences {
    let [n_rows, _] = rows.dims();
    PackedSequences::new(rows, Offsets::uniform(n_rows, 1))
}
