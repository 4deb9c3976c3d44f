//! What can be wrong with a saved model.

use std::path::PathBuf;

/// What can be wrong with a saved model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// A file cannot be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The directory holds no manifest.
    #[error("{} is no saved model: it holds no manifest.json", path.display())]
    NoManifest {
        /// The directory.
        path: PathBuf,
    },
    /// The manifest was not written by this crate.
    #[error("{} was not written by salient: its format is {found:?}", path.display())]
    Foreign {
        /// The manifest.
        path: PathBuf,
        /// The format that it names, or what stands in its place.
        found: String,
    },
    /// The manifest is damaged.
    #[error("{} is damaged: {rule}", path.display())]
    DamagedManifest {
        /// The manifest.
        path: PathBuf,
        /// What it breaks.
        rule: String,
    },
    /// The artifact comes from a later version of the crate.
    #[error("{} has format version {found}, this build reads up to {supported}: upgrade salient", path.display())]
    NewerVersion {
        /// The manifest.
        path: PathBuf,
        /// Version found.
        found: u64,
        /// Latest version that can be read.
        supported: u64,
    },
    /// The artifact holds a model for another task.
    #[error("{} holds a model for {found:?}, not for {expected:?}", path.display())]
    OtherTask {
        /// The directory.
        path: PathBuf,
        /// Task found.
        found: String,
        /// Task asked for.
        expected: String,
    },
    /// A part that the manifest lists is not there.
    #[error("{} lacks its part {part:?}", path.display())]
    MissingPart {
        /// The directory.
        path: PathBuf,
        /// Name of the part.
        part: String,
    },
    /// A part is shorter or longer than the manifest says.
    #[error("part {part:?} of {} has {found} bytes, its manifest says {expected}", path.display())]
    WrongLength {
        /// The directory.
        path: PathBuf,
        /// Name of the part.
        part: String,
        /// Bytes found.
        found: u64,
        /// Bytes expected.
        expected: u64,
    },
    /// A part has other bytes than those that were written.
    #[error("part {part:?} of {} is damaged: its SHA-256 is {found}, its manifest says {expected}", path.display())]
    WrongChecksum {
        /// The directory.
        path: PathBuf,
        /// Name of the part.
        part: String,
        /// SHA-256 found.
        found: String,
        /// SHA-256 expected.
        expected: String,
    },
    /// A part is whole but does not say what it should.
    #[error("part {part:?} cannot be understood")]
    Unreadable {
        /// Name of the part.
        part: String,
        /// The first thing that is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ArtifactError {
    /// The error for a part that does not say what it should.
    pub(crate) fn unreadable(
        part: &str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unreadable {
            part: part.to_owned(),
            source: source.into(),
        }
    }
}
