//! What the CPU kernels share.

mod exponential;
mod level;
mod product;
mod storage;

pub(super) use exponential::{exponentials_in_place, small_exponential, small_exponentials};
pub(super) use level::{at_level, wide};
pub(super) use product::{Matrix, MatrixMut, add_product, set_product, transpose};
pub(super) use storage::{numbers, runs_here, tensor};
