//! Side tables: what is known of items and users beside their events.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use salient::data::{
    AttributeColumn, AttributeOptions, AttributeTable, ColumnRef, NpyRows, ReadOptions,
};

/// The attribute that the vectors of `--item-vectors` become.
const VECTORS: &str = "vectors";

/// Files of what is known of items and users.
#[derive(Args, Debug)]
#[command(next_help_heading = "Side tables")]
pub(crate) struct AttributeFlags {
    /// What is known of the items: CSV or Parquet, plain or gzip, one row an item
    #[arg(long, value_name = "FILE", requires = "item_id_column")]
    items: Option<PathBuf>,
    /// Column of the item in --items, with ids as in --data
    #[arg(long, value_name = "COLUMN", value_parser = ColumnRef::from_str, requires = "items")]
    item_id_column: Option<ColumnRef>,
    /// Columns to use as name:kind, such as brand:category,genres:categories=|,price:number,image:vector [default: all but those that look like ids, kinds guessed]
    #[arg(
        long,
        value_name = "COLUMNS",
        value_delimiter = ',',
        requires = "items"
    )]
    item_columns: Option<Vec<AttributeColumn>>,
    /// Vectors of the items, such as those of a text or image model: .npy of type f4 or f8, a row for each of --items
    #[arg(long, value_name = "FILE", requires = "items")]
    item_vectors: Option<PathBuf>,
    /// What is known of the users, likewise
    #[arg(long, value_name = "FILE", requires = "user_id_column")]
    users: Option<PathBuf>,
    /// Column of the user in --users, with ids as in --data
    #[arg(long, value_name = "COLUMN", value_parser = ColumnRef::from_str, requires = "users")]
    user_id_column: Option<ColumnRef>,
    /// Columns to use as name:kind [default: all but those that look like ids, kinds guessed]
    #[arg(
        long,
        value_name = "COLUMNS",
        value_delimiter = ',',
        requires = "users"
    )]
    user_columns: Option<Vec<AttributeColumn>>,
}

impl AttributeFlags {
    /// What is known of the items, if there is a file; laid out as `file` says.
    pub(crate) fn items(
        &self,
        file: &ReadOptions,
    ) -> Result<Option<AttributeTable>, Box<dyn std::error::Error>> {
        let named = self.items.as_deref().zip(self.item_id_column.as_ref());
        let Some((path, id)) = named else {
            return Ok(None);
        };
        let mut table = read(path, id, self.item_columns.as_ref(), file)?;
        if let Some(path) = &self.item_vectors {
            table = table.with_npy(VECTORS, path, &NpyRows::InTableOrder)?;
        }
        Ok(Some(table))
    }

    /// What is known of the users, if there is a file.
    pub(crate) fn users(
        &self,
        file: &ReadOptions,
    ) -> Result<Option<AttributeTable>, Box<dyn std::error::Error>> {
        let named = self.users.as_deref().zip(self.user_id_column.as_ref());
        named
            .map(|(path, id)| read(path, id, self.user_columns.as_ref(), file))
            .transpose()
    }
}

/// Reads a table and says what was guessed of its columns: what each is read as, and which are left out.
fn read(
    path: &Path,
    id: &ColumnRef,
    columns: Option<&Vec<AttributeColumn>>,
    file: &ReadOptions,
) -> Result<AttributeTable, Box<dyn std::error::Error>> {
    let options = AttributeOptions {
        id_column: id.clone(),
        columns: columns.cloned(),
        file: file.clone(),
    };
    let (table, summary) = AttributeTable::read(path, &options)?;
    for skipped in &summary.read.skipped {
        eprintln!(
            "{}: {} rows left out: {}",
            path.display(),
            skipped.n_rows,
            skipped.first
        );
    }
    if columns.is_none() {
        for column in table.columns() {
            eprintln!(
                "{}: column {:?} is read as {}",
                path.display(),
                column.name,
                column.cells.kind()
            );
        }
    }
    for column in &summary.left_out {
        eprintln!("{}: {column}", path.display());
    }
    Ok(table)
}
