//! Trained models on disk: a directory of plain files under a manifest with their checksums.
//!
//! No part is ever executed. A truncated, altered, newer or foreign artifact is refused by a named error.

mod error;
mod load;
mod manifest;
mod save;

pub use error::ArtifactError;
pub use load::Artifact;
pub use manifest::{FORMAT_VERSION, Manifest, Part};
pub use save::save;

pub(crate) use save::json;
