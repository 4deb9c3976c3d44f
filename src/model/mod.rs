//! Attention and transformer-encoder modules, usable alone.
//!
//! A config is plain data that `init` checks and turns into a module; weights are drawn from the key that `init` is given.
//! All modules run on [`PackedSequences`](crate::sequence::PackedSequences), where padding does not exist; the methods
//! named `forward_dense` pack a batch, run the same path and unpack. Anything that drops numbers in training takes a
//! [`Mode`](crate::random::Mode).
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use salient::model::encoder::{EncoderBlockConfig, EncoderConfig};
//! use salient::random::{Mode, RandomKey};
//! use salient::sequence::{Offsets, PackedSequences};
//!
//! let device = Device::flex();
//! let block = EncoderBlockConfig::new(8, 2, 16);
//! let encoder = EncoderConfig::new(block, 2).init(RandomKey::new(7), &device)?;
//! let histories = PackedSequences::new(Tensor::ones([5, 8], &device), Offsets::from_lengths([3, 2]));
//! let encoded = encoder.forward(histories, Mode::Inference);
//! assert_eq!(encoded.rows().dims(), [5, 8]);
//! # Ok::<(), salient::model::ModelError>(())
//! ```

// Who looks at whom: multi-head, target and pooling attention, and masks.
pub mod attention;

// Where a row stands in its sequence.
pub mod embedding;

// Blocks of attention and feed-forward layers, and stacks of blocks.
pub mod encoder;

// Layers of numbers of a row, one on the other.
pub mod mlp;

// Layer norm and RMS norm.
pub mod norm;

pub(crate) mod check;
mod dense;
mod error;
pub(crate) mod linear;

pub use error::ModelError;
