//! The part of a block that works on each row alone.

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use crate::model::linear::{linear, mapped};
use crate::model::{ModelError, check};
use crate::ops::activation::{Activation, activate};
use crate::ops::dropout::Dropout;
use crate::random::{Mode, RandomKey};

/// Settings of a [`FeedForward`].
#[derive(Config, Debug)]
pub struct FeedForwardConfig {
    /// Width of a token vector; at least 1.
    pub d_model: usize,
    /// Width of the inner vector; at least 1, usually 1 to 4 times `d_model`. More of it remembers more and costs time in
    /// proportion.
    pub d_ff: usize,
    /// The non-linear function. Default: GELU.
    #[config(default = "Activation::Gelu")]
    pub activation: Activation,
    /// Chance, in `[0, 1)`, that training zeroes an inner number. Default 0.1. More of it fits the training data less
    /// closely.
    #[config(default = 0.1)]
    pub dropout: f64,
    /// Whether both projections have a bias. Default true.
    #[config(default = true)]
    pub bias: bool,
}

/// Widens each row, applies a non-linear function, and narrows it again.
///
/// `activation(x Up + b) Down + c`; with SwiGLU `(silu(x Gate) * x Value) Down`, where `up` holds gate and value side by
/// side, the gate first.
///
/// # Source
/// Vaswani et al. 2017, section 3.3, <https://arxiv.org/abs/1706.03762>; SwiGLU: Shazeer 2020,
/// <https://arxiv.org/abs/2002.05202>. Differences: dropout on the inner vector, as in PyTorch; SwiGLU may have biases.
#[derive(Module, Debug)]
pub struct FeedForward {
    /// Projection to the inner vector, `[d_model, d_ff]`; `[d_model, 2 * d_ff]` with SwiGLU.
    pub up: Linear,
    /// Projection back, `[d_ff, d_model]`.
    pub down: Linear,
    dropout: f64,
    #[module(skip)]
    activation: Activation,
}

impl FeedForwardConfig {
    /// Draws the weights and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::DropoutOutOfRange`].
    pub fn init(&self, key: RandomKey, device: &Device) -> Result<FeedForward, ModelError> {
        check::positive_size("d_model", self.d_model)?;
        check::positive_size("d_ff", self.d_ff)?;
        check::dropout("dropout", self.dropout)?;
        let d_up = match self.activation {
            Activation::Swiglu => 2 * self.d_ff,
            Activation::Relu | Activation::Gelu | Activation::Silu => self.d_ff,
        };
        Ok(FeedForward {
            up: linear(self.d_model, d_up, self.bias, key.child(0), device),
            down: linear(self.d_ff, self.d_model, self.bias, key.child(1), device),
            dropout: self.dropout,
            activation: self.activation,
        })
    }
}

impl FeedForward {
    /// Works on each row alone.
    ///
    /// # Shapes
    /// - `rows`: `[n_rows, d_model]`
    /// - returns `[n_rows, d_model]`
    ///
    /// # Panics
    /// If the rows are not `d_model` wide.
    pub fn forward(&self, rows: Tensor<2>, mode: Mode) -> Tensor<2> {
        let [n_rows, _] = rows.dims();
        if n_rows == 0 {
            return rows;
        }
        let dropout = Dropout::in_mode(self.dropout, mode);
        let inner = activate(mapped(rows, &self.up), self.activation, dropout.as_ref());
        mapped(inner, &self.down)
    }
}
