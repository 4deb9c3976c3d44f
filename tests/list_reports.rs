//! Reports on lists print, are stored and are compared as they say, and what has no list is refused by name.

use salient::evaluation::ranking::{
    Catalogue, ItemContent, ListMeasure, ListReport, RankingCase, RankingSettings, SeenItems,
    Segment, compare_lists, evaluate_lists, evaluate_ranking,
};
use salient::evaluation::{EvaluationError, IntervalSettings};

use crate::list_measures::{Content, World, small_world};
use crate::score_table::{case, settings};

#[test]
fn segments_are_means_of_their_cases() {
    let mut world = small_world();
    world.cases.push(case(1, &[5, 4], &[5]));
    for (case, group) in world.cases.iter_mut().zip(["a", "b", "a"]) {
        case.segments.push(Segment::new("group", group));
    }
    let report = world.report().unwrap();
    for measure in ListMeasure::ALL {
        let name = measure.name_at(3);
        let values = report.values_by_case(measure, 3).unwrap();
        let group = |name: &str| &report.segments["group"][name];
        assert_eq!((group("a").n_users, group("b").n_users), (2, 1));
        assert!((group("a").metrics[&name] - (values[0] + values[2]) / 2.0).abs() < 1e-12);
        assert_eq!(group("b").metrics[&name], values[1]);
    }
}

#[test]
fn a_report_does_not_depend_on_the_number_of_threads() {
    let world = small_world();
    let with_threads = |n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
        pool.unwrap().install(|| world.report().unwrap())
    };
    assert_eq!(with_threads(1), with_threads(3));
}

/// A report on many users with intervals and groups, small enough to read.
fn a_report(spread: u32, content: Content) -> ListReport {
    let score = |row: u32, item: u32| ((item * 5 + 11 + row * spread) % 12) as f32;
    let world = World {
        rows: (0..40)
            .map(|row| (0..12).map(|item| score(row, item)).collect())
            .collect(),
        cases: (0..40u32)
            .map(|row| RankingCase {
                segments: vec![Segment::new("group", if row < 10 { "9-12" } else { "10+" })],
                ..case(row as usize, &[row % 5, 5, 6], &[row % 12])
            })
            .collect(),
        counts: (0..12).map(|item| item * item).collect(),
        content,
        settings: RankingSettings {
            interval: Some(IntervalSettings::default()),
            ..settings(&[1, 12])
        },
    };
    world.report().unwrap()
}

fn two_categories() -> Content {
    Content::Categories((0..12).map(|item| vec![item % 2]).collect())
}

