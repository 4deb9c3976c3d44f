//! What the trainer is given to learn the next item.

use std::sync::Arc;

use super::config::{NextItemConfig, NextItemLoss};
use super::dataset::NextItemData;
use super::model::NextItemModel;
use super::scorer::ModelScorer;
use crate::evaluation::ranking::{RankingMetric, RankingSettings, SeenItems, evaluate_ranking};
use crate::features::FIRST_REAL_ID;
use crate::ops::embedding::embedding;
use crate::ops::linear_cross_entropy::{Negatives, linear_cross_entropy};
use crate::ops::pairwise_loss::binary_cross_entropy;
use crate::random::{Mode, RandomKey};
use crate::sequence::Offsets;
use crate::training::{BoxedError, Loss, NegativeSampler, Objective, TrainingError, Validation};

/// The cutoff by which training validates; smaller where the catalogue is.
const VALIDATION_CUTOFF: usize = 10;

/// Learns, at every event of every history, the item of the following one.
pub(super) struct NextItemObjective<'a> {
    config: &'a NextItemConfig,
    data: &'a NextItemData,
    sampler: Option<Arc<NegativeSampler>>,
}

/// Histories cut to the length that the model reads, and the item after each of their events.
pub(super) struct NextItemBatch {
    items: Vec<u32>,
    offsets: Offsets,
    /// Catalogue index after each event.
    targets: Vec<u32>,
    weights: Option<Vec<f32>>,
    negatives: Vec<u32>,
}

impl<'a> NextItemObjective<'a> {
    /// Prepares the negatives, if the loss needs any.
    pub(super) fn new(
        config: &'a NextItemConfig,
        data: &'a NextItemData,
    ) -> Result<Self, TrainingError> {
        let sampler = match config.loss {
            NextItemLoss::Softmax => None,
            NextItemLoss::BinaryCrossEntropy { sampling, .. } => {
                Some(Arc::new(NegativeSampler::new(sampling, &data.item_counts)?))
            }
        };
        Ok(Self {
            config,
            data,
            sampler,
        })
    }
}

impl Objective for NextItemObjective<'_> {
    type Model = NextItemModel;
    type Batch = NextItemBatch;

    fn n_examples(&self) -> usize {
        self.data.train.offsets.n_sequences()
    }

    fn batch(&self, examples: &[usize], key: RandomKey) -> Result<NextItemBatch, BoxedError> {
        let train = &self.data.train;
        let ranges: Vec<_> = examples
            .iter()
            .map(|&example| {
                let range = train.offsets.range(example);
                // One event more than the model reads, as the first one is no target and the last one no input.
                range
                    .start
                    .max(range.end.saturating_sub(self.config.max_len + 1))
                    ..range.end
            })
            .collect();
        let inputs = || ranges.iter().flat_map(|range| range.start..range.end - 1);
        let targets: Vec<u32> = inputs()
            .map(|row| train.items[row + 1] - FIRST_REAL_ID)
            .collect();
        let weights = train
            .weights
            .as_ref()
            .filter(|_| self.config.weighted_targets);
        let negatives = match (&self.sampler, self.config.loss) {
            (Some(sampler), NextItemLoss::BinaryCrossEntropy { n_negatives, .. }) => {
                sampler.sample(&targets, n_negatives, key)
            }
            _ => Vec::new(),
        };
        Ok(NextItemBatch {
            items: inputs().map(|row| train.items[row]).collect(),
            offsets: Offsets::from_lengths(ranges.iter().map(|range| range.len() - 1)),
            weights: weights.map(|weights| inputs().map(|row| weights[row + 1]).collect()),
            targets,
            negatives,
        })
    }

    fn loss(
        &self,
        model: &NextItemModel,
        batch: &NextItemBatch,
        mode: Mode,
    ) -> Result<Loss, BoxedError> {
        let hidden = model.forward(&batch.items, &batch.offsets, mode)?.rows();
        let weights = batch.weights.as_deref();
        let mean = match self.config.loss {
            NextItemLoss::Softmax => {
                linear_cross_entropy(hidden, model.catalogue(), &batch.targets, weights, 0.0)
            }
            NextItemLoss::BinaryCrossEntropy { .. } => {
                let (table, first) = model.scoring_rows();
                let rows =
                    |items: &[u32]| -> Vec<u32> { items.iter().map(|item| item + first).collect() };
                let (targets, negatives) = (rows(&batch.targets), rows(&batch.negatives));
                let groups = Offsets::uniform(targets.len(), 1);
                let of_batch = Negatives {
                    ids: &negatives,
                    groups: &groups,
                    log_chances: None,
                };
                let target_rows = embedding(table.clone(), &targets);
                let negative_rows = embedding(table, &negatives);
                binary_cross_entropy(
                    hidden,
                    target_rows,
                    negative_rows,
                    &targets,
                    &of_batch,
                    1.0,
                    weights,
                )
            }
        };
        let weight = weights.map_or(batch.targets.len() as f64, |weights| {
            weights.iter().map(|&w| f64::from(w)).sum()
        });
        Ok(Loss { mean, weight })
    }

    fn validate(&self, model: &NextItemModel) -> Result<Option<Validation>, BoxedError> {
        if self.data.validation.is_empty() {
            return Ok(None);
        }
        let k = VALIDATION_CUTOFF.min(self.data.n_items());
        let settings = RankingSettings {
            cutoffs: vec![k],
            seen_items: SeenItems::Filtered,
            interval: None,
            ..RankingSettings::default()
        };
        let report = evaluate_ranking(
            &self.data.validation,
            &ModelScorer::new("model", model, &self.data.item_counts),
            &settings,
        )?;
        Ok(Some(Validation::new(
            RankingMetric::Ndcg.name_at(k),
            report.means(),
        )))
    }
}
