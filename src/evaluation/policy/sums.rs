//! What the estimates are made of.

/// What one decision adds to each estimate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    /// How much likelier the target policy is to do the same, clipped.
    pub(super) weight: f64,
    pub(super) reward: f64,
    /// By the model of rewards and its correction; 0 without one.
    pub(super) doubly_robust: f64,
}

/// The estimates, in the order of [`Values`].
pub(super) const LOGGED: usize = 0;
pub(super) const INVERSE_PROPENSITY: usize = 1;
pub(super) const SELF_NORMALISED: usize = 2;
pub(super) const DOUBLY_ROBUST: usize = 3;

/// A number for each estimate; `None` where a resample holds no action of the target policy.
pub(super) type Values = [Option<f64>; 4];

/// The estimates from some decisions, of which there must be one.
pub(super) fn values<'a>(terms: impl Iterator<Item = &'a Term>) -> Values {
    let (mut n, mut reward, mut weight) = (0.0, 0.0, 0.0);
    let (mut weighted, mut doubly_robust) = (0.0, 0.0);
    for term in terms {
        n += 1.0;
        reward += term.reward;
        weight += term.weight;
        weighted += term.weight * term.reward;
        doubly_robust += term.doubly_robust;
    }
    [
        Some(reward / n),
        Some(weighted / n),
        (weight > 0.0).then(|| weighted / weight),
        Some(doubly_robust / n),
    ]
}

/// The standard error of each estimate; that of the ratio by the delta method. There must be two decisions.
pub(super) fn standard_errors(terms: &[Term], values: &Values) -> Values {
    let n = terms.len() as f64;
    let of_mean = |mean: Option<f64>, value: &dyn Fn(&Term) -> f64| {
        let squares = terms
            .iter()
            .map(|term| (value(term) - mean.unwrap_or(0.0)).powi(2));
        Some((squares.sum::<f64>() / (n - 1.0) / n).sqrt())
    };
    let mean_weight = terms.iter().map(|term| term.weight).sum::<f64>() / n;
    let ratio = values[SELF_NORMALISED].unwrap_or(0.0);
    // The mean of these is 0 by the definition of the ratio.
    let ratio_error = of_mean(Some(0.0), &|term| term.weight * (term.reward - ratio));
    [
        of_mean(values[LOGGED], &|term| term.reward),
        of_mean(values[INVERSE_PROPENSITY], &|term| {
            term.weight * term.reward
        }),
        ratio_error.map(|error| error / mean_weight),
        of_mean(values[DOUBLY_ROBUST], &|term| term.doubly_robust),
    ]
}
