use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{BooleanArray, DictionaryArray, Int64Array, RecordBatch};
use salient::data::synthetic::{Shop, ShopConfig};
use salient::data::{
    Attribute, AttributeCells, AttributeColumn, AttributeKind, AttributeOptions, AttributeTable,
    ColumnRef, OnBadRow, ReadOptions, TableFormat,
};

use super::{
    TEXT, WORDS, file, gzip, named, number_column, parquet, read_with, text_column, text_lists,
};

fn options() -> AttributeOptions {
    named(&[
        ("brand", AttributeKind::Category),
        ("genres", WORDS),
        ("price", AttributeKind::Number),
    ])
}

/// The table of `TEXT`, made in memory.
fn expected() -> AttributeTable {
    AttributeTable::from_columns(
        ["tea", "cup", "pot"].map(str::to_owned).into(),
        vec![
            Attribute::new(
                "brand",
                AttributeCells::category([Some("acme"), None, Some("best")]),
            ),
            Attribute::new(
                "genres",
                AttributeCells::categories([vec!["hot", "green"], vec!["hot"], vec![]]),
            ),
            Attribute::new(
                "price",
                AttributeCells::Number(vec![Some(2.5), None, Some(4.0)]),
            ),
        ],
    )
    .unwrap()
}

#[test]
fn text_reads_the_same_whatever_its_dress() {
    let options = options();
    let semicolons = AttributeOptions {
        file: ReadOptions {
            delimiter: Some(";".parse().unwrap()),
            ..ReadOptions::default()
        },
        ..options.clone()
    };
    for (name, bytes, options) in [
        ("items.csv", TEXT.as_bytes().to_vec(), &options),
        (
            "items.csv",
            TEXT.replace('\n', "\r\n").into_bytes(),
            &options,
        ),
        ("items.csv", TEXT.replace(',', ", ").into_bytes(), &options),
        ("items.tsv", TEXT.replace(',', "\t").into_bytes(), &options),
        ("items.csv.gz", gzip(TEXT.as_bytes()), &options),
        ("items", TEXT.replace(',', ";").into_bytes(), &semicolons),
    ] {
        let (table, summary) = read_with(name, bytes, options).unwrap();
        assert_eq!(table, expected(), "{name}");
        assert_eq!((summary.read.n_rows_read, summary.left_out), (3, vec![]));
    }
}

#[test]
fn columns_go_by_number_in_a_file_without_a_header() {
    let (_, rows) = TEXT.split_once('\n').unwrap();
    let options = AttributeOptions {
        columns: Some(vec![
            "#4:number".parse().unwrap(),
            "2:category".parse().unwrap(),
        ]),
        file: ReadOptions {
            has_header: false,
            ..ReadOptions::default()
        },
        ..AttributeOptions::new(ColumnRef::Number(1))
    };
    let (table, _) = read_with("items.csv", rows, &options).unwrap();
    assert_eq!(table.ids(), ["tea", "cup", "pot"]);
    let names: Vec<&str> = table
        .columns()
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["#4", "#2"]);
    assert_eq!(table.columns()[0].cells, expected().columns()[2].cells);
    assert_eq!(table.columns()[1].cells, expected().columns()[0].cells);
}

#[test]
fn parquet_and_record_batches_read_as_text_does() {
    let columns = || {
        vec![
            ("unused", text_column(&[None, None, None])),
            ("price", number_column(&[Some(2.5), None, Some(4.0)])),
            (
                "genres",
                text_lists(&[Some(&["hot", "green", "hot"]), Some(&["hot", ""]), None]),
            ),
            (
                "brand",
                text_column(&[Some(" acme"), Some(" "), Some("best")]),
            ),
            ("id", text_column(&[Some("tea"), Some("cup"), Some("pot")])),
        ]
    };
    let (table, summary) = read_with("items.parquet", parquet(columns()), &options()).unwrap();
    assert_eq!(table, expected());
    assert_eq!(summary.read.format, TableFormat::Parquet);

    let batch = RecordBatch::try_from_iter(columns()).unwrap();
    let halves = [batch.slice(0, 1), batch.slice(1, 2)].map(Ok);
    let (table, summary) = AttributeTable::from_record_batches(halves, &options()).unwrap();
    assert_eq!(table, expected());
    assert_eq!(summary.read.format, TableFormat::RecordBatches);
    assert_eq!(summary.read.n_rows_read, 3);

    // Text in a column of categories is split in Parquet too.
    let mut columns = columns();
    columns[2].1 = text_column(&[Some("hot green hot"), Some("hot"), None]);
    let (table, _) = read_with("items.parquet", parquet(columns), &options()).unwrap();
    assert_eq!(table, expected());
}

