//! Layers of numbers of a row, one on the other.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::linear::{linear, mapped};
use super::norm::{Norm, NormConfig};
use super::{ModelError, check};
use crate::ops::activation::{Activation, activate};
use crate::ops::dropout::Dropout;
use crate::random::{Mode, RandomKey};

/// What stands between the map of a layer and its activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MlpNorm {
    /// Nothing.
    #[default]
    None,
    /// Layer norm. There is no batch norm, which would make the answer for a row depend on the rows beside it.
    Layer,
}

/// Settings of an [`Mlp`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpConfig {
    /// Width of each layer, the first to run first; each at least 1. Without any the rows pass as they are. Default 400 and
    /// 400.
    pub widths: Vec<usize>,
    /// The non-linear function after each layer. Default ReLU.
    pub activation: Activation,
    /// Chance, in `[0, 1)`, that training zeroes a number that a layer gives. Default 0. More of it fits the training data
    /// less closely.
    pub dropout: f64,
    /// What stands between the map of a layer and its activation. Default none.
    pub norm: MlpNorm,
}

impl Default for MlpConfig {
    fn default() -> Self {
        Self {
            widths: vec![400, 400],
            activation: Activation::Relu,
            dropout: 0.0,
            norm: MlpNorm::None,
        }
    }
}

/// Maps each row by some layers in turn: `dropout(activation(norm(x W + b)))`.
///
/// There is no layer for an answer: the last is like the others. With SwiGLU a map is twice as wide as its layer.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use salient::model::mlp::MlpConfig;
/// use salient::random::{Mode, RandomKey};
///
/// let device = Device::flex();
/// let config = MlpConfig { widths: vec![7, 5], ..MlpConfig::default() };
/// let mlp = config.init(3, RandomKey::new(7), &device)?;
/// let inner = mlp.forward(Tensor::ones([2, 3], &device), Mode::Inference);
/// assert_eq!(inner.dims(), [2, 5]);
/// # Ok::<(), salient::model::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct Mlp {
    /// The map of each layer.
    pub layers: Vec<Linear>,
    /// The norm of each layer, if there are norms.
    pub norms: Vec<Norm>,
    dropout: f64,
    #[module(skip)]
    activation: Activation,
}

impl MlpConfig {
    /// Draws the weights for rows of width `d_in` and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::DropoutOutOfRange`].
    pub fn init(&self, d_in: usize, key: RandomKey, device: &Device) -> Result<Mlp, ModelError> {
        check::positive_size("d_in", d_in)?;
        check::dropout("mlp.dropout", self.dropout)?;
        let n_maps = match self.activation {
            Activation::Swiglu => 2,
            Activation::Relu | Activation::Gelu | Activation::Silu => 1,
        };
        let (mut layers, mut norms, mut d_from) = (Vec::new(), Vec::new(), d_in);
        for (layer, &width) in self.widths.iter().enumerate() {
            check::positive_size("mlp.widths", width)?;
            let d_to = n_maps * width;
            layers.push(linear(d_from, d_to, true, key.child(layer as u64), device));
            if self.norm == MlpNorm::Layer {
                norms.push(NormConfig::new(d_to).init(device)?);
            }
            d_from = width;
        }
        Ok(Mlp {
            layers,
            norms,
            dropout: self.dropout,
            activation: self.activation,
        })
    }

    /// Width of what a network of these settings gives for rows of width `d_in`.
    pub fn d_out(&self, d_in: usize) -> usize {
        self.widths.last().copied().unwrap_or(d_in)
    }
}

impl Mlp {
    /// Maps each row.
    ///
    /// # Shapes
    /// - `rows`: `[n_rows, d_in]`
    /// - returns `[n_rows, d_out]`, as wide as the last layer
    ///
    /// # Panics
    /// If the rows are not `d_in` wide.
    pub fn forward(&self, rows: Tensor<2>, mode: Mode) -> Tensor<2> {
        let layers = self.layers.iter().enumerate();
        layers.fold(rows, |rows, (index, layer)| {
            let mapped = mapped(rows, layer);
            let normed = match self.norms.get(index) {
                Some(norm) => norm.forward(mapped),
                None => mapped,
            };
            let drop = Dropout::in_mode(self.dropout, mode.child(index as u64));
            activate(normed, self.activation, drop.as_ref())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().try_to_vec::<f32>().unwrap()
    }

    #[test]
    fn it_is_its_layers_in_turn() {
        let device = Device::flex();
        let config = MlpConfig {
            widths: vec![3, 2],
            ..MlpConfig::default()
        };
        let mlp = config.init(5, RandomKey::new(1), &device).unwrap();
        let x: Vec<f32> = (0..10).map(|i| (i as f32 - 4.0) / 3.0).collect();
        let rows = Tensor::<1>::from_floats(x.as_slice(), &device).reshape([2, 5]);
        let mut expected = x;
        for layer in &mlp.layers {
            let weight = read(layer.weight.val());
            let [d_in, d_out] = layer.weight.dims();
            expected = expected
                .chunks(d_in)
                .flat_map(|row| {
                    let weight = &weight;
                    (0..d_out).map(move |to| {
                        let products = row.iter().enumerate();
                        let sum: f32 = products.map(|(i, x)| x * weight[i * d_out + to]).sum();
                        sum.max(0.0)
                    })
                })
                .collect();
        }
        let found = read(mlp.forward(rows, Mode::Inference));
        assert_eq!(found.len(), expected.len());
        assert!(expected.iter().any(|&number| number > 0.01));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5, "{found} and {expected}");
        }
    }

    #[test]
    fn without_layers_rows_pass_as_they_are() {
        let device = Device::flex();
        let config = MlpConfig {
            widths: Vec::new(),
            ..MlpConfig::default()
        };
        let mlp = config.init(2, RandomKey::new(1), &device).unwrap();
        let rows = Tensor::<2>::from_floats([[-1.0, 2.0]], &device);
        assert_eq!(read(mlp.forward(rows, Mode::Inference)), [-1.0, 2.0]);
        assert_eq!(config.d_out(2), 2);
    }

    #[test]
    fn norms_and_gated_layers_keep_the_widths() {
        let device = Device::flex();
        let config = MlpConfig {
            widths: vec![7, 3],
            activation: Activation::Swiglu,
            dropout: 0.5,
            norm: MlpNorm::Layer,
        };
        let mlp = config.init(5, RandomKey::new(1), &device).unwrap();
        assert_eq!(mlp.layers[0].weight.dims(), [5, 14]);
        let rows = Tensor::ones([2, 5], &device);
        let trained = mlp.forward(rows.clone(), Mode::Training(RandomKey::new(2)));
        assert_eq!(trained.dims(), [2, 3]);
        let answers = [0, 1].map(|_| read(mlp.forward(rows.clone(), Mode::Inference)));
        assert_eq!(answers[0], answers[1]);
        assert_ne!(read(trained), answers[0]);
    }

    #[test]
    fn settings_outside_their_ranges_are_refused() {
        let init = |config: MlpConfig| config.init(5, RandomKey::new(1), &Device::flex()).err();
        let widths = MlpConfig {
            widths: vec![3, 0],
            ..MlpConfig::default()
        };
        let field = "mlp.widths";
        assert_eq!(init(widths), Some(ModelError::ZeroSize { field }));
        let dropout = MlpConfig {
            dropout: 1.0,
            ..MlpConfig::default()
        };
        let expected = ModelError::DropoutOutOfRange {
            field: "mlp.dropout",
            value: 1.0,
        };
        assert_eq!(init(dropout), Some(expected));
    }
}
