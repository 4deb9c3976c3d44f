//! The rows of each part as numbers, as they come.

use std::io;

use sha2::{Digest, Sha256};

use super::data::CtrDataOptions;
use super::uses::Uses;
use crate::Error;
use crate::data::{ReadSummary, TableSource};
use crate::features::tabular::{EncodedRows, RowStore, RowStoreWriter, TabularSchema};

/// The encoded rows of each part, as they come.
pub(super) struct Parts<'a> {
    schema: &'a TabularSchema,
    options: &'a CtrDataOptions,
    pub(super) train: PartWriter,
    pub(super) valid: PartWriter,
    pub(super) test: PartWriter,
}

impl<'a> Parts<'a> {
    pub(super) fn new(schema: &'a TabularSchema, options: &'a CtrDataOptions) -> Self {
        let part = |share: usize| PartWriter::new(options.max_bytes_in_memory / share);
        Self {
            schema,
            options,
            train: part(2),
            valid: part(4),
            test: part(4),
        }
    }

    /// Encodes the rows of a table.
    pub(super) fn store(
        &mut self,
        source: &TableSource,
        uses: &Uses<'_>,
    ) -> Result<ReadSummary, Error> {
        let n_labels = self.schema.shape().labels.len();
        let mut start = 0;
        source.read(self.schema.table(), &self.options.table, |rows| {
            let encoded = self.schema.encode(rows)?;
            let by_use = uses.of(rows, start)?;
            start += rows.n_rows();
            let parts = [&mut self.train, &mut self.valid, &mut self.test];
            for (part, rows) in parts.into_iter().zip(&by_use) {
                part.push(&encoded, rows, n_labels)
                    .map_err(Error::RowStore)?;
            }
            Ok(())
        })
    }
}

/// The rows of one part.
pub(super) struct PartWriter {
    rows: RowStoreWriter,
    /// Sum of the weights of all rows.
    total_weight: f64,
    /// Sum of the weights of the rows with each label.
    positive_weights: Vec<f64>,
    digest: Sha256,
}

impl PartWriter {
    fn new(max_bytes_in_memory: usize) -> Self {
        Self {
            rows: RowStoreWriter::new(max_bytes_in_memory),
            total_weight: 0.0,
            positive_weights: Vec::new(),
            digest: Sha256::new(),
        }
    }

    fn push(&mut self, encoded: &EncodedRows, rows: &[usize], n_labels: usize) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let part;
        let chosen = match rows.len() == encoded.n_rows {
            true => encoded,
            false => {
                part = encoded.select(rows);
                &part
            }
        };
        self.positive_weights.resize(n_labels, 0.0);
        for (row, labels) in chosen.labels.chunks_exact(n_labels).enumerate() {
            let weight = chosen.weights.get(row).map_or(1.0, |&w| f64::from(w));
            self.total_weight += weight;
            for (sum, &label) in self.positive_weights.iter_mut().zip(labels) {
                *sum += weight * f64::from(label);
            }
        }
        self.digest.update(chosen.to_bytes());
        self.rows.push(chosen)
    }

    /// Share of rows with each label, by weight.
    pub(super) fn shares(&self) -> Vec<f64> {
        let sums = self.positive_weights.iter();
        sums.map(|sum| sum / self.total_weight).collect()
    }

    pub(super) fn sha256(&self) -> String {
        let bytes = self.digest.clone().finalize();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The rows; `None` if there are none.
    pub(super) fn finish(self) -> Result<Option<RowStore>, Error> {
        let rows = self.rows.finish().map_err(Error::RowStore)?;
        Ok((rows.n_rows() > 0).then_some(rows))
    }
}
