//! Layer norm and RMS norm.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{ModelError, check};
use crate::ops::layer_norm::{layer_norm, rms_norm};
use crate::parameters;

/// How a token vector is brought to a common scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormKind {
    /// Subtracts the mean, divides by the standard deviation, then scales and shifts.
    Layer,
    /// Divides by the root of the mean square, then scales; cheaper, and keeps the mean.
    Rms,
}

/// Settings of a [`Norm`].
#[derive(Config, Debug)]
pub struct NormConfig {
    /// Width of a token vector; at least 1.
    pub d_model: usize,
    /// Which norm. Default: layer norm.
    #[config(default = "NormKind::Layer")]
    pub kind: NormKind,
    /// Added to the variance, or to the mean square, before the root; positive. Default 1e-5, as in PyTorch's layer norm.
    /// More of it damps vectors that are almost constant.
    #[config(default = 1e-5)]
    pub epsilon: f64,
}

/// Brings every token vector to a common scale and gives each coordinate a learned one.
///
/// Layer norm: `(x - mean(x)) / sqrt(var(x) + epsilon) * gamma + beta`; RMS norm: `x / sqrt(mean(x²) + epsilon) * gamma`.
///
/// # Source
/// Ba et al. 2016, <https://arxiv.org/abs/1607.06450>; Zhang and Sennrich 2019, <https://arxiv.org/abs/1910.07467>.
/// Differences: none.
#[derive(Module, Debug)]
pub struct Norm {
    /// Scale of each coordinate, `[d_model]`; ones at first.
    pub gamma: Param<Tensor<1>>,
    /// Shift of each coordinate, `[d_model]`; zeros at first, absent in RMS norm.
    pub beta: Option<Param<Tensor<1>>>,
    epsilon: f64,
    #[module(skip)]
    kind: NormKind,
}

impl NormConfig {
    /// Builds the norm on `device`. It has nothing to draw.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::NotPositive`].
    pub fn init(&self, device: &Device) -> Result<Norm, ModelError> {
        check::positive_size("d_model", self.d_model)?;
        check::positive("epsilon", self.epsilon)?;
        let shifted = self.kind == NormKind::Layer;
        Ok(Norm {
            gamma: parameters::ones([self.d_model], device),
            beta: shifted.then(|| parameters::zeros([self.d_model], device)),
            epsilon: self.epsilon,
            kind: self.kind,
        })
    }
}

impl Norm {
    /// Norms each row.
    ///
    /// # Shapes
    /// - `rows`: `[n_rows, d_model]`
    /// - returns `[n_rows, d_model]`
    ///
    /// # Panics
    /// If the rows are not `d_model` wide.
    pub fn forward(&self, rows: Tensor<2>) -> Tensor<2> {
        let gamma = self.gamma.val();
        match self.kind {
            NormKind::Layer => {
                let beta = self.beta.as_ref().map(Param::val);
                layer_norm(rows, gamma, beta, self.epsilon)
            }
            NormKind::Rms => rms_norm(rows, gamma, self.epsilon),
        }
    }
}
