//! Customers out of an event log are labelled by what comes after a cut-off, and told by nothing but what was up to it.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, LargeListArray, RecordBatch};
use proptest::prelude::*;
use salient::data::{
    Attribute, AttributeCells, AttributeTable, ChurnError, ChurnOutcome, ChurnRule, ChurnSplit,
    ChurnTable, DataError, InteractionRow, Interactions, RowUse, TableCells, TableColumn,
    TableOptions, TableParts, TableSchema, TimeFormat,
};

mod reference;
mod refusals;

use self::reference::{expected, expected_outcome};

const DAY: i64 = 86_400_000;
/// A quarter of a day, so that there are ties, and gaps within a day.
const STEP: i64 = DAY / 4;
const TYPES: [&str; 3] = ["order", "visit", "big return"];
/// The log ends here, in steps.
const END: i64 = 120;
const MAX_HISTORY: usize = 4;

/// User, type, amount and time in steps, each a small number, so that there are many ties.
type Event = (u8, usize, i8, i64);

fn log(events: &[Event]) -> Interactions {
    let mut events = events.to_vec();
    // So that the prefix of a log numbers its customers as the log does.
    events.sort_by_key(|event| event.3);
    let row = |&(user, event, amount, time): &Event| InteractionRow {
        user: format!("u{user}"),
        item: format!("i{amount}"),
        time_utc_millis: time * STEP,
        event: Some(TYPES[event].to_owned()),
        weight: Some(f32::from(amount) / 2.0),
    };
    Interactions::from_rows(events.iter().map(row)).unwrap()
}

fn steps(n: i64) -> Duration {
    Duration::from_millis((n * STEP) as u64)
}

fn rule(horizon: i64, cut_offs: &[i64]) -> ChurnRule {
    ChurnRule {
        max_history: MAX_HISTORY,
        with_items: true,
        log_end_utc_millis: Some(END * STEP),
        ..ChurnRule::new(
            steps(horizon),
            cut_offs.iter().map(|at| at * STEP).collect(),
        )
    }
}

/// A customer at a cut-off with all that the table says, times in steps.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    label: bool,
    customer: String,
    cut_off: i64,
    numbers: Vec<(&'static str, Option<f64>)>,
    /// Type, item, amount, gap.
    history: Vec<([String; 4], i64)>,
}

const NUMBERS: [&str; 11] = [
    "recency_days",
    "tenure_days",
    "n_events",
    "n_events_horizon",
    "n_events_third",
    "mean_gap_days",
    "deviation_gap_days",
    "total_amount",
    "mean_amount",
    "amount_horizon",
    "amount_third",
];

fn column<'a>(table: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    table.column_by_name(name).unwrap()
}

/// The rows of a table.
fn rows(table: &RecordBatch) -> Vec<Row> {
    let texts = |name: &str, row| -> Vec<String> {
        let list = column(table, name).as_list::<i64>().value(row);
        let texts = list.as_string::<i64>().iter();
        texts.map(|text| text.unwrap().to_owned()).collect()
    };
    let of_row = |row| {
        let lists = ["types", "items", "amounts", "gaps"].map(|name| texts(name, row));
        let times = column(table, "history_times").as_list::<i64>().value(row);
        let times = times.as_primitive::<Int64Type>().values();
        assert!(lists.iter().all(|list| list.len() == times.len()));
        let entry = |at: usize| {
            let names = [0, 1, 2, 3].map(|list: usize| lists[list][at].clone());
            (names, times[at] / STEP)
        };
        let number = |name| {
            let numbers = column(table, name).as_primitive::<Float64Type>();
            (name, (!numbers.is_null(row)).then(|| numbers.value(row)))
        };
        let at = column(table, "predicted_at").as_primitive::<Int64Type>();
        Row {
            label: column(table, "label").as_boolean().value(row),
            customer: column(table, "customer")
                .as_string::<i64>()
                .value(row)
                .to_owned(),
            cut_off: (at.value(row) - 1) / STEP,
            numbers: NUMBERS.map(number).to_vec(),
            history: (0..times.len()).map(entry).collect(),
        }
    };
    (0..table.num_rows()).map(of_row).collect()
}

