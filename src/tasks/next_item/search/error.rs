//! What can be wrong with a search.

use std::path::PathBuf;

use crate::training::BoxedError;

/// What can be wrong with a search. Trials and lines count from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// No setting is searched.
    #[error("the search space is empty: give a range or choices for at least one setting")]
    EmptySpace,
    /// A range of a setting has no value, or holds one that the setting cannot take.
    #[error(
        "the range of {setting} is {low} to {high}: it must lie in {allowed}, the lower end first"
    )]
    Range {
        /// Name of the setting.
        setting: &'static str,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
        /// Where it must lie.
        allowed: &'static str,
    },
    /// A loss is named twice.
    #[error("two losses are labelled {label:?}: give each a label of its own")]
    RepeatedLabel {
        /// The label.
        label: String,
    },
    /// A setting of the strategy is too small.
    #[error("{setting} of the search is {value}: it must be at least {least}")]
    TooSmall {
        /// Name of the setting.
        setting: &'static str,
        /// Its value.
        value: usize,
        /// The least allowed.
        least: usize,
    },
    /// There is nothing to compare trials by.
    #[error("there are no validation cases to compare trials by: choose a split that has some")]
    NoValidation,
    /// Successive halving trains on where a trial stopped, which this setting does not allow.
    #[error(
        "successive halving gives trials more epochs, which {setting} = {value} does not allow: use {needed}"
    )]
    NotExtensible {
        /// Name of the training setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        needed: &'static str,
    },
    /// The directory holds another search.
    #[error(
        "{path:?} line {line} was written by a search with other data, settings or space ({saved}, this one is {given}): search in another directory"
    )]
    OtherSearch {
        /// The file.
        path: PathBuf,
        /// Its line.
        line: usize,
        /// Fingerprint in the file.
        saved: String,
        /// Fingerprint of this search.
        given: String,
    },
    /// A line of the file of trials is no trial.
    #[error(
        "{path:?} line {line} is no trial of a search: remove the line to train the trial again"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Its line.
        line: usize,
        /// What cannot be read.
        source: serde_json::Error,
    },
    /// The file system refuses.
    #[error("cannot {action} {path:?}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Whoever watches the search failed.
    #[error("the observer of the search failed after trial {trial}")]
    Observer {
        /// Number of the trial.
        trial: usize,
        /// Why.
        source: BoxedError,
    },
    /// The drawing library refuses.
    #[error("cannot draw the trials of the search")]
    Draw {
        /// Why.
        source: BoxedError,
    },
}
