//! Tables of rows with a label, read a chunk at a time.

mod arrow;
mod cells;
mod chunks;
mod error;
mod guess;
mod look;
mod missing;
mod options;
mod plan;
mod read;
mod record;
mod role;
mod rows;
mod schema;
mod source;
mod split;
mod summary;
mod time_counts;

pub use cells::{TableCells, TextLists, Texts};
pub use error::TableError;
pub use options::{OtherColumns, TableOptions};
pub use plan::TableParts;
pub use record::{AbsentColumns, Record, RecordCell};
pub use role::{TableColumn, TableRole};
pub use rows::TableRows;
pub use schema::{SchemaColumn, TableSchema};
pub use source::TableSource;
pub use split::{RowUse, TableSplit, TableSplitter};
pub use summary::{ColumnSummary, RoleReason, TableSummary};
pub use time_counts::TimeCounts;
