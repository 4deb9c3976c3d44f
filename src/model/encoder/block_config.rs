//! Settings of a block, and how they become one.

use burn::config::Config;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Activation, EncoderBlock, FeedForwardConfig};
use crate::model::attention::{
    MultiHeadAttentionConfig, PointwiseConfig, RelativePositionBiasConfig, TimeIntervalBiasConfig,
};
use crate::model::embedding::RotaryConfig;
use crate::model::linear::linear;
use crate::model::norm::{NormConfig, NormKind};
use crate::model::{ModelError, check};
use crate::ops::attention::Direction;
use crate::random::RandomKey;

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
    /// Width of the inner vector of the feed-forward layer; at least 1, usually 1 to 4 times `d_model`. Without that layer
    /// it means nothing.
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
    /// Weights that stand alone, and a gate, as in HSTU. Default: none, the weights of a query are a softmax.
    pub pointwise: Option<PointwiseConfig>,
    /// Whether a feed-forward layer follows the attention. Default true; the layers of HSTU have none.
    #[config(default = true)]
    pub feed_forward: bool,
    /// Whether each branch passes a gate before it is added: `x + sigmoid(x W + b) * branch(norm(x))`. Default false. With it
    /// a row decides, number by number, what it takes from a branch.
    #[config(default = false)]
    pub residual_gate: bool,
    /// Whether all projections have a bias. Default true.
    #[config(default = true)]
    pub bias: bool,
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
        if self.feed_forward {
            check::positive_size("d_ff", self.d_ff)?;
        }
        check::dropout("residual_dropout", self.residual_dropout)?;
        check::dropout("feed_forward_dropout", self.feed_forward_dropout)?;
        check::dropout("attention_dropout", self.attention_dropout)?;
        check::dropout("stochastic_depth", self.stochastic_depth)?;
        let norm = NormConfig::new(self.d_model)
            .with_kind(self.norm)
            .with_epsilon(self.norm_epsilon);
        let feed_forward = || self.feed_forward().init(key.child(1), device);
        let gate = |part| {
            linear(
                self.d_model,
                self.d_model,
                self.bias,
                key.child(part),
                device,
            )
        };
        Ok(EncoderBlock {
            attention_norm: norm.init(device)?,
            attention: self.attention().init(key.child(0), device)?,
            attention_gate: self.residual_gate.then(|| gate(2)),
            feed_forward_norm: self.feed_forward.then(|| norm.init(device)).transpose()?,
            feed_forward: self.feed_forward.then(feed_forward).transpose()?,
            feed_forward_gate: (self.feed_forward && self.residual_gate).then(|| gate(3)),
            residual_dropout: self.residual_dropout,
            stochastic_depth: self.stochastic_depth,
            norm_order: self.norm_order,
        })
    }

    fn feed_forward(&self) -> FeedForwardConfig {
        FeedForwardConfig::new(self.d_model, self.d_ff)
            .with_activation(self.activation)
            .with_dropout(self.feed_forward_dropout)
            .with_bias(self.bias)
    }

    fn attention(&self) -> MultiHeadAttentionConfig {
        MultiHeadAttentionConfig::new(self.d_model, self.n_heads)
            .with_dropout(self.attention_dropout)
            .with_direction(self.direction)
            .with_window(self.window)
            .with_rotary(self.rotary.clone())
            .with_relative_position(self.relative_position.clone())
            .with_time_interval(self.time_interval.clone())
            .with_pointwise(self.pointwise.clone())
            .with_bias(self.bias)
    }
}
