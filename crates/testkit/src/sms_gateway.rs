//! A local gateway for text messages in Twilio's form: a real HTTP server that takes what the provider's documentation of
//! the resource Message allows and nothing else, and refuses or fails when it is told to.

use crate::local_http::LocalHttp;
use actix_web::dev::ServerHandle;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The account there.
pub const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";
/// What shows that one may use it.
pub const AUTH_TOKEN: &str = "a token: of%20the+tests";
/// The number of the account.
pub const FROM: &str = "+15005550006";

/// Characters of a text at the most.
const LONGEST_BODY: usize = 1600;

/// A text that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedText {
    /// Whom it goes to.
    pub to: String,
    /// What it says.
    pub body: String,
}

/// What the gateway does wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsMisbehaviour {
    /// Answers so: the status, and the provider's code and message.
    Answers(u16, u32, String),
    /// Answers nothing.
    Hangs,
    /// Sends the question on to somebody else.
    Redirects,
    /// Answers a refusal without end.
    Endless,
    /// Answers with a page for people.
    SpeaksHtml(u16),
}

#[derive(Default)]
struct State {
    texts: Vec<ReceivedText>,
    refusals: Vec<String>,
    requests: usize,
    misbehaviour: Option<(Option<String>, SmsMisbehaviour)>,
}

struct Inner {
    url: String,
    state: Mutex<State>,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The gateway. It stops when this is dropped.
pub struct SmsGateway {
    inner: Data<Inner>,
    handle: ServerHandle,
}

impl Drop for SmsGateway {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

impl SmsGateway {
    /// A gateway on a free port.
    #[expect(clippy::unused_async, reason = "says that it needs the test's runtime")]
    pub async fn start() -> Self {
        let port = LocalHttp::bind();
        let inner = Data::new(Inner {
            url: port.url(),
            state: Mutex::default(),
        });
        let shared = inner.clone();
        let handle = port.serve(move |config| {
            config.app_data(shared.clone()).default_service(web::to(answer));
        });
        Self { inner, handle }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// What a server needs to know of it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PODIUM_SMS__URL", self.inner.url.clone()),
            ("PODIUM_SMS__ACCOUNT_SID", ACCOUNT_SID.to_owned()),
            ("PODIUM_SMS__AUTH_TOKEN", AUTH_TOKEN.to_owned()),
            ("PODIUM_SMS__FROM", FROM.to_owned()),
        ]
    }

    /// Does something wrong from now on, or nothing.
    pub fn misbehave(&self, how: impl Into<Option<SmsMisbehaviour>>) {
        self.inner.state().misbehaviour = how.into().map(|how| (None, how));
    }

    /// Does something wrong from now on with texts to this number.
    pub fn misbehave_to(&self, number: &str, how: SmsMisbehaviour) {
        self.inner.state().misbehaviour = Some((Some(number.to_owned()), how));
    }

    /// Does not listen any more.
    pub async fn stop(&self) {
        self.handle.stop(false).await;
    }

    /// Everything that was taken, in the order of arrival.
    pub fn received(&self) -> Vec<ReceivedText> {
        self.inner.state().texts.clone()
    }

    /// What was wrong with what it did not take.
    pub fn refusals(&self) -> Vec<String> {
        self.inner.state().refusals.clone()
    }

