//! One question to each history, answered by a small network.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use crate::model::linear::{linear, mapped};
use crate::model::mlp::{Mlp, MlpConfig};
use crate::model::{ModelError, check};
use crate::ops::embedding::embedding;
use crate::random::{Mode, RandomKey};
use crate::sequence::PackedSequences;

/// Settings of an [`ActivationUnit`].
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationUnitConfig {
    /// Width of targets and of the rows of histories; at least 1.
    pub d_model: usize,
    /// The network that weighs a row.
    pub mlp: MlpConfig,
}

/// Sums each history up from the point of view of one target, by weights that a small network gives.
///
/// `sum_i w_i k_i` with `w_i = network([q, k_i, q - k_i, q * k_i])`. The weights are not normalised, so that the sum tells
/// how much of what the target asks for is there, and not only where.
///
/// # Edge cases
/// An empty history yields a zero vector.
///
/// # Source
/// Zhou et al. 2018, deep interest network, section 4.3, <https://arxiv.org/abs/1706.06978>. Differences: the network reads
/// difference and product of the vectors, as the authors' code does, not their outer product; its activation is one of
/// this crate's, not PReLU or Dice, whose statistics of a batch would make an answer depend on the rows beside it.
#[derive(Module, Debug)]
pub struct ActivationUnit {
    /// The layers of the network.
    pub mlp: Mlp,
    /// From the last layer to a weight, `[d, 1]`.
    pub output: Linear,
}

impl ActivationUnitConfig {
    /// Draws the weights and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::DropoutOutOfRange`].
    pub fn init(&self, key: RandomKey, device: &Device) -> Result<ActivationUnit, ModelError> {
        check::positive_size("d_model", self.d_model)?;
        let d_in = 4 * self.d_model;
        Ok(ActivationUnit {
            mlp: self.mlp.init(d_in, key.child(0), device)?,
            output: linear(self.mlp.d_out(d_in), 1, true, key.child(1), device),
        })
    }
}

impl ActivationUnit {
    /// Sums each history up for its target.
    ///
    /// # Shapes
    /// - `targets`: `[n_sequences, d_model]`, one a history
    /// - rows of `history`: `[n_rows, d_model]`
    /// - returns `[n_sequences, d_model]`
    ///
    /// # Panics
    /// If a shape above does not hold.
    pub fn forward(&self, targets: Tensor<2>, history: PackedSequences, mode: Mode) -> Tensor<2> {
        if history.offsets().n_rows() == 0 {
            return targets.zeros_like();
        }
        let weights = self.weights(targets, &history, mode);
        history.map_rows(|rows| rows * weights).sums()
    }

    /// The weight of each row of each history.
    ///
    /// # Shapes
    /// - `targets`, `history`: as in [`forward`](Self::forward)
    /// - returns `[n_rows, 1]`
    ///
    /// # Panics
    /// If a shape above does not hold.
    pub fn weights(&self, targets: Tensor<2>, history: &PackedSequences, mode: Mode) -> Tensor<2> {
        let offsets = history.offsets();
        let [n_targets, _] = targets.dims();
        assert_eq!(
            n_targets,
            offsets.n_sequences(),
            "each history needs one target"
        );
        if offsets.n_rows() == 0 {
            return Tensor::zeros([0, 1], (&targets.device(), targets.dtype()));
        }
        let owners: Vec<u32> = offsets
            .lengths()
            .enumerate()
            .flat_map(|(sequence, length)| std::iter::repeat_n(sequence as u32, length))
            .collect();
        let query = embedding(targets, &owners);
        let key = history.rows();
        let (difference, product) = (query.clone() - key.clone(), query.clone() * key.clone());
        let inputs = Tensor::cat(vec![query, key, difference, product], 1);
        mapped(self.mlp.forward(inputs, mode), &self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequence::Offsets;

    fn read(tensor: Tensor<2>) -> Vec<f64> {
        tensor.into_data().iter::<f64>().collect()
    }

    fn unit() -> ActivationUnit {
        let config = ActivationUnitConfig {
            d_model: 2,
            mlp: MlpConfig {
                widths: vec![3],
                ..MlpConfig::default()
            },
        };
        config.init(RandomKey::new(3), &Device::flex()).unwrap()
    }

    #[test]
    fn a_history_is_summed_up_by_the_weights_of_the_network() {
        let device = Device::flex();
        let unit = unit();
        let targets = [[0.3, -1.0], [0.5, 0.2], [1.5, 0.7]];
        let keys = [[0.1, 0.9], [-0.4, 0.8], [1.0, -1.2]];
        let history = PackedSequences::new(
            Tensor::from_data(keys, &device),
            Offsets::from_lengths([2, 0, 1]),
        );
        let targets_tensor = Tensor::from_data(targets, &device);
        let found = read(unit.forward(targets_tensor, history, Mode::Inference));
        let (up, down) = (
            read(unit.mlp.layers[0].weight.val()),
            read(unit.output.weight.val()),
        );
        let mut expected = vec![0.0; 6];
        for (key, sequence) in keys.iter().zip([0, 0, 2]) {
            let query: [f64; 2] = targets[sequence];
            let [q, k] = [query, *key];
            let input = [
                q[0],
                q[1],
                k[0],
                k[1],
                q[0] - k[0],
                q[1] - k[1],
                q[0] * k[0],
                q[1] * k[1],
            ];
            let weight: f64 = (0..3)
                .map(|hidden| {
                    let sum: f64 = (0..8).map(|i| input[i] * up[i * 3 + hidden]).sum();
                    sum.max(0.0) * down[hidden]
                })
                .sum();
            assert!(weight.abs() > 1e-3);
            expected[sequence * 2] += weight * k[0];
            expected[sequence * 2 + 1] += weight * k[1];
        }
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5, "{found} and {expected}");
        }
    }

    #[test]
    fn empty_histories_yield_zeros() {
        let device = Device::flex();
        let none = PackedSequences::new(
            Tensor::zeros([0, 2], &device),
            Offsets::from_lengths([0, 0]),
        );
        let found = unit().forward(Tensor::ones([2, 2], &device), none, Mode::Inference);
        assert_eq!(read(found), [0.0; 4]);
    }
}
