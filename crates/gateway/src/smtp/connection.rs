//! One connection to the mail server: how it comes about, and how a mail goes over it.

use super::ANSWER_LIMIT;
use super::before_tls::BeforeTls;
use super::verdict::{BrokenOff, Step, Why};
use crate::compose::{Composed, Sender};
use crate::smtp_url::{Security, SmtpUrl};
use crate::texts::reason;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::response::Response;
use std::fmt::Display;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// How long one address of the server may take to be connected to, so that another is tried as well.
const CONNECT_LIMIT: Duration = Duration::from_secs(8);
/// How long is waited for the answer to a command after which nothing depends on it.
const PARTING_LIMIT: Duration = Duration::from_secs(5);

/// The mail server.
pub(super) struct Server {
    url: SmtpUrl,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    hello: ClientId,
}

/// A mail in the form in which it goes over a connection.
pub(super) struct Letter {
    sender: Address,
    recipient: Address,
    /// With the dot at its end and those before it doubled (RFC 5321, section 4.5.2).
    content: String,
}

impl Letter {
    pub(super) fn new(sender: Address, composed: Composed) -> Self {
        let content = String::from_utf8(composed.content)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let mut content = if content.contains("\r\n.") {
            content.replace("\r\n.", "\r\n..")
        } else {
            content
        };
        if !content.ends_with("\r\n") {
            content.push_str("\r\n");
        }
        content.push_str(".\r\n");
        Self {
            sender,
            recipient: composed.recipient,
            content,
        }
    }
}

impl Server {
    /// The server of the URL, greeted by the sender's domain.
    pub(super) fn new(url: SmtpUrl, from: &Sender, extra_root: Option<Vec<u8>>) -> Result<Self, Error> {
        let tls = match url.security {
            Security::Plain => None,
            Security::StartTls | Security::Tls => {
                let mut tls = TlsParameters::builder(url.host.clone());
                if let Some(certificate) = extra_root {
                    tls = tls.add_root_certificate(Certificate::from_der(certificate)?);
                }
                Some(tls.build()?)
            }
        };
        let credentials = url
            .user
            .clone()
            .map(|(name, password)| Credentials::new(name, password));
        Ok(Self {
            url,
            tls,
            credentials,
            hello: ClientId::Domain(from.domain().to_owned()),
        })
    }

    /// Host and port.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.url.host, self.url.port)
    }

    /// A connection over which mails may go at once: greeted, encrypted, signed in. The reason says at what it failed.
    pub(super) async fn connect(&self, deadline: Instant) -> Result<Connection, String> {
        timeout_at(deadline, self.open())
            .await
            .unwrap_or_else(|_| Err("it does not answer in time".to_owned()))
            .map_err(|what| reason(&format!("{}: {what}", self.name()), ""))
    }

    async fn open(&self) -> Result<Connection, String> {
        let said = |error: Error| error.to_string();
        let mut connection = match (self.url.security, &self.tls) {
            (Security::Tls, Some(tls)) => {
                let address = (self.url.host.as_str(), self.url.port);
                let (limit, tls) = (Some(CONNECT_LIMIT), Some(tls.clone()));
                AsyncSmtpConnection::connect_tokio1(address, limit, &self.hello, tls, None)
                    .await
                    .map_err(said)?
            }
            (Security::StartTls, Some(tls)) => {
                let stream = Box::new(BeforeTls::new(self.stream().await?));
                let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &self.hello)
                    .await
                    .map_err(said)?;
                connection
                    .starttls(tls.clone(), &self.hello)
                    .await
                    .map_err(said)?;
                connection
            }
            _ => {
                let stream = Box::new(self.stream().await?);
                AsyncSmtpConnection::connect_with_transport(stream, &self.hello)
                    .await
                    .map_err(said)?
            }
        };
        if let Some(credentials) = &self.credentials {
            let signed_in = connection.auth(DEFAULT_MECHANISMS, credentials).await;
            signed_in.map_err(|error| match error.status() {
                // What the server says may repeat what it was sent.
                Some(code) => format!("the sign-in was refused ({code})"),
                None if error.is_client() => "it offers no sign-in by PLAIN or LOGIN".to_owned(),
                None => "the connection was lost at the sign-in".to_owned(),
            })?;
        }
        Ok(Connection(connection))
    }

    /// The bytes to the server: at the first of its addresses that can be connected to.
    async fn stream(&self) -> Result<TcpStream, String> {
        let addresses = tokio::net::lookup_host((self.url.host.as_str(), self.url.port)).await;
        let mut reason = "there is no such host".to_owned();
        for address in addresses.map_err(|error| error.to_string())? {
            match tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).map_err(|error| error.to_string())?;
                    return Ok(stream);
                }
                Ok(Err(error)) => reason = error.to_string(),
                Err(_) => reason = String::from("it cannot be connected to in time"),
            }
        }
        Err(reason)
    }
}

/// A connection over which mails may go.
pub(super) struct Connection(AsyncSmtpConnection);

impl Connection {
    /// Hands a letter over, one command after the other.
    pub(super) async fn hand_over(&mut self, letter: &Letter, deadline: Instant) -> Result<(), BrokenOff> {
        let mut parameters = Vec::new();
        let recipient: &str = letter.recipient.as_ref();
        // RFC 6531, section 3.4. The contents are ASCII but for such an address.
        if !recipient.is_ascii() {
            if !self.0.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(BrokenOff::new(Step::Mail, Why::NotSupported));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let mail = Mail::new(Some(letter.sender.clone()), parameters);
        let to = Rcpt::new(letter.recipient.clone(), Vec::new());
        self.command(Step::Mail, mail, deadline).await?;
        self.command(Step::Recipient, to, deadline).await?;
        let go_on = self.command(Step::Data, Data, deadline).await?;
        if !go_on.has_code(354) {
            let said = Why::Lost(format!("DATA was answered with {}", go_on.code()));
            return Err(BrokenOff::new(Step::Data, said));
        }
        // A content is given as a command is, so that it leaves in one piece.
        self.command(Step::Content, &letter.content, deadline).await?;
        Ok(())
    }

    async fn command(
        &mut self,
        step: Step,
        command: impl Display,
        deadline: Instant,
    ) -> Result<Response, BrokenOff> {
        let deadline = deadline.min(Instant::now() + ANSWER_LIMIT);
        let why = match timeout_at(deadline, self.0.command(command)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => Why::of(&error),
            Err(_) => Why::Silent,
        };
        Err(BrokenOff::new(step, why))
    }

    /// Has the server forget a mail that it refused, so that the next may go over the same connection.
    pub(super) async fn reset(&mut self) -> bool {
        let reset = tokio::time::timeout(PARTING_LIMIT, self.0.command(Rset)).await;
        matches!(reset, Ok(Ok(_)))
    }

    /// Whether the server answers.
    pub(super) async fn lives(&mut self) -> bool {
        let lives = tokio::time::timeout(ANSWER_LIMIT, self.0.test_connected()).await;
        lives.unwrap_or(false)
    }

    /// Takes leave.
    pub(super) async fn leave(mut self) {
        let _ = tokio::time::timeout(PARTING_LIMIT, self.0.quit()).await;
    }
}