fn assert_same(found: &[Row], expected: &[Row]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        for (&(name, found), (_, expected)) in found.numbers.iter().zip(&expected.numbers) {
            let (at, to) = (found.unwrap_or(-9e9), expected.unwrap_or(-9e9));
            assert!((at - to).abs() < 1e-9, "{name}: {found:?} {expected:?}");
        }
        let numbers = Vec::new();
        let mut found = found.clone();
        found.numbers = numbers.clone();
        assert_eq!(
            found,
            Row {
                numbers,
                ..expected.clone()
            }
        );
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    // Some customers are frequent and some are gone for long.
    let event = (0_u8..6, 0_usize..3, -2_i8..6, 0..=END).prop_map(|(user, event, amount, time)| {
        (user, event, amount, if user < 2 { time / 3 } else { time })
    });
    prop::collection::vec(event, 1..60)
}

proptest! {
    #[test]
    fn rows_are_what_a_look_at_all_events_finds(
        events in events(),
        horizon in 1_i64..40,
        mut cut_offs in prop::collection::btree_set(0_i64..80, 1..4),
        lookback in prop::option::of(1_i64..60),
        active_within in prop::option::of(1_i64..60),
    ) {
        cut_offs.retain(|at| at + horizon <= END);
        prop_assume!(!cut_offs.is_empty());
        let cut_offs: Vec<i64> = cut_offs.into_iter().collect();
        let rule = ChurnRule {
            lookback: lookback.map(steps),
            active_within: active_within.map(steps),
            ..rule(horizon, &cut_offs)
        };
        let log = log(&events);
        let (expected, n_not_yet, n_inactive) = expected(&events, &rule);
        let found = match rule.apply(&log, None) {
            Ok(found) => found,
            Err(DataError::Churn(error)) => {
                prop_assert_eq!(expected.len(), 0);
                prop_assert_eq!(error, ChurnError::NoCustomers { n_not_yet, n_inactive });
                return Ok(());
            }
            Err(other) => panic!("{other}"),
        };
        assert_same(&rows(&found.table), &expected);
        found.check().unwrap();
        let summary = &found.summary;
        let n_churned = expected.iter().filter(|row| row.label).count();
        prop_assert_eq!((summary.n_rows(), summary.n_churned()), (expected.len(), n_churned));
        let left_out = summary.cut_offs.iter().map(|at| (at.n_not_yet, at.n_inactive));
        let left_out = left_out.fold((0, 0), |sum, at| (sum.0 + at.0, sum.1 + at.1));
        prop_assert_eq!(left_out, (n_not_yet, n_inactive));
        let one_event = |row: &&Row| row.numbers[2].1 == Some(1.0);
        prop_assert_eq!(summary.n_one_event, expected.iter().filter(one_event).count());
    }

    #[test]
    fn outcomes_are_the_first_silences(
        events in events(),
        horizon in 1_i64..30,
        cut_off in 0_i64..80,
        known_until in 30_i64..=END,
    ) {
        prop_assume!(cut_off + horizon <= known_until);
        let rule = ChurnRule {
            known_until_utc_millis: Some(known_until * STEP),
            ..rule(horizon, &[cut_off])
        };
        let Ok(found) = rule.apply(&log(&events), None) else {
            return Ok(());
        };
        for (row, outcome) in rows(&found.table).iter().zip(&found.outcomes) {
            let own = events.iter().filter(|event| row.customer == format!("u{}", event.0));
            let known: Vec<i64> = own
                .map(|event| event.3)
                .filter(|&time| cut_off < time && time <= known_until)
                .collect();
            let (duration, churned_ever) = expected_outcome(&known, cut_off, horizon, known_until);
            let expected = ChurnOutcome {
                cut_off_utc_millis: cut_off * STEP,
                churned: row.label,
                duration_days: duration as f64 / 4.0,
                churned_ever,
            };
            prop_assert_eq!(*outcome, expected);
            prop_assert_eq!(outcome.churned, churned_ever && duration == 0);
        }
    }

    #[test]
    fn inputs_are_the_same_whatever_comes_after_the_cut_off(
        events in events(),
        cut_off in 0_i64..80,
        lookback in prop::option::of(1_i64..60),
    ) {
        let rule = ChurnRule { lookback: lookback.map(steps), ..rule(20, &[cut_off]) };
        let past: Vec<Event> = events.iter().filter(|event| event.3 <= cut_off).copied().collect();
        prop_assume!(!past.is_empty());
        let at = cut_off * STEP;
        let (full, then) = (rule.inputs(&log(&events), None, at), rule.inputs(&log(&past), None, at));
        let Ok(full) = full else {
            prop_assert!(then.is_err());
            return Ok(());
        };
        prop_assert_eq!(&full, &then.unwrap());
        // And they are those that models learn from.
        let learnt = rule.apply(&log(&events), None).unwrap().table;
        let is_input = |place: &usize| learnt.schema().field(*place).name() != "label";
        let inputs: Vec<usize> = (0..learnt.num_columns()).filter(is_input).collect();
        prop_assert_eq!(inputs.len() + 1, learnt.num_columns());
        prop_assert_eq!(learnt.project(&inputs).unwrap(), full);
    }

    #[test]
    fn no_label_of_a_part_rests_on_what_a_later_part_is_judged_by(
        first in -50_i64..50,
        length in 1_i64..400,
        horizon in 1_i64..60,
        step in 1_i64..40,
        n_train in 1_usize..5,
    ) {
        let times = first * STEP..=(first + length) * STEP;
        let split = ChurnSplit::new(times, steps(horizon), steps(step), n_train);
        let needed = 3 * horizon + (n_train as i64 - 1) * step;
        let Ok(split) = split else {
            prop_assert!(needed > length);
            let (has_days, needs_days) = (length as f64 / 4.0, needed as f64 / 4.0);
            let (first, last) = (first * STEP, (first + length) * STEP);
            let expected = ChurnError::LogTooShort { first, last, has_days, needs_days };
            prop_assert!(matches!(split, Err(DataError::Churn(found)) if found == expected));
            return Ok(());
        };
        prop_assert!(needed <= length);
        prop_assert_eq!(split.train.len(), n_train);
        prop_assert!(split.train[0] >= first * STEP);
        let plain = ChurnRule::new(steps(horizon), Vec::new());
        let closes = |cut_offs: &[i64]| cut_offs.last().unwrap() + horizon * STEP;
        prop_assert!(closes(&split.train) <= split.validation[0]);
        prop_assert!(closes(&split.validation) <= split.test[0]);
        prop_assert_eq!(closes(&split.test), (first + length) * STEP);
        for (part, until) in [
            (RowUse::Train, Some(split.validation[0])),
            (RowUse::Validation, Some(split.test[0])),
            (RowUse::Test, None),
        ] {
            prop_assert_eq!(split.rule_of(part, &plain).unwrap().known_until_utc_millis, until);
        }
    }
}

