use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::{BooleanArray, Date32Array, Int64Array};
use salient::data::{
    AttributeCells, AttributeOptions, AttributeTable, LeftOutColumn, LeftOutReason,
};

use super::{number_column, parquet, read_with, text_column, text_lists};

fn kinds(table: &AttributeTable) -> Vec<(&str, &str)> {
    let columns = table.columns().iter();
    columns
        .map(|column| (column.name.as_str(), column.cells.kind()))
        .collect()
}

#[test]
fn a_column_of_numbers_is_a_number_and_any_other_a_category() {
    let text = "brand,id,price,size,nothing\nacme,tea, 2.5,1,\n,cup,,XL,\nbest,pot,-1e3,2,\n";
    let (table, summary) = read_with("items.csv", text, &AttributeOptions::new("id")).unwrap();
    assert_eq!(
        kinds(&table),
        [
            ("brand", "category"),
            ("price", "number"),
            ("size", "category")
        ]
    );
    let prices = AttributeCells::Number(vec![Some(2.5), None, Some(-1_000.0)]);
    assert_eq!(table.column("price").unwrap().cells, prices);
    assert_eq!(
        summary.left_out,
        [LeftOutColumn {
            column: "nothing".into(),
            reason: LeftOutReason::NoValues
        }]
    );
    assert_eq!(
        summary.left_out[0].to_string(),
        "column \"nothing\" is left out: it has no value in any row"
    );
}

#[test]
fn a_header_with_types_decides() {
    let text = "id:token\tyear:token\tclass:token_seq\tscore:float\timage:float_seq\n\
        tea\t1995\thot green\t1\t0.1 0.2\ncup\t1996\thot\t2\t0.3 0.4\n";
    let (table, summary) = read_with("items.tsv", text, &AttributeOptions::new("id")).unwrap();
    assert_eq!(
        kinds(&table),
        [
            ("year", "category"),
            ("class", "categories"),
            ("score", "number")
        ]
    );
    assert_eq!(
        table.column("class").unwrap().cells,
        AttributeCells::categories([vec!["hot", "green"], vec!["hot"]])
    );
    assert_eq!(
        summary.left_out[0].to_string(),
        "column \"image:float_seq\" is left out: vectors are not read from text"
    );
}

/// A table whose column `title` has `n_values` different values, each in as many rows as `repeat` says.
fn titles(n_values: usize, repeat: usize) -> String {
    let mut text = "id,title\n".to_owned();
    for row in 0..n_values * repeat {
        writeln!(text, "i{row},title {}", row % n_values).unwrap();
    }
    text
}

#[test]
fn text_that_no_two_rows_share_is_left_out() {
    let options = AttributeOptions::new("id");
    let error = read_with("items.csv", titles(51, 1), &options).unwrap_err();
    assert!(
        error.to_string().ends_with(
            " holds no attributes beside the id; column \"title\" is left out: 51 different values among 51 are too many for a category; name the column to keep it"
        ),
        "{error}"
    );
    for text in [titles(50, 1), titles(51, 2)] {
        let (table, _) = read_with("items.csv", text, &options).unwrap();
        assert_eq!(kinds(&table), [("title", "category")]);
    }
}

#[test]
fn the_types_of_parquet_decide() {
    let bytes = parquet(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2]))),
        // Text that looks like numbers is text.
        ("brand", text_column(&[Some("1"), Some("2")])),
        ("new", Arc::new(BooleanArray::from(vec![true, false]))),
        ("price", number_column(&[Some(1.0), None])),
        ("genres", text_lists(&[Some(&["a b", "c"]), None])),
        ("day", Arc::new(Date32Array::from(vec![1, 2]))),
    ]);
    let options = AttributeOptions::new("id");
    let (table, summary) = read_with("items.parquet", bytes, &options).unwrap();
    assert_eq!(
        kinds(&table),
        [
            ("brand", "category"),
            ("new", "category"),
            ("price", "number"),
            ("genres", "categories")
        ]
    );
    let genres = AttributeCells::categories([vec!["a b", "c"], vec![]]);
    assert_eq!(table.column("genres").unwrap().cells, genres);
    assert_eq!(
        summary.left_out[0].to_string(),
        "column \"day\" is left out: Date32 is no type of an attribute"
    );
}
