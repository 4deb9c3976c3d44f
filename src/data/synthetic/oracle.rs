//! The questions that the truth behind a shop answers.

use super::churn::CustomerColumn;
use super::clicks::{ClickColumn, ClickInputs};
use super::effect::Effect;
use super::events::Event;
use super::next_item::Context;
use super::shop::Shop;

impl Shop {
    /// True probability of every item to be the `event_index`-th event of `user`, given the user's earlier events (items,
    /// kinds and times), the moment of the event and the public facts of the items. Sums to one; items that the user met
    /// before have none.
    ///
    /// # Panics
    /// If there is no such user or event.
    pub fn next_item_probabilities(&self, user: u32, event_index: usize) -> Vec<f64> {
        self.law
            .probabilities(&self.next_item_context(user, event_index, None))
    }

    /// Natural logarithm of the true probability of the item that was the `event_index`-th event of `user`.
    ///
    /// # Panics
    /// If there is no such user or event.
    pub fn next_item_log_probability(&self, user: u32, event_index: usize) -> f64 {
        self.probability_without(user, event_index, None).ln()
    }

    /// What each of the events before the `event_index`-th of `user` does to the true probability of its item: that
    /// probability, less the one had that row been missing from the history. In the order of the events.
    ///
    /// # Panics
    /// If there is no such user or event.
    pub fn event_effects(&self, user: u32, event_index: usize) -> Vec<Effect> {
        let with = self.probability_without(user, event_index, None);
        (0..event_index)
            .map(|skipped| {
                Effect::between(
                    with,
                    self.probability_without(user, event_index, Some(skipped)),
                )
            })
            .collect()
    }

    fn probability_without(&self, user: u32, event_index: usize, skipped: Option<usize>) -> f64 {
        let context = self.next_item_context(user, event_index, skipped);
        self.law
            .probability(&context, self.user_events(user)[event_index].item)
    }

    fn next_item_context(&self, user: u32, event_index: usize, skipped: Option<usize>) -> Context {
        let events = self.user_events(user);
        assert!(
            event_index < events.len(),
            "event {event_index} of the {} events of user {user}",
            events.len()
        );
        let history = kept(&events[..event_index], skipped);
        self.law
            .context(history, events[event_index].time_utc_millis)
    }

    /// What each column does to the true probability that the `index`-th impression is clicked: that probability, less
    /// the one at the column's reference; see [`Impression`](super::Impression).
    ///
    /// # Panics
    /// If there is no such impression.
    pub fn click_column_effects(&self, index: usize) -> Vec<(ClickColumn, Effect)> {
        let inputs = self.click_inputs(index, None);
        ClickColumn::ALL
            .into_iter()
            .map(|column| {
                let without = inputs.clone().without(column, &self.law);
                (column, self.click_effect(index, &without))
            })
            .collect()
    }

    /// What each of the user's events before the `index`-th impression does to the true probability that it is clicked:
    /// that probability, less the one had that row been missing. In the order of the events.
    ///
    /// # Panics
    /// If there is no such impression.
    pub fn click_event_effects(&self, index: usize) -> Vec<Effect> {
        (0..self.events_before(index).len())
            .map(|skipped| self.click_effect(index, &self.click_inputs(index, Some(skipped))))
            .collect()
    }

    fn click_effect(&self, index: usize, without: &ClickInputs) -> Effect {
        let with = self.impressions()[index].click_probability;
        Effect::between(
            with,
            without.probability(self.click_intercept, self.config.protected_effect),
        )
    }

    pub(super) fn click_inputs(&self, index: usize, skipped: Option<usize>) -> ClickInputs {
        let impression = &self.impressions()[index];
        let user = &self.users()[impression.user as usize];
        ClickInputs::read(
            &self.law,
            user,
            impression,
            kept(self.events_before(index), skipped),
        )
    }

