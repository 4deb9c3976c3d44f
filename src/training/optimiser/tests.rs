//! Steps against the papers' algorithms written as loops, and row steps against dense ones.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::{Memory, Optimiser, OptimiserKind};
use crate::ops::embedding::embedding;
use crate::parameters;
use crate::training::gradients::{Gradient, StepGradients};
use crate::training::{Quantity, TrainingConfig, TrainingError};

#[derive(Module, Debug)]
struct Layer {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    idle: Param<Tensor<2>>,
}

fn layer() -> Layer {
    let device = Device::flex();
    let of = |values: [f32; 6]| {
        let data = TensorData::new(values.to_vec(), [2, 3]);
        Param::from_tensor(Tensor::from_data(data, &device))
    };
    Layer {
        weight: of([0.5, -1.0, 2.0, 0.25, -0.125, 3.0]),
        bias: parameters::ones([5], &device),
        idle: of([1.0; 6]),
    }
    .train()
}

/// The gradient of `name` in step `t`, of very different sizes.
fn gradient(name: &str, t: u64) -> Vec<f64> {
    let n = if name == "weight" { 6 } else { 5 };
    let entry = |i: u64| {
        let wave = ((t * 7 + i * 3) as f64).sin() + 0.3;
        f64::from((wave * 10f64.powi(2 - i as i32 * 2)) as f32)
    };
    (0..n).map(entry).collect()
}

fn gradients(t: u64) -> BTreeMap<String, Gradient> {
    let names = ["weight", "bias"].into_iter();
    let tensors = names.map(|name| {
        let values: Vec<f32> = gradient(name, t).iter().map(|&v| v as f32).collect();
        let n = values.len();
        let data = TensorData::new(values, [n]);
        let gradient = Tensor::from_data(data, &Device::flex());
        (name.to_owned(), Gradient::Dense(gradient))
    });
    tensors.collect()
}

fn config() -> TrainingConfig {
    TrainingConfig {
        weight_decay: 0.1,
        beta_1: 0.8,
        beta_2: 0.95,
        ..TrainingConfig::default()
    }
}

/// Algorithm 2 of the paper, as written, in double precision.
fn reference(mut weights: Vec<f64>, name: &str, steps: u64, decay: f64, scale: f64) -> Vec<f64> {
    let config = config();
    let mut m = vec![0.0; weights.len()];
    let mut v = vec![0.0; weights.len()];
    for t in 1..=steps {
        let rate = 0.01 * t as f64;
        for (i, g) in gradient(name, t).into_iter().enumerate() {
            let g = g * scale;
            m[i] = config.beta_1 * m[i] + (1.0 - config.beta_1) * g;
            v[i] = config.beta_2 * v[i] + (1.0 - config.beta_2) * g * g;
            let m_hat = m[i] / (1.0 - config.beta_1.powi(t as i32));
            let v_hat = v[i] / (1.0 - config.beta_2.powi(t as i32));
            weights[i] -= rate * (m_hat / (v_hat.sqrt() + config.epsilon) + decay * weights[i]);
        }
    }
    weights
}

fn run(steps: u64, scale: f64) -> (Layer, Memory) {
    let (mut model, mut memory) = (layer(), Memory::default());
    for t in 1..=steps {
        let rate = 0.01 * t as f64;
        model = memory.update(model, &config(), rate, (gradients(t), scale));
    }
    (model, memory)
}

#[test]
fn steps_are_those_of_the_paper() {
    for scale in [1.0, 0.125] {
        let start = parameters::read(&layer());
        let end = parameters::read(&run(7, scale).0);
        for (name, decay) in [("weight", 0.1), ("bias", 0.0)] {
            let weights = start[name].values.iter().map(|&w| f64::from(w)).collect();
            let expected = reference(weights, name, 7, decay, scale);
            for (found, expected) in end[name].values.iter().zip(expected) {
                let error = (f64::from(*found) - expected).abs() / expected.abs();
                assert!(error < 1e-6, "{name}: {found} {expected}");
            }
        }
    }
}

#[test]
fn a_weight_without_gradient_stays_and_remembers_nothing() {
    let (model, memory) = run(3, 1.0);
    assert_eq!(parameters::read(&model)["idle"].values, [1.0; 6]);
    assert!(!memory.state().updates.contains_key("idle"));
    assert!(model.weight.is_require_grad() && model.idle.is_require_grad());
}

