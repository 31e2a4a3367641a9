//! What the measurements of signing in stand on: the server over a PostgreSQL of its own, with people who have passwords.

use super::database::Database;
use super::fixtures::{self, Size};
use super::server::{self, Server, Settings};
use super::token::Signer;
use anyhow::Result;
use std::path::Path;
use testkit::cluster::{Cluster, Durability};

/// How many people there are: more than are asked for in any run.
pub const PEOPLE: usize = 2_000;
/// The bcrypt hash of a password that nobody types, of the cost that is the server's default.
const HASH: &str = "$2b$12$bUF8Wqu3VI/BuhKjbFTbQ.uhO7Z3oQKus/kluzOKlkMfaDWjV9b76";

/// A running server. It goes before its database.
pub struct Ground {
    /// The server.
    pub server: Server,
    _cluster: Cluster,
}

impl Ground {
    /// Starts everything; without a program the server is built.
    pub fn start(program: Option<&Path>) -> Result<Self> {
        let program = server::given_or_built(program)?;
        let cluster = Cluster::start(Durability::Durable)?;
        let database = Database::create(&cluster, "bench_sign_in")?;
        let signing_key = Signer::new(0)?.key_for_server();
        let settings = Settings {
            database_url: &database.url,
            signing_key: &signing_key,
            workers: std::thread::available_parallelism()?.get(),
        };
        // The first start migrates.
        Server::start(&program, &settings)?.stop()?;
        let size = Size {
            people: PEOPLE,
            events: 100,
            rush_seats: 1,
            hot_events: 0,
        };
        fixtures::fill(&database, size)?;
        database.run(&format!("UPDATE users SET password_hash = '{HASH}'"))?;
        Ok(Self {
            server: Server::start(&program, &settings)?,
            _cluster: cluster,
        })
    }
}

/// The address of a person that the fixtures made, or of nobody; as long as one another.
pub fn address(number: usize, known: bool) -> String {
    let who = if known { "person" } else { "nobody" };
    format!("{who}{number}@podium.example")
}

/// A whole request with a JSON body.
pub fn post(path: &str, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