#[test]
fn a_category_is_the_same_however_it_is_stored() {
    let codes: DictionaryArray<Int32Type> = ["7", "8"].into_iter().collect();
    let expected = AttributeCells::category([Some("7"), Some("8")]);
    for column in [
        Arc::new(Int64Array::from(vec![7, 8])) as _,
        number_column(&[Some(7.0), Some(8.0)]),
        text_column(&[Some("7"), Some("8")]),
        Arc::new(codes),
    ] {
        let ids = text_column(&[Some("tea"), Some("cup")]);
        let bytes = parquet(vec![("id", ids), ("brand", column)]);
        let options = named(&[("brand", AttributeKind::Category)]);
        let (table, _) = read_with("items.parquet", bytes, &options).unwrap();
        assert_eq!(table.columns()[0].cells, expected);
    }
    let bytes = parquet(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2]))),
        ("new", Arc::new(BooleanArray::from(vec![Some(true), None]))),
    ]);
    let options = named(&[("new", AttributeKind::Category)]);
    let (table, _) = read_with("items.parquet", bytes, &options).unwrap();
    assert_eq!(table.ids(), ["1", "2"]);
    let cells = AttributeCells::category([Some("true"), None]);
    assert_eq!(table.columns()[0].cells, cells);
}

#[test]
fn bad_rows_are_counted_when_they_are_skipped() {
    let text = "id,price\ntea,1\ntea,2\n,3\ncup,dear\npot,4\nmug,inf\n";
    let options = AttributeOptions {
        file: ReadOptions {
            on_bad_row: OnBadRow::Skip,
            ..ReadOptions::default()
        },
        ..named(&[("price", AttributeKind::Number)])
    };
    let (_folder, path) = file("items.csv", text);
    let (table, summary) = AttributeTable::read(&path, &options).unwrap();
    assert_eq!(table.ids(), ["tea", "pot"]);
    let prices = AttributeCells::Number(vec![Some(1.0), Some(4.0)]);
    assert_eq!(table.column("price").unwrap().cells, prices);
    assert_eq!(summary.read.n_rows_read, 6);
    let skipped: Vec<(&str, u64)> = summary
        .read
        .skipped
        .iter()
        .map(|skipped| (skipped.reason.as_str(), skipped.n_rows))
        .collect();
    assert_eq!(
        skipped,
        [
            ("id that an earlier row has", 1),
            ("missing id", 1),
            ("unparsable number", 1),
            ("number not finite", 1)
        ]
    );
    assert_eq!(
        summary.read.skipped[0].first,
        format!(
            "{} line 3, column \"id\": \"tea\": line 2 has this id already; an id has one row of attributes",
            path.display()
        )
    );
}

#[test]
fn an_id_leads_to_its_row() {
    let table = expected();
    assert_eq!((table.n_rows(), table.index_of("pot")), (3, Some(2)));
    assert_eq!(table.index_of("mug"), None);
    assert_eq!(table.n_absent(["mug", "pot", "", "mug"]), 3);
}

#[test]
fn options_survive_being_written_and_read() {
    let options = AttributeOptions {
        columns: Some(vec![AttributeColumn::new("genres", WORDS)]),
        ..AttributeOptions::new(ColumnRef::Number(1))
    };
    let text = serde_json::to_string(&options).unwrap();
    assert_eq!(
        serde_json::from_str::<AttributeOptions>(&text).unwrap(),
        options
    );
    let short: AttributeOptions = serde_json::from_str(r#"{"id_column": "id"}"#).unwrap();
    assert_eq!(short, AttributeOptions::new("id"));
}

#[test]
fn the_simulated_shop_knows_its_items_and_users() {
    let config = ShopConfig {
        n_users: 40,
        ..ShopConfig::default()
    };
    let shop = Shop::simulate(&config, 3).unwrap();
    let (items, users) = (shop.item_attributes(), shop.user_attributes());
    assert_eq!((items.n_rows(), users.n_rows()), (config.n_items, 40));
    let AttributeCells::Category(categories) = &items.column("category").unwrap().cells else {
        panic!("{items:?}");
    };
    let AttributeCells::Number(prices) = &items.column("price").unwrap().cells else {
        panic!("{items:?}");
    };
    for (row, item) in shop.items().iter().enumerate() {
        assert_eq!(items.index_of(&item.id), Some(row));
        let [value] = categories.row(row) else {
            panic!("{:?}", categories.row(row));
        };
        assert_eq!(
            categories.values()[*value as usize],
            item.category.to_string()
        );
        assert_eq!(prices[row], Some(item.price));
    }
    for (row, user) in shop.users().iter().enumerate() {
        assert_eq!(users.index_of(&user.id), Some(row));
    }
    // What the checked constructor would refuse is not in them.
    for table in [&items, &users] {
        let again =
            AttributeTable::from_columns(table.ids().to_vec(), table.columns().to_vec()).unwrap();
        assert_eq!(again, *table);
    }
    let names: Vec<&str> = users
        .columns()
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["age_group", "region", "device", "tenure_days"]);
}
