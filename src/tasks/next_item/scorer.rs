//! A trained model behind the interface that evaluations use.

use burn::tensor::Tensor;

use super::histories::Histories;
use super::model::NextItemModel;
use crate::evaluation::ranking::{RankingCase, Scorer, ScorerError};
use crate::features::EncodedAttributes;

/// Scores held at once, by which evaluations choose how many cases they score together: 64 MiB.
const SCORES_AT_ONCE: usize = 1 << 24;

/// Scores cases by a model, and cases without a history by popularity.
#[derive(Clone, Debug)]
pub struct ModelScorer<'a> {
    name: &'a str,
    model: &'a NextItemModel,
    /// The vectors that items are scored by.
    catalogue: Tensor<2>,
    item_counts: &'a [u32],
    users: Option<&'a EncodedAttributes>,
}

impl<'a> ModelScorer<'a> {
    /// Scores by `model`, under this name in reports; `item_counts` are the training events of each item, `users` what is
    /// known of each user that a case may name.
    pub(super) fn new(
        name: &'a str,
        model: &'a NextItemModel,
        item_counts: &'a [u32],
        users: Option<&'a EncodedAttributes>,
    ) -> Self {
        Self {
            catalogue: model.catalogue(),
            name,
            model,
            item_counts,
            users,
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
        let (reading, max_len) = (self.model.reading(), self.model.max_len());
        let histories = Histories::of_cases(cases, reading, max_len, self.users)?;
        let logits = self.model.logits_of(&histories, self.catalogue.clone())?;
        scores.copy_from_slice(logits.into_data().as_slice::<f32>()?);
        for row in scores.chunks_exact_mut(self.n_items()) {
            self.model.put_unknown_last(row);
        }
        let rows = scores.chunks_exact_mut(self.n_items()).zip(cases);
        for (row, _) in rows.filter(|(_, case)| case.history.is_empty()) {
            row.iter_mut()
                .zip(self.item_counts)
                .for_each(|(score, &count)| *score = count as f32);
        }
        Ok(())
    }
}

/// How many cases are scored together, at most 256, so that large catalogues do not fill the memory.
pub fn batch_size(n_items: usize) -> usize {
    (SCORES_AT_ONCE / n_items.max(1)).clamp(1, 256)
}
