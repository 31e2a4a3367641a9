//! Running cargo. Its environment and its exit code are passed on as they are.

use anyhow::Context;
use std::ffi::OsStr;
use std::process::{Command, ExitCode, ExitStatus};

/// A call of cargo in the folder of the workspace, wherever the developer stands.
pub fn cargo<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(crate::root());
    command
}

/// A command that this build leaves out: xtask builds itself anew with the feature of that name.
#[cfg(not(all(feature = "bench", feature = "mails")))]
#[derive(Debug, clap::Args)]
pub struct Again {
    /// What the command takes; `--help` tells.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<std::ffi::OsString>,
}

#[cfg(not(all(feature = "bench", feature = "mails")))]
impl Again {
    /// Runs the command of that name, built by this profile.
    pub fn run(self, name: &str, profile: &str) -> anyhow::Result<ExitCode> {
        let call = [
            "run",
            "--quiet",
            profile,
            "--package",
            "xtask",
            "--features",
            name,
            "--",
            name,
        ];
        Ok(code_of(run(cargo(call).args(self.arguments))?))
    }
}

/// Runs it and waits.
pub fn run(command: &mut Command) -> anyhow::Result<ExitStatus> {
    command
        .status()
        .with_context(|| format!("{} cannot be started", command.get_program().display()))
}

/// The exit code to pass on; one that was ended by a signal failed.
pub fn code_of(status: ExitStatus) -> ExitCode {
    match status.code() {
        Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        None => ExitCode::FAILURE,
    }
}
