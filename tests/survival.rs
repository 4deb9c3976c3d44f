//! Survival with censoring is measured as its definitions say, and as other tools do.

use rand::RngExt;
use salient::evaluation::survival::{SurvivalCases, SurvivalCurves};
use salient::random::RandomKey;

/// Survival of customers as a whole is that of textbooks and of lifelines.
mod kaplan_meier;

/// Predicted curves say what follows from them.
mod curves;

/// Measures of curves are their definitions, at ties and under censoring.
mod measures;

/// Reports hold, print and compare what was measured, and their intervals hold the truth as often as they say.
mod reports;

/// Pictures show what reports hold.
mod pictures;

/// Cases, curves and settings that make no sense are refused by name.
mod refusals;

pub(crate) fn cases(durations: &[f64], events: &[bool]) -> SurvivalCases {
    SurvivalCases::new(durations.to_vec(), events.to_vec()).unwrap()
}

/// Customers, what a model that sees their risk through some noise says, and the risk itself.
pub(crate) struct World {
    pub(crate) cases: SurvivalCases,
    pub(crate) curves: SurvivalCurves,
    /// The curves that the durations were drawn from.
    pub(crate) truth: SurvivalCurves,
    pub(crate) rates: Vec<f64>,
}

/// Exponential durations of rates between 1/20 and 1/2, censored at uniform times in `0..25` if at all.
pub(crate) fn world(seed: u64, n_rows: usize, noise: f64, is_censored: bool) -> World {
    let mut generator = RandomKey::new(seed).generator();
    let (mut durations, mut events) = (Vec::new(), Vec::new());
    let (mut rates, mut seen) = (Vec::new(), Vec::new());
    for _ in 0..n_rows {
        let rate = 0.05 * 10f64.powf(generator.random());
        let event = -generator.random::<f64>().max(1e-12).ln() / rate;
        let drawn = 25.0 * generator.random::<f64>();
        let censoring = if is_censored { drawn } else { f64::INFINITY };
        durations.push(event.min(censoring));
        events.push(event <= censoring);
        rates.push(rate);
        seen.push(rate * (noise * (generator.random::<f64>() - 0.5)).exp());
    }
    World {
        cases: SurvivalCases::new(durations, events).unwrap(),
        curves: exponential(&seen),
        truth: exponential(&rates),
        rates,
    }
}

/// Curves of constant hazards.
pub(crate) fn exponential(rates: &[f64]) -> SurvivalCurves {
    let times: Vec<f64> = (1..=100).map(|step| f64::from(step) / 4.0).collect();
    let curve = |rate: &f64| {
        let rate = *rate;
        times
            .iter()
            .map(move |time| (-rate * time).exp())
            .collect::<Vec<_>>()
    };
    let survival = rates.iter().flat_map(curve).collect();
    SurvivalCurves::new(times.clone(), survival).unwrap()
}

/// A few durations, so that there are ties, and curves of few different values.
pub(crate) fn tied(seed: u64, n_rows: usize) -> (SurvivalCases, SurvivalCurves) {
    let mut generator = RandomKey::new(seed).generator();
    let mut survival = Vec::new();
    let (mut durations, mut events) = (Vec::new(), Vec::new());
    for _ in 0..n_rows {
        durations.push(f64::from(generator.random_range(0..8u32)));
        events.push(generator.random::<f64>() < 0.6);
        let mut left = 1.0;
        for _ in 0..3 {
            left *= [0.5, 0.75, 1.0][generator.random_range(0..3)];
            survival.push(left);
        }
    }
    let curves = SurvivalCurves::new(vec![1.5, 3.0, 6.0], survival).unwrap();
    (SurvivalCases::new(durations, events).unwrap(), curves)
}
