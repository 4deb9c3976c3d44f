use std::collections::BTreeMap;

use proptest::prelude::*;
use salient::data::{Attribute, AttributeCells, AttributeTable, VectorCells};
use salient::features::{
    AttributeSchema, AttributeSchemaConfig, EncodedAttributes, EncodedColumn, EncodingRule,
    FeatureError, VectorScaling,
};

/// The width of all vectors here.
const WIDTH: usize = 3;

/// What is known of one item.
#[derive(Clone, Debug)]
struct Item {
    brand: Option<String>,
    genres: Vec<String>,
    price: Option<f64>,
    image: Option<[f32; WIDTH]>,
}

fn items(n_items: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Item>> {
    let name = || "[a-e]";
    let item = (
        prop::option::weighted(0.8, name()),
        prop::collection::vec(name(), 0..4),
        prop::option::weighted(0.8, -1e3..1e3_f64),
        prop::option::weighted(0.8, prop::array::uniform3(-5.0..5.0_f32)),
    );
    let item = item.prop_map(|(brand, genres, price, image)| Item {
        brand,
        genres,
        price,
        image,
    });
    prop::collection::vec(item, n_items)
}

fn table(items: &[Item]) -> AttributeTable {
    let cells = items.iter().map(|item| item.image);
    let vectors = VectorCells {
        width: WIDTH,
        values: cells.clone().flat_map(Option::unwrap_or_default).collect(),
        is_missing: cells.map(|image| image.is_none()).collect(),
    };
    AttributeTable::from_columns(
        (0..items.len()).map(|row| format!("i{row}")).collect(),
        vec![
            Attribute::new(
                "brand",
                AttributeCells::category(items.iter().map(|item| item.brand.clone())),
            ),
            Attribute::new(
                "genres",
                AttributeCells::categories(items.iter().map(|item| item.genres.clone())),
            ),
            Attribute::new(
                "price",
                AttributeCells::Number(items.iter().map(|item| item.price).collect()),
            ),
            Attribute::new("image", AttributeCells::Vector(vectors)),
        ],
    )
    .unwrap()
}

/// The first `n` ids of a table.
fn first(table: &AttributeTable, n: usize) -> impl Iterator<Item = &str> {
    table.ids()[..n].iter().map(String::as_str)
}

/// Whether every attribute has a value among these items.
fn all_known(items: &[Item]) -> bool {
    items.iter().any(|item| item.brand.is_some())
        && items.iter().any(|item| !item.genres.is_empty())
        && items.iter().any(|item| item.price.is_some())
        && items.iter().any(|item| item.image.is_some())
}

/// The rows of a column of categories, as values of the schema; number 0 is none.
fn decoded(
    encoded: &EncodedAttributes,
    schema: &AttributeSchema,
    column: usize,
) -> Vec<Vec<Option<String>>> {
    let EncodedColumn::Categories {
        n_values,
        offsets,
        numbers,
    } = &encoded.columns[column]
    else {
        panic!("{encoded:?}");
    };
    let (EncodingRule::Category { values } | EncodingRule::Categories { values }) =
        &schema.columns()[column].rule
    else {
        panic!("{schema:?}");
    };
    assert_eq!(*n_values, values.len() + 1);
    assert_eq!((offsets.len(), offsets[0]), (encoded.n_rows + 1, 0));
    assert_eq!(offsets.last(), Some(&numbers.len()));
    let decode = |&number: &u32| {
        number
            .checked_sub(1)
            .map(|place| values[place as usize].clone())
    };
    let rows = offsets.windows(2);
    rows.map(|row| numbers[row[0]..row[1]].iter().map(decode).collect())
        .collect()
}

fn numbers(encoded: &EncodedAttributes, column: usize) -> Vec<&[f32]> {
    let EncodedColumn::Numbers { width, values } = &encoded.columns[column] else {
        panic!("{encoded:?}");
    };
    assert_eq!(values.len(), encoded.n_rows * width);
    values.chunks(*width).collect()
}

/// Asserts that the rows with a flag of 0 have mean 0 and deviation 1, unless all are equal, and the others are 0.
fn assert_standardised(rows: &[&[f32]], is_missing: &[bool], coordinate: usize) {
    let mut present = Vec::new();
    for (row, &is_missing) in rows.iter().zip(is_missing) {
        assert_eq!(row.last(), Some(&f32::from(u8::from(is_missing))));
        if is_missing {
            assert_eq!(row[coordinate], 0.0);
        } else {
            present.push(f64::from(row[coordinate]));
        }
    }
    let n = present.len() as f64;
    let mean = present.iter().sum::<f64>() / n;
    let deviation = (present.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    assert!(mean.abs() < 1e-5, "mean {mean}");
    let all_equal = present.iter().all(|x| *x == present[0]);
    let expected = if all_equal { 0.0 } else { 1.0 };
    assert!((deviation - expected).abs() < 1e-5, "deviation {deviation}");
}

proptest! {
    #[test]
    fn training_rows_have_mean_zero_and_deviation_one(items in items(2..40)) {
        prop_assume!(all_known(&items));
        let table = table(&items);
        let schema = AttributeSchema::fit(&table, first(&table, items.len())).unwrap();
        let encoded = schema.encode(&table, first(&table, items.len())).unwrap();
        let prices: Vec<bool> = items.iter().map(|item| item.price.is_none()).collect();
        assert_standardised(&numbers(&encoded, 2), &prices, 0);
        let images: Vec<bool> = items.iter().map(|item| item.image.is_none()).collect();
        for coordinate in 0..WIDTH {
            assert_standardised(&numbers(&encoded, 3), &images, coordinate);
        }
    }

    #[test]
    fn values_that_training_saw_often_enough_come_back_and_all_others_are_unknown(
        items in items(2..40),
        n_training in 1..40_usize,
        min_count in 1..4_usize,
    ) {
        let n_training = n_training.min(items.len());
        prop_assume!(all_known(&items[..n_training]));
        let table = table(&items);
        let config = AttributeSchemaConfig { min_count, ..AttributeSchemaConfig::default() };
        let schema = config.fit(&table, first(&table, n_training)).unwrap();
        let encoded = schema.encode(&table, first(&table, items.len())).unwrap();

        let mut brands: BTreeMap<&str, usize> = BTreeMap::new();
        let mut genres: BTreeMap<&str, usize> = BTreeMap::new();
        for item in &items[..n_training] {
            if let Some(brand) = &item.brand {
                *brands.entry(brand).or_default() += 1;
            }
            let mut distinct: Vec<&str> = item.genres.iter().map(String::as_str).collect();
            distinct.sort_unstable();
            distinct.dedup();
            for genre in distinct {
                *genres.entry(genre).or_default() += 1;
            }
        }
        let is_known = |counts: &BTreeMap<&str, usize>, value: &String| {
            counts.get(value.as_str()).is_some_and(|count| *count >= min_count)
        };
        for (row, (item, found)) in items.iter().zip(decoded(&encoded, &schema, 0)).enumerate() {
            let expected = item.brand.clone().filter(|brand| is_known(&brands, brand));
            prop_assert_eq!(found, [expected], "row {}", row);
        }
        for (row, (item, found)) in items.iter().zip(decoded(&encoded, &schema, 1)).enumerate() {
            let mut expected: Vec<Option<String>> = Vec::new();
            for genre in &item.genres {
                let genre = Some(genre.clone());
                if genre.iter().all(|genre| is_known(&genres, genre)) && !expected.contains(&genre) {
                    expected.push(genre);
                }
            }
            if expected.is_empty() {
                expected.push(None);
            }
            prop_assert_eq!(found, expected, "row {}", row);
        }
    }

    #[test]
    fn nothing_is_learnt_from_other_rows(training in items(2..20), rest in items(1..20), other in items(1..20)) {
        prop_assume!(all_known(&training));
        let fit = |rest: &[Item]| {
            let table = table(&[&training[..], rest].concat());
            AttributeSchema::fit(&table, first(&table, training.len())).unwrap()
        };
        prop_assert_eq!(fit(&rest), fit(&other));
    }

    #[test]
    fn a_row_alone_is_the_row_among_others(items in items(2..20), rows in prop::collection::vec(0..20_usize, 0..10)) {
        prop_assume!(all_known(&items));
        let table = table(&items);
        let schema = AttributeSchema::fit(&table, first(&table, items.len())).unwrap();
        let all = schema.encode(&table, first(&table, items.len())).unwrap();
        let rows: Vec<usize> = rows.into_iter().map(|row| row % items.len()).collect();
        let ids = rows.iter().map(|&row| table.ids()[row].as_str());
        prop_assert_eq!(schema.encode(&table, ids).unwrap(), all.select(&rows));
    }

    #[test]
    fn a_schema_from_json_encodes_the_same(items in items(2..20)) {
        prop_assume!(all_known(&items));
        let table = table(&items);
        let schema = AttributeSchema::fit(&table, first(&table, items.len())).unwrap();
        let json = serde_json::to_string(&schema).unwrap();
        let back: AttributeSchema = serde_json::from_str(&json).unwrap();
        let encode = |schema: &AttributeSchema| schema.encode(&table, first(&table, items.len())).unwrap();
        prop_assert_eq!(encode(&back), encode(&schema));
        prop_assert_eq!(back, schema);
    }
}

fn tea() -> Item {
    Item {
        brand: Some("acme".into()),
        genres: vec!["hot".into(), "green".into()],
        price: Some(2.0),
        image: Some([1.0, 2.0, 3.0]),
    }
}

fn missing() -> Item {
    Item {
        brand: None,
        genres: vec![],
        price: None,
        image: None,
    }
}

#[test]
fn an_id_that_the_table_lacks_is_missing_in_every_column() {
    let table = table(&[tea(), missing()]);
    let schema = AttributeSchema::fit(&table, ["i0", "nowhere"]).unwrap();
    let encoded = schema.encode(&table, ["nowhere", "i1", ""]).unwrap();
    let expected = EncodedAttributes {
        n_rows: 3,
        columns: vec![
            EncodedColumn::Categories {
                n_values: 2,
                offsets: vec![0, 1, 2, 3],
                numbers: vec![0; 3],
            },
            EncodedColumn::Categories {
                n_values: 3,
                offsets: vec![0, 1, 2, 3],
                numbers: vec![0; 3],
            },
            EncodedColumn::Numbers {
                width: 2,
                values: [0.0, 1.0].repeat(3),
            },
            EncodedColumn::Numbers {
                width: 4,
                values: [0.0, 0.0, 0.0, 1.0].repeat(3),
            },
        ],
    };
    assert_eq!(encoded, expected);
    assert_eq!(table.n_absent(["nowhere", "i1", ""]), 2);
    let names: Vec<(&str, &str)> = schema
        .columns()
        .iter()
        .map(|column| (column.name.as_str(), column.rule.kind()))
        .collect();
    assert_eq!(
        names,
        [
            ("brand", "category"),
            ("genres", "categories"),
            ("price", "number"),
            ("image", "vector")
        ]
    );
}

#[test]
fn frequent_values_come_first_and_those_of_one_frequency_in_order() {
    let brands = ["b", "c", "c", "a", "d", "d", "d"].map(Some);
    let ids: Vec<String> = (0..brands.len()).map(|row| format!("i{row}")).collect();
    let column = Attribute::new("brand", AttributeCells::category(brands));
    let table = AttributeTable::from_columns(ids.clone(), vec![column]).unwrap();
    let schema = AttributeSchema::fit(&table, ids.iter().map(String::as_str)).unwrap();
    let values = ["d", "c", "a", "b"].map(str::to_owned).into();
    assert_eq!(schema.columns()[0].rule, EncodingRule::Category { values });
}

#[test]
fn vectors_may_stay_as_they_are() {
    let table = table(&[tea(), missing()]);
    let config = AttributeSchemaConfig {
        vector_scaling: VectorScaling::AsGiven,
        ..AttributeSchemaConfig::default()
    };
    let schema = config.fit(&table, ["i0"]).unwrap();
    let encoded = schema.encode(&table, ["i0"]).unwrap();
    assert_eq!(numbers(&encoded, 3), [[1.0, 2.0, 3.0, 0.0]]);
}

#[test]
fn a_number_far_from_those_seen_stays_finite() {
    let prices = [1.0, 1.0 + 1e-9, 3e38].map(Some);
    let column = Attribute::new("price", AttributeCells::Number(prices.into()));
    let ids = ["a", "b", "c"].map(str::to_owned).into();
    let table = AttributeTable::from_columns(ids, vec![column]).unwrap();
    let schema = AttributeSchema::fit(&table, ["a", "b"]).unwrap();
    let encoded = schema.encode(&table, ["c"]).unwrap();
    assert_eq!(numbers(&encoded, 0), [[f32::MAX, 0.0]]);
}

#[test]
fn what_cannot_be_learnt_is_refused() {
    let table = table(&[tea(), missing()]);
    for (config, ids, error, message) in [
        (
            AttributeSchemaConfig::default(),
            &["x", "y"][..],
            FeatureError::NoKnownIds {
                n_ids: 2,
                there: "i0".into(),
                sought: "x".into(),
            },
            "none of 2 ids is in the table of attributes: an id there is \"i0\", one sought is \"x\"",
        ),
        (
            AttributeSchemaConfig::default(),
            &["i1"],
            FeatureError::NoValues {
                name: "brand".into(),
                n_rows: 1,
            },
            "attribute \"brand\" has no value for any of 1 training rows; leave it out",
        ),
        (
            AttributeSchemaConfig {
                min_count: 0,
                ..AttributeSchemaConfig::default()
            },
            &["i0"],
            FeatureError::ZeroMinCount,
            "min_count is 0; it must be at least 1",
        ),
    ] {
        let found = config.fit(&table, ids.iter().copied()).unwrap_err();
        assert_eq!(found.to_string(), message);
        assert_eq!(found, error);
    }
}

#[test]
fn another_table_must_have_the_same_attributes() {
    let fitted = table(&[tea()]);
    let schema = AttributeSchema::fit(&fitted, ["i0"]).unwrap();
    let refused = |changed: Attribute| {
        let columns = fitted.columns().iter().cloned();
        let columns = columns
            .filter(|column| column.name != "image")
            .chain([changed]);
        let table = AttributeTable::from_columns(vec!["i0".into()], columns.collect()).unwrap();
        schema.encode(&table, ["i0"]).unwrap_err().to_string()
    };
    let number = AttributeCells::Number(vec![Some(1.0)]);
    let narrow = AttributeCells::Vector(VectorCells {
        width: 2,
        values: vec![1.0, 2.0],
        is_missing: vec![false],
    });
    assert_eq!(
        refused(Attribute::new("picture", number.clone())),
        "the table has no attribute \"image\", which the schema was fitted on; it has brand, genres, price, picture"
    );
    assert_eq!(
        refused(Attribute::new("image", number)),
        "attribute \"image\" is a number, but the schema was fitted on a vector"
    );
    assert_eq!(
        refused(Attribute::new("image", narrow)),
        "attribute \"image\" has vectors of width 2, but the schema was fitted on width 3"
    );
}
