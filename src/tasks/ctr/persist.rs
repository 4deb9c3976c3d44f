//! A model on disk.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::config::CtrConfig;
use super::model::CtrModel;
use crate::Error;
use crate::artifact::{self, Artifact, ArtifactError, json};
use crate::device;
use crate::evaluation::calibration::Calibrator;
use crate::features::tabular::TabularSchema;
use crate::parameters;
use crate::random::RandomKey;
use crate::tasks::tabular::TabularNetwork;

/// What manifests call this task.
const TASK: &str = "ctr";

/// How logits become probabilities, as it is saved.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedCalibration {
    prior_shift: f64,
    calibrators: Vec<Calibrator>,
}

impl CtrModel {
    /// Writes the model to a directory, which is made if need be, with any figures about it as `metrics.json`.
    ///
    /// The parts are `config.json`, `schema.json`, `calibration.json`, `weights.safetensors`, `metrics.json` and
    /// `manifest.json`. Of the rows nothing is kept but the values that the vocabularies hold.
    ///
    /// # Errors
    /// [`Error::Artifact`].
    pub fn save(&self, directory: impl AsRef<Path>, metrics: &impl Serialize) -> Result<(), Error> {
        let calibration = SavedCalibration {
            prior_shift: self.prior_shift,
            calibrators: self.calibrators.clone(),
        };
        let weights = parameters::to_safetensors(&parameters::read(&self.network), None)?;
        let parts = BTreeMap::from([
            json("config.json", &self.config)?,
            json("schema.json", &self.schema)?,
            json("calibration.json", &calibration)?,
            json("metrics.json", metrics)?,
            ("weights.safetensors".to_owned(), weights),
        ]);
        artifact::save(directory.as_ref(), TASK, &parts)?;
        Ok(())
    }

    /// Reads a model from a directory, onto the best device that there is.
    ///
    /// # Errors
    /// As [`load_on`](Self::load_on).
    pub fn load(directory: impl AsRef<Path>) -> Result<Self, Error> {
        Self::load_on(directory, &device::pick("auto")?)
    }

    /// Reads a model from a directory onto a device.
    ///
    /// # Errors
    /// [`Error::Artifact`] with the part that is wrong, [`Error::Device`].
    pub fn load_on(directory: impl AsRef<Path>, device: &Device) -> Result<Self, Error> {
        let artifact = Artifact::load(directory.as_ref(), TASK)?;
        let config: CtrConfig = artifact.json("config.json")?;
        let schema: TabularSchema = artifact.json("schema.json")?;
        let SavedCalibration {
            prior_shift,
            calibrators,
        } = artifact.json("calibration.json")?;
        let shape = schema.shape();
        if calibrators.len() != shape.labels.len() || !prior_shift.is_finite() {
            let rule = format!(
                "{} labels have {} calibrators and a prior shift of {prior_shift}",
                shape.labels.len(),
                calibrators.len()
            );
            return Err(ArtifactError::unreadable("calibration.json", rule).into());
        }
        // The first weights are thrown away, so it does not matter by which numbers they are drawn.
        let network = TabularNetwork::init(&config.network, &shape, RandomKey::new(0), device)
            .map_err(|error| ArtifactError::unreadable("config.json", error))?;
        let network = parameters::from_safetensors(artifact.part("weights.safetensors")?)
            .and_then(|weights| parameters::write(network, weights))
            .map_err(|error| ArtifactError::unreadable("weights.safetensors", error))?;
        Ok(Self {
            config,
            schema,
            network,
            prior_shift,
            calibrators,
        })
    }
}
