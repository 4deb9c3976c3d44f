//! Rows of attributes, one by one, to a table.

use std::borrow::Cow;

use super::cells::{Attribute, AttributeCells, ValueListsWriter, VectorCells};
use super::error::AttributeError;
use super::options::AttributeKind;
use super::plan::{AttributePlan, PlannedColumn, Reading};
use super::summary::{LeftOutColumn, LeftOutReason};
use super::table::{AttributeTable, is_finite};
use crate::data::bad_row::{BadRow, Place, RowFault, RowRule};
use crate::data::collect::checked_id;
use crate::data::dictionary::Dictionary;
use crate::data::error::{ColumnRole, DataError, Origin};
use crate::data::records::Taken;

/// Up to so many values are a category however few rows share each; more are one only if a value has two rows on average.
/// The number is a judgement: few enough to look at.
const MAX_RARE_VALUES: usize = 50;

/// The greatest number of rows and of different values of a column.
const MAX_NUMBER: usize = u32::MAX as usize - 1;

/// A cell that was read and checked by itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Values(Vec<Cow<'a, str>>),
    Number(Option<f64>),
    Vector(Option<Vec<f32>>),
}

/// Takes rows.
pub(super) struct TableBuilder {
    origin: Origin,
    plan: AttributePlan,
    rows: Dictionary,
    places: Vec<Place>,
    columns: Vec<ColumnBuilder>,
}

impl TableBuilder {
    pub(super) fn new(origin: &Origin, plan: AttributePlan) -> Self {
        let kinds = plan.columns.iter().map(|column| column.reading.kind());
        Self {
            origin: origin.clone(),
            columns: kinds.map(ColumnBuilder::new).collect(),
            plan,
            rows: Dictionary::default(),
            places: Vec::new(),
        }
    }

    /// The columns in the order of the cells of a row.
    pub(super) const fn plan(&self) -> &AttributePlan {
        &self.plan
    }

    /// Number of rows taken.
    pub(super) const fn n_rows(&self) -> usize {
        self.places.len()
    }

    /// Adds a row, or none of it.
    pub(super) fn push(
        &mut self,
        id: &str,
        cells: Vec<Cell<'_>>,
        place: Place,
    ) -> Result<Taken, DataError> {
        if let Err(fault) = self.check(id, &cells) {
            return Ok(Err(fault));
        }
        let too_many = |role, column: &str| DataError::TooManyValues {
            origin: self.origin.clone(),
            role,
            column: column.to_owned(),
            limit: MAX_NUMBER,
        };
        if self.rows.number(id, MAX_NUMBER).is_none() {
            return Err(too_many(ColumnRole::Id, &self.plan.id.name));
        }
        self.places.push(place);
        for ((builder, cell), planned) in self.columns.iter_mut().zip(cells).zip(&self.plan.columns)
        {
            if !builder.push(cell, place) {
                return Err(too_many(ColumnRole::Attribute, &planned.column.name));
            }
        }
        Ok(Ok(()))
    }

    /// Checks a row against those before it.
    fn check(&self, id: &str, cells: &[Cell<'_>]) -> Taken {
        checked_id(id, &self.plan.id, RowRule::MissingId)?;
        if let Some(row) = self.rows.find(id) {
            let first = self.places[row as usize];
            let rule = RowRule::DuplicateId { first };
            return Err(RowFault::new(Some(&self.plan.id.name), id.as_bytes(), rule));
        }
        for ((builder, cell), planned) in self.columns.iter().zip(cells).zip(&self.plan.columns) {
            builder.check(cell).map_err(|rule| {
                let text = match cell {
                    Cell::Vector(Some(vector)) => shown(vector),
                    _ => String::new(),
                };
                RowFault::new(Some(&planned.column.name), text.as_bytes(), rule)
            })?;
        }
        Ok(())
    }

    /// The table, and the columns that were guessed to be no attributes.
    pub(super) fn finish(self) -> Result<(AttributeTable, Vec<LeftOutColumn>), DataError> {
        let mut left_out = self.plan.left_out;
        let mut columns = Vec::new();
        for (planned, builder) in self.plan.columns.into_iter().zip(self.columns) {
            let decided = Decision {
                origin: &self.origin,
                planned: &planned,
                places: &self.places,
            }
            .decide(builder.finish())?;
            match decided {
                Ok(cells) => columns.push(Attribute::new(planned.name, cells)),
                Err(reason) => left_out.push(LeftOutColumn {
                    column: planned.column.name,
                    reason,
                }),
            }
        }
        if columns.is_empty() {
            let origin = self.origin;
            return Err(AttributeError::NoAttributes { origin, left_out }.into());
        }
        let ids = self.rows.into_ids();
        Ok((AttributeTable::from_sound_columns(ids, columns), left_out))
    }
}

/// The first numbers of a vector, to be shown.
fn shown(vector: &[f32]) -> String {
    let texts: Vec<String> = vector.iter().take(10).map(f32::to_string).collect();
    texts.join(" ")
}

/// Decides what a column is once all its cells are there.
struct Decision<'a> {
    origin: &'a Origin,
    planned: &'a PlannedColumn,
    places: &'a [Place],
}

