//! The binary as it serves, in a process of its own.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The binary, serving from an empty folder until it is dropped.
pub struct Served {
    process: Child,
    /// Host and port.
    pub address: String,
}

impl Served {
    /// With these variables of the environment beside its own.
    pub fn start(folder: &Path, environment: &[(&'static str, String)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_podium"))
            .current_dir(folder)
            .env_clear()
            .env("PODIUM_HTTP__ADDRESS", "127.0.0.1:0")
            .env("PODIUM_AUTH__BCRYPT_COST", "4")
            .env("PODIUM_LOG__FORMAT", "json")
            .envs(environment.iter().cloned())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(process.stderr.take().expect("its log")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let line: Value = serde_json::from_str(&line).ok()?;
                Some(find(&line, "address")?.as_str()?.to_owned())
            })
            .expect("it says where it serves");
        // What it still logs is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    /// As by `kill -9`.
    pub fn kill(mut self) {
        self.process.kill().expect("an end");
        self.process.wait().expect("an end");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The member of that name, however deep.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let members = value.as_object()?;
    members
        .get(name)
        .or_else(|| members.values().find_map(|member| find(member, name)))
}
