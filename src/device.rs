//! Run-time choice of the backend that computes. Together with `ops`, the only place that names a backend.

use burn::tensor::Device;

/// Why a device cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No backend has this name.
    #[error("unknown device {name:?}: this build offers {}", offered.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// What the build offers.
        offered: Vec<&'static str>,
    },
    /// The backend exists but was not compiled in.
    #[error("device {name:?} is not compiled in: build with `--features {name}`, or choose among {}", offered.join(", "))]
    NotCompiledIn {
        /// The name asked for.
        name: &'static str,
        /// What the build offers.
        offered: Vec<&'static str>,
    },
    /// The backend is compiled in but the machine has nothing to run it on.
    #[error("device {name:?} found no usable adapter on this machine: choose among {}, or `auto`", offered.join(", "))]
    NoAdapter {
        /// The name asked for.
        name: &'static str,
        /// What the build offers.
        offered: Vec<&'static str>,
    },
}

/// Names of the backends, GPU before CPU, and whether this build holds them.
const BACKENDS: [(&str, bool); 4] = [
    ("cuda", cfg!(feature = "cuda")),
    ("wgpu", cfg!(feature = "wgpu")),
    ("flex", cfg!(feature = "flex")),
    ("ndarray", cfg!(feature = "ndarray")),
];

/// The names that [`pick`] accepts in this build.
pub fn offered() -> Vec<&'static str> {
    let compiled = BACKENDS
        .iter()
        .filter(|(_, compiled)| *compiled)
        .map(|(name, _)| *name);
    std::iter::once("auto").chain(compiled).collect()
}

/// Finds the device called `name`: `auto`, `flex`, `ndarray`, `wgpu` or `cuda`.
///
/// `auto` is the first GPU that this build can use and this machine has, else the CPU.
///
/// ```
/// use salient::device;
///
/// let device = device::pick("flex")?;
/// assert!(device::pick("abacus").is_err());
/// # Ok::<(), device::DeviceError>(())
/// ```
///
/// # Errors
/// [`DeviceError::Unknown`], [`DeviceError::NotCompiledIn`], [`DeviceError::NoAdapter`].
pub fn pick(name: &str) -> Result<Device, DeviceError> {
    if name == "auto" {
        let usable = BACKENDS
            .iter()
            .filter(|(_, compiled)| *compiled)
            .find_map(|(name, _)| open(name));
        return usable.ok_or_else(|| DeviceError::Unknown {
            name: name.to_owned(),
            offered: offered(),
        });
    }
    match BACKENDS.iter().find(|(known, _)| *known == name) {
        None => Err(DeviceError::Unknown {
            name: name.to_owned(),
            offered: offered(),
        }),
        Some((name, false)) => Err(DeviceError::NotCompiledIn {
            name,
            offered: offered(),
        }),
        Some((name, true)) => open(name).ok_or_else(|| DeviceError::NoAdapter {
            name,
            offered: offered(),
        }),
    }
}

/// Opens a compiled-in backend, if the machine can run it.
fn open(name: &str) -> Option<Device> {
    match name {
        #[cfg(feature = "flex")]
        "flex" => Some(Device::flex()),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)]
        "ndarray" => Some(Device::ndarray()),
        #[cfg(feature = "wgpu")]
        "wgpu" => first_adapter(burn::tensor::DeviceType::Wgpu),
        #[cfg(feature = "cuda")]
        "cuda" => first_adapter(burn::tensor::DeviceType::Cuda),
        _ => None,
    }
}

/// The first device of a kind that answers. Looking for one may panic inside a driver, which counts as none.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn first_adapter(kind: burn::tensor::DeviceType) -> Option<Device> {
    let found = std::panic::catch_unwind(|| Device::enumerate(kind).into_vec().into_iter().next());
    found.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_what_there_is() {
        let error = pick("abacus").unwrap_err();
        assert_eq!(
            error,
            DeviceError::Unknown {
                name: "abacus".into(),
                offered: offered()
            }
        );
        assert!(error.to_string().contains("abacus") && error.to_string().contains("flex"));
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_backend_left_out_names_its_feature() {
        let error = pick("cuda").unwrap_err();
        assert_eq!(
            error,
            DeviceError::NotCompiledIn {
                name: "cuda",
                offered: offered()
            }
        );
        assert!(error.to_string().contains("--features cuda"));
    }

    #[cfg(all(feature = "flex", not(feature = "cuda"), not(feature = "wgpu")))]
    #[test]
    fn auto_without_a_gpu_is_the_cpu() {
        assert_eq!(pick("auto").unwrap(), Device::flex());
    }
}
