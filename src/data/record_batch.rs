//! Event logs as Arrow record batches.

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};

use super::bad_row::{OnBadRow, Place, RowFault, RowRule};
use super::cells::{Cells, wrong_type};
use super::collect::{Collector, Row, checked_id, too_many_values};
use super::error::{ColumnRole, DataError, Origin};
use super::interactions::Interactions;
use super::records::Taken;
use super::schema::{Column, Columns, InteractionSchema, ResolvedSchema};
use super::summary::{ReadSummary, RowLedger};
use super::time::TimeParser;

impl Interactions {
    /// Reads an event log from record batches, one after the other; none is kept.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    /// use salient::data::{InteractionSchema, Interactions, OnBadRow};
    ///
    /// let batch = RecordBatch::try_from_iter([
    ///     ("user", Arc::new(Int64Array::from(vec![7, 7])) as ArrayRef),
    ///     ("item", Arc::new(StringArray::from(vec!["tea", "cup"]))),
    /// ])?;
    /// let schema = InteractionSchema::new("user", "item");
    /// let (log, _) = Interactions::from_record_batches([Ok(batch)], &schema, OnBadRow::Fail)?;
    /// assert_eq!(log.user_ids(), ["7"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError`] says what is wrong with the schema, a column's type, or a row, counted from 1 over all batches.
    pub fn from_record_batches(
        batches: impl IntoIterator<Item = Result<RecordBatch, ArrowError>>,
        schema: &InteractionSchema,
        on_bad_row: OnBadRow,
    ) -> Result<(Self, ReadSummary), DataError> {
        let origin = Origin::RecordBatches;
        let mut batches = batches.into_iter();
        let first = match batches.next() {
            Some(batch) => batch.map_err(|source| DataError::BrokenBatch {
                origin: origin.clone(),
                row: 0,
                source,
            })?,
            None => return Err(DataError::Empty { origin }),
        };
        let plan = BatchPlan::new(&origin, &first.schema(), schema)?;
        let mut ledger = RowLedger::new(origin, on_bad_row);
        let all = std::iter::once(Ok(first)).chain(batches);
        let collector = plan.collect(all, &mut ledger)?;
        Ok((collector.finish(), ledger.batch_summary()))
    }
}

/// How to read batches of one schema.
pub(crate) struct BatchPlan {
    pub(crate) columns: ResolvedSchema,
    names: Vec<String>,
    time: TimeParser,
}

impl BatchPlan {
    /// Finds the columns and checks their types.
    pub(crate) fn new(
        origin: &Origin,
        table: &SchemaRef,
        schema: &InteractionSchema,
    ) -> Result<Self, DataError> {
        let names: Vec<String> = table
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let columns = schema.resolve(&Columns {
            origin,
            names: &names,
            has_header: true,
        })?;
        for (role, column) in columns.by_role() {
            let found = table.field(column.index).data_type();
            if let Some(expected) = wrong_type(role, found) {
                return Err(DataError::WrongColumnType {
                    origin: origin.clone(),
                    role,
                    column: column.name.clone(),
                    found: found.to_string(),
                    expected,
                });
            }
        }
        Ok(Self {
            columns,
            names,
            time: TimeParser::new(&schema.time_format)?,
        })
    }

    /// Reads all batches.
    pub(crate) fn collect(
        &self,
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
        ledger: &mut RowLedger,
    ) -> Result<Collector, DataError> {
        let mut collector = Collector::new(&self.columns);
        each_batch(batches, ledger, |batch, ledger| {
            self.collect_batch(batch, &mut collector, ledger)
        })?;
        ledger.check(collector.n_rows(), &self.names)?;
        Ok(collector)
    }

    fn collect_batch(
        &self,
        batch: &RecordBatch,
        collector: &mut Collector,
        ledger: &mut RowLedger,
    ) -> Result<(), DataError> {
        let cells =
            BatchCells::new(&self.columns, batch).map_err(|source| broken(ledger, source))?;
        let origin = ledger.origin.clone();
        each_row(batch, ledger, |row, _| {
            match cells.with_row(row, self, |row| collector.push(&row)) {
                Ok(Ok(())) => Ok(Ok(())),
                Ok(Err(full)) => Err(too_many_values(&origin, &self.columns, full)),
                Err(fault) => Ok(Err(fault)),
            }
        })
    }
}

