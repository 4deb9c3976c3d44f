//! What can be wrong with a table of attributes, beside its rows.

use std::io;
use std::path::PathBuf;

use super::summary::LeftOutColumn;
use crate::data::error::Origin;

/// What can be wrong with a table of attributes, beside its rows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttributeError {
    /// The table holds nothing at all.
    #[error("{origin} is empty; a table of attributes is needed")]
    Empty {
        /// The table.
        origin: Origin,
    },
    /// A column and its kind are not written as `name:kind`.
    #[error(
        "{text:?} is no attribute; write name:kind, where kind is category, categories, categories=SEPARATOR, number or vector"
    )]
    InvalidColumn {
        /// The text given.
        text: String,
    },
    /// A column is named for two uses.
    #[error("{origin}: column {column:?} is named twice; a column has one use")]
    RepeatedColumn {
        /// The table.
        origin: Origin,
        /// The column.
        column: String,
    },
    /// Two attributes have one name.
    #[error("two attributes are named {name:?}; names must differ")]
    RepeatedName {
        /// The name.
        name: String,
    },
    /// A vector is asked of a text file.
    #[error(
        "{origin}: column {column:?} cannot be read as a vector from text; give a Parquet file with a list column, or the vectors as .npy"
    )]
    VectorInText {
        /// The table.
        origin: Origin,
        /// The column.
        column: String,
    },
    /// No column that was named has a value, or none is left beside the id.
    #[error("{origin} holds no attributes beside the id{}", listed(left_out))]
    NoAttributes {
        /// The table.
        origin: Origin,
        /// The columns that were not used.
        left_out: Vec<LeftOutColumn>,
    },
    /// A column that was named has no value in any row.
    #[error("{origin}: attribute {name:?} has no value in any row; leave it out")]
    NoValues {
        /// The table.
        origin: Origin,
        /// The attribute.
        name: String,
    },
    /// An attribute has fewer or more rows than the table has ids.
    #[error(
        "attribute {name:?} has {n_rows} rows, but there are {n_ids} ids; each id needs one row"
    )]
    WrongLength {
        /// The attribute.
        name: String,
        /// Its rows.
        n_rows: usize,
        /// The ids of the table.
        n_ids: usize,
    },
    /// A category has more than one value in a row.
    #[error(
        "attribute {name:?} has {n_values} values in row {row}, but a category has at most one; make it categories"
    )]
    SeveralValues {
        /// The attribute.
        name: String,
        /// The row, counted from 1.
        row: usize,
        /// Values there.
        n_values: usize,
    },
    /// The numbers of a vector attribute are not rows of its width.
    #[error(
        "attribute {name:?} has {n_values} numbers, which are not {n_rows} vectors of width {width}; the width is at least 1"
    )]
    BrokenVectors {
        /// The attribute.
        name: String,
        /// Numbers given.
        n_values: usize,
        /// Vectors expected.
        n_rows: usize,
        /// Numbers in a vector.
        width: usize,
    },
    /// The file is no .npy file, or its header is damaged.
    #[error("{} cannot be read as .npy: {source}", path.display())]
    BrokenNpy {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: io::Error,
    },
    /// The array holds something other than 32- or 64-bit floats.
    #[error("{} is an array of {found}; vectors must be of type f4 or f8, so save it as array.astype('f4')", path.display())]
    NpyType {
        /// The file.
        path: PathBuf,
        /// The type found, in NumPy's notation.
        found: String,
    },
    /// The array is not a table of vectors.
    #[error("{} is an array of shape {shape:?}; two axes are needed, [rows, width], with a width of at least 1", path.display())]
    NpyShape {
        /// The file.
        path: PathBuf,
        /// The shape found.
        shape: Vec<u64>,
    },
    /// The array has fewer or more rows than there are ids.
    #[error("{} has {n_rows} rows, but there are {n_ids} ids; each id needs one row, in the same order", path.display())]
    NpyRowCount {
        /// The file.
        path: PathBuf,
        /// Rows of the array.
        n_rows: u64,
        /// Ids that they belong to.
        n_ids: usize,
    },
    /// The file is shorter or longer than its header says.
    #[error("{} is {found} bytes long, but its header says {expected}; it may be cut off", path.display())]
    NpySize {
        /// The file.
        path: PathBuf,
        /// Size of the file.
        found: u64,
        /// Size that the header and shape give.
        expected: u64,
    },
}

fn listed(left_out: &[LeftOutColumn]) -> String {
    left_out
        .iter()
        .map(|column| format!("; {column}"))
        .collect()
}
