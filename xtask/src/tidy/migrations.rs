//! Both databases have the same migrations, each with both directions.

use super::Finding;
use anyhow::Context;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Compares the two folders.
pub(super) fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let (postgres, sqlite) = (ids(root, "postgres")?, ids(root, "sqlite")?);
    for (database, has, other) in [("postgres", &postgres, &sqlite), ("sqlite", &sqlite, &postgres)] {
        for id in other.difference(has) {
            let folder = format!("migrations/{database}/{id}");
            findings.push(Finding::new(
                folder,
                "a migration exists for both databases or not at all",
            ));
        }
        for id in has {
            for direction in ["up.sql", "down.sql"] {
                let file = format!("migrations/{database}/{id}/{direction}");
                if !root.join(&file).is_file() {
                    findings.push(Finding::new(file, "a migration has an up.sql and a down.sql"));
                }
            }
        }
    }
    Ok(findings)
}

fn ids(root: &Path, database: &str) -> anyhow::Result<BTreeSet<String>> {
    let folder = root.join("migrations").join(database);
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_of_one_database_and_a_missing_text_are_found() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["postgres/0001_people", "sqlite/0001_people", "sqlite/0002_events"] {
            let folder = root.path().join("migrations").join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("up.sql"), "").unwrap();
            fs::write(folder.join("down.sql"), "").unwrap();
        }
        fs::remove_file(root.path().join("migrations/sqlite/0001_people/down.sql")).unwrap();
        let files: Vec<String> = check(root.path())
            .unwrap()
            .into_iter()
            .map(|finding| finding.file)
            .collect();
        assert_eq!(
            files,
            [
                "migrations/postgres/0002_events",
                "migrations/sqlite/0001_people/down.sql"
            ]
        );
    }
}
