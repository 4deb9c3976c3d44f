//! Settings of attention with several heads, and how they become a module.

use burn::config::Config;
use burn::tensor::Device;

use super::{
    MultiHeadAttention, PointwiseConfig, RelativePositionBiasConfig, TimeIntervalBiasConfig,
};
use crate::model::embedding::RotaryConfig;
use crate::model::linear::linear;
use crate::model::{ModelError, check};
use crate::ops::attention::{Direction, Visibility};
use crate::random::RandomKey;

/// Settings of a [`MultiHeadAttention`].
#[derive(Config, Debug)]
pub struct MultiHeadAttentionConfig {
    /// Width of a token vector; a positive multiple of `n_heads`.
    pub d_model: usize,
    /// Number of heads; at least 1. More of them look at more things at once, each with less precision.
    pub n_heads: usize,
    /// Width of the vectors that are looked at, in cross-attention; at least 1. Default: `d_model`.
    pub d_context: Option<usize>,
    /// Chance, in `[0, 1)`, that training zeroes an attention weight. Default 0.1. More of it fits the training data less
    /// closely.
    #[config(default = 0.1)]
    pub dropout: f64,
    /// Whether a row sees what comes after it. Default: it does; next-item models need `Direction::Causal`.
    #[config(default = "Direction::Bidirectional")]
    pub direction: Direction,
    /// Rows that are this many or more positions away stay hidden; at least 1. Default: none, all are seen. Less of it
    /// costs less time on long sequences.
    pub window: Option<usize>,
    /// Turns query and key heads by their positions; `d_model / n_heads` must then be even. Default: none.
    pub rotary: Option<RotaryConfig>,
    /// Learned bias by distance in rows. Default: none.
    pub relative_position: Option<RelativePositionBiasConfig>,
    /// Learned bias by distance in time; inputs must then carry times. Default: none.
    pub time_interval: Option<TimeIntervalBiasConfig>,
    /// Weights that stand alone, and a gate, as in HSTU. Default: none, the weights of a query are a softmax.
    pub pointwise: Option<PointwiseConfig>,
    /// Whether all projections have a bias. Default true.
    #[config(default = true)]
    pub bias: bool,
}

impl MultiHeadAttentionConfig {
    /// Draws the weights and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::HeadsDoNotDivideModel`], [`ModelError::DropoutOutOfRange`],
    /// [`ModelError::WindowOfZero`], [`ModelError::OddRotaryWidth`], [`ModelError::NotPositive`],
    /// [`ModelError::TooSmall`].
    pub fn init(&self, key: RandomKey, device: &Device) -> Result<MultiHeadAttention, ModelError> {
        let d_head = check::head_width(self.d_model, self.n_heads)?;
        let d_context = self.d_context.unwrap_or(self.d_model);
        check::positive_size("d_context", d_context)?;
        check::dropout("dropout", self.dropout)?;
        check::window(self.window)?;
        let project = |d_in, part| linear(d_in, self.d_model, self.bias, key.child(part), device);
        let rotary = self.rotary.as_ref().map(|config| config.init(d_head));
        let relative_position = self
            .relative_position
            .as_ref()
            .map(|config| config.init(self.n_heads, self.direction, key.child(4), device));
        let time_interval = self
            .time_interval
            .as_ref()
            .map(|config| config.init(self.n_heads, key.child(5), device));
        let pointwise = self
            .pointwise
            .as_ref()
            .map(|config| config.init(self.d_model, self.bias, key.child(6), device));
        Ok(MultiHeadAttention {
            query: project(self.d_model, 0),
            key: project(d_context, 1),
            value: project(d_context, 2),
            output: project(self.d_model, 3),
            relative_position: relative_position.transpose()?,
            time_interval: time_interval.transpose()?,
            pointwise: pointwise.transpose()?,
            rotary: rotary.transpose()?,
            n_heads: self.n_heads,
            dropout: self.dropout,
            visibility: Visibility {
                direction: self.direction,
                window: self.window,
            },
        })
    }
}
