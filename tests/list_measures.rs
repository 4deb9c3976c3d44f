//! Measures of lists are what their definitions say, for any scores, ties included.

use std::collections::HashSet;

use proptest::prelude::*;
use salient::evaluation::EvaluationError;
use salient::evaluation::ranking::{
    Candidates, Catalogue, ExposureMeasure, ItemContent, ListMeasure, ListReport, RankingCase,
    RankingSettings, SeenItems, evaluate_lists, evaluate_ranking, evaluate_ranking_and_lists,
};

use crate::score_table::{Table, case, row_of, settings};

/// What tells the items of a small world apart.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    None,
    Categories(Vec<Vec<u32>>),
    /// Pairs of numbers.
    Vectors(Vec<f32>),
}

/// A small world: few different scores and counts, so that many are tied.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) rows: Vec<Vec<f32>>,
    pub(crate) cases: Vec<RankingCase>,
    pub(crate) counts: Vec<u32>,
    pub(crate) content: Content,
    pub(crate) settings: RankingSettings,
}

impl World {
    pub(crate) fn catalogue(&self) -> Catalogue<'_> {
        Catalogue {
            item_counts: &self.counts,
            content: match &self.content {
                Content::None => None,
                Content::Categories(categories) => Some(ItemContent::Categories(categories)),
                Content::Vectors(values) => Some(ItemContent::Vectors { values, width: 2 }),
            },
        }
    }

    pub(crate) fn scorer(&self) -> Table {
        Table {
            n_items: self.counts.len(),
            rows: self.rows.clone(),
        }
    }

    pub(crate) fn report(&self) -> Result<ListReport, EvaluationError> {
        evaluate_lists(
            &self.cases,
            &self.scorer(),
            &self.settings,
            &self.catalogue(),
        )
    }

    fn candidates(&self) -> Vec<u32> {
        match &self.settings.candidates {
            Candidates::All => (0..self.counts.len() as u32).collect(),
            Candidates::AllowList(items) => {
                let distinct: HashSet<u32> = items.iter().copied().collect();
                distinct.into_iter().collect()
            }
        }
    }

    /// The `k` items of highest value that a user may be shown, by a sort.
    fn best(&self, case: &RankingCase, k: usize, value: impl Fn(u32) -> f32) -> Vec<u32> {
        let mut items = self.candidates();
        if self.settings.seen_items == SeenItems::Filtered {
            items.retain(|item| !case.history.contains(item));
        }
        items.sort_unstable();
        items.sort_by(|a, b| value(*b).partial_cmp(&value(*a)).unwrap());
        items.truncate(k);
        items
    }

    fn list(&self, case: &RankingCase, k: usize) -> Vec<u32> {
        self.best(case, k, |item| self.rows[row_of(case)][item as usize])
    }

    fn lists(&self, k: usize) -> Vec<Vec<u32>> {
        self.cases.iter().map(|case| self.list(case, k)).collect()
    }
}

fn a_world() -> impl Strategy<Value = World> {
    (1..14usize, 1..7usize).prop_flat_map(|(n_items, n_cases)| {
        let item = 0..n_items as u32;
        let scores = prop::sample::select(vec![-1.5f32, -0.0, 0.0, 0.25, 3.0]);
        let number = prop::sample::select(vec![-1.0f32, 0.0, 0.0, 0.5, 2.0]);
        let rows = prop::collection::vec(prop::collection::vec(scores, n_items), n_cases);
        let histories = prop::collection::vec(prop::collection::vec(item.clone(), 0..8), n_cases);
        let targets = prop::collection::hash_set(item.clone(), 0..=n_items.min(5));
        let targets = prop::collection::vec(targets, n_cases);
        let allowed = prop::option::of(prop::collection::hash_set(item, 1..=n_items));
        let categories = prop::collection::vec(prop::collection::vec(0..4u32, 0..4), n_items);
        let content = prop_oneof![
            Just(Content::None),
            categories.prop_map(Content::Categories),
            prop::collection::vec(number, 2 * n_items).prop_map(Content::Vectors),
        ];
        let counts = prop::collection::vec(prop::sample::select(vec![0, 0, 1, 1, 2, 9]), n_items);
        let judged = (prop::bool::ANY, 1..=n_items, 1..4usize);
        (rows, histories, targets, allowed, content, counts, judged).prop_map(
            |(rows, histories, targets, allowed, content, counts, (kept, k, batch_size))| {
                let n_candidates = allowed.as_ref().map_or(counts.len(), HashSet::len);
                let allowed =
                    allowed.map(|items| Candidates::AllowList(items.into_iter().collect()));
                let people = histories.into_iter().zip(targets);
                let a_case = |(row, (history, targets)): (usize, (Vec<u32>, HashSet<u32>))| {
                    let targets: Vec<u32> = targets.into_iter().collect();
                    RankingCase {
                        n_unknown_targets: usize::from(targets.is_empty()),
                        ..case(row, &history, &targets)
                    }
                };
                World {
                    cases: people.enumerate().map(a_case).collect(),
                    rows,
                    counts,
                    content,
                    settings: RankingSettings {
                        seen_items: if kept {
                            SeenItems::Kept
                        } else {
                            SeenItems::Filtered
                        },
                        candidates: allowed.unwrap_or_default(),
                        batch_size,
                        ..settings(&[1, k.min(n_candidates)])
                    },
                }
            },
        )
    })
}

