//! One connection: commands, answers, contents (RFC 5321, with PIPELINING, 8BITMIME, SMTPUTF8, STARTTLS and AUTH).

use super::received::ReceivedMail;
use super::rules::{Reaction, Stage};
use super::{Encryption, Inner};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use smtp_proto::request::receiver::{DataReceiver, LineReceiver, RequestReceiver};
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, Error, MAIL_BODY_8BITMIME, MAIL_SMTPUTF8, MailFrom, Request};
use std::slice::Iter;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Characters of a line of a content at the most (RFC 5321, section 4.5.3.1.6), without its end.
const LONGEST_LINE: usize = 998;

/// How a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Command,
    Credentials,
    Content,
    StartTls,
    End,
}

/// Whether the server does at a stage what a good one does.
enum Course {
    Usual,
    Answered,
    Ended,
}

/// Serves a connection until it is over.
pub(super) async fn run(inner: Arc<Inner>, stream: TcpStream) {
    match (&inner.identity, inner.options.encryption) {
        (Some(identity), Encryption::Implicit) => {
            if let Ok(stream) = identity.acceptor.accept(stream).await {
                Session::new(Arc::clone(&inner), stream, true).serve(true).await;
            }
        }
        (identity, _) => {
            let mut session = Session::new(Arc::clone(&inner), stream, false);
            let wants_tls = session.serve(true).await == Next::StartTls;
            if let (true, Some(identity)) = (wants_tls, identity)
                && let Ok(stream) = identity.acceptor.accept(session.stream).await
            {
                Session::new(Arc::clone(&inner), stream, true).serve(false).await;
            }
        }
    }
}

struct Session<S> {
    inner: Arc<Inner>,
    stream: S,
    encrypted: bool,
    /// Answers that are not written yet: those to commands that came together leave together.
    answers: Vec<u8>,
    /// It said at once that it takes nothing.
    turned_away: bool,
    greeted: bool,
    user: Option<String>,
    credentials: Credentials,
    sender: Option<MailFrom<String>>,
    recipients: Vec<String>,
    content: Vec<u8>,
    commands: usize,
}

/// What came of AUTH so far.
#[derive(Default)]
struct Credentials {
    mechanism: u64,
    name: Option<String>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(inner: Arc<Inner>, stream: S, encrypted: bool) -> Self {
        Self {
            inner,
            stream,
            encrypted,
            answers: Vec::new(),
            turned_away: false,
            greeted: false,
            user: None,
            credentials: Credentials::default(),
            sender: None,
            recipients: Vec::new(),
            content: Vec::new(),
            commands: 0,
        }
    }

    async fn serve(&mut self, greets: bool) -> Next {
        if greets {
            match self.react(Stage::Greeting, &[]).await {
                Course::Usual => self.answer(220, "podium.test ESMTP"),
                Course::Answered => self.turned_away = true,
                Course::Ended => return self.end().await,
            }
        }
        let mut requests = RequestReceiver::default();
        let mut lines = LineReceiver::<()>::default();
        let mut data = DataReceiver::new();
        let mut chunk = vec![0; 64 * 1024];
        let mut next = Next::Command;
        loop {
            if self.flush().await.is_err() {
                return Next::End;
            }
            let Ok(length @ 1..) = self.stream.read(&mut chunk).await else {
                return Next::End;
            };
            let mut bytes = chunk[..length].iter();
            while !bytes.as_slice().is_empty() {
                next = match next {
                    Next::Command => match requests.ingest(&mut bytes) {
                        Err(Error::NeedsMoreData { .. }) => break,
                        parsed => {
                            let parsed = parsed.map(Request::into_owned);
                            self.command(parsed).await
                        }
                    },
                    Next::Credentials => {
                        if !lines.ingest(&mut bytes) {
                            break;
                        }
                        let line = String::from_utf8_lossy(&std::mem::take(&mut lines.buf)).into_owned();
                        self.credentials(&line).await
                    }
                    Next::Content => self.content(&mut data, &mut bytes).await,
                    over => over,
                };
                if next == Next::StartTls || next == Next::End {
                    self.end().await;
                    return next;
                }
            }
        }
    }

    async fn end(&mut self) -> Next {
        let _ = self.flush().await;
        Next::End
    }

    /// Writes what is to be said, and counts the commands that were given.
    async fn flush(&mut self) -> std::io::Result<()> {
        if self.commands > 0 {
            self.inner.state().commands += std::mem::take(&mut self.commands);
        }
        if !self.answers.is_empty() {
            self.stream.write_all(&self.answers).await?;
            self.stream.flush().await?;
            self.answers.clear();
        }
        Ok(())
    }

    fn answer(&mut self, code: u16, text: &str) {
        self.answers
            .extend_from_slice(format!("{code} {text}\r\n").as_bytes());
    }

    /// An answer after which the next command is waited for.
    fn says(&mut self, code: u16, text: &str) -> Next {
        self.answer(code, text);
        Next::Command
    }

