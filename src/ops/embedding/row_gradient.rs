//! Gradients of tables that are zero outside a few rows.

use burn::tensor::{Gradients, Tensor};

use super::flex::{self, Found};
use super::kernel;
use crate::ops::cpu;

/// Gradient of a table in 32 bits on the Flex backend, zero outside a few rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowGradient {
    /// Rows that are not zero, in order, each once.
    pub(in crate::ops) ids: Vec<u32>,
    /// A row for each id.
    pub(in crate::ops) rows: Vec<f32>,
    /// Width of a row; at least 1.
    pub(in crate::ops) width: usize,
}

/// The row gradients that a backward pass left, by table.
#[derive(Debug)]
pub(crate) struct RowGradients {
    found: Vec<Found>,
}

/// Calculates the gradients of a loss; those of tables that the kernel of [`embedding`](super::embedding()) reads come as
/// rows. Whoever calls `loss.backward()` gets all of them dense.
pub(crate) fn backward_with_rows(loss: &Tensor<1>) -> (Gradients, RowGradients) {
    let (gradients, found) = flex::collect(|| loss.backward());
    (gradients, RowGradients { found })
}

impl RowGradients {
    /// Takes out the gradient of a table, if it has one that came as rows.
    pub(crate) fn take<const D: usize>(&mut self, table: &Tensor<D>) -> Option<RowGradient> {
        let (found, others) = std::mem::take(&mut self.found)
            .into_iter()
            .partition::<Vec<_>, _>(|found| found.is_of(table));
        self.found = others;
        let width = *table.dims().last()?;
        (!found.is_empty()).then(|| RowGradient::sum(&found, width))
    }
}

impl RowGradient {
    /// Adds up the gradients of several look-ups in one table.
    pub(super) fn sum(found: &[Found], width: usize) -> Self {
        let parts: Vec<_> = found.iter().map(Found::ids_and_rows).collect();
        let (ids, rows) = kernel::sum_by_id(&parts, width);
        Self { ids, rows, width }
    }

    fn ids_and_rows(&self) -> kernel::IdsAndRows<'_> {
        (&self.ids, &self.rows)
    }

    /// Sum of the squares of all its numbers.
    pub(crate) fn sum_of_squares(&self) -> f64 {
        cpu::sum_of_squares(&self.rows)
    }

    /// Each number times `share`.
    pub(crate) fn scaled(mut self, share: f64) -> Self {
        for number in &mut self.rows {
            *number *= share as f32;
        }
        self
    }

    /// The sum with another gradient of the same table.
    pub(crate) fn plus(self, other: Self) -> Self {
        let parts = [self.ids_and_rows(), other.ids_and_rows()];
        let (ids, rows) = kernel::sum_by_id(&parts, self.width);
        Self { ids, rows, ..self }
    }

    /// Adds it to a dense gradient of the same table, a flat vector, in place.
    pub(crate) fn add_to(self, dense: Tensor<1>) -> Tensor<1> {
        let mut dense = cpu::primitive(dense);
        let numbers = cpu::numbers_mut(&mut dense);
        kernel::add_rows(numbers, self.width, self.ids_and_rows());
        cpu::from_primitive(dense)
    }
}
