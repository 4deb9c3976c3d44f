//! Products of all pairs of vectors.

use burn::tensor::Tensor;

/// The sum over all pairs of fields of the product of their vectors, for each label.
///
/// `sum_{i < j} <v_i, v_j> = ((sum_i v_i)² - sum_i v_i²) / 2`, summed over coordinates, in time linear in the number of
/// fields. Each label has vectors of its own, side by side.
///
/// # Shapes
/// - `tokens`: `[n_rows, n_tokens, n_labels * d]`
/// - returns `[n_rows, n_labels]`
///
/// # Source
/// Rendle 2010, lemma 3.1, <https://doi.org/10.1109/ICDM.2010.127>. Difference: several labels.
pub(super) fn pairwise_products(tokens: Tensor<3>, n_labels: usize) -> Tensor<2> {
    let [n_rows, _, width] = tokens.dims();
    let square_of_sum = tokens.clone().sum_dim(1).square();
    let sum_of_squares = tokens.square().sum_dim(1);
    let products = (square_of_sum - sum_of_squares).reshape([n_rows, n_labels, width / n_labels]);
    products.sum_dim(2).reshape([n_rows, n_labels]) * 0.5
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn it_is_the_sum_over_all_pairs() {
        let (n_rows, n_tokens, n_labels, d) = (2, 5, 3, 7);
        let width = n_labels * d;
        let numbers: Vec<f32> = (0..n_rows * n_tokens * width)
            .map(|i| ((i * i + 3 * i) % 17) as f32 / 8.0 - 1.0)
            .collect();
        let data = TensorData::new(numbers.clone(), [n_rows, n_tokens, width]);
        let found = pairwise_products(Tensor::from_data(data, &Device::flex()), n_labels);
        assert_eq!(found.dims(), [n_rows, n_labels]);
        let at = |row: usize, token: usize, column: usize| {
            numbers[(row * n_tokens + token) * width + column]
        };
        for (index, found) in found.into_data().iter::<f32>().enumerate() {
            let (row, label) = (index / n_labels, index % n_labels);
            let mut expected = 0.0;
            for first in 0..n_tokens {
                for second in first + 1..n_tokens {
                    for column in label * d..(label + 1) * d {
                        expected += at(row, first, column) * at(row, second, column);
                    }
                }
            }
            assert!((found - expected).abs() < 1e-3, "{found} and {expected}");
        }
    }
}
