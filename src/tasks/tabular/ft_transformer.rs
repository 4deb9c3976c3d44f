//! A transformer over the fields.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::deep::head;
use crate::model::ModelError;
use crate::model::encoder::{Activation, Encoder, EncoderBlockConfig, EncoderConfig};
use crate::model::linear::mapped;
use crate::ops::activation::relu;
use crate::parameters;
use crate::random::{Mode, RandomKey};
use crate::sequence::{Offsets, PackedSequences};

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
        }
    }
}

/// Puts a learned vector before those of the fields, lets all look at each other, and reads the logits from the first.
///
/// # Source
/// Gorishniy et al. 2021, <https://arxiv.org/abs/2106.11959>. Differences: the first norm of the first layer stays; fields
/// with values have no vector beside that of the value; SwiGLU by default, not ReGLU.
#[derive(Module, Debug)]
pub struct FtTransformer {
    /// The vector that asks, `[1, d_token]`.
    pub question: Param<Tensor<2>>,
    /// The transformer.
    pub encoder: Encoder,
    /// From what the first vector became to the logits, `[d_token, n_labels]`.
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
        let encoder = EncoderConfig::new(block, self.n_layers).init(key.child(0), device)?;
        let bound = 1.0 / (d_token as f64).sqrt();
        Ok(FtTransformer {
            question: parameters::uniform([1, d_token], bound, key.child(1), device),
            encoder,
            output: head(d_token, n_labels, key.child(2), device),
        })
    }
}

impl FtTransformer {
    pub(super) fn forward(&self, tokens: Tensor<3>, mode: Mode) -> Tensor<2> {
        let [n_rows, n_tokens, d_token] = tokens.dims();
        let encoded = self
            .encoder
            .forward(self.with_question(tokens), mode)
            .rows();
        let answers = encoded
            .reshape([n_rows, n_tokens + 1, d_token])
            .narrow(1, 0, 1)
            .reshape([n_rows, d_token]);
        mapped(relu(answers), &self.output)
    }

    /// What each vector looked at in each layer: `[n_rows, n_heads, 1 + n_tokens, 1 + n_tokens]`, query by key, the one that
    /// asks first.
    pub(super) fn weights(&self, tokens: Tensor<3>) -> Vec<Tensor<4>> {
        let sequences = self.with_question(tokens);
        let output = self
            .encoder
            .forward_with_weights(sequences, Mode::Inference);
        output.weights
    }

    /// The vectors of each row after the one that asks.
    fn with_question(&self, tokens: Tensor<3>) -> PackedSequences {
        let [n_rows, n_tokens, d_token] = tokens.dims();
        let question = self.question.val().reshape([1, 1, d_token]);
        let all = Tensor::cat(vec![question.expand([n_rows, 1, d_token]), tokens], 1);
        PackedSequences::new(
            all.reshape([n_rows * (n_tokens + 1), d_token]),
            Offsets::uniform(n_rows, n_tokens + 1),
        )
    }
}
