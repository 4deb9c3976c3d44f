//! Weights that were trained in PyTorch give PyTorch's numbers.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use salient::Error;
use salient::features::FeatureError;
use salient::model::ModelError;
use salient::model::encoder::Activation;
use salient::parameters::{NamedTensor, Parameters, ParametersError, to_safetensors};
use salient::random::Mode;
use salient::sequence::Offsets;
use salient::tasks::TaskError;
use salient::tasks::next_item::{
    Histories, ItemTable, NextItemConfig, RecommendOptions, Recommender, ScoreSource,
};

use crate::support::{assert_close, golden, golden_values, lengths, values};

fn file() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sasrec.safetensors");
    fs::read(path).unwrap()
}

/// What the weights do not tell.
fn config() -> NextItemConfig {
    NextItemConfig {
        n_heads: 2,
        activation: Activation::Gelu,
        ..NextItemConfig::default()
    }
}

fn ids(n: usize) -> Vec<String> {
    (1..=n).map(|item| format!("item {item}")).collect()
}

fn import(bytes: &[u8]) -> Result<Recommender, Error> {
    Recommender::from_pytorch_sasrec(bytes, ids(11), &config(), &Device::flex())
}

/// The float weights of the file.
fn weights() -> Parameters {
    let bytes = file();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let floats = tensors
        .iter()
        .filter(|(_, view)| view.dtype() == Dtype::F32);
    floats
        .map(|(name, view)| {
            let words = view.data().chunks_exact(4);
            let values = words.map(|word| f32::from_le_bytes(word.try_into().unwrap()));
            let tensor = NamedTensor {
                shape: view.shape().to_vec(),
                values: values.collect(),
            };
            (name.to_owned(), tensor)
        })
        .collect()
}

fn import_weights(weights: &Parameters) -> Result<Recommender, Error> {
    import(&to_safetensors(weights, None).unwrap())
}

#[test]
fn hidden_rows_and_scores_are_pytorchs() {
    let golden = golden("sasrec");
    let recommender = import(&file()).unwrap();
    assert_eq!(recommender.model().max_len(), 7);
    let padded: Vec<Vec<u32>> = serde_json::from_value(golden["items"].clone()).unwrap();
    let n_events = lengths(&golden["lengths"]);
    let (seq_len, d_model, n_rows) = (7, 8, 12);
    let hidden = golden_values(&golden["hidden"]);
    let scores = golden_values(&golden["scores"]);

    let (mut items, mut expected_hidden, mut expected_scores) = (Vec::new(), vec![], vec![]);
    for (user, (row, &n)) in padded.iter().zip(&n_events).enumerate() {
        // Row 1 of our table is for unknown items, so numbers are one higher here.
        items.extend(row[seq_len - n..].iter().map(|item| item + 1));
        let from = (user * seq_len + seq_len - n) * d_model;
        expected_hidden.extend_from_slice(&hidden[from..from + n * d_model]);
        // Their first score is that of padding.
        expected_scores.extend_from_slice(&scores[user * n_rows + 1..(user + 1) * n_rows]);
    }
    let offsets = Offsets::from_lengths(n_events);
    let model = recommender.model();
    let histories = Histories::new(items, offsets);
    let rows = model.forward(&histories, Mode::Inference).unwrap();
    assert_close(&values(rows.rows()), &expected_hidden, 1e-5);
    // Sums of 8 products of hidden values and weights of up to about 3.
    let logits = model.logits(&histories).unwrap();
    assert_close(&values(logits), &expected_scores, 1e-5);
}

#[test]
fn answers_come_under_the_ids_given() {
    let golden = golden("sasrec");
    let recommender = import(&file()).unwrap();
    let scores = golden_values(&golden["scores"]);
    let history = ["item 3", "item 1", "item 11", "item 5"];
    let options = RecommendOptions {
        keep_seen: true,
        ..RecommendOptions::default()
    };
    let answer = recommender.recommend(&history, 11, &options).unwrap();
    assert_eq!(answer.source, ScoreSource::Model);
    for item in answer.items {
        let row: usize = item.id.strip_prefix("item ").unwrap().parse().unwrap();
        assert!((f64::from(item.score) - scores[row]).abs() < 1e-5);
    }
    // The file tells no popularity, so the fallback is the order of the catalogue.
    let fallback = recommender.recommend::<&str>(&[], 11, &options).unwrap();
    assert_eq!(fallback.source, ScoreSource::Popularity);
    let found: Vec<String> = fallback.items.into_iter().map(|item| item.id).collect();
    assert_eq!(found, ids(11));
}

