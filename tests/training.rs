//! Training does what its settings say, the same way every time.

use std::cell::RefCell;
use std::rc::Rc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use salient::parameters;
use salient::random::{Mode, RandomKey, Stream};
use salient::training::{
    Activity, BoxedError, Event, JsonLines, Loss, Objective, Observer, Quantity, Schedule,
    StopReason, Trained, Trainer, TrainingConfig, TrainingError, Validation,
};

/// Frozen weights keep their bits, and nothing else changes.
mod frozen;

/// What goes wrong in a run is named with its place.
mod refusals;

/// Settings outside their range are refused.
mod settings;

/// A line through points, and a weight that the loss does not see.
#[derive(Module, Debug)]
pub(crate) struct Line {
    pub(crate) weight: Param<Tensor<2>>,
    pub(crate) bias: Param<Tensor<1>>,
    pub(crate) idle: Param<Tensor<2>>,
}

impl Line {
    pub(crate) fn new() -> Self {
        let device = Device::flex();
        let key = RandomKey::new(11).stream(Stream::Weights);
        Self {
            weight: parameters::uniform([3, 1], 0.5, key.child(0), &device),
            bias: parameters::zeros([1], &device),
            idle: parameters::ones([2, 2], &device),
        }
    }
}

/// What the validation of [`Points`] reports.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Judge {
    /// The negative squared error.
    Error,
    /// Nothing.
    Nobody,
}

/// Points near a plane. Batches add noise by their key and the loss drops points by its own, so that a run shows
/// whether it hands out the same keys.
pub(crate) struct Points {
    pub(crate) n_examples: usize,
    pub(crate) noise: f32,
    pub(crate) judge: Judge,
    pub(crate) weight_of_loss: f64,
    /// Example whose feature is not a number.
    pub(crate) poisoned: Option<usize>,
    pub(crate) unusable: Option<usize>,
}

impl Points {
    pub(crate) fn new(n_examples: usize) -> Self {
        Self {
            n_examples,
            noise: 0.1,
            judge: Judge::Error,
            weight_of_loss: 1.0,
            poisoned: None,
            unusable: None,
        }
    }

    fn point(example: usize) -> ([f32; 3], f32) {
        let mut generator = RandomKey::new(99).child(example as u64).generator();
        let x = [(); 3].map(|()| generator.random::<f32>() * 2.0 - 1.0);
        (x, 0.7 * x[0] - 1.3 * x[1] + 0.2 * x[2] + 0.5)
    }
}

pub(crate) struct PointBatch {
    x: Vec<f32>,
    y: Vec<f32>,
}

impl Objective for Points {
    type Model = Line;
    type Batch = PointBatch;

    fn n_examples(&self) -> usize {
        self.n_examples
    }

    fn batch(&self, examples: &[usize], key: RandomKey) -> Result<PointBatch, BoxedError> {
        let mut generator = key.generator();
        let mut batch = PointBatch {
            x: Vec::new(),
            y: Vec::new(),
        };
        for &example in examples {
            if self.unusable == Some(example) {
                return Err("this example is unusable".into());
            }
            let (mut x, y) = Self::point(example);
            if self.poisoned == Some(example) {
                x[0] = f32::NAN;
            }
            batch.x.extend(x);
            batch.y.push(y + self.noise * generator.random::<f32>());
        }
        Ok(batch)
    }

    fn loss(&self, model: &Line, batch: &PointBatch, mode: Mode) -> Result<Loss, BoxedError> {
        let device = Device::flex();
        let n = batch.y.len();
        let mut generator = mode.key().ok_or("the loss is for training")?.generator();
        let kept = (0..n).map(|_| f32::from(u8::from(generator.random::<f32>() < 0.9)));
        let kept = Tensor::<2>::from_data(TensorData::new(kept.collect(), [n, 1]), &device);
        let x = Tensor::<2>::from_data(TensorData::new(batch.x.clone(), [n, 3]), &device);
        let y = Tensor::<2>::from_data(TensorData::new(batch.y.clone(), [n, 1]), &device);
        let error = (x.matmul(model.weight.val()) + model.bias.val().unsqueeze() - y) * kept;
        Ok(Loss {
            mean: (error.clone() * error).mean(),
            weight: self.weight_of_loss * n as f64,
        })
    }

