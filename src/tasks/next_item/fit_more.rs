//! Training that goes on where another ended.

use burn::tensor::Device;

use super::config::NextItemConfig;
use super::dataset::{Attributes, NextItemData};
use super::fit::{inputs, train};
use super::model::NextItemModel;
use super::recommender::Recommender;
use crate::Error;
use crate::features::AttributeSchema;
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
    /// be frozen in the trainer; freezing the item table leaves new items at their first vectors. The settings of the model
    /// stay; those of training are the trainer's.
    ///
    /// # Errors
    /// [`TaskError::NotContinued`] for data that numbers items or types of event in another way,
    /// [`TaskError::OtherSchema`] for one that does so with attributes, and as [`fit`](super::fit()).
    pub fn fit_more(
        &self,
        data: &NextItemData,
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
        self.same_schemas(data)?;
        let config = NextItemConfig {
            training: trainer.config().clone(),
            ..self.config.clone()
        };
        let key = RandomKey::new(config.training.seed).stream(Stream::Weights);
        let fresh = NextItemModel::init(&config, inputs(&config, data)?, key, device)?;
        let grown = grown(parameters::read(&fresh), parameters::read(&self.model));
        train(&config, parameters::write(fresh, grown)?, data, trainer)
    }

    /// Refuses attributes in other numbers, which the weights of their values would not fit.
    fn same_schemas(&self, data: &NextItemData) -> Result<(), TaskError> {
        let same = |known: Option<&AttributeSchema>, new: Option<&Attributes>, what| match known
            .zip(new)
            .is_none_or(|(known, new)| *known == new.schema)
        {
            true => Ok(()),
            false => Err(TaskError::OtherSchema { what }),
        };
        let items = self.item_content.as_ref().map(|content| &content.schema);
        same(items, data.item_content.as_ref(), "items")?;
        same(
            self.user_schema.as_ref(),
            data.user_attributes.as_ref(),
            "users",
        )
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