#[test]
fn equal_scores_come_in_the_order_of_the_catalogue() {
    let mut weights = weights();
    weights.get_mut("item.weight").unwrap().values.fill(0.0);
    let recommender = import_weights(&weights).unwrap();
    for k in [1, 4, 11] {
        let options = RecommendOptions {
            keep_seen: true,
            ..RecommendOptions::default()
        };
        let answer = recommender.recommend(&["item 6"], k, &options).unwrap();
        let found: Vec<String> = answer.items.into_iter().map(|item| item.id).collect();
        assert_eq!(found, ids(k));
    }
}

#[test]
fn buffers_that_are_no_weights_are_ignored() {
    let bytes = file();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    for name in ["tri", "eye"] {
        assert_eq!(tensors.tensor(name).unwrap().dtype(), Dtype::BOOL);
    }
    let with = import(&bytes).unwrap();
    let without = import_weights(&weights()).unwrap();
    let history = ["item 2", "item 9"];
    assert_eq!(
        with.embed(&history).unwrap(),
        without.embed(&history).unwrap()
    );
}

#[test]
fn an_imported_recommender_is_saved_and_loaded_like_any_other() {
    // The table that scores is the one that reads, whatever the settings say.
    let config = NextItemConfig {
        item_table: ItemTable::Separate,
        ..config()
    };
    let recommender =
        Recommender::from_pytorch_sasrec(&file(), ids(11), &config, &Device::flex()).unwrap();
    assert_eq!(recommender.config().item_table, ItemTable::Tied);
    let directory = tempfile::tempdir().unwrap();
    recommender.save(directory.path(), &()).unwrap();
    let loaded = Recommender::load_on(directory.path(), &Device::flex()).unwrap();
    let ask = |recommender: &Recommender| {
        recommender
            .recommend(&["item 4"], 9, &RecommendOptions::default())
            .unwrap()
    };
    assert_eq!(ask(&loaded), ask(&recommender));
}

#[test]
fn a_missing_weight_is_named_with_its_shape() {
    for (name, expected, text) in [
        ("blocks.1.down.weight", vec![8, 32], "[8, 32]"),
        ("blocks.0.qkv.bias", vec![24], "[24]"),
        ("norm.bias", vec![8], "[8]"),
    ] {
        let mut weights = weights();
        weights.remove(name).unwrap();
        let error = import_weights(&weights).unwrap_err();
        assert!(
            matches!(&error, Error::Parameters(ParametersError::Missing { name: found, shape })
                if found == name && *shape == expected),
            "{error:?}"
        );
        assert_eq!(
            error.to_string(),
            format!("weight {name:?} of shape {text} is missing")
        );
    }
    for name in ["item.weight", "pos", "blocks.0.up.weight"] {
        let mut weights = weights();
        weights.remove(name).unwrap();
        let error = import_weights(&weights).unwrap_err();
        assert!(
            matches!(&error, Error::Parameters(ParametersError::Missing { name: found, .. })
                if found == name),
            "{error:?}"
        );
    }
}

