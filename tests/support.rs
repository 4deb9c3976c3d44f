//! What several promises need: numbers, golden files, comparison, and gradients checked in 64 bits.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};
use rand::RngExt;
use salient::parameters::{NamedTensor, Parameters};
use salient::random::RandomKey;
use serde_json::Value;

/// Numbers in -1..1 that depend on the seed alone.
pub(crate) fn numbers(seed: u64, n: usize) -> Vec<f64> {
    let mut generator = RandomKey::new(seed).generator();
    (0..n)
        .map(|_| generator.random::<f64>() * 2.0 - 1.0)
        .collect()
}

/// A tensor of [`numbers`].
pub(crate) fn tensor<const D: usize>(seed: u64, shape: [usize; D], device: &Device) -> Tensor<D> {
    let data = TensorData::new(numbers(seed, shape.iter().product()), shape);
    Tensor::from_data(data, device)
}

/// The values of a tensor, the last axis fastest.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor
        .into_data()
        .convert_dtype(DType::F64)
        .iter::<f64>()
        .collect()
}

/// Asserts equal lengths and differences of at most `tolerance`; NaN differs from all.
#[track_caller]
pub(crate) fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "number of values");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        assert!(
            difference <= tolerance,
            "value {index} is {found}, not {expected}: off by {difference:e}"
        );
    }
}

/// Asserts that two lists of values differ somewhere.
#[track_caller]
pub(crate) fn assert_differ(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len(), "number of values");
    let apart = a.iter().zip(b).any(|(a, b)| (a - b).abs() > 1e-3);
    assert!(apart, "the two lists are equal");
}

/// A file of tests/golden.
pub(crate) fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A tensor of a golden file.
pub(crate) fn named(value: &Value) -> NamedTensor {
    let shape = lengths(&value["shape"]);
    let values = value["values"].as_array().unwrap();
    let values: Vec<f32> = values
        .iter()
        .map(|value| value.as_f64().unwrap() as f32)
        .collect();
    assert_eq!(values.len(), shape.iter().product::<usize>());
    NamedTensor { shape, values }
}

