//! From rows to a trained model.

use burn::tensor::Device;

use super::config::CtrConfig;
use super::data::CtrData;
use super::model::CtrModel;
use super::objective::CtrObjective;
use super::score::logits;
use crate::Error;
use crate::evaluation::calibration::{CalibrationKind, Calibrator};
use crate::random::{RandomKey, Stream};
use crate::tasks::TaskError;
use crate::tasks::tabular::{Deciding, TabularNetwork, check_histories};
use crate::training::{Schedule, Trained, Trainer, TrainingConfig};

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
    check(config, data, trainer.config())?;
    let shape = data.schema.shape();
    let key = RandomKey::new(config.training.seed).stream(Stream::Weights);
    let network = TabularNetwork::init(&config.network, &shape, key, device)?
        .set_base_rate(data.base_rates())?;
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

fn check(config: &CtrConfig, data: &CtrData, run: &TrainingConfig) -> Result<(), TaskError> {
    if data.train.n_rows() == 0 {
        return Err(TaskError::NoRows { part: "training" });
    }
    both_classes(data, data.base_rates(), "training", data.train.n_rows())?;
    let is_calibrated = config.calibration != CalibrationKind::Identity;
    match &data.valid {
        None if is_calibrated => Err(TaskError::NoValidation {
            setting: "calibration",
        }),
        None if matches!(run.schedule, Schedule::Plateau { .. }) => Err(TaskError::NoValidation {
            setting: "the schedule `plateau`",
        }),
        // Log loss is defined for one class; calibration and the order of rows are not.
        Some(rows) if is_calibrated || config.deciding != Deciding::LogLoss => {
            both_classes(data, data.valid_rates(), "validation", rows.n_rows())
        }
        _ => Ok(()),
    }?;
    check_histories(&config.network, data.schema.table())
}

fn both_classes(
    data: &CtrData,
    rates: &[f64],
    part: &'static str,
    n_rows: usize,
) -> Result<(), TaskError> {
    let shape = data.schema.shape();
    let mut rates = shape.labels.iter().zip(rates);
    match rates.find(|(_, rate)| **rate <= 0.0 || **rate >= 1.0) {
        None => Ok(()),
        Some((label, rate)) => Err(TaskError::SingleClass {
            label: label.clone(),
            part,
            n_rows,
            class: u8::from(*rate > 0.5),
        }),
    }
}

/// One a label.
fn calibrators(
    config: &CtrConfig,
    data: &CtrData,
    network: &TabularNetwork,
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
    // A weight counts as so many rows, so that together they are as many as there are.
    let total: f64 = scored.weights.iter().map(|&weight| f64::from(weight)).sum();
    let share = scored.weights.len() as f64 / total;
    let weights = scored
        .weights
        .iter()
        .map(|&weight| f64::from(weight) * share);
    let weights: Vec<f64> = weights.collect();
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
        let fitted = Calibrator::fit(config.calibration, &shifted, &labels, weights)?;
        Ok(fitted.written()?)
    });
    fitted.collect()
}
