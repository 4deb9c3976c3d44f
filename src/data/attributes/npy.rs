//! Vectors in NumPy's file format.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use npyz::{DType, Deserialize, NpyFile, NpyHeader, Order, TypeChar};

use super::cells::{Attribute, AttributeCells, VectorCells};
use super::error::AttributeError;
use super::table::{AttributeTable, is_finite};
use crate::data::bad_row::{BadRow, Place, RowRule};
use crate::data::error::{DataError, Origin};
use crate::data::parquet::no_panic;
use crate::data::read::open;

/// The greatest length of a header in bytes, as NumPy itself has it:
/// <https://numpy.org/doc/stable/reference/generated/numpy.load.html>.
const MAX_HEADER_BYTES: usize = 10_000;
/// More brackets than an array of floats has in its header; the decoder's recursion is as deep as they nest.
const MAX_BRACKETS: usize = 64;
/// The format's magic, its version and the length of the header, in the version with the longer one.
const MAX_PREAMBLE_BYTES: usize = 12;

/// Whom or what the rows of an array describe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NpyRows {
    /// The ids of the table, in its order: that of the file it was read from, less bad rows that were skipped.
    InTableOrder,
    /// These ids, each once. The vector of an id that the table lacks is left out; an id of the table that is not among them
    /// has no vector.
    OfIds(Vec<String>),
}

impl AttributeTable {
    /// The table with the vectors of an .npy file as one more attribute: an array `[rows, width]` of type `f4` or `f8`, of
    /// either byte order, stored by rows (C) or by columns (Fortran).
    ///
    /// # Errors
    /// [`DataError::FileMissing`], [`DataError::Unreadable`]; [`AttributeError::BrokenNpy`], [`AttributeError::NpyType`],
    /// [`AttributeError::NpyShape`], [`AttributeError::NpyRowCount`], [`AttributeError::NpySize`];
    /// [`DataError::BadRow`] with the row of the array, counted from 1, for a number that is not finite or an id given twice;
    /// [`AttributeError::RepeatedName`].
    pub fn with_npy(
        self,
        name: &str,
        path: impl AsRef<Path>,
        rows: &NpyRows,
    ) -> Result<Self, DataError> {
        let path = path.as_ref();
        let targets: Vec<Option<usize>> = match rows {
            NpyRows::InTableOrder => (0..self.n_rows()).map(Some).collect(),
            NpyRows::OfIds(ids) => {
                check_distinct(ids, path, name)?;
                ids.iter().map(|id| self.index_of(id)).collect()
            }
        };
        let array = NpyArray::open(path, name, targets.len())?;
        let vectors = array.read(&targets, self.n_rows())?;
        self.with_column(Attribute::new(name, AttributeCells::Vector(vectors)))
    }
}

fn check_distinct(ids: &[String], path: &Path, name: &str) -> Result<(), DataError> {
    let mut rows = HashMap::with_capacity(ids.len());
    for (id, row) in ids.iter().zip(1..) {
        if let Some(first) = rows.insert(id, row) {
            return Err(DataError::BadRow(Box::new(BadRow {
                origin: Origin::File(path.to_owned()),
                place: Place::Row(row),
                column: Some(name.to_owned()),
                text: id.clone(),
                rule: RowRule::DuplicateId {
                    first: Place::Row(first),
                },
            })));
        }
    }
    Ok(())
}

/// An array whose header was read and found fit.
struct NpyArray<'a> {
    path: &'a Path,
    name: &'a str,
    file: File,
    header: NpyHeader,
    width: usize,
}

impl<'a> NpyArray<'a> {
    fn open(path: &'a Path, name: &'a str, n_ids: usize) -> Result<Self, DataError> {
        let mut file = open(path)?;
        let (header, header_bytes) =
            read_header(&mut file).map_err(|source| broken(path, source))?;
        let item_bytes = float_bytes(&header.dtype()).ok_or_else(|| AttributeError::NpyType {
            path: path.to_owned(),
            found: header.dtype().descr(),
        })?;
        let &[n_rows, width @ 1..=u64::MAX] = header.shape() else {
            return Err(AttributeError::NpyShape {
                path: path.to_owned(),
                shape: header.shape().to_vec(),
            }
            .into());
        };
        if n_rows != n_ids as u64 {
            return Err(AttributeError::NpyRowCount {
                path: path.to_owned(),
                n_rows,
                n_ids,
            }
            .into());
        }
        let found = file
            .metadata()
            .map_err(|source| broken(path, source))?
            .len();
        let expected = n_rows
            .saturating_mul(width)
            .saturating_mul(item_bytes)
            .saturating_add(header_bytes);
        if found != expected {
            return Err(AttributeError::NpySize {
                path: path.to_owned(),
                found,
                expected,
            }
            .into());
        }
        Ok(Self {
            path,
            name,
            file,
            header,
            width: width as usize,
        })
    }

