//! What every source file keeps to: its head, its length, and the words that it does not use.

use super::{Finding, crates};
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};

const LONGEST: usize = 600;
/// Macros that are for the time before a change goes in.
const UNFINISHED: &[&str] = &["todo", "unimplemented", "dbg"];

/// Checks every Rust file of the workspace.
pub(super) fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for folder in ["crates", "xtask"] {
        for path in rust_files(&root.join(folder))? {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            findings.extend(check_file(&name, &text));
        }
    }
    Ok(findings)
}

fn rust_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                files.extend(rust_files(&path)?);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

fn check_file(name: &str, text: &str) -> Vec<Finding> {
    let mut rules = Vec::new();
    if !text.starts_with("//!") {
        rules.push("a module begins with //! and says what it is for".to_owned());
    }
    let lines = text.lines().count();
    if lines > LONGEST {
        rules.push(format!("{lines} lines; a file has at most {LONGEST}"));
    }
    if name.ends_with("/mod.rs") {
        rules.push("a module is named after itself and not mod.rs".to_owned());
    }
    let code: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    for word in UNFINISHED {
        if code.iter().any(|line| calls(line, word)) {
            rules.push(format!("{word}! is not for code that goes in"));
        }
    }
    let owner = owner_of(name);
    let in_tests = name.split('/').nth(2) == Some("tests");
    for (library, _) in crates::KEPT {
        let path = format!("{}::", library.replace('-', "_"));
        if !crates::may_know(owner, library, in_tests) && code.iter().any(|line| names(line, &path)) {
            rules.push(format!("{owner} may not name {library}"));
        }
    }
    rules.into_iter().map(|rule| Finding::new(name, rule)).collect()
}

/// The crate that a file belongs to.
fn owner_of(name: &str) -> &str {
    let mut parts = name.split('/');
    match parts.next() {
        Some("crates") => parts.next().unwrap_or_default(),
        other => other.unwrap_or_default(),
    }
}

/// Whether the line calls the macro of that name.
fn calls(line: &str, word: &str) -> bool {
    names(line, &format!("{word}!"))
}

/// Whether the text stands in the line by itself and not as the end of a longer word.
fn names(line: &str, text: &str) -> bool {
    line.match_indices(text)
        .any(|(start, _)| !line[..start].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(name: &str, text: &str) -> Vec<String> {
        check_file(name, text)
            .into_iter()
            .map(|finding| finding.rule)
            .collect()
    }

    #[test]
    fn a_good_file_has_no_findings() {
        let words = ["diesel", "dbg"]
            .map(|word| format!("// {word}:: and {word}! in a comment are words\n"))
            .concat();
        let text = format!("//! What it is for.\n\n{words}fn my_dbg() {{}}\n");
        assert!(rules("crates/event/src/model.rs", &text).is_empty());
    }

    #[test]
    fn a_missing_head_and_a_long_file_are_found() {
        assert_eq!(rules("crates/event/src/model.rs", "fn main() {}\n").len(), 1);
        assert_eq!(rules("crates/event/src/model.rs", "").len(), 1);
        let long = format!("//! Long.\n{}", "fn one() {}\n".repeat(LONGEST));
        assert_eq!(
            rules("crates/event/src/model.rs", &long),
            ["601 lines; a file has at most 600"]
        );
    }

    #[test]
    fn unfinished_work_is_found() {
        for word in UNFINISHED {
            let text = format!("//! Head.\nfn one() {{ {word}!() }}\n");
            assert_eq!(
                rules("xtask/src/main.rs", &text),
                [format!("{word}! is not for code that goes in")]
            );
        }
    }

    #[test]
    fn a_library_named_outside_of_its_crate_is_found() {
        let text = format!("//! Head.\nuse {}::prelude::*;\n", "diesel");
        assert_eq!(
            rules("crates/event/src/model.rs", &text),
            ["event may not name diesel"]
        );
        assert!(rules("crates/storage/src/event.rs", &text).is_empty());
        let client = text.replace("diesel", "reqwest");
        assert!(rules("crates/api/tests/main.rs", &client).is_empty());
        assert_eq!(rules("crates/api/src/lib.rs", &client).len(), 1);
        assert!(rules("crates/event/src/model.rs", &text.replace("diesel", "not_diesel")).is_empty());
    }

    #[test]
    fn the_workspace_is_read_in_full() {
        let root = crate::root();
        let files = rust_files(&root.join("xtask")).unwrap();
        assert!(
            files
                .iter()
                .any(|path| path.ends_with("xtask/src/tidy/sources.rs"))
        );
    }
}
