//! Customers to train and judge on.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::Error;
use crate::data::{
    ReadSummary, SchemaColumn, TableCells, TableOptions, TableRole, TableRows, TableSchema,
    TableSource, TableSummary, Texts,
};
use crate::tasks::TaskError;

/// How a table of customers is read.
#[derive(Clone, Debug, PartialEq)]
pub struct ChurnDataOptions {
    /// What columns are for, and how their cells are written.
    pub table: TableOptions,
    /// Whether a customer may have several rows, told by a column with the role `group`; folds then keep them together. Default
    /// they may not, and an id that is there twice is refused.
    pub repeated_ids: bool,
}

impl ChurnDataOptions {
    /// Options for a table whose customers have one row each.
    pub const fn new(table: TableOptions) -> Self {
        Self {
            table,
            repeated_ids: false,
        }
    }
}

/// A table of customers in memory: what they are, and whether they left.
#[derive(Clone, Debug)]
pub struct ChurnData {
    pub(super) schema: TableSchema,
    pub(super) rows: TableRows,
    /// Place of the label among the columns.
    label: usize,
    /// What the columns were taken for.
    pub columns: TableSummary,
    /// What was read.
    pub read: ReadSummary,
}

impl ChurnData {
    /// Reads a table whose label says who left.
    ///
    /// # Errors
    /// [`Error::Data`] says what is wrong with the table, its columns or a row; [`TaskError::NotOneLabel`],
    /// [`TaskError::RepeatedId`].
    ///
    /// ```
    /// use salient::data::{TableColumn, TableOptions, TableSource};
    /// use salient::tasks::churn::{ChurnData, ChurnDataOptions};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("customers.csv");
    /// # std::fs::write(&path, "id,tenure,left\na,3,yes\nb,40,no\n")?;
    /// let table = TableOptions::new(TableColumn::list("left:label,id:group,tenure:number")?);
    /// let data = ChurnData::read(&TableSource::File(path), &ChurnDataOptions::new(table))?;
    /// assert_eq!((data.n_rows(), data.churn_rate()), (2, 0.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(source: &TableSource, options: &ChurnDataOptions) -> Result<Self, Error> {
        let (schema, columns) = source.infer(&options.table)?;
        let labels = schema.columns().iter().enumerate();
        let labels: Vec<usize> = labels
            .filter(|(_, column)| matches!(column.role, TableRole::Label { .. }))
            .map(|(place, _)| place)
            .collect();
        let &[label] = &labels[..] else {
            return Err(TaskError::NotOneLabel {
                n_labels: labels.len(),
            }
            .into());
        };
        let mut all: Option<TableRows> = None;
        let read = source.read(&schema, &options.table, |rows| {
            match &mut all {
                Some(all) => all.append(rows),
                None => all = Some(rows.clone()),
            }
            Ok::<(), Error>(())
        })?;
        let rows = all.ok_or(TaskError::NoRows { part: "customer" })?;
        let data = Self {
            schema,
            rows,
            label,
            columns,
            read,
        };
        if !options.repeated_ids {
            data.check_ids()?;
        }
        Ok(data)
    }

    /// Number of rows.
    pub const fn n_rows(&self) -> usize {
        self.rows.n_rows()
    }

    /// The columns that are read.
    pub const fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// Name of the column that says who left.
    pub fn label_name(&self) -> &str {
        &self.schema.columns()[self.label].name
    }

    /// 1 for a customer who left, else 0; one a row.
    pub fn labels(&self) -> &[f32] {
        match &self.rows.columns()[self.label] {
            TableCells::Labels(labels) => labels,
            _ => &[],
        }
    }

    /// Share of rows of customers who left; a row counts by its weight.
    pub fn churn_rate(&self) -> f64 {
        let weights = self.weights();
        let weight = |row: usize| weights.map_or(1.0, |weights| f64::from(weights[row]));
        let (mut left, mut all) = (0.0, 0.0);
        for (row, &label) in self.labels().iter().enumerate() {
            left += weight(row) * f64::from(label);
            all += weight(row);
        }
        left / all
    }

    /// Who each row is; none without a column with the role `group`.
    pub fn ids(&self) -> Option<&Texts> {
        self.cells(|role| *role == TableRole::Group)
            .and_then(|cells| match cells {
                TableCells::Texts(texts) => Some(texts),
                _ => None,
            })
    }

    /// How much each row counts; none where all count the same.
    pub fn weights(&self) -> Option<&[f32]> {
        self.cells(|role| *role == TableRole::Weight)
            .and_then(|cells| match cells {
                TableCells::Weights(weights) => Some(&weights[..]),
                _ => None,
            })
    }

    /// How long each row was watched; none without a column with the role `duration`.
    pub fn durations(&self) -> Option<&[f32]> {
        self.cells(|role| *role == TableRole::Duration)
            .and_then(|cells| match cells {
                TableCells::Durations(durations) => Some(&durations[..]),
                _ => None,
            })
    }

    /// These rows, in this order.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            rows: self.rows.select(rows),
            ..self.clone_without_rows()
        }
    }

    /// What tells these rows from others: a digest of who they are and who left.
    pub fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(self.read.sha256.as_deref().unwrap_or_default());
        for label in self.labels() {
            digest.update(label.to_le_bytes());
        }
        for id in self.ids().into_iter().flat_map(Texts::iter) {
            digest.update(id);
            digest.update([0]);
        }
        let bytes = digest.finalize();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The rows of each customer; of each row where there are no ids.
    pub(super) fn customers(&self) -> Vec<Vec<usize>> {
        let Some(ids) = self.ids() else {
            return (0..self.n_rows()).map(|row| vec![row]).collect();
        };
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut customers: Vec<Vec<usize>> = Vec::new();
        for (row, id) in ids.iter().enumerate() {
            let place = *places.entry(id).or_insert(customers.len());
            match customers.get_mut(place) {
                Some(rows) => rows.push(row),
                None => customers.push(vec![row]),
            }
        }
        customers
    }

    /// Refuses rows that are all of one class.
    pub(super) fn both_classes(&self, part: &'static str) -> Result<(), TaskError> {
        let n_left = self.labels().iter().filter(|&&label| label > 0.5).count();
        match n_left == 0 || n_left == self.n_rows() {
            false => Ok(()),
            true => Err(TaskError::SingleClass {
                label: self.label_name().to_owned(),
                part,
                n_rows: self.n_rows(),
                class: u8::from(n_left > 0),
            }),
        }
    }

    fn cells(&self, is_it: impl Fn(&TableRole) -> bool) -> Option<&TableCells> {
        let is_it = |column: &SchemaColumn| is_it(&column.role);
        let place = self.schema.columns().iter().position(is_it)?;
        Some(&self.rows.columns()[place])
    }

    fn clone_without_rows(&self) -> Self {
        Self {
            schema: self.schema.clone(),
            rows: self.rows.select(&[]),
            label: self.label,
            columns: self.columns.clone(),
            read: self.read.clone(),
        }
    }

    fn check_ids(&self) -> Result<(), TaskError> {
        let mut rows: HashMap<&str, usize> = HashMap::new();
        for (row, id) in self.ids().into_iter().flat_map(Texts::iter).enumerate() {
            if let Some(first) = rows.insert(id, row) {
                return Err(TaskError::RepeatedId {
                    id: id.to_owned(),
                    first: first + 1,
                    second: row + 1,
                });
            }
        }
        Ok(())
    }
}
