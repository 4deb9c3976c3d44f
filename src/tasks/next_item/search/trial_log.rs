//! The trials of a search on disk: a line of JSON for each round of each trial.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Measured, SearchError, Trial};

const FILE_NAME: &str = "trials.jsonl";

/// What is known of a trial after a round.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finished {
    pub(super) epochs: usize,
    pub(super) measured: Option<Measured>,
}

/// A line of the file. The settings are for whoever reads it: the search draws them again.
#[derive(Serialize, Deserialize)]
struct Line {
    trial: usize,
    round: usize,
    learning_rate: f64,
    dropout: f64,
    d_model: usize,
    loss: Option<String>,
    epochs: usize,
    measured: Option<Measured>,
    search: String,
}

/// The trials of a search, on disk if it has a directory.
#[derive(Debug)]
pub(super) struct TrialLog {
    directory: Option<PathBuf>,
    fingerprint: String,
    /// By number and round of the trial.
    finished: BTreeMap<(usize, usize), Finished>,
}

impl TrialLog {
    /// Reads what an earlier search of the same fingerprint left, if anything.
    pub(super) fn open(directory: Option<&Path>, fingerprint: String) -> Result<Self, SearchError> {
        let mut log = Self {
            directory: directory.map(Path::to_owned),
            fingerprint,
            finished: BTreeMap::new(),
        };
        if let Some(directory) = directory {
            fs::create_dir_all(directory).map_err(io_error("make", directory))?;
            log.read(&directory.join(FILE_NAME))?;
        }
        Ok(log)
    }

    pub(super) fn finished(&self, trial: usize, round: usize) -> Option<&Finished> {
        self.finished.get(&(trial, round))
    }

    /// Takes note of a trial; it is safe on disk when this returns.
    pub(super) fn append(&mut self, trial: &Trial) -> Result<(), SearchError> {
        if let Some(directory) = &self.directory {
            let line = Line {
                trial: trial.number,
                round: trial.round,
                learning_rate: trial.config.training.learning_rate,
                dropout: trial.config.dropout,
                d_model: trial.config.d_model,
                loss: trial.loss.clone(),
                epochs: trial.epochs,
                measured: trial.measured.clone(),
                search: self.fingerprint.clone(),
            };
            let path = directory.join(FILE_NAME);
            append(&path, &line).map_err(io_error("write", &path))?;
        }
        let finished = Finished {
            epochs: trial.epochs,
            measured: trial.measured.clone(),
        };
        self.finished.insert((trial.number, trial.round), finished);
        Ok(())
    }

    fn read(&mut self, path: &Path) -> Result<(), SearchError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io_error("read", path)(error)),
        };
        let end = bytes.iter().rposition(|&byte| byte == b'\n');
        let end = end.map_or(0, |last| last + 1);
        if end < bytes.len() {
            // A line without its end is what a crash left of a trial, which is trained again.
            cut(path, end as u64).map_err(io_error("write", path))?;
        }
        let lines = bytes[..end].split_inclusive(|&byte| byte == b'\n');
        for (number, bytes) in (1..).zip(lines) {
            let line: Line =
                serde_json::from_slice(bytes).map_err(|source| SearchError::Malformed {
                    path: path.to_owned(),
                    line: number,
                    source,
                })?;
            if line.search != self.fingerprint {
                return Err(SearchError::OtherSearch {
                    path: path.to_owned(),
                    line: number,
                    saved: line.search,
                    given: self.fingerprint.clone(),
                });
            }
            let finished = Finished {
                epochs: line.epochs,
                measured: line.measured,
            };
            self.finished.insert((line.trial, line.round), finished);
        }
        Ok(())
    }
}

fn append(path: &Path, line: &Line) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(&bytes)?;
    file.sync_all()
}

fn cut(path: &Path, length: u64) -> io::Result<()> {
    let file: File = OpenOptions::new().write(true).open(path)?;
    file.set_len(length)?;
    file.sync_all()
}

pub(super) fn io_error(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> SearchError + use<> {
    let path = path.to_owned();
    move |source| SearchError::Io {
        action,
        path,
        source,
    }
}
