//! The diagram in `docs/data-model.md` has every table and column that the migrations make, and no other.

use super::Finding;
use anyhow::Context;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const DOCUMENT: &str = "docs/data-model.md";

/// Tables with the names of their columns.
type Tables = BTreeMap<String, BTreeSet<String>>;

/// Compares the document with the migrations.
pub(super) fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let folder = root.join("migrations/postgres");
    let mut migrations: Vec<_> = fs::read_dir(&folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| Ok(entry?.path().join("up.sql")))
        .collect::<anyhow::Result<_>>()?;
    migrations.sort();
    let mut made = Tables::new();
    for path in migrations {
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        apply(&text, &mut made);
    }
    let document = fs::read_to_string(root.join(DOCUMENT)).context(DOCUMENT)?;
    Ok(compare(&made, &drawn(&document)))
}

/// Follows the statements that make and change tables.
fn apply(text: &str, tables: &mut Tables) {
    let without_comments: String = text
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    for statement in without_comments.split(';') {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words[..] {
            ["CREATE", "TABLE", name, ..] => {
                let body = statement.split_once('(').map_or("", |(_, body)| body);
                tables.insert(name.to_owned(), body.lines().filter_map(column).collect());
            }
            ["DROP", "TABLE", name, ..] => {
                tables.remove(name);
            }
            ["ALTER", "TABLE", name, ref changes @ ..] => {
                let columns = tables.entry(name.to_owned()).or_default();
                change(changes, columns);
            }
            _ => {}
        }
    }
}

fn change(words: &[&str], columns: &mut BTreeSet<String>) {
    for window in words.windows(3) {
        let name = window[2].trim_end_matches(',').to_owned();
        match (window[0], window[1]) {
            ("ADD", "COLUMN") => {
                columns.insert(name);
            }
            ("DROP", "COLUMN") => {
                columns.remove(&name);
            }
            _ => {}
        }
    }
}

/// The column that a line of a table begins; constraints begin with a word in capitals.
fn column(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().map(|word| word.trim_end_matches(','));
    let name = words.next()?;
    let is_name = |word: &str| {
        word.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    (is_name(name) && words.next().is_some_and(is_name)).then(|| name.to_owned())
}

/// What the diagram draws: `table {`, then a line `type name …` per column.
fn drawn(document: &str) -> Tables {
    let mut tables = Tables::new();
    let mut open: Option<String> = None;
    let diagram = document.split_once("erDiagram").map_or("", |(_, rest)| rest);
    for line in diagram.split("```").next().unwrap_or_default().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (&open, &words[..]) {
            (_, [name, "{"]) => {
                tables.insert((*name).to_owned(), BTreeSet::new());
                open = Some((*name).to_owned());
            }
            (_, ["}"]) => open = None,
            (Some(table), [_, name, ..]) => {
                tables
                    .entry(table.clone())
                    .or_default()
                    .insert((*name).to_owned());
            }
            _ => {}
        }
    }
    tables
}

fn compare(made: &Tables, drawn: &Tables) -> Vec<Finding> {
    let (made, drawn) = (names(made), names(drawn));
    let missing = made.difference(&drawn).map(|name| format!("{name} is missing"));
    let extra = drawn
        .difference(&made)
        .map(|name| format!("{name} is not in the migrations"));
    missing
        .chain(extra)
        .map(|rule| Finding::new(DOCUMENT, rule))
        .collect()
}

fn names(tables: &Tables) -> BTreeSet<String> {
    tables
        .iter()
        .flat_map(|(table, columns)| {
            let columns = columns.iter().map(move |column| format!("{table}.{column}"));
            std::iter::once(table.clone()).chain(columns)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: &str = "-- A head.\nCREATE TABLE roles (\n    name text NOT NULL PRIMARY KEY, -- a name\n    \
        level integer NOT NULL\n        CHECK (level IN (1, 2)),\n    old text,\n    PRIMARY KEY (name),\n    CONSTRAINT c CHECK (level > 0)\n);\n\
        CREATE INDEX i ON roles (level);\nALTER TABLE roles ADD COLUMN note text, DROP COLUMN level, DROP COLUMN old;";

    fn findings(document: &str) -> Vec<String> {
        let mut made = Tables::new();
        apply(MADE, &mut made);
        compare(&made, &drawn(document))
            .into_iter()
            .map(|finding| finding.rule)
            .collect()
    }

    #[test]
    fn a_diagram_of_all_columns_has_no_findings() {
        let document = "text\n```mermaid\nerDiagram\n    roles ||--o{ other : \"x\"\n    roles {\n        \
            text name PK\n        text note \"may be null\"\n    }\n```\nlater {\n";
        assert!(findings(document).is_empty(), "{:?}", findings(document));
    }

    #[test]
    fn what_is_missing_and_what_is_no_more_is_found() {
        let document =
            "erDiagram\n    roles {\n        text name\n        integer level\n    }\n    gone {\n    }\n";
        assert_eq!(
            findings(document),
            [
                "roles.note is missing",
                "gone is not in the migrations",
                "roles.level is not in the migrations"
            ]
        );
        assert_eq!(findings("no diagram").len(), 3);
    }

    #[test]
    fn the_migrations_of_the_workspace_are_read() {
        assert!(check(&crate::root()).unwrap().is_empty());
        let mut made = Tables::new();
        let text = fs::read_to_string(crate::root().join("migrations/postgres/0002_events/up.sql")).unwrap();
        apply(&text, &mut made);
        assert_eq!(made.len(), 4);
        assert!(made["events"].len() > 30 && made["events"].contains("agenda"));
    }
}
