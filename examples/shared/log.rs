//! The event log that an example works on: the user's file, or a simulated shop.

use salient::data::synthetic::{Shop, ShopConfig};
use salient::data::{
    DataAudit, InteractionFilter, InteractionRow, Interactions, read_interactions,
};
use sha2::{Digest, Sha256};

use super::data_flags::DataFlags;

/// Decides what the simulated shop looks like; not the seed of training, so that runs can be compared.
const SHOP_SEED: u64 = 0;

/// A log, its audit, and the shop that it comes from if it is simulated.
pub(crate) struct Log {
    pub(crate) interactions: Interactions,
    pub(crate) audit: DataAudit,
    pub(crate) sha256: String,
    pub(crate) shop: Option<Shop>,
}

/// Reads the file that the flags name, or simulates a shop.
pub(crate) fn load(
    flags: &DataFlags,
    filter: &InteractionFilter,
) -> Result<Log, Box<dyn std::error::Error>> {
    let Some(path) = &flags.data else {
        return simulated(filter);
    };
    let (interactions, read) = read_interactions(path, &flags.schema()?, &flags.options())?;
    let sha256 = read.sha256.clone().unwrap_or_default();
    let (interactions, filtered) = filter.apply(interactions)?;
    let audit = DataAudit::new(&interactions)
        .with_read(read)
        .with_filter(filtered);
    Ok(Log {
        interactions,
        audit,
        sha256,
        shop: None,
    })
}

fn simulated(filter: &InteractionFilter) -> Result<Log, Box<dyn std::error::Error>> {
    let shop = Shop::simulate(&ShopConfig::default(), SHOP_SEED)?;
    let mut digest = Sha256::new();
    let rows: Vec<InteractionRow> = shop
        .events()
        .iter()
        .map(|event| InteractionRow {
            user: shop.users()[event.user as usize].id.clone(),
            item: shop.items()[event.item as usize].id.clone(),
            time_utc_millis: event.time_utc_millis,
            event: Some(event.kind.name().to_owned()),
            weight: Some(event.dwell_seconds),
        })
        .inspect(|row| {
            digest.update(format!(
                "{}\t{}\t{}\n",
                row.user, row.item, row.time_utc_millis
            ))
        })
        .collect();
    let sha256 = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let (interactions, filtered) = filter.apply(Interactions::from_rows(rows)?)?;
    let audit = DataAudit::new(&interactions).with_filter(filtered);
    Ok(Log {
        interactions,
        audit,
        sha256,
        shop: Some(shop),
    })
}

/// The cutoffs of figures where nobody chose others: 5, 10 and 20, or less where the catalogue is smaller.
pub(crate) fn usual_cutoffs(n_items: usize) -> Vec<usize> {
    let mut fitting: Vec<usize> = [5, 10, 20].map(|k| n_items.min(k)).into();
    fitting.dedup();
    fitting
}
