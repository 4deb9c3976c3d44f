//! From rows to a trained model.

use burn::tensor::Device;

use super::config::CtrConfig;
use super::data::CtrData;
use super::model::CtrModel;
use super::networks::CtrNetwork;
use super::objective::CtrObjective;
use super::score::logits;
use crate::Error;
use crate::evaluation::calibration::{CalibrationKind, Calibrator};
use crate::random::{RandomKey, Stream};
use crate::tasks::TaskError;
use crate::training::{Trained, Trainer};

/// Trains a model, then calibrates it on the validation rows.
///
/// `trainer` brings the settings of the run, usually `config.training`, and whoever watches, cancels or resumes it. The run
/// computes on `device`, and the model stays there.
///
/// # Errors
/// [`Error::Task`] for rows that cannot be learnt from, [`Error::Model`] for the settings, [`Error::Training`] for the run,
/// [`Error::Evaluation`] for the calibration.
pub fn fit(
    config: &CtrConfig,
    data: &CtrData,
    trainer: Trainer<'_>,
    device: &Device,
) -> Result<Trained<CtrModel>, Error> {
    check(config, data)?;
    let shape = data.schema.shape();
    let key = RandomKey::new(config.training.seed).stream(Stream::Weights);
    let network =
        CtrNetwork::init(&config.network, &shape, key, device)?.set_base_rate(data.base_rates())?;
    let trained = trainer.fit(network, &CtrObjective::new(config, data))?;
    let prior_shift = data.prior_shift()?;
    let model = CtrModel {
        calibrators: calibrators(config, data, &trained.model, prior_shift)?,
        config: config.clone(),
        schema: data.schema.clone(),
        network: trained.model,
        prior_shift,
    };
    Ok(Trained {
        model,
        history: trained.history,
        best_epoch: trained.best_epoch,
        stopped: trained.stopped,
        steps: trained.steps,
        timing: trained.timing,
    })
}

fn check(config: &CtrConfig, data: &CtrData) -> Result<(), TaskError> {
    if data.train.n_rows() == 0 {
        return Err(TaskError::NoRows { part: "training" });
    }
    let labels = &data.schema.shape().labels;
    for (label, &rate) in labels.iter().zip(data.base_rates()) {
        if rate <= 0.0 || rate >= 1.0 {
            return Err(TaskError::SingleClass {
                label: label.clone(),
                n_rows: data.train.n_rows(),
                class: u8::from(rate > 0.5),
            });
        }
    }
    if data.valid.is_none() && config.calibration != CalibrationKind::Identity {
        return Err(TaskError::NoValidation {
            setting: "calibration",
        });
    }
    Ok(())
}

/// One a label.
fn calibrators(
    config: &CtrConfig,
    data: &CtrData,
    network: &CtrNetwork,
    shift: f64,
) -> Result<Vec<Calibrator>, Error> {
    let n_labels = network.n_labels();
    let Some(rows) = data
        .valid
        .as_ref()
        .filter(|_| config.calibration != CalibrationKind::Identity)
    else {
        return Ok(vec![Calibrator::Identity; n_labels]);
    };
    let scored = logits(network, rows)?;
    let weights: Vec<f64> = scored.weights.iter().map(|&weight| weight.into()).collect();
    let weights = (!weights.is_empty()).then_some(&weights[..]);
    let fitted = (0..n_labels).map(|label| {
        let shifted: Vec<f64> = scored
            .column(&scored.logits, label)
            .map(|logit| logit + shift)
            .collect();
        let labels: Vec<bool> = scored
            .column(&scored.labels, label)
            .map(|label| label > 0.5)
            .collect();
        Ok(Calibrator::fit(
            config.calibration,
            &shifted,
            &labels,
            weights,
        )?)
    });
    fitted.collect()
}
