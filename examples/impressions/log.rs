//! The event log and what is known of its items: the user's file, or a simulated shop.

use std::error::Error;

use salient::data::synthetic::{EventKind, Shop, ShopConfig};
use salient::data::{
    Attribute, AttributeTable, DataAudit, InteractionRow, Interactions, read_interactions,
    read_item_attributes,
};

use crate::flags::Flags;

/// Decides what the simulated shop looks like.
const SHOP_SEED: u64 = 0;

/// An event log.
pub(crate) struct Log {
    pub(crate) events: Interactions,
    pub(crate) audit: DataAudit,
    /// What is known of the items.
    pub(crate) items: Option<AttributeTable>,
}

/// Reads the file that the flags name, or simulates a shop.
pub(crate) fn read(flags: &Flags) -> Result<Log, Box<dyn Error>> {
    let Some(path) = &flags.data.data else {
        return simulated();
    };
    let (schema, options) = (flags.data.schema()?, flags.data.options());
    let (events, read) = read_interactions(path, &schema, &options)?;
    let columns = &flags.rule.item_columns;
    let items = match columns.is_empty() {
        true => None,
        false => Some(read_item_attributes(path, &schema, columns, &options)?),
    };
    Ok(Log {
        audit: DataAudit::new(&events).with_read(read),
        events,
        items,
    })
}

/// The log of a shop that writes down when a page is opened and, when the user leaves it, what came of it.
fn simulated() -> Result<Log, Box<dyn Error>> {
    let shop = Shop::simulate(&ShopConfig::default(), SHOP_SEED)?;
    let rows = shop.events().iter().flat_map(|event| {
        let row = |kind: EventKind, time_utc_millis| InteractionRow {
            user: shop.users()[event.user as usize].id.clone(),
            item: shop.items()[event.item as usize].id.clone(),
            time_utc_millis,
            event: Some(kind.name().to_owned()),
            weight: None,
        };
        let opened = event.time_utc_millis;
        let left = opened + (1000.0 * event.dwell_seconds) as i64;
        let more = (event.kind != EventKind::View).then(|| row(event.kind, left));
        std::iter::once(row(EventKind::View, opened)).chain(more)
    });
    let events = Interactions::from_rows(rows)?;
    let known = shop.item_attributes();
    let columns: Vec<Attribute> = known.columns().to_vec();
    Ok(Log {
        audit: DataAudit::new(&events),
        events,
        items: Some(AttributeTable::from_columns(known.ids().to_vec(), columns)?),
    })
}
