//! Who leaves, out of an event log.

mod bucket;
mod check;
mod customers;
mod cut_offs;
mod error;
mod outcome;
mod periods;
mod rule;
mod snapshot;
mod summary;
mod table;

pub use cut_offs::ChurnSplit;
pub use error::ChurnError;
pub use outcome::ChurnOutcome;
pub use rule::{ChurnRule, ChurnTable};
pub use summary::{ChurnSummary, CutOffSummary};