#[test]
fn a_restored_memory_goes_on_to_the_last_bit() {
    let (model, mut memory) = run(3, 1.0);
    let mut restored = Memory::from_state(memory.state(), &Device::flex());
    assert_eq!(restored.state(), memory.state());
    let step = |memory: &mut Memory| {
        let model = memory.update(model.clone(), &config(), 0.01, (gradients(4), 1.0));
        parameters::read(&model)
    };
    assert_eq!(step(&mut restored), step(&mut memory));
    assert_eq!(restored.state(), memory.state());
}

const KINDS: [OptimiserKind; 3] = [
    OptimiserKind::AdamW,
    OptimiserKind::Adagrad { initial_sum: 0.0 },
    OptimiserKind::Adagrad { initial_sum: 0.25 },
];

const N_ROWS: usize = 11;

#[derive(Module, Debug)]
struct Table {
    rows: Param<Tensor<2>>,
}

/// Numbers between -1 and 1, others for each seed.
fn numbers(seed: usize, n: usize) -> Vec<f32> {
    let number = |i: usize| ((seed * 977 + i * 131) as f32).sin();
    (0..n).map(number).collect()
}

fn tensor(seed: usize, [n, width]: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(
        TensorData::new(numbers(seed, n * width), [n, width]),
        device,
    )
}

fn table(width: usize, device: &Device) -> Table {
    Table {
        rows: Param::from_tensor(tensor(1, [N_ROWS, width], device)),
    }
    .train()
}

/// How a loss looks rows up: so that the optimiser sees rows, or so that it sees a dense gradient.
#[derive(Clone, Copy, PartialEq)]
enum Sight {
    Rows,
    Dense,
}

/// Each number of each row that `ids` name, times a number that depends on its place and on the step.
fn look_up(table: &Table, ids: &[u32], step: usize, sight: Sight) -> Tensor<1> {
    let rows = table.rows.val();
    let device = rows.device();
    let [_, width] = rows.dims();
    let rows = match sight {
        Sight::Rows => embedding(rows, ids),
        Sight::Dense => {
            let ids: Vec<i64> = ids.iter().map(|&id| i64::from(id)).collect();
            let data = TensorData::new(ids.clone(), [ids.len()]);
            rows.select(0, Tensor::from_data(data, &device))
        }
    };
    (rows * tensor(step, [ids.len(), width], &device)).sum()
}

/// Every row, some twice.
const ALL: [u32; 14] = [3, 0, 10, 3, 9, 1, 2, 8, 4, 7, 5, 6, 3, 0];

/// Some rows; 0, 5 and 9 in no step.
fn some(step: usize) -> Vec<u32> {
    let ids = [[1, 10, 1, 2], [3, 4, 6, 10], [10, 7, 1, 8], [2, 2, 2, 10]];
    ids[step % 4].to_vec()
}

fn settings(kind: OptimiserKind, clip_norm: Option<f64>) -> TrainingConfig {
    TrainingConfig {
        optimiser: kind,
        clip_norm,
        ..config()
    }
}

fn train(
    table: Table,
    config: &TrainingConfig,
    n_steps: usize,
    loss: impl Fn(&Table, usize) -> Tensor<1>,
) -> Vec<f32> {
    let mut optimiser = Optimiser::new(config);
    let mut table = table;
    for step in 0..n_steps {
        let loss = loss(&table, step);
        table = optimiser.step(table, &loss, 0.05).unwrap();
    }
    parameters::read(&table)["rows"].values.clone()
}

#[track_caller]
fn assert_near(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance, "{found} {expected}");
    }
}

#[test]
fn row_steps_are_dense_steps_where_each_step_names_every_row() {
    for kind in KINDS {
        for clip_norm in [None, Some(0.3)] {
            for width in [1, 2, 3, 63, 64, 65, 127] {
                let config = settings(kind, clip_norm);
                let run = |sight| {
                    train(table(width, &Device::flex()), &config, 6, |table, step| {
                        look_up(table, &ALL, step, sight)
                    })
                };
                assert_near(&run(Sight::Rows), &run(Sight::Dense), 1e-6);
            }
        }
    }
}

/// The algorithms on one number of a table, which has a gradient in some of the steps, in double precision.
fn lazily(kind: OptimiserKind, weight: f32, gradients: &[Option<f64>]) -> f64 {
    let config = settings(kind, None);
    let mut weight = f64::from(weight);
    let (mut m, mut v, mut sum) = (0.0, 0.0, 0.0);
    if let OptimiserKind::Adagrad { initial_sum } = kind {
        sum = initial_sum;
    }
    for (step, gradient) in gradients.iter().enumerate() {
        let Some(g) = gradient else { continue };
        let t = step as i32 + 1;
        m = config.beta_1 * m + (1.0 - config.beta_1) * g;
        v = config.beta_2 * v + (1.0 - config.beta_2) * g * g;
        sum += g * g;
        let direction = match kind {
            OptimiserKind::AdamW => {
                let m_hat = m / (1.0 - config.beta_1.powi(t));
                let v_hat = v / (1.0 - config.beta_2.powi(t));
                m_hat / (v_hat.sqrt() + config.epsilon)
            }
            OptimiserKind::Adagrad { .. } => g / (sum.sqrt() + config.epsilon),
        };
        weight -= 0.05 * (direction + config.weight_decay * weight);
    }
    weight
}

