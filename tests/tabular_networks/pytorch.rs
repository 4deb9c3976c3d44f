//! Networks compute what PyTorch does with the same weights.

use burn::tensor::Device;
use salient::features::tabular::{
    CategoryField, EncodedList, EncodedRows, ListField, TabularShape,
};
use salient::parameters::{self, Parameters};
use salient::random::RandomKey;
use salient::tasks::tabular::{TabularNetwork, TabularNetworkConfig};
use serde_json::json;

use super::{config, logits};
use crate::support::{
    assert_close, golden, golden_values, golden_weights, linear_weights, transposed,
};

/// The weights of a golden network under our names; `maps` renames those of `nn.Linear`.
fn golden_network(
    case: &serde_json::Value,
    config: &TabularNetworkConfig,
    shape: &TabularShape,
    tables: &[(&str, &str)],
    maps: &[(&str, &str)],
) -> TabularNetwork {
    let torch = golden_weights(&case["weights"]);
    let mut ours = Parameters::new();
    for (theirs, name) in tables {
        ours.insert((*name).to_owned(), torch[*theirs].clone());
    }
    for (theirs, name) in maps {
        match torch.get(&format!("{theirs}.bias")) {
            Some(_) => linear_weights(
                &torch,
                &format!("{theirs}."),
                &format!("{name}."),
                &mut ours,
            ),
            None => {
                let weight = transposed(&torch[&format!("{theirs}.weight")]);
                ours.insert(format!("{name}.weight"), weight);
            }
        }
    }
    let network = TabularNetwork::init(config, shape, RandomKey::new(1), &Device::flex()).unwrap();
    parameters::write(network, ours).unwrap()
}

fn ids(value: &serde_json::Value) -> Vec<u32> {
    let ids = value.as_array().unwrap().iter();
    ids.map(|id| id.as_u64().unwrap() as u32).collect()
}

/// A shape of categories alone with one label.
fn categories(sizes: &[(&str, usize)]) -> TabularShape {
    let field = |&(name, n_values): &(&str, usize)| CategoryField {
        name: name.to_owned(),
        n_values,
    };
    TabularShape {
        categories: sizes.iter().map(field).collect(),
        labels: vec!["clicked".to_owned()],
        ..TabularShape::default()
    }
}

#[test]
fn autoint_computes_what_pytorch_does() {
    let case = &golden("tabular_networks")["autoint"];
    let config = config(json!({
        "d_embedding": 4, "first_order": true,
        "interaction": {"kind": "autoint", "n_layers": 2, "n_heads": 3, "d_attention": 6, "mlp": {"widths": [5, 3]}},
    }));
    let shape = categories(&[("a", 5), ("b", 3), ("c", 7)]);
    let inside = "interaction.Autoint";
    let layer = |layer: usize, part: &str| {
        (
            format!("layers.{layer}.{part}"),
            format!("{inside}.layers.{layer}.{part}"),
        )
    };
    let mut maps: Vec<(String, String)> = (0..2)
        .flat_map(|index| ["query", "key", "value", "residual"].map(|part| layer(index, part)))
        .collect();
    for (theirs, ours) in [
        ("output", "output"),
        ("mlp.0", "deep.mlp.layers.0"),
        ("mlp.2", "deep.mlp.layers.1"),
        ("mlp.4", "deep.output"),
    ] {
        maps.push((theirs.to_owned(), format!("{inside}.{ours}")));
    }
    let maps: Vec<(&str, &str)> = maps.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let tables = [
        ("table.weight", "fields.table"),
        ("weights.weight", "first_order.table"),
        ("bias", "bias"),
    ];
    let network = golden_network(case, &config, &shape, &tables, &maps);
    let ids = ids(&case["ids"]);
    let rows = EncodedRows {
        n_rows: ids.len() / 3,
        categories: ids,
        ..EncodedRows::default()
    };
    assert_close(
        &logits(&network, &rows),
        &golden_values(&case["logits"]),
        1e-5,
    );
}

#[test]
fn din_computes_what_pytorch_does() {
    let case = &golden("tabular_networks")["din"];
    let config = config(json!({
        "d_embedding": 4,
        "interaction": {"kind": "din", "attention": {"widths": [6], "activation": "silu"}, "mlp": {"widths": [5]}},
    }));
    let mut shape = categories(&[("user", 5), ("item", 7)]);
    shape.lists.push(ListField {
        name: "clicks".to_owned(),
        n_values: 7,
        shares: Some(1),
        is_history: true,
    });
    let inside = "interaction.Din";
    let maps = [
        ("unit.0", format!("{inside}.units.0.mlp.layers.0")),
        ("unit.2", format!("{inside}.units.0.output")),
        ("mlp.0", format!("{inside}.deep.mlp.layers.0")),
        ("mlp.2", format!("{inside}.deep.output")),
    ];
    let maps: Vec<(&str, &str)> = maps.iter().map(|(a, b)| (*a, b.as_str())).collect();
    let tables = [("table.weight", "fields.table"), ("bias", "bias")];
    let network = golden_network(case, &config, &shape, &tables, &maps);
    let categories = ids(&case["ids"]);
    let offsets = ids(&case["offsets"])
        .into_iter()
        .map(|offset| offset as usize);
    let rows = EncodedRows {
        n_rows: categories.len() / 2,
        categories,
        lists: vec![EncodedList {
            offsets: offsets.collect(),
            ids: ids(&case["history"]),
            ages_millis: Vec::new(),
        }],
        ..EncodedRows::default()
    };
    assert_close(
        &logits(&network, &rows),
        &golden_values(&case["logits"]),
        1e-5,
    );
}
