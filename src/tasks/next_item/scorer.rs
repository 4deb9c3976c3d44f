//! A trained model behind the interface that evaluations use.

use super::model::NextItemModel;
use crate::evaluation::ranking::{RankingCase, Scorer, ScorerError};
use crate::features::FIRST_REAL_ID;
use crate::sequence::Offsets;

/// Scores cases by a model, and cases without a history by popularity.
#[derive(Clone, Copy, Debug)]
pub struct ModelScorer<'a> {
    name: &'a str,
    model: &'a NextItemModel,
    item_counts: &'a [u32],
}

impl<'a> ModelScorer<'a> {
    /// Scores by `model`, under this name in reports; `item_counts` are the training events of each item.
    pub(super) fn new(name: &'a str, model: &'a NextItemModel, item_counts: &'a [u32]) -> Self {
        Self {
            name,
            model,
            item_counts,
        }
    }
}

impl Scorer for ModelScorer<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn n_items(&self) -> usize {
        self.item_counts.len()
    }

    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        let histories: Vec<&[u32]> = cases
            .iter()
            .map(|case| recent(&case.history, self.model.max_len()))
            .collect();
        let items: Vec<u32> = histories
            .concat()
            .iter()
            .map(|index| index + FIRST_REAL_ID)
            .collect();
        let offsets = Offsets::from_lengths(histories.iter().map(|history| history.len()));
        let logits = self.model.logits(&items, &offsets)?.into_data();
        scores.copy_from_slice(logits.as_slice::<f32>()?);
        let rows = scores.chunks_exact_mut(self.n_items()).zip(&histories);
        for (row, _) in rows.filter(|(_, history)| history.is_empty()) {
            row.iter_mut()
                .zip(self.item_counts)
                .for_each(|(score, &count)| *score = count as f32);
        }
        Ok(())
    }
}

/// The last `n` of `items`.
pub(super) fn recent(items: &[u32], n: usize) -> &[u32] {
    &items[items.len().saturating_sub(n)..]
}
