//! The table that the flags name, or the customers of a simulated shop.

use std::error::Error;

use salient::data::TableSource;
use salient::data::synthetic::{Shop, ShopConfig};
use salient::tasks::churn::{ChurnData, ChurnDataOptions};

use crate::flags::Flags;

/// Decides what the simulated shop looks like; not the seed of training, so that runs can be compared.
const SHOP_SEED: u64 = 0;

/// What the columns of the shop's table are for. To which protected group a customer belongs is not for a model to know.
const SHOP_COLUMNS: &str = "churned:label,customer:group,weeks:duration,protected_group:ignore";

/// The customers, and the shop that they are of if they are simulated.
pub(crate) struct Source {
    pub(crate) data: ChurnData,
    pub(crate) shop: Option<Shop>,
}

/// Reads the customers.
pub(crate) fn read(flags: &Flags) -> Result<Source, Box<dyn Error>> {
    let options: ChurnDataOptions = flags.data.options(SHOP_COLUMNS)?;
    let (table, shop) = match &flags.data.data {
        Some(path) => (TableSource::File(path.clone()), None),
        None => {
            let shop = Shop::simulate(&ShopConfig::default(), SHOP_SEED)?;
            (TableSource::Batch(shop.customer_table()?), Some(shop))
        }
    };
    Ok(Source {
        data: ChurnData::read(&table, &options)?,
        shop,
    })
}
