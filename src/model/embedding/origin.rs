//! From which end of a sequence positions are counted.

use serde::{Deserialize, Serialize};

/// From which end of a sequence positions are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionOrigin {
    /// The first row of every sequence shares one position, as in text.
    Start,
    /// The last row of every sequence shares one position, as in recommenders that pad on the left: what happened last
    /// means the same in a short history as in a long one.
    End,
}