    async fn react(&mut self, stage: Stage, recipients: &[String]) -> Course {
        let reaction = self.inner.state().rules.take(stage, recipients);
        match reaction {
            None => Course::Usual,
            Some(Reaction::Delay(time)) => {
                let _ = self.flush().await;
                tokio::time::sleep(time).await;
                Course::Usual
            }
            Some(Reaction::Answer(code, text)) => {
                self.answer(code, &text);
                if code == 421 {
                    Course::Ended
                } else {
                    Course::Answered
                }
            }
            Some(Reaction::TakeAndHangUp) if stage == Stage::EndOfContent => {
                self.take();
                Course::Ended
            }
            Some(Reaction::HangUp | Reaction::TakeAndHangUp) => Course::Ended,
            Some(Reaction::Hang) => {
                let _ = self.flush().await;
                std::future::pending().await
            }
        }
    }

    /// What a command is answered.
    async fn command(&mut self, request: Result<Request<String>, Error>) -> Next {
        self.commands += 1;
        if self.turned_away && !matches!(request, Ok(Request::Quit)) {
            return self.says(503, "5.5.1 nothing is taken here");
        }
        let request = match request {
            Ok(request) => request,
            Err(Error::UnknownCommand) => return self.says(500, "5.5.2 what?"),
            Err(Error::InvalidSenderAddress | Error::InvalidRecipientAddress) => {
                return self.says(553, "5.1.3 that is no address");
            }
            Err(error) => return self.says(501, &format!("5.5.4 {error}")),
        };
        let stage = match &request {
            Request::Ehlo { .. } | Request::Helo { .. } => Some((Stage::Hello, Vec::new())),
            Request::Mail { .. } => Some((Stage::Mail, Vec::new())),
            Request::Rcpt { to } => Some((Stage::Recipient, vec![to.address.clone()])),
            Request::Data => Some((Stage::Data, self.recipients.clone())),
            _ => None,
        };
        if let Some((stage, recipients)) = stage {
            match self.react(stage, &recipients).await {
                Course::Usual => {}
                Course::Answered => return Next::Command,
                Course::Ended => return Next::End,
            }
        }
        match request {
            Request::Ehlo { .. } => self.hello(),
            Request::Helo { .. } => {
                self.greeted = true;
                self.says(250, "podium.test")
            }
            Request::StartTls => self.start_tls().await,
            Request::Auth {
                mechanism,
                initial_response,
            } => self.auth(mechanism, &initial_response).await,
            Request::Mail { from } => self.mail(from),
            Request::Rcpt { to } => self.recipient(to.address),
            Request::Data => self.data(),
            Request::Rset => {
                self.forget();
                self.says(250, "2.0.0 forgotten")
            }
            Request::Noop { .. } => self.says(250, "2.0.0 done"),
            Request::Vrfy { .. } => self.says(252, "2.1.5 who knows"),
            Request::Quit => {
                self.answer(221, "2.0.0 bye");
                Next::End
            }
            other => self.says(502, &format!("5.5.1 there is no {} here", other.name())),
        }
    }

    fn forget(&mut self) {
        self.sender = None;
        self.recipients.clear();
        self.content.clear();
    }

    fn hello(&mut self) -> Next {
        self.greeted = true;
        self.forget();
        let announces_tls = !self.encrypted && self.inner.options.encryption == Encryption::StartTls;
        let announces_auth = self.inner.options.user.is_some() && !announces_tls;
        let mut lines = vec![
            "podium.test",
            "PIPELINING",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
        ];
        if announces_tls {
            lines.push("STARTTLS");
        }
        if announces_auth {
            lines.push("AUTH PLAIN LOGIN");
        }
        for line in lines {
            self.answers
                .extend_from_slice(format!("250-{line}\r\n").as_bytes());
        }
        self.says(250, "SIZE 10485760")
    }

    async fn start_tls(&mut self) -> Next {
        if self.encrypted || self.inner.options.encryption != Encryption::StartTls {
            return self.says(502, "5.5.1 there is no TLS here");
        }
        let before = self.answers.len();
        match self.react(Stage::StartTls, &[]).await {
            Course::Usual => self.answer(220, "2.0.0 go ahead"),
            Course::Answered if self.answers[before..].starts_with(b"220") => {}
            Course::Answered => return Next::Command,
            Course::Ended => return Next::End,
        }
        Next::StartTls
    }

    async fn auth(&mut self, mechanism: u64, initial: &str) -> Next {
        if self.inner.options.user.is_none() || self.user.is_some() {
            return self.says(503, "5.5.1 nobody signs in here");
        }
        if !self.encrypted && self.inner.options.encryption == Encryption::StartTls {
            return self.says(538, "5.7.11 not without TLS");
        }
        if mechanism != AUTH_PLAIN && mechanism != AUTH_LOGIN {
            return self.says(504, "5.5.4 not this way");
        }
        self.credentials = Credentials {
            mechanism,
            name: None,
        };
        if !initial.is_empty() {
            return self.credentials(initial).await;
        }
        self.answer(
            334,
            if mechanism == AUTH_LOGIN {
                "VXNlcm5hbWU6"
            } else {
                ""
            },
        );
        Next::Credentials
    }

