//! The state of a run on disk: one file, whole or not there at all.
//!
//! `checkpoint.safetensors` holds the weights, the moments of the optimiser and the best weights under the prefixes below,
//! and one metadata entry with everything else. It is written under another name, synced and renamed, so that a crash or
//! a full disk leaves the previous checkpoint as it was.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::optimiser::OptimiserState;
use super::progress::Progress;
use super::{BoxedError, CheckpointError};
use crate::parameters::{self, Parameters};

const FILE_NAME: &str = "checkpoint.safetensors";
/// A fixed name, so that runs killed while they write leave one file at most.
const PARTIAL_NAME: &str = "checkpoint.safetensors.partial";
const FORMAT_VERSION: u64 = 1;
const METADATA_KEY: &str = "salient.checkpoint";

const WEIGHTS: &str = "weights/";
const BEST_WEIGHTS: &str = "best_weights/";
const FIRST_MOMENTS: &str = "first_moments/";
const SECOND_MOMENTS: &str = "second_moments/";

/// Everything that a run needs to go on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Snapshot {
    pub(super) progress: Progress,
    pub(super) weights: Parameters,
    pub(super) best_weights: Option<Parameters>,
    pub(super) optimiser: OptimiserState,
}

/// Settings by name, in their JSON form, that a resumed run must share with the interrupted one.
pub(super) type Settings = BTreeMap<String, String>;

/// Where a run keeps its state.
#[derive(Debug)]
pub(super) struct CheckpointFile {
    directory: PathBuf,
    data: String,
}

/// The metadata entry of the file.
#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u64,
    sha256: String,
    state: String,
}

/// The part of the metadata that later versions of the format keep.
#[derive(Deserialize)]
struct Version {
    version: u64,
}

/// The state in the metadata, as JSON. It is kept as text, so that its digest does not depend on how JSON is laid out.
#[derive(Serialize, Deserialize)]
struct State {
    settings: Settings,
    data: String,
    progress: Progress,
    updates: BTreeMap<String, u64>,
}

impl CheckpointFile {
    pub(super) fn new(directory: PathBuf, data: String) -> Self {
        Self { directory, data }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.join(FILE_NAME)
    }

    /// Replaces the checkpoint and returns its path.
    pub(super) fn write(
        &self,
        snapshot: Snapshot,
        settings: &Settings,
    ) -> Result<PathBuf, CheckpointError> {
        let path = self.path();
        let bytes =
            self.encode(snapshot, settings)
                .map_err(|source| CheckpointError::Malformed {
                    path: path.clone(),
                    source,
                })?;
        match self.replace(&path, &bytes) {
            Ok(()) => Ok(path),
            Err(source) => Err(CheckpointError::Io {
                action: "write",
                path,
                source,
            }),
        }
    }

    fn encode(&self, snapshot: Snapshot, settings: &Settings) -> Result<Vec<u8>, BoxedError> {
        let state = serde_json::to_string(&State {
            settings: settings.clone(),
            data: self.data.clone(),
            progress: snapshot.progress,
            updates: snapshot.optimiser.updates,
        })?;
        let mut tensors = Parameters::new();
        let mut add = |prefix: &str, part: Parameters| {
            let part = part.into_iter();
            tensors.extend(part.map(|(name, tensor)| (format!("{prefix}{name}"), tensor)));
        };
        add(WEIGHTS, snapshot.weights);
        add(BEST_WEIGHTS, snapshot.best_weights.unwrap_or_default());
        add(FIRST_MOMENTS, snapshot.optimiser.first);
        add(SECOND_MOMENTS, snapshot.optimiser.second);
        let envelope = serde_json::to_string(&Envelope {
            version: FORMAT_VERSION,
            sha256: digest(&state, &tensors),
            state,
        })?;
        // One entry alone: safetensors writes several in no fixed order.
        let metadata = BTreeMap::from([(METADATA_KEY.to_owned(), envelope)]);
        Ok(parameters::to_safetensors(&tensors, Some(metadata))?)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let partial = self.directory.join(PARTIAL_NAME);
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&partial, path)?;
        // The rename itself must reach the disk; only Unix opens directories.
        #[cfg(unix)]
        File::open(&self.directory)?.sync_all()?;
        Ok(())
    }

    /// Reads the checkpoint, if there is one, and checks that it belongs to this run.
    pub(super) fn read(&self, settings: &Settings) -> Result<Option<Snapshot>, CheckpointError> {
        let path = self.path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(CheckpointError::Io {
                    action: "read",
                    path,
                    source,
                });
            }
        };
        let (state, tensors) = decode(&path, &bytes)?;
        self.check_run(&path, &state, settings)?;
        Ok(Some(snapshot(state, tensors)))
    }

    fn check_run(
        &self,
        path: &Path,
        state: &State,
        settings: &Settings,
    ) -> Result<(), CheckpointError> {
        if state.data != self.data {
            return Err(CheckpointError::OtherData {
                path: path.to_owned(),
                saved: state.data.clone(),
                given: self.data.clone(),
            });
        }
        let names = state.settings.keys().chain(settings.keys());
        let show = |value: Option<&String>| value.map_or("nothing".to_owned(), String::clone);
        for name in names {
            let (saved, given) = (state.settings.get(name), settings.get(name));
            if saved != given {
                return Err(CheckpointError::OtherConfig {
                    path: path.to_owned(),
                    setting: name.clone(),
                    saved: show(saved),
                    given: show(given),
                });
            }
        }
        Ok(())
    }
}