    fn validate(&self, model: &Line) -> Result<Option<Validation>, BoxedError> {
        assert!(!model.weight.is_require_grad());
        let weights = parameters::read(model);
        let (weight, bias) = (&weights["weight"].values, weights["bias"].values[0]);
        let error = |example| {
            let (x, y) = Self::point(example);
            let found: f32 = x.iter().zip(weight).map(|(x, w)| x * w).sum::<f32>() + bias;
            f64::from(found - y).powi(2)
        };
        let error = (10_000..10_050).map(error).sum::<f64>() / 50.0;
        let score = match self.judge {
            Judge::Nobody => return Ok(None),
            Judge::Error => -error,
        };
        Ok(Some(Validation::new(
            "score",
            [("score", score), ("error", error)],
        )))
    }
}

/// [`Points`] that are judged by a script: validation cannot know the epoch, so it counts its calls.
struct Scripted {
    points: Points,
    values: Vec<f64>,
    calls: std::sync::atomic::AtomicUsize,
}

impl Scripted {
    fn new(values: &[f64]) -> Self {
        Self {
            points: Points::new(10),
            values: values.to_vec(),
            calls: 0.into(),
        }
    }
}

impl Objective for Scripted {
    type Model = Line;
    type Batch = PointBatch;

    fn n_examples(&self) -> usize {
        self.points.n_examples()
    }

    fn batch(&self, examples: &[usize], key: RandomKey) -> Result<PointBatch, BoxedError> {
        self.points.batch(examples, key)
    }

    fn loss(&self, model: &Line, batch: &PointBatch, mode: Mode) -> Result<Loss, BoxedError> {
        self.points.loss(model, batch, mode)
    }

    fn validate(&self, _model: &Line) -> Result<Option<Validation>, BoxedError> {
        let call = self.calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(Some(Validation::new(
            "score",
            [("score", self.values[call])],
        )))
    }
}

pub(crate) fn config() -> TrainingConfig {
    TrainingConfig {
        seed: 5,
        max_epochs: 4,
        batch_size: 5,
        learning_rate: 0.05,
        ..TrainingConfig::default()
    }
}

/// Everything about a run that must not depend on time or threads.
pub(crate) fn result(trained: Trained<Line>) -> (parameters::Parameters, String, u64) {
    let mut history = trained.history;
    for record in &mut history {
        record.seconds = None;
    }
    let weights = parameters::read(&trained.model);
    (weights, format!("{history:?}"), trained.steps)
}

/// What a run told, one word an event.
#[derive(Clone, Default)]
struct Words(Rc<RefCell<Vec<String>>>);

impl Observer for Words {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), BoxedError> {
        let word = serde_json::to_value(event)?["event"].to_string();
        self.0.borrow_mut().push(word.replace('"', ""));
        Ok(())
    }
}

fn fit(config: TrainingConfig, points: &Points) -> Trained<Line> {
    Trainer::new(config).fit(Line::new(), points).unwrap()
}

fn refusal(config: TrainingConfig, points: &Points) -> TrainingError {
    Trainer::new(config).fit(Line::new(), points).unwrap_err()
}

