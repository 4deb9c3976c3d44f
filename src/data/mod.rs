//! Files to checked records.

mod attributes;
mod audit;
mod bad_row;
mod cells;
mod churn;
mod collect;
mod csv;
mod dictionary;
mod error;
mod filter;
mod impressions;
mod interactions;
mod lines;
mod options;
mod parquet;
mod read;
mod record_batch;
mod records;
mod rows;
mod schema;
mod split;
mod summary;
mod table;
mod tie_break;
mod time;

// Simulated data whose truth is known.
pub mod synthetic;

pub use attributes::{
    Attribute, AttributeCells, AttributeColumn, AttributeError, AttributeKind, AttributeOptions,
    AttributeSummary, AttributeTable, LeftOutColumn, LeftOutReason, NpyRows, ValueLists,
    VectorCells,
};
pub use audit::{DataAudit, EventCount, HistoryLengths};
pub use bad_row::{BadRow, OnBadRow, Place, RowRule};
pub use churn::{
    ChurnError, ChurnOutcome, ChurnRule, ChurnSplit, ChurnSummary, ChurnTable, CutOffSummary,
};
pub use error::{ColumnRole, DataError, Origin};
pub use filter::{FilterSummary, InteractionFilter, Repeats};
pub use impressions::{
    ImpressionError, ImpressionRule, ImpressionSummary, Impressions, OpenWindows,
    read_item_attributes,
};
pub use interactions::{InteractionRow, Interactions};
pub use options::{Delimiter, ReadOptions};
pub use read::read_interactions;
pub use schema::{ColumnRef, InteractionSchema};
pub use split::{Holdout, Split, SplitRule, TimeCuts};
pub use summary::{ReadSummary, SkippedRows, TableFormat};
pub use table::{
    AbsentColumns, ColumnSummary, OtherColumns, Record, RecordCell, RoleReason, RowUse,
    SchemaColumn, TableCells, TableColumn, TableError, TableOptions, TableParts, TableRole,
    TableRows, TableSchema, TableSource, TableSplit, TableSplitter, TableSummary, TextLists, Texts,
    TimeCounts,
};
pub use time::TimeFormat;

pub(crate) use dictionary::Dictionary;