/// Hands on batches that have the columns of the first.
pub(crate) fn each_batch(
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    ledger: &mut RowLedger,
    mut take: impl FnMut(&RecordBatch, &mut RowLedger) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut table: Option<SchemaRef> = None;
    for batch in batches {
        let batch = batch.map_err(|source| broken(ledger, source))?;
        let fields = table.get_or_insert_with(|| batch.schema()).fields();
        if batch.schema().fields() != fields {
            return Err(DataError::BatchesDiffer {
                origin: ledger.origin.clone(),
                row: ledger.n_rows_read,
            });
        }
        take(&batch, ledger)?;
    }
    Ok(())
}

/// Hands on the rows of a batch with their places, and counts them.
pub(crate) fn each_row(
    batch: &RecordBatch,
    ledger: &mut RowLedger,
    mut take: impl FnMut(usize, Place) -> Result<Taken, DataError>,
) -> Result<(), DataError> {
    for row in 0..batch.num_rows() {
        ledger.n_rows_read += 1;
        let place = Place::Row(ledger.n_rows_read);
        if let Err(fault) = take(row, place)? {
            ledger.bad(place, *fault)?;
        }
    }
    Ok(())
}

pub(crate) fn broken(ledger: &RowLedger, source: ArrowError) -> DataError {
    DataError::BrokenBatch {
        origin: ledger.origin.clone(),
        row: ledger.n_rows_read,
        source,
    }
}

/// The columns of one batch that are read.
struct BatchCells {
    user: Cells,
    item: Cells,
    time: Option<Cells>,
    tie_break: Option<Cells>,
    event: Option<Cells>,
    weight: Option<Cells>,
}

impl BatchCells {
    fn new(columns: &ResolvedSchema, batch: &RecordBatch) -> Result<Self, ArrowError> {
        let cells = |role, column: &Column| Cells::new(role, batch.column(column.index));
        let optional = |role, column: &Option<Column>| {
            column
                .as_ref()
                .map(|column| cells(role, column))
                .transpose()
        };
        Ok(Self {
            user: cells(ColumnRole::User, &columns.user)?,
            item: cells(ColumnRole::Item, &columns.item)?,
            time: optional(ColumnRole::Time, &columns.time)?,
            tie_break: optional(ColumnRole::TieBreak, &columns.tie_break)?,
            event: optional(ColumnRole::Event, &columns.event)?,
            weight: optional(ColumnRole::Weight, &columns.weight)?,
        })
    }

    /// Checks a row and hands it to `take`.
    fn with_row<T>(
        &self,
        row: usize,
        plan: &BatchPlan,
        take: impl FnOnce(Row<'_>) -> T,
    ) -> Result<T, Box<RowFault>> {
        let columns = &plan.columns;
        let id = |cells: &'_ Cells, column: &Column, missing: RowRule| {
            let id = cells
                .id(row, missing.clone())
                .map_err(|rule| fault(cells, column, row, rule))?;
            checked_id(&id, column, missing)?;
            Ok::<_, Box<RowFault>>(id.into_owned())
        };
        let user = id(&self.user, &columns.user, RowRule::MissingUser)?;
        let item = id(&self.item, &columns.item, RowRule::MissingItem)?;
        let event = both(&self.event, &columns.event)
            .map(|(cells, column)| id(cells, column, RowRule::MissingEvent))
            .transpose()?;
        let time = both(&self.time, &columns.time)
            .map(|(cells, column)| {
                let time = cells.time(row, &plan.time);
                time.map_err(|rule| fault(cells, column, row, rule))
            })
            .transpose()?;
        let weight = both(&self.weight, &columns.weight)
            .map(|(cells, column)| {
                let weight = cells.weight(row);
                weight.map_err(|rule| fault(cells, column, row, rule))
            })
            .transpose()?;
        let tie_break = self.tie_break.as_ref().map(|cells| cells.text(row));
        Ok(take(Row {
            user: &user,
            item: &item,
            time_utc_millis: time.unwrap_or_default(),
            tie_break: tie_break.as_deref().unwrap_or_default(),
            event: event.as_deref(),
            weight,
        }))
    }
}

fn both<'a>(
    cells: &'a Option<Cells>,
    column: &'a Option<Column>,
) -> Option<(&'a Cells, &'a Column)> {
    cells.as_ref().zip(column.as_ref())
}

fn fault(cells: &Cells, column: &Column, row: usize, rule: RowRule) -> Box<RowFault> {
    RowFault::new(Some(&column.name), cells.text(row).as_bytes(), rule)
}
