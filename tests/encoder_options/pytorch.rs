//! Golden values from PyTorch.

use super::*;

#[test]
fn gated_blocks_equal_pytorch() {
    let device = Device::flex();
    let golden = golden("gated_block");
    let torch = golden_weights(&golden["weights"]);
    let mut weights = Parameters::new();
    attention_weights(&torch, "self_attn.", "attention.", &mut weights);
    for (theirs, ours) in [
        ("norm1.", "attention_norm."),
        ("norm2.", "feed_forward_norm."),
    ] {
        norm_weights(&torch, theirs, ours, &mut weights);
    }
    for (theirs, ours) in [
        ("linear1.", "feed_forward.up."),
        ("linear2.", "feed_forward.down."),
        ("gate1.", "attention_gate."),
        ("gate2.", "feed_forward_gate."),
    ] {
        linear_weights(&torch, theirs, ours, &mut weights);
    }
    let config = EncoderBlockConfig::new(10, 2, 13)
        .with_residual_gate(true)
        .with_direction(Direction::Causal)
        .with_activation(Activation::Swiglu);
    let block = parameters::write(config.init(key(), &device).unwrap(), weights).unwrap();
    let output = block.forward_dense(
        golden_tensor(&golden["input"], &device),
        &lengths(&golden["lengths"]),
        Mode::Inference,
    );
    assert_visible(&values(output), &golden);
}

/// Compares the first 7 and 3 rows of two sequences of 7 rows of width 10.
#[track_caller]
fn assert_visible(found: &[f64], golden: &serde_json::Value) {
    let expected = golden_values(&golden["output"]);
    assert_eq!(lengths(&golden["lengths"]), [7, 3]);
    assert_eq!(found.len(), expected.len());
    assert_close(&found[..100], &expected[..100], TOLERANCE);
    assert!(found[100..].iter().all(|&value| value == 0.0));
}

#[test]
fn pointwise_blocks_equal_pytorch() {
    let device = Device::flex();
    let golden = golden("pointwise_block");
    let torch = golden_weights(&golden["weights"]);
    let config = EncoderBlockConfig::new(10, 2, 0)
        .with_feed_forward(false)
        .with_direction(Direction::Causal)
        .with_bias(false)
        .with_norm_epsilon(1e-6)
        .with_pointwise(Some(PointwiseConfig::new(20)))
        .with_relative_position(Some(RelativePositionBiasConfig::new().with_n_buckets(4)));
    let block = config.init(key(), &device).unwrap();
    // The norms of the paper's code have no weights: ours stay at ones and zeros.
    let mut weights = parameters::read(&block);
    let parts = ["pointwise.gate", "value", "query", "key"];
    for (index, name) in parts.into_iter().enumerate() {
        let part = joined_part(&torch["uvqk.weight"], index, 4);
        weights.insert(format!("attention.{name}.weight"), part);
    }
    let output = transposed(&torch["out.weight"]);
    weights.insert("attention.output.weight".to_owned(), output);
    let table = torch["distance"].clone();
    weights.insert("attention.relative_position.table".to_owned(), table);
    let block = parameters::write(block, weights).unwrap();
    let lengths = lengths(&golden["lengths"]);
    let input: Tensor<3> = golden_tensor(&golden["input"], &device);
    let dense = block.forward_dense(input.clone(), &lengths, Mode::Inference);
    assert_visible(&values(dense), &golden);
    let packed = PackedSequences::from_dense(input, &lengths);
    let output = block.forward_with_weights(packed, Mode::Inference);
    let theirs = golden_values(&golden["attention_weights"]);
    for (index, (found, theirs)) in values(output.weights).iter().zip(&theirs).enumerate() {
        // Padded queries look at something in PyTorch; here they do not exist.
        let hidden = index / (2 * 7 * 7) == 1 && index / 7 % 7 >= 3;
        let expected = if hidden { 0.0 } else { *theirs };
        assert!((found - expected).abs() <= TOLERANCE, "weight {index}");
    }
}