/// Two customers with gaps and ties; the second has left.
const EVENTS: [Event; 8] = [
    (0, 0, 2, 0),
    (0, 1, 0, 8),
    (0, 0, 5, 8),
    (0, 0, 5, 20),
    (0, 0, 1, 33),
    (1, 2, -1, 4),
    (1, 0, 3, 12),
    (0, 0, 1, 120),
];

#[test]
fn an_event_at_the_cut_off_is_seen_and_a_horizon_includes_its_last_moment() {
    let at = |cut_off, horizon| {
        let found = rule(horizon, &[cut_off])
            .apply(&log(&EVENTS), None)
            .unwrap();
        let row = rows(&found.table).remove(0);
        assert_eq!(row.customer, "u0");
        (row.history.len(), row.numbers[0].1, row.label)
    };
    assert_eq!(at(20, 12), (4, Some(0.0), true));
    assert_eq!(at(20, 13), (4, Some(0.0), false));
    assert_eq!(at(19, 1), (3, Some(2.75), false));
}

fn planted(churn: &ChurnTable, name: &str, array: ArrayRef) -> ChurnTable {
    let mut columns = churn.table.columns().to_vec();
    columns[churn.table.schema().index_of(name).unwrap()] = array;
    ChurnTable {
        table: RecordBatch::try_new(churn.table.schema(), columns).unwrap(),
        ..churn.clone()
    }
}

