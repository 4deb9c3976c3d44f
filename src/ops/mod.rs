//! Differentiable operations that models are made of: one folder each.
//!
//! Every folder holds a public function, which checks shapes and chooses an implementation, and `composite`, an
//! implementation made of Burn's own operations. The composite runs on any backend, in 32 or 64 bits, and its gradient is
//! Burn's; it is the reference that a faster kernel is tested against. Most also have kernels for the Flex backend in 32
//! bits, `flex` and `kernel`, with gradients of their own.

// Packed multi-head attention.
pub mod attention;

// Softmax cross-entropy over a table of items.
pub mod linear_cross_entropy;

// Self-attention over the fields of a row, beside a map of each.
pub mod interacting;

// Losses that compare a target with sampled negatives, one by one.
pub mod pairwise_loss;

// Normalisation over the width of a row.
pub mod layer_norm;

// Affine maps of rows.
pub mod linear;

// Pointwise non-linear functions.
pub mod activation;

// Dropout by counter-based random numbers.
pub mod dropout;

// Rows of a table, by id.
pub mod embedding;

// What a step of training does to a weight.
pub(crate) mod weight_update;

// The best items of a table for each query.
pub mod top_k;

/// Numbers of the host as tensors.
mod host;

/// What the CPU kernels share.
#[cfg(feature = "flex")]
mod cpu;

#[cfg(test)]
mod testing;
