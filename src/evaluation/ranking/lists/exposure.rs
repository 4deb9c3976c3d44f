//! How often items are recommended.

use super::ExposureMeasure;

/// How often each item is among the first `k` places of a list.
#[derive(Debug)]
pub(super) struct Exposure {
    k: usize,
    n_lists: usize,
    /// Number of lists that hold each item.
    counts: Vec<u32>,
    /// Sum of the lists as vectors of length 1: its square holds the cosine of every pair.
    directions: Vec<f64>,
}

impl Exposure {
    pub(super) fn new(k: usize, n_items: usize) -> Self {
        Self {
            k,
            n_lists: 0,
            counts: vec![0; n_items],
            directions: vec![0.0; n_items],
        }
    }

    /// Counts a list, which has at least one item.
    pub(super) fn add(&mut self, list: &[u32]) {
        let first = &list[..self.k.min(list.len())];
        let direction = 1.0 / (first.len() as f64).sqrt();
        for &item in first {
            self.counts[item as usize] += 1;
            self.directions[item as usize] += direction;
        }
        self.n_lists += 1;
    }

    /// The measures of all lists that were added, by name; there must be one.
    pub(super) fn measures(&self, candidates: &[u32]) -> Vec<(String, f64)> {
        let counts = candidates.iter().map(|&item| self.counts[item as usize]);
        let mut counts: Vec<f64> = counts.map(f64::from).collect();
        counts.sort_unstable_by(f64::total_cmp);
        let values = ExposureMeasure::ALL.into_iter().filter_map(|measure| {
            let value = match measure {
                ExposureMeasure::Coverage => coverage(&counts),
                ExposureMeasure::Gini => gini(&counts),
                ExposureMeasure::Entropy => entropy(&counts),
                ExposureMeasure::Personalisation => self.personalisation()?,
            };
            Some((measure.name_at(self.k), value))
        });
        values.collect()
    }

    fn personalisation(&self) -> Option<f64> {
        let n = self.n_lists as f64;
        let square: f64 = self.directions.iter().map(|sum| sum * sum).sum();
        // Each list has a cosine of 1 with itself; what remains is twice that of each pair.
        let mean = (square - n) / (n * (n - 1.0));
        // Rounding must not lead out of the range.
        (self.n_lists > 1).then(|| (1.0 - mean).clamp(0.0, 1.0))
    }
}

fn coverage(counts: &[f64]) -> f64 {
    let held = counts.iter().filter(|&&count| count > 0.0);
    held.count() as f64 / counts.len() as f64
}

/// The Gini index of ascending counts, not all 0.
fn gini(counts: &[f64]) -> f64 {
    let n = counts.len() as f64;
    let weights = (1..).map(|place| 2.0 * f64::from(place) - n - 1.0);
    let weighted: f64 = weights
        .zip(counts)
        .map(|(weight, count)| weight * count)
        .sum();
    weighted / (n * counts.iter().sum::<f64>())
}

fn entropy(counts: &[f64]) -> f64 {
    let total: f64 = counts.iter().sum();
    let shares = counts
        .iter()
        .filter(|&&count| count > 0.0)
        .map(|count| count / total);
    let information = shares.map(|share| share * share.recip().log2());
    information.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measures(lists: &[&[u32]], k: usize, candidates: &[u32]) -> Vec<f64> {
        let mut exposure = Exposure::new(k, 10);
        lists.iter().for_each(|list| exposure.add(list));
        let measures = exposure.measures(candidates);
        measures.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn equal_exposure_has_no_inequality() {
        let found = measures(&[&[0, 1], &[2, 3]], 2, &[0, 1, 2, 3]);
        assert_eq!(found[..3], [1.0, 0.0, 2.0]);
        assert!((found[3] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn one_item_for_all_is_as_unequal_as_can_be() {
        let found = measures(&[&[3, 1], &[3, 2], &[3, 0]], 1, &[0, 1, 2, 3]);
        assert_eq!(found, [0.25, 0.75, 0.0, 0.0]);
    }

    #[test]
    fn one_user_has_no_pair() {
        assert_eq!(measures(&[&[0, 1]], 2, &[0, 1, 2]).len(), 3);
    }
}