#[test]
fn rows_that_a_step_names_follow_the_algorithm_and_the_others_keep_their_bits() {
    let n_steps = 9;
    for kind in KINDS {
        for width in [1, 3, 65] {
            let start = table(width, &Device::flex());
            let before = parameters::read(&start)["rows"].values.clone();
            let found = train(start, &settings(kind, None), n_steps, |table, step| {
                look_up(table, &some(step), step, Sight::Rows)
            });
            for index in 0..N_ROWS * width {
                let (row, column) = (index / width, index % width);
                let gradient = |step: usize| {
                    let counts = numbers(step, 4 * width);
                    let places = (0..4).filter(|&at| some(step)[at] as usize == row);
                    let counts: Vec<f64> = places
                        .map(|at| f64::from(counts[at * width + column]))
                        .collect();
                    (!counts.is_empty()).then(|| counts.iter().sum())
                };
                let gradients: Vec<Option<f64>> = (0..n_steps).map(gradient).collect();
                if gradients.iter().all(Option::is_none) {
                    assert!([0, 5, 9].contains(&row));
                    assert_eq!(found[index].to_bits(), before[index].to_bits());
                } else {
                    let expected = lazily(kind, before[index], &gradients) as f32;
                    assert_near(&found[index..=index], &[expected], 1e-5);
                }
            }
        }
    }
}

#[test]
fn a_tied_table_moves_by_both_of_its_gradients() {
    for kind in KINDS {
        let run = |sight| {
            let table = table(5, &Device::flex());
            train(table, &settings(kind, Some(1.0)), 6, |table, step| {
                let [n_rows, width] = table.rows.dims();
                let product = tensor(step + 50, [2, width], &table.rows.val().device())
                    .matmul(table.rows.val().transpose());
                let counts = tensor(step + 60, [2, n_rows], &product.device());
                (product * counts).sum() + look_up(table, &some(step), step, sight)
            })
        };
        assert_near(&run(Sight::Rows), &run(Sight::Dense), 1e-6);
    }
}

#[test]
fn batches_of_a_step_average_alike_as_rows_and_dense() {
    let table = table(3, &Device::flex());
    let mean = |sights: [Sight; 3]| {
        let mut gradients = StepGradients::default();
        for (batch, sight) in sights.into_iter().enumerate() {
            let loss = look_up(&table, &some(batch), batch, sight);
            gradients.add(&table, &loss, batch as f64 + 1.0);
        }
        let norm = gradients.numbers().norm();
        let gradient = gradients.mean.remove("rows").unwrap();
        let is_rows = matches!(gradient, Gradient::Rows(_));
        let zeros = Tensor::zeros([3 * N_ROWS], &Device::flex());
        let dense = match gradient {
            Gradient::Rows(rows) => rows.add_to(zeros),
            Gradient::Dense(dense) => dense,
        };
        (is_rows, norm, parameters::values(dense))
    };
    use Sight::{Dense, Rows};
    let expected = mean([Dense; 3]);
    assert!(!expected.0);
    for sights in [[Rows; 3], [Rows, Dense, Rows], [Dense, Rows, Rows]] {
        let (is_rows, norm, found) = mean(sights);
        assert_eq!(is_rows, sights == [Rows; 3]);
        assert!((norm - expected.1).abs() < 1e-6);
        assert_near(&found, &expected.2, 1e-6);
    }
}

#[test]
fn a_memory_of_rows_goes_on_to_the_last_bit() {
    for kind in KINDS {
        let config = settings(kind, None);
        let step = |memory: &mut Memory, table: Table, step: usize| {
            let mut gradients = StepGradients::default();
            gradients.add(
                &table,
                &look_up(&table, &some(step), step, Sight::Rows),
                1.0,
            );
            memory.update(table, &config, 0.05, (gradients.mean, 0.5))
        };
        let (mut memory, mut model) = (Memory::default(), table(3, &Device::flex()));
        for t in 0..3 {
            model = step(&mut memory, model, t);
        }
        let state = memory.state();
        assert_eq!(state.first.is_empty(), kind != OptimiserKind::AdamW);
        let mut restored = Memory::from_state(state, &Device::flex());
        let ends = [&mut memory, &mut restored].map(|memory| {
            let end = step(memory, model.clone(), 3);
            (parameters::read(&end), memory.state())
        });
        assert_eq!(ends[0], ends[1]);
        assert_ne!(ends[0].0, parameters::read(&model));
    }
}