#[test]
fn a_weight_of_another_shape_is_named_as_pytorch_names_it() {
    for (name, found, expected) in [
        // Not a multiple of three: no row may be dropped in silence.
        ("blocks.0.qkv.weight", vec![25, 8], vec![24, 8]),
        ("blocks.0.qkv.bias", vec![26], vec![24]),
        ("blocks.1.out.weight", vec![8, 8, 2], vec![8, 8]),
        ("blocks.1.up.weight", vec![8, 32], vec![32, 8]),
        ("blocks.1.down.bias", vec![], vec![8]),
        ("first.weight", vec![9], vec![8]),
        ("pos", vec![7, 9], vec![7, 8]),
    ] {
        let mut weights = weights();
        let values = vec![0.5; found.iter().product()];
        let tensor = NamedTensor {
            shape: found.clone(),
            values,
        };
        weights.insert(name.to_owned(), tensor);
        let error = import_weights(&weights).unwrap_err();
        let Error::Parameters(ParametersError::Shape {
            name: named,
            found: shape,
            expected: needed,
        }) = &error
        else {
            panic!("{error:?}");
        };
        assert_eq!((named.as_str(), shape, needed), (name, &found, &expected));
        assert_eq!(
            error.to_string(),
            format!("weight {name:?} has shape {found:?}, the model needs {expected:?}")
        );
    }
    let mut weights = weights();
    weights.get_mut("pos").unwrap().shape = vec![7, 4, 2];
    let error = import_weights(&weights).unwrap_err();
    assert_eq!(
        error.to_string(),
        "weight \"pos\" has shape [7, 4, 2], it must have 2 axes"
    );
}

#[test]
fn a_weight_that_belongs_nowhere_is_named() {
    let mut weights = weights();
    let tensor = weights["pos"].clone();
    weights.insert("blocks.2.n3.weight".to_owned(), tensor);
    let error = import_weights(&weights).unwrap_err();
    assert!(
        matches!(&error, Error::Parameters(ParametersError::Unexpected { name })
            if name == "blocks.2.n3.weight"),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "weight \"blocks.2.n3.weight\" belongs to no part of the model"
    );
}

#[test]
fn item_ids_have_to_fit_the_table() {
    for n in [0, 10, 12] {
        let error = Recommender::from_pytorch_sasrec(&file(), ids(n), &config(), &Device::flex())
            .unwrap_err();
        assert!(
            matches!(error, Error::Task(TaskError::ItemTableRows { found: 12, n_items })
                if n_items == n),
            "{error:?}"
        );
        assert_eq!(
            error.to_string(),
            format!(
                "the item table has 12 rows, {n} item ids and padding need {}",
                n + 1
            )
        );
    }
    let mut twice = ids(11);
    twice[10] = "item 1".to_owned();
    let error =
        Recommender::from_pytorch_sasrec(&file(), twice, &config(), &Device::flex()).unwrap_err();
    assert!(
        matches!(&error, Error::Feature(FeatureError::DuplicateId { id }) if id == "item 1"),
        "{error:?}"
    );
}

#[test]
fn heads_that_do_not_divide_the_width_are_refused() {
    let config = NextItemConfig {
        n_heads: 3,
        ..config()
    };
    let error =
        Recommender::from_pytorch_sasrec(&file(), ids(11), &config, &Device::flex()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Model(ModelError::HeadsDoNotDivideModel {
                d_model: 8,
                n_heads: 3
            })
        ),
        "{error:?}"
    );
}

#[test]
fn bytes_that_are_no_weights_are_refused() {
    let bytes = file();
    for cut in [0, 7, 100, bytes.len() - 1] {
        let error = import(&bytes[..cut]).unwrap_err();
        assert!(
            matches!(error, Error::Parameters(ParametersError::Format(_))),
            "{error:?}"
        );
        assert_eq!(error.to_string(), "not a valid safetensors file");
    }
}

#[test]
fn weights_of_another_width_are_refused_by_name() {
    for (dtype, width) in [(Dtype::F16, 2), (Dtype::BF16, 2), (Dtype::F64, 8)] {
        let zeros = vec![0; width * 12 * 8];
        let view = TensorView::new(dtype, vec![12, 8], &zeros).unwrap();
        let bytes = safetensors::serialize([("item.weight", view)], None).unwrap();
        let error = import(&bytes).unwrap_err();
        assert!(
            matches!(&error, Error::Parameters(ParametersError::Type { name, found })
                if name == "item.weight" && *found == dtype.to_string()),
            "{error:?}"
        );
        assert_eq!(
            error.to_string(),
            format!("weight \"item.weight\" is stored as {dtype}, not as F32")
        );
    }
}
