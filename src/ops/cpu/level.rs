//! Which vector instructions the kernels use, found out when the program runs.

use std::sync::OnceLock;

use pulp::{Arch, WithSimd};

/// The widest instructions of this processor, or those that the environment variable `SALIENT_CPU` names.
///
/// `portable`, `avx2` and `avx512` are known; what the processor lacks, and any other word, is passed over.
fn level() -> Arch {
    static LEVEL: OnceLock<Arch> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let asked = std::env::var("SALIENT_CPU").ok();
        asked.as_deref().and_then(named).unwrap_or_default()
    })
}

/// A level by its name, if the processor has it.
fn named(name: &str) -> Option<Arch> {
    match name {
        "portable" => Some(Arch::Scalar),
        #[cfg(target_arch = "x86_64")]
        "avx2" => pulp::x86::V3::try_new().map(Arch::V3),
        #[cfg(target_arch = "x86_64")]
        "avx512" => pulp::x86::V4::try_new().map(Arch::V4),
        _ => None,
    }
}

/// Runs code that is written for vectors of any width at the level's width.
#[inline]
pub(in crate::ops) fn at_level<W: WithSimd>(work: W) -> W::Output {
    level().dispatch(work)
}

/// Runs loops compiled for the level.
///
/// The closure must be small and all its calls inlined, so that the compiler can make vector instructions of its loops.
/// Results may differ in the last bit between levels.
#[inline]
pub(in crate::ops) fn wide<R>(work: impl FnOnce() -> R) -> R {
    level().dispatch(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_of_this_processor_can_be_asked_for_by_name() {
        assert!(matches!(named("portable"), Some(Arch::Scalar)));
        assert!(named("sse9").is_none());
        #[cfg(target_arch = "x86_64")]
        {
            assert_eq!(named("avx2").is_some(), is_x86_feature_detected!("avx2"));
            let avx512 = is_x86_feature_detected!("avx512f");
            assert!(named("avx512").is_none() || avx512);
        }
    }
}
