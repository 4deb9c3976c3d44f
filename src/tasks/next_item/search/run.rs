//! The search itself.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::strategy::Round;
use super::trial_log::{TrialLog, io_error};
use super::{Measured, SearchError, SearchOutcome, SearchSettings, SearchSpace, Trial};
use crate::Error;
use crate::evaluation::EvaluationError;
use crate::random::{RandomKey, Stream};
use crate::tasks::next_item::{NextItemConfig, NextItemData, Recommender, fit};
use crate::training::{BoxedError, CancelToken, StopReason, Trained, Trainer, TrainingError};

/// Is told of each trial when a round of it is over.
type TrialObserver<'a> = Box<dyn FnMut(&Trial) -> Result<(), BoxedError> + 'a>;

/// Where a search computes, who may stop it and who watches.
pub struct SearchRun<'a> {
    device: &'a Device,
    cancel: CancelToken,
    observer: Option<TrialObserver<'a>>,
}

impl<'a> SearchRun<'a> {
    /// A search on `device`.
    pub fn on(device: &'a Device) -> Self {
        Self {
            device,
            cancel: CancelToken::new(),
            observer: None,
        }
    }

    /// Stops the search after the training step in which somebody cancels `token`.
    #[must_use]
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }

    /// Tells `observer` of each trial when a round of it is over, those that an earlier search finished too.
    #[must_use]
    pub fn observe(mut self, observer: impl FnMut(&Trial) -> Result<(), BoxedError> + 'a) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }
}

/// Trains models with different settings and compares them on the validation part.
///
/// The settings of a trial are a function of the seed of the search and the number of the trial; everything else about a
/// trial is as in `base`. A trial whose training diverges is kept as such. With a directory, a search that was cancelled or
/// killed goes on where it was, to the same outcome; a search that is cancelled gives what it has.
///
/// The test part of `data` is not read.
///
/// # Errors
/// [`Error::Search`] for the space, the strategy and the directory, [`Error::Model`] for a width that `base` cannot take,
/// and whatever [`fit`] refuses `base` for.
pub fn search(
    base: &NextItemConfig,
    data: &NextItemData,
    space: &SearchSpace,
    settings: &SearchSettings,
    run: SearchRun<'_>,
) -> Result<SearchOutcome, Error> {
    space.validate(base)?;
    settings.strategy.validate(&base.training)?;
    if data.validation.is_empty() {
        return Err(SearchError::NoValidation.into());
    }
    let fingerprint = fingerprint(base, data, space, settings);
    let log = TrialLog::open(settings.directory.as_deref(), fingerprint.clone())?;
    let mut search = Search {
        base,
        data,
        space,
        key: RandomKey::new(settings.seed).stream(Stream::Search),
        checkpoints: Checkpoints::new(settings.directory.as_deref())?,
        fingerprint,
        log,
        run,
        trials: BTreeMap::new(),
    };
    let rounds = settings.strategy.rounds();
    let mut going: Vec<usize> = (1..=rounds[0].n_trials).collect();
    for (place, round) in rounds.iter().enumerate() {
        for &number in &going {
            if !search.advance(number, place + 1, round)? {
                return Ok(search.outcome(false));
            }
            if place + 1 == rounds.len() {
                search.checkpoints.remove(number)?;
            }
        }
        let n_next = rounds.get(place + 1).map_or(0, |round| round.n_trials);
        going = search.best(place + 1, n_next);
        search.forget_all_but(&going)?;
    }
    Ok(search.outcome(true))
}

/// Tells a search from any other whose finished trials would be different.
fn fingerprint(
    base: &NextItemConfig,
    data: &NextItemData,
    space: &SearchSpace,
    settings: &SearchSettings,
) -> String {
    let mut base = base.clone();
    let data = data.fingerprint(&base);
    // The strategy decides it.
    base.training.max_epochs = 1;
    base.training.loader_threads = 1;
    let strategy = settings.strategy.fixed_part();
    // Settings are plain numbers and names, which always have a JSON form.
    let all = serde_json::to_vec(&(data, base, space, strategy, settings.seed));
    let digest = Sha256::digest(all.unwrap_or_default());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where trials keep their checkpoints.
struct Checkpoints {
    directory: PathBuf,
    /// Removed with the search where the user gave no directory.
    _temporary: Option<TempDir>,
}

impl Checkpoints {
    fn new(directory: Option<&Path>) -> Result<Self, SearchError> {
        match directory {
            Some(directory) => Ok(Self {
                directory: directory.to_owned(),
                _temporary: None,
            }),
            None => {
                let temporary = TempDir::new().map_err(io_error("make", &std::env::temp_dir()))?;
                Ok(Self {
                    directory: temporary.path().to_owned(),
                    _temporary: Some(temporary),
                })
            }
        }
    }

    fn of(&self, trial: usize) -> PathBuf {
        self.directory.join(format!("trial-{trial:03}"))
    }

    fn remove(&self, trial: usize) -> Result<(), SearchError> {
        let directory = self.of(trial);
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(io_error("remove", &directory)(error))
            }
            _ => Ok(()),
        }
    }
}

