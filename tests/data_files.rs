use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Date32Array, DictionaryArray, Float64Array, Int64Array, LargeStringArray,
    RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray, UInt64Array,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use salient::data::{
    ColumnRef, DataAudit, InteractionFilter, InteractionRow, InteractionSchema, Interactions,
    OnBadRow, ReadOptions, Repeats, Split, SplitRule, TableFormat, TimeFormat, read_interactions,
};
use tempfile::TempDir;

const TEXT: &str = "\
user,item,when,step,kind,stars
anna,tea,2024-05-02,2,view,4
ben,cup,2024-05-01,1,buy,5
anna,cup,2024-05-02,1,buy,3.5
anna,pot,2024-05-01,9,view,1
";

fn schema() -> InteractionSchema {
    InteractionSchema {
        time: Some("when".into()),
        tie_break: Some("step".into()),
        event: Some("kind".into()),
        weight: Some("stars".into()),
        ..InteractionSchema::new("user", "item")
    }
}

fn file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read(name: &str, bytes: &[u8], options: &ReadOptions) -> Interactions {
    let (_folder, path) = file(name, bytes);
    read_interactions(&path, &schema(), options).unwrap().0
}

fn items_of(log: &Interactions, user: u32) -> Vec<&str> {
    let items = &log.items()[log.user_range(user)];
    items.iter().map(|&item| log.item_id(item)).collect()
}

fn assert_is_the_log(log: &Interactions) {
    assert_eq!(log.user_ids(), ["anna", "ben"]);
    assert_eq!(log.item_ids(), ["tea", "cup", "pot"]);
    assert_eq!(log.users(), [0, 0, 0, 1]);
    assert_eq!(items_of(log, 0), ["pot", "cup", "tea"]);
    let day = 86_400_000;
    let first = 1_714_521_600_000;
    assert_eq!(
        log.times_utc_millis(),
        [first, first + day, first + day, first]
    );
    assert_eq!(log.event_names(), ["view", "buy"]);
    assert_eq!(log.events(), Some(&[0, 1, 0, 1][..]));
    assert_eq!(log.weights(), Some(&[1.0, 3.5, 4.0, 5.0][..]));
    assert_eq!(log.tied_with_previous(), [false; 4]);
}

#[test]
fn text_reads_the_same_whatever_its_dress() {
    let options = ReadOptions::default();
    let semicolons = ReadOptions {
        delimiter: Some(";".parse().unwrap()),
        ..options.clone()
    };
    let whitespace = ReadOptions {
        delimiter: Some("whitespace".parse().unwrap()),
        ..options.clone()
    };
    let spaced: String = TEXT
        .lines()
        .map(|line| format!("  {} \t\r\n \n", line.replace(',', " \t ")))
        .collect();
    let quoted: String = TEXT
        .lines()
        .map(|line| format!("\"{}\"\r\n", line.replace(',', "\",\"")))
        .collect();
    let (first, second) = TEXT.split_at(60);
    let two_members = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
    for (name, bytes, options) in [
        ("log.csv", TEXT.as_bytes().to_vec(), &options),
        ("log.txt", TEXT.trim_end().as_bytes().to_vec(), &options),
        ("log.csv", TEXT.replace('\n', "\r\n").into_bytes(), &options),
        ("log.csv", TEXT.replace('\n', "\n\n").into_bytes(), &options),
        ("log.csv", format!("\u{feff}{TEXT}").into_bytes(), &options),
        ("log.csv", quoted.into_bytes(), &options),
        ("log.tsv", TEXT.replace(',', "\t").into_bytes(), &options),
        (
            "log.inter.gz",
            gzip(TEXT.replace(',', "\t").as_bytes()),
            &options,
        ),
        ("log", TEXT.replace(',', ";").into_bytes(), &semicolons),
        ("log", spaced.into_bytes(), &whitespace),
        ("log.csv.gz", gzip(TEXT.as_bytes()), &options),
        (
            "packed_without_saying_so.csv",
            gzip(TEXT.as_bytes()),
            &options,
        ),
        ("log.csv.gz", two_members, &options),
    ] {
        assert_is_the_log(&read(name, &bytes, options));
    }
}

