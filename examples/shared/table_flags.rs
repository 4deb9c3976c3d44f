//! The flags that say how a table with a label is read.

use std::error::Error;

use clap::Args;
use salient::data::{
    ColumnRef, Delimiter, OtherColumns, ReadOptions, TableColumn, TableOptions, TableRole,
    TimeFormat,
};

use super::flags::BadRows;

/// How a table is read.
#[derive(Args, Debug)]
pub(crate) struct TableFlags {
    /// Roles of columns, such as `price:number,genres:categories=|,user:group,seen:time,history:history=item`; the others are
    /// guessed, and what was guessed is printed
    #[arg(long, value_name = "COLUMN:ROLE,...", value_delimiter = ',')]
    pub(crate) columns: Vec<TableColumn>,
    /// Read only the columns that are named
    #[arg(long)]
    pub(crate) named_only: bool,
    /// Text that stands for a missing value, as an empty cell does
    #[arg(long, value_name = "TEXT", value_delimiter = ',')]
    pub(crate) missing: Vec<String>,
    /// Separator of columns: one character, `tab` or `\t` [default: tab for .tsv, .tab, .inter, .item and .user, else comma]
    #[arg(long, value_name = "CHARACTER")]
    pub(crate) delimiter: Option<Delimiter>,
    /// The file has no header line; give columns by number, from 1
    #[arg(long)]
    pub(crate) no_header: bool,
    /// How times are written: auto, seconds, millis, micros, or a pattern such as `%d.%m.%Y %H:%M`
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    pub(crate) time_format: TimeFormat,
    /// What to do with a row that cannot be read
    #[arg(long, value_enum, default_value_t = BadRows::Fail)]
    pub(crate) on_bad_row: BadRows,
}

impl TableFlags {
    /// The options, with further columns before those that the flags name.
    pub(crate) fn options(&self, mut columns: Vec<TableColumn>) -> TableOptions {
        columns.extend(self.columns.clone());
        TableOptions {
            columns,
            others: match self.named_only {
                true => OtherColumns::Ignore,
                false => OtherColumns::Guess,
            },
            missing: self.missing.clone(),
            time_format: self.time_format.clone(),
            file: ReadOptions {
                delimiter: self.delimiter,
                has_header: !self.no_header,
                on_bad_row: self.on_bad_row.into(),
                ..ReadOptions::default()
            },
            ..TableOptions::default()
        }
    }
}

/// The column of a label, written `COLUMN` or `COLUMN=YES`.
pub(crate) fn label_column(text: &str) -> Result<TableColumn, Box<dyn Error>> {
    let (column, positive) = match text.split_once('=') {
        Some((column, positive)) => (column, Some(positive.to_owned())),
        None => (text, None),
    };
    let column: ColumnRef = column.parse()?;
    Ok(TableColumn::new(column, TableRole::Label { positive }))
}
