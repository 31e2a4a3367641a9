//! The `PODIUM_TEST_*` variables: the one place where the tests read their environment.

use std::fmt;
use std::path::PathBuf;

/// A ready PostgreSQL server, as the URL of its administrative database; test databases are created beside it.
pub const DATABASE_URL: &str = "PODIUM_TEST_DATABASE_URL";
/// The folder with `initdb` and `postgres`, where it is neither Debian's nor in the path.
pub const POSTGRES_FOLDER: &str = "PODIUM_TEST_PG_BIN";
/// The parts without which a run fails instead of leaving tests out, with commas between: `postgres,redis`.
pub const REQUIRE: &str = "PODIUM_TEST_REQUIRE";

/// Why a part that tests need is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(pub String);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Reason {}

/// The ready server that [`DATABASE_URL`] names.
pub fn database_url() -> Option<String> {
    variable(DATABASE_URL)
}

/// The folder that [`POSTGRES_FOLDER`] names.
pub fn postgres_folder() -> Option<PathBuf> {
    variable(POSTGRES_FOLDER).map(PathBuf::from)
}

/// The folders of the path.
pub(crate) fn path_folders() -> Vec<PathBuf> {
    variable("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default()
}

/// Whether [`REQUIRE`] says that this part must not be missing.
pub fn requires(part: &str) -> bool {
    variable(REQUIRE).is_some_and(|list| names(&list, part))
}

fn names(list: &str, part: &str) -> bool {
    list.split(',').any(|name| name.trim() == part)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one home of the tests' own variables"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_required_by_its_whole_name() {
        assert!(names("postgres, redis", "redis"));
        assert!(!names("postgresql", "postgres"));
        assert!(!names("", "postgres"));
    }
}
