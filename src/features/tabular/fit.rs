//! Learning from training rows how a table becomes numbers.

use std::path::Path;

use super::config::TabularConfig;
use super::error::TabularError;
use super::numbers::NumberLearner;
use super::schema::{Encoding, TabularSchema};
use super::summary::{FieldFacts, FieldSummary, LabelSummary, TabularSummary};
use super::values::{ValueCounter, ValueFacts};
use crate::data::{
    ReadOptions, SchemaColumn, TableCells, TableParts, TableRole, TableRows, TableSchema,
};
use crate::error::Error;
use crate::features::error::FeatureError;

/// Learns from rows, one chunk after the other, how a table becomes numbers: values and their counts, means, deviations and
/// quantiles. Beside the values, little memory is needed however many rows there are.
///
/// ```
/// use salient::data::{AbsentColumns, Record, RecordCell, TableColumn, TableOptions, TableParts, TableSchema};
/// use salient::features::tabular::{MISSING, TabularConfig, TabularFitter, UNKNOWN};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("clicks.csv");
/// # std::fs::write(&path, "click,brand\n1,acme\n0,best\n")?;
/// let options = TableOptions::new(TableColumn::list("click:label,brand:category")?);
/// let (table, _) = TableSchema::infer(&path, &options)?;
/// let record = |brand: &str| Record::from([("brand".into(), brand.into()), ("click".into(), RecordCell::Integer(1))]);
/// let records = ["acme", "best", "acme"].map(record);
/// let rows = table.rows_of(&records, TableParts::All, AbsentColumns::Refuse)?;
///
/// let mut fitter = TabularFitter::new(&TabularConfig::default(), &table)?;
/// fitter.push(&rows)?;
/// let (schema, _) = fitter.finish()?;
/// let seen = schema.encode_records(&["acme", "new", ""].map(record), AbsentColumns::Refuse)?;
/// assert_eq!(seen.categories, [2, UNKNOWN, MISSING]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TabularFitter {
    config: TabularConfig,
    table: TableSchema,
    n_rows: u64,
    columns: Vec<ColumnFitter>,
}

/// What is learnt of a column.
struct ColumnFitter {
    learner: Learner,
    /// Rows where it is there.
    n_present: u64,
    /// Rows where a label is 1.
    n_positive: u64,
}

enum Learner {
    Nothing,
    Values(ValueCounter),
    Numbers(Box<NumberLearner>),
}

impl TabularConfig {
    /// Learns from the file at `path`, in one pass: give the training file, so that nothing is learnt from the rest.
    ///
    /// # Errors
    /// Those of [`TabularFitter::new`] and of [`TableSchema::read`]; [`TabularError::TooManyValues`].
    pub fn fit(
        &self,
        table: &TableSchema,
        path: impl AsRef<Path>,
        options: &ReadOptions,
    ) -> Result<(TabularSchema, TabularSummary), Error> {
        let mut fitter = TabularFitter::new(self, table)?;
        let read = table.read(path, TableParts::All, options, |rows| {
            fitter.push(rows).map_err(Error::from)
        })?;
        let (schema, mut summary) = fitter.finish()?;
        summary.read = Some(read);
        Ok((schema, summary))
    }
}

impl TabularFitter {
    /// Nothing learnt yet.
    ///
    /// # Errors
    /// [`TabularError`] for a setting that is out of range, or for a field that the table does not have.
    pub fn new(config: &TabularConfig, table: &TableSchema) -> Result<Self, FeatureError> {
        config.check(table)?;
        let columns = table.columns().iter().enumerate().map(|(index, column)| {
            let field = config.field(&column.name);
            let counter = || ValueCounter::new(field.min_count, field.n_buckets);
            let learner = match &column.role {
                TableRole::Category | TableRole::Categories { .. } => Learner::Values(counter()),
                TableRole::History { of: None, .. } => Learner::Values(counter()),
                TableRole::Number => {
                    Learner::Numbers(Box::new(NumberLearner::new(index, field.encoding)))
                }
                _ => Learner::Nothing,
            };
            ColumnFitter {
                learner,
                n_present: 0,
                n_positive: 0,
            }
        });
        Ok(Self {
            columns: columns.collect(),
            config: config.clone(),
            table: table.clone(),
            n_rows: 0,
        })
    }

    /// Learns from more rows.
    ///
    /// # Errors
    /// [`TabularError::OtherColumns`], [`TabularError::OtherCells`] for rows that were not read by the table of this fit, all
    /// parts of it.
    pub fn push(&mut self, rows: &TableRows) -> Result<(), FeatureError> {
        check_rows(&self.table, rows, TableParts::All)?;
        for (index, cells) in rows.columns().iter().enumerate() {
            let (n_present, n_positive) = counts(cells);
            self.columns[index].n_present += n_present;
            self.columns[index].n_positive += n_positive;
            // A value counts for the category that has it too.
            let learns = self.table.category_of(index).unwrap_or(index);
            match (&mut self.columns[learns].learner, cells) {
                (Learner::Values(values), TableCells::Texts(texts)) => {
                    let present = texts.iter().filter(|text| !text.is_empty());
                    present.for_each(|text| values.push(text));
                }
                (Learner::Values(values), TableCells::Lists(lists)) => {
                    lists.values.iter().for_each(|text| values.push(text));
                }
                (Learner::Numbers(learner), TableCells::Numbers(numbers)) => {
                    let present = numbers.iter().flatten();
                    present.for_each(|&number| learner.push(number));
                }
                _ => {}
            }
        }
        self.n_rows += rows.n_rows() as u64;
        Ok(())
    }

