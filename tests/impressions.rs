//! Impressions made of an event log are labelled by what came after, and told by what was strictly before.

use std::ops::Range;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use proptest::prelude::*;
use salient::data::{
    Attribute, AttributeCells, AttributeTable, ColumnRole, DataError, ImpressionError,
    ImpressionRule, InteractionRow, InteractionSchema, Interactions, OpenWindows, ReadOptions,
    TableColumn, TableOptions, TableParts, TableSchema, read_item_attributes,
};

const EVENTS: [&str; 4] = ["view", "cart", "buy", "share"];
const WINDOW: i64 = 4;
const MAX_HISTORY: usize = 3;

/// User, item, event type and time, each a small number, so that there are many ties.
type Event = (u8, u8, usize, i64);

fn log(events: &[Event]) -> Interactions {
    let rows = events
        .iter()
        .map(|&(user, item, event, time)| InteractionRow {
            user: format!("u{user}"),
            item: format!("i{item}"),
            time_utc_millis: time,
            event: Some(EVENTS[event].to_owned()),
            weight: None,
        });
    // So that all event types occur; at the end of the log, by somebody else.
    let last = EVENTS.map(|event| InteractionRow {
        user: "nobody".to_owned(),
        item: "i0".to_owned(),
        time_utc_millis: 20,
        event: Some(event.to_owned()),
        weight: None,
    });
    Interactions::from_rows(rows.chain(last)).unwrap()
}

fn rule(open_windows: OpenWindows) -> ImpressionRule {
    ImpressionRule {
        max_history: MAX_HISTORY,
        open_windows,
        ..ImpressionRule::new(
            ["view"],
            ["cart", "buy"],
            Duration::from_millis(WINDOW as u64),
        )
    }
}

/// Items 0 to 3 of 5 have a colour; items 1 to 4 have a price.
fn items() -> AttributeTable {
    let ids = (0..5).map(|item| format!("i{item}")).collect();
    let colours = (0..5).map(colour);
    let prices = (0..5).map(|item| (item > 0).then_some(f64::from(item)));
    AttributeTable::from_columns(
        ids,
        vec![
            Attribute::new("colour", AttributeCells::category(colours)),
            Attribute::new("price", AttributeCells::Number(prices.collect())),
        ],
    )
    .unwrap()
}

fn colour(item: u8) -> Option<&'static str> {
    (item < 4).then(|| ["red", "blue"][usize::from(item % 2)])
}

/// An impression with all that the table says of it.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    label: bool,
    user: String,
    item: String,
    time: i64,
    colour: Option<String>,
    price: Option<f64>,
    /// Impressions and successes: all, on the item, on its colour.
    before: [i64; 6],
    history: Vec<(String, String, i64)>,
    colours: Vec<(String, i64)>,
}

/// The rows by looking at all pairs of events.
fn expected(events: &[Event], times: &Range<i64>, keep_open: bool) -> Vec<Row> {
    let end = 20;
    let mut users: Vec<u8> = Vec::new();
    for event in events {
        if !users.contains(&event.0) {
            users.push(event.0);
        }
    }
    let mut rows = Vec::new();
    for user in users {
        let mut own: Vec<Event> = events
            .iter()
            .filter(|event| event.0 == user)
            .copied()
            .collect();
        own.sort_by_key(|event| event.3);
        for &(_, item, event, time) in &own {
            let is_open = time + WINDOW > end;
            if event != 0 || !times.contains(&time) || (is_open && !keep_open) {
                continue;
            }
            let earlier: Vec<&Event> = own.iter().filter(|event| event.3 < time).collect();
            let count = |wanted: &dyn Fn(usize) -> bool, on: &dyn Fn(u8) -> bool| {
                let found = earlier
                    .iter()
                    .filter(|event| wanted(event.2) && on(event.1));
                found.count() as i64
            };
            let (view, success) = (|event| event == 0, |event| event == 1 || event == 2);
            let same_colour = |other| colour(item).is_some() && colour(other) == colour(item);
            let kept = &earlier[earlier.len().saturating_sub(MAX_HISTORY)..];
            rows.push(Row {
                label: own.iter().any(|&(_, other, event, at)| {
                    success(event) && other == item && time <= at && at <= time + WINDOW
                }),
                user: format!("u{user}"),
                item: format!("i{item}"),
                time,
                colour: colour(item).map(str::to_owned),
                price: (item > 0).then_some(f64::from(item)),
                before: [
                    count(&view, &|_| true),
                    count(&success, &|_| true),
                    count(&view, &|other| other == item),
                    count(&success, &|other| other == item),
                    count(&view, &same_colour),
                    count(&success, &same_colour),
                ],
                history: kept
                    .iter()
                    .map(|event| (format!("i{}", event.1), EVENTS[event.2].to_owned(), event.3))
                    .collect(),
                colours: kept
                    .iter()
                    .filter_map(|event| Some((colour(event.1)?.to_owned(), event.3)))
                    .collect(),
            });
        }
    }
    rows
}