#[test]
fn an_event_after_the_cut_off_among_the_inputs_is_caught_by_name() {
    let churn = rule(12, &[20]).apply(&log(&EVENTS), None).unwrap();
    let times = column(&churn.table, "history_times").as_list::<i64>();
    // The last event of the second customer, a millisecond after the cut-off.
    let mut values = times.values().as_primitive::<Int64Type>().values().to_vec();
    *values.last_mut().unwrap() = 20 * STEP + 1;
    let (field, offsets) = match times.clone().into_parts() {
        (field, offsets, _, None) => (field, offsets),
        other => panic!("{other:?}"),
    };
    let values = Arc::new(arrow_array::Int64Array::from(values));
    let array = Arc::new(LargeListArray::new(field, offsets, values, None));
    let leaky = planted(&churn, "history_times", array);
    let error = leaky.check().unwrap_err();
    assert_eq!(
        error.to_string(),
        "column \"history_times\" of customer \"u1\" at cut-off 1970-01-06 holds an event of 1970-01-06 00:00:00.001 UTC, which is \
         after it: the future must not be an input"
    );
    let expected = ChurnError::EventAfterCutOff {
        column: "history_times",
        customer: "u1".into(),
        cut_off: 20 * STEP,
        time: 20 * STEP + 1,
    };
    assert!(matches!(error, DataError::Churn(found) if found == expected));
    // The reader of tables refuses it as well, by row.
    let error = read(&leaky).unwrap_err().to_string();
    assert!(error.contains("row 2, column \"history_times\""), "{error}");

    let recency = Arc::new(Float64Array::from(vec![0.0, -1.5]));
    let leaky = planted(&churn, "recency_days", recency);
    let expected = ChurnError::EventAfterCutOff {
        column: "recency_days",
        customer: "u1".into(),
        cut_off: 20 * STEP,
        time: 26 * STEP,
    };
    assert!(matches!(leaky.check(), Err(DataError::Churn(found)) if found == expected));
    let table = churn.table.project(&[0, 1]).unwrap();
    let other = ChurnTable { table, ..churn };
    let column = "predicted_at";
    assert!(
        matches!(other.check(), Err(DataError::Churn(ChurnError::UnknownTable { column: c })) if c == column)
    );
}

/// The lists of values with times that the reader of tables makes of a table: by row, by column.
fn read(churn: &ChurnTable) -> Result<Vec<Vec<(String, i64)>>, DataError> {
    let options = TableOptions {
        columns: churn.columns.clone(),
        time_format: TimeFormat::UnixMillis,
        ..TableOptions::default()
    };
    let (schema, _) = TableSchema::infer_from_batch(&churn.table, &options)?;
    let mut found = Vec::new();
    let batches = std::iter::once(Ok(churn.table.clone()));
    schema.read_batches(batches, TableParts::All, options.file.on_bad_row, |rows| {
        for row in 0..rows.n_rows() {
            for cells in rows.columns() {
                if let TableCells::Lists(lists) = cells {
                    let own = lists.offsets[row]..lists.offsets[row + 1];
                    let times = lists.times_utc_millis[own.clone()].iter().copied();
                    let values = own.map(|at| lists.values[at].to_owned());
                    found.push(values.zip(times).collect());
                }
            }
        }
        Ok::<(), DataError>(())
    })?;
    Ok(found)
}

