//! What the trainer is given to learn the next item.

use burn::tensor::Tensor;

use super::batch::NextItemBatch;
use super::config::NextItemConfig;
use super::dataset::NextItemData;
use super::histories::Reading;
use super::loss::NextItemLoss;
use super::model::NextItemModel;
use super::scorer::{ModelScorer, batch_size};
use super::user_tokens::select;
use crate::evaluation::ranking::{RankingMetric, RankingSettings, SeenItems, evaluate_ranking};
use crate::features::FIRST_REAL_ID;
use crate::ops::linear_cross_entropy::{
    Negatives, linear_cross_entropy, sampled_cross_entropy_of_rows,
};
use crate::ops::pairwise_loss::{bayesian_ranking, binary_cross_entropy, calibrated_power};
use crate::random::{Mode, RandomKey};
use crate::training::{
    BoxedError, Loss, NegativeSampler, NegativeSampling, Objective, TrainingError, Validation,
};

/// The cutoff by which training validates; smaller where the catalogue is.
const VALIDATION_CUTOFF: usize = 10;

/// Learns the items of a history's events: at each the following one's, or those that are hidden.
pub(super) struct NextItemObjective<'a> {
    pub(super) config: &'a NextItemConfig,
    pub(super) data: &'a NextItemData,
    pub(super) reading: Reading,
    /// The weight of a target by the number of its type of event.
    pub(super) weight_of_event: Option<Vec<f32>>,
    pub(super) sampler: Option<NegativeSampler>,
    /// Logarithm of each item's chance to be drawn.
    log_chances: Option<Vec<f32>>,
}

impl<'a> NextItemObjective<'a> {
    /// Prepares the negatives, if the loss needs any.
    pub(super) fn new(
        config: &'a NextItemConfig,
        data: &'a NextItemData,
    ) -> Result<Self, TrainingError> {
        let sampler = config.loss.negatives().map(|negatives| {
            // Items that training never sees are nobody's rivals.
            let sampling = match negatives.sampling {
                NegativeSampling::Uniform if data.item_counts.contains(&0) => {
                    NegativeSampling::Popularity { power: 0.0 }
                }
                sampling => sampling,
            };
            NegativeSampler::new(sampling, &data.item_counts)
        });
        let sampler = sampler.transpose()?;
        let weight_of = |name: &String| config.target_weights.get(name).copied().unwrap_or(1.0);
        let weight_of_event = (!config.target_weights.is_empty()).then(|| {
            let known = data.event_names.iter().map(weight_of);
            std::iter::once(1.0).chain(known).collect()
        });
        let mut objective = Self {
            reading: Reading::new(config),
            config,
            data,
            weight_of_event,
            sampler,
            log_chances: None,
        };
        if let NextItemLoss::SampledSoftmax { log_q: true, .. } = config.loss {
            objective.log_chances = objective.chances();
        }
        Ok(objective)
    }

    /// The logarithm of each item's chance to be drawn; none without a sampler. From the batch, items come by how often they
    /// are targets; an item that is never drawn is nobody's rival, so any number serves.
    fn chances(&self) -> Option<Vec<f32>> {
        let sampler = self.sampler.as_ref()?;
        let train = &self.data.train;
        let mut n_asked = vec![0_u32; self.data.n_items()];
        for range in train.offsets.ranges() {
            // The first event of a history is asked for by learning from both sides alone.
            let first = usize::from(!self.reading.masked);
            for event in range.skip(first).filter(|&event| self.weight(event) > 0.0) {
                n_asked[(train.items[event] - FIRST_REAL_ID) as usize] += 1;
            }
        }
        let n_targets: f64 = n_asked.iter().map(|&count| f64::from(count)).sum();
        let chances = (0..).zip(&n_asked).map(|(item, &count)| {
            let from_batch = || f64::from(count) / n_targets;
            let chance = sampler.probability(item).unwrap_or_else(from_batch);
            chance.max(f64::MIN_POSITIVE).ln() as f32
        });
        Some(chances.collect())
    }

    /// The loss against sampled items.
    fn sampled(
        &self,
        model: &NextItemModel,
        batch: &NextItemBatch,
        queries: Tensor<2>,
        mode: Mode,
    ) -> Tensor<1> {
        let targets = &batch.targets;
        let positive = model.scoring_vectors(targets, mode.child(1));
        let negative = model.scoring_vectors(&batch.negatives, mode.child(2));
        let weights = batch.weights.as_deref();
        let rivals = Negatives {
            ids: &batch.negatives,
            groups: &batch.groups,
            log_chances: self.log_chances.as_deref(),
        };
        match self.config.loss {
            NextItemLoss::BinaryCrossEntropy {
                negatives,
                calibration,
            } => {
                let n_items = self
                    .data
                    .item_counts
                    .iter()
                    .filter(|count| **count > 0)
                    .count();
                let power = calibrated_power(negatives.count, n_items, calibration);
                binary_cross_entropy(
                    queries, positive, negative, targets, &rivals, power, weights,
                )
            }
            NextItemLoss::BayesianRanking { .. } => {
                bayesian_ranking(queries, positive, negative, targets, &rivals, weights)
            }
            NextItemLoss::Softmax { .. } | NextItemLoss::SampledSoftmax { .. } => {
                sampled_cross_entropy_of_rows(
                    queries, positive, negative, targets, &rivals, weights,
                )
            }
        }
    }
}

impl Objective for NextItemObjective<'_> {
    type Model = NextItemModel;
    type Batch = NextItemBatch;

    fn n_examples(&self) -> usize {
        self.data.train.offsets.n_sequences()
    }

    fn batch(&self, examples: &[usize], key: RandomKey) -> Result<NextItemBatch, BoxedError> {
        Ok(self.make_batch(examples, key))
    }

    fn loss(
        &self,
        model: &NextItemModel,
        batch: &NextItemBatch,
        mode: Mode,
    ) -> Result<Loss, BoxedError> {
        let weights = batch.weights.as_deref();
        if batch.targets.is_empty() {
            let mean = Tensor::zeros([1], &model.item_embedding.device());
            return Ok(Loss { mean, weight: 0.0 });
        }
        let encoded = model.forward(&batch.histories, mode.child(0))?.rows();
        let encoded = match &batch.asked {
            Some(asked) => select(encoded, asked),
            None => encoded,
        };
        let queries = model.queries(encoded);
        let mean = match self.config.loss {
            NextItemLoss::Softmax { label_smoothing } => {
                let (table, targets) = model.trained_vectors(&batch.targets, mode.child(1));
                linear_cross_entropy(queries, table, &targets, weights, label_smoothing)
            }
            _ => self.sampled(model, batch, queries, mode),
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
            batch_size: batch_size(self.data.n_items()),
            interval: None,
            ..RankingSettings::default()
        };
        let users = self.data.user_attributes.as_ref();
        let users = users.map(|users| &users.rows);
        let report = evaluate_ranking(
            &self.data.validation,
            &ModelScorer::new("model", model, &self.data.item_counts, users),
            &settings,
        )?;
        Ok(Some(Validation::new(
            RankingMetric::Ndcg.name_at(k),
            report.means(),
        )))
    }
}
