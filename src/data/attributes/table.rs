//! What is known of items or users.

use std::collections::HashSet;

use super::cells::{Attribute, AttributeCells};
use super::error::AttributeError;
use crate::data::bad_row::{BadRow, Place, RowFault, RowRule};
use crate::data::collect::checked_id;
use crate::data::dictionary::Dictionary;
use crate::data::error::{DataError, Origin};
use crate::data::schema::Column;

/// What is known of items or users: one row an id, one column an attribute.
///
/// ```
/// use salient::data::{AttributeOptions, AttributeTable};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("items.csv");
/// std::fs::write(&path, "item,brand,price\ntea,acme,2.5\ncup,,4\n")?;
/// let (items, _) = AttributeTable::read(&path, &AttributeOptions::new("item"))?;
/// assert_eq!(items.index_of("cup"), Some(1));
/// let kinds: Vec<&str> = items.columns().iter().map(|column| column.cells.kind()).collect();
/// assert_eq!(kinds, ["category", "number"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeTable {
    ids: Vec<String>,
    rows: Dictionary,
    columns: Vec<Attribute>,
}

impl AttributeTable {
    /// A table of what a caller has in memory. There may be no attributes yet.
    ///
    /// ```
    /// use salient::data::{Attribute, AttributeCells, AttributeTable};
    ///
    /// let items = AttributeTable::from_columns(
    ///     ["tea", "cup"].map(str::to_owned).into(),
    ///     vec![
    ///         Attribute::new("brand", AttributeCells::category([Some("acme"), None])),
    ///         Attribute::new("price", AttributeCells::Number(vec![Some(2.5), Some(4.0)])),
    ///     ],
    /// )?;
    /// assert_eq!(items.n_rows(), 2);
    /// # Ok::<(), salient::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::Empty`] when there are no ids; [`DataError::BadRow`] for an id that is empty or there twice, or a number
    /// that is not finite; [`AttributeError::RepeatedName`], [`AttributeError::WrongLength`],
    /// [`AttributeError::SeveralValues`], [`AttributeError::BrokenVectors`].
    pub fn from_columns(ids: Vec<String>, columns: Vec<Attribute>) -> Result<Self, DataError> {
        let mut rows = Dictionary::default();
        for (row, id) in ids.iter().enumerate() {
            add_id(&mut rows, id).map_err(|fault| bad_row(row, *fault))?;
        }
        if ids.is_empty() {
            let origin = Origin::Rows;
            return Err(AttributeError::Empty { origin }.into());
        }
        let table = Self {
            ids,
            rows,
            columns: Vec::new(),
        };
        columns.into_iter().try_fold(table, Self::with_column)
    }

    /// The table with one more attribute.
    ///
    /// # Errors
    /// Those of [`Self::from_columns`] for an attribute.
    pub fn with_column(mut self, column: Attribute) -> Result<Self, DataError> {
        let name = &column.name;
        if self.column(name).is_some() {
            return Err(AttributeError::RepeatedName { name: name.clone() }.into());
        }
        if column.cells.n_rows() != self.ids.len() {
            return Err(AttributeError::WrongLength {
                name: name.clone(),
                n_rows: column.cells.n_rows(),
                n_ids: self.ids.len(),
            }
            .into());
        }
        column.cells.check(name)?;
        if let Some((row, fault)) = not_finite(&column) {
            return Err(bad_row(row, *fault));
        }
        self.columns.push(column);
        Ok(self)
    }

    /// A table whose ids are distinct and whose attributes are sound and have other names.
    pub(crate) fn from_sound_columns(ids: Vec<String>, columns: Vec<Attribute>) -> Self {
        let mut rows = Dictionary::default();
        for id in &ids {
            rows.number(id, usize::MAX);
        }
        Self { ids, rows, columns }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.ids.len()
    }

    /// The ids, a row each.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// The row of `id`, from 0.
    pub fn index_of(&self, id: &str) -> Option<usize> {
        self.rows.find(id).map(|row| row as usize)
    }

    /// How many of these ids the table does not have.
    pub fn n_absent<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> usize {
        let absent = ids.into_iter().filter(|id| self.index_of(id).is_none());
        absent.count()
    }

    /// The attributes.
    pub fn columns(&self) -> &[Attribute] {
        &self.columns
    }

    /// The attribute of this name.
    pub fn column(&self, name: &str) -> Option<&Attribute> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Numbers an id.
fn add_id(rows: &mut Dictionary, id: &str) -> Result<(), Box<RowFault>> {
    let column = Column {
        index: 0,
        name: "id".into(),
    };
    checked_id(id, &column, RowRule::MissingId)?;
    if let Some(first) = rows.find(id) {
        let first = Place::Row(u64::from(first) + 1);
        let rule = RowRule::DuplicateId { first };
        return Err(RowFault::new(Some("id"), id.as_bytes(), rule));
    }
    rows.number(id, usize::MAX);
    Ok(())
}

/// The first row with a number that is not finite, if there is one.
fn not_finite(column: &Attribute) -> Option<(usize, Box<RowFault>)> {
    let fault = |text: String, rule| RowFault::new(Some(&column.name), text.as_bytes(), rule);
    match &column.cells {
        AttributeCells::Number(numbers) => numbers
            .iter()
            .enumerate()
            .filter_map(|(row, number)| Some((row, (*number)?)))
            .find(|&(_, number)| !is_finite(number))
            .map(|(row, number)| (row, fault(number.to_string(), RowRule::NonFiniteNumber))),
        AttributeCells::Vector(vectors) => vectors
            .values
            .iter()
            .position(|value| !value.is_finite())
            .map(|index| {
                let coordinate = index % vectors.width + 1;
                let text = vectors.values[index].to_string();
                let rule = RowRule::NonFiniteCoordinate { coordinate };
                (index / vectors.width, fault(text, rule))
            }),
        AttributeCells::Category(_) | AttributeCells::Categories(_) => None,
    }
}

/// Whether a number is finite, in 32 bits too: that is what a model reads.
pub(super) fn is_finite(number: f64) -> bool {
    (number as f32).is_finite()
}

fn bad_row(row: usize, fault: RowFault) -> DataError {
    DataError::BadRow(Box::new(BadRow {
        origin: Origin::Rows,
        place: Place::Row(row as u64 + 1),
        column: fault.column,
        text: fault.text,
        rule: fault.rule,
    }))
}

/// Names that differ.
pub(super) fn repeated_name<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut seen = HashSet::new();
    names
        .into_iter()
        .find(|&name| !seen.insert(name))
        .map(str::to_owned)
}