#[test]
fn a_report_prints_as_aligned_tables() {
    insta::assert_snapshot!(a_report(7, two_categories()), @r"
    table: lists of 40 users
    lists of fewer than 12, all that was left: 40

    mean of lists                        at 1                       at 12
    novelty           4.8112 [4.0039, 5.5749]     4.5504 [4.5009, 4.5987]
    popularity     46.2250 [34.1225, 59.7519]  48.7778 [48.5777, 48.9667]
    long tail         0.5750 [0.4250, 0.7250]     0.5556 [0.5556, 0.5556]
    diversity         0.0000 [0.0000, 0.0000]     0.5556 [0.5556, 0.5556]
    serendipity       0.6500 [0.5000, 0.8000]     0.0000 [0.0000, 0.0000]

    all lists          at 1   at 12
    coverage         0.8333  0.8333
    Gini             0.2792  0.2130
    entropy          3.2732  3.3130
    personalisation  0.9167  0.0912

    group, at 1  users  novelty  popularity  long tail  diversity  serendipity
    9-12            10   2.8865     72.2000     0.3000     0.0000       0.3000
    10+             30   5.4528     37.5667     0.6667     0.0000       0.7667

    data sha256   unknown
    split         unknown
    measured      lists
    items         12
    candidates    all items
    seen items    filtered
    ties          to the lower index
    cutoffs       1, 12
    item counts   sha256 c9d5bced99e22e9d4dd01ddf0368a1cff5b21a118842e7c337dc2822c84da7e0
    content       categories, sha256 d14f395185a5859a82b0eb4a3837aff4e56e2fd3cbfbd7c8dbfa6d546dab19bd
    cases         40
    cases sha256  a0354780c0175f4daab1889993ae0c7cf2682f38696a61a1cb5a335745ab4f2a
    seeds         none
    interval      95 %, 1000 resamples, seed 0
    ");
}

#[test]
fn a_comparison_prints_models_beside_each_other() {
    let (mut first, second) = (a_report(7, Content::None), a_report(0, Content::None));
    first.model = "moving".to_owned();
    let comparison = compare_lists([&first, &second]).unwrap();
    assert_eq!(comparison.reports().len(), 2);
    insta::assert_snapshot!(comparison, @r"
    at 1    novelty  popularity  long tail  diversity  serendipity  coverage    Gini  entropy  personalisation
    moving   4.8112     46.2250     0.5750                  0.6500    0.8333  0.2792   3.2732           0.9167
    table    7.8880      9.8000     1.0000                  0.0750    0.1667  0.8833   0.7219           0.3282

    at 12   novelty  popularity  long tail  diversity  serendipity  coverage    Gini  entropy  personalisation
    moving   4.5504     48.7778     0.5556                  0.0000    0.8333  0.2130   3.3130           0.0912
    table    4.5504     48.7778     0.5556                  0.0000    0.8333  0.2130   3.3130           0.0912

    data sha256   unknown
    split         unknown
    measured      lists
    items         12
    candidates    all items
    seen items    filtered
    ties          to the lower index
    cutoffs       1, 12
    item counts   sha256 c9d5bced99e22e9d4dd01ddf0368a1cff5b21a118842e7c337dc2822c84da7e0
    content       none
    cases         40
    cases sha256  a0354780c0175f4daab1889993ae0c7cf2682f38696a61a1cb5a335745ab4f2a
    seeds         none
    interval      95 %, 1000 resamples, seed 0
    ");
}

#[test]
fn a_report_survives_json_but_for_its_values_by_case() {
    let report = a_report(7, two_categories());
    let json = serde_json::to_string(&report).unwrap();
    let read: ListReport = serde_json::from_str(&json).unwrap();
    assert_eq!(read.to_string(), report.to_string());
    read.protocol.same_as(&report.protocol).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed["protocol"]["measurement"], "lists");
    assert_eq!(parsed["protocol"]["tie_rule"], "lower_index");
    assert!(parsed["exposure"]["gini_at_12"].is_f64());
    let error = read.values_by_case(ListMeasure::Novelty, 12).unwrap_err();
    assert!(
        matches!(error, EvaluationError::NoCaseValues { metric, .. } if metric == "novelty_at_12")
    );
}

#[test]
fn a_difference_is_measured_case_by_case() {
    let (left, right) = (a_report(7, two_categories()), a_report(0, two_categories()));
    let measure = ListMeasure::Novelty;
    let found = left.difference_from(&right, measure, 1).unwrap();
    let means = left.mean(measure, 1).unwrap() - right.mean(measure, 1).unwrap();
    assert!((found.mean - means).abs() < 1e-12 && means != 0.0);
    let test = left
        .significance_over(&right, measure, 1, &Default::default())
        .unwrap();
    assert_eq!(test.difference, found);
    let same = left
        .significance_over(&left, measure, 1, &Default::default())
        .unwrap();
    assert_eq!(same.p_value, 1.0);
}

#[test]
fn lists_under_different_protocols_refuse_to_be_compared() {
    let world = small_world();
    let report = world.report().unwrap();
    let field_of = |other: &World| {
        let other = other.report().unwrap();
        match compare_lists([&report, &other]).unwrap_err() {
            EvaluationError::ProtocolsDiffer { field, .. } => {
                let difference = report.difference_from(&other, ListMeasure::Novelty, 1);
                assert!(matches!(
                    difference,
                    Err(EvaluationError::ProtocolsDiffer { .. })
                ));
                field
            }
            error => panic!("{error}"),
        }
    };
    let mut other = world.clone();
    other.counts[4] = 1;
    assert_eq!(field_of(&other), "item counts");
    for content in [
        Content::None,
        Content::Vectors(vec![1.0; 12]),
        Content::Categories(vec![vec![1]; 6]),
    ] {
        let other = World {
            content,
            ..world.clone()
        };
        assert_eq!(field_of(&other), "content");
    }
    let mut other = world.clone();
    other.settings.seen_items = SeenItems::Kept;
    assert_eq!(field_of(&other), "seen items");
    let mut other = world.clone();
    other.cases.swap(0, 1);
    assert_eq!(field_of(&other), "cases sha256");
    // The order of an item's categories and their repetition say nothing.
    let mut same = world.clone();
    same.content = Content::Categories(vec![
        vec![],
        vec![2, 1, 2],
        vec![2],
        vec![3],
        vec![1],
        vec![],
    ]);
    assert_eq!(same.report().unwrap(), report);
    let accuracy = evaluate_ranking(&world.cases, &world.scorer(), &world.settings).unwrap();
    let error = accuracy.protocol.same_as(&report.protocol).unwrap_err();
    assert_eq!(
        error.to_string(),
        "results cannot be compared: measured is ranking in one protocol and lists in the other; evaluate both alike"
    );
    assert!(matches!(compare_lists([]), Err(EvaluationError::NoReports)));
}

#[test]
fn catalogues_that_make_no_sense_are_refused() {
    use EvaluationError as E;
    let world = small_world();
    let refusal = |item_counts: &[u32], content, message: &str| {
        let catalogue = Catalogue {
            item_counts,
            content,
        };
        let error = evaluate_lists(&world.cases, &world.scorer(), &world.settings, &catalogue);
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), message);
        error
    };
    let counts = [1; 6];
    let error = refusal(
        &[1; 5],
        None,
        "item_counts has 5 entries, but 6 items need 6",
    );
    assert!(matches!(
        error,
        E::CatalogueLength {
            part: "item_counts",
            found: 5,
            expected: 6,
            n_items: 6
        }
    ));
    let categories = vec![vec![1]; 7];
    let content = Some(ItemContent::Categories(&categories));
    let error = refusal(
        &counts,
        content,
        "categories has 7 entries, but 6 items need 6",
    );
    assert!(matches!(
        error,
        E::CatalogueLength {
            part: "categories",
            ..
        }
    ));
    let vectors = |values| Some(ItemContent::Vectors { values, width: 3 });
    let error = refusal(
        &counts,
        vectors(&[1.0; 17]),
        "vectors has 17 entries, but 6 items need 18",
    );
    assert!(matches!(
        error,
        E::CatalogueLength {
            part: "vectors",
            ..
        }
    ));
    let mut values = [1.0; 18];
    values[10] = f32::NAN;
    let error = refusal(
        &counts,
        vectors(&values),
        "the content of item 3 holds NaN; it must be finite",
    );
    assert!(matches!(error, E::ContentNotFinite { item: 3, .. }));
}

