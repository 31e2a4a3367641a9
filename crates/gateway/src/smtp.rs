//! Mails by SMTP (RFC 5321), over connections that are kept.
//!
//! The conversation is lettre's; when which command is given is decided here and not by its transport, since that does
//! not tell at which command a delivery broke off, asks each kept connection with a NOOP whether it lives, and sends a
//! content and the dot after it apart, which waits for the other side's acknowledgement (Nagle).

mod before_tls;
mod connection;
mod pool;
mod verdict;

use crate::compose::{InvalidSender, Sender, compose};
use crate::smtp_url::{InvalidSmtpUrl, SmtpUrl};
use connection::{Connection, Letter, Server};
use notification::{Delivering, Delivery, Mailer, OutgoingMail};
use pool::Pool;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use verdict::BrokenOff;

/// How long the server may take to answer one command, or to be connected to.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How long one delivery may take: less than the minute that the worker grants it.
const DELIVERY_LIMIT: Duration = Duration::from_secs(50);

/// Which mail server, and who we are.
#[derive(Clone)]
pub struct SmtpOptions {
    /// `mail.smtp_url`: where the server is, and who we are to it.
    pub url: String,
    /// `mail.from`: whom mails are from.
    pub from: String,
    /// How many idle connections are kept: as many as there are senders.
    pub connections: usize,
    /// A certificate (DER) that is trusted beside those of the system; tests sign their own.
    pub extra_root: Option<Vec<u8>>,
}

impl fmt::Debug for SmtpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpOptions(from {})", self.from)
    }
}

/// The options fit no mail server. Holds nothing of the URL.
#[derive(Debug, thiserror::Error)]
pub enum UnusableMailServer {
    /// The URL cannot be read.
    #[error("mail.smtp_url {0}")]
    Url(#[from] InvalidSmtpUrl),
    /// The sender cannot be read.
    #[error("mail.from {0}")]
    From(#[from] InvalidSender),
    /// TLS cannot be set up, for want of certificates that are trusted.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// Hands mails over to a mail server.
pub struct SmtpMailer {
    server: Server,
    from: Sender,
    pool: Arc<Pool>,
}

impl SmtpMailer {
    /// A mailer that has asked the server nothing yet.
    pub fn new(options: SmtpOptions) -> Result<Self, UnusableMailServer> {
        let url = SmtpUrl::parse(&options.url)?;
        let from = Sender::parse(&options.from)?;
        let server = Server::new(url, &from, options.extra_root)
            .map_err(|error| UnusableMailServer::Tls(error.to_string()))?;
        Ok(Self {
            server,
            from,
            pool: Pool::new(options.connections),
        })
    }

    /// Where the mail server is: host and port.
    pub fn server(&self) -> String {
        self.server.name()
    }

    /// Whether the server greets us, encrypts and knows us as it is to; no mail is sent.
    pub async fn check(&self) -> Result<(), String> {
        let mut connection = self.server.connect(Instant::now() + ANSWER_LIMIT).await?;
        let lives = connection.lives().await;
        connection.leave().await;
        if lives {
            Ok(())
        } else {
            Err(format!("{} does not answer NOOP", self.server.name()))
        }
    }

    async fn send(&self, mail: &OutgoingMail) -> Delivery {
        let composed = match compose(&self.from, mail) {
            Ok(composed) => composed,
            Err(error) => return Delivery::Refused(error.to_string()),
        };
        let letter = Letter::new(self.from.address().clone(), composed);
        let deadline = Instant::now() + DELIVERY_LIMIT;
        if let Some(mut kept) = self.pool.take() {
            match kept.hand_over(&letter, deadline).await {
                // It was closed while nobody used it, and nothing of the mail is there: no try of the mail's.
                Err(broken) if broken.was_stale() => drop(kept),
                outcome => return self.settle(kept, outcome, &mail.to_email).await,
            }
        }
        match self
            .server
            .connect(deadline.min(Instant::now() + ANSWER_LIMIT))
            .await
        {
            Err(reason) => Delivery::Unreachable(reason),
            Ok(mut fresh) => {
                let outcome = fresh.hand_over(&letter, deadline).await;
                self.settle(fresh, outcome, &mail.to_email).await
            }
        }
    }

    /// Keeps the connection if it is still good, and says what became of the mail.
    async fn settle(&self, mut connection: Connection, outcome: Result<(), BrokenOff>, to: &str) -> Delivery {
        match outcome {
            Ok(()) => {
                self.pool.park(connection);
                Delivery::Sent
            }
            Err(broken) => {
                if broken.leaves_the_connection() && connection.reset().await {
                    self.pool.park(connection);
                }
                verdict::of(&broken, to)
            }
        }
    }
}

impl Mailer for SmtpMailer {
    fn deliver<'a>(&'a self, mail: &'a OutgoingMail) -> Delivering<'a> {
        Box::pin(self.send(mail))
    }
}
