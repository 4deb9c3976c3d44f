//! The flags that all examples share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use salient::data::OnBadRow;

/// What to do with a row that cannot be read.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum BadRows {
    /// Stop and say where it is
    Fail,
    /// Leave it out and count it
    Skip,
}

impl From<BadRows> for OnBadRow {
    fn from(rows: BadRows) -> Self {
        match rows {
            BadRows::Fail => Self::Fail,
            BadRows::Skip => Self::Skip,
        }
    }
}

impl RunFlags {
    /// Refuses what could not be written, before time is spent on training.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.json.as_deref().filter(|path| path.is_dir()) {
            Some(path) => Err(format!(
                "--json {}: a directory, not a file",
                path.display()
            )),
            None => Ok(()),
        }
    }
}

/// How to run, and where to put what comes out.
#[derive(Args, Debug)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunFlags {
    /// Where all random numbers start
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// What computes: auto, flex, ndarray, wgpu or cuda
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// Directory for the trained model, its training log, learning curve and checkpoint
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on from the checkpoint in --out, if there is one
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
    /// Steps between checkpoints [default: one an epoch]
    #[arg(long, value_name = "STEPS", requires = "out")]
    pub(crate) checkpoint_every: Option<u64>,
    /// File for the results as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}
