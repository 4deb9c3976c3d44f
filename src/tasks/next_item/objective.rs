//! What the trainer is given to learn the next item.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::Tensor;
use rand::RngExt;

use super::config::{Learning, NextItemConfig};
use super::dataset::NextItemData;
use super::histories::{HIDDEN, Histories, Reading};
use super::loss::{NegativeSharing, NextItemLoss};
use super::model::NextItemModel;
use super::scorer::{ModelScorer, batch_size};
use crate::evaluation::ranking::{RankingMetric, RankingSettings, SeenItems, evaluate_ranking};
use crate::features::FIRST_REAL_ID;
use crate::ops::linear_cross_entropy::{
    Negatives, linear_cross_entropy, sampled_cross_entropy_of_rows,
};
use crate::ops::pairwise_loss::{bayesian_ranking, binary_cross_entropy, calibrated_power};
use crate::random::{Mode, RandomKey};
use crate::sequence::Offsets;
use crate::training::{
    BoxedError, Loss, NegativeSampler, NegativeSampling, Objective, TrainingError, Validation,
};

/// The cutoff by which training validates; smaller where the catalogue is.
const VALIDATION_CUTOFF: usize = 10;

/// Learns the items of a history's events: at each the following one's, or those that are hidden.
pub(super) struct NextItemObjective<'a> {
    config: &'a NextItemConfig,
    data: &'a NextItemData,
    reading: Reading,
    /// The weight of a target by the number of its type of event.
    weight_of_event: Option<Vec<f32>>,
    sampler: Option<NegativeSampler>,
    /// Logarithm of each item's chance to be drawn.
    log_chances: Option<Vec<f32>>,
}

/// Histories cut to the length that the model reads, and what is asked of them.
pub(super) struct NextItemBatch {
    histories: Histories,
    /// The rows that are asked, ascending; all if none.
    asked: Option<Vec<i64>>,
    /// Catalogue index of the right answer to each.
    targets: Vec<u32>,
    weights: Option<Vec<f32>>,
    negatives: Vec<u32>,
    /// Which targets share negatives.
    groups: Offsets,
}