#[test]
fn columns_go_by_number_in_a_file_without_a_header() {
    let (_, rows) = TEXT.split_once('\n').unwrap();
    let (_folder, path) = file("log.csv", rows.as_bytes());
    let options = ReadOptions {
        has_header: false,
        ..ReadOptions::default()
    };
    let schema = InteractionSchema {
        time: Some("#3".parse().unwrap()),
        tie_break: Some("4".parse().unwrap()),
        event: Some(ColumnRef::Number(5)),
        weight: Some(ColumnRef::Number(6)),
        ..InteractionSchema::new(ColumnRef::Number(1), ColumnRef::Number(2))
    };
    let (log, summary) = read_interactions(&path, &schema, &options).unwrap();
    assert_is_the_log(&log);
    assert_eq!(summary.n_rows_read, 4);
}

#[test]
fn typed_headers_are_matched_by_their_stem() {
    let text =
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n";
    let (_folder, path) = file("log.inter", text.as_bytes());
    let schema = InteractionSchema {
        time: Some("timestamp".into()),
        ..InteractionSchema::new("user_id", "item_id")
    };
    let (log, _) = read_interactions(&path, &schema, &ReadOptions::default()).unwrap();
    assert_eq!((log.user_id(0), log.item_id(0)), ("196", "242"));
    assert_eq!(log.times_utc_millis(), [881_250_949_000]);
}

#[test]
fn quoted_fields_may_hold_delimiters_quotes_and_lines() {
    let text = "note,user,item\n\"a,\"\"b\"\"\n\nc\",anna,\"tea, green\"\nplain,ben,5\" pot\n";
    let (_folder, path) = file("log.csv", text.as_bytes());
    let schema = InteractionSchema::new("user", "item");
    let (log, _) = read_interactions(&path, &schema, &ReadOptions::default()).unwrap();
    assert_eq!(log.item_ids(), ["tea, green", "5\" pot"]);
    assert!(!log.has_times());
}

