//! Simple models under the same protocol.

use std::collections::BTreeMap;
use std::error::Error;

use salient::baselines::{
    Ease, EaseConfig, ItemKnn, ItemKnnConfig, Markov, MarkovConfig, MatrixFactorisation,
    MatrixFactorisationConfig, Popularity, PopularityConfig, TrainingHistory,
};
use salient::evaluation::ranking::Scorer;
use salient::tasks::next_item::NextItemData;

use crate::shared::resources;

/// Simple models, and what it took to fit them.
pub(crate) struct Baselines {
    scorers: Vec<Box<dyn Scorer>>,
    /// Processor seconds of fitting each, by name.
    pub(crate) cpu_seconds: BTreeMap<String, f64>,
}

impl Baselines {
    /// Fits popularity and, if `all`, the others; EASE where the catalogue is not too large for it.
    pub(crate) fn fit(data: &NextItemData, all: bool) -> Result<Self, Box<dyn Error>> {
        let sequences = data.train.catalogue_sequences();
        let times = &data.train.times_utc_millis;
        let ranges = data.train.offsets.ranges();
        let histories: Vec<TrainingHistory<'_>> = sequences
            .iter()
            .zip(ranges)
            .map(|(items, range)| TrainingHistory {
                items,
                times_utc_millis: &times[range],
            })
            .collect();
        let (n, train) = (data.n_items(), histories.as_slice());
        let mut fitted = Self {
            scorers: Vec::new(),
            cpu_seconds: BTreeMap::new(),
        };
        fitted.add(|| {
            Ok(Box::new(Popularity::fit(
                train,
                n,
                &PopularityConfig::default(),
            )?))
        })?;
        if !all {
            return Ok(fitted);
        }
        fitted.add(|| Ok(Box::new(ItemKnn::fit(train, n, &ItemKnnConfig::default())?)))?;
        fitted.add(|| Ok(Box::new(Markov::fit(train, n, &MarkovConfig::default())?)))?;
        let factors = MatrixFactorisationConfig::default();
        fitted.add(|| Ok(Box::new(MatrixFactorisation::fit(train, n, &factors)?)))?;
        let ease = EaseConfig::default();
        if n <= ease.max_items {
            fitted.add(|| Ok(Box::new(Ease::fit(train, n, &ease)?)))?;
        }
        Ok(fitted)
    }

    fn add(
        &mut self,
        fit: impl FnOnce() -> Result<Box<dyn Scorer>, Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let start = resources::cpu_seconds();
        let scorer = fit()?;
        let seconds = resources::cpu_seconds() - start;
        self.cpu_seconds.insert(scorer.name().to_owned(), seconds);
        self.scorers.push(scorer);
        Ok(())
    }

    /// All of them.
    pub(crate) fn scorers(&self) -> impl Iterator<Item = &dyn Scorer> {
        self.scorers.iter().map(AsRef::as_ref)
    }

    /// Popularity alone.
    pub(crate) fn popularity(&self) -> &dyn Scorer {
        self.scorers[0].as_ref()
    }
}
