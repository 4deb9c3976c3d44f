//! What prediction sets were judged by.

use serde::{Deserialize, Serialize};

use super::ConformalKind;

/// What decides the coverage of prediction sets besides the cases and the probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConformalProtocol {
    /// Share of the sets that may miss the label.
    pub alpha: f64,
    /// What the promise holds for.
    pub kind: ConformalKind,
    /// Share of the intervals of a coverage that hold it.
    pub level: f64,
}

impl ConformalProtocol {
    /// The name and the text of each part.
    pub(in crate::evaluation) fn parts(&self) -> Vec<(&'static str, String)> {
        vec![
            ("alpha", self.alpha.to_string()),
            ("kind", self.kind.to_string()),
            ("level", self.level.to_string()),
        ]
    }
}
