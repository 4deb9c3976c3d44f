//! A recommender is fine-tuned in some of its parts.

use salient::parameters::{self, NamedTensor};
use salient::tasks::next_item::{ItemTable, Negatives, NextItemConfig, NextItemLoss, fit};
use salient::training::Trainer;

use super::*;

fn weights(config: &NextItemConfig, frozen: &[&str]) -> Parameters {
    let trainer = Trainer::new(config.training.clone()).freeze(frozen.iter().copied());
    let trained = fit(config, &shop_data(), trainer, &Device::flex()).unwrap();
    parameters::read(trained.model.model())
}

/// The weights before the first step. A learning rate this small is 0 in 32 bits.
fn untrained(config: &NextItemConfig) -> Parameters {
    let mut config = config.clone();
    config.training.max_epochs = 1;
    config.training.learning_rate = 1e-60;
    weights(&config, &[])
}

#[test]
fn the_frozen_parts_of_a_recommender_keep_their_bits() {
    let tied = config(2);
    // Here the table is only looked up, so that its gradient is rows.
    let separate = NextItemConfig {
        item_table: ItemTable::Separate,
        loss: NextItemLoss::BinaryCrossEntropy {
            negatives: Negatives {
                count: 3,
                ..Negatives::default()
            },
            calibration: 0.0,
        },
        ..config(2)
    };
    for config in [tied, separate] {
        let before = untrained(&config);
        for frozen in [
            ["item_embedding", "positions."].as_slice(),
            &["encoder."],
            &["encoder.blocks.0."],
        ] {
            let after = weights(&config, frozen);
            for (name, tensor) in &before {
                let is_frozen = frozen.iter().any(|prefix| name.starts_with(prefix));
                let stayed = bits(tensor) == bits(&after[name]);
                assert_eq!(stayed, is_frozen, "{name} with {frozen:?} frozen");
            }
        }
    }
}

fn bits(tensor: &NamedTensor) -> Vec<u32> {
    tensor.values.iter().map(|value| value.to_bits()).collect()
}
