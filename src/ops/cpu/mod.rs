//! What the CPU kernels share.

mod exponential;
mod product;
mod rows;
mod squares;
mod storage;
mod wide;

pub(super) use exponential::{exponentials_in_place, maximum, small_exponential};
pub(super) use product::{Matrix, MatrixMut, add_product, set_product};
pub(super) use rows::{IDS_PER_PIECE, for_each_piece, row_pieces};
pub(super) use squares::sum_of_squares;
pub(super) use storage::{from_primitive, numbers, numbers_mut, primitive, runs_here, tensor};
pub(super) use wide::wide;
