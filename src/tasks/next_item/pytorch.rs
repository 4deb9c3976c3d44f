//! Weights of a SASRec that was trained in PyTorch.
//!
//! | in PyTorch | here |
//! | --- | --- |
//! | `item.weight` `[n_items + 1, d_model]`, row 0 padding | `item_embedding`, row 0 padding, row 1 unknown (zeros), items from row 2 |
//! | `pos` `[max_len, d_model]` | `positions.table` |
//! | `first.weight`, `first.bias` | `input_norm.gamma`, `input_norm.beta` |
//! | `blocks.N.n1`, `blocks.N.n2` | `encoder.blocks.N.attention_norm`, `encoder.blocks.N.feed_forward_norm` |
//! | `blocks.N.qkv.weight` `[3 d_model, d_model]`, `.bias` | `encoder.blocks.N.attention.{query,key,value}`, thirds, transposed |
//! | `blocks.N.out` | `encoder.blocks.N.attention.output`, transposed |
//! | `blocks.N.up`, `blocks.N.down` | `encoder.blocks.N.feed_forward.{up,down}`, transposed |
//! | `norm.weight`, `norm.bias` | `encoder.final_norm.gamma`, `encoder.final_norm.beta` |
//!
//! Whole numbers and booleans, such as buffers of masks, are ignored; other floats are refused.

use burn::tensor::Device;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use super::config::{ItemTable, NextItemConfig};
use super::model::NextItemModel;
use super::recommender::Recommender;
use crate::Error;
use crate::features::{UNKNOWN_ID, Vocabulary};
use crate::parameters::{self, NamedTensor, Parameters, ParametersError};
use crate::random::RandomKey;
use crate::tasks::TaskError;

impl Recommender {
    /// Makes a recommender from the weights of a PyTorch SASRec in the safetensors format.
    ///
    /// The blocks are pre-norm, and items are scored by the table they are read by. `n_heads` and `activation`, which the
    /// weights do not tell, and `dropout`, `training` and the like come from `config`; all sizes come from the weights.
    /// `item_ids` are the ids of rows 1, 2, … of the item table.
    ///
    /// # Name map
    /// `item.weight`, `pos`, `first`, `norm`, and for each block `blocks.N.` with `n1`, `qkv`, `out`, `n2`, `up`, `down`,
    /// each with `weight` and `bias`.
    ///
    /// # Errors
    /// [`Error::Parameters`] for a name, shape or type that does not fit, [`TaskError::ItemTableRows`],
    /// [`Error::Feature`] for ids given twice, [`Error::Model`] for heads that do not divide the width.
    pub fn from_pytorch_sasrec(
        safetensors: &[u8],
        item_ids: Vec<String>,
        config: &NextItemConfig,
        device: &Device,
    ) -> Result<Self, Error> {
        let given = f32_tensors(safetensors)?;
        let [n_rows, d_model] = matrix_shape(&given, "item.weight")?;
        let [max_len, _] = matrix_shape(&given, "pos")?;
        let [d_ff, _] = matrix_shape(&given, "blocks.0.up.weight")?;
        let n_layers = (0..)
            .take_while(|layer| given.contains_key(&format!("blocks.{layer}.n1.weight")))
            .count();
        let catalogue = Vocabulary::new(item_ids)?;
        let n_items = catalogue.n_real();
        if n_rows != n_items + 1 {
            return Err(TaskError::ItemTableRows {
                found: n_rows,
                n_items,
            }
            .into());
        }
        let config = NextItemConfig {
            d_model,
            n_layers,
            d_ff,
            max_len,
            input_norm: given.contains_key("first.weight"),
            item_table: ItemTable::Tied,
            ..config.clone()
        };
        let model = NextItemModel::init(&config, n_items, RandomKey::new(0), device)?;
        let model = parameters::write(model, renamed(given, &config, n_items)?)?;
        Ok(Self::new(config, model, catalogue, vec![0; n_items]))
    }
}

/// The tensors of type F32. Floats of another width are weights that cannot be read; whatever else there is, is none.
fn f32_tensors(bytes: &[u8]) -> Result<Parameters, ParametersError> {
    let mut tensors = Parameters::new();
    for (name, view) in SafeTensors::deserialize(bytes)?.iter() {
        match view.dtype() {
            Dtype::F32 => {}
            Dtype::F64 | Dtype::F16 | Dtype::BF16 => {
                return Err(ParametersError::Type {
                    name: name.to_owned(),
                    found: view.dtype().to_string(),
                });
            }
            _ => continue,
        }
        let words = view.data().chunks_exact(4);
        let values = words
            .map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]]))
            .collect();
        let tensor = NamedTensor {
            shape: view.shape().to_vec(),
            values,
        };
        tensors.insert(name.to_owned(), tensor);
    }
    Ok(tensors)
}

fn matrix_shape(given: &Parameters, name: &str) -> Result<[usize; 2], ParametersError> {
    let missing = || ParametersError::Missing {
        name: name.to_owned(),
        shape: vec![],
    };
    let shape = &given.get(name).ok_or_else(missing)?.shape;
    <[usize; 2]>::try_from(shape.as_slice()).map_err(|_| ParametersError::Rank {
        name: name.to_owned(),
        found: shape.clone(),
        n_axes: 2,
    })
}

