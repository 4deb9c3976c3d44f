//! From a split log to a trained recommender.

use std::sync::Arc;

use burn::tensor::Device;
use sha2::{Digest, Sha256};

use super::config::NextItemConfig;
use super::dataset::{Attributes, NextItemData};
use super::init::ModelInputs;
use super::model::NextItemModel;
use super::objective::NextItemObjective;
use super::recommender::Recommender;
use crate::Error;
use crate::features::{EncodedColumn, FIRST_REAL_ID};
use crate::random::{RandomKey, Stream};
use crate::tasks::TaskError;
use crate::training::{Trained, Trainer};

/// Trains a recommender.
///
/// `trainer` brings the settings of the run, usually `config.training`, and whoever watches, cancels or resumes it. The run
/// computes on `device`, and the recommender stays there.
///
/// # Errors
/// [`Error::Task`] (among them [`TaskError::NoWeights`]), [`Error::Model`] for the settings, [`Error::Training`] for the run.
pub fn fit(
    config: &NextItemConfig,
    data: &NextItemData,
    trainer: Trainer<'_>,
    device: &Device,
) -> Result<Trained<Recommender>, Error> {
    let key = RandomKey::new(config.training.seed).stream(Stream::Weights);
    let model = NextItemModel::init(config, inputs(config, data)?, key, device)?;
    train(config, model, data, trainer)
}

/// Trains a model on data that its settings fit.
pub(super) fn train(
    config: &NextItemConfig,
    model: NextItemModel,
    data: &NextItemData,
    trainer: Trainer<'_>,
) -> Result<Trained<Recommender>, Error> {
    let objective = NextItemObjective::new(config, data)?;
    let trained = trainer.fit(model, &objective)?;
    let reads_users = data
        .user_attributes
        .as_ref()
        .filter(|_| config.user_attributes);
    let recommender = Recommender {
        event_names: data.event_names.clone(),
        item_content: data
            .item_content
            .clone()
            .filter(|_| config.content.is_some()),
        user_schema: reads_users.map(|users| users.schema.clone()),
        ..Recommender::new(
            config.clone(),
            trained.model,
            data.catalogue.clone(),
            data.item_counts.clone(),
        )
    };
    Ok(Trained {
        model: recommender,
        history: trained.history,
        best_epoch: trained.best_epoch,
        stopped: trained.stopped,
        steps: trained.steps,
        timing: trained.timing,
    })
}

/// What a model must know of its data, checked against what the settings read.
///
/// # Errors
/// The [`TaskError`] that names what is missing.
pub(super) fn inputs(
    config: &NextItemConfig,
    data: &NextItemData,
) -> Result<ModelInputs, TaskError> {
    let train = &data.train;
    if config.weighted_targets && train.weights.is_none() {
        return Err(TaskError::NoWeights {
            setting: "weighted_targets",
        });
    }
    if config.event_weights && train.weights.is_none() {
        return Err(TaskError::NoWeights {
            setting: "event_weights",
        });
    }
    if config.event_types && train.events.is_none() {
        return Err(TaskError::NoEventTypes {
            setting: "event_types",
        });
    }
    if config.time_intervals && !train.has_times {
        return Err(TaskError::NoTimes {
            setting: "time_intervals",
        });
    }
    if !config.target_weights.is_empty() && train.events.is_none() {
        return Err(TaskError::NoEventTypes {
            setting: "target_weights",
        });
    }
    if let Some(name) = config
        .target_weights
        .keys()
        .find(|name| !data.event_names.contains(name))
    {
        return Err(TaskError::UnknownEventType {
            name: name.clone(),
            known: data.event_names.clone(),
        });
    }
    let weights = train.weights.iter().flatten();
    let negative = weights.enumerate().find(|(_, weight)| **weight < 0.0);
    if let Some((event, &weight)) = negative.filter(|_| config.weighted_targets) {
        return Err(TaskError::NegativeWeight { event, weight });
    }
    let trained = trained(&data.item_counts);
    let uncounted = |number: &&u32| {
        let is_counted =
            |trained: &Arc<[u32]>| trained.binary_search(&(**number - FIRST_REAL_ID)).is_ok();
        !trained.as_ref().is_none_or(is_counted)
    };
    if let Some(number) = train.items.iter().find(uncounted) {
        return Err(TaskError::UncountedItem {
            id: data.catalogue.id(*number).unwrap_or_default().to_owned(),
        });
    }
    // A table without attributes tells nothing.
    let content = data.item_content.as_ref();
    let content = content.filter(|content| !content.rows.columns.is_empty());
    let users = data.user_attributes.as_ref();
    let users = users.filter(|users| !users.rows.columns.is_empty());
    Ok(ModelInputs {
        n_items: data.n_items(),
        n_event_types: data.event_names.len(),
        trained,
        item_content: content.map(|content| Arc::new(content.rows.clone())),
        user_attributes: users.map(|users| users.schema.nothing_known()),
    })
}

