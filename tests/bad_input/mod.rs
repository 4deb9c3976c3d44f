use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampSecondArray};
use salient::data::{
    BadRow, DataError, InteractionSchema, Origin, Place, ReadOptions, RowRule, read_interactions,
};
use tempfile::TempDir;

use crate::attributes::{gzip, parquet};

/// Files that are missing, empty or wrongly packed.
mod files;

/// Rows and headers of text.
mod text;

/// Parquet files.
mod parquet_files;

/// Rows and record batches that a caller has in memory.
mod memory;

/// No bytes make a reader panic.
mod any_bytes;

fn schema() -> InteractionSchema {
    InteractionSchema {
        time: Some("when".into()),
        weight: Some("stars".into()),
        ..InteractionSchema::new("user", "item")
    }
}

/// A file, and what reading it says.
struct Refused {
    _folder: TempDir,
    path: PathBuf,
    error: DataError,
}

fn refused_with(name: &str, bytes: &[u8], options: &ReadOptions) -> Refused {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let error = read_interactions(&path, &schema(), options).unwrap_err();
    Refused {
        _folder: folder,
        path,
        error,
    }
}

fn refused(name: &str, bytes: impl AsRef<[u8]>) -> Refused {
    refused_with(name, bytes.as_ref(), &ReadOptions::default())
}

impl Refused {
    fn origin(&self) -> Origin {
        Origin::File(self.path.clone())
    }

    /// The message without the path before it.
    fn message(&self) -> String {
        let message = self.error.to_string();
        let rest = message.strip_prefix(&self.path.display().to_string());
        rest.unwrap_or_else(|| panic!("no path in {message:?}"))
            .to_owned()
    }

    fn bad_row(&self) -> &BadRow {
        match &self.error {
            DataError::BadRow(bad) => bad,
            other => panic!("{other:?}"),
        }
    }

    fn assert_bad_row(&self, line: u64, column: Option<&str>, text: &str, rule: RowRule) {
        let expected = BadRow {
            origin: self.origin(),
            place: Place::Line(line),
            column: column.map(str::to_owned),
            text: text.into(),
            rule,
        };
        assert_eq!(self.bad_row(), &expected);
    }
}

/// A file of two rows, the second of which is `row`, in line 3.
fn with_row(row: &str) -> String {
    format!("user,item,when,stars\na,b,1,1\n{row}\n")
}

fn sound_columns() -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("user", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ("item", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("when", Arc::new(TimestampSecondArray::from(vec![1, 2, 3]))),
        ("stars", Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0]))),
    ]
}

fn parquet_with(name: &str, column: ArrayRef) -> Vec<u8> {
    let mut columns = sound_columns();
    for (other, array) in &mut columns {
        if *other == name {
            *array = column.clone();
        }
    }
    parquet(columns)
}
