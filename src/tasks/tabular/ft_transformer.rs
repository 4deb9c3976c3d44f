//! A transformer over the fields.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::deep::head;
use super::fields::FieldEmbeddings;
use super::layout::FieldRows;
use crate::model::ModelError;
use crate::model::attention::{AttentionPooling, AttentionPoolingConfig};
use crate::model::encoder::{Activation, Encoder, EncoderBlockConfig, EncoderConfig};
use crate::model::linear::mapped;
use crate::ops::activation::relu;
use crate::ops::embedding::embedding;
use crate::parameters;
use crate::random::{Mode, RandomKey};
use crate::sequence::{Offsets, PackedSequences};

/// How the vectors of a row become one, after the last layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// A learned vector stands before them, the class token, and what it became is taken.
    #[default]
    Question,
    /// There is no such vector; a learned question attends to what all became.
    Attention,
}

/// Settings of an `FtTransformer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FtTransformerConfig {
    /// Layers; at least 1. Default 3.
    pub n_layers: usize,
    /// Heads a layer, of which the width of a vector must be a multiple; at least 1. Default 8.
    pub n_heads: usize,
    /// Width inside the feed-forward part; at least 1. Default 32. The paper has 4/3 of the width of a vector.
    pub d_ff: usize,
    /// The non-linear function of the feed-forward part. Default SwiGLU; the paper has ReGLU, which this crate has not.
    pub activation: Activation,
    /// Chance, in `[0, 1)`, that training zeroes an attention weight. Default 0.2.
    pub attention_dropout: f64,
    /// Chance, in `[0, 1)`, that training zeroes an inner number of the feed-forward part. Default 0.1.
    pub feed_forward_dropout: f64,
    /// Chance, in `[0, 1)`, that training zeroes a number that a layer adds. Default 0.
    pub residual_dropout: f64,
    /// Chance, in `[0, 1)`, that training leaves out, for a whole row, what a branch of the last layer adds; less in earlier
    /// layers, in proportion to their depth. Default 0; worth trying in deep stacks.
    pub stochastic_depth: f64,
    /// How the vectors of a row become one. Default by a vector that asks.
    pub pooling: Pooling,
}

impl Default for FtTransformerConfig {
    fn default() -> Self {
        Self {
            n_layers: 3,
            n_heads: 8,
            d_ff: 32,
            activation: Activation::Swiglu,
            attention_dropout: 0.2,
            feed_forward_dropout: 0.1,
            residual_dropout: 0.0,
            stochastic_depth: 0.0,
            pooling: Pooling::Question,
        }
    }
}

/// Puts a learned vector before those of the fields, lets all look at each other, and reads the logits from the first.
///
/// # Source
/// Gorishniy et al. 2021, <https://arxiv.org/abs/2106.11959>. Differences: the first norm of the first layer stays; fields
/// with values have no vector beside that of the value; SwiGLU by default, not ReGLU; if asked, an [`AttentionPooling`]
/// instead of the learned vector.
#[derive(Module, Debug)]
pub struct FtTransformer {
    /// The vector that asks, `[1, d_token]`; none where attention pools.
    pub question: Option<Param<Tensor<2>>>,
    /// The transformer.
    pub encoder: Encoder,
    /// What makes one vector of those of a row; none where the vector that asks does.
    pub pooling: Option<AttentionPooling>,
    /// From that vector to the logits, `[d_token, n_labels]`.
    pub output: Linear,
}