/// The weights under PyTorch's names, taken one by one.
struct PytorchWeights {
    given: Parameters,
    taken: Parameters,
}

impl PytorchWeights {
    /// Takes a weight, which must have this shape in PyTorch.
    fn take(&mut self, name: &str, expected: &[usize]) -> Result<NamedTensor, ParametersError> {
        let tensor = self
            .given
            .remove(name)
            .ok_or_else(|| ParametersError::Missing {
                name: name.to_owned(),
                shape: expected.to_vec(),
            })?;
        if tensor.shape != expected {
            return Err(ParametersError::Shape {
                name: name.to_owned(),
                found: tensor.shape,
                expected: expected.to_vec(),
            });
        }
        Ok(tensor)
    }

    fn give(&mut self, name: String, tensor: NamedTensor) {
        self.taken.insert(name, tensor);
    }

    fn norm(&mut self, from: &str, to: &str, d_model: usize) -> Result<(), ParametersError> {
        for (theirs, ours) in [("weight", "gamma"), ("bias", "beta")] {
            let tensor = self.take(&format!("{from}.{theirs}"), &[d_model])?;
            self.give(format!("{to}.{ours}"), tensor);
        }
        Ok(())
    }

    fn linear(
        &mut self,
        from: &str,
        to: &str,
        [d_in, d_out]: [usize; 2],
    ) -> Result<(), ParametersError> {
        let weight = self.take(&format!("{from}.weight"), &[d_out, d_in])?;
        self.give(format!("{to}.weight"), transposed(&weight, [d_out, d_in]));
        let bias = self.take(&format!("{from}.bias"), &[d_out])?;
        self.give(format!("{to}.bias"), bias);
        Ok(())
    }

    fn query_key_value(
        &mut self,
        from: &str,
        to: &str,
        d_model: usize,
    ) -> Result<(), ParametersError> {
        let weight = self.take(&format!("{from}.weight"), &[3 * d_model, d_model])?;
        let bias = self.take(&format!("{from}.bias"), &[3 * d_model])?;
        let parts = weight
            .values
            .chunks_exact(d_model * d_model)
            .zip(bias.values.chunks_exact(d_model));
        for (part, (weight, bias)) in ["query", "key", "value"].into_iter().zip(parts) {
            let weight = NamedTensor {
                shape: vec![d_model, d_model],
                values: weight.to_vec(),
            };
            self.give(
                format!("{to}.{part}.weight"),
                transposed(&weight, [d_model, d_model]),
            );
            self.give(
                format!("{to}.{part}.bias"),
                NamedTensor {
                    shape: vec![d_model],
                    values: bias.to_vec(),
                },
            );
        }
        Ok(())
    }
}

/// Gives every weight its name and layout here.
fn renamed(
    given: Parameters,
    config: &NextItemConfig,
    n_items: usize,
) -> Result<Parameters, ParametersError> {
    let (d_model, d_ff) = (config.d_model, config.d_ff);
    let mut weights = PytorchWeights {
        given,
        taken: Parameters::new(),
    };
    let items = weights.take("item.weight", &[n_items + 1, d_model])?;
    weights.give(
        "item_embedding".to_owned(),
        with_unknown_row(items, d_model),
    );
    let positions = weights.take("pos", &[config.max_len, d_model])?;
    weights.give("positions.table".to_owned(), positions);
    if config.input_norm {
        weights.norm("first", "input_norm", d_model)?;
    }
    weights.norm("norm", "encoder.final_norm", d_model)?;
    for layer in 0..config.n_layers {
        let from = |part: &str| format!("blocks.{layer}.{part}");
        let to = |part: &str| format!("encoder.blocks.{layer}.{part}");
        weights.norm(&from("n1"), &to("attention_norm"), d_model)?;
        weights.norm(&from("n2"), &to("feed_forward_norm"), d_model)?;
        weights.query_key_value(&from("qkv"), &to("attention"), d_model)?;
        for (theirs, ours, widths) in [
            ("out", "attention.output", [d_model, d_model]),
            ("up", "feed_forward.up", [d_model, d_ff]),
            ("down", "feed_forward.down", [d_ff, d_model]),
        ] {
            weights.linear(&from(theirs), &to(ours), widths)?;
        }
    }
    match weights.given.into_keys().next() {
        Some(name) => Err(ParametersError::Unexpected { name }),
        None => Ok(weights.taken),
    }
}

/// Puts a row of zeros, for unknown items, after the padding row.
fn with_unknown_row(mut table: NamedTensor, d_model: usize) -> NamedTensor {
    let before = d_model * UNKNOWN_ID as usize;
    table
        .values
        .splice(before..before, std::iter::repeat_n(0.0, d_model));
    table.shape[0] += 1;
    table
}

/// PyTorch keeps `[d_out, d_in]`, Burn `[d_in, d_out]`.
fn transposed(matrix: &NamedTensor, [n_rows, n_columns]: [usize; 2]) -> NamedTensor {
    let values = (0..n_columns)
        .flat_map(|column| (0..n_rows).map(move |row| matrix.values[row * n_columns + column]))
        .collect();
    NamedTensor {
        shape: vec![n_columns, n_rows],
        values,
    }
}
