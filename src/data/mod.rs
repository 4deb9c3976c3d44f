//! Files to checked records.

mod bad_row;
mod error;
mod interactions;
mod options;
mod schema;
mod split;
mod time;

pub mod synthetic;

pub use bad_row::{BadRow, OnBadRow, Place, RowRule};
pub use error::{ColumnRole, DataError, Origin};
pub use interactions::{InteractionRow, Interactions};
pub use options::{Delimiter, ReadOptions};
pub use schema::{ColumnRef, InteractionSchema};
pub use split::{Holdout, Split, SplitRule, TimeCuts};
pub use time::TimeFormat;
