use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use proptest::prelude::*;
use salient::data::{ReadOptions, TableParts};
use salient::features::tabular::{
    CalendarPart, CategoryField, EncodedList, FieldConfig, FieldFacts, ListField, MISSING,
    TabularConfig, TabularSchema, TabularSummary, UNKNOWN,
};

use super::{Table, table};

fn fit(table: &Table, config: &TabularConfig) -> (TabularSchema, TabularSummary) {
    config
        .fit(&table.schema, &table.path, &ReadOptions::default())
        .unwrap()
}

fn encode(schema: &TabularSchema, table: &Table) -> salient::features::tabular::EncodedRows {
    let options = ReadOptions::default();
    schema
        .read(&table.path, TableParts::All, &options)
        .unwrap()
        .0
}

fn min_count(min_count: u64) -> TabularConfig {
    TabularConfig {
        defaults: FieldConfig {
            min_count,
            ..FieldConfig::default()
        },
        ..TabularConfig::default()
    }
}

proptest! {
    /// The ids are those of a count of all values, sorted by count and text.
    #[test]
    fn values_have_ids_by_their_counts(
        rows in prop::collection::vec("[a-d]?", 1..60),
        later in prop::collection::vec("[a-f]?", 1..20),
        least in 1..5_u64,
    ) {
        let text = |rows: &[String]| {
            let mut text = "y,x\n".to_owned();
            rows.iter().for_each(|row| writeln!(text, "0,{row}").unwrap());
            text
        };
        let table = table(text(&rows), "y:label,x:category");
        let (schema, summary) = fit(&table, &min_count(least));
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        rows.iter().filter(|row| !row.is_empty()).for_each(|row| *counts.entry(row).or_default() += 1);
        let mut known: Vec<(&str, u64)> = counts.iter().map(|(row, count)| (*row, *count)).collect();
        known.retain(|(_, count)| *count >= least);
        known.sort_by_key(|(row, count)| (std::cmp::Reverse(*count), *row));
        let id = |row: &str| match known.iter().position(|(known, _)| *known == row) {
            _ if row.is_empty() => MISSING,
            Some(place) => place as u32 + 2,
            None => UNKNOWN,
        };
        let (n_values, n_known) = (counts.len(), known.len());
        prop_assert_eq!(&summary.fields[0].facts, &FieldFacts::Values { n_values, n_known });
        std::fs::write(&table.path, text(&later)).unwrap();
        let expected: Vec<u32> = later.iter().map(|row| id(row)).collect();
        prop_assert_eq!(encode(&schema, &table).categories, expected);
        prop_assert_eq!(schema.shape().categories[0].n_values, n_known + 2);
    }
}

#[test]
fn hashed_values_collide_as_often_as_is_said() {
    let (n_values, n_buckets) = (500, 1_000);
    let mut text = "y,x\n".to_owned();
    (0..3 * n_values).for_each(|row| writeln!(text, "0,v{}", row % n_values).unwrap());
    text.push_str("1,\n");
    let table = table(text, "y:label,x:category");
    let config = TabularConfig {
        defaults: FieldConfig {
            n_buckets: Some(n_buckets),
            ..FieldConfig::default()
        },
        ..TabularConfig::default()
    };
    let (schema, summary) = fit(&table, &config);
    assert_eq!(schema.shape().categories[0].n_values, n_buckets + 2);
    let ids = encode(&schema, &table).categories;
    let (missing, ids) = ids.split_last().unwrap();
    assert_eq!(*missing, MISSING);
    assert!(ids.iter().all(|id| (2..n_buckets as u32 + 2).contains(id)));
    let mut shared: HashMap<u32, usize> = HashMap::new();
    ids[..n_values]
        .iter()
        .for_each(|id| *shared.entry(*id).or_default() += 1);
    let n_colliding: usize = shared.values().filter(|count| **count > 1).sum();
    let FieldFacts::Hashed(collisions) = &summary.fields[0].facts else {
        panic!("{:?}", summary.fields);
    };
    assert_eq!(
        (collisions.n_buckets, collisions.n_values),
        (n_buckets, n_values)
    );
    let measured = n_colliding as f64 / n_values as f64;
    assert_eq!(collisions.measured, Some(measured));
    // 1 - 0.999^499.
    assert!(
        (collisions.expected - 0.393_0).abs() < 1e-4,
        "{}",
        collisions.expected
    );
    // Four deviations of a share of 500 that were independent; their dependence is slight.
    assert!(
        (measured - collisions.expected).abs() < 4.0 * 0.022,
        "{measured}"
    );
    assert!(
        summary.to_string().contains(&format!(
            "500 values in 1000 buckets: {:.2} % share theirs, 39.30 % expected",
            100.0 * measured
        )),
        "{summary}"
    );
}

