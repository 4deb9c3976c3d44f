//! One vector for each field with numbers.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{PeriodicNumbers, PeriodicNumbersConfig};
use crate::model::{ModelError, check};
use crate::ops::activation::relu;
use crate::ops::linear::linear;
use crate::parameters;
use crate::random::RandomKey;

/// Settings of [`NumberTokens`].
#[derive(Clone, Debug, PartialEq)]
pub struct NumberTokensConfig {
    /// Numbers of each field, the last of which says that the value is missing; each at least 2.
    pub widths: Vec<usize>,
    /// Width of a token vector; at least 1.
    pub d_model: usize,
    /// Bound of the uniform first weights; positive.
    pub bound: f64,
    /// Whether each field adds a vector of its own. It starts at zero.
    pub bias: bool,
    /// Turns the numbers into waves first, and cuts tokens off below zero ("PLR"). `None` for an affine map.
    pub periodic: Option<PeriodicNumbersConfig>,
}

/// One vector for each field with numbers: an affine map of its numbers.
///
/// The last number of a field, its flag, is 1 where the value is missing, and the others then are 0; so a missing value has a
/// learned vector of its own. A flag is never made a wave.
///
/// All fields are mapped by one product with a matrix that is zero wherever a number meets the token of another field; its
/// cost grows with the square of the number of fields, which is little for tens of them.
///
/// # Source
/// Gorishniy et al. 2021, section 3.3, <https://arxiv.org/abs/2106.11959>; with waves: "PLR" of Gorishniy et al. 2022,
/// section 3.4, <https://arxiv.org/abs/2203.05556>. Difference: a field may have several numbers, and has a flag.
#[derive(Module, Debug)]
pub struct NumberTokens {
    /// The waves of the numbers that are no flags.
    pub periodic: Option<PeriodicNumbers>,
    /// How each number, or wave, enters the token of its field: `[n_inputs, d_model]`. With waves, the flags come last.
    pub weight: Param<Tensor<2>>,
    /// The vector of each field, `[n_fields * d_model]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    widths: Vec<usize>,
}

impl NumberTokensConfig {
    /// Draws the weights and puts them on `device`.
    ///
    /// # Errors
    /// [`ModelError::ZeroSize`], [`ModelError::TooSmall`], [`ModelError::NotPositive`].
    pub fn init(&self, key: RandomKey, device: &Device) -> Result<NumberTokens, ModelError> {
        check::positive_size("number fields", self.widths.len())?;
        check::positive_size("d_model", self.d_model)?;
        check::positive("bound", self.bound)?;
        for &width in &self.widths {
            check::at_least("width of a number field", width, 2)?;
        }
        let (n_fields, n_numbers) = (self.widths.len(), self.widths.iter().sum::<usize>());
        let n_values = n_numbers - n_fields;
        let periodic = self
            .periodic
            .as_ref()
            .map(|config| config.init(n_values, key.child(1), device))
            .transpose()?;
        let n_inputs = self.periodic.as_ref().map_or(n_numbers, |config| {
            n_values * 2 * config.n_frequencies + n_fields
        });
        let shape = [n_inputs, self.d_model];
        Ok(NumberTokens {
            periodic,
            weight: parameters::uniform(shape, self.bound, key.child(0), device),
            bias: self
                .bias
                .then(|| parameters::zeros([n_fields * self.d_model], device)),
            widths: self.widths.clone(),
        })
    }
}

impl NumberTokens {
    /// Number of fields, and so of tokens a row.
    pub fn n_fields(&self) -> usize {
        self.widths.len()
    }

    /// The tokens of each row.
    ///
    /// # Shapes
    /// - `numbers`: `[n_rows, n_numbers]`, those of a field side by side
    /// - returns `[n_rows, n_fields, d_model]`
    ///
    /// # Panics
    /// If the rows are not as wide as the fields together.
    pub fn forward(&self, numbers: Tensor<2>) -> Tensor<3> {
        let [n_rows, width] = numbers.dims();
        let n_numbers: usize = self.widths.iter().sum();
        assert_eq!(width, n_numbers, "rows must have the numbers of all fields");
        let [_, d_model] = self.weight.dims();
        let bias = self.bias.as_ref().map(Param::val);
        let tokens = match &self.periodic {
            None => linear(numbers, self.spread(&self.owners()), bias),
            Some(periodic) => {
                let (values, flags) = self.apart(numbers);
                let [_, n_frequencies] = periodic.frequencies.dims();
                let inputs = Tensor::cat(vec![periodic.forward(values), flags], 1);
                relu(linear(
                    inputs,
                    self.spread(&self.wave_owners(n_frequencies)),
                    bias,
                ))
            }
        };
        tokens.reshape([n_rows, self.n_fields(), d_model])
    }

    /// The field of each number.
    fn owners(&self) -> Vec<usize> {
        let widths = self.widths.iter().enumerate();
        widths
            .flat_map(|(field, &width)| std::iter::repeat_n(field, width))
            .collect()
    }

