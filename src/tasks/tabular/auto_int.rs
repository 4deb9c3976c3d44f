//! Attention between the fields.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::deep::{Deep, flat, head};
use crate::model::linear::{linear, mapped};
use crate::model::mlp::MlpConfig;
use crate::model::{ModelError, check};
use crate::ops::attention::{AttentionLayout, AttentionOptions, Dropout, attention_weights};
use crate::ops::interacting::{InteractingOptions, InteractingWeights, interacting};
use crate::random::{Mode, RandomKey};
use crate::sequence::Offsets;

/// Settings of an `AutoInt`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoIntConfig {
    /// Interacting layers; at least 1. Default 3. Each combines what the one before has combined.
    pub n_layers: usize,
    /// Heads a layer; at least 1. Default 2.
    pub n_heads: usize,
    /// Width of what a layer gives, all heads together; a positive multiple of `n_heads`. Default 64, as in the paper.
    pub d_attention: usize,
    /// Chance, in `[0, 1)`, that training zeroes an attention weight. Default 0.
    pub dropout: f64,
    /// Whether products of queries and keys are divided by the root of the width of a head. Default false, as in the paper.
    pub scaled: bool,
    /// An MLP on the vectors of the fields, whose logits are added: AutoInt+. Default none.
    pub mlp: Option<MlpConfig>,
}

impl Default for AutoIntConfig {
    fn default() -> Self {
        Self {
            n_layers: 3,
            n_heads: 2,
            d_attention: 64,
            dropout: 0.0,
            scaled: false,
            mlp: None,
        }
    }
}

/// Lets the vectors of a row look at each other, layer by layer, and reads the logits from what they have become.
///
/// # Source
/// Song et al. 2019, <https://arxiv.org/abs/1810.11921>. Differences: dropout of attention weights; the MLP beside is that of
/// AutoInt+ in the same paper.
#[derive(Module, Debug)]
pub struct AutoInt {
    /// The layers, the first to run first.
    pub layers: Vec<InteractingLayer>,
    /// From all vectors side by side to the logits, `[n_tokens * d_attention, n_labels]`.
    pub output: Linear,
    /// The MLP beside.
    pub deep: Option<Deep>,
}

/// One layer: `relu(concat(heads) + x Residual)`, each head a softmax attention over the fields.
#[derive(Module, Debug)]
pub struct InteractingLayer {
    /// What a field looks for, `[d_in, d_attention]`.
    pub query: Linear,
    /// What a field can be found by, `[d_in, d_attention]`.
    pub key: Linear,
    /// What a field has to say, `[d_in, d_attention]`.
    pub value: Linear,
    /// What a field keeps of itself, `[d_in, d_attention]`.
    pub residual: Linear,
    n_heads: usize,
    dropout: f64,
    scaled: bool,
}

impl AutoIntConfig {
    pub(super) fn init(
        &self,
        [n_tokens, d_token, n_labels]: [usize; 3],
        key: RandomKey,
        device: &Device,
    ) -> Result<AutoInt, ModelError> {
        check::positive_size("n_layers", self.n_layers)?;
        check::head_width(self.d_attention, self.n_heads)?;
        check::dropout("dropout", self.dropout)?;
        let layers = (0..self.n_layers).map(|layer| {
            let d_in = if layer == 0 {
                d_token
            } else {
                self.d_attention
            };
            let key = key.child(0).child(layer as u64);
            let project = |part| linear(d_in, self.d_attention, false, key.child(part), device);
            InteractingLayer {
                query: project(0),
                key: project(1),
                value: project(2),
                residual: project(3),
                n_heads: self.n_heads,
                dropout: self.dropout,
                scaled: self.scaled,
            }
        });
        let deep = self
            .mlp
            .as_ref()
            .map(|mlp| Deep::init(mlp, n_tokens * d_token, n_labels, key.child(2), device));
        Ok(AutoInt {
            layers: layers.collect(),
            output: head(n_tokens * self.d_attention, n_labels, key.child(1), device),
            deep: deep.transpose()?,
        })
    }
}

impl AutoInt {
    pub(super) fn forward(&self, tokens: Tensor<3>, mode: Mode) -> Tensor<2> {
        let [n_rows, n_tokens, d_token] = tokens.dims();
        let rows = tokens.clone().reshape([n_rows * n_tokens, d_token]);
        let layers = self.layers.iter().enumerate();
        let rows = layers.fold(rows, |rows, (index, layer)| {
            layer.forward(rows, n_tokens, mode.child(0).child(index as u64))
        });
        let [_, d_attention] = rows.dims();
        let mixed = rows.reshape([n_rows, n_tokens * d_attention]);
        let logits = mapped(mixed, &self.output);
        match &self.deep {
            Some(deep) => logits + deep.forward(flat(tokens), mode.child(1)),
            None => logits,
        }
    }

    /// What each field looked at in each layer: `[n_rows, n_heads, n_tokens, n_tokens]`, query by key.
    pub(super) fn weights(&self, tokens: Tensor<3>) -> Vec<Tensor<4>> {
        let [n_rows, n_tokens, d_token] = tokens.dims();
        let layout = AttentionLayout::self_attention(Offsets::uniform(n_rows, n_tokens));
        let mut rows = tokens.reshape([n_rows * n_tokens, d_token]);
        let layers = self.layers.iter().map(|layer| {
            let (query, key) = (
                layer.heads(&layer.query, &rows),
                layer.heads(&layer.key, &rows),
            );
            let [_, n_heads, d_head] = query.dims();
            let options = AttentionOptions {
                scale: Some(layer.scale(n_heads * d_head)),
                ..AttentionOptions::default()
            };
            rows = layer.forward(rows.clone(), n_tokens, Mode::Inference);
            attention_weights(query, key, &layout, &options)
        });
        layers.collect()
    }
}

impl InteractingLayer {
    fn forward(&self, rows: Tensor<2>, n_tokens: usize, mode: Mode) -> Tensor<2> {
        let weights = InteractingWeights {
            query: self.query.weight.val(),
            key: self.key.weight.val(),
            value: self.value.weight.val(),
            residual: self.residual.weight.val(),
        };
        let [_, width] = weights.query.dims();
        let options = InteractingOptions {
            n_tokens,
            n_heads: self.n_heads,
            scale: self.scale(width),
            dropout: Dropout::in_mode(self.dropout, mode),
        };
        interacting(rows, weights, &options)
    }

    fn scale(&self, width: usize) -> f64 {
        if self.scaled {
            1.0 / ((width / self.n_heads) as f64).sqrt()
        } else {
            1.0
        }
    }

    fn heads(&self, projection: &Linear, rows: &Tensor<2>) -> Tensor<3> {
        let projected = mapped(rows.clone(), projection);
        let [n_rows, d_attention] = projected.dims();
        projected.reshape([n_rows, self.n_heads, d_attention / self.n_heads])
    }
}