#[test]
fn a_user_who_has_seen_everything_has_no_list() {
    let mut world = small_world();
    world.cases[1].history = (0..6).collect();
    let error = world.report().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the history of case 1 holds every candidate, so that its list is empty; leave it out or keep seen items"
    );
    assert!(matches!(error, EvaluationError::EmptyList { case: 1 }));
    world.settings.seen_items = SeenItems::Kept;
    world.report().unwrap();
}

#[test]
fn settings_and_cases_are_refused_as_for_accuracy() {
    let world = small_world();
    let refusal = |change: &dyn Fn(&mut World)| {
        let mut world = world.clone();
        change(&mut world);
        world.report().unwrap_err()
    };
    use EvaluationError as E;
    let found = refusal(&|world| world.settings.cutoffs = vec![7]);
    assert!(matches!(found, E::CutoffExceedsItems { k: 7, n_items: 6 }));
    let found = refusal(&|world| world.cases.clear());
    assert!(matches!(found, E::NoCases));
    let found = refusal(&|world| world.cases[1].targets.clear());
    assert!(matches!(found, E::NoTargets { case: 1 }));
    let found = refusal(&|world| world.rows[1][2] = f32::NAN);
    assert!(matches!(
        found,
        E::NotFinite {
            case: 1,
            item: 2,
            ..
        }
    ));
}
