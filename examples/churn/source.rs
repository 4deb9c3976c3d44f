//! The table that the flags name, or the customers of a simulated shop.

use std::error::Error;

use salient::data::TableSource;
use salient::data::synthetic::{Shop, ShopConfig};
use salient::tasks::churn::{ChurnData, ChurnDataOptions};

use crate::events;
use crate::flags::Flags;

/// Decides what the simulated shop looks like; not the seed of training, so that runs can be compared.
const SHOP_SEED: u64 = 0;

/// What the columns of the shop's table are for. To which protected group a customer belongs is not for a model to know.
const SHOP_COLUMNS: &str = "churned:label,customer:group,weeks:duration,protected_group:ignore";

/// The customers, and the shop that they are of if they are simulated.
pub(crate) struct Source {
    /// Those to learn from.
    pub(crate) data: ChurnData,
    /// Those to judge by, if they are not folds of the same.
    pub(crate) test: Option<ChurnData>,
    /// SHA-256 of the file.
    pub(crate) sha256: Option<String>,
    pub(crate) shop: Option<Shop>,
}

/// Reads the customers.
pub(crate) fn read(flags: &Flags) -> Result<Source, Box<dyn Error>> {
    if let Some(path) = &flags.events.events {
        let cut_offs = events::read(path, &flags.events, &flags.data.table)?;
        return Ok(Source {
            data: cut_offs.train,
            test: Some(cut_offs.test),
            sha256: cut_offs.sha256,
            shop: None,
        });
    }
    let options: ChurnDataOptions = flags.data.options(SHOP_COLUMNS)?;
    let (table, shop) = match &flags.data.data {
        Some(path) => (TableSource::File(path.clone()), None),
        None => {
            let shop = Shop::simulate(&ShopConfig::default(), SHOP_SEED)?;
            (TableSource::Batch(shop.customer_table()?), Some(shop))
        }
    };
    let data = ChurnData::read(&table, &options)?;
    Ok(Source {
        test: None,
        sha256: data.read.sha256.clone(),
        data,
        shop,
    })
}