impl FtTransformerConfig {
    pub(super) fn init(
        &self,
        d_token: usize,
        n_labels: usize,
        key: RandomKey,
        device: &Device,
    ) -> Result<FtTransformer, ModelError> {
        let mut block = EncoderBlockConfig::new(d_token, self.n_heads, self.d_ff)
            .with_activation(self.activation);
        block.attention_dropout = self.attention_dropout;
        block.feed_forward_dropout = self.feed_forward_dropout;
        block.residual_dropout = self.residual_dropout;
        block.stochastic_depth = self.stochastic_depth;
        let encoder = EncoderConfig::new(block, self.n_layers).init(key.child(0), device)?;
        let (question, pooling) = match self.pooling {
            Pooling::Question => {
                let bound = 1.0 / (d_token as f64).sqrt();
                let question = parameters::uniform([1, d_token], bound, key.child(1), device);
                (Some(question), None)
            }
            Pooling::Attention => {
                let pooling = AttentionPoolingConfig::new(d_token, self.n_heads)
                    .with_dropout(self.attention_dropout);
                (None, Some(pooling.init(key.child(3), device)?))
            }
        };
        Ok(FtTransformer {
            question,
            encoder,
            pooling,
            output: head(d_token, n_labels, key.child(2), device),
        })
    }
}

impl FtTransformer {
    /// The logits of each sequence, `[n_sequences, n_labels]`.
    pub(super) fn forward(&self, sequences: PackedSequences, mode: Mode) -> Tensor<2> {
        mapped(relu(self.pooled(sequences, mode)), &self.output)
    }

    /// The vector of each sequence before the logits, `[n_sequences, d_token]`; zeros where attention pools nothing.
    pub(super) fn pooled(&self, sequences: PackedSequences, mode: Mode) -> Tensor<2> {
        if sequences.offsets().n_rows() == 0 {
            return self.zeros(sequences.offsets().n_sequences());
        }
        let encoded = self.encoder.forward(sequences, mode);
        match &self.pooling {
            None => first_rows(&encoded),
            // The layers draw from the children before this one.
            Some(pooling) => pooling.forward(encoded, mode.child(self.encoder.blocks.len() as u64)),
        }
    }

    /// What each vector looked at in each layer: `[n_sequences, n_heads, max_len, max_len]`, query by key.
    pub(super) fn weights(&self, sequences: PackedSequences) -> Vec<Tensor<4>> {
        let output = self
            .encoder
            .forward_with_weights(sequences, Mode::Inference);
        output.weights
    }

    /// The vectors of the fields of each row, if there are any, after the one that asks, if one does.
    pub(super) fn sequences(
        &self,
        rows: &FieldRows<'_>,
        fields: &FieldEmbeddings,
    ) -> PackedSequences {
        let n_rows = rows.n_rows;
        let [d_token, _] = self.output.weight.dims();
        let mut all = Vec::with_capacity(2);
        if n_rows > 0 {
            all.extend(self.question.as_ref().map(|question| {
                let question = question.val().reshape([1, 1, d_token]);
                question.expand([n_rows, 1, d_token])
            }));
            all.extend(fields.tokens_if_any(rows));
        }
        let n_tokens = all.iter().map(|part: &Tensor<3>| part.dims()[1]).sum();
        let rows = match all.is_empty() {
            true => self.zeros(0),
            false => Tensor::cat(all, 1).reshape([n_rows * n_tokens, d_token]),
        };
        PackedSequences::new(rows, Offsets::uniform(n_rows, n_tokens))
    }

    fn zeros(&self, n_rows: usize) -> Tensor<2> {
        let weight = self.output.weight.val();
        let [d_token, _] = weight.dims();
        Tensor::zeros([n_rows, d_token], (&weight.device(), weight.dtype()))
    }
}

/// The first row of each sequence, of which none is empty.
fn first_rows(sequences: &PackedSequences) -> Tensor<2> {
    let (rows, offsets) = (sequences.rows(), sequences.offsets());
    let [n_rows, d_token] = rows.dims();
    match offsets.uniform_len() {
        Some(length) => {
            let n_sequences = n_rows / length;
            rows.reshape([n_sequences, length, d_token])
                .narrow(1, 0, 1)
                .reshape([n_sequences, d_token])
        }
        None => {
            let starts = offsets.ranges().map(|range| range.start as u32);
            embedding(rows, &starts.collect::<Vec<u32>>())
        }
    }
}
