//! `cargo xtask new-migration NAME`: the next number, in both databases, so that the ids never drift apart.

use anyhow::{Context, ensure};
use clap::Args;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// The arguments of `new-migration`.
#[derive(Debug, Args)]
pub struct NewMigration {
    /// What it is about, such as `votes`: lower-case letters, digits and underscores.
    name: String,
}

impl NewMigration {
    /// Runs the command.
    pub fn run(self, root: &Path) -> anyhow::Result<ExitCode> {
        for path in make(root, &self.name)? {
            println!("{path}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn make(root: &Path, name: &str) -> anyhow::Result<Vec<String>> {
    let fits = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    ensure!(
        fits && !name.is_empty(),
        "`{name}` is not made of lower-case letters, digits and underscores"
    );
    let folders = ["postgres", "sqlite"].map(|database| format!("migrations/{database}"));
    let mut last = 0;
    for folder in &folders {
        last = last.max(last_number(&root.join(folder))?);
    }
    let mut made = Vec::new();
    for folder in &folders {
        let folder = format!("{folder}/{:04}_{name}", last + 1);
        fs::create_dir(root.join(&folder)).with_context(|| folder.clone())?;
        for direction in ["up", "down"] {
            let path = format!("{folder}/{direction}.sql");
            let head = if direction == "up" {
                "What this adds"
            } else {
                "Takes back what up.sql adds"
            };
            fs::write(
                root.join(&path),
                format!("-- {head}: {}.\n", name.replace('_', " ")),
            )?;
            made.push(path);
        }
    }
    Ok(made)
}

fn last_number(folder: &Path) -> anyhow::Result<u32> {
    let mut last = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.split('_').next()?.parse().ok());
        last = last.max(number.unwrap_or(0));
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_number_is_one_past_the_highest_of_both() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("migrations/postgres/0007_votes")).unwrap();
        fs::create_dir_all(root.path().join("migrations/sqlite/0003_people")).unwrap();
        let made = make(root.path(), "tickets").unwrap();
        assert_eq!(made.len(), 4);
        for path in [
            "migrations/postgres/0008_tickets/up.sql",
            "migrations/sqlite/0008_tickets/down.sql",
        ] {
            assert!(
                made.contains(&path.to_owned()) && root.path().join(path).is_file(),
                "{path}"
            );
        }
        assert!(make(root.path(), "no-dashes").is_err() && make(root.path(), "").is_err());
    }
}
