//! What the model and the baselines say of the test rows of all folds, and how good that is.

use std::collections::BTreeMap;
use std::error::Error;

use salient::data::synthetic::Shop;
use salient::data::{RowUse, TableSplit, TableSplitter};
use salient::evaluation::classification::{
    ClassificationCases, ClassificationReport, ClassificationSettings, evaluate_classification,
};
use salient::tasks::ctr::{CtrData, CtrModel, CtrSources};

use crate::outcome::FoldTiming;

/// Test rows of all folds, one after the other.
#[derive(Default)]
pub(crate) struct Judged {
    /// One a label.
    pub(crate) labels: Vec<Judgements>,
    weights: Vec<f64>,
    groups: Vec<u64>,
    /// The value of each row, by field.
    segments: BTreeMap<String, Vec<String>>,
    /// What each fold took.
    pub(crate) folds: Vec<FoldTiming>,
}

/// A lesser model that is trained on the same rows.
#[derive(Clone, Copy)]
pub(crate) enum Baseline {
    WithoutHistory,
    Linear,
}

/// Test rows with one of their labels.
#[derive(Default)]
pub(crate) struct Judgements {
    pub(crate) name: String,
    truth: Vec<bool>,
    model: Vec<f64>,
    /// The same model without histories.
    without_history: Vec<f64>,
    /// Logistic regression on the same columns.
    linear: Vec<f64>,
    /// The share of positives in training by weight, whatever the row.
    base_rate: Vec<f64>,
}

impl Judged {
    /// Refuses what could not be judged, before time is spent on training.
    pub(crate) fn check(data: &CtrData, segments: &[String]) -> Result<(), String> {
        if data.test.is_none() {
            return Err("there are no test rows: give --test, or a --test-share above 0".into());
        }
        let shape = data.schema.shape();
        let known: Vec<&str> = shape.categories.iter().map(|field| &*field.name).collect();
        match segments.iter().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(format!(
                "--segments {name}: the categories are {}",
                known.join(", ")
            )),
        }
    }

    /// Adds what a model says of its test rows.
    pub(crate) fn add(
        &mut self,
        model: &CtrModel,
        data: &CtrData,
        segments: &[String],
    ) -> Result<(), Box<dyn Error>> {
        let rows = data
            .test
            .as_ref()
            .ok_or("there are no test rows: give --test, or a --test-share above 0")?;
        let shape = model.schema().shape();
        let cases = model.cases(rows)?;
        self.labels.resize_with(cases.len(), Judgements::default);
        for (((judged, cases), name), rate) in
            (self.labels.iter_mut().zip(&cases).zip(&shape.labels)).zip(data.true_rates()?)
        {
            judged.name.clone_from(name);
            judged.truth.extend(cases.labels());
            judged.model.extend(cases.probabilities());
            judged.base_rate.extend(vec![rate; cases.n_rows()]);
        }
        if let Some(cases) = cases.first() {
            self.weights.extend(cases.weights().unwrap_or_default());
            self.groups.extend(cases.groups().unwrap_or_default());
        }
        let n_categories = shape.categories.len();
        if segments.is_empty() {
            return Ok(());
        }
        let all = rows.range(0..rows.n_rows())?;
        for name in segments {
            let place = shape
                .categories
                .iter()
                .position(|field| field.name == *name);
            let (Some(place), Some(names)) = (place, model.schema().value_names(name)) else {
                continue; // `check` refuses other names.
            };
            let ids = all.categories.iter().skip(place).step_by(n_categories);
            let of_field = self.segments.entry(name.clone()).or_default();
            of_field.extend(ids.map(|&id| names[id as usize].clone()));
        }
        Ok(())
    }

    /// Adds what a lesser model says of the test rows that a model was added for.
    pub(crate) fn add_baseline(
        &mut self,
        baseline: Baseline,
        model: &CtrModel,
        data: &CtrData,
    ) -> Result<(), Box<dyn Error>> {
        if let Some(rows) = &data.test {
            for (judged, cases) in self.labels.iter_mut().zip(model.cases(rows)?) {
                let said = match baseline {
                    Baseline::WithoutHistory => &mut judged.without_history,
                    Baseline::Linear => &mut judged.linear,
                };
                said.extend(cases.probabilities());
            }
        }
        Ok(())
    }

    /// How good the model is about one label, then the baselines.
    pub(crate) fn reports(
        &self,
        label: &Judgements,
        name: &str,
        settings: &ClassificationSettings,
    ) -> Result<Vec<ClassificationReport>, Box<dyn Error>> {
        let mut cases = ClassificationCases::new(label.model.clone(), label.truth.clone())?;
        if !self.weights.is_empty() {
            cases = cases.with_weights(self.weights.clone())?;
        }
        if !self.groups.is_empty() {
            cases = cases.with_groups(self.groups.clone())?;
        }
        let plain = cases.clone();
        for (field, values) in &self.segments {
            cases = cases.with_segment(field, values)?;
        }
        let mut reports = vec![evaluate_classification(name, &cases, settings)?];
        let without_history = format!("{name} without history");
        for (name, probabilities) in [
            (without_history.as_str(), &label.without_history),
            ("logistic regression", &label.linear),
            ("base rate", &label.base_rate),
        ] {
            if probabilities.len() == plain.n_rows() {
                let cases = plain.with_probabilities(probabilities.clone())?;
                reports.push(evaluate_classification(name, &cases, settings)?);
            }
        }
        Ok(reports)
    }

    /// How good somebody is who knows the true probability of each click in the shop.
    pub(crate) fn best_possible(
        &self,
        label: &Judgements,
        shop: &Shop,
        sources: &[CtrSources],
        settings: &ClassificationSettings,
    ) -> Result<ClassificationReport, Box<dyn Error>> {
        let mut truth = Vec::with_capacity(label.truth.len());
        for sources in sources {
            if let CtrSources::Split(_, split) = sources {
                truth.extend(true_probabilities(shop, *split)?);
            }
        }
        let mut cases = ClassificationCases::new(truth, label.truth.clone())?;
        if !self.groups.is_empty() {
            cases = cases.with_groups(self.groups.clone())?;
        }
        Ok(evaluate_classification("best possible", &cases, settings)?)
    }
}

/// The true probabilities of the test rows.
fn true_probabilities(shop: &Shop, split: TableSplit) -> Result<Vec<f64>, Box<dyn Error>> {
    let impressions = shop.impressions();
    let times = impressions.iter().map(|shown| shown.time_utc_millis);
    let splitter = TableSplitter::new(split, &times.collect(), impressions.len())?;
    let mut truth = Vec::new();
    for (row, shown) in impressions.iter().enumerate() {
        let user = &shop.users()[shown.user as usize].id;
        if splitter.use_of(row, Some(user), Some(shown.time_utc_millis))? == RowUse::Test {
            truth.push(shown.click_probability);
        }
    }
    Ok(truth)
}
