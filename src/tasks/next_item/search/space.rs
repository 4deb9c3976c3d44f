//! What a search may choose from.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::SearchError;
use crate::Error;
use crate::model::ModelError;
use crate::tasks::next_item::{NextItemConfig, NextItemLoss};

/// What a search may choose from. A setting without range or choices stays as it is in the base configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchSpace {
    /// Range of `training.learning_rate`, above 0; drawn so that each factor of ten is as likely.
    pub learning_rate: Option<RangeInclusive<f64>>,
    /// Range of `dropout`, in `[0, 1)`; drawn evenly.
    pub dropout: Option<RangeInclusive<f64>>,
    /// Choices of `d_model`, multiples of `n_heads`; `d_ff` keeps its ratio to it.
    pub d_model: Vec<usize>,
    /// Choices of `loss`.
    pub loss: Vec<LossChoice>,
}

/// A loss and what tables and plots call it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossChoice {
    /// Name in tables and plots.
    pub label: String,
    /// The loss.
    pub loss: NextItemLoss,
}

impl SearchSpace {
    /// Checks that there is something to search, and that a model can be built of all of it.
    pub(super) fn validate(&self, base: &NextItemConfig) -> Result<(), Error> {
        if *self == Self::default() {
            return Err(SearchError::EmptySpace.into());
        }
        check_range("learning_rate", &self.learning_rate, "(0, infinity)", |x| {
            x > 0.0 && x.is_finite()
        })?;
        check_range("dropout", &self.dropout, "[0, 1)", |x| {
            (0.0..1.0).contains(&x)
        })?;
        for &d_model in &self.d_model {
            if d_model == 0 {
                return Err(ModelError::ZeroSize { field: "d_model" }.into());
            }
            let n_heads = base.n_heads;
            if n_heads > 0 && !d_model.is_multiple_of(n_heads) {
                return Err(ModelError::HeadsDoNotDivideModel { d_model, n_heads }.into());
            }
        }
        let mut labels = BTreeSet::new();
        let repeated = self.loss.iter().find(|loss| !labels.insert(&loss.label));
        match repeated {
            Some(LossChoice { label, .. }) => Err(SearchError::RepeatedLabel {
                label: label.clone(),
            }
            .into()),
            None => Ok(()),
        }
    }

    /// Draws a configuration, and the label of its loss if losses are searched.
    ///
    /// Every setting takes one number of the generator whether it is searched or not, so that what is drawn for one does
    /// not depend on which others are searched.
    pub(super) fn draw(
        &self,
        base: &NextItemConfig,
        generator: &mut impl Rng,
    ) -> (NextItemConfig, Option<String>) {
        let mut config = base.clone();
        let [rate, dropout, width, loss] = [(); 4].map(|()| generator.random::<f64>());
        if let Some(range) = &self.learning_rate {
            let (low, high) = (range.start().ln(), range.end().ln());
            let drawn = (low + rate * (high - low)).exp();
            config.training.learning_rate = rounded(drawn, range);
        }
        if let Some(range) = &self.dropout {
            let drawn = range.start() + dropout * (range.end() - range.start());
            config.dropout = rounded(drawn, range);
        }
        if let Some(&d_model) = chosen(&self.d_model, width) {
            // A base without width is refused where its model is built.
            config.d_ff = (base.d_ff * d_model / base.d_model.max(1)).max(1);
            config.d_model = d_model;
        }
        let label = chosen(&self.loss, loss).map(|choice| {
            config.loss.clone_from(&choice.loss);
            choice.label.clone()
        });
        (config, label)
    }
}

fn check_range(
    setting: &'static str,
    range: &Option<RangeInclusive<f64>>,
    allowed: &'static str,
    holds: impl Fn(f64) -> bool,
) -> Result<(), SearchError> {
    match range {
        Some(range)
            if !(range.start() <= range.end() && holds(*range.start()) && holds(*range.end())) =>
        {
            Err(SearchError::Range {
                setting,
                low: *range.start(),
                high: *range.end(),
                allowed,
            })
        }
        _ => Ok(()),
    }
}

/// A drawn value with three digits, so that a table can show what was used; as it is where the range is too narrow for that.
fn rounded(drawn: f64, range: &RangeInclusive<f64>) -> f64 {
    match format!("{drawn:.2e}").parse() {
        Ok(rounded) if range.contains(&rounded) => rounded,
        // The logarithm and back may leave the range by a unit.
        _ => drawn.clamp(*range.start(), *range.end()),
    }
}

fn chosen<T>(choices: &[T], drawn: f64) -> Option<&T> {
    choices.get((drawn * choices.len() as f64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{RandomKey, Stream};

    fn key() -> RandomKey {
        RandomKey::new(5).stream(Stream::Search)
    }

    fn draws(space: &SearchSpace) -> Vec<NextItemConfig> {
        let base = NextItemConfig {
            d_model: 16,
            d_ff: 48,
            ..NextItemConfig::default()
        };
        (0..2000)
            .map(|trial| space.draw(&base, &mut key().child(trial).generator()).0)
            .collect()
    }

    fn share(configs: &[NextItemConfig], holds: impl Fn(&NextItemConfig) -> bool) -> f64 {
        configs.iter().filter(|config| holds(config)).count() as f64 / configs.len() as f64
    }

    #[test]
    fn ranges_are_drawn_from_evenly_and_within_bounds() {
        let space = SearchSpace {
            learning_rate: Some(1e-4..=1e-1),
            dropout: Some(0.2..=0.6),
            d_model: vec![8, 16, 64],
            ..SearchSpace::default()
        };
        let configs = draws(&space);
        // Each factor of ten, each quarter, each choice; three standard deviations of a share of 2000 are 0.034.
        for decade in [1e-4, 1e-3, 1e-2] {
            let found = share(&configs, |config| {
                (decade..decade * 10.0).contains(&config.training.learning_rate)
            });
            assert!((found - 1.0 / 3.0).abs() < 0.034, "{decade}: {found}");
        }
        for low in [0.2, 0.3, 0.4, 0.5] {
            let found = share(&configs, |config| {
                (low..low + 0.1).contains(&config.dropout)
            });
            assert!((found - 0.25).abs() < 0.034, "{low}: {found}");
        }
        for (d_model, d_ff) in [(8, 24), (16, 48), (64, 192)] {
            let found = share(&configs, |config| {
                (config.d_model, config.d_ff) == (d_model, d_ff)
            });
            assert!((found - 1.0 / 3.0).abs() < 0.034, "{d_model}: {found}");
        }
    }

    #[test]
    fn a_setting_is_drawn_alike_whatever_else_is_searched() {
        let alone = SearchSpace {
            dropout: Some(0.0..=0.5),
            ..SearchSpace::default()
        };
        let together = SearchSpace {
            learning_rate: Some(1e-3..=1e-2),
            d_model: vec![8, 16],
            ..alone.clone()
        };
        let dropout = |space| {
            draws(space)
                .iter()
                .map(|config| config.dropout)
                .collect::<Vec<_>>()
        };
        assert_eq!(dropout(&alone), dropout(&together));
    }

    #[test]
    fn drawn_numbers_have_three_digits_and_stay_in_their_range() {
        let third = 1.0 / 3.0;
        assert_eq!(rounded(third / 10.0, &(1e-3..=1.0)), 0.0333);
        assert_eq!(rounded(third, &(0.3332..=0.3334)), third);
        assert_eq!(rounded(0.1 + 0.2, &(0.1..=0.3)), 0.3);
        assert_eq!(rounded(1.25 + 1e-9, &(0.1..=1.25)), 1.25);
    }
}
