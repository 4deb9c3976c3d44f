//! From cases to a report on what contacting earns.

use super::contacts::{ContactRule, ranked};
use super::costs::{Costs, expected_values};
use super::curves::{deciles, profit_curve};
use super::customers::Customers;
use super::{CostsUsed, DecisionProtocol, DecisionReport, DecisionSettings};
use crate::evaluation::classification::{ClassificationCases, Confusion, blocks_of, estimates};
use crate::evaluation::{Estimate, EvaluationError, IntervalSettings, Measurement, Protocol};

/// Says what contacting by a rule would have earned on cases whose labels are known, and what the probabilities promised.
///
/// Intervals draw rows, or whole groups if the cases have groups; whom the rule contacts stays as it is. The costs are taken
/// at their word: that a contact keeps a customer is not in the labels.
///
/// `model` names who made the predictions.
///
/// # Errors
/// - [`EvaluationError::SingleClass`]
/// - of the rule and the costs as [`choose_contacts`](super::choose_contacts)
/// - [`EvaluationError::WeightsUndefined`] for a budget: a list holds whole customers
/// - of the settings [`EvaluationError::TooFewResamples`], [`EvaluationError::LevelOutOfRange`]
pub fn evaluate_decisions(
    model: &str,
    cases: &ClassificationCases,
    settings: &DecisionSettings,
) -> Result<DecisionReport, EvaluationError> {
    check(cases, settings)?;
    let expected = expected_values(cases.probabilities(), &settings.costs)?;
    let deciles = deciles(&blocks_of(cases));
    let deciles = deciles.ok_or_else(|| cases.single_class("the report"))?;
    let customers = Customers::new(cases, &settings.costs)?;
    let order = ranked(cases.probabilities(), &expected, settings.rule.priority());
    let rule = settings.rule;
    let n_contacts = rule.n_contacts(&order, cases.probabilities(), &expected)?;
    let contacts = &order[..n_contacts];
    let weights = customers.weights();
    let decisions = Decisions::new(&customers, contacts);
    let found = decisions.estimates(settings.interval.as_ref());
    let [value_per_customer, precision, recall, f1, accuracy, lift] = found;
    let knowing = |row: usize| customers.gains[row].max(0.0);
    Ok(DecisionReport {
        model: model.to_owned(),
        n_rows: cases.n_rows(),
        n_positives: cases.n_positives(),
        n_contacts,
        n_losing_contacts: contacts.iter().filter(|&&row| expected[row] < 0.0).count(),
        implied_threshold: implied_threshold(&settings.costs),
        confusion: decisions.confusion(&weights),
        // Some row has a weight.
        value_per_customer: value_per_customer.unwrap_or(Estimate::without_interval(0.0)),
        expected_value_per_customer: mean(&weights, contacts, |row| expected[row]),
        value_of_contacting_all: mean(&weights, &order, |row| customers.gains[row]),
        value_of_knowing: mean(&weights, &order, knowing),
        precision,
        recall,
        f1,
        accuracy,
        lift,
        deciles,
        profit: profit_curve(&customers, &expected, &order),
        protocol: protocol(&customers, settings),
    })
}

fn check(cases: &ClassificationCases, settings: &DecisionSettings) -> Result<(), EvaluationError> {
    let interval = settings.interval.as_ref();
    interval.map_or(Ok(()), IntervalSettings::check)?;
    if cases.weights().is_some() && matches!(settings.rule, ContactRule::Budget { .. }) {
        let what = "a contact budget";
        return Err(EvaluationError::WeightsUndefined { what });
    }
    settings.rule.check(&settings.costs)
}

/// The sum of a value over some rows, divided by the weight of all.
fn mean(weights: &[f64], rows: &[usize], value_of: impl Fn(usize) -> f64) -> f64 {
    // From 0, because the sum of no numbers is -0 and prints so.
    let value = (rows.iter()).fold(0.0, |sum, &row| sum + weights[row] * value_of(row));
    value / weights.iter().sum::<f64>()
}

fn implied_threshold(costs: &Costs) -> Option<f64> {
    match costs {
        Costs::Same(matrix) => matrix.threshold().ok(),
        Costs::ByRow(_) => None,
    }
}

fn protocol(customers: &Customers<'_>, settings: &DecisionSettings) -> Protocol {
    let cases = customers.cases;
    Protocol {
        origin: settings.origin.clone(),
        n_cases: cases.n_rows(),
        cases_sha256: cases.sha256(),
        interval: settings.interval.clone(),
        measurement: Measurement::Decisions(DecisionProtocol {
            rule: settings.rule,
            costs: CostsUsed::new(&settings.costs),
            weighted: cases.weights().is_some(),
            drawn: customers.drawn(),
        }),
    }
}

/// Who is contacted.
struct Decisions<'a> {
    customers: &'a Customers<'a>,
    contacted: Vec<bool>,
}

impl<'a> Decisions<'a> {
    fn new(customers: &'a Customers<'a>, contacts: &[usize]) -> Self {
        let mut contacted = vec![false; customers.cases.n_rows()];
        contacts.iter().for_each(|&row| contacted[row] = true);
        Self {
            customers,
            contacted,
        }
    }

    fn confusion(&self, weights: &[f64]) -> Confusion {
        let mut confusion = Confusion::default();
        let labels = self.customers.cases.labels();
        for (row, weight) in weights.iter().enumerate() {
            *match (self.contacted[row], labels[row]) {
                (true, true) => &mut confusion.true_positives,
                (true, false) => &mut confusion.false_positives,
                (false, true) => &mut confusion.false_negatives,
                (false, false) => &mut confusion.true_negatives,
            } += weight;
        }
        confusion
    }

    /// [`Self::values`] with intervals.
    fn estimates(&self, interval: Option<&IntervalSettings>) -> [Option<Estimate>; 6] {
        let values = self.values(&self.customers.weights());
        estimates(values, self.customers.n_units(), interval, |counts| {
            self.values(&self.customers.resampled_weights(counts))
        })
    }

    /// Value a customer, precision, recall, F1, accuracy and lift, where they are defined.
    fn values(&self, weights: &[f64]) -> [Option<f64>; 6] {
        let confusion = self.confusion(weights);
        let total: f64 = weights.iter().sum();
        let gains = &self.customers.gains;
        let rows = (0..weights.len()).filter(|&row| self.contacted[row]);
        let value = rows.fold(0.0, |sum, row| sum + weights[row] * gains[row]);
        let positive = confusion.true_positives + confusion.false_negatives;
        let lift = || Some(confusion.precision()? / (positive / total));
        [
            (total > 0.0).then(|| value / total),
            confusion.precision(),
            confusion.recall(),
            confusion.f1(),
            confusion.accuracy(),
            lift().filter(|_| positive > 0.0),
        ]
    }
}
