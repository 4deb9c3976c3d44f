//! One vector for each sequence, by a learned question.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::{AttentionInput, ContextOutput, MultiHeadAttention, MultiHeadAttentionConfig};
use crate::model::ModelError;
use crate::parameters;
use crate::random::{Mode, RandomKey};
use crate::sequence::{Offsets, PackedSequences};

/// Standard deviation of the first question, that of all first weights in BERT.
const STANDARD_DEVIATION: f64 = 0.02;

/// Settings of an [`AttentionPooling`].
#[derive(Config, Debug)]
pub struct AttentionPoolingConfig {
    /// Width of a row and of the context vector; a positive multiple of `n_heads`.
    pub d_model: usize,
    /// Number of heads; at least 1. Each weighs the rows in its own way.
    pub n_heads: usize,
    /// Chance, in `[0, 1)`, that training zeroes an attention weight. Default 0.1.
    #[config(default = 0.1)]
    pub dropout: f64,
    /// Whether the four projections have a bias. Default true.
    #[config(default = true)]
    pub bias: bool,
}

/// Sums each sequence up in one context vector: what a learned question finds in it.
///
/// # Edge cases
/// An empty sequence yields a zero vector.
///
/// # Source
/// Lee et al. 2019, pooling by multi-head attention, section 3.2, <https://arxiv.org/abs/1810.00825>. Differences: one
/// question; no feed-forward layers, residual connection or norms around it.
#[derive(Module, Debug)]
pub struct AttentionPooling {
    /// The question, `[1, d_model]`.
    pub question: Param<Tensor<2>>,
    /// The attention of the question to a sequence.
    pub attention: MultiHeadAttention,
}

impl AttentionPoolingConfig {
    /// Draws the weights and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::HeadsDoNotDivideModel`], [`ModelError::DropoutOutOfRange`].
    pub fn init(&self, key: RandomKey, device: &Device) -> Result<AttentionPooling, ModelError> {
        let attention = MultiHeadAttentionConfig::new(self.d_model, self.n_heads)
            .with_dropout(self.dropout)
            .with_bias(self.bias);
        let attention = attention.init(key.child(0), device)?;
        let shape = [1, self.d_model];
        Ok(AttentionPooling {
            question: parameters::normal(shape, STANDARD_DEVIATION, key.child(1), device),
            attention,
        })
    }
}

impl AttentionPooling {
    /// Sums each sequence up.
    ///
    /// # Shapes
    /// - rows of `input`: `[n_rows, d_model]`
    /// - returns `[n_sequences, d_model]`
    ///
    /// # Panics
    /// If the rows are not `d_model` wide.
    pub fn forward(&self, input: impl Into<AttentionInput>, mode: Mode) -> Tensor<2> {
        let input = input.into();
        let questions = self.questions(input.sequences.offsets().n_sequences());
        self.attention.forward_cross(questions, input, mode).rows()
    }

    /// Sums up as [`forward`](Self::forward) does and also returns what the question looked at.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_with_weights(
        &self,
        input: impl Into<AttentionInput>,
        mode: Mode,
    ) -> ContextOutput {
        let input = input.into();
        let questions = self.questions(input.sequences.offsets().n_sequences());
        self.attention
            .forward_cross_with_weights(questions, input, mode)
            .into()
    }

    /// Sums up a batch with padding: the first `lengths[i]` rows of sequence `i` are there.
    ///
    /// # Shapes
    /// - `dense`: `[batch, seq_len, d_model]`
    /// - returns `[batch, d_model]`
    ///
    /// # Panics
    /// If there is not one length a sequence, a length exceeds `seq_len`, or as [`forward`](Self::forward).
    pub fn forward_dense(&self, dense: Tensor<3>, lengths: &[usize], mode: Mode) -> Tensor<2> {
        self.forward(PackedSequences::from_dense(dense, lengths), mode)
    }

    /// The question, once a sequence.
    fn questions(&self, n_sequences: usize) -> PackedSequences {
        let question = self.question.val();
        let [_, d_model] = question.dims();
        let rows = question.expand([n_sequences, d_model]);
        PackedSequences::new(rows, Offsets::uniform(n_sequences, 1))
    }
}
