//! Text messages through an HTTP gateway in Twilio's form: a message is made by a POST of `To`, `From` and `Body` as a form
//! to the account's list of messages, with the account and its token in the header.

use crate::http::{Http, HttpError, is_secure, names_a_user};
use crate::texts::reason;
use notification::{Delivering, Delivery, OutgoingText, SmsSender};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use std::fmt;
use std::time::Duration;

/// Which gateway, and who we are to it.
#[derive(Clone)]
pub struct SmsOptions {
    /// `sms.url`: where it is, such as `https://api.twilio.com`; `http` only on this machine.
    pub url: String,
    /// `sms.account_sid`: the account.
    pub account_sid: String,
    /// `sms.auth_token`: what shows that it is us.
    pub auth_token: String,
    /// `sms.from`: the number, or name, that texts are from.
    pub from: String,
    /// How long an answer may take.
    pub time_limit: Duration,
}

impl fmt::Debug for SmsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmsOptions({})", self.url)
    }
}

/// The options fit no gateway.
#[derive(Debug, thiserror::Error)]
pub enum UnusableGateway {
    /// The gateway is no URL that could be asked safely.
    #[error("sms.url is no https URL")]
    Url,
    /// The URL names a user, and is logged.
    #[error("sms.url is not to name a user: that is sms.account_sid and sms.auth_token")]
    User,
    /// There is no HTTP client, for want of certificates that are trusted.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
}

/// Hands texts over to a gateway.
pub struct SmsGateway {
    messages: Url,
    options: SmsOptions,
    http: Http,
}

/// What the gateway says when it refuses.
#[derive(Deserialize)]
struct Refusal {
    code: Option<u64>,
    message: Option<String>,
}

impl SmsGateway {
    /// A gateway that is asked nothing yet.
    pub fn new(options: SmsOptions) -> Result<Self, UnusableGateway> {
        if names_a_user(&options.url) {
            return Err(UnusableGateway::User);
        }
        let mut messages: Url = options.url.parse().map_err(|_| UnusableGateway::Url)?;
        if !is_secure(&messages) {
            return Err(UnusableGateway::Url);
        }
        messages
            .path_segments_mut()
            .map_err(|()| UnusableGateway::Url)?
            .pop_if_empty()
            .extend(["2010-04-01", "Accounts", &options.account_sid, "Messages.json"]);
        Ok(Self {
            messages,
            http: Http::new(options.time_limit)
                .map_err(|error| UnusableGateway::Client(error.to_string()))?,
            options,
        })
    }

    async fn send(&self, text: &OutgoingText) -> Delivery {
        let fields = [
            ("To", text.to.as_str()),
            ("From", &self.options.from),
            ("Body", &text.body),
        ];
        let (account, token) = (&self.options.account_sid, &self.options.auth_token);
        match self
            .http
            .post_form(self.messages.clone(), account, token, &fields)
            .await
        {
            Ok((status, body)) => verdict(status, &body, &text.to),
            Err(error) => away(&error),
        }
    }
}

impl SmsSender for SmsGateway {
    fn deliver<'a>(&'a self, text: &'a OutgoingText) -> Delivering<'a> {
        Box::pin(self.send(text))
    }
}

/// What becomes of a text, given the answer:
///
/// - 2xx: the gateway has it (Twilio answers 201), whatever becomes of the rest of the answer.
/// - 401, 403: it does not know us; 404, 405 and redirects: it is not at `sms.url`, or has no such account. The set-up is
///   wrong, and no text is to blame: unreachable.
/// - 408, 429 and 5xx: for now; failed, to be tried again.
/// - Any other 4xx is about this text (a number that does not exist, that has opted out): refused. What Twilio says is
///   kept; its codes change, so none is read.
fn verdict(status: StatusCode, body: &[u8], to: &str) -> Delivery {
    if status.is_success() {
        return Delivery::Sent;
    }
    let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
    let said = refusal.map_or_else(String::new, |refusal| {
        let code = refusal.code.map_or_else(String::new, |code| format!(", {code}"));
        format!("{code}: {}", refusal.message.unwrap_or_default())
    });
    let told = reason(&format!("the gateway answers {}{said}", status.as_u16()), to);
    match status.as_u16() {
        401 | 403 | 404 | 405 | 300..=399 => Delivery::Unreachable(told),
        400..=499 if status != StatusCode::REQUEST_TIMEOUT && status != StatusCode::TOO_MANY_REQUESTS => {
            Delivery::Refused(told)
        }
        _ => Delivery::Failed(told),
    }
}

/// Without an answer: a gateway that cannot be connected to is away; otherwise nobody knows whether it has the text.
fn away(error: &HttpError) -> Delivery {
    let told = reason(&error.with_causes(), "");
    match error {
        HttpError::Failed(error) if error.is_connect() => Delivery::Unreachable(told),
        _ => Delivery::Failed(told),
    }
}
