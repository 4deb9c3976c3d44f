//! Attributes to numbers.

use std::collections::HashMap;

use super::encoded::{CategoriesWriter, EncodedAttributes, EncodedColumn};
use super::schema::{AttributeSchema, EncodingRule};
use crate::data::{AttributeCells, AttributeTable, ValueLists, VectorCells};
use crate::features::error::FeatureError;

impl AttributeSchema {
    /// The attributes of `ids` as numbers, a row an id. Where the table lacks an id, all is missing;
    /// [`AttributeTable::n_absent`] counts them.
    ///
    /// The table may be another than the one that was fitted on, and have more attributes.
    ///
    /// # Errors
    /// [`FeatureError::MissingAttribute`], [`FeatureError::OtherKind`], [`FeatureError::OtherWidth`].
    pub fn encode<'a>(
        &self,
        table: &AttributeTable,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<EncodedAttributes, FeatureError> {
        let rows: Vec<Option<usize>> = ids.into_iter().map(|id| table.index_of(id)).collect();
        let columns = self.columns().iter().map(|encoding| {
            let name = &encoding.name;
            let column = table
                .column(name)
                .ok_or_else(|| FeatureError::MissingAttribute {
                    name: name.clone(),
                    present: table
                        .columns()
                        .iter()
                        .map(|column| column.name.clone())
                        .collect(),
                })?;
            encoding.rule.encode(name, &column.cells, &rows)
        });
        Ok(EncodedAttributes {
            n_rows: rows.len(),
            columns: columns.collect::<Result<_, _>>()?,
        })
    }
}

impl EncodingRule {
    fn encode(
        &self,
        name: &str,
        cells: &AttributeCells,
        rows: &[Option<usize>],
    ) -> Result<EncodedColumn, FeatureError> {
        match (self, cells) {
            (Self::Category { values }, AttributeCells::Category(lists))
            | (Self::Categories { values }, AttributeCells::Categories(lists)) => {
                Ok(encode_values(values, lists, rows))
            }
            (
                Self::Number {
                    mean,
                    standard_deviation,
                },
                AttributeCells::Number(numbers),
            ) => Ok(encode_numbers(*mean, *standard_deviation, numbers, rows)),
            (
                Self::Vector {
                    means,
                    standard_deviations,
                },
                AttributeCells::Vector(vectors),
            ) => {
                if vectors.width != means.len() {
                    return Err(FeatureError::OtherWidth {
                        name: name.into(),
                        found: vectors.width,
                        expected: means.len(),
                    });
                }
                Ok(encode_vectors(means, standard_deviations, vectors, rows))
            }
            _ => Err(FeatureError::OtherKind {
                name: name.into(),
                found: cells.kind(),
                expected: self.kind(),
            }),
        }
    }
}

fn encode_values(values: &[String], lists: &ValueLists, rows: &[Option<usize>]) -> EncodedColumn {
    let known: HashMap<&str, u32> = values.iter().map(String::as_str).zip(1..).collect();
    // The number of each value of the table, 0 if training did not see it.
    let numbers: Vec<u32> = lists
        .values()
        .iter()
        .map(|value| known.get(value.as_str()).copied().unwrap_or(0))
        .collect();
    let mut encoded = CategoriesWriter::new(values.len() + 1, rows.len());
    for row in rows {
        let values = row.map(|row| lists.row(row)).unwrap_or_default();
        let values = values.iter().map(|&value| numbers[value as usize]);
        encoded.push(values.filter(|&number| number > 0));
    }
    encoded.finish()
}

fn encode_numbers(
    mean: f64,
    deviation: f64,
    numbers: &[Option<f64>],
    rows: &[Option<usize>],
) -> EncodedColumn {
    let values = rows
        .iter()
        .flat_map(|row| match row.and_then(|row| numbers[row]) {
            Some(number) => [standardised(number, mean, deviation), 0.0],
            None => [0.0, 1.0],
        });
    EncodedColumn::Numbers {
        width: 2,
        values: values.collect(),
    }
}

fn encode_vectors(
    means: &[f64],
    deviations: &[f64],
    vectors: &VectorCells,
    rows: &[Option<usize>],
) -> EncodedColumn {
    let width = means.len() + 1;
    let mut values = Vec::with_capacity(rows.len() * width);
    for row in rows {
        let vector = row.and_then(|row| vectors.row(row));
        match vector {
            Some(vector) => values.extend(vector.iter().zip(means.iter().zip(deviations)).map(
                |(&number, (&mean, &deviation))| standardised(f64::from(number), mean, deviation),
            )),
            None => values.resize(values.len() + means.len(), 0.0),
        }
        values.push(if vector.is_some() { 0.0 } else { 1.0 });
    }
    EncodedColumn::Numbers { width, values }
}

/// Finite, however far from what training saw the number is.
fn standardised(number: f64, mean: f64, deviation: f64) -> f32 {
    let scaled = (number - mean) / deviation;
    scaled.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}
