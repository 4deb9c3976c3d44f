//! What a search found.

use std::fmt;

use super::{SearchSpace, Trial};
use crate::evaluation::TextTable;

/// What a search found. Prints as a table, the best trial first.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchOutcome {
    /// Every trial that finished a round, by number.
    pub trials: Vec<Trial>,
    /// What was searched.
    pub space: SearchSpace,
    /// Whether the search came to its end; false if somebody cancelled it.
    pub is_complete: bool,
}

impl SearchOutcome {
    /// The trial of the highest value among those that got furthest; none if no trial finished or all diverged.
    pub fn best(&self) -> Option<&Trial> {
        self.best_first()
            .into_iter()
            .next()
            .filter(|trial| trial.measured.is_some())
    }

    /// Epochs that all trials trained together.
    pub fn n_epochs(&self) -> usize {
        self.trials.iter().map(|trial| trial.epochs).sum()
    }

    fn best_first(&self) -> Vec<&Trial> {
        let mut trials: Vec<&Trial> = self.trials.iter().collect();
        trials.sort_by(|left, right| Trial::better_first(left, right));
        trials
    }

    /// The metric that decides, where any trial has one.
    pub(super) fn metric(&self) -> Option<&str> {
        let mut measured = self
            .trials
            .iter()
            .filter_map(|trial| trial.measured.as_ref());
        measured.next().map(|measured| measured.metric.as_str())
    }

    fn searched(&self, trial: &Trial) -> Vec<(&'static str, String)> {
        let SearchSpace {
            learning_rate,
            dropout,
            d_model,
            loss,
        } = &self.space;
        let config = &trial.config;
        let cells = [
            (
                learning_rate.is_some(),
                "learning_rate",
                config.training.learning_rate.to_string(),
            ),
            (dropout.is_some(), "dropout", config.dropout.to_string()),
            (!d_model.is_empty(), "d_model", config.d_model.to_string()),
            (
                !loss.is_empty(),
                "loss",
                trial.loss.clone().unwrap_or_default(),
            ),
        ];
        let searched = cells.into_iter().filter(|(is_searched, ..)| *is_searched);
        searched.map(|(_, name, cell)| (name, cell)).collect()
    }
}

impl fmt::Display for SearchOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trials = self.best_first();
        let Some(first) = trials.first() else {
            return f.write_str("no trial finished");
        };
        let names = self.searched(first).into_iter().map(|(name, _)| name);
        let metric = self.metric().unwrap_or("validation");
        let header = std::iter::once("trial")
            .chain(names)
            .chain(["epochs", "best epoch", metric]);
        let mut table = TextTable::new(header.map(str::to_owned));
        for trial in trials {
            let (epoch, value) = match &trial.measured {
                Some(measured) => (measured.epoch.to_string(), format!("{:.4}", measured.value)),
                None => ("-".to_owned(), "diverged".to_owned()),
            };
            let cells = self.searched(trial).into_iter().map(|(_, cell)| cell);
            table.push(
                std::iter::once(trial.number.to_string())
                    .chain(cells)
                    .chain([trial.epochs.to_string(), epoch, value]),
            );
        }
        write!(f, "{table}")?;
        if !self.is_complete {
            f.write_str("\nstopped before its end")?;
        }
        Ok(())
    }
}
