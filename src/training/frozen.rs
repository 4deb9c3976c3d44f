//! Weights that a run leaves as they are.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::TrainingError;

/// Which weights a run leaves as they are: those whose name starts in one of these ways.
#[derive(Clone, Debug, Default)]
pub(super) struct FrozenParts {
    prefixes: BTreeSet<String>,
}

impl FrozenParts {
    pub(super) fn add(&mut self, prefixes: impl IntoIterator<Item = String>) {
        self.prefixes.extend(prefixes);
    }

    /// Checks that each prefix names a weight, and that one is left to train.
    ///
    /// # Errors
    /// [`TrainingError::NothingToFreeze`], [`TrainingError::AllFrozen`].
    pub(super) fn check<M: Module>(&self, model: &M) -> Result<(), TrainingError> {
        if self.prefixes.is_empty() {
            return Ok(());
        }
        let mut names = Names::default();
        model.visit(&mut names);
        let names = names.found;
        let is_idle = |prefix: &&String| !names.iter().any(|name| name.starts_with(*prefix));
        if let Some(prefix) = self.prefixes.iter().find(is_idle) {
            let parts = names.iter().filter_map(|name| name.split('.').next());
            let parts: BTreeSet<&str> = parts.collect();
            return Err(TrainingError::NothingToFreeze {
                prefix: prefix.clone(),
                parts: parts.into_iter().map(str::to_owned).collect(),
            });
        }
        if names.iter().all(|name| self.holds(name)) {
            return Err(TrainingError::AllFrozen {
                n_weights: names.len(),
            });
        }
        Ok(())
    }

    /// Lets no gradient reach the frozen weights of a model in training mode.
    ///
    /// The weights keep their own setting, so that a later run of the model trains them unless it freezes them too.
    pub(super) fn apply<M: Module>(&self, model: M) -> M {
        if self.prefixes.is_empty() {
            return model;
        }
        model.map(&mut Freeze {
            path: Vec::new(),
            frozen: self,
        })
    }

    /// What a resumed run must share with the interrupted one, if anything is frozen.
    pub(super) fn setting(&self) -> Option<String> {
        let prefixes: Vec<&str> = self.prefixes.iter().map(String::as_str).collect();
        (!prefixes.is_empty()).then(|| format!("{prefixes:?}"))
    }

    fn holds(&self, name: &str) -> bool {
        self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }
}

/// The names of all float weights, as in [`parameters`](crate::parameters).
#[derive(Default)]
struct Names {
    path: Vec<String>,
    found: Vec<String>,
}

impl ModuleVisitor for Names {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        self.found.push(self.path.join("."));
    }
}

struct Freeze<'a> {
    path: Vec<String>,
    frozen: &'a FrozenParts,
}

impl ModuleMapper for Freeze<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.frozen.holds(&self.path.join(".")) {
            // Not Param's own method of this name, which the weight would remember after the run.
            param.map(|weight| weight.set_require_grad(false))
        } else {
            param
        }
    }
}
