//! The simulated shop.

use std::ops::Range;

use rand::RngExt;
use rayon::prelude::*;

use super::churn::Customer;
use super::clicks::ClickInputs;
use super::config::ShopConfig;
use super::distribution::solve_intercept;
use super::error::SyntheticError;
use super::events::{Event, draw_events};
use super::impressions::{Impression, draw_impressions};
use super::items::Item;
use super::next_item::NextItemLaw;
use super::users::User;
use crate::data::InteractionRow;
use crate::random::{RandomKey, Stream};

/// A simulated shop: what a data scientist would be given, and the truth behind it.
///
/// ```
/// use salient::data::synthetic::{Shop, ShopConfig};
///
/// let config = ShopConfig { n_users: 20, ..ShopConfig::default() };
/// let shop = Shop::simulate(&config, 7)?;
/// let last = shop.user_events(3).len() - 1;
/// let truth = shop.next_item_probabilities(3, last);
/// let item = shop.user_events(3)[last].item as usize;
/// assert!(truth[item] > 0.0);
/// // What each earlier event did to the probability of that item.
/// assert_eq!(shop.event_effects(3, last).len(), last);
/// # Ok::<(), salient::data::synthetic::SyntheticError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Shop {
    pub(super) config: ShopConfig,
    pub(super) law: NextItemLaw,
    users: Vec<User>,
    events: Vec<Event>,
    /// `events[event_offsets[u]..event_offsets[u + 1]]` are those of user `u`; likewise for the impressions.
    event_offsets: Vec<usize>,
    impressions: Vec<Impression>,
    impression_offsets: Vec<usize>,
    pub(super) click_intercept: f64,
    customers: Vec<Customer>,
    pub(super) churn_intercept: f64,
}

impl Shop {
    /// Simulates a shop. Config and seed decide every number of it; the number of threads does not.
    ///
    /// # Errors
    /// Those of [`ShopConfig::validate`].
    pub fn simulate(config: &ShopConfig, seed: u64) -> Result<Self, SyntheticError> {
        config.validate()?;
        let key = RandomKey::new(seed).stream(Stream::Simulator);
        let law = NextItemLaw::draw(config, key.child(0));
        let drawn: Vec<_> = (0..config.n_users)
            .into_par_iter()
            .map(|index| {
                let key = key.child(1).child(index as u64);
                let (user, temper) = User::draw(index, config.n_users, key.child(0));
                let person = (index as u32, user.tenure_days, temper);
                let events = draw_events(config, &law, person, key.child(1));
                let impressions = draw_impressions(config, &law, &events, key.child(2));
                let customer = Customer::read(config, &law.catalogue, &user, &events);
                (user, events, impressions, customer)
            })
            .collect();
        let mut shop = Self {
            config: config.clone(),
            law,
            users: Vec::with_capacity(config.n_users),
            events: Vec::new(),
            event_offsets: vec![0],
            impressions: Vec::new(),
            impression_offsets: vec![0],
            click_intercept: 0.0,
            customers: Vec::with_capacity(config.n_users),
            churn_intercept: 0.0,
        };
        for (user, events, impressions, customer) in drawn {
            shop.users.push(user);
            shop.events.extend(events);
            shop.event_offsets.push(shop.events.len());
            shop.impressions.extend(impressions);
            shop.impression_offsets.push(shop.impressions.len());
            shop.customers.push(customer);
        }
        shop.draw_clicks(key.child(2));
        shop.draw_churn(key.child(3));
        Ok(shop)
    }

    /// Finds the intercept of the click rate, then draws the clicks.
    fn draw_clicks(&mut self, key: RandomKey) {
        let effect = self.config.protected_effect;
        let inputs: Vec<ClickInputs> = (0..self.impressions.len())
            .into_par_iter()
            .map(|index| self.click_inputs(index, None))
            .collect();
        let n_impressions = inputs.len().max(1) as f64;
        let mean_of = |intercept: f64| {
            inputs
                .iter()
                .map(|x| x.probability(intercept, effect))
                .sum::<f64>()
                / n_impressions
        };
        self.click_intercept = solve_intercept(self.config.click_rate, mean_of);
        for (index, (impression, inputs)) in self.impressions.iter_mut().zip(&inputs).enumerate() {
            impression.click_probability = inputs.probability(self.click_intercept, effect);
            let uniform: f64 = key.child(index as u64).generator().random();
            impression.clicked = uniform < impression.click_probability;
        }
    }

    /// Finds the intercept of the churn rate, then draws who leaves.
    fn draw_churn(&mut self, key: RandomKey) {
        let (config, customers) = (&self.config, &self.customers);
        let n_customers = customers.len() as f64;
        let mean_of = |intercept: f64| {
            customers
                .iter()
                .map(|x| x.probability(config, intercept))
                .sum::<f64>()
                / n_customers
        };
        self.churn_intercept = solve_intercept(config.churn_rate, mean_of);
        for (index, customer) in self.customers.iter_mut().enumerate() {
            customer.draw_churn(&self.config, self.churn_intercept, key.child(index as u64));
        }
    }

    /// The settings that the shop was simulated by.
    pub const fn config(&self) -> &ShopConfig {
        &self.config
    }

    /// The items; events and impressions name them by their position here.
    pub fn items(&self) -> &[Item] {
        &self.law.catalogue.items
    }

    /// The users; events, impressions and customers name them by their position here.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The event log, by user and then by time.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The impressions, by user, then by time and position.
    pub fn impressions(&self) -> &[Impression] {
        &self.impressions
    }

    /// The users as customers at the end of the log, in the order of the users.
    pub fn customers(&self) -> &[Customer] {
        &self.customers
    }

    /// The events of one user, oldest first.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn user_events(&self, user: u32) -> &[Event] {
        &self.events[self.range(&self.event_offsets, user)]
    }

    /// The impressions of one user, oldest first.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn user_impressions(&self, user: u32) -> &[Impression] {
        &self.impressions[self.range(&self.impression_offsets, user)]
    }

    fn range(&self, offsets: &[usize], user: u32) -> Range<usize> {
        let user = user as usize;
        assert!(
            user < self.users.len(),
            "user {user} of {} users",
            self.users.len()
        );
        offsets[user]..offsets[user + 1]
    }

    /// Position in [`Self::items`] of the item of that name.
    pub fn item_index(&self, id: &str) -> Option<usize> {
        // Names count up with leading zeros, so they are sorted.
        self.items()
            .binary_search_by(|item| item.id.as_str().cmp(id))
            .ok()
    }

    /// Position in [`Self::users`] of the user of that name.
    pub fn user_index(&self, id: &str) -> Option<usize> {
        self.users
            .binary_search_by(|user| user.id.as_str().cmp(id))
            .ok()
    }

    /// The event log as rows, in the order of [`Self::events`]: the name of the kind is the event, the dwell time in seconds
    /// the weight.
    pub fn interactions(&self) -> impl ExactSizeIterator<Item = InteractionRow> {
        self.events.iter().map(|event| InteractionRow {
            user: self.users[event.user as usize].id.clone(),
            item: self.items()[event.item as usize].id.clone(),
            time_utc_millis: event.time_utc_millis,
            event: Some(event.kind.name().to_owned()),
            weight: Some(event.dwell_seconds),
        })
    }
}