#[test]
fn events_at_one_time_keep_the_order_of_the_file() {
    let text = "user,item,when\na,1,7\na,2,7\na,3,6\na,4,7\n";
    let (_folder, path) = file("log.csv", text.as_bytes());
    let mut schema = InteractionSchema {
        time: Some("when".into()),
        ..InteractionSchema::new("user", "item")
    };
    let options = ReadOptions::default();
    let (log, _) = read_interactions(&path, &schema, &options).unwrap();
    assert_eq!(items_of(&log, 0), ["3", "1", "2", "4"]);
    assert_eq!(log.tied_with_previous(), [false, false, true, true]);
    schema.time = None;
    let (log, _) = read_interactions(&path, &schema, &options).unwrap();
    assert_eq!(items_of(&log, 0), ["1", "2", "3", "4"]);
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The log of `TEXT` as Arrow, in types that a plain reader would not have.
fn arrow_log() -> RecordBatch {
    let kinds: DictionaryArray<Int32Type> = ["view", "buy", "buy", "view"].into_iter().collect();
    let (first, second) = (1_714_521_600_000_000, 1_714_608_000_000_000);
    batch(vec![
        ("unused", Arc::new(Int64Array::from(vec![0; 4]))),
        (
            "stars",
            Arc::new(Float64Array::from(vec![4.0, 5.0, 3.5, 1.0])),
        ),
        (
            "when",
            Arc::new(TimestampMicrosecondArray::from(vec![
                second, first, second, first,
            ])),
        ),
        (
            "item",
            Arc::new(LargeStringArray::from(vec!["tea", "cup", "cup", "pot"])),
        ),
        (
            "user",
            Arc::new(StringViewArray::from(vec!["anna", "ben", "anna", "anna"])),
        ),
        ("step", Arc::new(UInt64Array::from(vec![2, 1, 1, 9]))),
        ("kind", Arc::new(kinds)),
    ])
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_and_record_batches_read_as_text_does() {
    let bytes = parquet(&arrow_log());
    assert_is_the_log(&read("log.parquet", &bytes, &ReadOptions::default()));
    assert_is_the_log(&read("without_an_ending", &bytes, &ReadOptions::default()));
    let halves = [arrow_log().slice(0, 1), arrow_log().slice(1, 3)].map(Ok);
    let (log, summary) =
        Interactions::from_record_batches(halves, &schema(), OnBadRow::Fail).unwrap();
    assert_is_the_log(&log);
    assert_eq!(summary.format, TableFormat::RecordBatches);
    assert_eq!((summary.n_rows_read, summary.sha256), (4, None));
}

#[test]
fn whole_numbers_are_ids_however_they_are_stored() {
    let table = batch(vec![
        ("user", Arc::new(Int64Array::from(vec![7, -1]))),
        ("item", Arc::new(Float64Array::from(vec![196.0, 242.0]))),
        ("when", Arc::new(Date32Array::from(vec![1, 2]))),
    ]);
    let schema = InteractionSchema {
        time: Some("when".into()),
        ..InteractionSchema::new("user", "item")
    };
    let (log, _) = Interactions::from_record_batches([Ok(table)], &schema, OnBadRow::Fail).unwrap();
    assert_eq!(log.user_ids(), ["7", "-1"]);
    assert_eq!(log.item_ids(), ["196", "242"]);
    assert_eq!(log.times_utc_millis(), [86_400_000, 172_800_000]);
}

#[test]
fn numbers_and_text_in_arrow_follow_the_time_format() {
    for (column, format) in [
        (
            Arc::new(Int64Array::from(vec![1_500])) as ArrayRef,
            TimeFormat::UnixMillis,
        ),
        (
            Arc::new(UInt64Array::from(vec![1_500_000])),
            TimeFormat::UnixMicros,
        ),
        (Arc::new(Float64Array::from(vec![1.5])), TimeFormat::Auto),
        (
            Arc::new(StringArray::from(vec!["1970-01-01T00:00:01.5Z"])),
            TimeFormat::Auto,
        ),
        (
            Arc::new(StringArray::from(vec!["01.01.70 00:00:01.5"])),
            TimeFormat::Pattern("%d.%m.%y %H:%M:%S%.f".into()),
        ),
    ] {
        let table = batch(vec![
            ("user", Arc::new(StringArray::from(vec!["a"]))),
            ("item", Arc::new(StringArray::from(vec!["b"]))),
            ("when", column),
        ]);
        let schema = InteractionSchema {
            time: Some("when".into()),
            time_format: format,
            ..InteractionSchema::new("user", "item")
        };
        let (log, _) =
            Interactions::from_record_batches([Ok(table)], &schema, OnBadRow::Fail).unwrap();
        assert_eq!(log.times_utc_millis(), [1_500]);
    }
}

#[test]
fn the_summary_carries_the_hash_of_the_file_as_it_lies_on_disk() {
    // SHA-256 of "user,item\na,b\n", by coreutils' sha256sum.
    let (_folder, path) = file("log.csv", b"user,item\na,b\n");
    let schema = InteractionSchema::new("user", "item");
    let (_, summary) = read_interactions(&path, &schema, &ReadOptions::default()).unwrap();
    assert_eq!(summary.sha256.as_deref(), Some(SHA256_OF_SMALL_FILE));
    assert_eq!(summary.n_bytes, Some(14));
    assert_eq!(
        (summary.name.as_str(), summary.format),
        ("log.csv", TableFormat::Text)
    );
}

const SHA256_OF_SMALL_FILE: &str =
    "5563d911a36493fc45b34ace097db53a568a9b6d25bc848909c7700deb455f56";

#[test]
fn skipped_rows_are_counted_by_reason_with_the_first_of_each() {
    let long = "x".repeat(5_000);
    let text =
        format!("user,item,when\na,1,1\n,2,2\na,3,soon\n{long},4,4\na,,5\na,6\nb,7,later\na,8,8\n");
    let (_folder, path) = file("log.csv", text.as_bytes());
    let schema = InteractionSchema {
        time: Some("when".into()),
        ..InteractionSchema::new("user", "item")
    };
    let options = ReadOptions {
        on_bad_row: OnBadRow::Skip,
        max_line_bytes: 100,
        ..ReadOptions::default()
    };
    let (log, summary) = read_interactions(&path, &schema, &options).unwrap();
    assert_eq!(items_of(&log, 0), ["1", "8"]);
    assert_eq!(log.n_users(), 1);
    assert_eq!((summary.n_rows_read, summary.n_rows_skipped()), (8, 6));
    let skipped: Vec<(&str, u64)> = summary
        .skipped
        .iter()
        .map(|skipped| (skipped.reason.as_str(), skipped.n_rows))
        .collect();
    assert_eq!(
        skipped,
        [
            ("missing user", 1),
            ("unparsable time", 2),
            ("line too long", 1),
            ("missing item", 1),
            ("wrong number of columns", 1)
        ]
    );
    assert_eq!(
        summary.skipped[1].first,
        format!(
            "{} line 4, column \"when\": \"soon\": not a time: expected Unix seconds, RFC 3339 or YYYY-MM-DD[ HH:MM:SS]",
            path.display()
        )
    );
    assert!(summary.skipped[2].first.contains("line 5: \"xxx"));
}

#[test]
fn the_audit_is_a_table_that_says_what_the_log_holds() {
    let text = "user,item,when,kind\n\
        a,1,2024-05-01,view\na,1,2024-05-01,view\na,2,2024-05-02,buy\na,3,2024-05-02,view\n\
        b,1,2024-05-03,view\nb,2,oops,view\nb,2,2024-05-04,buy\nc,1,2024-05-04,like\n";
    let (_folder, path) = file("log.csv", text.as_bytes());
    let schema = InteractionSchema {
        time: Some("when".into()),
        event: Some("kind".into()),
        ..InteractionSchema::new("user", "item")
    };
    let options = ReadOptions {
        on_bad_row: OnBadRow::Skip,
        ..ReadOptions::default()
    };
    let (log, read) = read_interactions(&path, &schema, &options).unwrap();
    let filter = InteractionFilter {
        min_user_events: 2,
        repeats: Repeats::Keep,
        ..InteractionFilter::default()
    };
    let (log, filtered) = filter.apply(log).unwrap();
    let audit = DataAudit::new(&log).with_read(read).with_filter(filtered);
    assert_eq!((audit.n_rows, audit.n_users, audit.n_items), (6, 2, 3));
    assert_eq!(audit.density, 5.0 / 6.0);
    assert_eq!(
        (
            audit.n_duplicate_rows,
            audit.n_time_ties,
            audit.n_unresolved_ties
        ),
        (1, 2, 2)
    );
    assert_eq!(audit.last_tie_share, 0.5);
    let table = audit.to_string();
    let lines: Vec<&str> = table
        .lines()
        .filter(|line| !line.starts_with("sha256"))
        .collect();
    let first = format!(
        "  first          {} line 7, column \"when\": \"oops\": not a time: expected Unix seconds, RFC 3339 or YYYY-MM-DD[ HH:MM:SS]",
        path.display()
    );
    assert_eq!(
        lines,
        [
            "source           log.csv",
            "rows read        8",
            "  dropped        1 (bad row: unparsable time)",
            "  dropped        1 (users with too few events)",
            first.as_str(),
            "events           6",
            "users            2",
            "items            3",
            "density          83.3333%",
            "events per user  min 2, median 2, mean 3.0, p90 4, max 4",
            "time range       2024-05-01 to 2024-05-04 (UTC)",
            "duplicates       1 (same user, item and time)",
            "time ties        2 events at the time of the one before, 2 of them ordered by the file alone; last two events tied for 50.0% of users",
            "event type       view 4",
            "event type       buy 2",
        ]
    );
    let json = serde_json::to_string(&audit).unwrap();
    assert_eq!(serde_json::from_str::<DataAudit>(&json).unwrap(), audit);
}

#[test]
fn a_log_of_one_event_goes_all_the_way_to_training() {
    let row = InteractionRow {
        user: "a".into(),
        item: "b".into(),
        ..InteractionRow::default()
    };
    let log = Interactions::from_rows([row]).unwrap();
    let (log, _) = InteractionFilter::default().apply(log).unwrap();
    let audit = DataAudit::new(&log);
    assert_eq!((audit.history_lengths.max, audit.last_tie_share), (1, 0.0));
    let split = Split::new(&log, SplitRule::LeaveOneOut).unwrap();
    assert_eq!((split.n_train_rows(), split.test.len()), (1, 0));
}
