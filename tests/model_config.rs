//! A config that describes no valid model is refused, with the numbers that clash; so is an input that does not fit.

use burn::tensor::{Device, Tensor};
use salient::model::ModelError;
use salient::model::attention::{
    AttentionPoolingConfig, MultiHeadAttentionConfig, PointwiseConfig, RelativePositionBiasConfig,
    TargetAttentionConfig, TimeIntervalBiasConfig, mask,
};
use salient::model::embedding::{
    LearnedPositionsConfig, PositionOrigin, RotaryConfig, SinusoidalPositionsConfig,
};
use salient::model::encoder::{EncoderBlockConfig, EncoderConfig, FeedForwardConfig};
use salient::model::norm::NormConfig;
use salient::ops::attention::Direction;
use salient::random::RandomKey;
use salient::sequence::{Offsets, PackedSequences};

fn key() -> RandomKey {
    RandomKey::new(5)
}

fn block() -> EncoderBlockConfig {
    EncoderBlockConfig::new(6, 3, 5)
}

fn ones(lengths: &[usize]) -> PackedSequences {
    let offsets = Offsets::from_lengths(lengths.iter().copied());
    let rows = Tensor::ones([offsets.n_rows(), 6], &Device::flex());
    PackedSequences::new(rows, offsets)
}

/// Asserts an error with its fields and its message.
#[track_caller]
fn refused<T>(result: Result<T, ModelError>, expected: ModelError, message: &str) {
    match result {
        Ok(_) => panic!("accepted, not refused with: {message}"),
        Err(error) => {
            assert_eq!(error.to_string(), message);
            assert_eq!(error, expected);
        }
    }
}

/// Asserts that a size of 0 is refused under its name and a size of 1 is taken.
#[track_caller]
fn refuses_zero<T>(field: &'static str, init: impl Fn(usize) -> Result<T, ModelError>) {
    let message = format!("{field} is 0: use at least 1");
    refused(init(0), ModelError::ZeroSize { field }, &message);
    assert!(init(1).is_ok(), "{field} of 1");
}

#[test]
fn a_size_of_zero_is_refused() {
    let device = Device::flex();
    let d = &device;
    refuses_zero("d_model", |n| {
        MultiHeadAttentionConfig::new(n, 1).init(key(), d)
    });
    refuses_zero("n_heads", |n| {
        MultiHeadAttentionConfig::new(6, n).init(key(), d)
    });
    refuses_zero("d_context", |n| {
        let config = MultiHeadAttentionConfig::new(6, 3).with_d_context(Some(n));
        config.init(key(), d)
    });
    refuses_zero("d_history", |n| {
        let config = TargetAttentionConfig::new(6, 3).with_d_history(Some(n));
        config.init(key(), d)
    });
    refuses_zero("d_model", |n| {
        AttentionPoolingConfig::new(n, 1).init(key(), d)
    });
    refuses_zero("d_model", |n| NormConfig::new(n).init(d));
    refuses_zero("d_model", |n| FeedForwardConfig::new(n, 5).init(key(), d));
    refuses_zero("d_ff", |n| FeedForwardConfig::new(6, n).init(key(), d));
    refuses_zero("d_ff", |n| EncoderBlockConfig::new(6, 3, n).init(key(), d));
    refuses_zero("pointwise.divisor", |n| {
        let config = block().with_pointwise(Some(PointwiseConfig::new(n)));
        config.init(key(), d)
    });
    refuses_zero("n_layers", |n| {
        EncoderConfig::new(block(), n).init(key(), d)
    });
    refuses_zero("max_len", |n| {
        LearnedPositionsConfig::new(n, 6).init(key(), d)
    });
    refuses_zero("d_model", |n| {
        LearnedPositionsConfig::new(5, n).init(key(), d)
    });
    refuses_zero("d_model", |n| SinusoidalPositionsConfig::new(n).init());
    refuses_zero("time_interval.unit_millis", |n| {
        let config = TimeIntervalBiasConfig::new().with_unit_millis(n as u64);
        config.init(3, key(), d)
    });
}

