//! Random draws that the simulator needs and the sums behind them.

use rand::RngExt;

use crate::random::CounterGenerator;

/// A choice among `0..n` by weights that sum to one.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    probabilities: Vec<f64>,
    cumulative: Vec<f64>,
}

impl Choice {
    /// Scales `weights` to sum to one. They are not negative and at least one is positive.
    pub(super) fn new(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let probabilities: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        let cumulative = probabilities
            .iter()
            .scan(0.0, |sum, probability| {
                *sum += probability;
                Some(*sum)
            })
            .collect();
        Self {
            probabilities,
            cumulative,
        }
    }

    pub(super) fn probability(&self, index: usize) -> f64 {
        self.probabilities[index]
    }

    pub(super) fn draw(&self, generator: &mut CounterGenerator) -> usize {
        let uniform: f64 = generator.random();
        self.cumulative
            .partition_point(|&sum| sum <= uniform)
            .min(self.cumulative.len() - 1)
    }
}

/// An index of `weights`, by their sizes, without building a table.
pub(super) fn draw_index(weights: &[f64], generator: &mut CounterGenerator) -> usize {
    let total: f64 = weights.iter().sum();
    let mut left = generator.random::<f64>() * total;
    let mut last_positive = 0;
    for (index, &weight) in weights.iter().enumerate() {
        if weight > 0.0 {
            if left < weight {
                return index;
            }
            last_positive = index;
        }
        left -= weight;
    }
    last_positive
}

/// A standard normal number (Box and Muller 1958).
pub(super) fn normal(generator: &mut CounterGenerator) -> f64 {
    let radius = (-2.0 * (1.0 - generator.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * generator.random::<f64>()).cos()
}

/// A number with exponential law of the given mean.
pub(super) fn exponential(mean: f64, generator: &mut CounterGenerator) -> f64 {
    -mean * (1.0 - generator.random::<f64>()).ln()
}

/// The numbers `0..n` in random order (Fisher and Yates).
pub(super) fn permutation(n: usize, generator: &mut CounterGenerator) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        order.swap(last, generator.random_range(0..=last));
    }
    order
}

pub(super) fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// The intercept at which `mean_of` reaches `target`; `mean_of` rises with its argument.
pub(super) fn solve_intercept(target: f64, mean_of: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-50.0, 50.0);
    // Each halving gains a bit: 60 of them reach the last bit of the answer.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if mean_of(middle) < target {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::RandomKey;

    #[test]
    fn a_choice_follows_its_weights() {
        let choice = Choice::new(&[1.0, 0.0, 3.0]);
        let mut generator = RandomKey::new(1).generator();
        let mut counts = [0usize; 3];
        for _ in 0..40_000 {
            counts[choice.draw(&mut generator)] += 1;
        }
        // Four standard errors of a share of 1/4.
        let share = counts[0] as f64 / 40_000.0;
        assert!(
            (share - 0.25).abs() < 4.0 * (0.1875f64 / 40_000.0).sqrt(),
            "{share}"
        );
        assert_eq!(counts[1], 0);
        assert_eq!(choice.probability(2), 0.75);
    }

    #[test]
    fn a_drawn_index_follows_the_weights() {
        let mut generator = RandomKey::new(2).generator();
        let mut counts = [0usize; 3];
        for _ in 0..40_000 {
            counts[draw_index(&[3.0, 1.0, 0.0], &mut generator)] += 1;
        }
        let share = counts[1] as f64 / 40_000.0;
        assert!(
            (share - 0.25).abs() < 4.0 * (0.1875f64 / 40_000.0).sqrt(),
            "{share}"
        );
        assert_eq!(counts[2], 0);
    }

    #[test]
    fn the_solved_intercept_gives_the_asked_mean() {
        let logits = [-1.0, 0.5, 2.0];
        let mean =
            |intercept: f64| logits.iter().map(|x| logistic(x + intercept)).sum::<f64>() / 3.0;
        let intercept = solve_intercept(0.1, mean);
        assert!((mean(intercept) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn a_permutation_holds_every_number_once() {
        let mut order = permutation(101, &mut RandomKey::new(3).generator());
        assert_ne!(order, (0..101).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..101).collect::<Vec<_>>());
    }
}