/// The rows of a table.
fn rows(table: &RecordBatch) -> Vec<Row> {
    let column = |name| table.column_by_name(name).unwrap();
    let text = |name, row| {
        let texts = column(name).as_string::<i64>();
        (!texts.is_null(row)).then(|| texts.value(row).to_owned())
    };
    let number = |name, row| column(name).as_primitive::<Int64Type>().value(row);
    let texts = |name, row| -> Vec<String> {
        let list = column(name).as_list::<i64>().value(row);
        let texts = list.as_string::<i64>().iter();
        texts.map(|text| text.unwrap().to_owned()).collect()
    };
    let times = |name, row| -> Vec<i64> {
        let list = column(name).as_list::<i64>().value(row);
        list.as_primitive::<Int64Type>().values().to_vec()
    };
    let of_row = |row| {
        let prices = column("price").as_primitive::<Float64Type>();
        let mut history = Vec::new();
        let events = texts("history_events", row);
        let items = texts("history", row);
        let at = times("history_times", row);
        assert_eq!((items.len(), events.len()), (at.len(), at.len()));
        for ((item, event), at) in items.into_iter().zip(events).zip(at) {
            history.push((item, event, at));
        }
        let (colours, at) = (
            texts("history_colour", row),
            times("history_colour_times", row),
        );
        assert_eq!(colours.len(), at.len());
        Row {
            label: column("label").as_boolean().value(row),
            user: text("user", row).unwrap(),
            item: text("item", row).unwrap(),
            time: number("time", row),
            colour: text("colour", row),
            price: (!prices.is_null(row)).then(|| prices.value(row)),
            before: [
                "impressions_before",
                "successes_before",
                "item_impressions_before",
                "item_successes_before",
                "colour_impressions_before",
                "colour_successes_before",
            ]
            .map(|name| number(name, row)),
            history,
            colours: colours.into_iter().zip(at).collect(),
        }
    };
    (0..table.num_rows()).map(of_row).collect()
}

proptest! {
    #[test]
    fn impressions_are_what_a_look_at_all_pairs_of_events_finds(
        events in prop::collection::vec((0_u8..3, 0_u8..5, 0_usize..4, 0_i64..21), 0..60),
        from in 0_i64..10,
        length in 1_i64..21,
        keep_open: bool,
    ) {
        let times = from..from + length;
        let (open_windows, n_nobody) = match keep_open {
            true => (OpenWindows::Keep, usize::from(times.contains(&20))),
            false => (OpenWindows::LeaveOut, 0),
        };
        let found = rule(open_windows).apply(&log(&events), Some(&items()), times.clone());
        let all = expected(&events, &times, true);
        let expected = expected(&events, &times, keep_open);
        let n_views = events.iter().filter(|event| event.2 == 0).count() + 1;
        let n_outside = n_views - all.len() - usize::from(times.contains(&20));
        let Ok(found) = found else {
            prop_assert_eq!(expected.len() + n_nobody, 0);
            return Ok(());
        };
        let mut rows = rows(&found.table);
        // The one who is there to end the log comes last.
        rows.truncate(rows.len() - n_nobody);
        prop_assert_eq!(&rows, &expected);
        let n_open = all.iter().filter(|row| row.time + WINDOW > 20).count();
        let summary = &found.summary;
        prop_assert_eq!(summary.n_rows, expected.len() + n_nobody);
        let n_positive = expected.iter().filter(|row| row.label).count();
        prop_assert_eq!(summary.n_positive, n_positive + n_nobody);
        prop_assert_eq!(summary.n_outside, n_outside);
        let n_at_end = usize::from(times.contains(&20));
        let n_open = n_open + n_at_end;
        let (n_left_out, n_kept) = if keep_open { (0, n_open) } else { (n_open, 0) };
        prop_assert_eq!((summary.n_open_left_out, summary.n_open_kept), (n_left_out, n_kept));
    }
}

