//! What the CPU kernels share.

mod changed;
mod chunks;
mod exponential;
mod product;
mod sigmoid;
mod storage;
mod wide;

pub(super) use changed::changed;
pub(super) use chunks::{change_zeros, chunk_len};
pub(super) use exponential::{exponentials_in_place, maximum, small_exponential};
pub(super) use product::{Matrix, MatrixMut, add_product, set_product};
pub(super) use sigmoid::{logistic, normal};
pub(super) use storage::{numbers, runs_here, tensor};
pub(super) use wide::wide;
