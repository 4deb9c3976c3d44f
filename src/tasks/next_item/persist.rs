//! A recommender on disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::config::NextItemConfig;
use super::dataset::Attributes;
use super::fit::trained;
use super::init::ModelInputs;
use super::model::NextItemModel;
use super::recommender::Recommender;
use super::saved_content;
use crate::Error;
use crate::artifact::{self, Artifact, ArtifactError, json};
use crate::device;
use crate::features::{AttributeSchema, Vocabulary};
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
    #[serde(default)]
    event_names: Vec<String>,
}

/// The part that says how attributes of items become numbers, and the part that holds the numbers.
const ITEM_PARTS: [&str; 2] = ["item_schema.json", "item_content.safetensors"];

/// The part that says how attributes of users become numbers.
const USER_PART: &str = "user_schema.json";

impl Recommender {
    /// Writes the recommender to a directory, which is made if need be, with any figures about it as `metrics.json`.
    ///
    /// The parts are `config.json`, `vocabulary.json`, `weights.safetensors`, `metrics.json` and `manifest.json`; with side
    /// tables also `item_schema.json` and `item_content.safetensors`, or `user_schema.json`. No attribute of a user is kept.
    ///
    /// # Errors
    /// [`Error::Artifact`].
    pub fn save(&self, directory: impl AsRef<Path>, metrics: &impl Serialize) -> Result<(), Error> {
        let catalogue = SavedCatalogue {
            items: self.catalogue.clone(),
            training_events: self.item_counts.clone(),
            event_names: self.event_names.clone(),
        };
        let weights = parameters::to_safetensors(&parameters::read(&self.model), None)?;
        let mut parts = BTreeMap::from([
            json("config.json", &self.config)?,
            json("vocabulary.json", &catalogue)?,
            json("metrics.json", metrics)?,
            ("weights.safetensors".to_owned(), weights),
        ]);
        if let Some(content) = &self.item_content {
            let [schema, rows] = ITEM_PARTS;
            parts.extend([json(schema, &content.schema)?]);
            parts.insert(
                rows.to_owned(),
                saved_content::to_bytes(&content.rows, rows)?,
            );
        }
        if let Some(schema) = &self.user_schema {
            parts.extend([json(USER_PART, schema)?]);
        }
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
            event_names,
        } = artifact.json("vocabulary.json")?;
        if item_counts.len() != catalogue.n_real() {
            let rule = format!(
                "{} items have {} event counts",
                catalogue.n_real(),
                item_counts.len()
            );
            return Err(ArtifactError::unreadable("vocabulary.json", rule).into());
        }
        let item_content = item_content(&artifact, catalogue.n_real())?;
        let user_schema = match artifact.has_part(USER_PART) {
            true => Some(artifact.json::<AttributeSchema>(USER_PART)?),
            false => None,
        };
        let inputs = ModelInputs {
            n_items: catalogue.n_real(),
            n_event_types: event_names.len(),
            trained: trained(&item_counts),
            item_content: item_content
                .as_ref()
                .map(|content| Arc::new(content.rows.clone())),
            user_attributes: user_schema.as_ref().map(AttributeSchema::nothing_known),
        };
        // The first weights are thrown away, so it does not matter by which numbers they are drawn.
        let model = NextItemModel::init(&config, inputs, RandomKey::new(0), device)
            .map_err(|error| ArtifactError::unreadable("config.json", error))?;
        let weights = parameters::from_safetensors(artifact.part("weights.safetensors")?)
            .and_then(|weights| parameters::write(model, weights))
            .map_err(|error| ArtifactError::unreadable("weights.safetensors", error))?;
        Ok(Self {
            event_names,
            item_content,
            user_schema,
            ..Self::new(config, weights, catalogue, item_counts)
        })
    }
}

fn item_content(artifact: &Artifact, n_items: usize) -> Result<Option<Attributes>, ArtifactError> {
    let [schema_part, rows_part] = ITEM_PARTS;
    if !artifact.has_part(schema_part) {
        return Ok(None);
    }
    let schema: AttributeSchema = artifact.json(schema_part)?;
    let like = schema.nothing_known();
    let rows = saved_content::from_bytes(artifact.part(rows_part)?, n_items, &like, rows_part)?;
    Ok(Some(Attributes { schema, rows }))
}