    /// How often it was asked.
    pub fn requests(&self) -> usize {
        self.inner.state().requests
    }
}

async fn answer(inner: Data<Inner>, request: HttpRequest, body: Bytes) -> HttpResponse {
    inner.state().requests += 1;
    let text = match read(&request, &body) {
        Ok(text) => text,
        Err((status, code, what)) => {
            inner.state().refusals.push(what.to_owned());
            return refusal(status, code, what);
        }
    };
    let misbehaviour = inner.state().misbehaviour.clone();
    let misbehaviour = misbehaviour
        .filter(|(number, _)| number.as_ref().is_none_or(|number| *number == text.to))
        .map(|(_, how)| how);
    match misbehaviour {
        None => {
            let answer = taken(&text);
            inner.state().texts.push(text);
            answer
        }
        Some(SmsMisbehaviour::Answers(status, code, message)) => refusal(status, code, &message),
        Some(SmsMisbehaviour::Hangs) => {
            tokio::time::sleep(Duration::from_hours(1)).await;
            HttpResponse::InternalServerError().finish()
        }
        Some(SmsMisbehaviour::Redirects) => HttpResponse::TemporaryRedirect()
            .insert_header((header::LOCATION, format!("{}/elsewhere", inner.url)))
            .finish(),
        Some(SmsMisbehaviour::Endless) => {
            let chunks =
                std::iter::repeat_with(|| Ok::<_, actix_web::Error>(Bytes::from_static(&[b' '; 4096])));
            HttpResponse::BadRequest()
                .content_type("application/json")
                .streaming(futures_util::stream::iter(chunks))
        }
        Some(SmsMisbehaviour::SpeaksHtml(status)) => HttpResponse::build(code_of(status))
            .content_type("text/html")
            .body("<h1>Away</h1>"),
    }
}

type Wrong = (u16, u32, &'static str);

/// What the request asks for, if it is one that the provider takes.
fn read(request: &HttpRequest, body: &[u8]) -> Result<ReceivedText, Wrong> {
    let path = format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json");
    if request.path() != path || !request.query_string().is_empty() {
        return Err((404, 20404, "The requested resource was not found"));
    }
    if request.method() != actix_web::http::Method::POST {
        return Err((405, 20004, "Method not allowed"));
    }
    let says = |name: header::HeaderName, value: &str| {
        let mut given = request.headers().get_all(name);
        given.next().is_some_and(|given| given == value) && given.next().is_none()
    };
    let secret = STANDARD.encode(format!("{ACCOUNT_SID}:{AUTH_TOKEN}"));
    if !says(header::AUTHORIZATION, &format!("Basic {secret}")) {
        return Err((401, 20003, "Authenticate"));
    }
    if !says(header::CONTENT_TYPE, "application/x-www-form-urlencoded") {
        return Err((415, 20415, "Unsupported media type"));
    }
    let form = std::str::from_utf8(body).ok().filter(|form| form.is_ascii());
    let fields = form.and_then(|form| Query::<Vec<(String, String)>>::from_query(form).ok());
    let Some(fields) = fields.map(Query::into_inner) else {
        return Err((400, 20001, "The form cannot be read"));
    };
    let [(to_name, to), (from_name, from), (body_name, body)] = fields.as_slice() else {
        return Err((400, 20001, "Other fields than To, From and Body"));
    };
    if [to_name.as_str(), from_name, body_name] != ["To", "From", "Body"] {
        return Err((400, 20001, "Other fields than To, From and Body"));
    }
    if from != FROM {
        return Err((
            400,
            21212,
            "The 'From' number is not a valid phone number, shortcode, or alphanumeric sender ID.",
        ));
    }
    if !is_number(to) {
        return Err((400, 21211, "The 'To' number is not a valid phone number."));
    }
    if body.is_empty() {
        return Err((400, 21602, "Message body is required."));
    }
    if body.chars().count() > LONGEST_BODY {
        return Err((
            400,
            21617,
            "The concatenated message body exceeds the 1600 character limit.",
        ));
    }
    Ok(ReceivedText {
        to: to.clone(),
        body: body.clone(),
    })
}

/// E.164: a plus, and up to 15 digits of which the first is no zero.
fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

fn taken(text: &ReceivedText) -> HttpResponse {
    HttpResponse::Created().json(json!({
        "account_sid": ACCOUNT_SID,
        "api_version": "2010-04-01",
        "body": text.body,
        "direction": "outbound-api",
        "error_code": null,
        "error_message": null,
        "from": FROM,
        "num_media": "0",
        "num_segments": "1",
        "sid": "SM0123456789abcdef0123456789abcdef",
        "status": "queued",
        "to": text.to,
    }))
}

fn refusal(status: u16, code: u32, message: &str) -> HttpResponse {
    HttpResponse::build(code_of(status)).json(json!({
        "code": code,
        "message": message,
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        "status": status,
    }))
}

fn code_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a status")
}
