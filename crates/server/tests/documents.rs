//! What is written about the server in `docs/` holds against the server.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// A file of the repository.
pub fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn podium(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_podium"))
        .current_dir(folder.path())
        .env_clear()
        .args(arguments)
        .output()
        .expect("the binary runs");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_api_file_is_what_the_routes_say() {
    assert!(
        podium(&["openapi"]) == text("docs/openapi.json"),
        "docs/openapi.json is behind the routes: run cargo xtask openapi"
    );
}

#[test]
fn operating_names_every_key_of_the_configuration_and_no_other() {
    let known: BTreeSet<String> = podium(&["doctor"])
        .lines()
        .filter_map(|line| Some(line.strip_prefix("  ")?.split_once(" = ")?.0.to_owned()))
        .collect();
    assert!(
        known.contains("http.address"),
        "doctor prints the keys: {known:?}"
    );
    let operating = text("docs/operating.md");
    let (_, section) = operating.split_once("\n## Configuration\n").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let named: BTreeSet<String> = section
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect();
    assert_eq!(named, known);
}

#[test]
fn the_readme_names_the_address_and_the_password_that_hold() {
    let readme = text("README.md");
    assert!(
        readme.contains("http://127.0.0.1:8080")
            && text("config/default.toml").contains("\"127.0.0.1:8080\"")
    );
    assert!(
        readme.contains("Podium-demo-2026") && text("seeds/sql/02-users.sql").contains("Podium-demo-2026")
    );
}