#[test]
fn the_table_is_read_by_the_roles_that_come_with_it() {
    let churn = rule(12, &[8, 20])
        .apply(&log(&EVENTS), Some(&plans()))
        .unwrap();
    let text: Vec<String> = churn.columns.iter().map(ToString::to_string).collect();
    let text = text.join(",");
    assert_eq!(
        text,
        "label:label,customer:group,predicted_at:time,recency_days:number,tenure_days:number,n_events:number,\
         n_events_horizon:number,n_events_third:number,mean_gap_days:number,deviation_gap_days:number,total_amount:number,\
         mean_amount:number,amount_horizon:number,amount_third:number,types:history;times=history_times,\
         items:history;times=history_times,amounts:history;times=history_times,gaps:history;times=history_times,\
         plan:category,age:number"
    );
    assert_eq!(TableColumn::list(&text).unwrap(), churn.columns);
    let lists = read(&churn).unwrap();
    let rows = rows(&churn.table);
    assert_eq!(lists.len(), 4 * rows.len());
    for (row, lists) in rows.iter().zip(lists.chunks(4)) {
        for (place, list) in lists.iter().enumerate() {
            let expected: Vec<(String, i64)> = row
                .history
                .iter()
                .map(|(names, time)| (names[place].clone(), time * STEP))
                .collect();
            assert_eq!(list, &expected);
        }
    }
    let plans = column(&churn.table, "plan").as_string::<i64>();
    let plans: Vec<Option<&str>> = plans.iter().collect();
    // The rows of both customers at the first cut-off, then at the second.
    assert_eq!(plans, [Some("gold"), None, Some("gold"), None]);
}

/// What is known of the first customer.
fn plans() -> AttributeTable {
    let age = AttributeCells::Number(vec![Some(40.0)]);
    AttributeTable::from_columns(
        vec!["u0".into()],
        vec![
            Attribute::new("plan", AttributeCells::category([Some("gold")])),
            Attribute::new("age", age),
        ],
    )
    .unwrap()
}

#[test]
fn a_log_of_times_alone_has_the_columns_that_it_can_have() {
    let rows = [0, 3, 9].map(|days| InteractionRow {
        user: "a".into(),
        item: "b".into(),
        time_utc_millis: days * DAY,
        ..InteractionRow::default()
    });
    let log = Interactions::from_rows(rows).unwrap();
    let days = |n: u64| Duration::from_secs(86_400 * n);
    let names = |max_history| {
        let rule = ChurnRule {
            max_history,
            ..ChurnRule::new(days(4), vec![4 * DAY])
        };
        let found = rule.apply(&log, None).unwrap();
        let schema = found.table.schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        names.collect::<Vec<_>>()[8..].join(",")
    };
    assert_eq!(
        names(1),
        "mean_gap_days,deviation_gap_days,gaps,history_times"
    );
    assert_eq!(names(0), "mean_gap_days,deviation_gap_days");
}

#[test]
fn the_summary_says_who_is_left_out_and_why() {
    let rule = ChurnRule {
        active_within: Some(steps(10)),
        ..rule(12, &[2, 24])
    };
    let found = rule.apply(&log(&EVENTS), Some(&plans())).unwrap();
    assert_eq!(
        found.summary.to_string(),
        "2 rows of 1 customers at 2 cut-offs, 0 churned (0.00 %); the log ends at 1970-01-31; 1 rows show one event; 1 events are \
         ordered by the file alone, at one time with the event before\n\
         1970-01-01 12:00:00 UTC: 1 rows, 0 churned (0.00 %); 1 left out: their first event is later\n\
         1970-01-07: 1 rows, 0 churned (0.00 %); 1 left out: their last event is too long before"
    );
    let text = serde_json::to_string(&rule).unwrap();
    assert_eq!(serde_json::from_str::<ChurnRule>(&text).unwrap(), rule);
}
