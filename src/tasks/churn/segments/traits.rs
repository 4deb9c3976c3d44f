//! What sets the customers of a segment apart from all others.

use super::columns::{NamedColumn, Values};
use super::report::{SegmentContrast, SegmentTrait};

/// Least size of the effect that a column is named for: a small one by Cohen 1988, "Statistical power analysis for the
/// behavioral sciences", sections 2.2 and 6.2.
pub const LEAST_EFFECT: f64 = 0.2;

/// Least number of customers on either side of a comparison of means, and of those of a segment who have the value named.
pub const LEAST_ROWS: usize = 20;

/// Least size of an effect in standard errors, so that few of hundreds of columns are named by chance.
const LEAST_ERRORS: f64 = 3.0;
/// Columns named a segment.
const MOST_TRAITS: usize = 5;
/// What a column that is constant within the segment and outside it has, though its effect be infinite.
const MOST_EFFECT: f64 = 10.0;
/// Correlation from which on a column says what another has said already.
const ALIKE: f64 = 0.95;

/// A column that sets a segment apart, before it is told whether another says the same.
struct Candidate<'a> {
    column: &'a NamedColumn<'a>,
    effect: f64,
    marks: Marks<'a>,
}

/// What is compared.
#[derive(Clone, Copy)]
enum Marks<'a> {
    Numbers(&'a [Option<f64>]),
    /// Whether a row has the value at this place.
    Value(&'a Values<'a>, usize),
}

/// The columns that set a segment apart, the strongest first.
pub(super) fn traits(columns: &[NamedColumn<'_>], is_inside: &[bool]) -> Vec<SegmentTrait> {
    let found = columns.iter().filter_map(|column| {
        let numbers = column.numbers.and_then(|numbers| {
            let effect = difference(numbers, is_inside)?;
            Some((effect, Marks::Numbers(numbers)))
        });
        let value = most_typical(&column.values, is_inside);
        let stronger = |left: &(f64, _), right: &(f64, _)| left.0.abs().total_cmp(&right.0.abs());
        let (effect, marks) = numbers.into_iter().chain(value).max_by(stronger)?;
        Some(Candidate {
            column,
            effect,
            marks,
        })
    });
    let mut found: Vec<Candidate<'_>> = found.collect();
    found.sort_by(|left, right| right.effect.abs().total_cmp(&left.effect.abs()));
    without_repetition(found, is_inside)
}

/// Names a column that says what a stronger one has said beside that one.
fn without_repetition(found: Vec<Candidate<'_>>, is_inside: &[bool]) -> Vec<SegmentTrait> {
    let mut chosen: Vec<(Vec<f64>, SegmentTrait)> = Vec::new();
    for candidate in found {
        let centred = candidate.marks.centred(is_inside.len());
        let says_same = |other: &[f64]| correlation(&centred, other).abs() >= ALIKE;
        let stronger = chosen.iter().position(|(other, _)| says_same(other));
        match stronger {
            Some(stronger) => {
                let column = candidate.column.name.to_owned();
                chosen[stronger].1.likewise.push(column);
            }
            None if chosen.len() < MOST_TRAITS => {
                let found = SegmentTrait {
                    column: candidate.column.name.to_owned(),
                    effect: candidate.effect,
                    contrast: candidate.marks.contrast(is_inside),
                    likewise: Vec::new(),
                };
                chosen.push((centred, found));
            }
            None => {}
        }
    }
    chosen.into_iter().map(|(_, found)| found).collect()
}

/// Whether an effect of two groups is beyond doubt. Cohen's d and h have the same error where effects are small.
fn is_sure(effect: f64, n_inside: usize, n_outside: usize) -> bool {
    let error = (1.0 / n_inside as f64 + 1.0 / n_outside as f64).sqrt();
    effect.abs() >= LEAST_EFFECT.max(LEAST_ERRORS * error)
}

/// Cohen's d: the difference of the means in units of the pooled standard deviation.
fn difference(numbers: &[Option<f64>], is_inside: &[bool]) -> Option<f64> {
    let sides = [true, false].map(|side| present(numbers, is_inside, side));
    let first = numbers.iter().flatten().next()?;
    // The mean of equal numbers may be off by a rounding, which would be compared with a deviation of as little.
    if sides.iter().any(|side| side.len() < LEAST_ROWS)
        || numbers.iter().flatten().all(|number| number == first)
    {
        return None;
    }
    let [inside, outside] = sides.each_ref().map(|side| mean(side));
    let squares = |side: &[f64], mean: f64| -> f64 {
        side.iter().map(|number| (number - mean).powi(2)).sum()
    };
    let n_rows = sides[0].len() + sides[1].len();
    let pooled = squares(&sides[0], inside) + squares(&sides[1], outside);
    let deviation = (pooled / (n_rows - 2) as f64).sqrt();
    let effect = match inside == outside {
        true => 0.0,
        false => ((inside - outside) / deviation).clamp(-MOST_EFFECT, MOST_EFFECT),
    };
    is_sure(effect, sides[0].len(), sides[1].len()).then_some(effect)
}

/// The value that the segment has more often than others by the largest effect, Cohen's h.
fn most_typical<'a>(values: &'a Values<'a>, is_inside: &[bool]) -> Option<(f64, Marks<'a>)> {
    let n_rows = shares_of(is_inside);
    let mut counts = vec![[0_usize; 2]; values.names.len()];
    for (row, &inside) in is_inside.iter().enumerate() {
        for &place in values.of_row(row) {
            counts[place][usize::from(!inside)] += 1;
        }
    }
    let effect = |[inside, outside]: [usize; 2]| {
        let angle = |n: usize, of: usize| 2.0 * (n as f64 / of as f64).sqrt().asin();
        angle(inside, n_rows[0]) - angle(outside, n_rows[1])
    };
    let typical = counts
        .into_iter()
        .enumerate()
        .filter_map(|(place, n_each)| {
            let enough = n_each[0] >= LEAST_ROWS && n_rows[1] >= LEAST_ROWS;
            let effect = enough.then(|| effect(n_each))?;
            (effect > 0.0 && is_sure(effect, n_rows[0], n_rows[1])).then_some((effect, place))
        });
    // The first of equals.
    let (effect, place) = typical.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    Some((effect, Marks::Value(values, place)))
}

