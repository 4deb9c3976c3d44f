//! From a split log to a trained recommender.

use burn::tensor::Device;
use sha2::{Digest, Sha256};

use super::config::NextItemConfig;
use super::dataset::NextItemData;
use super::model::NextItemModel;
use super::objective::NextItemObjective;
use super::recommender::Recommender;
use crate::Error;
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
    if config.weighted_targets && data.train.weights.is_none() {
        return Err(TaskError::NoWeights.into());
    }
    let key = RandomKey::new(config.training.seed).stream(Stream::Weights);
    let model = NextItemModel::init(config, data.n_items(), key, device)?;
    let objective = NextItemObjective::new(config, data)?;
    let trained = trainer.fit(model, &objective)?;
    let recommender = Recommender::new(
        config.clone(),
        trained.model,
        data.catalogue.clone(),
        data.item_counts.clone(),
    );
    Ok(Trained {
        model: recommender,
        history: trained.history,
        best_epoch: trained.best_epoch,
        stopped: trained.stopped,
        steps: trained.steps,
        timing: trained.timing,
    })
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
