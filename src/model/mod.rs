//! Attention and transformer-encoder modules, usable alone.

mod error;

pub use error::ModelError;
