//! What validation goes by.

use serde::{Deserialize, Serialize};

/// What validation goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deciding {
    /// Area under the ROC curve: the order of the rows.
    #[default]
    RocAuc,
    /// Log loss: the probabilities.
    LogLoss,
}