fn decode(path: &Path, bytes: &[u8]) -> Result<(State, Parameters), CheckpointError> {
    let malformed = |source: BoxedError| CheckpointError::Malformed {
        path: path.to_owned(),
        source,
    };
    let entry = metadata_entry(bytes).map_err(malformed)?;
    let Version { version } = parse(&entry).map_err(malformed)?;
    if version > FORMAT_VERSION {
        return Err(CheckpointError::Newer {
            path: path.to_owned(),
            found: version,
            supported: FORMAT_VERSION,
        });
    }
    let envelope: Envelope = parse(&entry).map_err(malformed)?;
    let tensors = parameters::from_safetensors(bytes).map_err(|error| malformed(error.into()))?;
    let found = digest(&envelope.state, &tensors);
    if found != envelope.sha256 {
        return Err(CheckpointError::Damaged {
            path: path.to_owned(),
            expected: envelope.sha256,
            found,
        });
    }
    let state = parse(&envelope.state).map_err(malformed)?;
    Ok((state, tensors))
}

fn parse<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, BoxedError> {
    Ok(serde_json::from_str(text)?)
}

fn metadata_entry(bytes: &[u8]) -> Result<String, BoxedError> {
    let (_, metadata) = SafeTensors::read_metadata(bytes)?;
    let entries = metadata.metadata().as_ref();
    let entry = entries.and_then(|entries| entries.get(METADATA_KEY));
    Ok(entry
        .cloned()
        .ok_or("the file has no entry \"salient.checkpoint\"")?)
}

fn snapshot(state: State, tensors: Parameters) -> Snapshot {
    let part = |prefix: &str| -> Parameters {
        let named = tensors.iter().filter_map(|(name, tensor)| {
            let name = name.strip_prefix(prefix)?;
            Some((name.to_owned(), tensor.clone()))
        });
        named.collect()
    };
    Snapshot {
        progress: state.progress,
        weights: part(WEIGHTS),
        best_weights: Some(part(BEST_WEIGHTS)).filter(|best| !best.is_empty()),
        optimiser: OptimiserState {
            first: part(FIRST_MOMENTS),
            second: part(SECOND_MOMENTS),
            updates: state.updates,
        },
    }
}

/// SHA-256 of the format version, the state, and every tensor's name, shape and values.
fn digest(state: &str, tensors: &Parameters) -> String {
    let mut hasher = Sha256::new();
    hasher.update(FORMAT_VERSION.to_le_bytes());
    hasher.update((state.len() as u64).to_le_bytes());
    hasher.update(state);
    for (name, tensor) in tensors {
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name);
        hasher.update((tensor.shape.len() as u64).to_le_bytes());
        for length in &tensor.shape {
            hasher.update((*length as u64).to_le_bytes());
        }
        for chunk in tensor.values.chunks(1024) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|value| value.to_le_bytes()).collect();
            hasher.update(bytes);
        }
    }
    let digest = hasher.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
