//! Writing an artifact so that a reader sees the old one or the new one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use tempfile::NamedTempFile;

use super::error::ArtifactError;
use super::manifest::Manifest;

/// A part as JSON, beside its name.
pub(crate) fn json(part: &str, value: &impl Serialize) -> Result<(String, Vec<u8>), ArtifactError> {
    let bytes = serde_json::to_vec_pretty(value);
    let bytes = bytes.map_err(|error| ArtifactError::unreadable(part, error))?;
    Ok((part.to_owned(), bytes))
}

/// Writes `parts` and a manifest of them into `directory`, which is made if need be; other files in it stay.
///
/// All parts are written and synced under temporary names first and renamed last. A reader that comes between the renames,
/// or after a crash between them, is refused by checksum; it never loads a mixture.
///
/// # Errors
/// [`ArtifactError::Io`].
pub fn save(
    directory: &Path,
    task: &str,
    parts: &BTreeMap<String, Vec<u8>>,
) -> Result<Manifest, ArtifactError> {
    let io = |source| ArtifactError::Io {
        path: directory.to_owned(),
        source,
    };
    fs::create_dir_all(directory).map_err(io)?;
    let manifest = Manifest::of(task, parts);
    let mut written = Vec::with_capacity(parts.len() + 1);
    for (name, bytes) in parts {
        written.push((name.as_str(), write_synced(directory, bytes).map_err(io)?));
    }
    written.push((
        "manifest.json",
        write_synced(directory, manifest.to_json().as_bytes()).map_err(io)?,
    ));
    for (name, file) in written {
        file.persist(directory.join(name))
            .map_err(|error| io(error.error))?;
    }
    // The renames are in the directory, which has to reach the disk too. Not every platform can sync one.
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
    Ok(manifest)
}

fn write_synced(directory: &Path, bytes: &[u8]) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    // Temporary files are for their owner alone; a model is for whoever the umask lets, such as the account of a service.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}
