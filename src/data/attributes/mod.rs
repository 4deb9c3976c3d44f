//! Tables of what is known of items or users, one row an id.

mod arrow;
mod arrow_cells;
mod builder;
mod cells;
mod error;
mod npy;
mod options;
mod plan;
mod read;
mod summary;
mod table;
mod text;

pub use cells::{Attribute, AttributeCells, ValueLists, VectorCells};
pub use error::AttributeError;
pub use npy::NpyRows;
pub use options::{AttributeColumn, AttributeKind, AttributeOptions};
pub use summary::{AttributeSummary, LeftOutColumn, LeftOutReason};
pub use table::AttributeTable;

pub(crate) use arrow::element;
pub(crate) use options::separator;
pub(crate) use plan::typed_name;
pub(crate) use text::number;