    /// One line of what somebody signs in with.
    async fn credentials(&mut self, line: &str) -> Next {
        let Some(text) = STANDARD
            .decode(line)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
        else {
            return self.says(501, "5.5.2 that is no base64");
        };
        let given = if self.credentials.mechanism == AUTH_PLAIN {
            // RFC 4616: whom to act for, who one is, the password.
            let mut parts = text.splitn(3, '\0').skip(1).map(str::to_owned);
            parts.next().zip(parts.next())
        } else {
            let Some(name) = self.credentials.name.take() else {
                self.credentials.name = Some(text);
                self.answer(334, "UGFzc3dvcmQ6");
                return Next::Credentials;
            };
            Some((name, text))
        };
        match self.react(Stage::Auth, &[]).await {
            Course::Usual => {}
            Course::Answered => return Next::Command,
            Course::Ended => return Next::End,
        }
        if given != self.inner.options.user {
            return self.says(535, "5.7.8 no such name and password");
        }
        self.user = given.map(|(name, _)| name);
        self.says(235, "2.7.0 welcome")
    }

    fn mail(&mut self, from: MailFrom<String>) -> Next {
        if !self.greeted || self.sender.is_some() {
            return self.says(503, "5.5.1 not now");
        }
        if !self.encrypted && self.inner.options.encryption == Encryption::StartTls {
            return self.says(530, "5.7.0 not without TLS");
        }
        if self.inner.options.user.is_some() && self.user.is_none() {
            return self.says(530, "5.7.0 sign in first");
        }
        if !from.address.is_ascii() && from.flags & MAIL_SMTPUTF8 == 0 {
            return self.says(553, "5.6.7 not without SMTPUTF8");
        }
        self.sender = Some(from);
        self.says(250, "2.1.0 fine")
    }

    fn recipient(&mut self, address: String) -> Next {
        let Some(sender) = &self.sender else {
            return self.says(503, "5.5.1 MAIL first");
        };
        if !address.is_ascii() && sender.flags & MAIL_SMTPUTF8 == 0 {
            return self.says(553, "5.6.7 not without SMTPUTF8");
        }
        self.recipients.push(address);
        self.says(250, "2.1.5 fine")
    }

    fn data(&mut self) -> Next {
        if self.recipients.is_empty() {
            return self.says(503, "5.5.1 RCPT first");
        }
        self.answer(354, "go on");
        Next::Content
    }

    /// The next bytes of a content.
    async fn content(&mut self, data: &mut DataReceiver, bytes: &mut Iter<'_, u8>) -> Next {
        let recipients = self.recipients.clone();
        if self.content.is_empty() {
            match self.react(Stage::Content, &recipients).await {
                Course::Usual | Course::Answered => {}
                Course::Ended => return Next::End,
            }
        }
        if !data.ingest(bytes, &mut self.content) {
            return Next::Content;
        }
        *data = DataReceiver::new();
        self.commands += 1;
        match self.react(Stage::EndOfContent, &recipients).await {
            Course::Ended => return Next::End,
            Course::Answered => {}
            Course::Usual => {
                if let Some(fault) = self.fault() {
                    self.answer(554, &format!("5.6.0 {fault}"));
                } else {
                    self.take();
                    self.answer(250, "2.0.0 taken");
                }
            }
        }
        self.forget();
        Next::Command
    }

    /// Why a strict server would not take the content.
    fn fault(&self) -> Option<&'static str> {
        if !self.inner.options.keep {
            return None;
        }
        let flags = self.sender.as_ref().map_or(0, |sender| sender.flags);
        if flags & (MAIL_BODY_8BITMIME | MAIL_SMTPUTF8) == 0 && !self.content.is_ascii() {
            return Some("eight bits without 8BITMIME");
        }
        let mut lines = self.content.split(|byte| *byte == b'\n');
        // What follows the last line end.
        if lines.next_back().is_none_or(|rest| !rest.is_empty()) {
            return Some("the last line has no end");
        }
        for line in lines {
            let Some(line) = line.strip_suffix(b"\r") else {
                return Some("a line feed alone");
            };
            if line.contains(&b'\r') {
                return Some("a carriage return alone");
            }
            if line.len() > LONGEST_LINE {
                return Some("a line is too long");
            }
        }
        None
    }

    fn take(&mut self) {
        let mut state = self.inner.state();
        state.count += 1;
        if self.inner.options.keep {
            state.mails.push(ReceivedMail {
                from: self
                    .sender
                    .take()
                    .map(|sender| sender.address)
                    .unwrap_or_default(),
                to: std::mem::take(&mut self.recipients),
                raw: std::mem::take(&mut self.content),
                encrypted: self.encrypted,
                user: self.user.clone(),
            });
        }
        drop(state);
        self.inner.accepted.notify_waiters();
    }
}