/// The distance of two items, from the definition.
fn brute_force_distance(content: &Content, left: u32, right: u32) -> f64 {
    match content {
        Content::None => 0.0,
        Content::Categories(categories) => {
            let set =
                |item: u32| -> HashSet<u32> { categories[item as usize].iter().copied().collect() };
            let either = set(left).union(&set(right)).count();
            let one_alone = set(left).symmetric_difference(&set(right)).count();
            if either == 0 {
                0.0
            } else {
                one_alone as f64 / either as f64
            }
        }
        Content::Vectors(values) => {
            let vector = |item: u32| [0, 1].map(|i| f64::from(values[item as usize * 2 + i]));
            let ([a, b], [c, d]) = (vector(left), vector(right));
            match (a.hypot(b) == 0.0, c.hypot(d) == 0.0) {
                (true, true) => 0.0,
                (false, false) => 1.0 - (b.atan2(a) - d.atan2(c)).cos(),
                _ => 1.0,
            }
        }
    }
}

/// Whether two thirds of all events go to more popular items, or none to this.
fn is_in_tail(counts: &[u32], item: u32) -> bool {
    let count = counts[item as usize];
    let of_more_popular: u32 = counts.iter().filter(|&&other| other > count).sum();
    count == 0 || 3 * of_more_popular >= 2 * counts.iter().sum::<u32>()
}

/// A measure of one list, from its definition.
fn brute_force(measure: ListMeasure, k: usize, world: &World, case: &RankingCase) -> f64 {
    let list = world.list(case, k);
    let counts = &world.counts;
    let mean = |value: &dyn Fn(u32) -> f64| {
        list.iter().map(|&item| value(item)).sum::<f64>() / list.len() as f64
    };
    let count = |item: u32| f64::from(counts[item as usize]);
    match measure {
        ListMeasure::Novelty => {
            let total: f64 = (0..counts.len() as u32).map(|item| count(item) + 1.0).sum();
            mean(&|item| (total / (count(item) + 1.0)).ln() / std::f64::consts::LN_2)
        }
        ListMeasure::Popularity => mean(&count),
        ListMeasure::LongTail => mean(&|item| if is_in_tail(counts, item) { 1.0 } else { 0.0 }),
        ListMeasure::Diversity => {
            let mut distances = Vec::new();
            for left in &list {
                for right in list.iter().filter(|right| *right != left) {
                    distances.push(brute_force_distance(&world.content, *left, *right));
                }
            }
            distances.iter().sum::<f64>() / distances.len().max(1) as f64
        }
        ListMeasure::Serendipity => {
            let popular = world.best(case, k, |item| counts[item as usize] as f32);
            let useful: HashSet<u32> = case.targets.iter().copied().collect();
            let unexpected = list.iter().filter(|item| !popular.contains(item));
            unexpected.filter(|item| useful.contains(item)).count() as f64 / k as f64
        }
        _ => unreachable!(),
    }
}

