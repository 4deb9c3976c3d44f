//! The front of the training loop: what to run, and who watches.

use std::path::PathBuf;

use burn::module::Module;

use super::checkpoint::CheckpointFile;
use super::frozen::FrozenParts;
use super::run::Run;
use super::{CancelToken, Objective, Observer, Trained, TrainingConfig, TrainingError};

/// Trains a model on an [`Objective`].
///
/// ```no_run
/// # use salient::training::*;
/// # fn example<O: Objective>(model: O::Model, objective: &O) -> Result<(), TrainingError> {
/// let token = CancelToken::new();
/// let trained = Trainer::new(TrainingConfig::default())
///     .cancel(token.clone())
///     .checkpoint_in("runs/first", "sha256 of the data")
///     .resume(true)
///     .fit(model, objective)?;
/// # let _ = trained;
/// # Ok(())
/// # }
/// ```
pub struct Trainer<'a> {
    config: TrainingConfig,
    observers: Vec<Box<dyn Observer + 'a>>,
    cancel: CancelToken,
    checkpoint: Option<CheckpointFile>,
    frozen: FrozenParts,
    resume: bool,
}

impl<'a> Trainer<'a> {
    /// A run with these settings, which [`fit`](Self::fit) checks.
    pub fn new(config: TrainingConfig) -> Self {
        Self {
            config,
            observers: Vec::new(),
            cancel: CancelToken::new(),
            checkpoint: None,
            frozen: FrozenParts::default(),
            resume: false,
        }
    }

    /// The settings of the run.
    pub fn config(&self) -> &TrainingConfig {
        &self.config
    }

    /// Tells `observer` what happens. May be called for several, which are told in this order.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer + 'a) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Stops the run after the step in which somebody cancels `token`.
    #[must_use]
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }

    /// Keeps the state of the run in `checkpoint.safetensors` in a directory, which is made if need be.
    ///
    /// `data` tells what the run trains on from anything else, such as a digest of the examples and of those settings of
    /// the model that the shapes of its weights do not show: a run resumes only with the same. A checkpoint that is
    /// there already is replaced unless the run resumes it.
    #[must_use]
    pub fn checkpoint_in(mut self, directory: impl Into<PathBuf>, data: impl Into<String>) -> Self {
        self.checkpoint = Some(CheckpointFile::new(directory.into(), data.into()));
        self
    }

    /// Whether to go on from the checkpoint in the directory, if there is one. Off by default.
    ///
    /// The run ends with the same bytes as if it had never been interrupted. Settings that do not change them (the
    /// loader threads, how often to write checkpoints and, unless the schedule counts down to it or epochs go without
    /// validation, `max_epochs`) may differ from those of the interrupted run.
    #[must_use]
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Leaves the weights as they are whose name starts in one of these ways, such as `encoder.` or `item_embedding`.
    ///
    /// Names are those of [`parameters::read`](crate::parameters::read()). A frozen weight keeps its bits: it has no
    /// gradient, does not decay and needs no memory of the optimiser. Nothing is frozen by default, and a model that was
    /// trained with frozen parts can be trained whole afterwards. May be called several times; a run resumes only with the
    /// same parts frozen. [`fit`](Self::fit) checks them.
    ///
    /// ```
    /// use salient::training::{Trainer, TrainingConfig};
    ///
    /// let trainer = Trainer::new(TrainingConfig::default()).freeze(["encoder.", "positions."]);
    /// ```
    #[must_use]
    pub fn freeze(mut self, prefixes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.frozen.add(prefixes.into_iter().map(Into::into));
        self
    }

    /// Trains a model until its epochs are over, validation stops improving or somebody cancels.
    ///
    /// The model trains on the device that its weights are on. Weights that get no gradient stay as they are.
    ///
    /// # Errors
    /// [`TrainingError::ZeroCount`] and [`TrainingError::OutOfRange`] for the settings,
    /// [`TrainingError::NothingToFreeze`] and [`TrainingError::AllFrozen`] for the frozen parts,
    /// [`TrainingError::NoExamples`], [`TrainingError::NoTargets`], [`TrainingError::NothingToTrain`] and [`TrainingError::LossWeight`] for the
    /// objective, [`TrainingError::Objective`] and [`TrainingError::Observer`] where those fail themselves,
    /// [`TrainingError::NotFinite`] where training diverges,
    /// [`TrainingError::DecidingMetricMissing`], [`TrainingError::DecidingMetricNotFinite`] and
    /// [`TrainingError::PlateauWithoutValidation`] for validation, [`TrainingError::Checkpoint`] where the state of the
    /// run cannot be kept or resumed.
    pub fn fit<O: Objective>(
        self,
        model: O::Model,
        objective: &O,
    ) -> Result<Trained<O::Model>, TrainingError> {
        self.config.validate()?;
        self.frozen.check(&model)?;
        if objective.n_examples() == 0 {
            return Err(TrainingError::NoExamples);
        }
        let checkpoint = self.checkpoint.as_ref();
        let mut run = Run::new(
            &self.config,
            objective,
            self.observers,
            self.cancel,
            checkpoint,
        );
        run.frozen = self.frozen;
        let inference = model.valid();
        // While the model that was given lives, it shares its weights, and the first step would copy them.
        drop(model);
        let model = if self.resume {
            run.resume(inference)?
        } else {
            inference
        };
        run.train(model)
    }
}
