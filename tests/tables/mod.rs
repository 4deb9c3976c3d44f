use std::path::PathBuf;

use salient::data::{
    DataError, ReadOptions, TableCells, TableColumn, TableOptions, TableParts, TableRows,
    TableSchema,
};
use tempfile::TempDir;

use crate::attributes::file;

/// Tables read the same from every kind of file, a chunk at a time.
mod reading;

/// Roles of columns that nobody named.
mod guessing;

/// Bad tables, rows and settings are errors that say where and why.
mod refusals;

/// Values, lists and times become ids by what training rows show.
mod values;

/// Numbers are scaled as the formulas say.
mod numbers;

/// Schemas come back from JSON, or are refused.
mod saved;

/// Rows of a request become the same numbers as rows of a file.
mod records;

/// No bytes make the reader panic.
mod any_bytes;

/// Memory does not grow with the file.
#[cfg(target_os = "linux")]
mod memory;

/// A file, and the table that it was taken for.
struct Table {
    _folder: TempDir,
    path: PathBuf,
    schema: TableSchema,
}

fn options(columns: &str) -> TableOptions {
    TableOptions::new(TableColumn::list(columns).unwrap())
}

fn table_with(name: &str, bytes: impl AsRef<[u8]>, options: &TableOptions) -> Table {
    let (folder, path) = file(name, bytes);
    let (schema, _) = TableSchema::infer(&path, options).unwrap();
    Table {
        _folder: folder,
        path,
        schema,
    }
}

fn table(bytes: impl AsRef<[u8]>, columns: &str) -> Table {
    table_with("rows.csv", bytes, &options(columns))
}

impl Table {
    /// The one chunk of the table.
    fn rows(&self, parts: TableParts, options: &ReadOptions) -> Result<TableRows, DataError> {
        let mut chunks = Vec::new();
        self.schema.read(&self.path, parts, options, |rows| {
            chunks.push(rows.clone());
            Ok::<_, DataError>(())
        })?;
        assert_eq!(chunks.len(), 1);
        Ok(chunks.remove(0))
    }

    fn all_rows(&self) -> TableRows {
        self.rows(TableParts::All, &ReadOptions::default()).unwrap()
    }
}

/// The texts of a column.
fn texts(cells: &TableCells) -> Vec<&str> {
    match cells {
        TableCells::Texts(texts) => texts.iter().collect(),
        other => panic!("{}", other.kind()),
    }
}
