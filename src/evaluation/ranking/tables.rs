//! The tables that reports print.

use std::collections::BTreeMap;

use super::SegmentReport;
use crate::evaluation::text_table::{TextTable, natural_order};

/// A row a measure, a column a cutoff.
pub(super) fn cutoff_table<M: Copy>(
    heading: &str,
    cutoffs: &[usize],
    measures: impl IntoIterator<Item = (&'static str, M)>,
    cell: impl Fn(M, usize) -> Option<String>,
) -> TextTable {
    let mut table = TextTable::new([heading.to_owned()]);
    table.extend_header(cutoffs.iter().map(|k| format!("at {k}")));
    for (title, measure) in measures {
        let cells = cutoffs.iter();
        let cells = cells.map(|&k| cell(measure, k).unwrap_or_default());
        table.push(std::iter::once(title.to_owned()).chain(cells));
    }
    table
}

/// A row a group of cases, a column a measure at `k`; `columns` are titles and names such as `ndcg_at_10`.
pub(super) fn segment_table(
    name: &str,
    k: usize,
    groups: &BTreeMap<String, SegmentReport>,
    columns: &[(&'static str, String)],
) -> TextTable {
    let mut table = TextTable::new([format!("{name}, at {k}"), "users".to_owned()]);
    table.extend_header(columns.iter().map(|(title, _)| (*title).to_owned()));
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by(|(left, _), (right, _)| natural_order(left, right));
    for (group, report) in groups {
        let means = columns.iter().map(|(_, name)| report.metrics.get(name));
        let cells = means.map(|mean| mean.map_or_else(String::new, |mean| format!("{mean:.4}")));
        table.push(
            [group.clone(), report.n_users.to_string()]
                .into_iter()
                .chain(cells),
        );
    }
    table
}
