//! Settings that are read from a file and changed one by one.

use std::error::Error;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Settings as JSON from a file.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Box<dyn Error>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let settings = serde_json::from_str(&text)
        .map_err(|error| format!("no settings in {}: {error}", path.display()))?;
    Ok(settings)
}

/// The settings after each assignment, `place.of.it=value`.
pub(crate) fn assigned<T: Serialize + DeserializeOwned>(
    settings: &T,
    assignments: &[String],
) -> Result<T, Box<dyn Error>> {
    let mut json = serde_json::to_value(settings)?;
    for assignment in assignments {
        assign(&mut json, assignment)?;
    }
    let invalid = |error| format!("the settings are not valid after --set: {error}");
    Ok(serde_json::from_value(json).map_err(invalid)?)
}

/// Takes a value where a flag gives one.
pub(crate) fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

/// Changes one setting of many, `place.of.it=value`; what is no JSON is text.
fn assign(settings: &mut Value, assignment: &str) -> Result<(), String> {
    let (place, value) = assignment
        .split_once('=')
        .ok_or_else(|| format!("--set {assignment}: write SETTING=VALUE"))?;
    let mut setting = settings;
    for name in place.split('.') {
        let known = match &*setting {
            Value::Object(fields) => fields.keys().cloned().collect::<Vec<_>>().join(", "),
            Value::Array(items) => format!("{} numbered from 0", items.len()),
            _ => "none".to_owned(),
        };
        let found = match name.parse::<usize>() {
            Ok(index) if setting.is_array() => setting.get_mut(index),
            _ => setting.get_mut(name),
        };
        setting = found
            .ok_or_else(|| format!("--set {place}: there is no {name:?}; there are {known}"))?;
    }
    *setting = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok(())
}
