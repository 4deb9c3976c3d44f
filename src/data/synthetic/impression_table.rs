//! The impressions of the simulated shop as a table, as an advertising platform would log them.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::ArrowError;

use super::attributes::{age_group, device, region};
use super::events::Event;
use super::impressions::Impression;
use super::items::Item;
use super::shop::Shop;
use super::users::User;

impl Shop {
    /// The impressions in the order of [`Self::impressions`], one row each:
    ///
    /// | column | holds |
    /// |---|---|
    /// | `clicked` | the label |
    /// | `user`, `age_group`, `region`, `device`, `tenure_days` | the person |
    /// | `item`, `category`, `style`, `price` | what was advertised |
    /// | `creative`, `position`, `exposures_before`, `time` | how, where and when (milliseconds since 1970, UTC) |
    /// | `history`, `history_categories`, `history_styles`, `history_times` | items of the last `max_history` events before the impression, the oldest first, their categories, styles and times, separated by spaces |
    ///
    /// ```
    /// use salient::data::synthetic::{Shop, ShopConfig};
    ///
    /// let shop = Shop::simulate(&ShopConfig { n_users: 20, ..ShopConfig::default() }, 7)?;
    /// let table = shop.impression_table(30)?;
    /// assert_eq!(table.num_rows(), shop.impressions().len());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Never, unless Arrow refuses columns of one length.
    pub fn impression_table(&self, max_history: usize) -> Result<RecordBatch, ArrowError> {
        let impressions = self.impressions();
        let user = |impression: &Impression| &self.users()[impression.user as usize];
        let item = |impression: &Impression| &self.items()[impression.item as usize];
        let texts = |text: &dyn Fn(&Impression) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(impressions.iter().map(text)))
        };
        let of_user = |text: fn(&User) -> &str| texts(&|shown| text(user(shown)).to_owned());
        let integers = |number: &dyn Fn(&Impression) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(impressions.iter().map(number)))
        };
        let prices = impressions.iter().map(|shown| item(shown).price);
        let clicked = impressions.iter().map(|shown| Some(shown.clicked));
        let history = |text: &dyn Fn(&Event, &Item) -> String| -> ArrayRef {
            let rows = impressions.iter().map(|shown| {
                let before = self.before(shown, max_history).iter();
                joined(before.map(|event| text(event, &self.items()[event.item as usize])))
            });
            Arc::new(StringArray::from_iter_values(rows))
        };
        RecordBatch::try_from_iter([
            (
                "clicked",
                Arc::new(BooleanArray::from_iter(clicked)) as ArrayRef,
            ),
            ("user", of_user(|user| &user.id)),
            ("age_group", of_user(|user| age_group(user.age_group))),
            ("region", of_user(|user| region(user.region))),
            ("device", of_user(|user| device(user.device))),
            (
                "tenure_days",
                integers(&|shown| user(shown).tenure_days.into()),
            ),
            ("item", texts(&|shown| item(shown).id.clone())),
            ("category", texts(&|shown| item(shown).category.to_string())),
            ("style", texts(&|shown| item(shown).style.to_string())),
            (
                "price",
                Arc::new(Float64Array::from_iter_values(prices)) as ArrayRef,
            ),
            ("creative", integers(&|shown| shown.creative.into())),
            ("position", integers(&|shown| shown.position.into())),
            (
                "exposures_before",
                integers(&|shown| shown.exposures_before.into()),
            ),
            ("time", integers(&|shown| shown.time_utc_millis)),
            ("history", history(&|_, item| item.id.clone())),
            (
                "history_categories",
                history(&|_, item| item.category.to_string()),
            ),
            ("history_styles", history(&|_, item| item.style.to_string())),
            (
                "history_times",
                history(&|event, _| event.time_utc_millis.to_string()),
            ),
        ])
    }

    /// The last events of the user before an impression, the oldest first.
    fn before(&self, impression: &Impression, max_history: usize) -> &[Event] {
        let events = self.user_events(impression.user);
        let end =
            events.partition_point(|event| event.time_utc_millis < impression.time_utc_millis);
        &events[end.saturating_sub(max_history)..end]
    }
}

/// Texts with spaces between them.
fn joined(texts: impl Iterator<Item = String>) -> String {
    let mut joined = String::new();
    for text in texts {
        let separator = if joined.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(joined, "{separator}{text}");
    }
    joined
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;

    use super::*;
    use crate::data::synthetic::ShopConfig;

    #[test]
    fn histories_are_the_events_before_the_impression() {
        let config = ShopConfig {
            n_users: 30,
            ..ShopConfig::default()
        };
        let shop = Shop::simulate(&config, 3).unwrap();
        let table = shop.impression_table(5).unwrap();
        let column = |name| table.column_by_name(name).unwrap();
        let times = column("time").as_primitive::<Int64Type>();
        let mut n_full = 0;
        for (row, shown) in shop.impressions().iter().enumerate() {
            let events = shop.user_events(shown.user).iter();
            let earlier: Vec<&Event> = events
                .filter(|event| event.time_utc_millis < times.value(row))
                .collect();
            let expected: Vec<&str> = earlier
                .iter()
                .skip(earlier.len().saturating_sub(5))
                .map(|event| shop.items()[event.item as usize].id.as_str())
                .collect();
            let found = column("history").as_string::<i32>().value(row);
            assert_eq!(found.split_whitespace().collect::<Vec<_>>(), expected);
            let n_times = column("history_times").as_string::<i32>().value(row);
            assert_eq!(n_times.split_whitespace().count(), expected.len());
            n_full += usize::from(expected.len() == 5);
            assert_eq!(column("clicked").as_boolean().value(row), shown.clicked);
        }
        assert!(n_full > 100 && n_full < table.num_rows());
        assert_eq!(column("item").null_count(), 0);
    }
}
