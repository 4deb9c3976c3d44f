//! The public function.

use burn::tensor::Tensor;

use super::composite;
use crate::ops::host;

/// Copies the row of a table that each id names.
///
/// The ids come from the host, where batches are made, so that a wrong one is refused by number before anything runs.
/// The gradient of the table is zero in rows that no id names, the sum over repeated ids elsewhere. `loss.backward()`
/// gives it as a tensor as large as the table; the [`Trainer`](crate::training::Trainer) and the
/// [`Optimiser`](crate::training::Optimiser), on the CPU (Flex, 32 bits), see only the rows that ids name, so that a step
/// costs what the batch touches.
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
    dispatch(table, ids)
}

/// Runs the kernel if there is one for this table, else the composite.
fn dispatch(table: Tensor<2>, ids: &[u32]) -> Tensor<2> {
    #[cfg(feature = "flex")]
    {
        let [_, d_model] = table.dims();
        if d_model > 0 && !ids.is_empty() && crate::ops::cpu::runs_here(&table) {
            return super::flex::embedding(table, ids);
        }
    }
    composite::embedding(table, ids)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::ops::testing::{assert_gradients, assert_near, read, singles, values};

    /// Widths that are no multiple of any vector, and some that are.
    const WIDTHS: [usize; 7] = [1, 2, 3, 63, 64, 65, 127];

    /// More look-ups than a thread takes at once, with many ids twice and some rows never.
    fn ids() -> Vec<u32> {
        (0..700).map(|i| i * i % 997 % 613).collect()
    }

    fn table(width: usize, device: &Device) -> Tensor<2> {
        singles(&values(1, 617 * width), [617, width], device)
    }

    /// A loss in which every number of every row counts differently.
    fn loss(rows: Tensor<2>) -> Tensor<1> {
        let [n_rows, width] = rows.dims();
        let counts = values(2, n_rows * width);
        (rows.clone() * singles(&counts, [n_rows, width], &rows.device())).sum()
    }

    #[test]
    fn each_id_gets_its_row() {
        let device = Device::flex();
        let table = Tensor::<2>::from_data([[0., 1.], [2., 3.], [4., 5.]], &device);
        let rows = embedding(table.clone(), &[2, 0, 2]);
        assert_eq!(rows.dims(), [3, 2]);
        assert_eq!(read(rows), [4., 5., 0., 1., 4., 5.]);
        assert_eq!(embedding(table, &[]).dims(), [0, 2]);
    }

    #[test]
    fn rows_of_a_view_are_those_of_its_copy() {
        let table = table(6, &Device::flex());
        let views = [
            table.clone().narrow(0, 3, 600),
            table.clone().narrow(1, 2, 3),
            table.clone().narrow(0, 0, 600).transpose(),
            table.flip([0]),
        ];
        for view in views {
            let ids = [0, 2, 5, 2];
            let expected = composite::embedding(view.clone(), &ids);
            assert_eq!(read(embedding(view, &ids)), read(expected));
        }
    }

    #[test]
    fn the_kernel_is_as_the_composite() {
        let device = Device::flex().autodiff();
        for width in WIDTHS {
            let table = table(width, &device).require_grad();
            let run = |rows: Tensor<2>| {
                let gradients = loss(rows.clone()).backward();
                (read(rows), read(table.grad(&gradients).unwrap()))
            };
            let (rows, gradient) = run(embedding(table.clone(), &ids()));
            let expected = run(composite::embedding(table.clone(), &ids()));
            assert_eq!(rows, expected.0);
            assert_near(&gradient, &expected.1, 1e-6);
        }
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
        embedding(Tensor::zeros([3, 2], &Device::flex()), &[0, 3]);
    }

    #[cfg(feature = "flex")]
    mod row_gradients {
        use super::*;
        use crate::ops::embedding::backward_with_rows;

        #[test]
        fn they_hold_the_rows_that_are_not_zero_in_a_dense_one() {
            let device = Device::flex().autodiff();
            for width in WIDTHS {
                let table = table(width, &device).require_grad();
                let loss = || {
                    let twice = embedding(table.clone(), &[616, 3, 616]);
                    loss(embedding(table.clone(), &ids())) + loss(twice)
                };
                let dense = read(table.grad(&loss().backward()).unwrap());
                let (gradients, mut rows) = backward_with_rows(&loss());
                assert!(table.grad(&gradients).is_none());
                let found = rows.take(&table).unwrap();
                assert!(rows.take(&table).is_none());
                assert!(found.ids.is_sorted_by(|a, b| a < b));
                let mut scattered = vec![0.0; dense.len()];
                for (id, row) in found.ids.iter().zip(found.rows.chunks(width)) {
                    for (column, number) in row.iter().enumerate() {
                        scattered[*id as usize * width + column] = f64::from(*number);
                    }
                }
                assert_near(&scattered, &dense, 1e-6);
                let squares: f64 = dense.iter().map(|x| x * x).sum();
                assert!((found.sum_of_squares() / squares - 1.0).abs() < 1e-5);
            }
        }

        #[test]
        fn a_table_that_was_computed_passes_its_gradient_on() {
            let device = Device::flex().autodiff();
            let base = table(3, &device).require_grad();
            let loss = || loss(embedding(base.clone() * 2.0, &ids()));
            let expected = read(base.grad(&loss().backward()).unwrap());
            let (gradients, mut rows) = backward_with_rows(&loss());
            assert_eq!(read(base.grad(&gradients).unwrap()), expected);
            assert!(rows.take(&base).is_none());
        }

        #[test]
        fn a_panic_in_backward_ends_the_collection() {
            let device = Device::flex().autodiff();
            let table = table(2, &device).require_grad();
            let spent = loss(embedding(table.clone(), &[1]));
            spent.backward();
            let again = std::panic::AssertUnwindSafe(|| backward_with_rows(&spent));
            assert!(std::panic::catch_unwind(again).is_err());
            let gradients = loss(embedding(table.clone(), &[1])).backward();
            assert!(table.grad(&gradients).is_some());
        }

        #[test]
        fn they_are_the_same_bits_on_one_thread_and_on_two() {
            let run = |n_threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
                pool.build().unwrap().install(|| {
                    let device = Device::flex().autodiff();
                    let table = table(65, &device).require_grad();
                    let rows = embedding(table.clone(), &ids());
                    let dense = loss(rows.clone()).backward();
                    let dense = read(table.grad(&dense).unwrap());
                    let again = loss(embedding(table.clone(), &ids()));
                    (read(rows), dense, backward_with_rows(&again).1.take(&table))
                })
            };
            assert_eq!(run(1), run(2));
        }

        #[test]
        fn a_batch_without_look_ups_has_none() {
            let device = Device::flex().autodiff();
            let table = table(2, &device).require_grad();
            let loss = loss(embedding(table.clone(), &[])) + table.clone().sum();
            let (gradients, mut rows) = backward_with_rows(&loss);
            assert!(rows.take(&table).is_none() && table.grad(&gradients).is_some());
        }
    }
}
