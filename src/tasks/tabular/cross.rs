//! Explicit products with the vectors of a row.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::deep::{Deep, flat, head};
use crate::model::linear::{linear, mapped};
use crate::model::mlp::MlpConfig;
use crate::model::{ModelError, check};
use crate::random::{Mode, RandomKey};

/// Where the MLP of a `DcnV2` stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrossStructure {
    /// Beside the cross layers; their logits are added.
    #[default]
    Parallel,
    /// After the cross layers.
    Stacked,
}

/// Settings of a `DcnV2`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DcnV2Config {
    /// Cross layers; at least 1. Default 3. Each raises the degree of the products by one.
    pub n_layers: usize,
    /// Width of the inner vector of a cross layer; at least 1. Default none: the matrix has full rank. A quarter of the width
    /// of all vectors together, or less, costs much less and often loses nothing.
    pub rank: Option<usize>,
    /// Where the MLP stands. Default parallel.
    pub structure: CrossStructure,
    /// The MLP. `None` for cross layers alone. Default two layers of 400.
    pub mlp: Option<MlpConfig>,
}

impl Default for DcnV2Config {
    fn default() -> Self {
        Self {
            n_layers: 3,
            rank: None,
            structure: CrossStructure::Parallel,
            mlp: Some(MlpConfig::default()),
        }
    }
}

/// Multiplies the vectors of a row, side by side, with maps of themselves, layer by layer, with an MLP beside or after.
///
/// # Source
/// Wang et al. 2021, <https://arxiv.org/abs/2008.13535>. Differences: in parallel the two parts have logits each, which is
/// what one map of both side by side gives; no mixture of low-rank experts.
#[derive(Module, Debug)]
pub struct DcnV2 {
    /// The cross layers, the first to run first.
    pub layers: Vec<CrossLayer>,
    /// From the last cross layer to the logits, unless an MLP follows.
    pub output: Option<Linear>,
    /// The MLP with its logits.
    pub deep: Option<Deep>,
    #[module(skip)]
    structure: CrossStructure,
}

/// `x_0 * (W x + b) + x`, equation 1 of the paper; `W = U Vᵀ` at low rank, equation 2.
#[derive(Module, Debug)]
pub struct CrossLayer {
    /// To the inner vector, at low rank, `[d, rank]`.
    pub down: Option<Linear>,
    /// The map, `[d, d]` or `[rank, d]`.
    pub up: Linear,
}

impl DcnV2Config {
    pub(super) fn init(
        &self,
        [n_tokens, d_token, n_labels]: [usize; 3],
        key: RandomKey,
        device: &Device,
    ) -> Result<DcnV2, ModelError> {
        check::positive_size("n_layers", self.n_layers)?;
        if let Some(rank) = self.rank {
            check::positive_size("rank", rank)?;
        }
        let d = n_tokens * d_token;
        let layers = (0..self.n_layers).map(|layer| {
            let key = key.child(0).child(layer as u64);
            CrossLayer {
                down: self
                    .rank
                    .map(|rank| linear(d, rank, false, key.child(0), device)),
                up: linear(self.rank.unwrap_or(d), d, true, key.child(1), device),
            }
        });
        let deep = self.mlp.as_ref();
        let deep = deep.map(|mlp| Deep::init(mlp, d, n_labels, key.child(2), device));
        let deep = deep.transpose()?;
        let follows = deep.is_some() && self.structure == CrossStructure::Stacked;
        Ok(DcnV2 {
            layers: layers.collect(),
            output: (!follows).then(|| head(d, n_labels, key.child(1), device)),
            deep,
            structure: self.structure,
        })
    }
}

impl DcnV2 {
    pub(super) fn forward(&self, tokens: Tensor<3>, mode: Mode) -> Tensor<2> {
        let first = flat(tokens);
        let layers = self.layers.iter();
        let crossed = layers.fold(first.clone(), |x, layer| layer.forward(first.clone(), x));
        let deep_input = match self.structure {
            CrossStructure::Parallel => first,
            CrossStructure::Stacked => crossed.clone(),
        };
        let deep = self
            .deep
            .as_ref()
            .map(|deep| deep.forward(deep_input, mode));
        let cross = self.output.as_ref().map(|output| mapped(crossed, output));
        match (cross, deep) {
            (Some(cross), Some(deep)) => cross + deep,
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => unreachable!("cross layers without an MLP have logits of their own"),
        }
    }
}

impl CrossLayer {
    fn forward(&self, first: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        let inner = match &self.down {
            Some(down) => mapped(x.clone(), down),
            None => x.clone(),
        };
        first * mapped(inner, &self.up) + x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tensor: Tensor<2>) -> Vec<f64> {
        tensor.into_data().iter::<f64>().collect()
    }

    fn product(x: &[f64], layer: &Linear) -> Vec<f64> {
        let (weight, [_, d_out]) = (read(layer.weight.val()), layer.weight.dims());
        let bias: Vec<f64> = match &layer.bias {
            Some(bias) => bias.val().into_data().iter::<f64>().collect(),
            None => vec![0.0; d_out],
        };
        let to = |to: usize| {
            let products = x
                .iter()
                .enumerate()
                .map(|(i, x)| x * weight[i * d_out + to]);
            bias[to] + products.sum::<f64>()
        };
        (0..d_out).map(to).collect()
    }

    #[test]
    fn a_layer_multiplies_a_map_of_the_last_with_the_first() {
        let device = Device::flex();
        for rank in [None, Some(2)] {
            let config = DcnV2Config {
                n_layers: 2,
                rank,
                mlp: None,
                ..DcnV2Config::default()
            };
            let mut network = config.init([3, 1, 1], RandomKey::new(1), &device).unwrap();
            for layer in &mut network.layers {
                let bias = Tensor::<1>::from_floats([0.3, -0.5, 0.7], &device);
                layer.up.bias = Some(burn::module::Param::from_tensor(bias));
            }
            let first = [0.9, -1.3, 2.1];
            let mut x = first.to_vec();
            for layer in &network.layers {
                let inner = match &layer.down {
                    Some(down) => product(&x, down),
                    None => x.clone(),
                };
                let mapped = product(&inner, &layer.up);
                x = (0..3).map(|i| first[i] * mapped[i] + x[i]).collect();
            }
            let expected = product(&x, network.output.as_ref().unwrap());
            let tokens = Tensor::<3>::from_data([[[0.9], [-1.3], [2.1]]], &device);
            let found = read(network.forward(tokens, Mode::Inference));
            assert!(expected[0].abs() > 1e-3);
            assert!(
                (found[0] - expected[0]).abs() < 1e-5,
                "{found:?} and {expected:?}"
            );
        }
    }
}
