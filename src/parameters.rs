//! The weights of a module, by name: how they are drawn, read, replaced and laid out on disk.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::RngExt;
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};

use crate::random::RandomKey;

/// Why weights do not fit a module, or bytes hold no weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParametersError {
    /// The module has a weight that is not among those given.
    #[error("weight {name:?} of shape {shape:?} is missing")]
    Missing {
        /// Path of the weight in the module.
        name: String,
        /// Shape that the module expects.
        shape: Vec<usize>,
    },
    /// A weight is given that the module does not have.
    #[error("weight {name:?} belongs to no part of the model")]
    Unexpected {
        /// Name of the weight.
        name: String,
    },
    /// A weight has another shape than the module's.
    #[error("weight {name:?} has shape {found:?}, the model needs {expected:?}")]
    Shape {
        /// Path of the weight in the module.
        name: String,
        /// Shape given.
        found: Vec<usize>,
        /// Shape that the module expects.
        expected: Vec<usize>,
    },
    /// A weight has another number of axes than it must have.
    #[error("weight {name:?} has shape {found:?}, it must have {n_axes} axes")]
    Rank {
        /// Name of the weight.
        name: String,
        /// Shape given.
        found: Vec<usize>,
        /// Number of axes that it must have.
        n_axes: usize,
    },
    /// A weight is NaN or infinite.
    #[error("weight {name:?} holds {value} at index {index}: weights must be finite")]
    NotFinite {
        /// Name of the weight.
        name: String,
        /// Where in its values, row by row.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A weight is not stored as 32-bit floats.
    #[error("weight {name:?} is stored as {found}, not as F32")]
    Type {
        /// Name of the weight.
        name: String,
        /// Type found.
        found: String,
    },
    /// The bytes are not in the safetensors format.
    #[error("not a valid safetensors file")]
    Format(#[from] SafeTensorError),
}

/// The values of one weight, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// All values, the last axis fastest.
    pub values: Vec<f32>,
}

/// The weights of a module under the paths of its fields, such as `blocks.0.attention.query.weight`.
pub type Parameters = BTreeMap<String, NamedTensor>;

/// Reads all float weights of a module to the host.
pub fn read<M: Module>(module: &M) -> Parameters {
    let mut visitor = Reader {
        path: Vec::new(),
        found: Parameters::new(),
    };
    module.visit(&mut visitor);
    visitor.found
}

/// Number of float weights of a module, each entry counted.
pub fn count<M: Module>(module: &M) -> usize {
    module.num_params()
}

/// Replaces every float weight of a module.
///
/// # Errors
/// [`ParametersError::Missing`], [`ParametersError::Unexpected`], [`ParametersError::Shape`],
/// [`ParametersError::NotFinite`]; the module is then lost, as it may be half replaced.
pub fn write<M: Module>(module: M, mut parameters: Parameters) -> Result<M, ParametersError> {
    for (name, tensor) in &parameters {
        if let Some(index) = tensor.values.iter().position(|value| !value.is_finite()) {
            return Err(ParametersError::NotFinite {
                name: name.clone(),
                index,
                value: tensor.values[index],
            });
        }
    }
    let mut mapper = Writer {
        path: Vec::new(),
        given: &mut parameters,
        error: None,
    };
    let module = module.map(&mut mapper);
    if let Some(error) = mapper.error {
        return Err(error);
    }
    match parameters.into_keys().next() {
        Some(name) => Err(ParametersError::Unexpected { name }),
        None => Ok(module),
    }
}

/// Lays weights out in the safetensors format, with free text beside them.
///
/// # Errors
/// [`ParametersError::Format`] if they cannot be represented.
pub fn to_safetensors(
    parameters: &Parameters,
    metadata: Option<BTreeMap<String, String>>,
) -> Result<Vec<u8>, ParametersError> {
    let bytes: Vec<(&String, &NamedTensor, Vec<u8>)> = parameters
        .iter()
        .map(|(name, tensor)| {
            (
                name,
                tensor,
                tensor
                    .values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect(),
            )
        })
        .collect();
    let mut views = Vec::with_capacity(bytes.len());
    for (name, tensor, bytes) in &bytes {
        views.push((
            name.as_str(),
            TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?,
        ));
    }
    Ok(safetensors::serialize(
        views,
        metadata.map(|metadata| metadata.into_iter().collect()),
    )?)
}