/// The items that training sees; `None` where it sees all, or where nobody counted.
pub(super) fn trained(item_counts: &[u32]) -> Option<Arc<[u32]>> {
    let seen = (0..).zip(item_counts).filter(|(_, count)| **count > 0);
    let seen: Vec<u32> = seen.map(|(item, _)| item).collect();
    (!seen.is_empty() && seen.len() < item_counts.len()).then(|| seen.into())
}

impl NextItemData {
    /// Tells a run on this data with this model from any other, so that a checkpoint is not resumed by the wrong one.
    pub fn fingerprint(&self, config: &NextItemConfig) -> String {
        let mut digest = Sha256::new();
        let model = NextItemConfig {
            training: Default::default(),
            ..config.clone()
        };
        // Settings are plain numbers and names, which always have a JSON form.
        digest.update(serde_json::to_vec(&model).unwrap_or_default());
        digest_numbers(&mut digest, &self.item_counts);
        digest_numbers(&mut digest, &self.train.items);
        for end in self.train.offsets.as_slice() {
            digest.update((*end as u64).to_le_bytes());
        }
        for weight in self.train.weights.iter().flatten() {
            digest.update(weight.to_le_bytes());
        }
        if model.event_types || !model.target_weights.is_empty() {
            let events = self.train.events.iter().flatten();
            digest_numbers(
                &mut digest,
                &events.map(|&event| event.into()).collect::<Vec<u32>>(),
            );
        }
        if model.time_intervals {
            let times = self.train.times_utc_millis.iter();
            times.for_each(|time| digest.update(time.to_le_bytes()));
        }
        for is_target in self.train.is_target.iter().flatten() {
            digest.update([u8::from(*is_target)]);
        }
        if model.content.is_some() {
            digest_attributes(&mut digest, self.item_content.as_ref());
        }
        if model.user_attributes {
            digest_numbers(&mut digest, &self.train.users);
            digest_attributes(&mut digest, self.user_attributes.as_ref());
        }
        for case in &self.validation {
            digest_numbers(&mut digest, &case.history);
            digest_numbers(&mut digest, &case.targets);
            digest.update((case.n_unknown_targets as u64).to_le_bytes());
        }
        digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Adds a list, its length first, so that no two lists run into each other.
fn digest_numbers(digest: &mut Sha256, numbers: &[u32]) {
    digest.update((numbers.len() as u64).to_le_bytes());
    numbers
        .iter()
        .for_each(|number| digest.update(number.to_le_bytes()));
}

fn digest_attributes(digest: &mut Sha256, attributes: Option<&Attributes>) {
    for column in attributes
        .iter()
        .flat_map(|attributes| &attributes.rows.columns)
    {
        match column {
            EncodedColumn::Categories {
                offsets, numbers, ..
            } => {
                offsets
                    .iter()
                    .for_each(|end| digest.update((*end as u64).to_le_bytes()));
                digest_numbers(digest, numbers);
            }
            EncodedColumn::Numbers { values, .. } => {
                digest.update((values.len() as u64).to_le_bytes());
                values
                    .iter()
                    .for_each(|value| digest.update(value.to_le_bytes()));
            }
        }
    }
}