/// Rows inside, and outside.
fn shares_of(is_inside: &[bool]) -> [usize; 2] {
    let n_inside = is_inside.iter().filter(|&&inside| inside).count();
    [n_inside, is_inside.len() - n_inside]
}

impl Marks<'_> {
    /// A number a row whose sum is nought; nought where there is none.
    fn centred(self, n_rows: usize) -> Vec<f64> {
        match self {
            Self::Numbers(numbers) => {
                let known: Vec<f64> = numbers.iter().flatten().copied().collect();
                let mean = mean(&known);
                let centred = |number: &Option<f64>| number.map_or(0.0, |number| number - mean);
                numbers.iter().map(centred).collect()
            }
            Self::Value(values, place) => {
                let has = |row| f64::from(u8::from(values.of_row(row).contains(&place)));
                let all: Vec<f64> = (0..n_rows).map(has).collect();
                let mean = mean(&all);
                all.iter().map(|has| has - mean).collect()
            }
        }
    }

    fn contrast(self, is_inside: &[bool]) -> SegmentContrast {
        match self {
            Self::Numbers(numbers) => {
                let sides = [true, false].map(|side| present(numbers, is_inside, side));
                let [mean, mean_of_others] = sides.each_ref().map(|side| mean(side));
                let [median, median_of_others] = sides.map(median);
                SegmentContrast::Number {
                    mean,
                    mean_of_others,
                    median,
                    median_of_others,
                }
            }
            Self::Value(values, place) => {
                let n_rows = shares_of(is_inside);
                let mut n_each = [0_usize; 2];
                for (row, &inside) in is_inside.iter().enumerate() {
                    let has = values.of_row(row).contains(&place);
                    n_each[usize::from(!inside)] += usize::from(has);
                }
                let share_of = |side: usize| n_each[side] as f64 / n_rows[side] as f64;
                SegmentContrast::Value {
                    value: values.names[place].map(str::to_owned),
                    share: share_of(0),
                    share_of_others: share_of(1),
                    lift: (n_each[1] > 0).then(|| share_of(0) / share_of(1)),
                }
            }
        }
    }
}

/// The numbers of the rows on one side that have one.
fn present(numbers: &[Option<f64>], is_inside: &[bool], side: bool) -> Vec<f64> {
    let rows = numbers.iter().zip(is_inside);
    rows.filter(|(_, inside)| **inside == side)
        .filter_map(|(number, _)| *number)
        .collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// The middle number, or the mean of both.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len().is_multiple_of(2) {
        true => f64::midpoint(numbers[middle - 1], numbers[middle]),
        false => numbers[middle],
    }
}

/// Pearson's correlation of centred numbers.
fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let product = |left: &[f64], right: &[f64]| -> f64 {
        left.iter()
            .zip(right)
            .map(|(left, right)| left * right)
            .sum()
    };
    product(left, right) / (product(left, left) * product(right, right)).sqrt()
}
