//! `cargo xtask ci`: what has to pass before a change goes in. It stops at the first that does not.

use crate::{process, test, tidy};
use std::path::Path;
use std::process::ExitCode;

/// Runs every step.
pub fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let format = ["fmt", "--all", "--check"];
    let lint = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "xtask/bench",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    for arguments in [&format[..], &lint[..]] {
        announce(&arguments.join(" "));
        let status = process::run(&mut process::cargo(arguments))?;
        if !status.success() {
            return Ok(process::code_of(status));
        }
    }
    announce("xtask tidy");
    if tidy::run(root)? != ExitCode::SUCCESS {
        return Ok(ExitCode::FAILURE);
    }
    let document = ["doc", "--workspace", "--no-deps", "--locked"];
    announce(&document.join(" "));
    let status = process::run(process::cargo(document).env("RUSTDOCFLAGS", "-D warnings"))?;
    if !status.success() {
        return Ok(process::code_of(status));
    }
    announce("xtask test");
    test::all()
}

fn announce(step: &str) {
    eprintln!("== cargo {step}");
}
