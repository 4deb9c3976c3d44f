//! What probabilities were judged by.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::CalibrationBins;

/// What decides measures of probabilities besides the cases and the probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassificationProtocol {
    /// The probability from which a row is taken for positive.
    pub threshold: f64,
    /// The bins of the calibration error.
    pub bins: CalibrationBins,
    /// Whether rows have weights.
    pub weighted: bool,
    /// What intervals draw.
    pub drawn: DrawnUnit,
}

/// What the resamples of an interval are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DrawnUnit {
    /// Single rows.
    Rows,
    /// Whole groups: rows of one user resemble each other, so that single rows would make intervals too narrow.
    Groups,
}

impl ClassificationProtocol {
    /// The name and the text of each part.
    pub(in crate::evaluation) fn parts(&self) -> Vec<(&'static str, String)> {
        let weights = if self.weighted { "by row" } else { "equal" };
        vec![
            ("threshold", self.threshold.to_string()),
            ("bins", self.bins.to_string()),
            ("weights", weights.to_owned()),
            ("drawn", self.drawn.to_string()),
        ]
    }
}

impl fmt::Display for DrawnUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rows => "rows",
            Self::Groups => "groups",
        })
    }
}
