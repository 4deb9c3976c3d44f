//! What is known of items, as a part of an artifact.

use std::borrow::Cow;

use safetensors::tensor::{Dtype, SafeTensors, View};

use crate::artifact::ArtifactError;
use crate::features::{EncodedAttributes, EncodedColumn};

/// A list of numbers as safetensors takes it.
struct Numbers {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for Numbers {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Writes attributes as safetensors: `N.numbers`, `N.ends` and `N.n_values` of a category, `N.values` of numbers.
pub(super) fn to_bytes(
    attributes: &EncodedAttributes,
    part: &str,
) -> Result<Vec<u8>, ArtifactError> {
    let mut tensors = Vec::new();
    for (index, column) in attributes.columns.iter().enumerate() {
        match column {
            EncodedColumn::Categories {
                n_values,
                offsets,
                numbers,
            } => {
                tensors.push((format!("{index}.n_values"), unsigned(&[*n_values as u64])));
                let ends: Vec<u64> = offsets.iter().map(|&end| end as u64).collect();
                tensors.push((format!("{index}.ends"), unsigned(&ends)));
                let numbers: Vec<u64> = numbers.iter().map(|&number| number.into()).collect();
                tensors.push((format!("{index}.numbers"), unsigned(&numbers)));
            }
            EncodedColumn::Numbers { width, values } => {
                let bytes = values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                let shape = vec![attributes.n_rows, *width];
                let dtype = Dtype::F32;
                tensors.push((
                    format!("{index}.values"),
                    Numbers {
                        dtype,
                        shape,
                        bytes,
                    },
                ));
            }
        }
    }
    safetensors::serialize(tensors, None).map_err(|error| ArtifactError::unreadable(part, error))
}

fn unsigned(values: &[u64]) -> Numbers {
    Numbers {
        dtype: Dtype::U64,
        shape: vec![values.len()],
        bytes: values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
    }
}

/// Reads what [`to_bytes`] wrote, for `n_rows` items with columns as those of `like`.
pub(super) fn from_bytes(
    bytes: &[u8],
    n_rows: usize,
    like: &EncodedAttributes,
    part: &str,
) -> Result<EncodedAttributes, ArtifactError> {
    let found = read(bytes, n_rows, part)?;
    let kind = |column: &EncodedColumn| match column {
        EncodedColumn::Categories { n_values, .. } => (0, *n_values),
        EncodedColumn::Numbers { width, .. } => (1, *width),
    };
    if !found
        .columns
        .iter()
        .map(kind)
        .eq(like.columns.iter().map(kind))
    {
        return Err(ArtifactError::unreadable(
            part,
            "its columns are not those of the schema",
        ));
    }
    Ok(found)
}

fn read(bytes: &[u8], n_rows: usize, part: &str) -> Result<EncodedAttributes, ArtifactError> {
    let tensors =
        SafeTensors::deserialize(bytes).map_err(|error| ArtifactError::unreadable(part, error))?;
    let mut columns = Vec::new();
    loop {
        let index = columns.len();
        if let Ok(view) = tensors.tensor(&format!("{index}.values")) {
            let &[rows, width] = view.shape() else {
                return Err(ArtifactError::unreadable(
                    part,
                    format!("{index}.values is no matrix"),
                ));
            };
            if rows != n_rows || width == 0 || view.dtype() != Dtype::F32 {
                let rule = format!(
                    "{index}.values has {rows} rows of {:?}, not {n_rows} of F32",
                    view.dtype()
                );
                return Err(ArtifactError::unreadable(part, rule));
            }
            let words = view.data().as_chunks::<4>().0;
            let values: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(ArtifactError::unreadable(
                    part,
                    format!("{index}.values holds {value}"),
                ));
            }
            columns.push(EncodedColumn::Numbers { width, values });
            continue;
        }
        if tensors.tensor(&format!("{index}.numbers")).is_err() {
            return Ok(EncodedAttributes { n_rows, columns });
        }
        let list = |name: &str| {
            let name = format!("{index}.{name}");
            let view = tensors
                .tensor(&name)
                .map_err(|error| ArtifactError::unreadable(part, error))?;
            if view.dtype() != Dtype::U64 {
                return Err(ArtifactError::unreadable(
                    part,
                    format!("{name} is not of U64"),
                ));
            }
            let words = view.data().as_chunks::<8>().0;
            Ok(words
                .iter()
                .map(|word| u64::from_le_bytes(*word) as usize)
                .collect::<Vec<usize>>())
        };
        let (n_values, offsets, numbers) = (list("n_values")?, list("ends")?, list("numbers")?);
        let &[n_values] = n_values.as_slice() else {
            return Err(ArtifactError::unreadable(
                part,
                format!("{index}.n_values is not one number"),
            ));
        };
        let sound = offsets.len() == n_rows + 1
            && offsets.is_sorted()
            && offsets.first() == Some(&0)
            && offsets.last() == Some(&numbers.len())
            && numbers.iter().all(|&number| number < n_values);
        if !sound {
            let rule =
                format!("{index}.numbers does not hold values of {n_rows} rows below {n_values}");
            return Err(ArtifactError::unreadable(part, rule));
        }
        columns.push(EncodedColumn::Categories {
            n_values,
            offsets,
            numbers: numbers.iter().map(|&number| number as u32).collect(),
        });
    }
}
