//! A run under way: how it starts, goes from epoch to epoch, and ends.

use burn::module::Module;

use super::checkpoint::{CheckpointFile, Settings, Snapshot};
use super::clock::Clock;
use super::frozen::FrozenParts;
use super::loader::with_batches;
use super::optimiser::Memory;
use super::order::{Shuffle, order};
use super::progress::{Exact, Progress};
use super::schedule::learning_rate;
use super::step::examples_of;
use super::{
    Activity, BoxedError, CancelToken, CheckpointError, Event, Objective, Observer, Quantity,
    Schedule, StopReason, Trained, TrainingConfig, TrainingError,
};
use crate::parameters::{self, Parameters};
use crate::random::{RandomKey, Stream};

/// A run under way. The model is handed from step to step by value, so that its weights are updated in place.
pub(super) struct Run<'a, O: Objective> {
    pub(super) config: &'a TrainingConfig,
    pub(super) objective: &'a O,
    pub(super) observers: Vec<Box<dyn Observer + 'a>>,
    pub(super) cancel: CancelToken,
    pub(super) checkpoint: Option<&'a CheckpointFile>,
    pub(super) frozen: FrozenParts,
    pub(super) memory: Memory,
    pub(super) best_weights: Option<Parameters>,
    pub(super) progress: Progress,
    pub(super) clock: Clock,
}

impl<'a, O: Objective> Run<'a, O> {
    pub(super) fn new(
        config: &'a TrainingConfig,
        objective: &'a O,
        observers: Vec<Box<dyn Observer + 'a>>,
        cancel: CancelToken,
        checkpoint: Option<&'a CheckpointFile>,
    ) -> Self {
        Self {
            config,
            objective,
            observers,
            cancel,
            checkpoint,
            frozen: FrozenParts::default(),
            memory: Memory::default(),
            best_weights: None,
            progress: Progress::default(),
            clock: Clock::start(),
        }
    }

    /// Takes up the state of the checkpoint, if there is one. The model comes and goes without gradients.
    pub(super) fn resume(&mut self, model: O::Model) -> Result<O::Model, TrainingError> {
        let Some(checkpoint) = self.checkpoint else {
            return Ok(model);
        };
        let Some(snapshot) = checkpoint.read(&self.settings())? else {
            return Ok(model);
        };
        let device = model.devices().into_iter().next().unwrap_or_default();
        let path = checkpoint.path();
        let (n_done, max_epochs) = (snapshot.progress.epochs_done, self.config.max_epochs);
        if n_done > max_epochs {
            // Else the weights of all epochs would be kept beside settings that say fewer.
            return Err(CheckpointError::FewerEpochs {
                path,
                n_done,
                max_epochs,
            }
            .into());
        }
        let model = parameters::write(model, snapshot.weights)
            .map_err(|source| CheckpointError::OtherModel { path, source })?;
        self.memory = Memory::from_state(snapshot.optimiser, &device);
        self.best_weights = snapshot.best_weights;
        self.progress = snapshot.progress;
        // The run may have been given more epochs than the one that ended.
        let ended = self.progress.stopped == Some(StopReason::MaxEpochs);
        if ended && self.progress.epochs_done < self.config.max_epochs {
            self.progress.stopped = None;
        }
        Ok(model)
    }

    /// Trains until something ends the run.
    pub(super) fn train(mut self, model: O::Model) -> Result<Trained<O::Model>, TrainingError> {
        let mut model = self.frozen.apply(model.train());
        self.tell_started(&model)?;
        loop {
            if let Some(stopped) = self.progress.stopped {
                return self.finish(model, stopped);
            }
            if self.cancel.is_cancelled() {
                self.save(&model)?;
                return self.finish(model, StopReason::Cancelled);
            }
            model = self.epoch(model)?;
        }
    }

    /// Trains to the end of the present epoch, or to a cancellation in it.
    fn epoch(&mut self, model: O::Model) -> Result<O::Model, TrainingError> {
        self.clock.start_epoch(self.progress.batches_done == 0);
        let (config, objective) = (self.config, self.objective);
        let epoch = self.progress.epochs_done as u64;
        let seed = RandomKey::new(config.seed);
        let mut generator = seed.stream(Stream::Shuffle).step(epoch).generator();
        let order = order(objective.n_examples(), objective.shuffle(), &mut generator);
        let make = |batch: usize| {
            let key = seed.stream(Stream::Negatives).step(epoch);
            let examples = examples_of(batch, config.batch_size, order.len());
            objective.batch(&order[examples], key.child(batch as u64))
        };
        let left = self.progress.batches_done..self.batches_per_epoch();
        let model = with_batches(left, config.loader_threads, make, |batches| {
            self.steps(model, batches)
        })?;
        if !self.cancel.is_cancelled() {
            self.end_epoch(&model)?;
        }
        Ok(model)
    }

