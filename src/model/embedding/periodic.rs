//! Numbers as waves of learned frequencies.

use std::f64::consts::TAU;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::model::{ModelError, check};
use crate::parameters;
use crate::random::RandomKey;

/// Settings of [`PeriodicNumbers`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeriodicNumbersConfig {
    /// Frequencies a number; at least 1. Default 48, as in the authors' package. Each costs a sine and a cosine a number.
    pub n_frequencies: usize,
    /// Standard deviation of the first frequencies; positive. Default 0.01, as in the authors' package, who search from 0.01
    /// to 100. More of it tells closer numbers apart at first.
    pub standard_deviation: f64,
}

impl Default for PeriodicNumbersConfig {
    fn default() -> Self {
        Self {
            n_frequencies: 48,
            standard_deviation: 0.01,
        }
    }
}

/// Turns each number of a row into sines and cosines of learned frequencies, so that what follows can bend at any number.
///
/// `x -> [sin(2 pi c_1 x), .., sin(2 pi c_k x), cos(2 pi c_1 x), .., cos(2 pi c_k x)]`
///
/// # Source
/// Gorishniy et al. 2022, section 3.3, <https://arxiv.org/abs/2203.05556>. Differences: none.
#[derive(Module, Debug)]
pub struct PeriodicNumbers {
    /// The frequencies of each number, `[n_numbers, n_frequencies]`.
    pub frequencies: Param<Tensor<2>>,
}

impl PeriodicNumbersConfig {
    /// Draws the frequencies of `n_numbers` numbers from a normal distribution and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::NotPositive`].
    pub fn init(
        &self,
        n_numbers: usize,
        key: RandomKey,
        device: &Device,
    ) -> Result<PeriodicNumbers, ModelError> {
        check::positive_size("n_numbers", n_numbers)?;
        check::positive_size("periodic.n_frequencies", self.n_frequencies)?;
        check::positive("periodic.standard_deviation", self.standard_deviation)?;
        let shape = [n_numbers, self.n_frequencies];
        Ok(PeriodicNumbers {
            frequencies: parameters::normal(shape, self.standard_deviation, key, device),
        })
    }
}

impl PeriodicNumbers {
    /// Turns each number into waves.
    ///
    /// # Shapes
    /// - `numbers`: `[n_rows, n_numbers]`
    /// - returns `[n_rows, n_numbers * 2 * n_frequencies]`, those of a number side by side
    ///
    /// # Panics
    /// If the rows are not `n_numbers` wide.
    pub fn forward(&self, numbers: Tensor<2>) -> Tensor<2> {
        let [n_rows, width] = numbers.dims();
        let [n_numbers, n_frequencies] = self.frequencies.dims();
        assert_eq!(width, n_numbers, "each number needs frequencies");
        let frequencies = self.frequencies.val() * TAU;
        let angles = numbers.reshape([n_rows, n_numbers, 1])
            * frequencies.reshape([1, n_numbers, n_frequencies]);
        Tensor::cat(vec![angles.clone().sin(), angles.cos()], 2)
            .reshape([n_rows, n_numbers * 2 * n_frequencies])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_the_waves_of_its_frequencies() {
        let device = Device::flex();
        let config = PeriodicNumbersConfig {
            n_frequencies: 3,
            standard_deviation: 0.5,
        };
        let periodic = config.init(2, RandomKey::new(1), &device).unwrap();
        let frequencies: Vec<f64> = periodic.frequencies.val().into_data().iter().collect();
        let numbers = [[0.3, -1.7], [2.0, 0.0]];
        let found = periodic.forward(Tensor::from_data(numbers, &device));
        assert_eq!(found.dims(), [2, 12]);
        let mut expected = Vec::new();
        for row in numbers {
            for (number, frequencies) in row.iter().zip(frequencies.chunks(3)) {
                expected.extend(frequencies.iter().map(|c| (TAU * c * number).sin()));
                expected.extend(frequencies.iter().map(|c| (TAU * c * number).cos()));
            }
        }
        for (found, expected) in found.into_data().iter::<f64>().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} and {expected}");
        }
    }

    #[test]
    fn settings_outside_their_ranges_are_refused() {
        let init = |n_frequencies, standard_deviation| {
            let config = PeriodicNumbersConfig {
                n_frequencies,
                standard_deviation,
            };
            config.init(2, RandomKey::new(1), &Device::flex()).err()
        };
        let field = "periodic.n_frequencies";
        assert_eq!(init(0, 1.0), Some(ModelError::ZeroSize { field }));
        let field = "periodic.standard_deviation";
        let value = 0.0;
        assert_eq!(init(1, 0.0), Some(ModelError::NotPositive { field, value }));
    }
}
