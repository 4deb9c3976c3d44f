//! What stands for row gradients where there is no kernel that makes them.

use burn::tensor::{Gradients, Tensor};

/// Gradient of a table that is zero outside a few rows: there is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RowGradient {}

/// The row gradients that a backward pass left: none.
#[derive(Debug)]
pub(crate) struct RowGradients;

/// Calculates the gradients of a loss.
pub(crate) fn backward_with_rows(loss: &Tensor<1>) -> (Gradients, RowGradients) {
    (loss.backward(), RowGradients)
}

impl RowGradients {
    /// Takes out the gradient of a table.
    pub(crate) fn take<const D: usize>(&mut self, _table: &Tensor<D>) -> Option<RowGradient> {
        None
    }
}

impl RowGradient {
    /// Sum of the squares of all its numbers.
    pub(crate) fn sum_of_squares(&self) -> f64 {
        match *self {}
    }

    /// Each number times `share`.
    pub(crate) fn scaled(self, _share: f64) -> Self {
        self
    }

    /// The sum with another gradient of the same table.
    pub(crate) fn plus(self, _other: Self) -> Self {
        self
    }

    /// Adds it to a dense gradient of the same table.
    pub(crate) fn add_to(self, _dense: Tensor<1>) -> Tensor<1> {
        match self {}
    }
}
