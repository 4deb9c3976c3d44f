//! Tables of text with aligned columns.

use std::cmp::Ordering;
use std::fmt;

/// A table that prints with its first column to the left and the others to the right.
#[derive(Clone, Debug)]
pub(crate) struct TextTable {
    rows: Vec<Vec<String>>,
}

impl TextTable {
    pub(crate) fn new(header: impl IntoIterator<Item = String>) -> Self {
        Self {
            rows: vec![header.into_iter().collect()],
        }
    }

    pub(super) fn extend_header(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows[0].extend(cells);
    }

    /// Adds a row; it should have a cell for each column.
    pub(crate) fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for TextTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        let lines = self.rows.iter().map(|row| {
            let cells = row.iter().zip(&widths).enumerate();
            let cells = cells.map(|(column, (cell, &width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            cells.collect::<Vec<_>>().join("  ")
        });
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

/// Orders `5-9` before `10-19`, and what starts with a number before what does not.
pub(super) fn natural_order(left: &str, right: &str) -> Ordering {
    let leading = |text: &str| {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        text[..end].parse::<u64>().unwrap_or(u64::MAX)
    };
    leading(left)
        .cmp(&leading(right))
        .then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_their_widest_cell() {
        let mut table = TextTable::new(["model", "hits"].map(str::to_owned));
        table.push(["popularity", "5"].map(str::to_owned));
        table.push(["é", "1234.5"].map(str::to_owned));
        let expected = "model         hits\npopularity       5\né           1234.5";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn groups_are_ordered_by_their_leading_number() {
        let mut groups = ["10-19", "5-9", "unknown", "20+", "head", "0-4"];
        groups.sort_by(|left, right| natural_order(left, right));
        assert_eq!(groups, ["0-4", "5-9", "10-19", "20+", "head", "unknown"]);
    }
}
