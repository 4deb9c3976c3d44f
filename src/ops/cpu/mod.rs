//! What the CPU kernels share.

mod changed;
mod chunks;
mod exponential;
pub(super) mod lanes;
mod level;
mod product;
mod rows;
mod sigmoid;
mod squares;
mod storage;

pub(super) use changed::changed;
pub(super) use chunks::{change_alike, change_zeros, chunk_len};
pub(super) use exponential::{exponentials_in_place, small_exponential, small_exponentials};
pub(super) use level::{at_level, wide};
pub(super) use product::{Matrix, MatrixMut, add_product, set_product, transpose};
pub(super) use rows::{IDS_PER_PIECE, for_each_piece, row_pieces};
pub(super) use sigmoid::{logistic, normal};
pub(super) use squares::sum_of_squares;
pub(super) use storage::{from_primitive, numbers, numbers_mut, primitive, runs_here, tensor};
