//! Trained models on disk.

mod error;

pub use error::ArtifactError;