/// A question: which row is asked, and which event of the training part is the answer.
struct Question {
    row: usize,
    answer: usize,
    weight: f32,
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
        let log_chances = match config.loss {
            NextItemLoss::SampledSoftmax { log_q: true, .. } => sampler
                .as_ref()
                .map(|sampler| log_chances(sampler, &data.item_counts)),
            _ => None,
        };
        let weight_of = |name: &String| config.target_weights.get(name).copied().unwrap_or(1.0);
        let weight_of_event = (!config.target_weights.is_empty()).then(|| {
            let known = data.event_names.iter().map(weight_of);
            std::iter::once(1.0).chain(known).collect()
        });
        Ok(Self {
            reading: Reading::new(config),
            config,
            data,
            weight_of_event,
            sampler,
            log_chances,
        })
    }

    /// How much a training event counts as a target.
    fn weight(&self, event: usize) -> f32 {
        let train = &self.data.train;
        if train
            .is_target
            .as_ref()
            .is_some_and(|is_target| !is_target[event])
        {
            return 0.0;
        }
        let of_type = |weights: &Vec<f32>, events: &Vec<u16>| weights[events[event] as usize];
        let by_type = self.weight_of_event.as_ref().zip(train.events.as_ref());
        let weighted = train
            .weights
            .as_ref()
            .filter(|_| self.config.weighted_targets);
        by_type.map_or(1.0, |(weights, events)| of_type(weights, events))
            * weighted.map_or(1.0, |weights| weights[event])
    }

    /// The events that are read of each history, and what is asked of them.
    fn questions(
        &self,
        examples: &[usize],
        key: RandomKey,
    ) -> (Vec<Range<usize>>, Vec<Vec<Question>>) {
        let max_len = self.config.max_len;
        let mut first_row = 0;
        let histories = examples.iter().enumerate().map(|(index, &example)| {
            let range = self.data.train.offsets.range(example);
            let (read, questions) = match self.config.learning {
                Learning::NextEvent => {
                    // One event more than the model reads: the first one is no target and the last one no input.
                    let start = range.start.max(range.end.saturating_sub(max_len + 1));
                    let read = start..range.end - 1;
                    let questions = read.clone().map(|event| (event - start, event + 1));
                    (read.clone(), questions.collect::<Vec<_>>())
                }
                Learning::Masked { share } => {
                    let start = range.start.max(range.end.saturating_sub(max_len));
                    let hidden = hidden(range.end - start, share, key.child(index as u64));
                    let questions = hidden.into_iter().map(|row| (row, start + row));
                    (start..range.end, questions.collect())
                }
            };
            let questions = questions.into_iter().map(|(row, answer)| Question {
                row: first_row + row,
                answer,
                weight: self.weight(answer),
            });
            let questions: Vec<Question> =
                questions.filter(|question| question.weight > 0.0).collect();
            first_row += read.len();
            (read, questions)
        });
        histories.unzip()
    }

    /// The columns that the model reads of some events.
    fn histories(&self, examples: &[usize], ranges: &[Range<usize>]) -> Histories {
        let train = &self.data.train;
        let rows = || ranges.iter().cloned().flatten();
        let offsets = Offsets::from_lengths(ranges.iter().map(Range::len));
        let mut histories = Histories::new(rows().map(|row| train.items[row]).collect(), offsets);
        if self.reading.times {
            histories.times_utc_millis =
                Some(rows().map(|row| train.times_utc_millis[row]).collect());
        }
        if self.reading.query_time {
            // Only the next event is ever asked for by time, and the last one is not read.
            histories.query_times_utc_millis =
                Some(rows().map(|row| train.times_utc_millis[row + 1]).collect());
        }
        if let Some(events) = train.events.as_ref().filter(|_| self.reading.events) {
            histories.events = Some(rows().map(|row| events[row].into()).collect());
        }
        if let Some(weights) = train.weights.as_ref().filter(|_| self.reading.weights) {
            histories.weights = Some(rows().map(|row| weights[row]).collect());
        }
        let users = self.data.user_attributes.as_ref();
        if let Some(users) = users.filter(|_| self.reading.user_attributes) {
            let of_batch = examples
                .iter()
                .map(|&example| Some(train.users[example] as usize));
            let of_batch: Vec<Option<usize>> = of_batch.collect();
            histories.user_attributes = Some(users.rows.select_or_missing(&of_batch));
        }
        histories
    }

    /// Negatives for targets, and which targets share them.
    fn negatives(
        &self,
        targets: &[u32],
        per_history: &[usize],
        key: RandomKey,
    ) -> (Vec<u32>, Offsets) {
        let (Some(sampler), Some(negatives)) = (&self.sampler, self.config.loss.negatives()) else {
            return (Vec::new(), Offsets::from_lengths([targets.len()]));
        };
        let n_each = negatives.count;
        let groups = match negatives.sharing {
            NegativeSharing::PerTarget => {
                let groups = Offsets::uniform(targets.len(), 1);
                return (sampler.sample(targets, n_each, key), groups);
            }
            NegativeSharing::PerHistory => Offsets::from_lengths(per_history.iter().copied()),
            NegativeSharing::PerBatch => Offsets::from_lengths([targets.len()]),
        };
        let drawn = sampler.sample_shared(targets, groups.n_sequences() * n_each, key);
        (drawn, groups)
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
        let train = &self.data.train;
        let (ranges, questions) = self.questions(examples, key.child(0));
        let mut histories = self.histories(examples, &ranges);
        let n_rows = histories.offsets.n_rows();
        let all = || questions.iter().flatten();
        if self.reading.masked {
            all().for_each(|question| histories.items[question.row] = HIDDEN);
            for question in all() {
                // What a hidden event was like would give it away.
                let row = question.row;
                histories
                    .events
                    .iter_mut()
                    .for_each(|events| events[row] = 0);
                histories
                    .weights
                    .iter_mut()
                    .for_each(|weights| weights[row] = 0.0);
            }
        }
        let targets: Vec<u32> = all()
            .map(|question| train.items[question.answer] - FIRST_REAL_ID)
            .collect();
        let per_history: Vec<usize> = questions.iter().map(Vec::len).collect();
        let (negatives, groups) = self.negatives(&targets, &per_history, key.child(1));
        let is_weighted = self.config.weighted_targets || self.weight_of_event.is_some();
        Ok(NextItemBatch {
            asked: (targets.len() < n_rows)
                .then(|| all().map(|question| question.row as i64).collect()),
            weights: is_weighted.then(|| all().map(|question| question.weight).collect()),
            histories,
            targets,
            negatives,
            groups,
        })
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
            Some(asked) => super::model::select(encoded, asked),
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
        let users = users.map(|users| Arc::new(users.rows.clone()));
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

/// The events of a history that are hidden: each with the same chance, the last one if none came to be.
fn hidden(n_events: usize, share: f64, key: RandomKey) -> Vec<usize> {
    let mut generator = key.generator();
    let drawn = (0..n_events).filter(|_| generator.random_bool(share));
    let drawn: Vec<usize> = drawn.collect();
    match drawn.is_empty() {
        true => vec![n_events - 1],
        false => drawn,
    }
}

/// The logarithm of each item's chance to be drawn. From the batch, items come by their events; an item that is never drawn
/// is nobody's rival, so any number serves.
fn log_chances(sampler: &NegativeSampler, item_counts: &[u32]) -> Vec<f32> {
    let n_events: f64 = item_counts.iter().map(|&count| f64::from(count)).sum();
    let by_events = |count: u32| f64::from(count) / n_events;
    let chances = (0..).zip(item_counts).map(|(item, &count)| {
        let chance = sampler
            .probability(item)
            .unwrap_or_else(|| by_events(count));
        chance.max(f64::MIN_POSITIVE).ln() as f32
    });
    chances.collect()
}