/// A tensor of a golden file, on a device.
pub(crate) fn golden_tensor<const D: usize>(value: &Value, device: &Device) -> Tensor<D> {
    let NamedTensor { shape, values } = named(value);
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The values of a tensor of a golden file.
pub(crate) fn golden_values(value: &Value) -> Vec<f64> {
    named(value).values.into_iter().map(f64::from).collect()
}

/// A list of counts of a golden file.
pub(crate) fn lengths(value: &Value) -> Vec<usize> {
    let counts = value.as_array().unwrap().iter();
    counts
        .map(|count| count.as_u64().unwrap() as usize)
        .collect()
}

/// All weights of a golden file, under PyTorch's names.
pub(crate) fn golden_weights(value: &Value) -> Parameters {
    let weights = value.as_object().unwrap().iter();
    weights
        .map(|(name, value)| (name.clone(), named(value)))
        .collect()
}

/// Swaps the axes of a matrix: PyTorch keeps `[d_out, d_in]`, Burn `[d_in, d_out]`.
pub(crate) fn transposed(matrix: &NamedTensor) -> NamedTensor {
    let (n_rows, n_columns) = (matrix.shape[0], matrix.shape[1]);
    let values = (0..n_columns)
        .flat_map(|column| (0..n_rows).map(move |row| matrix.values[row * n_columns + column]));
    NamedTensor {
        shape: vec![n_columns, n_rows],
        values: values.collect(),
    }
}

/// The `index`-th of `n` layers that PyTorch keeps in one; a matrix is transposed.
pub(crate) fn joined_part(joined: &NamedTensor, index: usize, n: usize) -> NamedTensor {
    let size = joined.values.len() / n;
    let mut shape = joined.shape.clone();
    shape[0] /= n;
    let part = NamedTensor {
        shape,
        values: joined.values[index * size..(index + 1) * size].to_vec(),
    };
    match part.shape.len() {
        2 => transposed(&part),
        _ => part,
    }
}

/// Renames the weights of an `nn.Linear`.
pub(crate) fn linear_weights(torch: &Parameters, from: &str, to: &str, into: &mut Parameters) {
    let weight = transposed(&torch[&format!("{from}weight")]);
    into.insert(format!("{to}weight"), weight);
    let bias = torch[&format!("{from}bias")].clone();
    into.insert(format!("{to}bias"), bias);
}

/// Renames the weights of an `nn.LayerNorm` or `nn.RMSNorm`.
pub(crate) fn norm_weights(torch: &Parameters, from: &str, to: &str, into: &mut Parameters) {
    let gamma = torch[&format!("{from}weight")].clone();
    into.insert(format!("{to}gamma"), gamma);
    if let Some(bias) = torch.get(&format!("{from}bias")) {
        into.insert(format!("{to}beta"), bias.clone());
    }
}

/// Renames the weights of an `nn.MultiheadAttention`.
pub(crate) fn attention_weights(torch: &Parameters, from: &str, to: &str, into: &mut Parameters) {
    for (index, name) in ["query", "key", "value"].into_iter().enumerate() {
        let weight = match torch.get(&format!("{from}in_proj_weight")) {
            Some(joined) => joined_part(joined, index, 3),
            None => transposed(&torch[&format!("{from}{}_proj_weight", &name[..1])]),
        };
        into.insert(format!("{to}{name}.weight"), weight);
        let bias = joined_part(&torch[&format!("{from}in_proj_bias")], index, 3);
        into.insert(format!("{to}{name}.bias"), bias);
    }
    linear_weights(
        torch,
        &format!("{from}out_proj."),
        &format!("{to}output."),
        into,
    );
}

/// Renames the weights of an `nn.TransformerEncoderLayer`.
pub(crate) fn block_weights(torch: &Parameters, from: &str, to: &str, into: &mut Parameters) {
    let pair = |theirs: &str, ours: &str| (format!("{from}{theirs}"), format!("{to}{ours}"));
    let (theirs, ours) = pair("self_attn.", "attention.");
    attention_weights(torch, &theirs, &ours, into);
    for (theirs, ours) in [
        ("norm1.", "attention_norm."),
        ("norm2.", "feed_forward_norm."),
    ] {
        let (theirs, ours) = pair(theirs, ours);
        norm_weights(torch, &theirs, &ours, into);
    }
    for (theirs, ours) in [
        ("linear1.", "feed_forward.up."),
        ("linear2.", "feed_forward.down."),
    ] {
        let (theirs, ours) = pair(theirs, ours);
        linear_weights(torch, &theirs, &ours, into);
    }
}

/// Compares the gradients of the input and of every weight with central differences, in 64 bits.
///
/// The output is projected on fixed random numbers: a plain sum of softmax rows has no gradient.
pub(crate) fn check_gradients<M: Module, const D: usize>(
    module: M,
    input: [usize; D],
    forward: impl Fn(&M, Tensor<D>) -> Tensor<D>,
) {
    let device = Device::flex().autodiff();
    let module = module.map(&mut Map::cast());
    let x = numbers(101, input.iter().product());
    let loss = |module: &M, x: Vec<f64>, tracked: bool| {
        let x = Tensor::<D>::from_data(TensorData::new(x, input), (&device, DType::F64));
        let x = if tracked { x.require_grad() } else { x };
        let output = forward(module, x.clone());
        let shape = output.dims();
        let weights = TensorData::new(numbers(102, shape.iter().product()), shape);
        let weights = Tensor::<D>::from_data(weights, (&device, DType::F64));
        (x, (output * weights).sum())
    };
    let at = |module: &M, x: Vec<f64>| values(loss(module, x, false).1)[0];

    let (tracked, total) = loss(&module, x.clone(), true);
    let gradients = total.backward();
    let by_input = values(tracked.grad(&gradients).unwrap());
    for index in 0..x.len() {
        let moved = |step: f64| {
            let mut x = x.clone();
            x[index] += step;
            at(&module, x)
        };
        assert_gradient("input", index, by_input[index], moved);
    }

    let mut collected = Collect {
        path: Vec::new(),
        gradients: &gradients,
        found: BTreeMap::new(),
    };
    module.visit(&mut collected);
    assert!(!collected.found.is_empty(), "a module without weights");
    for (name, gradient) in collected.found {
        for (index, &value) in gradient.iter().enumerate() {
            let moved = |step: f64| {
                let module = module.clone().map(&mut Map::nudge(&name, index, step));
                at(&module, x.clone())
            };
            assert_gradient(&name, index, value, moved);
        }
    }
}

const STEP: f64 = 1e-5;

fn assert_gradient(name: &str, index: usize, found: f64, loss: impl Fn(f64) -> f64) {
    let expected = (loss(STEP) - loss(-STEP)) / (2.0 * STEP);
    let difference = (found - expected).abs();
    assert!(
        difference <= 1e-6,
        "gradient of {name}[{index}] is {found}, central difference {expected}: off by {difference:e}"
    );
}

/// Casts all weights to 64 bits, or moves one number of one weight.
struct Map<'a> {
    path: Vec<String>,
    nudge: Option<(&'a str, usize, f64)>,
}

impl<'a> Map<'a> {
    fn cast() -> Self {
        Self {
            path: Vec::new(),
            nudge: None,
        }
    }

    fn nudge(name: &'a str, index: usize, step: f64) -> Self {
        Self {
            path: Vec::new(),
            nudge: Some((name, index, step)),
        }
    }
}

impl ModuleMapper for Map<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.nudge {
            None => param.map(|tensor| tensor.cast(DType::F64).detach().require_grad()),
            Some((name, index, step)) if self.path.join(".") == name => param.map(|tensor| {
                let (shape, device) = (tensor.dims(), tensor.device());
                let mut moved = values(tensor);
                moved[index] += step;
                Tensor::from_data(TensorData::new(moved, shape), (&device, DType::F64))
            }),
            Some(_) => param,
        }
    }
}

/// Gathers the gradient of every weight by its path.
struct Collect<'a> {
    path: Vec<String>,
    gradients: &'a Gradients,
    found: BTreeMap<String, Vec<f64>>,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        let gradient = param.val().grad(self.gradients);
        let gradient = gradient.unwrap_or_else(|| panic!("{name} has no gradient"));
        self.found.insert(name, values(gradient));
    }
}
