//! From inner numbers to logits.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use crate::model::ModelError;
use crate::model::linear::mapped;
use crate::model::mlp::{Mlp, MlpConfig};
use crate::parameters;
use crate::random::{Mode, RandomKey};

/// Standard deviation of the first weights to logits: small, so that a fresh network answers with the base rate.
const STANDARD_DEVIATION: f64 = 0.01;

/// A map to logits; the network adds their bias.
pub(super) fn head(d_in: usize, n_labels: usize, key: RandomKey, device: &Device) -> Linear {
    Linear {
        weight: parameters::normal([d_in, n_labels], STANDARD_DEVIATION, key, device),
        bias: None,
    }
}

/// The vectors of each row side by side, `[n_rows, n_tokens * d_model]`.
pub(super) fn flat(tokens: Tensor<3>) -> Tensor<2> {
    let [n_rows, n_tokens, d_model] = tokens.dims();
    tokens.reshape([n_rows, n_tokens * d_model])
}

/// An MLP and its logits.
#[derive(Module, Debug)]
pub struct Deep {
    /// The layers.
    pub mlp: Mlp,
    /// From the last layer to the logits, `[d, n_labels]`.
    pub output: Linear,
}

impl Deep {
    pub(super) fn init(
        config: &MlpConfig,
        d_in: usize,
        n_labels: usize,
        key: RandomKey,
        device: &Device,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            mlp: config.init(d_in, key.child(0), device)?,
            output: head(config.d_out(d_in), n_labels, key.child(1), device),
        })
    }

    pub(super) fn forward(&self, rows: Tensor<2>, mode: Mode) -> Tensor<2> {
        mapped(self.mlp.forward(rows, mode), &self.output)
    }
}
