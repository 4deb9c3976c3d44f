//! One layer of an encoder: attention, then feed-forward, each around a residual connection.

use std::sync::Arc;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::stochastic_depth::stochastic_depth;
use super::{Activation, FeedForward, FeedForwardConfig};
use crate::model::attention::{
    AttentionInput, AttentionOutput, MultiHeadAttention, MultiHeadAttentionConfig,
    RelativePositionBiasConfig, TimeIntervalBiasConfig,
};
use crate::model::dense::through_packed;
use crate::model::embedding::RotaryConfig;
use crate::model::norm::{Norm, NormConfig, NormKind};
use crate::model::{ModelError, check};
use crate::ops::attention::Direction;
use crate::ops::dropout::{Dropout, dropout, dropout_add};
use crate::random::{Mode, RandomKey};
use crate::sequence::{Offsets, PackedSequences};

/// On which side of a residual branch the norm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormOrder {
    /// Norm before the branch: `x + branch(norm(x))`. Deep stacks train without warm-up; the stack ends with a norm.
    Pre,
    /// Norm after the sum: `norm(x + branch(x))`, as in the first transformer.
    Post,
}

/// Settings of an [`EncoderBlock`].
#[derive(Config, Debug)]
pub struct EncoderBlockConfig {
    /// Width of a token vector; a positive multiple of `n_heads`.
    pub d_model: usize,
    /// Number of heads; at least 1. More of them look at more things at once, each with less precision.
    pub n_heads: usize,
    /// Width of the inner vector of the feed-forward layer; at least 1, usually 1 to 4 times `d_model`.
    pub d_ff: usize,
    /// On which side of a branch the norm stands. Default: before it.
    #[config(default = "NormOrder::Pre")]
    pub norm_order: NormOrder,
    /// Which norm. Default: layer norm.
    #[config(default = "NormKind::Layer")]
    pub norm: NormKind,
    /// Added to the variance before the root in a norm; positive. Default 1e-5, as in PyTorch.
    #[config(default = 1e-5)]
    pub norm_epsilon: f64,
    /// The non-linear function of the feed-forward layer. Default: GELU.
    #[config(default = "Activation::Gelu")]
    pub activation: Activation,
    /// Chance, in `[0, 1)`, that training zeroes a number of a branch before it is added. Default 0.1.
    #[config(default = 0.1)]
    pub residual_dropout: f64,
    /// Chance, in `[0, 1)`, that training zeroes an inner number of the feed-forward layer. Default 0.1.
    #[config(default = 0.1)]
    pub feed_forward_dropout: f64,
    /// Chance, in `[0, 1)`, that training zeroes an attention weight. Default 0.1.
    #[config(default = 0.1)]
    pub attention_dropout: f64,
    /// Chance, in `[0, 1)`, that training leaves a branch out for a whole sequence. Default 0; worth trying in deep stacks.
    #[config(default = 0.0)]
    pub stochastic_depth: f64,
    /// Whether a row sees what comes after it. Default: it does; next-item models need `Direction::Causal`.
    #[config(default = "Direction::Bidirectional")]
    pub direction: Direction,
    /// Rows that are this many or more positions away stay hidden; at least 1. Default: none, all are seen.
    pub window: Option<usize>,
    /// Turns query and key heads by their positions. Default: none.
    pub rotary: Option<RotaryConfig>,
    /// Learned bias by distance in rows. Default: none.
    pub relative_position: Option<RelativePositionBiasConfig>,
    /// Learned bias by distance in time; the input must then carry times. Default: none.
    pub time_interval: Option<TimeIntervalBiasConfig>,
    /// Whether all projections have a bias. Default true.
    #[config(default = true)]
    pub bias: bool,
}

/// Lets each row look at the rows of its sequence, then thinks about each row alone.
///
/// # Source
/// Vaswani et al. 2017, section 3.1, <https://arxiv.org/abs/1706.03762>; norm before the branch: Xiong et al. 2020,
/// <https://arxiv.org/abs/2002.04745>; stochastic depth: Huang et al. 2016, <https://arxiv.org/abs/1603.09382>, per
/// sequence and enlarged in training rather than shrunk at inference.
#[derive(Module, Debug)]
pub struct EncoderBlock {
    /// Norm of the attention branch.
    pub attention_norm: Norm,
    /// The attention branch.
    pub attention: MultiHeadAttention,
    /// Norm of the feed-forward branch.
    pub feed_forward_norm: Norm,
    /// The feed-forward branch.
    pub feed_forward: FeedForward,
    residual_dropout: f64,
    stochastic_depth: f64,
    #[module(skip)]
    norm_order: NormOrder,
}

