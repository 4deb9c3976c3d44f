//! Training that goes on where another ended.

use burn::tensor::Device;

use super::dataset::NextItemData;
use super::fit::{inputs, train};
use super::model::NextItemModel;
use super::recommender::Recommender;
use crate::Error;
use crate::parameters::{self, NamedTensor, Parameters};
use crate::random::{RandomKey, Stream};
use crate::tasks::TaskError;
use crate::training::{Trained, Trainer};

impl Recommender {
    /// Trains on, on newer events: of known users and new ones, of known items and new ones.
    ///
    /// `data` must be made with this recommender as [`known`](super::NextItemSources::known), so that old ids keep their
    /// numbers; usually also with `learn_since_utc_millis`, so that old events are read but not learned again. All weights
    /// start as they are, those of new items and new types of event as in a first training. What shall stay as it is can
    /// be frozen in the trainer. The settings of the model stay; those of training are the trainer's, of which `seed` goes
    /// into the first weights.
    ///
    /// # Errors
    /// [`TaskError::NotContinued`] for data that numbers items or types of event in another way, and as
    /// [`fit`](super::fit()).
    pub fn fit_more(
        &self,
        data: &NextItemData,
        seed: u64,
        trainer: Trainer<'_>,
        device: &Device,
    ) -> Result<Trained<Self>, Error> {
        let continues = |known: &[String], new: &[String], what| match new.get(..known.len()) {
            Some(first) if first == known => Ok(()),
            _ => Err(TaskError::NotContinued {
                what,
                n_known: known.len(),
            }),
        };
        continues(self.catalogue.ids(), data.catalogue.ids(), "items")?;
        continues(&self.event_names, &data.event_names, "types of event")?;
        let mut config = self.config.clone();
        config.training.seed = seed;
        let key = RandomKey::new(seed).stream(Stream::Weights);
        let fresh = NextItemModel::init(&config, inputs(&config, data)?, key, device)?;
        let grown = grown(parameters::read(&fresh), parameters::read(&self.model));
        train(&config, parameters::write(fresh, grown)?, data, trainer)
    }
}

/// The old weights, and at the end of tables that grew the rows of the fresh ones.
fn grown(fresh: Parameters, old: Parameters) -> Parameters {
    let mut grown = fresh;
    for (name, NamedTensor { values, .. }) in old {
        if let Some(tensor) = grown.get_mut(&name) {
            // Rows lie one after the other, so those of old ids are the first numbers.
            let n_numbers = values.len().min(tensor.values.len());
            tensor.values[..n_numbers].copy_from_slice(&values[..n_numbers]);
        }
    }
    grown
}
