//! Settings survive their file, and those that describe no network are refused by name.

use burn::tensor::Device;
use salient::features::tabular::TabularShape;
use salient::model::ModelError;
use salient::random::RandomKey;
use salient::tasks::tabular::{TabularNetwork, TabularNetworkConfig};
use serde_json::json;

use super::{config, configs, network, shape};

#[test]
fn a_base_rate_that_leaves_nothing_to_tell_apart_is_refused() {
    for rate in [0.0, 1.0, f64::NAN, -0.1] {
        let network = network(&configs()[0]);
        match network.set_base_rate(&[0.5, rate]) {
            Err(ModelError::BaseRateOutOfRange {
                label: 1,
                rate: found,
            }) => {
                assert!(found == rate || found.is_nan());
            }
            other => panic!("{:?}", other.err()),
        }
    }
}

#[test]
fn settings_survive_their_file() {
    for config in configs() {
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(
            serde_json::from_str::<TabularNetworkConfig>(&text).unwrap(),
            config
        );
    }
    for wrong in [
        json!({"d_embeding": 4}),
        json!({"interaction": {"kind": "lr", "widths": [3]}}),
        json!({"interaction": {"kind": "autoint", "n_layer": 3}}),
        json!({"interaction": {"kind": "nothing"}}),
    ] {
        assert!(
            serde_json::from_value::<TabularNetworkConfig>(wrong.clone()).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn what_describes_no_network_is_refused() {
    let refused = |json: serde_json::Value, shape: &TabularShape| {
        let device = Device::flex();
        TabularNetwork::init(&config(json), shape, RandomKey::new(1), &device).err()
    };
    let zero = |field| Some(ModelError::ZeroSize { field });
    let shape = shape();
    let kind = |kind: serde_json::Value| json!({"d_embedding": 4, "interaction": kind});
    assert_eq!(
        refused(json!({"d_embedding": 0}), &shape),
        zero("d_embedding")
    );
    let found = refused(kind(json!({"kind": "autoint", "n_layers": 0})), &shape);
    assert_eq!(found, zero("n_layers"));
    let found = refused(kind(json!({"kind": "dcn_v2", "rank": 0})), &shape);
    assert_eq!(found, zero("rank"));
    let found = refused(kind(json!({"kind": "autoint", "n_heads": 3})), &shape);
    let expected = ModelError::HeadsDoNotDivideModel {
        d_model: 64,
        n_heads: 3,
    };
    assert_eq!(found, Some(expected));
    let found = refused(json!({"embedding_penalty": -1.0}), &shape);
    let (field, value) = ("embedding_penalty", -1.0);
    assert_eq!(found, Some(ModelError::Negative { field, value }));
    let found = refused(
        kind(json!({"kind": "final_mlp", "context_1": ["sit"]})),
        &shape,
    );
    let (setting, name) = ("context_1", "sit".to_owned());
    assert_eq!(found, Some(ModelError::UnknownField { setting, name }));
    let found = refused(
        kind(json!({"kind": "bst", "n_heads": 2, "n_positions": 1})),
        &shape,
    );
    let (field, value, least) = ("n_positions", 1, 2);
    assert_eq!(
        found,
        Some(ModelError::TooSmall {
            field,
            value,
            least
        })
    );

    let mut without = shape.clone();
    without.lists[1].shares = None;
    for network in ["din", "bst"] {
        let found = refused(kind(json!({"kind": network})), &without);
        assert_eq!(found, Some(ModelError::NoHistory { network }));
    }
    without.labels.clear();
    assert_eq!(refused(json!({}), &without), Some(ModelError::NoLabels));
    let nothing = TabularShape {
        labels: vec!["clicked".to_owned()],
        ..TabularShape::default()
    };
    for network in ["lr", "mlp"] {
        let found = refused(kind(json!({"kind": network})), &nothing);
        assert_eq!(found, Some(ModelError::NoFields { network }));
    }
}
