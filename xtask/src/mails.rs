//! `cargo xtask mails`: writes samples of every message, to be looked at.

use anyhow::{Context, bail, ensure};
use clap::Args;
use notification::samples::{PUBLIC_URL, all, keys};
use notification::{Medium, render_mail, render_text};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The widths of the pictures: a mail program on a desk, and a phone.
const WIDTHS: [u32; 2] = [700, 360];
/// High enough for the longest.
const HEIGHT: u32 = 1_150;

/// Writes every sample as `<kind>-<n>.html`, `.txt` and `.ics`, text messages as `.sms.txt`.
#[derive(Debug, Args)]
pub struct Mails {
    /// Where to; by default target/mails.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Also take pictures of the pages, by Chromium, on light and on dark ground.
    #[arg(long)]
    pictures: bool,
    /// Only samples whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

impl Mails {
    /// Writes them.
    pub fn run(self, root: &Path) -> anyhow::Result<ExitCode> {
        let folder = self.folder.unwrap_or_else(|| root.join("target/mails"));
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let mut pages = Vec::new();
        let mut written = 0;
        for sample in all()
            .into_iter()
            .filter(|sample| sample.name.contains(&self.only))
        {
            let write = |ending: &str, content: &[u8]| -> anyhow::Result<PathBuf> {
                let path = folder.join(format!("{}.{ending}", sample.name));
                fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))?;
                Ok(path)
            };
            match sample.job.to.medium() {
                Medium::Sms => {
                    write(
                        "sms.txt",
                        render_text(&sample.job, PUBLIC_URL, &keys())?.as_bytes(),
                    )?;
                }
                Medium::Email => {
                    let mail = render_mail(&sample.job, PUBLIC_URL, &keys())?;
                    let text = format!("Subject: {}\n\n{}", mail.subject, mail.text);
                    write("txt", text.as_bytes())?;
                    pages.push(write("html", mail.html.as_bytes())?);
                    for file in mail.attachments {
                        write("ics", &file.content)?;
                    }
                }
            }
            written += 1;
        }
        if self.pictures {
            let chromium = chromium()?;
            for page in &pages {
                take_pictures(chromium, page)?;
            }
        }
        println!("{written} messages are in {}", folder.display());
        Ok(ExitCode::SUCCESS)
    }
}

fn chromium() -> anyhow::Result<&'static str> {
    for name in ["chromium", "chromium-browser", "google-chrome"] {
        let asked = Command::new(name).arg("--version").stdout(Stdio::null()).status();
        if asked.is_ok_and(|status| status.success()) {
            return Ok(name);
        }
    }
    bail!("pictures need Chromium")
}

fn take_pictures(chromium: &str, page: &Path) -> anyhow::Result<()> {
    let page = page.canonicalize()?;
    for width in WIDTHS {
        for (ground, argument) in [
            ("light", None),
            ("dark", Some("--blink-settings=preferredColorScheme=0")),
        ] {
            let picture = page.with_extension(format!("{width}-{ground}.png"));
            // A window is never narrower than 500 pixels: the page is shown in a frame of the width that is wanted.
            let frame = page.with_extension("frame.html");
            fs::write(
                &frame,
                format!(
                    "<!doctype html><body style=\"margin:0\"><iframe src=\"{}\" \
                     style=\"border:0;width:{width}px;height:{HEIGHT}px\"></iframe>",
                    page.file_name().unwrap_or_default().to_string_lossy()
                ),
            )?;
            let status = Command::new(chromium)
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
                .args(argument)
                .arg(format!("--screenshot={}", picture.display()))
                .arg(format!("--window-size={},{HEIGHT}", width.max(500)))
                .arg(format!("file://{}", frame.display()))
                .stderr(Stdio::null())
                .status();
            fs::remove_file(&frame)?;
            ensure!(
                status?.success(),
                "{chromium} took no picture of {}",
                page.display()
            );
        }
    }
    Ok(())
}