#[test]
fn a_history_has_the_ids_of_its_category_and_its_last_values() {
    let text = "y,item,seen,tags,at,when\n\
        1,b,a b c,x|z,1000,10 20 30\n\
        0,b,,,2000,\n\
        0,c,b,z,3000.5,1\n";
    let table = table(
        text,
        "y:label,item:category,seen:history=item;times=when,tags:categories=|,at:time",
    );
    let config = TabularConfig {
        max_history: 2,
        calendar: vec![],
        ..TabularConfig::default()
    };
    let (schema, summary) = fit(&table, &config);
    // b is there four times, c twice, a once; a alone is in histories alone.
    let shape = schema.shape();
    assert_eq!(
        shape.categories,
        [CategoryField {
            name: "item".into(),
            n_values: 5
        }]
    );
    let list = |name: &str, n_values, shares: Option<usize>| ListField {
        name: name.into(),
        n_values,
        shares,
        is_history: shares.is_some(),
    };
    assert_eq!(
        shape.lists,
        [list("seen", 5, Some(0)), list("tags", 4, None)]
    );
    assert_eq!(shape.labels, ["y"]);
    assert_eq!((shape.n_fields(), shape.n_numbers()), (3, 0));
    let encoded = encode(&schema, &table);
    assert_eq!(encoded.categories, [2, 2, 3]);
    assert_eq!(
        encoded.lists[0],
        EncodedList {
            offsets: vec![0, 2, 2, 3],
            ids: vec![2, 3, 2],
            ages_millis: vec![980_000, 970_000, 2_999_500],
        }
    );
    assert_eq!(
        encoded.lists[1],
        EncodedList {
            offsets: vec![0, 2, 2, 3],
            // z is there twice, x once.
            ids: vec![3, 2, 2],
            ages_millis: vec![],
        }
    );
    assert_eq!(encoded.labels, [1.0, 0.0, 0.0]);
    assert_eq!(encoded.times_utc_millis, [1_000_000, 2_000_000, 3_000_500]);
    assert_eq!((encoded.weights.len(), encoded.groups.len()), (0, 0));
    assert!(
        summary
            .to_string()
            .contains("seen (history=item;times=when): the values of item; 33.3 % missing"),
        "{summary}"
    );
    // Unseen values keep their place.
    std::fs::write(
        &table.path,
        "y,item,seen,tags,at,when\n1,new,new a,q,1000,1 2\n",
    )
    .unwrap();
    let encoded = encode(&schema, &table);
    assert_eq!(encoded.categories, [UNKNOWN]);
    assert_eq!(encoded.lists[0].ids, [UNKNOWN, 4]);
    assert_eq!(encoded.lists[1].ids, [UNKNOWN]);
}

#[test]
fn a_history_of_its_own_has_values_of_its_own() {
    let table = table("y,seen\n1,a b a\n0,c\n", "y:label,seen:history");
    let (schema, _) = fit(&table, &TabularConfig::default());
    let field = &schema.shape().lists[0];
    assert_eq!(
        (field.n_values, field.shares, field.is_history),
        (5, None, true)
    );
    assert_eq!(encode(&schema, &table).lists[0].ids, [2, 3, 2, 4]);
}

#[test]
fn the_calendar_makes_categories_that_are_known_before_they_are_seen() {
    let table = table("y,a,at\n1,x,2004-02-29T23:30:00Z\n", "y:label,at:time");
    let config = TabularConfig {
        calendar: vec![
            CalendarPart::Season,
            CalendarPart::Month,
            CalendarPart::Weekday,
            CalendarPart::Hour,
        ],
        utc_offset_minutes: 60,
        ..TabularConfig::default()
    };
    let (schema, _) = fit(&table, &config);
    let fields: Vec<_> = schema
        .shape()
        .categories
        .into_iter()
        .map(|field| (field.name, field.n_values))
        .collect();
    let expected = [
        ("a", 3),
        ("at.season", 6),
        ("at.month", 14),
        ("at.weekday", 9),
        ("at.hour", 26),
    ];
    assert_eq!(
        fields,
        expected.map(|(name, n_values)| (name.to_owned(), n_values))
    );
    // Monday, 1 March, half past midnight.
    assert_eq!(encode(&schema, &table).categories, [2, 3, 4, 2, 2]);
    std::fs::write(&table.path, "y,a,at\n1,x,2023-12-31T22:59:59Z\n").unwrap();
    assert_eq!(encode(&schema, &table).categories, [2, 2, 13, 8, 25]);
}

#[test]
fn groups_are_equal_where_their_texts_are_and_labels_may_be_two() {
    let text = "click,buy,user,w,x\n1,0,anna,2,1.5\n1,1,bert,1,2.5\n0,0,anna,1,3\n";
    let table = table(text, "click:label,buy:label,user:group,w:weight,x:number");
    let (schema, summary) = fit(&table, &TabularConfig::default());
    let encoded = encode(&schema, &table);
    assert_eq!(encoded.labels, [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(encoded.weights, [2.0, 1.0, 1.0]);
    let [anna, bert, again] = encoded.groups[..] else {
        panic!("{:?}", encoded.groups);
    };
    assert!(anna == again && anna != bert);
    let positives: Vec<u64> = summary
        .labels
        .iter()
        .map(|label| label.n_positive)
        .collect();
    assert_eq!(positives, [2, 1]);
}

#[test]
fn fields_without_values_and_with_one_are_kept_and_named() {
    let text = "y,none,one,gap,same,tags\n1,,a,,7.5,\n0,,a,,7.5,\n";
    let columns = "y:label,none:category,one:category,gap:number,same:number,tags:categories";
    let table = table(text, columns);
    let (schema, summary) = fit(&table, &TabularConfig::default());
    assert_eq!(
        summary.warnings(),
        [
            "field \"none\" has no value in any row: whatever value comes is unknown or untrained",
            "field \"one\" has one value in all rows: it says nothing where it is there",
            "field \"gap\" has no value in any row: there is no scale, so its numbers are missing ever after",
            "field \"same\" has one value in all rows: it says nothing where it is there",
            "field \"tags\" has no value in any row: whatever value comes is unknown or untrained",
        ]
    );
    std::fs::write(&table.path, "y,none,one,gap,same,tags\n1,b,,3,8.5,t\n").unwrap();
    let encoded = encode(&schema, &table);
    assert_eq!(encoded.categories, [UNKNOWN, MISSING]);
    assert_eq!(encoded.numbers, [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(encoded.lists[0].ids, [UNKNOWN]);
    let shape = schema.shape();
    assert_eq!(
        (shape.categories[0].n_values, shape.lists[0].n_values),
        (2, 2)
    );
}
