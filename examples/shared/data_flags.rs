//! The flags of examples that read an event log.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use salient::data::{ColumnRef, Delimiter, InteractionSchema, ReadOptions, TimeFormat};

use super::flags::BadRows;

/// Where the data is and how to read it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataFlags {
    /// Event log, CSV or Parquet, plain or gzip [default: a simulated shop]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Separator of columns: one character, `tab`, or `whitespace` for any number of spaces and tabs [default: tab for .tsv, .tab, .inter, .item and .user, else comma]
    #[arg(long, value_name = "CHARACTER")]
    pub(crate) delimiter: Option<Delimiter>,
    /// The file has no header line; give columns by number, from 1
    #[arg(long)]
    pub(crate) no_header: bool,
    // Without its own parser clap would take the name as it is, and `#1` for a name.
    /// Column of the user, or of the session: its name, or its number as `#1`
    #[arg(long, value_name = "COLUMN", value_parser = ColumnRef::from_str, requires = "data")]
    pub(crate) user_column: Option<ColumnRef>,
    /// Column of the item
    #[arg(long, value_name = "COLUMN", value_parser = ColumnRef::from_str, requires = "data")]
    pub(crate) item_column: Option<ColumnRef>,
    /// Column of the time; without one, events are in the order of the file
    #[arg(long, value_name = "COLUMN", value_parser = ColumnRef::from_str, requires = "data")]
    pub(crate) time_column: Option<ColumnRef>,
    /// Column that orders events of the same time
    #[arg(long, value_name = "COLUMN", value_parser = ColumnRef::from_str, requires = "time_column")]
    pub(crate) tie_break_column: Option<ColumnRef>,
    /// How times are written: auto, seconds, millis, micros, or a pattern such as `%d.%m.%Y %H:%M`
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    pub(crate) time_format: TimeFormat,
    /// Column of the type of event
    #[arg(long, value_name = "COLUMN", value_parser = ColumnRef::from_str, requires = "data")]
    pub(crate) event_column: Option<ColumnRef>,
    /// Column of a weight, such as a rating or a dwell time
    #[arg(long, value_name = "COLUMN", value_parser = ColumnRef::from_str, requires = "data")]
    pub(crate) weight_column: Option<ColumnRef>,
    /// What to do with a row that cannot be read
    #[arg(long, value_enum, default_value_t = BadRows::Fail)]
    pub(crate) on_bad_row: BadRows,
}

impl DataFlags {
    /// The columns of the log.
    pub(crate) fn schema(&self) -> Result<InteractionSchema, String> {
        let needed = |column: &Option<ColumnRef>, flag| {
            column
                .clone()
                .ok_or_else(|| format!("--data needs {flag}: which column is it?"))
        };
        let user = needed(&self.user_column, "--user-column")?;
        let mut schema = InteractionSchema::new(user, needed(&self.item_column, "--item-column")?);
        schema.time = self.time_column.clone();
        schema.tie_break = self.tie_break_column.clone();
        schema.event = self.event_column.clone();
        schema.weight = self.weight_column.clone();
        schema.time_format = self.time_format.clone();
        Ok(schema)
    }

    /// How the file is laid out.
    pub(crate) fn options(&self) -> ReadOptions {
        ReadOptions {
            delimiter: self.delimiter,
            has_header: !self.no_header,
            on_bad_row: self.on_bad_row.into(),
            ..ReadOptions::default()
        }
    }
}
