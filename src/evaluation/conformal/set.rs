//! Which labels a row may have.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which labels a row may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictionSet {
    /// Neither: no label is like those of the calibration rows.
    Empty,
    /// Negative alone.
    Negative,
    /// Positive alone.
    Positive,
    /// Either: the model cannot tell.
    Both,
}

impl PredictionSet {
    pub(super) fn new(holds_negative: bool, holds_positive: bool) -> Self {
        match (holds_negative, holds_positive) {
            (false, false) => Self::Empty,
            (true, false) => Self::Negative,
            (false, true) => Self::Positive,
            (true, true) => Self::Both,
        }
    }

    /// Whether the label is in the set.
    pub fn holds(self, label: bool) -> bool {
        match self {
            Self::Empty => false,
            Self::Negative => !label,
            Self::Positive => label,
            Self::Both => true,
        }
    }

    /// Number of labels in the set.
    pub fn n_labels(self) -> usize {
        usize::from(self.holds(false)) + usize::from(self.holds(true))
    }
}

impl fmt::Display for PredictionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "{}",
            Self::Negative => "{0}",
            Self::Positive => "{1}",
            Self::Both => "{0, 1}",
        })
    }
}