    fn events_before(&self, impression: usize) -> &[Event] {
        let impression = &self.impressions()[impression];
        let events = self.user_events(impression.user);
        &events
            [..events.partition_point(|event| event.time_utc_millis < impression.time_utc_millis)]
    }

    /// What each column does to the true probability that `user` leaves within the horizon: that probability, less the one
    /// at the column's reference; see [`Customer`](super::Customer).
    ///
    /// # Panics
    /// If there is no such user.
    pub fn churn_column_effects(&self, user: u32) -> Vec<(CustomerColumn, Effect)> {
        let customer = &self.customers()[user as usize];
        CustomerColumn::ALL
            .into_iter()
            .map(|column| {
                let without = customer.clone().without(column);
                let without = without.probability(&self.config, self.churn_intercept);
                (column, Effect::between(customer.churn_probability, without))
            })
            .collect()
    }

    /// True probability that `user` leaves in each week of the horizon, given that the user is still there.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn weekly_churn_hazards(&self, user: u32) -> Vec<f64> {
        self.customers()[user as usize]
            .hazards(&self.config, self.churn_intercept)
            .collect()
    }
}

/// The events but one, oldest first.
fn kept(
    events: &[Event],
    skipped: Option<usize>,
) -> impl DoubleEndedIterator<Item = &Event> + Clone {
    let rest = skipped.map_or(events.len(), |skipped| skipped + 1);
    let until = skipped.unwrap_or(events.len());
    events[..until].iter().chain(&events[rest..])
}

#[cfg(test)]
mod tests {
    use super::super::config::ShopConfig;
    use super::*;

    fn shop() -> Shop {
        let config = ShopConfig {
            n_users: 60,
            n_items: 120,
            n_categories: 8,
            n_styles: 3,
            max_events: 40,
            mean_events: 20.0,
            ..ShopConfig::default()
        };
        Shop::simulate(&config, 5).unwrap()
    }

    #[test]
    fn an_event_effect_is_that_of_deleting_the_row() {
        let shop = shop();
        for user in 0..shop.users().len() as u32 {
            let events = shop.user_events(user);
            let index = events.len() - 1;
            let next = &events[index];
            let with = shop.next_item_probabilities(user, index)[next.item as usize];
            let effects = shop.event_effects(user, index);
            assert_eq!(effects.len(), index);
            for (deleted, effect) in effects.iter().enumerate() {
                let mut rows = events[..index].to_vec();
                rows.remove(deleted);
                let context = shop.law.context(rows.iter(), next.time_utc_millis);
                let without = shop.law.probabilities(&context)[next.item as usize];
                // Both sides add up a thousand numbers of size one in another order.
                assert!((effect.probability - (with - without)).abs() < 1e-12);
                assert!((effect.log_probability - (with / without).ln()).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn the_last_event_matters_more_than_the_first() {
        let shop = shop();
        let (mut last, mut first) = (0.0, 0.0);
        for user in 0..shop.users().len() as u32 {
            let effects = shop.event_effects(user, shop.user_events(user).len() - 1);
            last += effects[effects.len() - 1].log_probability;
            first += effects[0].log_probability;
        }
        assert!(last > 10.0 * first.abs(), "{last} {first}");
    }

    #[test]
    fn a_click_event_effect_is_that_of_deleting_the_row() {
        let shop = shop();
        let mut n_checked = 0;
        for (index, impression) in shop.impressions().iter().enumerate() {
            let before = shop.events_before(index);
            for (deleted, effect) in shop.click_event_effects(index).iter().enumerate() {
                let mut rows = before.to_vec();
                rows.remove(deleted);
                let user = &shop.users()[impression.user as usize];
                let inputs = ClickInputs::read(&shop.law, user, impression, rows.iter());
                let without = inputs.probability(shop.click_intercept, 0.0);
                assert!(
                    (effect.probability - (impression.click_probability - without)).abs() < 1e-15
                );
                n_checked += 1;
            }
        }
        assert!(n_checked > 1_000, "{n_checked}");
    }
}
