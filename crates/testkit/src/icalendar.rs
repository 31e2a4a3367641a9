//! icalendar, a library of Python that reads files for calendars as calendars do, so that ours are not read by our own
//! understanding of the standard alone.

use crate::environment::{self, Reason};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const READ: &str = include_str!("icalendar/read.py");

/// The library.
pub struct Icalendar {
    folder: PathBuf,
}

impl Icalendar {
    /// The library, or none where it is missing and may be left out; says so once. Panics where
    /// [`environment::REQUIRE`] names `icalendar`.
    pub fn unless_left_out() -> Option<Self> {
        let folder = environment::icalendar_folder()
            .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/icalendar"));
        let library = Self { folder };
        match library.run("import icalendar", "") {
            Ok(_) => Some(library),
            Err(error) => {
                let reason = Reason(format!(
                    "{}: {error}; .ci/run fetches it, and {} may name its folder",
                    library.folder.display(),
                    environment::ICALENDAR
                ));
                environment::leave_out("icalendar", "the reading of calendars by a library", &reason);
                None
            }
        }
    }

    /// What is in a file: `method`, `name`, `zones` and `events`, each with `uid`, `sequence`, `status`, `summary`, `location`,
    /// `description`, and `DTSTART` and `DTEND` as `utc` and `local`, once `by_name` of their zone and once `by_definition` in the
    /// file. Panics if the library finds anything wrong.
    pub fn read(&self, file: &str) -> Value {
        let said = self
            .run(READ, file)
            .unwrap_or_else(|error| panic!("icalendar does not read it: {error}\n{file}"));
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    fn run(&self, program: &str, input: &str) -> Result<String, String> {
        let mut python = Command::new("python3")
            .args(["-c", program])
            .env("PYTHONPATH", &self.folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("python3: {error}"))?;
        if let Some(mut stdin) = python.stdin.take() {
            // A program that ends early says why on its own.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = python.wait_with_output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(said.trim().lines().last().unwrap_or("it failed").to_owned())
    }
}
