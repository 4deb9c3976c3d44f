//! Each folder of the crate uses only those that it may.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What every folder may use.
const COMMON: [&str; 6] = [
    "random",
    "sequence",
    "parameters",
    "device",
    "writable",
    "error",
];

/// Which other folders each may use: the table of docs/architecture.md. Further, all may use [`COMMON`], and `error` uses
/// all, because it wraps the error of each.
const RULES: [(&str, &[&str]); 9] = [
    ("data", &[]),
    ("ops", &[]),
    ("evaluation", &[]),
    ("features", &["data"]),
    ("model", &["ops"]),
    ("training", &["ops", "evaluation"]),
    ("artifact", &["data", "features", "model"]),
    ("tasks", &ALL),
    ("baselines", &ALL),
];

const ALL: [&str; 7] = [
    "data",
    "ops",
    "evaluation",
    "features",
    "model",
    "training",
    "artifact",
];

/// A place where one part of the crate names another.
#[derive(Debug, PartialEq)]
struct Use {
    line: usize,
    /// Module of the crate, or item at its root.
    target: String,
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below `folder`, sorted.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The part of the crate that a file of src belongs to, and how many `super` lead from it to the root.
fn place(file: &Path) -> (String, usize) {
    let stem = file.with_extension("");
    let mut parts: Vec<&str> = stem.iter().map(|part| part.to_str().unwrap()).collect();
    if parts.last() == Some(&"mod") {
        parts.pop();
    }
    (parts[0].to_owned(), parts.len())
}

/// Takes out comments and the modules that only tests see; lines stay where they were.
fn code(source: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut is_test = false;
    let mut follows_cfg_test = false;
    for line in source.lines() {
        let text = line.trim_start();
        // rustfmt closes a module where it opened it.
        if is_test {
            is_test = line != "}";
            lines.push(String::new());
            continue;
        }
        if follows_cfg_test && text.starts_with("mod ") && text.ends_with('{') {
            is_test = true;
        }
        if !text.starts_with("#[") {
            follows_cfg_test = false;
        }
        follows_cfg_test |= line == "#[cfg(test)]";
        let kept = if is_test {
            ""
        } else {
            line.split("//").next().unwrap_or_default()
        };
        lines.push(kept.to_owned());
    }
    lines
}

/// The names directly after `crate::`, a group in braces included.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![name(path)];
    };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (index, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                names.push(name(&group[start..index]));
                start = index + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Everything that a file names by a path from the root of the crate, or by enough `super` to reach it.
fn uses(file: &Path, source: &str) -> Vec<Use> {
    let (_, depth) = place(file);
    let text = code(source).join("\n");
    let mut found = Vec::new();
    for start in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in text.match_indices(&start) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                continue;
            }
            let line = 1 + text[..at].matches('\n').count();
            for target in first_names(&text[at + start.len()..]) {
                if target != "super" {
                    found.push(Use { line, target });
                }
            }
        }
    }
    found.sort_by_key(|found| found.line);
    found
}

fn rule(from: &str) -> Option<&'static [&'static str]> {
    RULES
        .iter()
        .find(|(folder, _)| *folder == from)
        .map(|(_, allowed)| *allowed)
}

/// What a use breaks, if anything.
fn broken_rule(from: &str, to: &str, modules: &BTreeSet<String>) -> Option<String> {
    let is_item_at_root = !modules.contains(to);
    if from == to || from == "error" || is_item_at_root || COMMON.contains(&to) {
        return None;
    }
    let allowed = if COMMON.contains(&from) {
        &[]
    } else {
        match rule(from) {
            Some(allowed) => allowed,
            None => return Some(format!("`{from}` is in no rule")),
        }
    };
    let list = match allowed {
        [] => "no other folder".to_owned(),
        folders => folders.join(", "),
    };
    (!allowed.contains(&to)).then(|| format!("`{from}` may use {list}, not `{to}`"))
}

