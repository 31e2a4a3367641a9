//! Finds Chromium and its driver, and starts the driver.

use crate::environment::{self, Reason};
use crate::guardian::Guardian;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Ends the driver and the browser, which are one process group, and removes the profile. `$1` is the group, `$2` the folder.
const GUARD: &str = r#"
cat >/dev/null
kill -s KILL -- "-$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$2" 2>/dev/null && break
    sleep 0.1
done
"#;

/// The installed programs.
pub(super) struct Programs {
    pub(super) browser: PathBuf,
    driver: PathBuf,
}

/// Looks for them in the path.
pub(super) fn find() -> Result<Programs, Reason> {
    let folders = environment::path_folders();
    let find = |names: &[&str]| {
        let files = names
            .iter()
            .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        files.into_iter().find(|file| file.is_file())
    };
    let missing =
        || Reason("no Chromium is installed: install the packages chromium and chromium-driver".to_owned());
    Ok(Programs {
        browser: find(&["chromium", "chromium-browser", "google-chrome"]).ok_or_else(missing)?,
        driver: find(&["chromedriver"]).ok_or_else(missing)?,
    })
}

/// What the browser is started with: no window, nothing fetched that no test asks for.
pub(super) fn arguments(folder: &Path) -> Vec<String> {
    let fixed = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-proxy-server",
    ];
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    fixed.into_iter().map(str::to_owned).chain([profile]).collect()
}

/// A running driver. It and its browsers end when this is dropped, or with the process.
pub(super) struct Driver {
    url: String,
    folder: PathBuf,
    guardian: Option<Guardian>,
    process: Child,
}

impl Driver {
    pub(super) fn start(programs: &Programs) -> Result<Self, Reason> {
        let because = |error: std::io::Error| Reason(format!("{}: {error}", programs.driver.display()));
        let folder = tempfile::Builder::new()
            .prefix("podium-browser-")
            .tempdir()
            .map_err(because)?;
        let mut process = Command::new(&programs.driver)
            // The system gives a free port, and the driver says which.
            .arg("--port=0")
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(because)?;
        let group = process.id().to_string();
        let guardian =
            Guardian::start(GUARD, [OsStr::new(&group), folder.path().as_os_str()], None).map_err(because)?;
        let output = process.stdout.take();
        let mut driver = Self {
            url: String::new(),
            // From here on the guardian removes the folder.
            folder: folder.keep(),
            guardian: Some(guardian),
            process,
        };
        let mut lines =
            BufReader::new(output.ok_or_else(|| Reason("the driver says nothing".to_owned()))?).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| port_of(&line));
        let port = port.ok_or_else(|| Reason("the driver did not start".to_owned()))?;
        driver.url = format!("http://127.0.0.1:{port}");
        // What it still says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(driver)
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn process_id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.guardian.take());
        if let Err(error) = self.process.wait() {
            eprintln!("waiting for the browser's end failed: {error}");
        }
    }
}

/// Out of `ChromeDriver was started successfully on port 32911.`
fn port_of(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("successfully on port ")?;
    rest.trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_the_line_that_says_it() {
        assert_eq!(
            port_of("ChromeDriver was started successfully on port 32911."),
            Some(32911)
        );
        assert_eq!(port_of("Starting ChromeDriver 156.0 on port 0"), None);
    }
}