/// A measure of all lists, from its definition.
fn brute_force_exposure(measure: ExposureMeasure, k: usize, world: &World) -> Option<f64> {
    let lists = world.lists(k);
    let places: Vec<u32> = lists.iter().flatten().copied().collect();
    let candidates = world.candidates();
    let n_of = |item: u32| places.iter().filter(|&&other| other == item).count() as f64;
    let (n, n_places) = (candidates.len() as f64, places.len() as f64);
    let value = match measure {
        ExposureMeasure::Coverage => places.iter().collect::<HashSet<_>>().len() as f64 / n,
        ExposureMeasure::Gini => {
            let pairs = candidates
                .iter()
                .flat_map(|a| candidates.iter().map(move |b| (*a, *b)));
            let differences: f64 = pairs.map(|(a, b)| (n_of(a) - n_of(b)).abs()).sum();
            differences / (2.0 * n * n_places)
        }
        ExposureMeasure::Entropy => {
            // The mean over places of the information of what they hold.
            places
                .iter()
                .map(|&item| (n_places / n_of(item)).log2())
                .sum::<f64>()
                / n_places
        }
        ExposureMeasure::Personalisation => {
            let mut similarities = Vec::new();
            for (index, left) in lists.iter().enumerate() {
                for right in &lists[index + 1..] {
                    let shared = left.iter().filter(|item| right.contains(item)).count() as f64;
                    similarities.push(shared / ((left.len() * right.len()) as f64).sqrt());
                }
            }
            if similarities.is_empty() {
                return None;
            }
            1.0 - similarities.iter().sum::<f64>() / similarities.len() as f64
        }
        _ => unreachable!(),
    };
    Some(value)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn measures_equal_those_of_sorted_lists(world in a_world()) {
        let empty = world.cases.iter().position(|case| world.list(case, 1).is_empty());
        let report = match (world.report(), empty) {
            (Err(EvaluationError::EmptyList { case }), Some(empty)) => {
                prop_assert_eq!(case, empty);
                return Ok(());
            }
            (report, None) => report.unwrap(),
            (report, Some(empty)) => panic!("case {empty} has no list: {report:?}"),
        };
        let longest = *world.settings.cutoffs.iter().max().unwrap();
        let n_short = world.lists(longest).iter().filter(|list| list.len() < longest).count();
        prop_assert_eq!(report.n_short_lists, n_short);
        for &k in &world.settings.cutoffs {
            for measure in ListMeasure::ALL {
                let name = measure.name_at(k);
                if measure == ListMeasure::Diversity && matches!(world.content, Content::None) {
                    prop_assert_eq!(report.mean(measure, k), None);
                    continue;
                }
                let found = report.values_by_case(measure, k).unwrap();
                let cases = world.cases.iter();
                let expected: Vec<f64> = cases.map(|case| brute_force(measure, k, &world, case)).collect();
                let pairs = found.iter().zip(&expected);
                prop_assert!(
                    pairs.clone().all(|(a, b)| (a - b).abs() < 1e-9),
                    "{name}: {found:?} {expected:?}"
                );
                let mean = expected.iter().sum::<f64>() / expected.len() as f64;
                prop_assert!((report.mean(measure, k).unwrap() - mean).abs() < 1e-9, "{name}");
            }
            for measure in ExposureMeasure::ALL {
                let (found, expected) = (report.exposure(measure, k), brute_force_exposure(measure, k, &world));
                let close = match (found, expected) {
                    (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
                    (found, expected) => found == expected,
                };
                prop_assert!(close, "{}: {found:?} {expected:?}", measure.name_at(k));
            }
        }
    }

    #[test]
    fn one_pass_gives_what_two_give(world in a_world(), batch_size in 1..9usize) {
        let mut other = world.clone();
        other.settings.batch_size = batch_size;
        let both = evaluate_ranking_and_lists(&other.cases, &other.scorer(), &other.settings, &other.catalogue());
        match (both, world.report()) {
            (Ok((accuracy, lists)), Ok(expected)) => {
                prop_assert_eq!(lists, expected);
                let alone = evaluate_ranking(&world.cases, &world.scorer(), &world.settings);
                prop_assert_eq!(accuracy, alone.unwrap());
            }
            (Err(left), Err(right)) => prop_assert_eq!(left.to_string(), right.to_string()),
            (left, right) => panic!("{left:?} {right:?}"),
        }
    }

    #[test]
    fn targets_decide_serendipity_alone(world in a_world()) {
        let mut other = world.clone();
        for case in &mut other.cases {
            case.targets = vec![0];
        }
        if let (Ok(left), Ok(right)) = (world.report(), other.report()) {
            prop_assert_eq!(&left.exposure, &right.exposure);
            for (name, estimate) in &left.measures {
                let difference = (estimate.mean - right.measures[name].mean).abs();
                prop_assert!(difference < 1e-9 || name.starts_with("serendipity"), "{name}");
            }
        }
    }
}

/// Six items, two users, everything told apart by categories.
pub(crate) fn small_world() -> World {
    World {
        rows: vec![
            vec![0.9, 0.8, 0.7, 0.6, 0.5, 0.4],
            vec![0.1, 0.2, 0.3, 0.3, 0.5, 0.6],
        ],
        // Of the first, the list is 1, 2, 3; of the second 5, 4, 2, because 2 and 3 are tied.
        cases: vec![case(0, &[0], &[3, 2]), case(1, &[], &[5])],
        counts: vec![10, 5, 3, 2, 0, 4],
        content: Content::Categories(vec![vec![], vec![1, 2], vec![2], vec![3], vec![1], vec![]]),
        settings: settings(&[1, 3]),
    }
}

#[test]
fn measures_equal_hand_computed_values() {
    let report = small_world().report().unwrap();
    let check = |measure: ListMeasure, first: f64, second: f64| {
        let found = report.values_by_case(measure, 3).unwrap();
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(
            close(found[0], first) && close(found[1], second),
            "{measure:?} {found:?}"
        );
    };
    // 24 events and 6 items: of 30, the items have 6, 4, 3 and 5, 1, 4.
    // log2 of 5, 7.5, 10 is 2.321928095, 2.906890596, 3.321928095; of 6 and 30 it is 2.584962501 and 4.906890596.
    check(ListMeasure::Novelty, 2.850_248_929, 3.466_247_897);
    check(ListMeasure::Popularity, 10.0 / 3.0, 7.0 / 3.0);
    // From the most popular down, 0, 1, 5, 2, 3, 4, the items start at 0, 10, 15, 19, 22 and 24 events: two thirds are 16.
    check(ListMeasure::LongTail, 2.0 / 3.0, 2.0 / 3.0);
    // 1 and 2 share one of two categories, 3 none with either; 5 has none, 4 and 2 have different ones.
    check(ListMeasure::Diversity, (0.5 + 1.0 + 1.0) / 3.0, 1.0);
    // Popular for the first, without item 0, are 1, 5, 2: of the hits 2 and 3, the first is no surprise. For the second they are
    // 0, 1, 5.
    check(ListMeasure::Serendipity, 1.0 / 3.0, 0.0);
    assert_eq!(
        report.values_by_case(ListMeasure::Serendipity, 1).unwrap(),
        [0.0, 1.0]
    );
    let exposure = |measure| report.exposure(measure, 3).unwrap();
    assert_eq!(exposure(ExposureMeasure::Coverage), 5.0 / 6.0);
    // How often: 0, 1, 1, 1, 1, 2, weighted by -5, -3, -1, 1, 3, 5 and divided by 6 * 6.
    assert!((exposure(ExposureMeasure::Gini) - 10.0 / 36.0).abs() < 1e-12);
    // Four items have a sixth of the places and one a third: 4 / 6 * 2.584962501 + 1.584962501 / 3.
    assert!((exposure(ExposureMeasure::Entropy) - 2.251_629_167).abs() < 1e-9);
    assert!((exposure(ExposureMeasure::Personalisation) - 2.0 / 3.0).abs() < 1e-12);
}

#[test]
fn a_catalogue_of_one_item_has_measures() {
    let world = World {
        rows: vec![vec![0.5]; 2],
        cases: vec![case(0, &[], &[0]), case(1, &[], &[0])],
        counts: vec![0],
        content: Content::Vectors(vec![1.0, 0.0]),
        settings: settings(&[1]),
    };
    let report = world.report().unwrap();
    let means = ListMeasure::ALL.map(|measure| report.mean(measure, 1).unwrap());
    assert_eq!(means, [0.0, 0.0, 1.0, 0.0, 0.0]);
    let exposure = ExposureMeasure::ALL.map(|measure| report.exposure(measure, 1).unwrap());
    assert_eq!(exposure, [1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_seen_target_is_not_shown_again() {
    let world = World {
        cases: vec![case(0, &[0, 1], &[0])],
        ..small_world()
    };
    let report = world.report().unwrap();
    // Item 0 has the highest score and is the target, but nobody who makes the list knows that: it begins with item 2.
    assert_eq!(report.mean(ListMeasure::Popularity, 1), Some(3.0));
    let kept = World {
        settings: RankingSettings {
            seen_items: SeenItems::Kept,
            ..world.settings.clone()
        },
        ..world
    };
    let report = kept.report().unwrap();
    assert_eq!(report.mean(ListMeasure::Popularity, 1), Some(10.0));
}

#[test]
fn recommending_what_is_popular_surprises_nobody() {
    let world = small_world();
    let popular: Vec<f32> = world.counts.iter().map(|&count| count as f32).collect();
    let world = World {
        rows: vec![popular; 2],
        ..world
    };
    let report = world.report().unwrap();
    for k in [1, 3] {
        assert_eq!(report.mean(ListMeasure::Serendipity, k), Some(0.0));
    }
    assert_eq!(report.mean(ListMeasure::LongTail, 1), Some(0.0));
}