#[test]
fn the_width_of_a_layer_that_is_left_out_means_nothing() {
    let without = EncoderBlockConfig::new(6, 3, 0).with_feed_forward(false);
    let block = without.init(key(), &Device::flex()).unwrap();
    assert!(block.feed_forward.is_none() && block.feed_forward_norm.is_none());
}

#[test]
fn heads_must_divide_the_width() {
    let device = Device::flex();
    let message =
        "d_model 10 is no multiple of n_heads 3: every head needs an equal share of the width";
    let expected = ModelError::HeadsDoNotDivideModel {
        d_model: 10,
        n_heads: 3,
    };
    let attention = MultiHeadAttentionConfig::new(10, 3).init(key(), &device);
    refused(attention, expected.clone(), message);
    let block = EncoderBlockConfig::new(10, 3, 5).init(key(), &device);
    refused(block, expected, message);
    assert!(
        MultiHeadAttentionConfig::new(9, 3)
            .init(key(), &device)
            .is_ok()
    );
}

#[test]
fn a_dropout_outside_its_range_is_refused() {
    let device = Device::flex();
    let least_above = f64::from_bits(0.0f64.to_bits() + 1);
    let init = |field: &str, value: f64| {
        let config = match field {
            "residual_dropout" => block().with_residual_dropout(value),
            "feed_forward_dropout" => block().with_feed_forward_dropout(value),
            "attention_dropout" => block().with_attention_dropout(value),
            _ => block().with_stochastic_depth(value),
        };
        EncoderConfig::new(config, 2).init(key(), &device)
    };
    for field in [
        "residual_dropout",
        "feed_forward_dropout",
        "attention_dropout",
        "stochastic_depth",
    ] {
        for value in [-least_above, 1.0, f64::INFINITY] {
            let message = format!("{field} is {value}: use a number of at least 0 and below 1");
            let expected = ModelError::DropoutOutOfRange { field, value };
            refused(init(field, value), expected, &message);
        }
        let message = format!("{field} is NaN: use a number of at least 0 and below 1");
        assert_eq!(init(field, f64::NAN).unwrap_err().to_string(), message);
        for value in [0.0, 1.0 - f64::EPSILON] {
            assert!(init(field, value).is_ok(), "{field} of {value}");
        }
    }
    let attention = MultiHeadAttentionConfig::new(6, 3).with_dropout(1.0);
    let feed_forward = FeedForwardConfig::new(6, 5).with_dropout(1.0);
    let expected = ModelError::DropoutOutOfRange {
        field: "dropout",
        value: 1.0,
    };
    let message = "dropout is 1: use a number of at least 0 and below 1";
    refused(attention.init(key(), &device), expected.clone(), message);
    refused(feed_forward.init(key(), &device), expected, message);
}

#[test]
fn a_window_of_zero_is_refused() {
    let device = Device::flex();
    let message = "a window of 0 hides every token: use at least 1, or none to see all";
    let block = |window| block().with_window(Some(window)).init(key(), &device);
    refused(block(0), ModelError::WindowOfZero, message);
    assert!(block(1).is_ok());
    let mask = mask::sliding_window_mask(5, 0, &device);
    refused(mask, ModelError::WindowOfZero, message);
}

#[test]
fn rotary_positions_need_an_even_head() {
    let device = Device::flex();
    let init = |d_model| {
        let config = EncoderBlockConfig::new(d_model, 2, 5).with_rotary(Some(RotaryConfig::new()));
        config.init(key(), &device)
    };
    let message =
        "rotary positions turn pairs of coordinates but a head has 3: make d_model / n_heads even";
    refused(init(6), ModelError::OddRotaryWidth { d_head: 3 }, message);
    assert!(init(8).is_ok());
}

#[test]
fn a_number_that_must_be_positive_is_checked() {
    let device = Device::flex();
    let least = f64::from_bits(1);
    let check = |field: &'static str, init: &dyn Fn(f64) -> Result<(), ModelError>| {
        for value in [0.0, -1.0, f64::INFINITY] {
            let message = format!("{field} is {value}: use a positive finite number");
            refused(
                init(value),
                ModelError::NotPositive { field, value },
                &message,
            );
        }
        assert!(init(f64::NAN).is_err(), "{field} of NaN");
        assert!(init(least).is_ok(), "{field} of {least}");
    };
    check("epsilon", &|value| {
        let config = NormConfig::new(6).with_epsilon(value);
        config.init(&device).map(drop)
    });
    check("base", &|value| {
        RotaryConfig::new().with_base(value).init(6).map(drop)
    });
    check("base", &|value| {
        let config = SinusoidalPositionsConfig::new(6).with_base(value);
        config.init().map(drop)
    });
    check("standard_deviation", &|value| {
        let config = LearnedPositionsConfig::new(5, 6).with_standard_deviation(value);
        config.init(key(), &device).map(drop)
    });
}

