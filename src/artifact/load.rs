//! Reading an artifact back, or saying by name why not.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::error::ArtifactError;
use super::manifest::{FORMAT, FORMAT_VERSION, Manifest, sha256};

/// A whole, checked artifact in memory.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// What was written, and by whom.
    pub manifest: Manifest,
    parts: BTreeMap<String, Vec<u8>>,
    directory: PathBuf,
}

impl Artifact {
    /// Reads the artifact in `directory`, which must serve `task`, and checks every byte of it.
    ///
    /// # Errors
    /// Every variant of [`ArtifactError`] except [`ArtifactError::Unreadable`].
    pub fn load(directory: &Path, task: &str) -> Result<Self, ArtifactError> {
        let manifest = read_manifest(directory)?;
        if manifest.task != task {
            return Err(ArtifactError::OtherTask {
                path: directory.to_owned(),
                found: manifest.task,
                expected: task.to_owned(),
            });
        }
        let mut parts = BTreeMap::new();
        for name in manifest.parts.keys() {
            parts.insert(name.clone(), read_part(directory, name, &manifest)?);
        }
        Ok(Self {
            manifest,
            parts,
            directory: directory.to_owned(),
        })
    }

    /// Whether there is a part of this name.
    pub fn has_part(&self, name: &str) -> bool {
        self.parts.contains_key(name)
    }

    /// The bytes of one part.
    ///
    /// # Errors
    /// [`ArtifactError::MissingPart`].
    pub fn part(&self, name: &str) -> Result<&[u8], ArtifactError> {
        let missing = || ArtifactError::MissingPart {
            path: self.directory.clone(),
            part: name.to_owned(),
        };
        self.parts.get(name).map(Vec::as_slice).ok_or_else(missing)
    }

    /// One part, read as JSON.
    ///
    /// # Errors
    /// [`ArtifactError::MissingPart`], [`ArtifactError::Unreadable`].
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, ArtifactError> {
        let unreadable = |error| ArtifactError::unreadable(name, error);
        serde_json::from_slice(self.part(name)?).map_err(unreadable)
    }
}

fn read_manifest(directory: &Path) -> Result<Manifest, ArtifactError> {
    let path = directory.join("manifest.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(ArtifactError::NoManifest {
                path: directory.to_owned(),
            });
        }
        Err(source) => return Err(ArtifactError::Io { path, source }),
    };
    let damaged = |rule: String| ArtifactError::DamagedManifest {
        path: path.clone(),
        rule,
    };
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    // Format and version come first: a newer manifest may hold fields that this build does not know.
    match value.get("format").and_then(|format| format.as_str()) {
        Some(FORMAT) => {}
        found => {
            return Err(ArtifactError::Foreign {
                path,
                found: found.unwrap_or("missing").to_owned(),
            });
        }
    }
    let version = value
        .get("format_version")
        .and_then(|version| version.as_u64());
    match version.ok_or_else(|| damaged("format_version must be a whole number".to_owned()))? {
        found if found > FORMAT_VERSION => {
            return Err(ArtifactError::NewerVersion {
                path,
                found,
                supported: FORMAT_VERSION,
            });
        }
        _ => {}
    }
    let manifest: Manifest =
        serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
    if manifest.checksum != manifest.expected_checksum() || manifest.to_json().as_bytes() != bytes {
        return Err(damaged(
            "its checksum is not that of its content".to_owned(),
        ));
    }
    Ok(manifest)
}

fn read_part(directory: &Path, name: &str, manifest: &Manifest) -> Result<Vec<u8>, ArtifactError> {
    let expected = &manifest.parts[name];
    let (path, part) = (directory.to_owned(), name.to_owned());
    let bytes = match fs::read(directory.join(name)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(ArtifactError::MissingPart { path, part });
        }
        Err(source) => {
            return Err(ArtifactError::Io {
                path: directory.join(name),
                source,
            });
        }
    };
    if bytes.len() as u64 != expected.bytes {
        return Err(ArtifactError::WrongLength {
            path,
            part,
            found: bytes.len() as u64,
            expected: expected.bytes,
        });
    }
    let found = sha256(&bytes);
    if found != expected.sha256 {
        return Err(ArtifactError::WrongChecksum {
            path,
            part,
            found,
            expected: expected.sha256.clone(),
        });
    }
    Ok(bytes)
}
