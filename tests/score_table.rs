//! A scorer that reads its scores from a table, and cases to ask it.

use salient::evaluation::ranking::{RankingCase, RankingSettings, Scorer, ScorerError};

/// Gives each case the row that its query time names, so that cases can be reordered.
pub(crate) struct Table {
    pub(crate) n_items: usize,
    pub(crate) rows: Vec<Vec<f32>>,
}

/// The row of a table that a case is scored by.
pub(crate) fn row_of(case: &RankingCase) -> usize {
    case.query_time_utc_millis.unwrap() as usize
}

impl Scorer for Table {
    fn name(&self) -> &str {
        "table"
    }

    fn n_items(&self) -> usize {
        self.n_items
    }

    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        for (case, row) in cases.iter().zip(scores.chunks_mut(self.n_items)) {
            row.copy_from_slice(&self.rows[row_of(case)]);
        }
        Ok(())
    }
}

pub(crate) fn case(row: usize, history: &[u32], targets: &[u32]) -> RankingCase {
    RankingCase {
        history: history.to_vec(),
        targets: targets.to_vec(),
        query_time_utc_millis: Some(row as i64),
        ..RankingCase::default()
    }
}

pub(crate) fn settings(cutoffs: &[usize]) -> RankingSettings {
    RankingSettings {
        cutoffs: cutoffs.to_vec(),
        interval: None,
        ..RankingSettings::default()
    }
}
