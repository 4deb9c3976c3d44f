//! Blocks on top of each other.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{EncoderBlock, EncoderBlockConfig};
use crate::model::attention::AttentionInput;
use crate::model::dense::through_packed;
use crate::model::norm::{Norm, NormConfig};
use crate::model::{ModelError, check};
use crate::random::{Mode, RandomKey};
use crate::sequence::PackedSequences;

/// How the chance of leaving a branch out depends on the depth of its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DepthRamp {
    /// All blocks have the configured chance.
    Constant,
    /// Block `i` of `n`, counted from 1, has `i / n` of the configured chance; early blocks are needed most.
    Linear,
}

/// Settings of an [`Encoder`].
#[derive(Config, Debug)]
pub struct EncoderConfig {
    /// Settings of every block.
    pub block: EncoderBlockConfig,
    /// Number of blocks; at least 1. Each costs the same time and memory.
    pub n_layers: usize,
    /// Whether a norm follows the last block. Default true, which norms before the branches need.
    #[config(default = true)]
    pub final_norm: bool,
    /// How the chance `block.stochastic_depth` grows with depth. Default: linear.
    #[config(default = "DepthRamp::Linear")]
    pub depth_ramp: DepthRamp,
}

/// Encodes each row in the light of its sequence, several times over.
///
/// # Source
/// Vaswani et al. 2017, <https://arxiv.org/abs/1706.03762>; the linear ramp of stochastic depth: Huang et al. 2016,
/// section 3, <https://arxiv.org/abs/1603.09382>. Differences: see [`EncoderBlock`].
#[derive(Module, Debug)]
pub struct Encoder {
    /// The blocks, the first to run first.
    pub blocks: Vec<EncoderBlock>,
    /// The norm after the last block.
    pub final_norm: Option<Norm>,
}

/// What an [`Encoder`] returns on request.
#[derive(Clone, Debug)]
pub struct EncoderOutput {
    /// The encoded rows.
    pub sequences: PackedSequences,
    /// What each row looked at in each block: `[n_sequences, n_heads, max_len, max_len]`, query by key, zero where
    /// hidden or padded.
    pub weights: Vec<Tensor<4>>,
}

impl EncoderConfig {
    /// Draws the weights and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`] and whatever [`EncoderBlockConfig::init`] returns.
    pub fn init(&self, key: RandomKey, device: &Device) -> Result<Encoder, ModelError> {
        check::positive_size("n_layers", self.n_layers)?;
        check::dropout("stochastic_depth", self.block.stochastic_depth)?;
        let blocks = (0..self.n_layers).map(|layer| {
            let mut block = self.block.clone();
            block.stochastic_depth *= match self.depth_ramp {
                DepthRamp::Constant => 1.0,
                DepthRamp::Linear => (layer + 1) as f64 / self.n_layers as f64,
            };
            block.init(key.child(layer as u64), device)
        });
        let norm = NormConfig::new(self.block.d_model)
            .with_kind(self.block.norm)
            .with_epsilon(self.block.norm_epsilon);
        Ok(Encoder {
            blocks: blocks.collect::<Result<_, _>>()?,
            final_norm: self.final_norm.then(|| norm.init(device)).transpose()?,
        })
    }
}

impl Encoder {
    /// Encodes each row in the light of its sequence.
    ///
    /// # Shapes
    /// - rows of `input`: `[n_rows, d_model]`
    /// - returns as many rows
    ///
    /// # Panics
    /// If the rows are not `d_model` wide, or the blocks bias by time and `input` carries no times.
    pub fn forward(&self, input: impl Into<AttentionInput>, mode: Mode) -> PackedSequences {
        self.run(input.into(), |block, layer, input| {
            block.forward(input, mode.child(layer))
        })
    }

    /// Encodes as [`forward`](Self::forward) does and also returns what each row looked at.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_with_weights(
        &self,
        input: impl Into<AttentionInput>,
        mode: Mode,
    ) -> EncoderOutput {
        let mut weights = Vec::with_capacity(self.blocks.len());
        let sequences = self.run(input.into(), |block, layer, input| {
            let output = block.forward_with_weights(input, mode.child(layer));
            weights.push(output.weights);
            output.sequences
        });
        EncoderOutput { sequences, weights }
    }

    /// Encodes a batch with padding: the first `lengths[i]` rows of sequence `i` are there, the rest comes out zero.
    ///
    /// # Shapes
    /// - `dense`: `[batch, seq_len, d_model]`
    /// - returns `[batch, seq_len, d_model]`
    ///
    /// # Panics
    /// If there is not one length a sequence, a length exceeds `seq_len`, or as [`forward`](Self::forward).
    pub fn forward_dense(&self, dense: Tensor<3>, lengths: &[usize], mode: Mode) -> Tensor<3> {
        through_packed(dense, lengths, |packed| self.forward(packed, mode))
    }

    /// Runs the blocks in turn, then the final norm.
    fn run(
        &self,
        mut input: AttentionInput,
        mut step: impl FnMut(&EncoderBlock, u64, AttentionInput) -> PackedSequences,
    ) -> PackedSequences {
        for (layer, block) in self.blocks.iter().enumerate() {
            let sequences = step(block, layer as u64, input.clone());
            input = AttentionInput { sequences, ..input };
        }
        match &self.final_norm {
            Some(norm) => input.sequences.map_rows(|rows| norm.forward(rows)),
            None => input.sequences,
        }
    }
}
