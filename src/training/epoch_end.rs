//! The end of an epoch: validation, and whether the run goes on.

use burn::module::Module;

use super::progress::Exact;
use super::run::Run;
use super::{
    Activity, EpochRecord, Event, Objective, Schedule, StopReason, TrainingError, Validation,
};

impl<O: Objective> Run<'_, O> {
    /// Validates, takes stock, decides whether the run goes on, and writes a checkpoint if one is due.
    pub(super) fn end_epoch(&mut self, model: &O::Model) -> Result<(), TrainingError> {
        let epoch = self.progress.epoch();
        if self.progress.weight_sum.0 == 0.0 {
            return Err(TrainingError::NoTargets { epoch });
        }
        // Before validation, as the plateau schedule may lower it.
        let learning_rate = self.learning_rate(self.progress.step.saturating_sub(1));
        let last = epoch >= self.config.max_epochs;
        let validation = if last || epoch.is_multiple_of(self.config.validate_every_epochs) {
            self.validate(model)?
        } else {
            None
        };
        let record = EpochRecord {
            epoch,
            train_loss: self.progress.loss_sum.0 / self.progress.weight_sum.0,
            learning_rate,
            validation,
            seconds: self.clock.epoch_seconds(),
        };
        self.tell(&Event::EpochEnded { record: &record })?;
        self.progress.history.push(record);
        self.progress.epochs_done = epoch;
        self.progress.batches_done = 0;
        self.progress.loss_sum = Exact::default();
        self.progress.weight_sum = Exact::default();
        if last {
            self.progress.stopped = Some(StopReason::MaxEpochs);
        } else if self.progress.stopping.is_exhausted(self.config) {
            self.progress.stopped = Some(StopReason::Patience);
        }
        let every = self.config.checkpoint_every_epochs;
        if self.progress.stopped.is_some() || every.is_some_and(|n| epoch.is_multiple_of(n)) {
            self.save(model)?;
        }
        Ok(())
    }

    fn validate(&mut self, model: &O::Model) -> Result<Option<Validation>, TrainingError> {
        let epoch = self.progress.epoch();
        let model = model.valid();
        let validation = self.objective.validate(&model);
        let validation = validation.map_err(|error| self.failed(Activity::Validation, error))?;
        let Some(validation) = validation else {
            return match self.config.schedule {
                Schedule::Plateau { .. } => Err(TrainingError::PlateauWithoutValidation),
                _ => Ok(None),
            };
        };
        let value = deciding_value(&validation, epoch)?;
        let improved = self.progress.stopping.observe(self.config, epoch, value);
        self.progress
            .plateau
            .observe(self.config.schedule, improved);
        if improved {
            self.best_weights = Some(self.read_finite(&model)?);
        }
        self.tell(&Event::Validated {
            epoch,
            validation: &validation,
            improved,
        })?;
        Ok(Some(validation))
    }
}

fn deciding_value(validation: &Validation, epoch: usize) -> Result<f64, TrainingError> {
    let metric = validation.deciding.clone();
    match validation.metrics.get(&metric) {
        None => Err(TrainingError::DecidingMetricMissing {
            epoch,
            metric,
            reported: validation.metrics.keys().cloned().collect(),
        }),
        Some(&value) if !value.is_finite() => Err(TrainingError::DecidingMetricNotFinite {
            epoch,
            metric,
            value,
        }),
        Some(&value) => Ok(value),
    }
}
