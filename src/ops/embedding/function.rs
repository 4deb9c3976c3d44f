//! The public function.

use burn::tensor::Tensor;

use super::composite;
use crate::ops::host;

/// Copies the row of a table that each id names.
///
/// The ids come from the host, where batches are made, so that a wrong one is refused by number before anything runs.
/// The gradient of the table is dense: zero in rows that no id names, the sum over repeated ids elsewhere.
///
/// # Shapes
/// - `table`: `[n_items, d_model]`
/// - `ids`: one id a row of the output
/// - returns `[ids.len(), d_model]`
///
/// # Edge cases
/// No ids give a tensor of no rows, without a gradient.
///
/// # Panics
/// If an id is not below `n_items`.
pub fn embedding(table: Tensor<2>, ids: &[u32]) -> Tensor<2> {
    let [n_items, _] = table.dims();
    host::assert_ids("id", ids, n_items);
    composite::embedding(table, ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, values};

    #[test]
    fn each_id_gets_its_row() {
        let device = burn::tensor::Device::flex();
        let table = Tensor::<2>::from_data([[0., 1.], [2., 3.], [4., 5.]], &device);
        let rows = embedding(table.clone(), &[2, 0, 2]);
        assert_eq!(rows.dims(), [3, 2]);
        assert_eq!(
            rows.into_data().to_vec::<f32>().unwrap(),
            [4., 5., 0., 1., 4., 5.]
        );
        assert_eq!(embedding(table, &[]).dims(), [0, 2]);
    }

    #[test]
    fn repeated_ids_add_up_in_the_gradient() {
        assert_gradients(&[values(1, 15)], |inputs| {
            embedding(inputs[0].clone().reshape([5, 3]), &[1, 4, 1, 1, 0])
        });
    }

    #[test]
    #[should_panic(expected = "id 3 is outside a table of 3 rows")]
    fn an_id_past_the_table_is_refused() {
        let device = burn::tensor::Device::flex();
        embedding(Tensor::zeros([3, 2], &device), &[0, 3]);
    }
}
