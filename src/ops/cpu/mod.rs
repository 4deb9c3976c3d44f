//! What the CPU kernels share.

mod exponential;
mod product;
mod storage;
mod wide;

pub(super) use exponential::{exponentials_in_place, maximum, small_exponential};
pub(super) use product::{Matrix, MatrixMut, add_product, set_product};
pub(super) use storage::{numbers, runs_here, tensor};
pub(super) use wide::wide;
