//! Cleans up when this process is gone, however it went: a small shell that reads a pipe whose other end only this
//! process holds. When the pipe closes, the shell does its last duty and ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// An account of the machine, by its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub user: u32,
    pub group: u32,
}

/// A shell that waits for the end of this process. Dropping it lets it do its duty now and waits for that.
#[derive(Debug)]
pub(crate) struct Guardian {
    shell: Child,
}

impl Guardian {
    /// Starts `script` under `sh`; `arguments` are its `$1`, `$2`, …. The script must wait for the end of its standard
    /// input before it cleans up. It has a process group of its own, so that a Ctrl-C at the terminal, which goes to
    /// the whole group, does not end it before its duty.
    pub fn start<'a>(
        script: &str,
        arguments: impl IntoIterator<Item = &'a std::ffi::OsStr>,
        account: Option<Account>,
    ) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).arg("sh").args(arguments);
        command
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.env("LC_ALL", "C").process_group(0);
        run_as(&mut command, account);
        Ok(Self {
            shell: command.spawn()?,
        })
    }

    /// Removes a folder when this process is gone.
    #[cfg(feature = "server")]
    pub fn of_folder(folder: &Path) -> io::Result<Self> {
        Self::start("cat >/dev/null; rm -rf \"$1\"", [folder.as_os_str()], None)
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        if let Err(error) = self.shell.wait() {
            eprintln!("waiting for the clean-up failed: {error}");
        }
    }
}

/// Lets a command run under another account.
pub(crate) fn run_as(command: &mut Command, account: Option<Account>) {
    if let Some(Account { user, group }) = account {
        command.uid(user).gid(group);
    }
}

/// Gives a folder to another account.
pub(crate) fn give(folder: &Path, account: Option<Account>) -> io::Result<()> {
    match account {
        Some(Account { user, group }) => std::os::unix::fs::chown(folder, Some(user), Some(group)),
        None => Ok(()),
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_guardian() {
        let folder = tempfile::Builder::new()
            .prefix("podium-guardian-")
            .tempdir()
            .unwrap()
            .keep();
        std::fs::write(folder.join("file"), "x").unwrap();
        let guardian = Guardian::of_folder(&folder).unwrap();
        assert!(folder.exists());
        drop(guardian);
        assert!(!folder.exists());
    }
}
