//! A mail server in the process of the test, on a thread of its own: it takes mails over real sockets, with or without TLS
//! and a password, keeps them, and does wrong what it is told to.
//!
//! Kept small and quick, since the benchmark of messages sends to it as well: see [`SmtpOptions::keep`].

mod listener;
mod received;
mod rules;
mod session;
mod tls;

pub use received::{ReceivedAttachment, ReceivedMail};
pub use rules::{Reaction, Rule, Stage};

use listener::{Listener, Order};
use rules::Rules;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tls::Identity;
use tokio::sync::Notify;

/// How long [`SmtpServer::wait_for`] waits before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// How the server encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encryption {
    /// It does not.
    #[default]
    None,
    /// When it is asked to (`STARTTLS`), and announces that.
    StartTls,
    /// From the first byte on.
    Implicit,
}

/// What the server is like.
#[derive(Debug, Clone)]
pub struct SmtpOptions {
    /// How it encrypts.
    pub encryption: Encryption,
    /// Who may send; anybody where nobody is named.
    pub user: Option<(String, String)>,
    /// Whether it keeps what it takes. Without, it only counts: for benchmarks.
    pub keep: bool,
}

impl Default for SmtpOptions {
    fn default() -> Self {
        Self {
            encryption: Encryption::None,
            user: None,
            keep: true,
        }
    }
}

/// What the sessions share with the test.
struct Inner {
    options: SmtpOptions,
    identity: Option<Identity>,
    state: Mutex<State>,
    accepted: Notify,
}

#[derive(Default)]
struct State {
    rules: Rules,
    mails: Vec<ReceivedMail>,
    count: usize,
    connections: usize,
    commands: usize,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server. It ends when this is dropped.
pub struct SmtpServer {
    inner: Arc<Inner>,
    listener: Listener,
}

impl SmtpServer {
    /// A server without TLS on a free port of this machine, that takes mails from anybody.
    pub fn start() -> Self {
        Self::start_with(SmtpOptions::default())
    }

    /// A server on a free port of this machine.
    pub fn start_with(options: SmtpOptions) -> Self {
        let identity = (options.encryption != Encryption::None).then(Identity::new);
        let inner = Arc::new(Inner {
            options,
            identity,
            state: Mutex::default(),
            accepted: Notify::new(),
        });
        let listener = Listener::start(Arc::clone(&inner));
        Self { inner, listener }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address
    }

    /// What `mail.smtp_url` is to be, with its user and password if it asks for them. A server with TLS is named
    /// `localhost`, as in its certificate.
    pub fn url(&self) -> String {
        let options = &self.inner.options;
        let (scheme, host) = match options.encryption {
            Encryption::None => ("smtp", "127.0.0.1"),
            Encryption::StartTls => ("smtp", "localhost"),
            Encryption::Implicit => ("smtps", "localhost"),
        };
        let query = match options.encryption {
            Encryption::StartTls => "?tls=required",
            _ => "",
        };
        let user = options
            .user
            .as_ref()
            .map(|(name, password)| format!("{}:{}@", encoded(name), encoded(password)));
        let port = self.address().port();
        format!("{scheme}://{}{host}:{port}{query}", user.unwrap_or_default())
    }

    /// The certificate that it shows (DER), which signs itself; none without TLS.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        self.inner
            .identity
            .as_ref()
            .map(|identity| identity.certificate.clone())
    }

    /// From now on it does that, beside what it was told before; the first rule that fits counts.
    pub fn obey(&self, rule: Rule) {
        self.inner.state().rules.add(rule);
    }

    /// From now on it does what a good server does.
    pub fn behave(&self) {
        self.inner.state().rules = Rules::default();
    }

    /// Listens no more, and breaks off every connection. The port stays its own.
    pub fn down(&self) {
        self.listener.order(Order::Down);
    }

    /// Listens again, on the same port.
    pub fn up(&self) {
        self.listener.order(Order::Up);
    }

    /// Breaks off every connection, and goes on listening.
    pub fn break_connections(&self) {
        self.listener.order(Order::Break);
    }

    /// Everything that was taken, in the order of arrival. Empty where nothing is kept.
    pub fn received(&self) -> Vec<ReceivedMail> {
        self.inner.state().mails.clone()
    }

    /// How many mails were taken.
    pub fn count(&self) -> usize {
        self.inner.state().count
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.inner.state().connections
    }

    /// How many commands it was given, with the contents of mails: each is a round trip where nothing is pipelined.
    pub fn commands(&self) -> usize {
        self.inner.state().commands
    }

    /// Forgets what it has taken and counted.
    pub fn forget(&self) {
        let mut state = self.inner.state();
        state.mails.clear();
        state.count = 0;
        state.connections = 0;
        state.commands = 0;
    }

    /// Waits until it has taken as many mails, and gives them; the test fails if they do not come within a minute.
    pub async fn wait_for(&self, count: usize) -> Vec<ReceivedMail> {
        let enough = async {
            loop {
                let accepted = self.inner.accepted.notified();
                if self.count() >= count {
                    return;
                }
                // A mail may have come between the two: look again now and then.
                let _ = tokio::time::timeout(Duration::from_millis(50), accepted).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, enough).await.is_ok();
        assert!(
            came,
            "{} mails came within {PATIENCE:?}, not {count}",
            self.count()
        );
        self.received()
    }
}

/// As it stands in a URL.
fn encoded(text: &str) -> String {
    let mut url = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}
