//! What a service does with `salient`, by its public interface alone.

use burn::tensor::{Device, Tensor};
use salient::data::{InteractionRow, Interactions, Split, SplitRule};
use salient::model::attention::{AttentionOutput, MultiHeadAttentionConfig};
use salient::ops::attention::Direction;
use salient::random::{Mode, RandomKey};
use salient::sequence::{Offsets, PackedSequences};
use salient::tasks::next_item::{NextItemConfig, NextItemData, Recommender, fit};
use salient::training::Trainer;

/// Trains a small recommender on events that the caller has in memory.
///
/// # Errors
/// Whatever is wrong with the rows: none, too few items, nobody with two events.
pub fn train(rows: Vec<InteractionRow>, device: &Device) -> Result<Recommender, salient::Error> {
    let log = Interactions::from_rows(rows)?;
    let data = NextItemData::new(&log, &Split::new(&log, SplitRule::LeaveOneOut)?)?;
    let mut config = NextItemConfig::preset("sasrec")?;
    config.d_model = 16;
    config.d_ff = 16;
    config.n_layers = 1;
    config.training.batch_size = 16;
    config.training.learning_rate = 1e-2;
    config.training.max_epochs = 20;
    let trainer = Trainer::new(config.training.clone());
    Ok(fit(&config, &data, trainer, device)?.model)
}

/// Two histories of 2 and 3 events, of which each event looks at itself and at what came before it.
///
/// # Errors
/// If the module cannot be built as asked.
pub fn look_back(device: &Device) -> Result<AttentionOutput, salient::Error> {
    let attention = MultiHeadAttentionConfig::new(6, 3)
        .with_direction(Direction::Causal)
        .init(RandomKey::new(7), device)?;
    let rows = Tensor::<1>::from_data([0.5, -1.0, 2.0, 0.0, 1.5], device)
        .reshape([5, 1])
        .repeat_dim(1, 6);
    let histories = PackedSequences::new(rows, Offsets::from_lengths([2, 3]));
    Ok(attention.forward_with_weights(histories, Mode::Inference))
}

#[cfg(test)]
mod tests {
    use salient::tasks::next_item::{RecommendOptions, ScoreSource};

    use super::*;

    const ITEMS: [&str; 12] = [
        "tent", "mat", "lamp", "stove", "gas", "pan", "cup", "tea", "novel", "map", "boots", "hat",
    ];

    /// Everybody walks around the same circle of items, from different starts.
    fn walks() -> Vec<InteractionRow> {
        let walk = |user: usize| {
            (0..8).map(move |step| InteractionRow {
                user: format!("user {user}"),
                item: ITEMS[(user + step) % ITEMS.len()].to_owned(),
                time_utc_millis: step as i64,
                ..InteractionRow::default()
            })
        };
        (0..60).flat_map(walk).collect()
    }

    #[test]
    fn a_recommender_trained_in_memory_learns_what_follows() {
        let device = salient::device::pick("flex").unwrap();
        let recommender = train(walks(), &device).unwrap();

        for start in 0..ITEMS.len() {
            let item = |step: usize| ITEMS[(start + step) % ITEMS.len()];
            let history: Vec<&str> = (0..6).map(item).collect();
            let answer = recommender
                .recommend(&history, 3, &RecommendOptions::default())
                .unwrap();

            assert_eq!(answer.source, ScoreSource::Model);
            assert_eq!(answer.n_unknown_events, 0);
            assert_eq!(answer.items.len(), 3);
            assert_eq!(answer.items[0].id, item(6), "after {history:?}");
            assert!(
                answer
                    .items
                    .iter()
                    .all(|item| !history.contains(&&*item.id))
            );
        }
    }

    #[test]
    fn a_saved_recommender_answers_alike() {
        let device = salient::device::pick("flex").unwrap();
        let recommender = train(walks(), &device).unwrap();
        let directory =
            std::env::temp_dir().join(format!("salient-downstream-{}", std::process::id()));
        let options = RecommendOptions::default();

        recommender.save(&directory, &()).unwrap();
        let loaded = Recommender::load(&directory);
        std::fs::remove_dir_all(&directory).unwrap();

        assert_eq!(
            loaded.unwrap().recommend(&["cup"], 5, &options).unwrap(),
            recommender.recommend(&["cup"], 5, &options).unwrap()
        );
    }

    #[test]
    fn rows_without_a_next_item_are_refused_by_name() {
        let device = salient::device::pick("flex").unwrap();
        let one_event = walks().into_iter().take(1).collect();

        let error = train(one_event, &device).unwrap_err();

        assert!(matches!(
            error,
            salient::Error::Task(salient::tasks::TaskError::NoSuccession { n_users: 1 })
        ));
    }

    #[test]
    fn an_event_looks_back_and_never_ahead() {
        let device = salient::device::pick("flex").unwrap();
        let output = look_back(&device).unwrap();
        assert_eq!(output.sequences.rows().dims(), [5, 6]);
        assert_eq!(output.weights.dims(), [2, 3, 3, 3]);

        let weights: Vec<f32> = output.weights.into_data().iter().collect();
        for (place, weight) in weights.iter().enumerate() {
            let (sequence, query, key) = (place / 27, place / 3 % 3, place % 3);
            let padded = sequence == 0 && query == 2;
            if key > query || padded {
                assert_eq!(*weight, 0.0, "sequence {sequence}: {query} saw {key}");
            }
        }
        // The last event of the second history spreads all of its attention, in each of its heads.
        let spread: f32 = weights[27 + 6..27 + 9].iter().sum();
        assert!((spread - 1.0).abs() < 1e-5, "{spread}");
    }
}