#[test]
fn one_batch_can_be_overfitted() {
    let points = Points {
        noise: 0.0,
        ..Points::new(5)
    };
    let config = TrainingConfig {
        max_epochs: 600,
        weight_decay: 0.0,
        patience: None,
        ..config()
    };
    let trained = fit(config, &points);
    assert!(trained.history[0].train_loss > 0.1);
    assert!(trained.history[599].train_loss < 1e-6);
    assert_eq!(trained.stopped, StopReason::MaxEpochs);
    assert_eq!(trained.steps, 600);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let points = Points::new(23);
    let run = |seed| {
        let config = TrainingConfig { seed, ..config() };
        result(fit(config, &points))
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn the_number_of_loader_threads_changes_nothing() {
    let points = Points::new(23);
    let run = |loader_threads| {
        let config = TrainingConfig {
            loader_threads,
            ..config()
        };
        result(fit(config, &points))
    };
    let expected = run(0);
    for loader_threads in [1, 2, 3, 16] {
        assert_eq!(run(loader_threads), expected, "{loader_threads}");
    }
}

#[test]
fn two_batches_a_step_are_one_batch_of_twice_the_size() {
    // The second of two batches is short, so weights count. Without noise and dropping the two differ by rounding alone.
    struct Plain(Points);
    impl Objective for Plain {
        type Model = Line;
        type Batch = PointBatch;
        fn n_examples(&self) -> usize {
            self.0.n_examples()
        }
        fn batch(&self, examples: &[usize], key: RandomKey) -> Result<PointBatch, BoxedError> {
            self.0.batch(examples, key)
        }
        fn loss(&self, model: &Line, batch: &PointBatch, _: Mode) -> Result<Loss, BoxedError> {
            let device = Device::flex();
            let n = batch.y.len();
            let x = Tensor::<2>::from_data(TensorData::new(batch.x.clone(), [n, 3]), &device);
            let y = Tensor::<2>::from_data(TensorData::new(batch.y.clone(), [n, 1]), &device);
            let error = x.matmul(model.weight.val()) + model.bias.val().unsqueeze() - y;
            Ok(Loss {
                mean: (error.clone() * error).mean(),
                weight: n as f64,
            })
        }
    }
    let points = Plain(Points {
        noise: 0.0,
        ..Points::new(18)
    });
    let run = |batch_size, batches_per_step| {
        let config = TrainingConfig {
            batch_size,
            batches_per_step,
            ..config()
        };
        let trained = Trainer::new(config).fit(Line::new(), &points).unwrap();
        (trained.steps, parameters::read(&trained.model))
    };
    let ((steps, whole), (split_steps, split)) = (run(10, 1), run(5, 2));
    assert_eq!((steps, split_steps), (8, 8));
    for (name, tensor) in &whole {
        for (a, b) in tensor.values.iter().zip(&split[name].values) {
            assert!((a - b).abs() < 1e-5, "{name}: {a} {b}");
        }
    }
}

#[test]
fn a_weight_that_the_loss_does_not_see_stays() {
    let trained = fit(config(), &Points::new(23));
    let weights = parameters::read(&trained.model);
    assert_eq!(weights["idle"].values, [1.0; 4]);
    assert!(!trained.model.idle.is_require_grad());
}

#[test]
fn clipping_bounds_the_norm_of_all_gradients_together() {
    // With beta_1 = beta_2 = 0 and a large epsilon a step is rate * gradient / epsilon, so its length shows the gradient's.
    let length = |clip_norm| {
        let config = TrainingConfig {
            max_epochs: 1,
            batch_size: 100,
            beta_1: 0.0,
            beta_2: 0.0,
            epsilon: 1e6,
            learning_rate: 1e6,
            weight_decay: 0.0,
            clip_norm,
            ..config()
        };
        let points = Points {
            judge: Judge::Nobody,
            ..Points::new(23)
        };
        let before = parameters::read(&Line::new());
        let after = parameters::read(&fit(config, &points).model);
        let squares = before.iter().flat_map(|(name, tensor)| {
            let pairs = tensor.values.iter().zip(&after[name].values);
            pairs
                .map(|(a, b)| f64::from(a - b).powi(2))
                .collect::<Vec<_>>()
        });
        squares.sum::<f64>().sqrt()
    };
    let free = length(None);
    assert!(free > 0.5, "{free}");
    assert!((length(Some(0.01)) - 0.01).abs() < 1e-6);
    assert!((length(Some(free * 1.01)) - free).abs() < 1e-6);
}

#[test]
fn early_stopping_returns_the_weights_of_the_best_epoch() {
    let patient = TrainingConfig {
        max_epochs: 50,
        patience: Some(3),
        ..config()
    };
    let values = [0.1, 0.3, 0.2, 0.25, 0.3, 0.9];
    let trained = Trainer::new(patient)
        .fit(Line::new(), &Scripted::new(&values))
        .unwrap();
    assert_eq!(trained.stopped, StopReason::Patience);
    assert_eq!(trained.best_epoch, Some(2));
    assert_eq!(trained.history.len(), 5);

    let two_epochs = TrainingConfig {
        max_epochs: 2,
        ..config()
    };
    let best = Trainer::new(two_epochs)
        .fit(Line::new(), &Scripted::new(&values))
        .unwrap();
    assert_eq!(
        parameters::read(&trained.model),
        parameters::read(&best.model)
    );
}

#[test]
fn without_validation_the_last_weights_are_the_result() {
    let points = Points {
        judge: Judge::Nobody,
        ..Points::new(23)
    };
    let trained = fit(config(), &points);
    assert_eq!(trained.best_epoch, None);
    assert_eq!(trained.history.len(), 4);
    assert!(trained.history.iter().all(|r| r.validation.is_none()));
}

#[test]
fn validation_may_skip_epochs_but_never_the_last() {
    let config = TrainingConfig {
        max_epochs: 5,
        validate_every_epochs: 2,
        ..config()
    };
    let trained = fit(config, &Points::new(23));
    let validated = trained.history.iter().map(|r| r.validation.is_some());
    let validated: Vec<bool> = validated.collect();
    assert_eq!(validated, [false, true, false, true, true]);
}

#[test]
fn the_plateau_schedule_lowers_the_rate_and_needs_validation() {
    let config = TrainingConfig {
        max_epochs: 5,
        learning_rate: 0.08,
        patience: None,
        schedule: Schedule::Plateau {
            factor: 0.5,
            patience: 1,
        },
        ..config()
    };
    let scripted = Scripted::new(&[0.5, 0.4, 0.6, 0.6, 0.6]);
    let trained = Trainer::new(config.clone())
        .fit(Line::new(), &scripted)
        .unwrap();
    let rates: Vec<f64> = trained.history.iter().map(|r| r.learning_rate).collect();
    assert_eq!(rates, [0.08, 0.08, 0.04, 0.04, 0.02]);

    let blind = Points {
        judge: Judge::Nobody,
        ..Points::new(10)
    };
    let error = refusal(config, &blind);
    assert!(matches!(error, TrainingError::PlateauWithoutValidation));
}

#[test]
fn observers_hear_every_event_in_order() {
    let words = Words::default();
    let config = TrainingConfig {
        max_epochs: 2,
        ..config()
    };
    Trainer::new(config)
        .observe(words.clone())
        .fit(Line::new(), &Points::new(10))
        .unwrap();
    let epoch = ["step", "step", "validated", "epoch_ended"];
    let expected = [&["started"][..], &epoch, &epoch, &["finished"]].concat();
    assert_eq!(*words.0.borrow(), expected);
}

#[test]
fn the_log_is_one_json_object_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("logs/run.jsonl");
    for _ in 0..2 {
        let log = JsonLines::append(&path).unwrap().every_steps(4);
        Trainer::new(config())
            .observe(log)
            .fit(Line::new(), &Points::new(23))
            .unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // Each run: started, 4 epochs of validated and ended, every fourth of 20 steps, finished.
    assert_eq!(lines.len(), 2 * (1 + 4 * 2 + 5 + 1));
    let steps = lines.iter().filter(|line| line["event"] == "step");
    let steps: Vec<u64> = steps.map(|line| line["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [4, 8, 12, 16, 20, 4, 8, 12, 16, 20]);
    assert!(lines.iter().all(|line| line["elapsed_seconds"].is_f64()));
    assert_eq!(lines[0]["config"]["batch_size"], 5);
    assert_eq!(lines[14]["stopped"], "max_epochs");
}

#[test]
fn an_observer_that_fails_ends_the_run() {
    struct Full;
    impl Observer for Full {
        fn observe(&mut self, event: &Event<'_>) -> Result<(), BoxedError> {
            match event {
                Event::Step { step: 2, .. } => Err("no space left".into()),
                _ => Ok(()),
            }
        }
    }
    let error = Trainer::new(config())
        .observe(Full)
        .fit(Line::new(), &Points::new(23))
        .unwrap_err();
    assert!(matches!(
        error,
        TrainingError::Observer {
            epoch: 1,
            step: 2,
            ..
        }
    ));
}
