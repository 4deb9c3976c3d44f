//! A model on disk.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::config::ChurnConfig;
use super::imbalance::Imbalance;
use super::model::ChurnModel;
use crate::Error;
use crate::artifact::{self, Artifact, ArtifactError, json};
use crate::device;
use crate::evaluation::calibration::Calibrator;
use crate::features::tabular::TabularSchema;
use crate::parameters;
use crate::random::RandomKey;
use crate::tasks::tabular::TabularNetwork;

/// What manifests call this task.
const TASK: &str = "churn";

/// How logits become probabilities, as it is saved.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedCalibration {
    /// How training was balanced, with its weight.
    imbalance: Imbalance,
    /// How much each kind of network counts.
    shares: Vec<f64>,
    calibrator: Calibrator,
}

impl ChurnModel {
    /// Writes the model to a directory, which is made if need be, with any figures about it as `metrics.json`.
    ///
    /// The parts are `config.json`, `schema.json`, `calibration.json`, `weights-0.safetensors` and so on for each network,
    /// `metrics.json` and `manifest.json`. Of the customers nothing is kept but the values that the vocabularies hold.
    ///
    /// # Errors
    /// [`Error::Artifact`].
    pub fn save(&self, directory: impl AsRef<Path>, metrics: &impl Serialize) -> Result<(), Error> {
        let calibration = SavedCalibration {
            imbalance: self.balance.setting(),
            shares: self.shares.clone(),
            calibrator: self.calibrator.clone(),
        };
        let mut parts = BTreeMap::from([
            json("config.json", &self.config)?,
            json("schema.json", &self.schema)?,
            json("calibration.json", &calibration)?,
            json("metrics.json", metrics)?,
        ]);
        for (member, network) in self.networks.iter().enumerate() {
            let weights = parameters::to_safetensors(&parameters::read(network), None)?;
            parts.insert(weights_of(member), weights);
        }
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
        let config: ChurnConfig = artifact.json("config.json")?;
        let schema: TabularSchema = artifact.json("schema.json")?;
        let SavedCalibration {
            imbalance,
            shares,
            calibrator,
        } = artifact.json("calibration.json")?;
        // The rate does not matter: what depends on it was saved as a number.
        let balance = imbalance
            .balance(0.5)
            .map_err(|error| ArtifactError::unreadable("calibration.json", error))?;
        let shape = schema.shape();
        if shape.labels.len() != 1 || config.n_networks() == 0 {
            let rule = "a churn model has one label and at least one network";
            return Err(ArtifactError::unreadable("config.json", rule).into());
        }
        let is_share = |share: &f64| (0.0..=1.0).contains(share);
        if shares.len() != config.networks.len() || !shares.iter().all(is_share) {
            let rule = "each kind of network needs a share between 0 and 1";
            return Err(ArtifactError::unreadable("calibration.json", rule).into());
        }
        let kinds = config.networks.iter();
        let kinds = kinds.flat_map(|kind| std::iter::repeat_n(kind, config.n_parts));
        let network = |(member, kind)| -> Result<TabularNetwork, Error> {
            // The first weights are thrown away, so it does not matter by which numbers they are drawn.
            let network = TabularNetwork::init(kind, &shape, RandomKey::new(0), device)
                .map_err(|error| ArtifactError::unreadable("config.json", error))?;
            let name = weights_of(member);
            let network = parameters::from_safetensors(artifact.part(&name)?)
                .and_then(|weights| parameters::write(network, weights))
                .map_err(|error| ArtifactError::unreadable(&name, error))?;
            Ok(network)
        };
        Ok(Self {
            networks: kinds.enumerate().map(network).collect::<Result<_, _>>()?,
            config,
            schema,
            shares,
            balance,
            calibrator,
        })
    }
}

fn weights_of(member: usize) -> String {
    format!("weights-{member}.safetensors")
}
