use std::collections::BTreeMap;

use salient::data::{InteractionRow, Interactions, Split, SplitRule};
use salient::tasks::next_item::{
    HistoryEvent, Learning, NextItemConfig, NextItemData, NextItemLoss, RecommendOptions,
    UserHistory, fit,
};
use salient::training::Trainer;
use tempfile::tempdir;

use super::recipes::{asked, rich_shop, small};
use super::{config, leave_one_out, log_of, run};

#[test]
fn histories_without_what_the_model_reads_are_refused_by_name() {
    let data = leave_one_out(&rich_shop());
    let config = NextItemConfig {
        event_types: true,
        event_weights: true,
        ..small("hstu", 1)
    };
    let model = run(&config, &data).model;
    let complete = asked(&model, 0);
    let refused = |change: fn(&mut HistoryEvent)| {
        let mut history = complete.clone();
        change(&mut history.events[1]);
        let error = model.recommend_to(&history, 5, &RecommendOptions::default());
        error.unwrap_err().to_string()
    };
    assert_eq!(
        refused(|event| event.time_utc_millis = None),
        "case 0: the model reads times of events, but 3 of 4 events have them"
    );
    assert!(refused(|event| event.event = None).contains("event types"));
    assert!(refused(|event| event.weight = None).contains("weights"));
    assert!(
        model
            .recommend_to(&complete, 5, &RecommendOptions::default())
            .is_ok()
    );
}

#[test]
fn settings_that_read_what_the_log_lacks_are_refused() {
    let data = leave_one_out(&log_of(&[vec![0, 1, 2, 3], vec![2, 3, 0, 1]]));
    let no_times = {
        let rows = (0..30).flat_map(|user| {
            (0..5).map(move |step| InteractionRow {
                user: format!("{user}"),
                item: format!("{}", (user + step) % 7),
                ..InteractionRow::default()
            })
        });
        let mut log = Interactions::from_rows(rows.collect::<Vec<_>>()).unwrap();
        // Rows from memory have times; a log that was read without a time column has none.
        log = without_times(log);
        let split = Split::new(&log, SplitRule::LeaveOneOut).unwrap();
        NextItemData::new(&log, &split).unwrap()
    };
    let refused = |config: NextItemConfig, data: &NextItemData| {
        let trainer = Trainer::new(config.training.clone());
        let error = fit(&config, data, trainer, &burn::tensor::Device::flex());
        error.unwrap_err().to_string()
    };
    let cases = [
        (
            NextItemConfig {
                event_types: true,
                ..config(1)
            },
            &data,
            "event_types is set, but the log has no types of event",
        ),
        (
            NextItemConfig {
                event_weights: true,
                ..config(1)
            },
            &data,
            "event_weights is set, but the log has no weights",
        ),
        (
            small("hstu", 1),
            &no_times,
            "time_intervals is set, but the log has no times",
        ),
        (
            NextItemConfig {
                content: Some(Default::default()),
                ..config(1)
            },
            &data,
            "content is set, but there is no side table of items",
        ),
        (
            NextItemConfig {
                user_attributes: true,
                ..config(1)
            },
            &data,
            "user_attributes is set, but there is no side table of users",
        ),
        (
            NextItemConfig {
                query_time: true,
                ..config(1)
            },
            &data,
            "query_time and time_intervals do not go together",
        ),
        (
            NextItemConfig {
                temperature: 0.0,
                ..config(1)
            },
            &data,
            "temperature is 0: it must lie in (0, infinity)",
        ),
        (
            NextItemConfig {
                learning: Learning::Masked { share: 1.0 },
                ..config(1)
            },
            &data,
            "learning.masked.share is 1: it must lie in (0, 1)",
        ),
        (
            NextItemConfig {
                loss: NextItemLoss::Softmax {
                    label_smoothing: 1.0,
                },
                ..config(1)
            },
            &data,
            "loss.softmax.label_smoothing is 1: it must lie in [0, 1)",
        ),
    ];
    for (config, data, message) in cases {
        let found = refused(config, data);
        assert!(found.contains(message), "{found}");
    }
    let rich = leave_one_out(&rich_shop());
    let unknown = NextItemConfig {
        target_weights: BTreeMap::from([("steal".to_owned(), 1.0)]),
        ..config(1)
    };
    let found = refused(unknown, &rich);
    assert!(
        found.contains("target_weights names the event type \"steal\""),
        "{found}"
    );
}

/// The log as it is read from a file without a time column.
pub(super) fn without_times(log: Interactions) -> Interactions {
    let directory = tempdir().unwrap();
    let path = directory.path().join("log.csv");
    let mut text = "user,item\n".to_owned();
    for row in 0..log.n_rows() {
        text += &format!(
            "{},{}\n",
            log.user_id(log.users()[row]),
            log.item_id(log.items()[row])
        );
    }
    std::fs::write(&path, text).unwrap();
    let column = |name: &str| name.parse::<salient::data::ColumnRef>().unwrap();
    let schema = salient::data::InteractionSchema::new(column("user"), column("item"));
    salient::data::read_interactions(&path, &schema, &Default::default())
        .unwrap()
        .0
}

#[test]
fn weights_that_are_no_weights_are_refused() {
    let rows = (0..30u32).flat_map(|user| {
        (0..5u32).map(move |step| InteractionRow {
            user: format!("user {user}"),
            item: format!("item {}", (user + step) % 7),
            time_utc_millis: i64::from(step),
            weight: Some(1.0 - 2.0 * (step % 2) as f32),
            ..InteractionRow::default()
        })
    });
    let data = leave_one_out(&Interactions::from_rows(rows.collect::<Vec<_>>()).unwrap());
    let config = NextItemConfig {
        weighted_targets: true,
        ..config(1)
    };
    let trainer = Trainer::new(config.training.clone());
    let error = fit(&config, &data, trainer, &burn::tensor::Device::flex()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("event 1 of the training part weighs -1"),
        "{error}"
    );

    let read = NextItemConfig {
        weighted_targets: false,
        event_weights: true,
        ..config
    };
    let model = run(&read, &data).model;
    let mut history = UserHistory::of_items(&["item 1", "item 2"]);
    history.events[0].weight = Some(1.0);
    history.events[1].weight = Some(f32::NAN);
    let error = model
        .recommend_to(&history, 2, &RecommendOptions::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "event 1 of the history has a weight that is not finite"
    );
}