    fn finish(
        mut self,
        model: O::Model,
        stopped: StopReason,
    ) -> Result<Trained<O::Model>, TrainingError> {
        let (best_epoch, steps) = (self.progress.stopping.best_epoch, self.progress.step);
        let timing = self.clock.timing();
        self.tell(&Event::Finished {
            stopped,
            best_epoch,
            steps,
            timing,
        })?;
        let model = model.valid();
        Ok(Trained {
            model: match self.best_weights {
                Some(best) => parameters::write(model, best)?,
                None => model,
            },
            history: self.progress.history,
            best_epoch,
            stopped,
            steps,
            timing,
        })
    }

    /// Writes a checkpoint, if the run keeps one.
    pub(super) fn save(&mut self, model: &O::Model) -> Result<(), TrainingError> {
        let Some(checkpoint) = self.checkpoint else {
            return Ok(());
        };
        let snapshot = Snapshot {
            progress: self.progress.clone(),
            weights: self.read_finite(model)?,
            best_weights: self.best_weights.clone(),
            optimiser: self.memory.state(),
        };
        let path = checkpoint.write(snapshot, &self.settings())?;
        let step = self.progress.step;
        self.tell(&Event::CheckpointWritten { path: &path, step })
    }

    /// Reads the weights to the host, unless a step has driven one beyond all bounds.
    pub(super) fn read_finite(&self, model: &O::Model) -> Result<Parameters, TrainingError> {
        let weights = parameters::read(model);
        let is_infinite = |value: &f32| !value.is_finite();
        match weights
            .iter()
            .find(|(_, tensor)| tensor.values.iter().any(is_infinite))
        {
            None => Ok(weights),
            Some((name, _)) => {
                let parameter = name.clone();
                Err(self.not_finite(Quantity::Weight { parameter }, self.progress.step))
            }
        }
    }

    /// What a run must share with the one that it resumes: all that its result depends on.
    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(self.config) {
            let fields = fields.into_iter();
            settings.extend(fields.map(|(name, value)| (name, value.to_string())));
        }
        let counts_down = matches!(self.config.schedule, Schedule::Cosine { .. });
        // The last epoch validates even where others would not.
        if !counts_down && self.config.validate_every_epochs == 1 {
            settings.remove("max_epochs");
        }
        settings.remove("loader_threads");
        settings.remove("checkpoint_every_steps");
        settings.remove("checkpoint_every_epochs");
        let n_examples = self.objective.n_examples().to_string();
        settings.insert("n_examples".to_owned(), n_examples);
        let shuffle = self.objective.shuffle();
        if shuffle != Shuffle::All {
            settings.insert("shuffle".to_owned(), format!("{shuffle:?}"));
        }
        let frozen = self.frozen.setting();
        settings.extend(frozen.map(|parts| ("frozen".to_owned(), parts)));
        settings
    }

    pub(super) fn batches_per_epoch(&self) -> usize {
        let n_examples = self.objective.n_examples();
        n_examples.div_ceil(self.config.batch_size)
    }

    pub(super) fn steps_per_epoch(&self) -> u64 {
        let n_batches = self.batches_per_epoch();
        n_batches.div_ceil(self.config.batches_per_step) as u64
    }

    /// Learning rate of the step that follows `step` others.
    pub(super) fn learning_rate(&self, step: u64) -> f64 {
        let total = self
            .steps_per_epoch()
            .saturating_mul(self.config.max_epochs as u64);
        learning_rate(self.config, &self.progress.plateau, step, total)
    }

    fn tell_started(&mut self, model: &O::Model) -> Result<(), TrainingError> {
        let history = self.progress.history.clone();
        self.tell(&Event::Started {
            config: self.config,
            n_examples: self.objective.n_examples(),
            n_parameters: parameters::count(model),
            steps_per_epoch: self.steps_per_epoch(),
            resumed_at_step: self.progress.step,
            history: &history,
            best_epoch: self.progress.stopping.best_epoch,
        })
    }

    pub(super) fn tell(&mut self, event: &Event<'_>) -> Result<(), TrainingError> {
        for observer in &mut self.observers {
            observer
                .observe(event)
                .map_err(|source| TrainingError::Observer {
                    epoch: self.progress.epoch(),
                    step: self.progress.step,
                    source,
                })?;
        }
        Ok(())
    }

    pub(super) fn failed(&self, activity: Activity, source: BoxedError) -> TrainingError {
        TrainingError::Objective {
            activity,
            epoch: self.progress.epoch(),
            step: self.progress.step + 1,
            source,
        }
    }

    /// The error for a step whose numbers left the finite range.
    pub(super) fn not_finite(&self, quantity: Quantity, step: u64) -> TrainingError {
        TrainingError::NotFinite {
            quantity,
            epoch: self.progress.epoch(),
            step,
            learning_rate: self.learning_rate(step.saturating_sub(1)),
            last_finite_loss: self.progress.last_loss.map(|Exact(loss)| loss),
        }
    }
}
