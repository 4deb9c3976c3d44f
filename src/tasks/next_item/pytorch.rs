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
//! Other names, such as buffers of masks, are ignored unless they are weights of type F32.

use burn::tensor::Device;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use super::config::NextItemConfig;
use super::model::NextItemModel;
use super::recommender::Recommender;
use crate::Error;
use crate::features::{FIRST_REAL_ID, Vocabulary};
use crate::parameters::{self, NamedTensor, Parameters, ParametersError};
use crate::random::RandomKey;
use crate::tasks::TaskError;

impl Recommender {
    /// Makes a recommender from the weights of a PyTorch SASRec in the safetensors format.
    ///
    /// The blocks are pre-norm with GELU. `n_heads`, which the weights do not tell, and `dropout`, `training` and the like
    /// come from `config`; all sizes come from the weights. `item_ids` are the ids of rows 1, 2, … of the item table.
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
        let mut given = f32_tensors(safetensors)?;
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
        let input_norm = given.contains_key("first.weight");
        let config = NextItemConfig {
            d_model,
            n_layers,
            d_ff,
            max_len,
            input_norm,
            ..config.clone()
        };
        let model = NextItemModel::init(&config, n_items, RandomKey::new(0), device)?;
        let model = parameters::write(model, renamed(&mut given, n_layers, input_norm)?)?;
        match given.into_keys().next() {
            Some(name) => Err(ParametersError::Unexpected { name }.into()),
            None => Ok(Self::new(config, model, catalogue, vec![0; n_items])),
        }
    }
}

/// The tensors of type F32; a buffer of another type is no weight.
fn f32_tensors(bytes: &[u8]) -> Result<Parameters, ParametersError> {
    let file = SafeTensors::deserialize(bytes)?;
    let floats = file.iter().filter(|(_, view)| view.dtype() == Dtype::F32);
    Ok(floats
        .map(|(name, view)| {
            let words = view.data().chunks_exact(4);
            let values = words
                .map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]]))
                .collect();
            (
                name.to_owned(),
                NamedTensor {
                    shape: view.shape().to_vec(),
                    values,
                },
            )
        })
        .collect())
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

/// Takes every weight of the map out of `given` and gives it its name and layout here.
fn renamed(
    given: &mut Parameters,
    n_layers: usize,
    input_norm: bool,
) -> Result<Parameters, ParametersError> {
    let mut taken = Parameters::new();
    let mut take = |name: &str| {
        given.remove(name).ok_or_else(|| ParametersError::Missing {
            name: name.to_owned(),
            shape: vec![],
        })
    };
    let item = take("item.weight")?;
    taken.insert("item_embedding".to_owned(), with_unknown_row(item));
    taken.insert("positions.table".to_owned(), take("pos")?);
    let norm = |take: &mut dyn FnMut(&str) -> Result<NamedTensor, ParametersError>,
                taken: &mut Parameters,
                from: &str,
                to: &str| {
        taken.insert(format!("{to}.gamma"), take(&format!("{from}.weight"))?);
        taken.insert(format!("{to}.beta"), take(&format!("{from}.bias"))?);
        Ok::<(), ParametersError>(())
    };
    if input_norm {
        norm(&mut take, &mut taken, "first", "input_norm")?;
    }
    norm(&mut take, &mut taken, "norm", "encoder.final_norm")?;
    for layer in 0..n_layers {
        let (from, to) = (format!("blocks.{layer}"), format!("encoder.blocks.{layer}"));
        norm(
            &mut take,
            &mut taken,
            &format!("{from}.n1"),
            &format!("{to}.attention_norm"),
        )?;
        norm(
            &mut take,
            &mut taken,
            &format!("{from}.n2"),
            &format!("{to}.feed_forward_norm"),
        )?;
        let weights = thirds(&take(&format!("{from}.qkv.weight"))?);
        let biases = thirds(&take(&format!("{from}.qkv.bias"))?);
        for ((part, weight), bias) in ["query", "key", "value"]
            .into_iter()
            .zip(weights)
            .zip(biases)
        {
            taken.insert(format!("{to}.attention.{part}.weight"), transposed(&weight));
            taken.insert(format!("{to}.attention.{part}.bias"), bias);
        }
        for (part, name) in [
            ("out", "attention.output"),
            ("up", "feed_forward.up"),
            ("down", "feed_forward.down"),
        ] {
            taken.insert(
                format!("{to}.{name}.weight"),
                transposed(&take(&format!("{from}.{part}.weight"))?),
            );
            taken.insert(
                format!("{to}.{name}.bias"),
                take(&format!("{from}.{part}.bias"))?,
            );
        }
    }
    Ok(taken)
}

/// Puts a row of zeros, for unknown items, after the padding row.
fn with_unknown_row(mut table: NamedTensor) -> NamedTensor {
    let d_model = table.shape[1];
    let before = d_model * (FIRST_REAL_ID as usize - 1);
    table
        .values
        .splice(before..before, std::iter::repeat_n(0.0, d_model));
    table.shape[0] += 1;
    table
}

/// Three tensors of equal size along the first axis; what is left over shows as a wrong shape later.
fn thirds(tensor: &NamedTensor) -> Vec<NamedTensor> {
    let mut shape = tensor.shape.clone();
    shape[0] /= 3;
    let n_values = shape.iter().product::<usize>().max(1);
    tensor
        .values
        .chunks(n_values)
        .take(3)
        .map(|values| NamedTensor {
            shape: shape.clone(),
            values: values.to_vec(),
        })
        .collect()
}

/// PyTorch keeps `[d_out, d_in]`, Burn `[d_in, d_out]`.
fn transposed(matrix: &NamedTensor) -> NamedTensor {
    let [n_rows, n_columns] = [matrix.shape[0], matrix.shape.get(1).copied().unwrap_or(1)];
    let values = (0..n_columns)
        .flat_map(|column| (0..n_rows).map(move |row| matrix.values[row * n_columns + column]))
        .collect();
    NamedTensor {
        shape: vec![n_columns, n_rows],
        values,
    }
}