#[test]
fn a_bias_with_too_few_buckets_is_refused() {
    let device = Device::flex();
    let too_small = |field, value, least| ModelError::TooSmall {
        field,
        value,
        least,
    };
    let position = |n_buckets, max_distance, direction| {
        let config = RelativePositionBiasConfig::new()
            .with_n_buckets(n_buckets)
            .with_max_distance(max_distance);
        config.init(3, direction, key(), &device)
    };
    let field = "relative_position.n_buckets";
    let message = "relative_position.n_buckets is 1: use at least 2";
    refused(
        position(1, None, Direction::Causal),
        too_small(field, 1, 2),
        message,
    );
    assert!(position(2, None, Direction::Causal).is_ok());
    let field = "relative_position.max_distance";
    for (direction, least) in [(Direction::Causal, 17), (Direction::Bidirectional, 9)] {
        let message = format!("{field} is {}: use at least {least}", least - 1);
        let expected = too_small(field, least - 1, least);
        refused(position(32, Some(least - 1), direction), expected, &message);
        assert!(position(32, Some(least), direction).is_ok());
    }
    let time = |n_buckets| {
        let config = TimeIntervalBiasConfig::new().with_n_buckets(n_buckets);
        config.init(3, key(), &device)
    };
    let message = "time_interval.n_buckets is 1: use at least 2";
    refused(time(1), too_small("time_interval.n_buckets", 1, 2), message);
    assert!(time(2).is_ok());
}

#[test]
fn a_sequence_beyond_the_learned_positions_is_refused() {
    let device = Device::flex();
    for origin in [PositionOrigin::Start, PositionOrigin::End] {
        let config = LearnedPositionsConfig::new(5, 6).with_origin(origin);
        let positions = config.init(key(), &device).unwrap();
        let message =
            "sequence 1 has 6 rows but there are 5 learned positions: shorten it, or raise max_len";
        let expected = ModelError::SequenceTooLong {
            sequence: 1,
            seq_len: 6,
            max_len: 5,
        };
        let long = positions.forward(ones(&[2, 6]));
        refused(long, expected, message);
        assert!(positions.forward(ones(&[2, 5])).is_ok());
        assert!(positions.forward(ones(&[0])).is_ok());
    }
}

#[test]
fn masks_and_lengths_describe_the_same() {
    let device = Device::flex();
    let lengths = vec![0, 2, 5];
    let padding = mask::padding_mask(&lengths, 5, &device).unwrap();
    assert_eq!(mask::lengths(padding.clone()).unwrap(), lengths);
    let kept = padding.clone().bool_not();
    let converted = mask::from_keep_mask(kept).into_data();
    converted.assert_eq(&padding.into_data(), true);

    let message = "length 6 of sequence 1 exceeds seq_len 5";
    let expected = ModelError::LengthExceedsSequence {
        sequence: 1,
        length: 6,
        seq_len: 5,
    };
    refused(mask::padding_mask(&[5, 6], 5, &device), expected, message);
    let left = Tensor::from_data([[false, true, true], [true, true, false]], &device);
    let message = "the padding mask of sequence 1 shows position 2 after a hidden one: padding must come last";
    let expected = ModelError::PaddingBeforeToken {
        sequence: 1,
        position: 2,
    };
    refused(mask::lengths(left), expected, message);
}

#[test]
fn a_causal_mask_hides_what_comes_after() {
    let hidden = mask::causal_mask(3, &Device::flex()).into_data();
    let hidden: Vec<bool> = hidden.iter().collect();
    let (show, hide) = (false, true);
    let expected = [show, hide, hide, show, show, hide, show, show, show];
    assert_eq!(hidden, expected);
}
