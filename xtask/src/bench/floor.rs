//! The floor that reads are measured against: the same web framework giving the same bytes, and nothing else.
//!
//! It runs as a process of its own, as the server does: the hidden command `bench floor`.

use actix_web::http::StatusCode;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What the hidden command is given.
#[derive(clap::Args)]
pub struct Arguments {
    /// The file with the body to answer with
    #[arg(long)]
    body: PathBuf,
    /// A header to answer with, as NAME:VALUE; may be given often
    #[arg(long = "header")]
    headers: Vec<String>,
    /// Threads that answer
    #[arg(long)]
    workers: usize,
}

/// Answers every request alike until the standard input closes, which it does with the process that started this one.
pub fn serve(arguments: &Arguments) -> Result<()> {
    let body = web::Bytes::from(std::fs::read(&arguments.body)?);
    let headers: Vec<(String, String)> = arguments
        .headers
        .iter()
        .map(|header| parse(header))
        .collect::<Result<_>>()?;
    let answer = move || {
        let mut response = HttpResponse::build(StatusCode::OK);
        for (name, value) in &headers {
            response.insert_header((name.as_str(), value.as_str()));
        }
        let response = response.body(body.clone());
        async move { response }
    };
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || App::new().default_service(web::to(answer.clone())));
        let server = server
            .workers(arguments.workers)
            .disable_signals()
            .bind(("127.0.0.1", 0))?;
        println!("{}", server.addrs()[0]);
        std::io::stdout().flush()?;
        let running = server.run();
        let handle = running.handle();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            actix_web::rt::System::new().block_on(handle.stop(false));
        });
        running.await.context("the floor stopped")
    })
}

fn parse(header: &str) -> Result<(String, String)> {
    let (name, value) = header
        .split_once(':')
        .with_context(|| format!("{header:?} is no header"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// A floor that runs until this is dropped.
pub struct Floor {
    process: Child,
    /// Where it answers.
    pub address: SocketAddr,
    _body: tempfile::NamedTempFile,
}

impl Floor {
    /// Starts this program again as a floor that answers with these bytes and headers.
    pub fn start(body: &[u8], headers: &[(String, String)], workers: usize) -> Result<Self> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(body)?;
        let mut command = command(file.path(), headers, workers)?;
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("no floor")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("the floor has no output")?).read_line(&mut line)?;
        let Ok(address) = line.trim().parse() else {
            process.kill()?;
            process.wait()?;
            bail!("the floor did not start");
        };
        Ok(Self {
            process,
            address,
            _body: file,
        })
    }
}

fn command(body: &Path, headers: &[(String, String)], workers: usize) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["bench", "floor", "--workers", &workers.to_string(), "--body"])
        .arg(body);
    for (name, value) in headers {
        command.arg("--header").arg(format!("{name}:{value}"));
    }
    Ok(command)
}

impl Drop for Floor {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
