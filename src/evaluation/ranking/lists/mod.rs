//! What the lists that a scorer recommends are like, beside how often they are right.

mod best;
mod catalogue;
mod comparison;
mod distance;
mod evaluate;
mod exposure;
mod facts;
mod measure;
mod protocol;
mod report;

pub use catalogue::{Catalogue, ItemContent};
pub use comparison::{ListComparison, compare_lists};
pub use evaluate::{evaluate_lists, evaluate_ranking_and_lists};
pub use measure::{ExposureMeasure, ListMeasure};
pub use protocol::{ContentProtocol, ListProtocol};
pub use report::ListReport;