#[test]
fn a_window_ends_with_its_last_moment_and_begins_with_the_impression() {
    let label = |view: i64, buy: i64| {
        let found =
            rule(OpenWindows::LeaveOut).apply(&log(&[(0, 1, 0, view), (0, 1, 2, buy)]), None, ..);
        found.unwrap().summary.n_positive
    };
    assert_eq!(
        [label(5, 4), label(5, 5), label(5, 9), label(5, 10)],
        [0, 1, 1, 0]
    );
}

#[test]
fn an_impression_whose_window_the_log_does_not_hold_is_not_called_negative() {
    let events = [(0, 1, 0, 16), (0, 2, 0, 17), (0, 3, 0, 18), (0, 3, 1, 19)];
    let found = rule(OpenWindows::LeaveOut)
        .apply(&log(&events), None, 0..20)
        .unwrap();
    assert_eq!(found.table.num_rows(), 1);
    assert_eq!(
        found.summary.to_string(),
        "1 impressions of 1 users, 0 positive (0.00 %); 2 left out: the log ends before their window"
    );
    let found = rule(OpenWindows::Keep)
        .apply(&log(&events), None, 0..20)
        .unwrap();
    assert_eq!(
        found.summary.to_string(),
        "3 impressions of 1 users, 1 positive (33.33 %); of 2 the log ends before their window"
    );
}

#[test]
fn the_table_is_read_by_the_roles_that_come_with_it() {
    let events = [(0, 1, 0, 1), (0, 2, 2, 3), (0, 4, 0, 3), (0, 2, 0, 7)];
    let found = rule(OpenWindows::LeaveOut)
        .apply(&log(&events), Some(&items()), ..)
        .unwrap();
    let text: Vec<String> = found.columns.iter().map(ToString::to_string).collect();
    assert_eq!(
        text.join(","),
        "label:label,user:group,item:category,time:time,impressions_before:number,successes_before:number,\
         item_impressions_before:number,item_successes_before:number,history:history=item;times=history_times,\
         history_events:history;times=history_times,colour:category,colour_impressions_before:number,\
         colour_successes_before:number,history_colour:history=colour;times=history_colour_times,price:number"
    );
    assert_eq!(TableColumn::list(&text.join(",")).unwrap(), found.columns);
    let options = TableOptions {
        columns: found.columns,
        ..TableOptions::default()
    };
    let (schema, _) = TableSchema::infer_from_batch(&found.table, &options).unwrap();
    let mut n_rows = 0;
    let batches = std::iter::once(Ok(found.table));
    let read = schema.read_batches(batches, TableParts::All, options.file.on_bad_row, |rows| {
        n_rows += rows.n_rows();
        Ok::<(), DataError>(())
    });
    assert_eq!((read.unwrap().n_rows_read, n_rows), (3, 3));
}

#[test]
fn what_the_log_tells_of_its_items_is_that_of_their_first_event() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let text =
        "user,item,brand,shelf,time\na,tea,late,1,9\na,tea,early,,2\nb,cup,,2,1\nb,pot,acme,2,5\n";
    std::fs::write(&path, text).unwrap();
    let schema = InteractionSchema {
        time: Some("time".into()),
        ..InteractionSchema::new("user", "item")
    };
    let columns = ["brand".into(), "shelf".into()];
    let items = read_item_attributes(&path, &schema, &columns, &ReadOptions::default()).unwrap();
    let value = |name, id| {
        let AttributeCells::Category(values) = &items.column(name)?.cells else {
            return None;
        };
        let value = values.row(items.index_of(id)?).first()?;
        Some(values.values()[*value as usize].as_str())
    };
    assert_eq!(
        ["tea", "cup", "pot"].map(|id| value("brand", id)),
        [Some("early"), None, Some("acme")]
    );
    assert_eq!(
        ["tea", "cup", "pot"].map(|id| value("shelf", id)),
        [Some("1"), Some("2"), Some("2")]
    );
    let error = read_item_attributes(&path, &schema, &["size".into()], &ReadOptions::default());
    assert!(matches!(error, Err(DataError::MissingColumn { asked, .. }) if asked == "size"));
}

