//! Learning from training rows how attributes become numbers.

use serde::{Deserialize, Serialize};

use super::schema::{AttributeEncoding, AttributeSchema, EncodingRule};
use crate::data::{Attribute, AttributeCells, AttributeTable, ValueLists, VectorCells};
use crate::features::error::FeatureError;
use crate::writable::writable;

/// What becomes of the numbers of a vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorScaling {
    /// Each has mean 0 and standard deviation 1 over the training rows, as numbers have. The vectors of text models lie
    /// around a common centre and are short, so this is the default.
    #[default]
    Standardised,
    /// They stay as they are.
    AsGiven,
}

/// How an [`AttributeSchema`] is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttributeSchemaConfig {
    /// The least number of training rows that a value of a category needs to be known; at least 1. Default 1.
    pub min_count: usize,
    /// What becomes of the numbers of a vector. Default [`VectorScaling::Standardised`].
    pub vector_scaling: VectorScaling,
}

impl Default for AttributeSchemaConfig {
    fn default() -> Self {
        Self {
            min_count: 1,
            vector_scaling: VectorScaling::default(),
        }
    }
}

impl AttributeSchema {
    /// Learns with the default [`AttributeSchemaConfig`].
    ///
    /// # Errors
    /// Those of [`AttributeSchemaConfig::fit`].
    pub fn fit<'a>(
        table: &AttributeTable,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, FeatureError> {
        AttributeSchemaConfig::default().fit(table, ids)
    }
}

impl AttributeSchemaConfig {
    /// Learns values, means and deviations from the rows of `ids` alone: give those of the training data, so that nothing is
    /// learnt from the rest. An id counts as often as it is given; those that the table lacks do not count.
    ///
    /// Numbers are standardised as they are; take logarithms before where a few are far greater than the rest.
    ///
    /// # Errors
    /// [`FeatureError::ZeroMinCount`]; [`FeatureError::NoKnownIds`] when the table has none of the ids;
    /// [`FeatureError::NoValues`] when an attribute is missing for all of them.
    pub fn fit<'a>(
        &self,
        table: &AttributeTable,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<AttributeSchema, FeatureError> {
        if self.min_count == 0 {
            return Err(FeatureError::ZeroMinCount);
        }
        let (mut n_ids, mut sought) = (0, None);
        let mut rows = Vec::new();
        for id in ids {
            n_ids += 1;
            sought.get_or_insert(id);
            rows.extend(table.index_of(id));
        }
        if rows.is_empty() {
            return Err(FeatureError::NoKnownIds {
                n_ids,
                there: table.ids().first().cloned().unwrap_or_default(),
                sought: sought.unwrap_or_default().to_owned(),
            });
        }
        let columns = table.columns().iter().map(|column| {
            Ok(AttributeEncoding {
                name: column.name.clone(),
                rule: self.rule(column, &rows)?,
            })
        });
        columns
            .collect::<Result<Vec<_>, FeatureError>>()?
            .try_into()
    }

    fn rule(&self, column: &Attribute, rows: &[usize]) -> Result<EncodingRule, FeatureError> {
        let no_values = || FeatureError::NoValues {
            name: column.name.clone(),
            n_rows: rows.len(),
        };
        match &column.cells {
            AttributeCells::Category(lists) => {
                let values = self.known(lists, rows).ok_or_else(no_values)?;
                Ok(EncodingRule::Category { values })
            }
            AttributeCells::Categories(lists) => {
                let values = self.known(lists, rows).ok_or_else(no_values)?;
                Ok(EncodingRule::Categories { values })
            }
            AttributeCells::Number(numbers) => {
                let present = rows.iter().filter_map(|&row| numbers[row]);
                let (mean, standard_deviation) = scale(present).ok_or_else(no_values)?;
                Ok(EncodingRule::Number {
                    mean,
                    standard_deviation,
                })
            }
            AttributeCells::Vector(vectors) => {
                let scales = self.scales(vectors, rows).ok_or_else(no_values)?;
                let (means, standard_deviations) = scales.into_iter().unzip();
                Ok(EncodingRule::Vector {
                    means,
                    standard_deviations,
                })
            }
        }
    }

    /// The values that are frequent enough, the most frequent first, those of one frequency in order; none when there is no
    /// value at all.
    fn known(&self, lists: &ValueLists, rows: &[usize]) -> Option<Vec<String>> {
        let mut counts = vec![0_usize; lists.values().len()];
        for &row in rows {
            for &value in lists.row(row) {
                counts[value as usize] += 1;
            }
        }
        let mut seen: Vec<(usize, &String)> = counts.into_iter().zip(lists.values()).collect();
        seen.retain(|(count, _)| *count > 0);
        if seen.is_empty() {
            return None;
        }
        seen.retain(|(count, _)| *count >= self.min_count);
        seen.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        Some(seen.into_iter().map(|(_, value)| value.clone()).collect())
    }

    fn scales(&self, vectors: &VectorCells, rows: &[usize]) -> Option<Vec<(f64, f64)>> {
        if rows.iter().all(|&row| vectors.is_missing[row]) {
            return None;
        }
        match self.vector_scaling {
            VectorScaling::AsGiven => Some(vec![(0.0, 1.0); vectors.width]),
            VectorScaling::Standardised => (0..vectors.width)
                .map(|coordinate| {
                    let present = rows.iter().filter_map(|&row| vectors.row(row));
                    scale(present.map(|vector| f64::from(vector[coordinate])))
                })
                .collect(),
        }
    }
}

/// Mean and standard deviation, 1 where all numbers are equal; none when there are no numbers.
fn scale(numbers: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    let first = numbers.clone().next()?;
    // Rounding would make a tiny deviation of equal numbers.
    if numbers.clone().all(|number| number == first) {
        return Some((writable(first), 1.0));
    }
    let (sum, count) = numbers.clone().fold((0.0, 0.0), |(sum, count), number| {
        (sum + number, count + 1.0)
    });
    let mean = sum / count;
    let squares: f64 = numbers.map(|number| (number - mean).powi(2)).sum();
    let deviation = (squares / count).sqrt();
    // Denormal differences have squares of zero.
    let deviation = if deviation > 0.0 { deviation } else { 1.0 };
    Some((writable(mean), writable(deviation)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_deviation_one() {
        assert_eq!(scale([0.1; 3].into_iter()), Some((0.1, 1.0)));
        assert_eq!(scale([1e-300, 2e-300].into_iter()).unwrap().1, 1.0);
        assert_eq!(scale([].into_iter()), None);
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_population() {
        // 2, 4, 4, 4, 5, 5, 7, 9: the textbook example, with mean 5 and deviation 2.
        let numbers = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(scale(numbers.into_iter()), Some((5.0, 2.0)));
    }
}
