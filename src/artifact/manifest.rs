//! The list of an artifact's parts with their checksums.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Version of the directory layout that this build writes, and the latest that it reads.
pub const FORMAT_VERSION: u64 = 1;

/// What `format` says in every manifest.
pub(super) const FORMAT: &str = "salient";

/// The parts of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `salient`.
    pub format: String,
    /// Version of the directory layout.
    pub format_version: u64,
    /// Version of the crate that wrote it.
    pub written_by: String,
    /// Task that the model serves, such as `next_item`.
    pub task: String,
    /// Every other file of the artifact.
    pub parts: BTreeMap<String, Part>,
    /// SHA-256 of the manifest with this field empty.
    pub checksum: String,
}

/// Size and checksum of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Length of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Lists `parts` for `task`.
    pub(super) fn of(task: &str, parts: &BTreeMap<String, Vec<u8>>) -> Self {
        let parts = parts
            .iter()
            .map(|(name, bytes)| {
                (
                    name.clone(),
                    Part {
                        bytes: bytes.len() as u64,
                        sha256: sha256(bytes),
                    },
                )
            })
            .collect();
        let mut manifest = Self {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            written_by: concat!("salient ", env!("CARGO_PKG_VERSION")).to_owned(),
            task: task.to_owned(),
            parts,
            checksum: String::new(),
        };
        manifest.checksum = manifest.expected_checksum();
        manifest
    }

    /// The checksum that the other fields give.
    pub(super) fn expected_checksum(&self) -> String {
        let unsigned = Self {
            checksum: String::new(),
            ..self.clone()
        };
        sha256(unsigned.to_json().as_bytes())
    }

    /// The one way in which a manifest is written: its fields in the order of the struct.
    pub(super) fn to_json(&self) -> String {
        // A struct of strings and numbers always has a JSON form.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