/// A search under way.
struct Search<'a> {
    base: &'a NextItemConfig,
    data: &'a NextItemData,
    space: &'a SearchSpace,
    key: RandomKey,
    checkpoints: Checkpoints,
    fingerprint: String,
    log: TrialLog,
    run: SearchRun<'a>,
    trials: BTreeMap<usize, Trial>,
}

impl Search<'_> {
    /// Takes a trial through a round, and says whether it got to its end.
    fn advance(&mut self, number: usize, round: usize, plan: &Round) -> Result<bool, Error> {
        let mut generator = self.key.child(number as u64).generator();
        let (mut config, loss) = self.space.draw(self.base, &mut generator);
        config.training.max_epochs = plan.max_epochs;
        let known = self.log.finished(number, round).cloned();
        let (epochs, measured) = match known {
            Some(finished) => (finished.epochs, finished.measured),
            None if self.run.cancel.is_cancelled() => return Ok(false),
            None => match self.train(number, &config)? {
                Some(result) => result,
                None => return Ok(false),
            },
        };
        let trial = Trial {
            number,
            config,
            loss,
            round,
            epochs,
            measured,
        };
        if self.log.finished(number, round).is_none() {
            self.log.append(&trial)?;
        }
        if let Some(observer) = &mut self.run.observer {
            observer(&trial).map_err(|source| SearchError::Observer {
                trial: number,
                source,
            })?;
        }
        self.trials.insert(number, trial);
        Ok(true)
    }

    /// The epochs of a trial and what validation found; nothing if somebody cancelled it.
    fn train(
        &self,
        number: usize,
        config: &NextItemConfig,
    ) -> Result<Option<(usize, Option<Measured>)>, Error> {
        let trainer = Trainer::new(config.training.clone())
            .cancel(self.run.cancel.clone())
            .checkpoint_in(self.checkpoints.of(number), &self.fingerprint)
            .resume(true);
        match fit(config, self.data, trainer, self.run.device) {
            Ok(trained) if trained.stopped == StopReason::Cancelled => Ok(None),
            Ok(trained) => Ok(Some((trained.history.len(), measured(&trained)))),
            Err(error) => match diverged_in(&error) {
                Some(epoch) => Ok(Some((epoch - 1, None))),
                None => Err(error),
            },
        }
    }

    /// Numbers of the best trials of a round, in their order; those that diverged are not among them.
    fn best(&self, round: usize, n_trials: usize) -> Vec<usize> {
        let of_round = self.trials.values().filter(|trial| trial.round == round);
        let mut trials: Vec<&Trial> = of_round.filter(|trial| trial.measured.is_some()).collect();
        trials.sort_by(|left, right| Trial::better_first(left, right));
        let best = trials.iter().take(n_trials);
        let mut numbers: Vec<usize> = best.map(|trial| trial.number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Removes the checkpoints of trials that do not go on.
    fn forget_all_but(&self, going: &[usize]) -> Result<(), SearchError> {
        let over = self.trials.keys().filter(|number| !going.contains(number));
        over.copied()
            .try_for_each(|number| self.checkpoints.remove(number))
    }

    fn outcome(self, is_complete: bool) -> SearchOutcome {
        SearchOutcome {
            trials: self.trials.into_values().collect(),
            space: self.space.clone(),
            is_complete,
        }
    }
}

/// The epoch, from 1, in which the numbers of a run left the finite range, if that is what ended it.
fn diverged_in(error: &Error) -> Option<usize> {
    match error {
        Error::Training(TrainingError::NotFinite { epoch, .. }) => Some(*epoch),
        // Weights may be finite and the scores that they give not.
        Error::Training(TrainingError::Objective { epoch, source, .. }) => {
            let evaluation = source.downcast_ref::<EvaluationError>()?;
            matches!(evaluation, EvaluationError::NotFinite { .. }).then_some(*epoch)
        }
        _ => None,
    }
}

fn measured(trained: &Trained<Recommender>) -> Option<Measured> {
    let epoch = trained.best_epoch?;
    let record = trained
        .history
        .iter()
        .find(|record| record.epoch == epoch)?;
    let validation = record.validation.as_ref()?;
    Some(Measured {
        metric: validation.deciding.clone(),
        value: *validation.metrics.get(&validation.deciding)?,
        epoch,
    })
}
