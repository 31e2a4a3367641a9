//! Finds the installed PostgreSQL, and the account to run it under.

use super::because;
use crate::environment::{self, Reason};
use crate::guardian::Account;
use nix::unistd::{User, geteuid};
use std::path::{Path, PathBuf};

/// Where Debian and its kin keep the programs, in one folder a version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The folder that the environment names, else Debian's newest, else the first in the path that has the programs.
pub(super) fn folder() -> Result<PathBuf, Reason> {
    if let Some(named) = environment::postgres_folder() {
        return if is_complete(&named) {
            Ok(named)
        } else {
            Err(Reason(format!("{} has no initdb and postgres", named.display())))
        };
    }
    newest(Path::new(DEBIAN))
        .or_else(|| environment::path_folders().into_iter().find(|folder| is_complete(folder)))
        .ok_or_else(|| {
            Reason(format!(
                "no PostgreSQL is installed: install the package postgresql, or name the folder of its programs in {} \
                 or a running server in {}",
                environment::POSTGRES_FOLDER,
                environment::DATABASE_URL
            ))
        })
}

fn newest(parent: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(parent).ok()?.filter_map(Result::ok);
    versions
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse::<u32>().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| is_complete(folder))
        .max()
        .map(|(_, folder)| folder)
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

/// The account to run under; none where this process is not root and runs the server as itself.
pub(super) fn unprivileged() -> Result<Option<Account>, Reason> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name).map_err(because("no accounts can be read"))? {
            return Ok(Some(Account {
                user: user.uid.as_raw(),
                group: user.gid.as_raw(),
            }));
        }
    }
    Err(Reason(
        "this runs as root, and there is no account postgres or nobody to run the server".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_complete_version_is_taken() {
        let parent = tempfile::tempdir().unwrap();
        for (version, programs) in [
            ("9", &["initdb", "postgres"][..]),
            ("15", &["initdb", "postgres"]),
            ("17", &["initdb"]),
        ] {
            let folder = parent.path().join(version).join("bin");
            std::fs::create_dir_all(&folder).unwrap();
            for program in programs {
                std::fs::write(folder.join(program), "").unwrap();
            }
        }
        assert_eq!(newest(parent.path()), Some(parent.path().join("15/bin")));
        assert_eq!(newest(&parent.path().join("none")), None);
    }
}
