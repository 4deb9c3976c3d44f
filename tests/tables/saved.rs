use salient::data::{ReadOptions, TableParts};
use salient::features::tabular::{FieldConfig, NumberEncoding, TabularConfig, TabularSchema};
use serde_json::{Value, json};

use super::{Table, table};

fn fitted() -> (Table, TabularSchema) {
    let text = "y,brand,tags,p,q,r,s,at,seen,site\n\
        1,acme,a b,1.25,3,0.1,7,1000,best,u\n0,best,b,2.5,4,0.7,,2000,acme best,v\n1,,,-1,9,0.2,1,2500,,w\n";
    let columns = "y:label,tags:categories,p:number,q:number,r:number,s:number,at:time,\
        seen:history=brand,brand:category,site:category";
    let table = table(text, columns);
    let with = |encoding| FieldConfig {
        encoding,
        ..FieldConfig::default()
    };
    let config = TabularConfig {
        fields: [
            ("q".to_owned(), with(NumberEncoding::Log)),
            (
                "r".to_owned(),
                with(NumberEncoding::Quantile { n_quantiles: 3 }),
            ),
            (
                "s".to_owned(),
                with(NumberEncoding::PiecewiseLinear { n_bins: 2 }),
            ),
            (
                "site".to_owned(),
                FieldConfig {
                    n_buckets: Some(10),
                    ..FieldConfig::default()
                },
            ),
        ]
        .into(),
        ..TabularConfig::default()
    };
    let (schema, _) = config
        .fit(&table.schema, &table.path, &ReadOptions::default())
        .unwrap();
    (table, schema)
}

#[test]
fn a_schema_comes_back_from_json_and_encodes_the_same() {
    let (table, schema) = fitted();
    let json = serde_json::to_string(&schema).unwrap();
    let back: TabularSchema = serde_json::from_str(&json).unwrap();
    assert_eq!(back, schema);
    assert_eq!(back.shape(), schema.shape());
    let rows = table.all_rows();
    assert_eq!(back.encode(&rows).unwrap(), schema.encode(&rows).unwrap());
    // The same rows give the same schema.
    assert_eq!(serde_json::to_string(&fitted().1).unwrap(), json);
    let config: TabularConfig = serde_json::from_str(r#"{"max_history": 7}"#).unwrap();
    assert_eq!(config.max_history, 7);
    assert!(serde_json::from_str::<TabularConfig>(r#"{"max_histories": 7}"#).is_err());
    let inputs = schema
        .read(&table.path, TableParts::Inputs, &ReadOptions::default())
        .unwrap();
    assert_eq!(inputs.0.n_rows, 3);
}

#[test]
fn what_no_fit_gives_is_refused() {
    let (_table, schema) = fitted();
    let good = serde_json::to_value(&schema).unwrap();
    let column = |name: &str| {
        let columns = good["table"]["columns"].as_array().unwrap();
        columns
            .iter()
            .position(|column| column["name"] == name)
            .unwrap()
    };
    let encoding = |name: &str, value: Value| {
        let mut bad = good.clone();
        bad["encodings"][column(name)] = value;
        bad
    };
    let set = |key: &str, value: Value| {
        let mut bad = good.clone();
        bad[key] = value;
        bad
    };
    let number = |value: Value| json!({ "number": value });
    let invalid = "the scale of field \"p\" is not valid";
    let mut fewer = good.clone();
    fewer["encodings"].as_array_mut().unwrap().pop();
    let mut unlabelled = good.clone();
    unlabelled["table"]["columns"][column("y")]["role"] = json!("number");
    let mut unlinked = good.clone();
    unlinked["table"]["columns"][column("seen")]["role"]["history"]["of"] = json!("p");
    for (bad, message) in [
        (
            encoding(
                "p",
                number(json!({"standard": {"mean": 0.0, "deviation": 0.0}})),
            ),
            invalid,
        ),
        (
            encoding(
                "p",
                number(json!({"log": {"mean": 0.0, "deviation": -1.0}})),
            ),
            invalid,
        ),
        (
            encoding("p", number(json!({"quantile": {"quantiles": [1.0]}}))),
            invalid,
        ),
        (
            encoding("p", number(json!({"quantile": {"quantiles": [2.0, 1.0]}}))),
            invalid,
        ),
        (
            encoding(
                "p",
                number(json!({"piecewise_linear": {"edges": [1.0, 1.0]}})),
            ),
            invalid,
        ),
        (
            encoding("p", number(json!({"piecewise_linear": {"edges": []}}))),
            invalid,
        ),
        (
            encoding("brand", json!({"category": {"listed": ["a", "b", "a"]}})),
            "a vocabulary holds \"a\", which is empty or there twice",
        ),
        (
            encoding("brand", json!({"category": {"listed": [""]}})),
            "a vocabulary holds \"\", which is empty or there twice",
        ),
        (
            encoding("site", json!({"category": {"hashed": {"n_buckets": 0}}})),
            "field \"site\": n_buckets is 0; it must be from 1 to 4294967293",
        ),
        (
            encoding("brand", json!("nothing")),
            "the schema encodes \"brand\" as nothing, which does not fit its role, category",
        ),
        (
            encoding("at", json!("shared_list")),
            "the schema encodes \"at\" as a list of the values of a category, which does not fit its role, time",
        ),
        (
            encoding("seen", json!({"list": {"listed": ["a"]}})),
            "the schema encodes \"seen\" as a list of its own values, which does not fit its role, history",
        ),
        (
            encoding("tags", json!("shared_list")),
            "the schema encodes \"tags\" as a list of the values of a category, which does not fit its role, categories",
        ),
        (
            fewer,
            "the schema holds 9 encodings for 10 columns; each column has one",
        ),
        (unlabelled, "no column is named as the label"),
        (
            unlinked,
            "the history \"seen\" has the values of \"p\", which is no category",
        ),
        (set("max_history", json!(0)), "max_history is 0"),
        (
            set("utc_offset_minutes", json!(2000)),
            "utc_offset_minutes is 2000",
        ),
        (
            set("calendar", json!(["hour", "hour"])),
            "the calendar holds hour twice",
        ),
        (set("more", json!(1)), "unknown field `more`"),
    ] {
        let error = serde_json::from_value::<TabularSchema>(bad)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(message), "{error}\n{message}");
    }
}
