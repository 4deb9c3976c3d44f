//! What a service knows of a person when it asks.

use super::recommender::Recommender;
use crate::Error;
use crate::data::AttributeTable;
use crate::evaluation::ranking::RankingCase;
use crate::features::EncodedAttributes;
use crate::tasks::TaskError;

/// What a service knows of a person when it asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserHistory {
    /// What the person did, oldest first.
    pub events: Vec<HistoryEvent>,
    /// When the question is asked, in milliseconds since 1970 UTC. Models that know the time of the query take the last
    /// event's if there is none.
    pub asked_at_utc_millis: Option<i64>,
    /// What is known of the person, for models that read it: a table whose first row counts. Nothing is, if none.
    pub attributes: Option<AttributeTable>,
}

/// Something that a person did. What a model does not read can be left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryEvent {
    /// With what.
    pub item: String,
    /// When, in milliseconds since 1970 UTC.
    pub time_utc_millis: Option<i64>,
    /// The type of the event; one that training never saw is read as unknown.
    pub event: Option<String>,
    /// Its weight, such as dwell time.
    pub weight: Option<f32>,
}

impl UserHistory {
    /// A history of item ids alone, oldest first.
    pub fn of_items<S: AsRef<str>>(items: &[S]) -> Self {
        let event = |item: &S| HistoryEvent {
            item: item.as_ref().to_owned(),
            ..HistoryEvent::default()
        };
        Self {
            events: items.iter().map(event).collect(),
            ..Self::default()
        }
    }
}

impl Recommender {
    /// A history in the model's numbers, without the events whose items the catalogue does not hold, and the user's
    /// attributes.
    pub(super) fn question(
        &self,
        history: &UserHistory,
    ) -> Result<(RankingCase, Option<EncodedAttributes>), Error> {
        let known = || {
            history.events.iter().filter_map(|event| {
                let index = self.catalogue.catalogue_index(&event.item)?;
                Some((index, event))
            })
        };
        let event_number = |name: &String| {
            let place = self.event_names.iter().position(|known| known == name);
            place.map_or(0, |place| place as u16 + 1)
        };
        let bad_weight =
            |event: &&HistoryEvent| event.weight.is_some_and(|weight| !weight.is_finite());
        if let Some(event) = history.events.iter().position(|event| bad_weight(&event)) {
            return Err(TaskError::WeightNotFinite { event }.into());
        }
        let case = RankingCase {
            user: history.attributes.as_ref().map(|_| 0),
            history: known().map(|(index, _)| index).collect(),
            history_times_utc_millis: known()
                .filter_map(|(_, event)| event.time_utc_millis)
                .collect(),
            history_events: known()
                .filter_map(|(_, event)| event.event.as_ref().map(event_number))
                .collect(),
            history_weights: known().filter_map(|(_, event)| event.weight).collect(),
            query_time_utc_millis: history.asked_at_utc_millis,
            ..RankingCase::default()
        };
        let attributes = self
            .user_schema
            .as_ref()
            .map(|schema| match &history.attributes {
                Some(table) => schema.encode(table, table.ids().first().map(String::as_str)),
                None => Ok(schema.nothing_known()),
            });
        Ok((case, attributes.transpose()?))
    }
}
