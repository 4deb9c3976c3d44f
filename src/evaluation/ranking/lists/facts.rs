//! What each item adds to the measures of a list.

use super::distance::Distances;
use super::{Catalogue, ListMeasure};
use crate::evaluation::EvaluationError;
use crate::evaluation::ranking::segment::PopularityGroups;
use crate::evaluation::ranking::target_ranks::Ranker;

/// A list and the user it is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct UserList<'a> {
    /// Best first, at least one.
    pub(super) items: &'a [u32],
    /// Candidates that the user must not be shown.
    pub(super) hidden: &'a [u32],
    pub(super) targets: &'a [u32],
}

/// What each item adds to the measures of a list.
#[derive(Debug)]
pub(super) struct ItemFacts<'a> {
    item_counts: &'a [u32],
    /// Self-information in bits.
    novelty: Vec<f64>,
    in_tail: Vec<bool>,
    /// Place from 0 among the candidates by popularity, the lower index first among equals; meaningless outside them.
    popularity_place: Vec<u32>,
    distances: Option<Distances<'a>>,
}

impl<'a> ItemFacts<'a> {
    /// # Errors
    /// [`EvaluationError::CatalogueLength`], [`EvaluationError::ContentNotFinite`].
    pub(super) fn new(catalogue: &Catalogue<'a>, ranker: &Ranker) -> Result<Self, EvaluationError> {
        let n_items = ranker.n_items();
        catalogue.check(n_items)?;
        let item_counts = catalogue.item_counts;
        let counts = || item_counts.iter().copied().map(u64::from);
        let smoothed_total = (counts().sum::<u64>() + n_items as u64) as f64;
        let groups = PopularityGroups::new(counts());
        let content = catalogue.content;
        Ok(Self {
            item_counts,
            novelty: counts()
                .map(|count| (smoothed_total / (count + 1) as f64).log2())
                .collect(),
            in_tail: counts()
                .map(|count| groups.group(count) == PopularityGroups::TAIL)
                .collect(),
            popularity_place: popularity_places(item_counts, ranker.candidates()),
            distances: content.map(|content| Distances::new(content, n_items)),
        })
    }

    /// The measures that there are: all, but for diversity where nothing tells items apart.
    pub(super) fn measures(&self) -> Vec<ListMeasure> {
        let mut measures = ListMeasure::ALL.to_vec();
        measures.retain(|&measure| measure != ListMeasure::Diversity || self.distances.is_some());
        measures
    }

    /// A measure of the first places of a list at each cutoff.
    pub(super) fn at_cutoffs(
        &self,
        measure: ListMeasure,
        list: UserList<'_>,
        cutoffs: &[usize],
    ) -> Vec<f64> {
        let mean_of = |value: &dyn Fn(usize) -> f64| mean_until(list.items, cutoffs, value);
        match measure {
            ListMeasure::Novelty => mean_of(&|item| self.novelty[item]),
            ListMeasure::Popularity => mean_of(&|item| f64::from(self.item_counts[item])),
            ListMeasure::LongTail => mean_of(&|item| f64::from(u8::from(self.in_tail[item]))),
            ListMeasure::Diversity => self.diversity(list.items, cutoffs),
            ListMeasure::Serendipity => self.serendipity(list, cutoffs),
        }
    }

    fn diversity(&self, list: &[u32], cutoffs: &[usize]) -> Vec<f64> {
        let Some(distances) = &self.distances else {
            return vec![0.0; cutoffs.len()];
        };
        // The sum of the distances of all pairs of the first places, by their number.
        let mut sums = vec![0.0];
        let mut sum = 0.0;
        for (place, &item) in list.iter().enumerate() {
            let before = list[..place].iter();
            sum += before
                .map(|&other| distances.between(item, other))
                .sum::<f64>();
            sums.push(sum);
        }
        let at = |&k: &usize| {
            let n = k.min(list.len());
            let n_pairs = n * (n - 1) / 2;
            sums[n] / n_pairs.max(1) as f64
        };
        cutoffs.iter().map(at).collect()
    }

    fn serendipity(&self, list: UserList<'_>, cutoffs: &[usize]) -> Vec<f64> {
        let place = |&item: &u32| self.popularity_place[item as usize];
        let mut hidden: Vec<u32> = list.hidden.iter().map(place).collect();
        hidden.sort_unstable();
        // The place of each hit in the list, and by popularity among what this user could be shown.
        let hits: Vec<(usize, usize)> = (list.items.iter().enumerate())
            .filter(|(_, item)| list.targets.contains(item))
            .map(|(in_list, item)| {
                let by_popularity = place(item);
                let n_hidden = hidden.partition_point(|&other| other < by_popularity);
                (in_list, by_popularity as usize - n_hidden)
            })
            .collect();
        let at = |&k: &usize| {
            let hits = hits.iter();
            let unexpected =
                hits.filter(|(in_list, by_popularity)| *in_list < k && *by_popularity >= k);
            unexpected.count() as f64 / k as f64
        };
        cutoffs.iter().map(at).collect()
    }
}

/// The mean of a value of the items over the first `k` places, or as many as there are, for each cutoff.
fn mean_until(list: &[u32], cutoffs: &[usize], value: &dyn Fn(usize) -> f64) -> Vec<f64> {
    let at = |&k: &usize| {
        let first = &list[..k.min(list.len())];
        let sum: f64 = first.iter().map(|&item| value(item as usize)).sum();
        sum / first.len() as f64
    };
    cutoffs.iter().map(at).collect()
}

/// The place of each candidate from the most popular down.
fn popularity_places(counts: &[u32], mut candidates: Vec<u32>) -> Vec<u32> {
    candidates.sort_by_key(|&item| std::cmp::Reverse(counts[item as usize]));
    let mut places = vec![u32::MAX; counts.len()];
    for (place, &item) in (0..).zip(&candidates) {
        places[item as usize] = place;
    }
    places
}