#[cfg(feature = "ndarray")]
#[test]
fn backends_agree() {
    let ndarray = crate::device::pick("ndarray").unwrap();
    for kind in KINDS {
        for sight in [Sight::Rows, Sight::Dense] {
            // Without row gradients there, only steps that name every row are the same on both.
            let run = |device: &Device| {
                train(
                    table(5, device),
                    &settings(kind, Some(1.0)),
                    6,
                    |table, step| look_up(table, &ALL, step, sight),
                )
            };
            assert_near(&run(&Device::flex()), &run(&ndarray), 1e-5);
        }
    }
}

#[cfg(feature = "flex")]
#[test]
fn steps_leave_weights_where_they_lie() {
    use burn::backend::Flex;
    let address = |table: &Table| {
        let rows = table.rows.val().without_autodiff();
        let rows = rows.try_into_primitive::<Flex>().unwrap();
        rows.storage::<f32>().as_ptr()
    };
    for sight in [Sight::Rows, Sight::Dense] {
        let mut optimiser = Optimiser::new(&config());
        let mut model = table(3, &Device::flex());
        let before = address(&model);
        for step in 0..3 {
            let loss = look_up(&model, &ALL, step, sight);
            model = optimiser.step(model, &loss, 0.1).unwrap();
            assert_eq!(address(&model), before);
        }
    }
}

#[test]
fn a_gradient_or_a_loss_that_is_not_finite_ends_the_loop() {
    for sight in [Sight::Rows, Sight::Dense] {
        let mut optimiser = Optimiser::new(&config());
        let model = table(3, &Device::flex());
        let loss = look_up(&model, &ALL, 0, sight);
        let model = optimiser.step(model, &loss, 0.1).unwrap();
        let first = f64::from(parameters::values(loss)[0]);
        // The root of 0 is 0, and infinitely steep there.
        let zero = look_up(&model, &ALL, 0, sight) * 0.0;
        let error = optimiser.step(model, &zero.sqrt(), 0.1).unwrap_err();
        let TrainingError::NotFinite {
            quantity,
            step: 2,
            last_finite_loss: Some(last),
            ..
        } = error
        else {
            panic!("{error}");
        };
        let parameter = "rows".to_owned();
        assert_eq!(quantity, Quantity::Gradient { parameter });
        assert!((last - first).abs() < 1e-6);

        let model = table(3, &Device::flex());
        let infinite = look_up(&model, &ALL, 0, sight) * f32::MAX * f32::MAX;
        let error = optimiser.step(model, &infinite, 0.1).unwrap_err();
        let quantity = Quantity::Loss;
        assert!(matches!(error, TrainingError::NotFinite { quantity: q, .. } if q == quantity));
    }
}

#[test]
fn a_step_that_cannot_be_is_refused() {
    let loss = |model: &Table| look_up(model, &ALL, 0, Sight::Rows);
    let mut optimiser = Optimiser::new(&config());
    for rate in [-0.1, f64::NAN, f64::INFINITY] {
        let model = table(2, &Device::flex());
        let loss = loss(&model);
        let error = optimiser.step(model, &loss, rate).unwrap_err();
        assert!(error.to_string().starts_with("learning_rate is"), "{error}");
    }
    let model = table(2, &Device::flex()).valid();
    let loss = loss(&model);
    let error = optimiser.step(model, &loss, 0.1).unwrap_err();
    assert!(matches!(error, TrainingError::NothingToTrain { step: 1 }));
}

#[test]
fn settings_of_before_there_was_a_choice_mean_adamw() {
    let config: TrainingConfig = serde_json::from_str(r#"{ "learning_rate": 0.5 }"#).unwrap();
    assert_eq!(config.optimiser, OptimiserKind::AdamW);
    for kind in KINDS {
        let config = settings(kind, None);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(
            serde_json::from_str::<TrainingConfig>(&text).unwrap(),
            config
        );
    }
    let wrong = settings(OptimiserKind::Adagrad { initial_sum: -0.5 }, None);
    let expected = "optimiser.adagrad.initial_sum is -0.5: it must lie in [0, infinity)";
    assert_eq!(wrong.validate().unwrap_err().to_string(), expected);
}
