//! Columns that give the label away.

use std::collections::HashMap;
use std::fmt;

use super::data::ChurnData;
use crate::Error;
use crate::data::{TableCells, Texts};
use crate::evaluation::classification::{ClassificationCases, roc_auc};
use crate::tasks::TaskError;

/// Area under the ROC curve from which on a column alone gives the label away.
pub const LEAK_AUC: f64 = 0.99;

/// Bins that a column of numbers is cut into.
const N_BINS: usize = 64;

/// A column that gives the label away.
#[derive(Clone, Debug, PartialEq)]
pub struct Leak {
    /// Its name.
    pub column: String,
    /// Area under the ROC curve of the churn rate of its values, each row told by the rows of the other half.
    pub roc_auc: f64,
}

impl fmt::Display for Leak {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} (ROC AUC {:.4})", self.column, self.roc_auc)
    }
}

/// The columns that tell by themselves who left, as one does that is written when a customer leaves, such as a reason.
///
/// Values (numbers: the 64 bins of equal mass that they lie in) are scored by the churn rate that they have in every other
/// row, those that only one half has by whether there is a value at all. A column whose area under the ROC curve is at least
/// [`LEAK_AUC`] is a leak. Histories and times are not looked at, nor are tables with fewer than 20 customers of either class.
///
/// # Errors
/// [`Error::Evaluation`], which no table gives.
pub fn find_leaks(data: &ChurnData) -> Result<Vec<Leak>, Error> {
    let labels = data.labels();
    let n_left = labels.iter().filter(|&&label| label > 0.5).count();
    if n_left.min(labels.len() - n_left) < 20 {
        return Ok(Vec::new());
    }
    let mut leaks = Vec::new();
    for (column, cells) in data.schema.columns().iter().zip(data.rows.columns()) {
        let values = match cells {
            _ if !column.role.is_input() => continue,
            TableCells::Texts(texts) => of_texts(texts),
            TableCells::Numbers(numbers) => of_numbers(numbers),
            _ => continue,
        };
        let roc_auc = crossed_auc(&values, labels)?;
        if roc_auc >= LEAK_AUC {
            leaks.push(Leak {
                column: column.name.clone(),
                roc_auc,
            });
        }
    }
    Ok(leaks)
}

/// Refuses a table with a leak.
pub(super) fn refuse_leaks(data: &ChurnData) -> Result<(), Error> {
    match find_leaks(data)?.into_iter().next() {
        None => Ok(()),
        Some(leak) => Err(TaskError::Leak {
            column: leak.column,
            label: data.label_name().to_owned(),
            roc_auc: leak.roc_auc,
        }
        .into()),
    }
}

/// The value of each row as a number; none where it is missing.
fn of_texts(texts: &Texts) -> Vec<Option<u32>> {
    let mut known: HashMap<&str, u32> = HashMap::new();
    let values = texts.iter().map(|text| {
        let next = known.len() as u32;
        (!text.is_empty()).then(|| *known.entry(text).or_insert(next))
    });
    values.collect()
}

fn of_numbers(numbers: &[Option<f64>]) -> Vec<Option<u32>> {
    let mut sorted: Vec<f64> = numbers.iter().flatten().copied().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let edge = |bin: usize| sorted.get(bin * sorted.len() / N_BINS).copied();
    let mut edges: Vec<f64> = (1..N_BINS).filter_map(edge).collect();
    edges.dedup();
    let bin = |number: f64| edges.partition_point(|&edge| edge <= number) as u32;
    numbers.iter().map(|number| number.map(bin)).collect()
}

/// Area under the ROC curve of the churn rate of the value of each row, by the rows of the other half.
fn crossed_auc(values: &[Option<u32>], labels: &[f32]) -> Result<f64, Error> {
    let n_values = values
        .iter()
        .flatten()
        .max()
        .map_or(0, |most| *most as usize + 1);
    // Rows and leavers of each value in each half; those of no value at the end.
    let mut counts = vec![[[0.0; 2]; 2]; n_values + 1];
    let mut present = [[0.0; 2]; 2];
    for (row, (value, &label)) in values.iter().zip(labels).enumerate() {
        let place = value.map_or(n_values, |value| value as usize);
        for (sum, more) in counts[place][row % 2]
            .iter_mut()
            .zip([1.0, f64::from(label)])
        {
            *sum += more;
        }
        if value.is_some() {
            present[row % 2][0] += 1.0;
            present[row % 2][1] += f64::from(label);
        }
    }
    let rate = |[all, left]: [f64; 2]| if all > 0.0 { left / all } else { 0.5 };
    let score = |(row, value): (usize, &Option<u32>)| {
        let other = 1 - row % 2;
        let of_value = counts[value.map_or(n_values, |value| value as usize)][other];
        match (of_value[0] > 0.0, value) {
            (false, Some(_)) => rate(present[other]),
            _ => rate(of_value),
        }
    };
    let scores = values.iter().enumerate().map(score).collect();
    let labels = labels.iter().map(|&label| label > 0.5).collect();
    Ok(roc_auc(&ClassificationCases::new(scores, labels)?)?)
}
