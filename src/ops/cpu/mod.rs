//! What the CPU kernels share.

mod changed;
mod chunks;
mod exponential;
mod level;
mod product;
mod sigmoid;
mod storage;

pub(super) use changed::changed;
pub(super) use chunks::{change_zeros, chunk_len};
pub(super) use exponential::{exponentials_in_place, small_exponential, small_exponentials};
pub(super) use level::{at_level, wide};
pub(super) use product::{Matrix, MatrixMut, add_product, set_product, transpose};
pub(super) use sigmoid::{logistic, normal};
pub(super) use storage::{numbers, runs_here, tensor};