    /// The schema, and what was seen.
    ///
    /// A field that is missing in all rows is kept, and so is one with a single value: the first is always missing or unknown
    /// to the model, the second may have other values later. [`TabularSummary::warnings`] names both.
    ///
    /// # Errors
    /// [`TabularError::NoRows`], [`TabularError::TooManyValues`].
    pub fn finish(self) -> Result<(TabularSchema, TabularSummary), FeatureError> {
        if self.n_rows == 0 {
            return Err(TabularError::NoRows.into());
        }
        let mut summary = TabularSummary {
            n_rows: self.n_rows,
            read: None,
            labels: Vec::new(),
            fields: Vec::new(),
        };
        let mut encodings = Vec::new();
        for (column, fitter) in self.table.columns().iter().zip(self.columns) {
            if matches!(column.role, TableRole::Label { .. }) {
                summary.labels.push(LabelSummary {
                    name: column.name.clone(),
                    n_positive: fitter.n_positive,
                });
            }
            let n_present = fitter.n_present;
            let (encoding, facts) = fitter.learner.finish(column)?;
            encodings.push(encoding);
            summary.fields.extend(facts.map(|facts| FieldSummary {
                name: column.name.clone(),
                role: column.role.clone(),
                missing: 1.0 - n_present as f64 / self.n_rows as f64,
                facts,
            }));
        }
        let schema = TabularSchema {
            table: self.table,
            encodings,
            calendar: self.config.calendar,
            utc_offset_minutes: self.config.utc_offset_minutes,
            max_history: self.config.max_history,
        };
        Ok((schema, summary))
    }
}

impl Learner {
    fn finish(self, column: &SchemaColumn) -> Result<(Encoding, Option<FieldFacts>), FeatureError> {
        Ok(match self {
            Self::Nothing => match &column.role {
                TableRole::History { of: Some(of), .. } => {
                    let of = of.to_string();
                    (Encoding::SharedList, Some(FieldFacts::Shared { of }))
                }
                TableRole::Time => (Encoding::Nothing, Some(FieldFacts::Time)),
                _ => (Encoding::Nothing, None),
            },
            Self::Values(counter) => {
                let (values, facts) = counter.finish(&column.name)?;
                let facts = match facts {
                    ValueFacts::Hashed(collisions) => FieldFacts::Hashed(collisions),
                    ValueFacts::Listed { n_values, n_known } => {
                        FieldFacts::Values { n_values, n_known }
                    }
                };
                let encoding = match column.role {
                    TableRole::Category => Encoding::Category(values),
                    _ => Encoding::List(values),
                };
                (encoding, Some(facts))
            }
            Self::Numbers(mut learner) => {
                let numbers = learner.finish();
                let facts = FieldFacts::Numbers {
                    encoding: numbers.name().into(),
                    is_constant: learner.sketch.min == learner.sketch.max,
                };
                (Encoding::Number(numbers), Some(facts))
            }
        })
    }
}

/// In how many rows a column is there, and in how many a label is 1.
fn counts(cells: &TableCells) -> (u64, u64) {
    let n_present = match cells {
        TableCells::Labels(labels) => {
            let n_positive = labels.iter().filter(|&&label| label > 0.0).count();
            return (labels.len() as u64, n_positive as u64);
        }
        TableCells::Texts(texts) => texts.iter().filter(|text| !text.is_empty()).count(),
        TableCells::Lists(lists) => {
            let rows = lists.offsets.windows(2);
            rows.filter(|row| row[1] > row[0]).count()
        }
        TableCells::Numbers(numbers) => numbers.iter().flatten().count(),
        TableCells::Times(times) => times.len(),
        _ => 0,
    };
    (n_present as u64, 0)
}

/// Checks that rows were read by this table.
pub(super) fn check_rows(
    table: &TableSchema,
    rows: &TableRows,
    parts: TableParts,
) -> Result<(), TabularError> {
    let (found, expected) = (rows.columns().len(), table.columns().len());
    if found != expected {
        return Err(TabularError::OtherColumns { found, expected });
    }
    for (cells, column) in rows.columns().iter().zip(table.columns()) {
        let (fits, expected) = match (&column.role, cells) {
            (TableRole::Label { .. }, cells) => (matches!(cells, TableCells::Labels(_)), "labels"),
            (TableRole::Category | TableRole::Group, cells) => {
                (matches!(cells, TableCells::Texts(_)), "texts")
            }
            (TableRole::Number, cells) => (matches!(cells, TableCells::Numbers(_)), "numbers"),
            (TableRole::Time, cells) => (matches!(cells, TableCells::Times(_)), "times"),
            (TableRole::Weight, cells) => (matches!(cells, TableCells::Weights(_)), "weights"),
            (TableRole::Duration, cells) => {
                (matches!(cells, TableCells::Durations(_)), "durations")
            }
            (TableRole::Ignore, _) => (true, "nothing"),
            (TableRole::Categories { .. } | TableRole::History { .. }, cells) => {
                (matches!(cells, TableCells::Lists(_)), "lists of texts")
            }
        };
        let may_be_absent = parts == TableParts::Inputs && !column.role.is_input();
        if !(fits || may_be_absent && *cells == TableCells::NotRead) {
            return Err(TabularError::OtherCells {
                name: column.name.clone(),
                found: cells.kind(),
                expected,
            });
        }
    }
    Ok(())
}