/// Reads weights from bytes in the safetensors format. Their names and shapes are checked by [`write()`] alone.
///
/// # Errors
/// [`ParametersError::Format`], [`ParametersError::Type`].
pub fn from_safetensors(bytes: &[u8]) -> Result<Parameters, ParametersError> {
    let file = SafeTensors::deserialize(bytes)?;
    let mut parameters = Parameters::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(ParametersError::Type {
                name: name.to_owned(),
                found: view.dtype().to_string(),
            });
        }
        let values = view
            .data()
            .chunks_exact(4)
            .map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]]))
            .collect();
        parameters.insert(
            name.to_owned(),
            NamedTensor {
                shape: view.shape().to_vec(),
                values,
            },
        );
    }
    Ok(parameters)
}

/// A weight of zeros.
pub fn zeros<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::zeros(shape, device))
}

/// A weight of ones.
pub fn ones<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::ones(shape, device))
}

/// A weight drawn uniformly from `-bound..bound`.
pub fn uniform<const D: usize>(
    shape: [usize; D],
    bound: f64,
    key: RandomKey,
    device: &Device,
) -> Param<Tensor<D>> {
    let mut generator = key.generator();
    from_draws(shape, device, || {
        ((generator.random::<f64>() * 2.0 - 1.0) * bound) as f32
    })
}

/// A weight drawn from a normal distribution around 0, by the Box-Muller transform.
pub fn normal<const D: usize>(
    shape: [usize; D],
    standard_deviation: f64,
    key: RandomKey,
    device: &Device,
) -> Param<Tensor<D>> {
    let mut generator = key.generator();
    from_draws(shape, device, || {
        // 1 - u lies in (0, 1], so that the logarithm is finite.
        let radius = (-2.0 * (1.0 - generator.random::<f64>()).ln()).sqrt();
        let angle = std::f64::consts::TAU * generator.random::<f64>();
        (radius * angle.cos() * standard_deviation) as f32
    })
}

/// The bound of Glorot and Bengio 2010 for [`uniform`] weights of a layer from `d_in` to `d_out`.
pub fn glorot_bound(d_in: usize, d_out: usize) -> f64 {
    (6.0 / (d_in + d_out) as f64).sqrt()
}

/// The numbers of a tensor on the host, row by row, copied once.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.into_data().convert_dtype(DType::F32);
    match data.try_into_vec::<f32>() {
        Ok(values) => values,
        Err(error) => unreachable!("the numbers were just converted to 32 bits: {error}"),
    }
}

fn from_draws<const D: usize>(
    shape: [usize; D],
    device: &Device,
    mut draw: impl FnMut() -> f32,
) -> Param<Tensor<D>> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| draw()).collect();
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

struct Reader {
    path: Vec<String>,
    found: Parameters,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let shape = tensor.dims().to_vec();
        let values = values(tensor);
        self.found
            .insert(self.path.join("."), NamedTensor { shape, values });
    }
}

struct Writer<'a> {
    path: Vec<String>,
    given: &'a mut Parameters,
    error: Option<ParametersError>,
}

impl ModuleMapper for Writer<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let expected = param.lazy_shape().to_vec();
        match self.given.remove(&name) {
            None => {
                self.error.get_or_insert(ParametersError::Missing {
                    name,
                    shape: expected,
                });
                param
            }
            Some(tensor) if tensor.shape != expected => {
                self.error.get_or_insert(ParametersError::Shape {
                    name,
                    found: tensor.shape,
                    expected,
                });
                param
            }
            Some(tensor) => param.map(|old| {
                let new =
                    Tensor::from_data(TensorData::new(tensor.values, old.dims()), &old.device());
                if old.is_require_grad() {
                    new.require_grad()
                } else {
                    new
                }
            }),
        }
    }
}
