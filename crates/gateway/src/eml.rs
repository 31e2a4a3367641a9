//! Mails as files, where no mail server is configured: one `.eml` for each, which every mail program opens.

use crate::compose::{InvalidSender, Sender, compose};
use notification::{Delivering, Delivery, Mailer, OutgoingMail};
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The folder: what is in the mails confirms addresses and resets passwords.
const FOLDER_MODE: u32 = 0o700;
/// The files.
const FILE_MODE: u32 = 0o600;

/// Writes mails to a folder.
pub struct EmlFolder {
    folder: PathBuf,
    from: Sender,
}

impl EmlFolder {
    /// The folder, which is made with the first mail, for mails from `mail.from`.
    pub fn new(folder: impl Into<PathBuf>, from: &str) -> Result<Self, InvalidSender> {
        Ok(Self {
            folder: folder.into(),
            from: Sender::parse(from)?,
        })
    }

    /// Where the mails are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    async fn write(&self, mail: &OutgoingMail) -> Delivery {
        let composed = match compose(&self.from, mail) {
            Ok(composed) => composed,
            Err(error) => return Delivery::Refused(error.to_string()),
        };
        if !is_file_name(&mail.id) {
            return Delivery::Refused("the id is no name of a file".to_owned());
        }
        let folder = self.folder.clone();
        let id = mail.id.clone();
        let written = tokio::task::spawn_blocking(move || write(&folder, &id, &composed.content)).await;
        match written {
            Ok(Ok(())) => Delivery::Sent,
            // A full disk or a folder of somebody else's: no mail is to blame.
            Ok(Err(error)) => Delivery::Unreachable(format!("{}: {error}", self.folder.display())),
            Err(error) => Delivery::Failed(error.to_string()),
        }
    }
}

impl Mailer for EmlFolder {
    fn deliver<'a>(&'a self, mail: &'a OutgoingMail) -> Delivering<'a> {
        Box::pin(self.write(mail))
    }
}

fn is_file_name(id: &str) -> bool {
    !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The same mail has the same name, so that a second copy takes the place of the first. A file is there as a whole or not
/// at all, also when the process is killed. A loss of power may take the newest files, though their messages count as sent:
/// nothing is synchronised here, since two waits for the disk with each mail would slow down the database beside it. Where
/// mails have to arrive, a mail server is configured, and no file is written.
fn write(folder: &Path, id: &str, content: &[u8]) -> io::Result<()> {
    prepare(folder)?;
    let unfinished = folder.join(format!(".{id}.tmp"));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(&unfinished)?;
    file.write_all(content)?;
    std::fs::rename(&unfinished, folder.join(format!("{id}.eml")))
}

fn prepare(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)?;
    if std::fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))?;
    }
    Ok(())
}