    /// The vectors, each in its row of `n_rows`.
    fn read(self, targets: &[Option<usize>], n_rows: usize) -> Result<VectorCells, DataError> {
        let mut is_missing = vec![true; n_rows];
        for &row in targets.iter().flatten() {
            is_missing[row] = false;
        }
        let mut cells = VectorCells {
            width: self.width,
            values: vec![0.0; n_rows * self.width],
            is_missing,
        };
        match float_bytes(&self.header.dtype()) {
            Some(4) => self.fill::<f32>(targets, &mut cells.values)?,
            _ => self.fill::<f64>(targets, &mut cells.values)?,
        }
        Ok(cells)
    }

    fn fill<T: Deserialize + Into<f64>>(
        self,
        targets: &[Option<usize>],
        values: &mut [f32],
    ) -> Result<(), DataError> {
        let Self { path, width, .. } = self;
        let (order, n_rows) = (self.header.order(), targets.len());
        let numbers = NpyFile::with_header(self.header, BufReader::new(self.file))
            .data::<T>()
            .map_err(|error| broken(path, io::Error::other(error)))?;
        for (index, number) in numbers.enumerate() {
            let number: f64 = number.map_err(|source| broken(path, source))?.into();
            let (row, coordinate) = match order {
                Order::C => (index / width, index % width),
                Order::Fortran => (index % n_rows, index / n_rows),
            };
            if !is_finite(number) {
                return Err(DataError::BadRow(Box::new(BadRow {
                    origin: Origin::File(path.to_owned()),
                    place: Place::Row(row as u64 + 1),
                    column: Some(self.name.to_owned()),
                    text: number.to_string(),
                    rule: RowRule::NonFiniteCoordinate {
                        coordinate: coordinate + 1,
                    },
                })));
            }
            if let Some(target) = targets[row] {
                values[target * width + coordinate] = number as f32;
            }
        }
        Ok(())
    }
}

/// Reads the header, leaves the file behind it and gives its length with all that comes before.
fn read_header(file: &mut File) -> io::Result<(NpyHeader, u64)> {
    let mut head = Vec::new();
    let limit = (MAX_PREAMBLE_BYTES + MAX_HEADER_BYTES) as u64;
    file.take(limit).read_to_end(&mut head)?;
    let length = header_length(&head).filter(|&length| length <= head.len());
    let is_shallow = |header: &&[u8]| {
        let is_bracket = |byte: &&u8| matches!(byte, b'(' | b'[' | b'{');
        header.iter().filter(is_bracket).count() <= MAX_BRACKETS
    };
    let header = length
        .map(|length| &head[..length])
        .filter(is_shallow)
        .ok_or_else(|| io::Error::other("it does not begin as an .npy file of one array does"))?;
    let parsed = no_panic(|| NpyHeader::from_reader(header))
        .unwrap_or_else(|| Err(io::Error::other("the decoder gave up on a damaged header")))?;
    let n_bytes = header.len() as u64;
    file.seek(SeekFrom::Start(n_bytes))?;
    Ok((parsed, n_bytes))
}

/// Length of the header with all that comes before it, by the format's own rule:
/// <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
fn header_length(head: &[u8]) -> Option<usize> {
    let rest = head.strip_prefix(b"\x93NUMPY")?;
    match *rest {
        [1, _, a, b, ..] => Some(10 + usize::from(u16::from_le_bytes([a, b]))),
        [2 | 3, _, a, b, c, d, ..] => usize::try_from(u32::from_le_bytes([a, b, c, d]))
            .ok()?
            .checked_add(12),
        _ => None,
    }
}

/// Bytes of a number, if the array holds floats of 32 or 64 bits.
fn float_bytes(dtype: &DType) -> Option<u64> {
    match dtype {
        DType::Plain(plain) if plain.type_char() == TypeChar::Float => {
            Some(plain.size_field()).filter(|size| matches!(size, 4 | 8))
        }
        _ => None,
    }
}

fn broken(path: &Path, source: io::Error) -> DataError {
    AttributeError::BrokenNpy {
        path: path.to_owned(),
        source,
    }
    .into()
}