impl EncoderBlockConfig {
    /// Sets residual, feed-forward and attention dropout to one value.
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.residual_dropout = dropout;
        self.feed_forward_dropout = dropout;
        self.attention_dropout = dropout;
        self
    }

    /// Draws the weights and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::HeadsDoNotDivideModel`], [`ModelError::DropoutOutOfRange`],
    /// [`ModelError::WindowOfZero`], [`ModelError::OddRotaryWidth`], [`ModelError::NotPositive`],
    /// [`ModelError::TooSmall`].
    pub fn init(&self, key: RandomKey, device: &Device) -> Result<EncoderBlock, ModelError> {
        check::head_width(self.d_model, self.n_heads)?;
        check::positive_size("d_ff", self.d_ff)?;
        check::dropout("residual_dropout", self.residual_dropout)?;
        check::dropout("feed_forward_dropout", self.feed_forward_dropout)?;
        check::dropout("attention_dropout", self.attention_dropout)?;
        check::dropout("stochastic_depth", self.stochastic_depth)?;
        let norm = NormConfig::new(self.d_model)
            .with_kind(self.norm)
            .with_epsilon(self.norm_epsilon);
        let feed_forward = FeedForwardConfig::new(self.d_model, self.d_ff)
            .with_activation(self.activation)
            .with_dropout(self.feed_forward_dropout)
            .with_bias(self.bias);
        Ok(EncoderBlock {
            attention_norm: norm.init(device)?,
            attention: self.attention().init(key.child(0), device)?,
            feed_forward_norm: norm.init(device)?,
            feed_forward: feed_forward.init(key.child(1), device)?,
            residual_dropout: self.residual_dropout,
            stochastic_depth: self.stochastic_depth,
            norm_order: self.norm_order,
        })
    }

    fn attention(&self) -> MultiHeadAttentionConfig {
        MultiHeadAttentionConfig::new(self.d_model, self.n_heads)
            .with_dropout(self.attention_dropout)
            .with_direction(self.direction)
            .with_window(self.window)
            .with_rotary(self.rotary.clone())
            .with_relative_position(self.relative_position.clone())
            .with_time_interval(self.time_interval.clone())
            .with_bias(self.bias)
    }
}

/// Which part of a block draws random numbers in training.
#[derive(Clone, Copy)]
enum Part {
    Attention,
    AttentionBranch,
    FeedForward,
    FeedForwardBranch,
}

impl EncoderBlock {
    /// Encodes each row in the light of its sequence.
    ///
    /// # Shapes
    /// - rows of `input`: `[n_rows, d_model]`
    /// - returns as many rows
    ///
    /// # Panics
    /// If the rows are not `d_model` wide, or the block biases by time and `input` carries no times.
    pub fn forward(&self, input: impl Into<AttentionInput>, mode: Mode) -> PackedSequences {
        let input = input.into();
        self.run(&input, mode, |normed| {
            let mixed = self
                .attention
                .forward(normed, mode.child(Part::Attention as u64));
            (mixed, ())
        })
        .0
    }

    /// Encodes as [`forward`](Self::forward) does and also returns what each row looked at.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_with_weights(
        &self,
        input: impl Into<AttentionInput>,
        mode: Mode,
    ) -> AttentionOutput {
        let input = input.into();
        let (sequences, weights) = self.run(&input, mode, |normed| {
            let mode = mode.child(Part::Attention as u64);
            let output = self.attention.forward_with_weights(normed, mode);
            (output.sequences, output.weights)
        });
        AttentionOutput { sequences, weights }
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

    /// Chance that training leaves a branch out for a whole sequence.
    pub fn stochastic_depth(&self) -> f64 {
        self.stochastic_depth
    }

    /// Both branches; `attend` runs the attention, and may return its weights beside the rows.
    fn run<W>(
        &self,
        input: &AttentionInput,
        mode: Mode,
        attend: impl FnOnce(AttentionInput) -> (PackedSequences, W),
    ) -> (PackedSequences, W) {
        let offsets = input.sequences.offsets();
        let rows = input.sequences.rows();
        let inside = self.before(&self.attention_norm, rows.clone());
        let (mixed, weights) = attend(AttentionInput {
            sequences: PackedSequences::new(inside, offsets.clone()),
            times_utc_millis: input.times_utc_millis.as_ref().map(Arc::clone),
        });
        let branch = mode.child(Part::AttentionBranch as u64);
        let rows = self.joined(rows, mixed.rows(), offsets, branch);
        let rows = self.after(&self.attention_norm, rows);

        let inside = self.before(&self.feed_forward_norm, rows.clone());
        let inner = mode.child(Part::FeedForward as u64);
        let thought = self.feed_forward.forward(inside, inner);
        let branch = mode.child(Part::FeedForwardBranch as u64);
        let rows = self.joined(rows, thought, offsets, branch);
        let rows = self.after(&self.feed_forward_norm, rows);
        (PackedSequences::new(rows, offsets.clone()), weights)
    }

    /// The rows as a branch reads them.
    fn before(&self, norm: &Norm, rows: Tensor<2>) -> Tensor<2> {
        match self.norm_order {
            NormOrder::Pre => norm.forward(rows),
            NormOrder::Post => rows,
        }
    }

    /// The rows after a branch was added.
    fn after(&self, norm: &Norm, rows: Tensor<2>) -> Tensor<2> {
        match self.norm_order {
            NormOrder::Pre => rows,
            NormOrder::Post => norm.forward(rows),
        }
    }

    /// Adds what training does not drop of a branch.
    fn joined(
        &self,
        rows: Tensor<2>,
        branch: Tensor<2>,
        offsets: &Offsets,
        mode: Mode,
    ) -> Tensor<2> {
        let drop = Dropout::in_mode(self.residual_dropout, mode.child(0));
        if self.stochastic_depth == 0.0 {
            return match drop {
                Some(drop) => dropout_add(branch, rows, &drop),
                None => rows + branch,
            };
        }
        let branch = match drop {
            Some(drop) => dropout(branch, &drop),
            None => branch,
        };
        rows + stochastic_depth(branch, offsets, self.stochastic_depth, mode.child(1))
    }
}
