//! The tables that the flags name, or the impressions of a simulated shop.

use std::error::Error;
use std::path::PathBuf;

use salient::data::synthetic::{Shop, ShopConfig};
use salient::data::{TableRole, TableSource, TableSplit};
use salient::tasks::ctr::{CtrDataOptions, CtrSources};

use crate::flags::{Flags, SplitFlags};

/// Decides what the simulated shop looks like; not the seed of training, so that runs can be compared.
const SHOP_SEED: u64 = 0;

/// Events before an impression that the shop's table tells.
const SHOP_HISTORY: usize = 50;

/// What the columns of the shop's table are for. Which user it is decides nothing that the other columns do not tell.
const SHOP_COLUMNS: &str = "clicked:label,user:group,age_group:category,region:category,device:category,\
    tenure_days:number,item:category,category:category,style:category,price:number,creative:category,position:number,\
    exposures_before:number,time:time,history:history=item;times=history_times,\
    history_categories:history=category,history_styles:history=style";

/// The tables, and how they are read.
pub(crate) struct Source {
    /// One way to share out the rows a fold.
    pub(crate) sources: Vec<CtrSources>,
    pub(crate) options: CtrDataOptions,
    pub(crate) split: String,
    /// The shop, if the table is simulated.
    pub(crate) shop: Option<Shop>,
}

/// Finds the tables.
pub(crate) fn find(flags: &Flags) -> Result<Source, Box<dyn Error>> {
    let options = flags.data.options(flags.run.seed, SHOP_COLUMNS)?;
    if let Some(train) = &flags.data.train {
        let file = |path: &Option<PathBuf>| path.clone().map(TableSource::File);
        return Ok(Source {
            sources: vec![CtrSources::Given {
                train: TableSource::File(train.clone()),
                valid: file(&flags.data.valid),
                test: file(&flags.data.test),
            }],
            options,
            split: "given files".to_owned(),
            shop: None,
        });
    }
    let (table, shop) = match &flags.data.data {
        Some(path) => (TableSource::File(path.clone()), None),
        None => {
            let shop = Shop::simulate(&ShopConfig::default(), SHOP_SEED)?;
            (
                TableSource::Batch(shop.impression_table(SHOP_HISTORY)?),
                Some(shop),
            )
        }
    };
    let has_time = options
        .table
        .columns
        .iter()
        .any(|column| column.role == TableRole::Time);
    let rules = flags.split.rules(has_time, flags.run.seed);
    Ok(Source {
        split: described(&flags.split, &rules),
        sources: rules
            .into_iter()
            .map(|rule| CtrSources::Split(table.clone(), rule))
            .collect(),
        options,
        shop,
    })
}

fn described(flags: &SplitFlags, rules: &[TableSplit]) -> String {
    match flags.folds {
        Some(n_folds) => format!("{n_folds} folds at random, each tested once"),
        None => rules.iter().map(ToString::to_string).collect(),
    }
}