/// The files of src, relative to it, with their text.
fn sources() -> Vec<(PathBuf, String)> {
    let root = repository().join("src");
    rust_files(&root)
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.strip_prefix(&root).unwrap().to_owned(), text)
        })
        .collect()
}

#[test]
fn folders_use_only_those_they_may() {
    let sources = sources();
    let modules: BTreeSet<String> = sources
        .iter()
        .map(|(file, _)| place(file).0)
        .filter(|module| module != "lib")
        .collect();
    let mut n_uses = 0;
    let mut broken = String::new();
    for (file, text) in &sources {
        let (from, _) = place(file);
        if from == "lib" {
            continue;
        }
        for Use { line, target } in uses(file, text) {
            n_uses += 1;
            if let Some(rule) = broken_rule(&from, &target, &modules) {
                writeln!(broken, "src/{}:{line}: {rule}", file.display()).unwrap();
            }
        }
    }
    assert!(n_uses > 200, "only {n_uses} uses were found");
    assert!(broken.is_empty(), "\n{broken}");
}

#[test]
fn every_folder_has_a_rule_and_every_rule_a_folder() {
    let folders: BTreeSet<String> = sources()
        .iter()
        .map(|(file, _)| place(file).0)
        .filter(|module| module != "lib")
        .collect();
    let rules = RULES.iter().map(|(folder, _)| *folder).chain(COMMON);
    assert_eq!(folders, rules.map(str::to_owned).collect());
}

#[test]
fn the_documented_table_is_the_one_that_is_enforced() {
    let text = fs::read_to_string(repository().join("docs/architecture.md")).unwrap();
    let named = |cell: &str| -> BTreeSet<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let mut documented = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').collect();
        let (folders, allowed) = (named(cells[1]), cells[3].trim());
        for folder in folders {
            documented.insert(folder.clone());
            if COMMON.contains(&folder.as_str()) {
                assert_eq!(allowed, "nothing", "{folder}");
                continue;
            }
            let expected: BTreeSet<String> = rule(&folder)
                .unwrap_or_else(|| panic!("{folder} is documented but has no rule"))
                .iter()
                .map(|name| (*name).to_owned())
                .collect();
            if allowed == "all of these" {
                assert_eq!(expected, ALL.map(str::to_owned).into(), "{folder}");
            } else {
                assert_eq!(named(allowed), expected, "{folder}");
            }
        }
    }
    let rules = RULES.iter().map(|(folder, _)| *folder).chain(COMMON);
    assert_eq!(documented, rules.map(str::to_owned).collect());
}

#[test]
fn a_forbidden_use_is_found_however_it_is_written() {
    let modules: BTreeSet<String> = RULES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let source = "\
//! May speak of crate::model::norm.
use crate::{data::Interactions, error::Error, training::{Trainer, Observer}};
/// [`crate::evaluation`]
pub(crate) fn f() -> super::super::tasks::TaskError {
    let _ = mycrate::evaluation::x(); // crate::evaluation
    crate::model::g()
}
#[cfg(test)]
mod tests {
    use crate::artifact::save;
}
use crate::ops::attention;
use super::schema;
";
    let file = Path::new("data/csv.rs");
    let broken: Vec<(usize, String)> = uses(file, source)
        .into_iter()
        .filter_map(|found| Some((found.line, broken_rule("data", &found.target, &modules)?)))
        .collect();
    let expected = [(2, "training"), (4, "tasks"), (6, "model"), (12, "ops")]
        .map(|(line, to)| (line, format!("`data` may use no other folder, not `{to}`")));
    assert_eq!(broken, expected);
    assert_eq!(
        broken_rule("training", "tasks", &modules).unwrap(),
        "`training` may use ops, evaluation, not `tasks`"
    );
    assert_eq!(
        broken_rule("sequence", "ops", &modules).unwrap(),
        "`sequence` may use no other folder, not `ops`"
    );
    assert_eq!(
        broken_rule("tasks", "baselines", &modules).unwrap(),
        "`tasks` may use data, ops, evaluation, features, model, training, artifact, not `baselines`"
    );
}
