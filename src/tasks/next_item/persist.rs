//! A recommender on disk.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::config::NextItemConfig;
use super::model::NextItemModel;
use super::recommender::Recommender;
use crate::Error;
use crate::artifact::{self, Artifact, ArtifactError};
use crate::device;
use crate::features::Vocabulary;
use crate::parameters;
use crate::random::RandomKey;

/// What manifests call this task.
const TASK: &str = "next_item";

/// The catalogue as it is saved.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedCatalogue {
    items: Vocabulary,
    training_events: Vec<u32>,
}

impl Recommender {
    /// Writes the recommender to a directory, which is made if need be, with any figures about it as `metrics.json`.
    ///
    /// The parts are `config.json`, `vocabulary.json`, `weights.safetensors`, `metrics.json` and `manifest.json`.
    ///
    /// # Errors
    /// [`Error::Artifact`].
    pub fn save(&self, directory: impl AsRef<Path>, metrics: &impl Serialize) -> Result<(), Error> {
        let catalogue = SavedCatalogue {
            items: self.catalogue.clone(),
            training_events: self.item_counts.clone(),
        };
        let weights = parameters::to_safetensors(&parameters::read(&self.model), None)?;
        let parts = BTreeMap::from([
            ("config.json".to_owned(), json("config.json", &self.config)?),
            (
                "vocabulary.json".to_owned(),
                json("vocabulary.json", &catalogue)?,
            ),
            ("weights.safetensors".to_owned(), weights),
            ("metrics.json".to_owned(), json("metrics.json", metrics)?),
        ]);
        artifact::save(directory.as_ref(), TASK, &parts)?;
        Ok(())
    }

    /// Reads a recommender from a directory, onto the best device that there is.
    ///
    /// # Errors
    /// As [`load_on`](Self::load_on).
    pub fn load(directory: impl AsRef<Path>) -> Result<Self, Error> {
        Self::load_on(directory, &device::pick("auto")?)
    }

    /// Reads a recommender from a directory onto a device.
    ///
    /// # Errors
    /// [`Error::Artifact`] with the part that is wrong, [`Error::Device`].
    pub fn load_on(directory: impl AsRef<Path>, device: &Device) -> Result<Self, Error> {
        let artifact = Artifact::load(directory.as_ref(), TASK)?;
        let config: NextItemConfig = artifact.json("config.json")?;
        let SavedCatalogue {
            items: catalogue,
            training_events: item_counts,
        } = artifact.json("vocabulary.json")?;
        if item_counts.len() != catalogue.n_real() {
            let rule = format!(
                "{} items have {} event counts",
                catalogue.n_real(),
                item_counts.len()
            );
            return Err(unreadable("vocabulary.json", rule).into());
        }
        // The first weights are thrown away, so it does not matter by which numbers they are drawn.
        let model = NextItemModel::init(&config, catalogue.n_real(), RandomKey::new(0), device)
            .map_err(|error| unreadable("config.json", error))?;
        let weights = parameters::from_safetensors(artifact.part("weights.safetensors")?)
            .and_then(|weights| parameters::write(model, weights))
            .map_err(|error| unreadable("weights.safetensors", error))?;
        Ok(Self::new(config, weights, catalogue, item_counts))
    }
}

fn json(part: &str, value: &impl Serialize) -> Result<Vec<u8>, ArtifactError> {
    serde_json::to_vec_pretty(value).map_err(|error| unreadable(part, error))
}

fn unreadable(
    part: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> ArtifactError {
    ArtifactError::Unreadable {
        part: part.to_owned(),
        source: source.into(),
    }
}
