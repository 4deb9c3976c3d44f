//! The steps of an epoch: batches, gradients, an update, and nothing infinite.

use std::ops::Range;
use std::time::Instant;

use super::gradients::{StepGradients, StepNumbers};
use super::progress::Exact;
use super::run::Run;
use super::{Activity, BoxedError, Event, Objective, TrainingError};
use crate::random::{Mode, RandomKey, Stream};

/// The batches of an epoch, made ahead.
pub(super) type Batches<'b, B> = &'b mut dyn Iterator<Item = Result<B, BoxedError>>;

/// Where the examples of a batch are in the order of the epoch; the last batch may be short.
pub(super) fn examples_of(batch: usize, batch_size: usize, n_examples: usize) -> Range<usize> {
    let start = batch * batch_size;
    start..n_examples.min(start.saturating_add(batch_size))
}

impl<O: Objective> Run<'_, O> {
    /// Trains on the batches that are left in the epoch, or until a cancellation.
    pub(super) fn steps(
        &mut self,
        mut model: O::Model,
        batches: Batches<'_, O::Batch>,
    ) -> Result<O::Model, TrainingError> {
        while !self.cancel.is_cancelled() {
            let started = Instant::now();
            let first = self.progress.batches_done;
            let gradients = self.gather(&model, batches)?;
            if self.progress.batches_done == first {
                break;
            }
            if gradients.is_empty() {
                continue;
            }
            let numbers = gradients.numbers();
            if let Some(quantity) = numbers.not_finite() {
                return Err(self.not_finite(quantity, self.progress.step + 1));
            }
            let learning_rate = self.learning_rate(self.progress.step);
            let gradients = (gradients.mean, numbers.scale(self.config.clip_norm));
            model = self
                .memory
                .update(model, self.config, learning_rate, gradients);
            self.count(&numbers);
            let n_examples =
                self.n_examples_before(self.progress.batches_done) - self.n_examples_before(first);
            let seconds = started.elapsed().as_secs_f64();
            let examples_per_second = self.clock.add_step(seconds, n_examples);
            self.tell(&Event::Step {
                epoch: self.progress.epoch(),
                step: self.progress.step,
                step_of_epoch: self.step_of_epoch(),
                loss: numbers.loss(),
                learning_rate,
                gradient_norm: numbers.norm(),
                examples_per_second,
            })?;
            let every = self.config.checkpoint_every_steps;
            if every.is_some_and(|every| self.progress.step.is_multiple_of(every)) {
                self.save(&model)?;
            }
        }
        Ok(model)
    }

    /// Takes the batches of one step into their mean gradient.
    fn gather(
        &mut self,
        model: &O::Model,
        batches: Batches<'_, O::Batch>,
    ) -> Result<StepGradients, TrainingError> {
        let key = RandomKey::new(self.config.seed).stream(Stream::Dropout);
        let key = key.step(self.progress.epochs_done as u64);
        let mut gradients = StepGradients::default();
        for batch in batches.take(self.config.batches_per_step) {
            let batch = batch.map_err(|error| self.failed(Activity::Batch, error))?;
            let mode = Mode::Training(key.child(self.progress.batches_done as u64));
            let loss = self.objective.loss(model, &batch, mode);
            let loss = loss.map_err(|error| self.failed(Activity::Loss, error))?;
            let (step, weight) = (self.progress.step + 1, loss.weight);
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(TrainingError::LossWeight { step, weight });
            }
            if weight > 0.0 && !loss.mean.is_tracked() {
                return Err(TrainingError::NothingToTrain { step });
            }
            if weight > 0.0 {
                gradients.add(model, &loss.mean, weight);
            }
            self.progress.batches_done += 1;
        }
        Ok(gradients)
    }

    fn count(&mut self, numbers: &StepNumbers) {
        self.progress.step += 1;
        self.progress.last_loss = Some(Exact(numbers.loss()));
        for (loss, weight) in &numbers.losses {
            self.progress.loss_sum.0 += loss * weight;
            self.progress.weight_sum.0 += weight;
        }
    }

    fn n_examples_before(&self, batch: usize) -> usize {
        let n_examples = self.objective.n_examples();
        n_examples.min(batch.saturating_mul(self.config.batch_size))
    }

    fn step_of_epoch(&self) -> u64 {
        let n_batches = self.progress.batches_done;
        n_batches.div_ceil(self.config.batches_per_step) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_batch_is_short() {
        let ranges: Vec<_> = (0..3).map(|batch| examples_of(batch, 5, 12)).collect();
        assert_eq!(ranges, [0..5, 5..10, 10..12]);
        assert_eq!(examples_of(0, usize::MAX, 12), 0..12);
    }
}
