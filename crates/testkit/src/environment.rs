//! The `PODIUM_TEST_*` variables: the one place where the tests read their environment.

use std::fmt;
use std::path::PathBuf;

/// A ready PostgreSQL server, as the URL of its administrative database; test databases are created beside it.
pub const DATABASE_URL: &str = "PODIUM_TEST_DATABASE_URL";
/// The folder with `initdb` and `postgres`, where it is neither Debian's nor in the path.
pub const POSTGRES_FOLDER: &str = "PODIUM_TEST_PG_BIN";
/// The parts without which a run fails instead of leaving tests out, with commas between: `postgres,redis`.
pub const REQUIRE: &str = "PODIUM_TEST_REQUIRE";
/// The share of a large corpus that is run, such as `0.1`; absent is the whole.
pub const SCALE: &str = "PODIUM_TEST_SCALE";

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

/// So many of a large corpus, scaled by [`SCALE`]; never none.
pub fn scaled(whole: usize) -> usize {
    let scale = variable(SCALE).map_or(1.0, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{SCALE} is a number, not {text:?}"))
    });
    share(whole, scale)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a corpus is counted in thousands"
)]
fn share(whole: usize, scale: f64) -> usize {
    ((whole as f64 * scale).round() as usize).max(1)
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
    fn a_share_of_a_corpus_is_never_nothing() {
        assert_eq!(share(3_000, 1.0), 3_000);
        assert_eq!(share(3_000, 0.1), 300);
        assert_eq!(share(5, 0.0), 1);
    }

    #[test]
    fn a_part_is_required_by_its_whole_name() {
        assert!(names("postgres, redis", "redis"));
        assert!(!names("postgresql", "postgres"));
        assert!(!names("", "postgres"));
    }
}
