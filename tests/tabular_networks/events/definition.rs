//! Logits computed from the weights, token by token, with a padded encoder.

use burn::tensor::{Device, Tensor, TensorData};
use salient::features::tabular::EncodedRows;
use salient::model::attention::AttentionPoolingConfig;
use salient::model::encoder::{Activation, EncoderBlockConfig, EncoderConfig};
use salient::parameters::{self, NamedTensor, Parameters};
use salient::random::{Mode, RandomKey};
use salient::tasks::tabular::TabularNetwork;

use super::{INSIDE, both_poolings, logits, rows};
use crate::support::{assert_close, values};

/// The weights of a part of a network under the names that they have in the part.
fn part(network: &TabularNetwork, prefix: &str) -> Parameters {
    let weights = parameters::read(network).into_iter();
    weights
        .filter_map(|(name, weight)| Some((name.strip_prefix(prefix)?.to_owned(), weight)))
        .collect()
}

fn row(table: &NamedTensor, row: usize) -> Vec<f32> {
    let width = *table.shape.last().unwrap();
    table.values[row * width..][..width].to_vec()
}

fn add(sum: &mut [f32], row: &[f32], share: f32) {
    for (sum, number) in sum.iter_mut().zip(row) {
        *sum += number * share;
    }
}

/// Bucket of an age: below a minute, two, four, and so on.
fn bucket(age_millis: i64) -> usize {
    let minutes = age_millis / 60_000;
    (0..).find(|&power| minutes < 1 << power).unwrap()
}

/// The tokens of a row by the definition: fields, then events.
fn tokens(network: &TabularNetwork, batch: &EncodedRows, index: usize) -> Vec<Vec<f32>> {
    let weights = parameters::read(network);
    let table = &weights["fields.table"];
    let mut tokens = vec![row(table, batch.categories[index] as usize)];
    let mut tenure = weights["fields.numbers.bias"].values.clone();
    for (place, &number) in batch.numbers[index * 2..][..2].iter().enumerate() {
        add(
            &mut tenure,
            &row(&weights["fields.numbers.weight"], place),
            number,
        );
    }
    tokens.push(tenure);
    let ids = |list: usize, first_row: usize| {
        let list = &batch.lists[list];
        let ids = list.ids[list.offsets[index]..list.offsets[index + 1]].iter();
        ids.map(move |&id| first_row + id as usize)
            .collect::<Vec<usize>>()
    };
    let mut tags = ids(0, 5);
    if tags.is_empty() {
        tags.push(5 + 1);
    }
    let mut mean = vec![0.0; 4];
    for &tag in &tags {
        add(&mut mean, &row(table, tag), 1.0 / tags.len() as f32);
    }
    tokens.push(mean);
    let histories = [ids(1, 10), ids(2, 14), ids(3, 20)];
    let n_events = histories[0].len();
    for event in 0..n_events {
        let mut sum = vec![0.0; 4];
        for history in &histories {
            add(&mut sum, &row(table, history[event]), 1.0);
        }
        let place = (n_events - 1 - event).min(2);
        let positions = &weights[&format!("{INSIDE}events.positions")];
        add(&mut sum, &row(positions, place), 1.0);
        let age = batch.lists[1].ages_millis[batch.lists[1].offsets[index] + event];
        let ages = &weights[&format!("{INSIDE}events.ages")];
        add(&mut sum, &row(ages, bucket(age)), 1.0);
        tokens.push(sum);
    }
    tokens
}

/// A padded batch of rows of vectors, and how many each has.
fn dense(rows: &[Vec<Vec<f32>>]) -> (Tensor<3>, Vec<usize>) {
    let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
    let longest = *lengths.iter().max().unwrap();
    let mut padded = Vec::new();
    for row in rows {
        let there = row.iter().flatten().copied();
        let padding = std::iter::repeat_n(9.0, (longest - row.len()) * 4);
        padded.extend(there.chain(padding));
    }
    let data = TensorData::new(padded, [rows.len(), longest, 4]);
    (Tensor::from_data(data, &Device::flex()), lengths)
}

/// The logit of each row by the definition, from the vector that it is read from.
pub(super) fn read_off(network: &TabularNetwork, pooled: &[f64]) -> Vec<f64> {
    let output = &part(network, &format!("{INSIDE}transformer.output."))["weight"];
    let bias = f64::from(parameters::read(network)["bias"].values[0]);
    let logit = |row: &[f64]| {
        let inner = row.iter().zip(&output.values);
        bias + inner
            .map(|(number, &weight)| number.max(0.0) * f64::from(weight))
            .sum::<f64>()
    };
    pooled.chunks(4).map(logit).collect()
}

#[test]
fn logits_are_those_of_a_dense_encoder_on_the_tokens_of_the_definition() {
    let batch = rows(5, &[2, 0, 6, 1]);
    let device = Device::flex();
    let block = EncoderBlockConfig::new(4, 2, 5).with_activation(Activation::Swiglu);
    let encoder = EncoderConfig::new(block, 2).init(RandomKey::new(0), &device);
    let pooling = AttentionPoolingConfig::new(4, 2).init(RandomKey::new(0), &device);
    let (encoder, pooling) = (encoder.unwrap(), pooling.unwrap());
    for network in both_poolings() {
        let inside = |name: &str| part(&network, &format!("{INSIDE}transformer.{name}"));
        let encoder = parameters::write(encoder.clone(), inside("encoder.")).unwrap();
        let mut tokens: Vec<Vec<Vec<f32>>> =
            (0..4).map(|row| tokens(&network, &batch, row)).collect();
        let question = inside("").remove("question");
        if let Some(question) = &question {
            tokens
                .iter_mut()
                .for_each(|tokens| tokens.insert(0, question.values.clone()));
        }
        let (dense, lengths) = dense(&tokens);
        let encoded = encoder.forward_dense(dense, &lengths, Mode::Inference);
        let pooled = match question {
            Some(_) => encoded.narrow(1, 0, 1).reshape([4, 4]),
            None => parameters::write(pooling.clone(), inside("pooling."))
                .unwrap()
                .forward_dense(encoded, &lengths, Mode::Inference),
        };
        let pooled = values(pooled);
        assert_close(&values(network.embeddings(&batch).unwrap()), &pooled, 1e-5);
        assert_close(
            &logits(&network, &batch),
            &read_off(&network, &pooled),
            1e-4,
        );
    }
}
