use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::{Date32Array, Int32Array};
use salient::data::{
    DataError, OtherColumns, RoleReason, RowRule, TableError, TableOptions, TableParts, TableRole,
    TableSchema, TableSummary,
};

use super::{options, table_with};
use crate::attributes::{file, number_column, parquet, text_column, text_lists};

fn summary(name: &str, bytes: impl AsRef<[u8]>, options: &TableOptions) -> TableSummary {
    let (_folder, path) = file(name, bytes);
    TableSchema::infer(path, options).unwrap().1
}

/// The guess at a column of these cells.
fn guess(cells: impl IntoIterator<Item = String>) -> (Option<TableRole>, RoleReason) {
    let mut text = "y,x,n\n".to_owned();
    for cell in cells {
        writeln!(text, "1,{cell},0.5").unwrap();
    }
    let column = summary("rows.csv", text, &options("y:label"))
        .columns
        .remove(1);
    (column.role, column.reason)
}

fn repeated(n_values: usize, n_rows: usize, value: impl Fn(usize) -> String) -> Vec<String> {
    (0..n_rows).map(|row| value(row % n_values)).collect()
}

#[test]
fn few_whole_numbers_are_a_category_and_more_are_numbers() {
    let whole = |value: usize| value.to_string();
    let few = RoleReason::FewIntegers { limit: 20 };
    assert_eq!(
        guess(repeated(20, 100, whole)),
        (Some(TableRole::Category), few)
    );
    assert_eq!(
        guess(repeated(21, 100, whole)),
        (Some(TableRole::Number), RoleReason::Numbers)
    );
    assert_eq!(
        guess(repeated(2, 100, |value| format!("{value}.5"))),
        (Some(TableRole::Number), RoleReason::Numbers)
    );
    assert_eq!(
        guess(repeated(2, 100, |value| format!("v{value}"))),
        (Some(TableRole::Category), RoleReason::Text)
    );
    assert_eq!(
        guess(repeated(1, 3, |_| String::new())),
        (Some(TableRole::Category), RoleReason::NoValues)
    );
}

#[test]
fn what_is_like_an_id_is_left_out_but_prices_are_not() {
    let id = |n_values, n_cells| (None, RoleReason::LikeAnId { n_values, n_cells });
    let text = |value: usize| format!("v{value}");
    assert_eq!(guess(repeated(51, 51, text)), id(51, 51));
    assert_eq!(guess(repeated(96, 100, text)), id(96, 100));
    assert_eq!(
        guess(repeated(51, 51, |value| value.to_string())),
        id(51, 51)
    );
    // At the edges: 50 rows are too few to say, 95 of 100 are not nearly all.
    for (n_values, n_rows) in [(50, 50), (95, 100)] {
        assert_eq!(
            guess(repeated(n_values, n_rows, text)),
            (Some(TableRole::Category), RoleReason::Text)
        );
    }
    assert_eq!(
        guess(repeated(100, 100, |value| format!("{value}.25"))),
        (Some(TableRole::Number), RoleReason::Numbers)
    );
}

#[test]
fn types_of_headers_and_of_parquet_columns_decide() {
    let text = "y:float\tage:float\tyear:token\tclass:token_seq\timage:float_seq\n\
        1\t5\t1995\thot green\t0.1 0.2\n0\t6\t1996\thot\t0.3 0.4\n";
    let roles: Vec<_> = summary("rows.tsv", text, &options("y:label"))
        .columns
        .into_iter()
        .map(|column| (column.name, column.role))
        .collect();
    let words = || TableRole::Categories { separator: ' ' };
    let expected = [
        ("y", Some(TableRole::Label { positive: None })),
        ("age", Some(TableRole::Number)),
        ("year", Some(TableRole::Category)),
        ("class", Some(words())),
        ("image", None),
    ];
    assert_eq!(roles, expected.map(|(name, role)| (name.to_owned(), role)));
    let bytes = parquet(vec![
        ("y", Arc::new(Int32Array::from(vec![1, 0])) as _),
        ("brand", text_column(&[Some("a"), None])),
        ("price", number_column(&[Some(1.5), Some(2.0)])),
        ("tags", text_lists(&[Some(&["a", "b"]), None])),
        ("day", Arc::new(Date32Array::from(vec![1, 2]))),
    ]);
    let roles = summary("rows.parquet", bytes, &options("y:label"))
        .columns
        .into_iter()
        .map(|column| column.role);
    assert_eq!(
        roles.collect::<Vec<_>>(),
        [
            Some(TableRole::Label { positive: None }),
            Some(TableRole::Category),
            Some(TableRole::Number),
            Some(words()),
            None,
        ]
    );
}

