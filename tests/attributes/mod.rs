use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use salient::data::{
    AttributeColumn, AttributeKind, AttributeOptions, AttributeSummary, AttributeTable, DataError,
};
use tempfile::TempDir;

/// Tables read the same from every kind of file.
mod reading;

/// Kinds of columns that nobody named.
mod guessing;

/// Vectors in Parquet and .npy files.
mod vectors;

/// Bad tables and rows are errors that say where and why.
mod refusals;

/// Attributes become numbers by what training rows show, and by nothing else.
mod encoding;

const TEXT: &str = "\
id,brand,genres,price
tea,acme,hot green,2.5
cup,,hot,
pot,best,,4
";

pub(crate) fn file(name: &str, bytes: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub(crate) fn text_column(cells: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(cells.to_vec()))
}

pub(crate) fn number_column(cells: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(cells.to_vec()))
}

/// A column of lists of text.
pub(crate) fn text_lists(cells: &[Option<&[&str]>]) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for cell in cells {
        for text in cell.unwrap_or_default() {
            builder.values().append_value(text);
        }
        builder.append(cell.is_some());
    }
    Arc::new(builder.finish())
}

const WORDS: AttributeKind = AttributeKind::Categories { separator: ' ' };

/// Columns by name, and their kinds.
fn named(columns: &[(&str, AttributeKind)]) -> AttributeOptions {
    let columns = columns
        .iter()
        .map(|(name, kind)| AttributeColumn::new(*name, kind.clone()));
    AttributeOptions {
        columns: Some(columns.collect()),
        ..AttributeOptions::new("id")
    }
}

fn read_with(
    name: &str,
    bytes: impl AsRef<[u8]>,
    options: &AttributeOptions,
) -> Result<(AttributeTable, AttributeSummary), DataError> {
    let (_folder, path) = file(name, bytes);
    AttributeTable::read(path, options)
}