impl Decision<'_> {
    fn decide(
        &self,
        cells: AttributeCells,
    ) -> Result<Result<AttributeCells, LeftOutReason>, DataError> {
        if let Reading::Named(_) = self.planned.reading {
            if cells.is_all_missing() {
                return Err(AttributeError::NoValues {
                    origin: self.origin.clone(),
                    name: self.planned.name.clone(),
                }
                .into());
            }
            return Ok(Ok(cells));
        }
        if cells.is_all_missing() {
            return Ok(Err(LeftOutReason::NoValues));
        }
        let cells = match self.planned.reading {
            Reading::FromValues => self.numbers(cells)?,
            _ => cells,
        };
        if let AttributeCells::Category(lists) | AttributeCells::Categories(lists) = &cells {
            let (n_values, n_cells) = (lists.values().len(), lists.n_cells());
            if n_values > MAX_RARE_VALUES && 2 * n_values > n_cells {
                return Ok(Err(LeftOutReason::TooManyValues { n_values, n_cells }));
            }
        }
        Ok(Ok(cells))
    }

    /// Makes numbers of a category all of whose values are numbers.
    fn numbers(&self, cells: AttributeCells) -> Result<AttributeCells, DataError> {
        let AttributeCells::Category(lists) = &cells else {
            return Ok(cells);
        };
        let parsed: Result<Vec<f64>, _> = lists.values().iter().map(|text| text.parse()).collect();
        let Ok(parsed) = parsed else {
            return Ok(cells);
        };
        let mut numbers = Vec::with_capacity(lists.n_rows());
        for (row, &place) in self.places.iter().enumerate() {
            let value = lists.row(row).first().map(|&value| value as usize);
            let number = value.map(|value| parsed[value]);
            if let (Some(value), false) = (value, number.is_none_or(is_finite)) {
                return Err(DataError::BadRow(Box::new(BadRow {
                    origin: self.origin.clone(),
                    place,
                    column: Some(self.planned.column.name.clone()),
                    text: lists.values()[value].clone(),
                    rule: RowRule::NonFiniteNumber,
                })));
            }
            numbers.push(number);
        }
        Ok(AttributeCells::Number(numbers))
    }
}

/// Takes the cells of a column.
enum ColumnBuilder {
    Category(ValueListsWriter),
    Categories(ValueListsWriter),
    Number(Vec<Option<f64>>),
    Vector {
        cells: VectorCells,
        /// Where the first vector stands.
        first: Option<Place>,
    },
}

impl ColumnBuilder {
    fn new(kind: &AttributeKind) -> Self {
        match kind {
            AttributeKind::Category => Self::Category(ValueListsWriter::default()),
            AttributeKind::Categories { .. } => Self::Categories(ValueListsWriter::default()),
            AttributeKind::Number => Self::Number(Vec::new()),
            AttributeKind::Vector => Self::Vector {
                cells: VectorCells {
                    width: 0,
                    values: Vec::new(),
                    is_missing: Vec::new(),
                },
                first: None,
            },
        }
    }

    /// Checks a cell against those before it.
    fn check(&self, cell: &Cell<'_>) -> Result<(), RowRule> {
        match (self, cell) {
            (
                Self::Vector {
                    cells,
                    first: Some(first),
                },
                Cell::Vector(Some(vector)),
            ) if vector.len() != cells.width => Err(RowRule::WrongVectorWidth {
                found: vector.len(),
                expected: cells.width,
                first: *first,
            }),
            _ => Ok(()),
        }
    }

    /// Adds a cell of the kind of the column; false when there are too many different values.
    fn push(&mut self, cell: Cell<'_>, place: Place) -> bool {
        match (self, cell) {
            (Self::Category(lists) | Self::Categories(lists), Cell::Values(values)) => {
                return lists.push(values);
            }
            (Self::Number(numbers), Cell::Number(number)) => numbers.push(number),
            (Self::Vector { cells, first }, Cell::Vector(vector)) => {
                cells.is_missing.push(vector.is_none());
                if let Some(vector) = vector {
                    first.get_or_insert(place);
                    cells.width = vector.len();
                    // Rows before the first vector are zeros, as are all that are missing.
                    cells
                        .values
                        .resize((cells.is_missing.len() - 1) * cells.width, 0.0);
                    cells.values.extend(vector);
                }
            }
            _ => unreachable!("a cell is read by the kind of its column"),
        }
        true
    }

    fn finish(self) -> AttributeCells {
        match self {
            Self::Category(lists) => AttributeCells::Category(lists.finish()),
            Self::Categories(lists) => AttributeCells::Categories(lists.finish()),
            Self::Number(numbers) => AttributeCells::Number(numbers),
            Self::Vector { mut cells, .. } => {
                cells
                    .values
                    .resize(cells.is_missing.len() * cells.width, 0.0);
                AttributeCells::Vector(cells)
            }
        }
    }
}