    /// The field of each wave, then that of each flag.
    fn wave_owners(&self, n_frequencies: usize) -> Vec<usize> {
        let widths = self.widths.iter().enumerate();
        widths
            .flat_map(|(field, &width)| std::iter::repeat_n(field, (width - 1) * 2 * n_frequencies))
            .chain(0..self.widths.len())
            .collect()
    }

    /// The weight with each row in the columns of its field, `[n_inputs, n_fields * d_model]`.
    fn spread(&self, owners: &[usize]) -> Tensor<2> {
        let weight = self.weight.val();
        let ([n_inputs, d_model], n_fields) = (weight.dims(), self.n_fields());
        let mut mask = vec![0.0f32; n_inputs * n_fields];
        for (input, owner) in owners.iter().enumerate() {
            mask[input * n_fields + owner] = 1.0;
        }
        let (device, dtype) = (weight.device(), weight.dtype());
        let mask = TensorData::new(mask, [n_inputs, n_fields, 1]);
        let mask = Tensor::<3>::from_data(mask, (&device, dtype));
        (weight.reshape([n_inputs, 1, d_model]) * mask).reshape([n_inputs, n_fields * d_model])
    }

    /// Values, then flags.
    fn apart(&self, numbers: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let mut end = 0;
        let ends: Vec<usize> = self
            .widths
            .iter()
            .map(|width| {
                end += width;
                end
            })
            .collect();
        let (flags, values): (Vec<i64>, Vec<i64>) =
            (0..end as i64).partition(|&column| ends.contains(&(column as usize + 1)));
        let device = numbers.device();
        let columns = |index: Vec<i64>| {
            let n_columns = index.len();
            Tensor::<1, Int>::from_data(TensorData::new(index, [n_columns]), &device)
        };
        (
            numbers.clone().select(1, columns(values)),
            numbers.select(1, columns(flags)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(periodic: Option<PeriodicNumbersConfig>) -> NumberTokensConfig {
        NumberTokensConfig {
            widths: vec![2, 4, 3],
            d_model: 5,
            bound: 0.7,
            bias: true,
            periodic,
        }
    }

    fn rows() -> Tensor<2> {
        Tensor::from_data(
            [
                [0.3, 0.0, 0.1, -0.2, 0.5, 0.0, 0.0, 0.0, 1.0],
                [0.0, 1.0, 1.1, 2.2, -1.0, 0.0, 0.9, -0.7, 0.0],
            ],
            &Device::flex(),
        )
    }

    fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
        tensor.into_data().iter::<f64>().collect()
    }

    #[test]
    fn a_token_is_the_map_of_the_numbers_of_its_field() {
        let tokens = config(None)
            .init(RandomKey::new(1), &Device::flex())
            .unwrap();
        let found = tokens.forward(rows());
        assert_eq!(found.dims(), [2, 3, 5]);
        let (found, weight, numbers) = (read(found), read(tokens.weight.val()), read(rows()));
        for (index, found) in found.into_iter().enumerate() {
            let (row, field, column) = (index / 15, index / 5 % 3, index % 5);
            let fields = [0..2, 2..6, 6..9];
            let expected: f64 = fields[field]
                .clone()
                .map(|number| numbers[row * 9 + number] * weight[number * 5 + column])
                .sum();
            assert!((found - expected).abs() < 1e-5, "{found} and {expected}");
        }
    }

    #[test]
    fn waves_leave_the_flags_out() {
        let periodic = PeriodicNumbersConfig {
            n_frequencies: 2,
            standard_deviation: 0.4,
        };
        let tokens = config(Some(periodic))
            .init(RandomKey::new(1), &Device::flex())
            .unwrap();
        let found = read(tokens.forward(rows()));
        let weight = read(tokens.weight.val());
        let frequencies = read(tokens.periodic.unwrap().frequencies.val());
        let numbers = read(rows());
        // Six values of four waves each, then three flags.
        let values = [[0, 0], [2, 1], [3, 1], [4, 1], [6, 2], [7, 2]];
        let flags = [1, 5, 8];
        for (index, found) in found.into_iter().enumerate() {
            let (row, field, column) = (index / 15, index / 5 % 3, index % 5);
            let mut expected = numbers[row * 9 + flags[field]] * weight[(24 + field) * 5 + column];
            for (value, [place, owner]) in values.into_iter().enumerate() {
                for wave in 0..4 {
                    let angle = std::f64::consts::TAU
                        * frequencies[value * 2 + wave % 2]
                        * numbers[row * 9 + place];
                    let wave_value = if wave < 2 { angle.sin() } else { angle.cos() };
                    if owner == field {
                        expected += wave_value * weight[(value * 4 + wave) * 5 + column];
                    }
                }
            }
            let expected = expected.max(0.0);
            assert!((found - expected).abs() < 1e-5, "{found} and {expected}");
        }
    }

    #[test]
    fn a_field_without_a_flag_is_refused() {
        let config = NumberTokensConfig {
            widths: vec![2, 1],
            ..config(None)
        };
        let expected = ModelError::TooSmall {
            field: "width of a number field",
            value: 1,
            least: 2,
        };
        let found = config.init(RandomKey::new(1), &Device::flex());
        assert_eq!(found.err(), Some(expected));
    }
}
