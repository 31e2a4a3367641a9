//! The `PODIUM_TEST_*` variables: the one place where the tests read their environment.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
#[cfg(feature = "server")]
use std::io::Write;
use std::path::PathBuf;
#[cfg(feature = "server")]
use std::sync::{Mutex, PoisonError};

/// A ready PostgreSQL server, as the URL of its administrative database; test databases are created beside it.
pub const DATABASE_URL: &str = "PODIUM_TEST_DATABASE_URL";
/// The folder with `initdb` and `postgres`, where it is neither Debian's nor in the path.
pub const POSTGRES_FOLDER: &str = "PODIUM_TEST_PG_BIN";
/// The file `axe.min.js` of axe-core, where it is not where `.ci/run` puts it.
pub const AXE: &str = "PODIUM_TEST_AXE";
/// The folder with the library icalendar for Python, where it is not where `.ci/run` puts it.
pub const ICALENDAR: &str = "PODIUM_TEST_ICALENDAR";
/// A folder for pictures of the pages, for a person who wants to look at them.
pub const PICTURES: &str = "PODIUM_TEST_PICTURES";
/// The parts without which a run fails instead of leaving tests out, with commas between: `postgres,chromium,axe,icalendar`.
pub const REQUIRE: &str = "PODIUM_TEST_REQUIRE";
/// What large corpora are multiplied by; absent is 1.
pub const SCALE: &str = "PODIUM_TEST_SCALE";
/// What random tests draw from, to repeat one that failed; absent is something new each time.
pub const SEED: &str = "PODIUM_TEST_SEED";

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

/// The file that [`AXE`] names.
pub fn axe_file() -> Option<PathBuf> {
    variable(AXE).map(PathBuf::from)
}

/// The folder that [`ICALENDAR`] names.
pub fn icalendar_folder() -> Option<PathBuf> {
    variable(ICALENDAR).map(PathBuf::from)
}

/// The folder that [`PICTURES`] names.
pub fn pictures() -> Option<PathBuf> {
    variable(PICTURES).map(PathBuf::from)
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

/// How large a corpus of this full size is to be, by [`SCALE`]; at least 1. Panics if the variable holds no such number.
pub fn scaled(full: usize) -> usize {
    scaled_by(full, variable(SCALE).as_deref())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a corpus counts far fewer than 2^52, and the factor is checked"
)]
fn scaled_by(full: usize, factor: Option<&str>) -> usize {
    let factor = factor.map_or(1.0, |text| match text.trim().parse::<f64>() {
        Ok(factor) if factor > 0.0 && factor.is_finite() => factor,
        _ => panic!("{SCALE} is a number above 0, not {text:?}"),
    });
    ((full as f64 * factor).round() as usize).max(1)
}

/// The number that [`SEED`] holds, or a new one. Panics if the variable holds none.
pub fn seed() -> u64 {
    match variable(SEED) {
        Some(text) => text
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("{SEED} is a number from 0 to {}, not {text:?}", u64::MAX)),
        None => RandomState::new().build_hasher().finish(),
    }
}

/// Says once for each part that tests are left out because it is missing; panics where [`REQUIRE`] names the part. The
/// test harness hides what passing tests print, but not what goes to the standard error by itself.
#[cfg(feature = "server")]
pub(crate) fn leave_out(part: &'static str, tests: &str, reason: &Reason) {
    static SAID: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    assert!(!requires(part), "{part} is required, but {reason}");
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.contains(&part) {
        return;
    }
    said.push(part);
    let line = format!("\nLEFT OUT: {tests} ({reason})\n");
    if std::io::stderr().write_all(line.as_bytes()).is_err() {
        println!("{line}");
    }
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

    #[test]
    fn a_scaled_corpus_is_never_empty() {
        assert_eq!(scaled_by(10_000, None), 10_000);
        assert_eq!(scaled_by(10_000, Some("0.1")), 1_000);
        assert_eq!(scaled_by(3, Some("0.001")), 1);
    }
}