#[test]
fn what_makes_no_impressions_is_refused() {
    let events = [(0, 1, 0, 16), (0, 2, 0, 17)];
    let plain = rule(OpenWindows::LeaveOut);
    let refused = |rule: &ImpressionRule, items: Option<&AttributeTable>| match rule
        .apply(&log(&events), items, ..)
        .unwrap_err()
    {
        DataError::Impressions(error) => error,
        other => panic!("{other:?}"),
    };
    let none = ImpressionRule {
        successes: Vec::new(),
        ..plain.clone()
    };
    let present = EVENTS.map(str::to_owned).to_vec();
    let expected = |present| ImpressionError::NoEvents {
        part: "successes",
        present,
    };
    // The types in the order of their first appearance.
    assert_eq!(refused(&none, None), expected(present));
    let twice = ImpressionRule {
        successes: vec!["view".into()],
        ..plain.clone()
    };
    assert_eq!(
        refused(&twice, None),
        ImpressionError::EventTwice {
            event: "view".into()
        }
    );
    for window in [Duration::ZERO, Duration::from_nanos(999_999), Duration::MAX] {
        let found = refused(
            &ImpressionRule {
                window,
                ..plain.clone()
            },
            None,
        );
        assert_eq!(found, ImpressionError::InvalidWindow { window });
    }
    let unknown = ImpressionRule {
        impressions: vec!["seen".into()],
        ..plain.clone()
    };
    let error = unknown.apply(&log(&events), None, ..).unwrap_err();
    assert!(matches!(error, DataError::UnknownEvent { event, .. } if event == "seen"));
    let named = |name: &str, cells| {
        let ids = vec!["i1".to_owned()];
        AttributeTable::from_columns(ids, vec![Attribute::new(name, cells)]).unwrap()
    };
    for (name, column) in [("item", "item"), ("times", "history_times")] {
        let table = named(name, AttributeCells::category([Some("a")]));
        let (name, column) = (name.to_owned(), column.to_owned());
        assert_eq!(
            refused(&plain, Some(&table)),
            ImpressionError::RepeatedColumn { name, column }
        );
    }
    let table = named("time", AttributeCells::Number(vec![None]));
    let (name, column) = ("time".to_owned(), "time".to_owned());
    assert_eq!(
        refused(&plain, Some(&table)),
        ImpressionError::RepeatedColumn { name, column }
    );
    let table = named("tags", AttributeCells::categories([["a", "b"]]));
    let (name, kind) = ("tags".to_owned(), "categories");
    assert_eq!(
        refused(&plain, Some(&table)),
        ImpressionError::UnusableAttribute { name, kind }
    );
    let error = plain.apply(&log(&events), None, 17..18).unwrap_err();
    assert!(matches!(
        error,
        DataError::Impressions(ImpressionError::NoImpressions {
            n_outside: 2,
            n_open: 1
        })
    ));
}

#[test]
fn a_log_without_event_types_or_times_is_refused() {
    let row = |event: Option<&str>| InteractionRow {
        user: "a".into(),
        item: "b".into(),
        event: event.map(str::to_owned),
        ..InteractionRow::default()
    };
    let plain = Interactions::from_rows([row(None)]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    std::fs::write(&path, "user,item,event\na,b,view\na,b,buy\n").unwrap();
    let schema = InteractionSchema {
        event: Some("event".into()),
        ..InteractionSchema::new("user", "item")
    };
    let read = salient::data::read_interactions(&path, &schema, &ReadOptions::default());
    let (timeless, _) = read.unwrap();
    for (log, role) in [(plain, ColumnRole::Event), (timeless, ColumnRole::Time)] {
        let rule = ImpressionRule::new(["view"], ["buy"], Duration::from_secs(1));
        let error = rule.apply(&log, None, ..).unwrap_err();
        assert!(matches!(
            error,
            DataError::Impressions(ImpressionError::NeedsColumn { role: found }) if found == role
        ));
    }
}