#[test]
fn the_summary_prints_a_line_a_column() {
    let text = "y,brand,price,seen,when,id,note\n\
        1,acme,2.5,,,1,\n0,,3,a b,1 2,2,x\n0,best,4,b,3,3,\n0,coop,2.25,,,4,\n";
    let columns = "y:label,seen:history;times=when,id:ignore,note:time";
    let summary = summary("rows.csv", text, &options(columns));
    assert_eq!(
        summary.to_string(),
        "5 of 7 columns are read, by a look at 4 rows\n  \
         y      label               2 different, 0.0 % missing, such as 1, 0; named\n  \
         brand  category            3 different, 25.0 % missing, such as acme, best, coop; text\n  \
         price  number              4 different, 0.0 % missing, such as 2.5, 3, 4; numbers\n  \
         seen   history;times=when  2 different, 50.0 % missing, such as a, b; named\n  \
         when   -                   2 different, 50.0 % missing, such as 1 2, 3; left out: the times of a history\n  \
         id     -                   4 different, 0.0 % missing, such as 1, 2, 3; left out: named as such\n  \
         note   time                1 different, 75.0 % missing, such as x; named"
    );
}

#[test]
fn the_label_is_never_guessed_and_others_need_not_be() {
    let (_folder, path) = file("rows.csv", "label,click,x\n1,0,5\n");
    let error = TableSchema::infer(&path, &options("x:number")).unwrap_err();
    assert!(matches!(error, DataError::Table(TableError::NoLabel)));
    let named = TableOptions {
        others: OtherColumns::Ignore,
        ..options("click:label,x:number")
    };
    let (schema, summary) = TableSchema::infer(&path, &named).unwrap();
    assert_eq!(schema.columns().len(), 2);
    assert_eq!(summary.columns[0].reason, RoleReason::NotNamed);
}

#[test]
fn text_after_the_look_is_refused_where_numbers_were_guessed() {
    let named = TableOptions {
        n_look_rows: 2,
        ..options("y:label")
    };
    let table = table_with("rows.csv", "y,x\n1,0.5\n0,1.5\n0,many\n", &named);
    let error = table.rows(TableParts::All, &named.file).unwrap_err();
    let DataError::BadRow(bad) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(bad.rule, RowRule::NotTheGuessedNumber);
    assert!(
        error.to_string().ends_with(
            " line 4, column \"x\": \"many\": a number is needed, as in the first rows; name the column as a category, or this text as missing"
        ),
        "{error}"
    );
}

#[test]
fn a_look_reads_no_more_than_it_says() {
    // What comes after the look is no table at all.
    let mut text = "y,x\n".to_owned();
    (0..100).for_each(|row| writeln!(text, "1,{row}.5").unwrap());
    text.push_str("1,2,3,4\n\"");
    let mut named = options("y:label");
    named.n_look_rows = 100;
    assert_eq!(summary("rows.csv", &text, &named).n_rows, 100);
    named.n_look_rows = 101;
    let (_folder, path) = file("rows.csv", text);
    assert!(TableSchema::infer(path, &named).is_err());
}
