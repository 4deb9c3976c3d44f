//! The order of events at the same time, by a column of numbers or text.

/// The values of a tie-break column, end to end.
#[derive(Default)]
pub(crate) struct TieBreaks {
    text: String,
    /// Where each value ends in `text`.
    ends: Vec<usize>,
}

impl TieBreaks {
    /// Adds a value; empty for a missing one.
    pub(crate) fn push(&mut self, value: &str) {
        self.text.push_str(value.trim());
        self.ends.push(self.text.len());
    }

    fn values(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let value = &self.text[start..end];
            start = end;
            value
        })
    }

    /// A number for each value that sorts as the values do: as numbers if all are numbers, else as text; missing ones first.
    pub(crate) fn into_keys(self) -> Vec<i64> {
        let keys_by = |key: fn(&str) -> Option<i64>| {
            self.values()
                .map(|value| {
                    if value.is_empty() {
                        Some(i64::MIN)
                    } else {
                        key(value)
                    }
                })
                .collect::<Option<Vec<i64>>>()
        };
        keys_by(|value| value.parse().ok())
            .or_else(|| keys_by(|value| value.parse().ok().and_then(float_key)))
            .unwrap_or_else(|| self.text_ranks())
    }

    fn text_ranks(&self) -> Vec<i64> {
        let values: Vec<&str> = self.values().collect();
        let mut distinct = values.clone();
        distinct.sort_unstable();
        distinct.dedup();
        values
            .iter()
            .map(|value| distinct.partition_point(|other| other < value) as i64)
            .collect()
    }
}

/// An integer that sorts as finite floats do; adding zero makes one of the two zeros.
fn float_key(value: f64) -> Option<i64> {
    let bits = (value + 0.0).to_bits() as i64;
    value
        .is_finite()
        .then_some(bits ^ (((bits >> 63) as u64) >> 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted<'a>(values: &[&'a str]) -> Vec<&'a str> {
        let mut ties = TieBreaks::default();
        values.iter().for_each(|value| ties.push(value));
        let keys = ties.into_keys();
        let mut rows: Vec<usize> = (0..values.len()).collect();
        rows.sort_by_key(|&row| keys[row]);
        rows.into_iter().map(|row| values[row]).collect()
    }

    #[test]
    fn numbers_sort_as_numbers() {
        assert_eq!(sorted(&["10", "9", "", "-1"]), ["", "-1", "9", "10"]);
        assert_eq!(
            sorted(&["1e1", "9", "-0.5", "-2.5", ""]),
            ["", "-2.5", "-0.5", "9", "1e1"]
        );
    }

    #[test]
    fn whole_numbers_beyond_the_precision_of_floats_sort_exactly() {
        assert_eq!(
            sorted(&["9007199254740993", "9007199254740992"]),
            ["9007199254740992", "9007199254740993"]
        );
    }

    #[test]
    fn one_value_that_is_no_number_makes_all_text() {
        assert_eq!(sorted(&["9", "10", "b", ""]), ["", "10", "9", "b"]);
        assert_eq!(sorted(&["9", "nan", "10"]), ["10", "9", "nan"]);
    }
}
