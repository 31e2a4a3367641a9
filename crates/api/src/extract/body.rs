//! Bodies of requests.

use super::{json_fit, json_tree};
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use kernel::{KeyPurpose, ServerKeys};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Bytes of a body at the most.
pub const LARGEST_BODY: usize = 256 * 1024;

/// A body that is still not complete after so long is given up: whoever sends a byte now and then holds a connection and
/// its memory for nothing.
const PATIENCE: Duration = Duration::from_mins(1);

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// What a request asked for: SHA-256 of its query and its body, byte for byte, in 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    fn of(query: &str, body: &[u8]) -> Self {
        let mut digest = Sha256::new();
        // The length keeps a query apart from a body that begins like it.
        digest.update(query.len().to_be_bytes());
        digest.update(query.as_bytes());
        digest.update(body);
        let mut text = String::with_capacity(64);
        for byte in digest.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The same under the server's key, for a request that holds what can be guessed.
    #[must_use]
    pub fn under_key(&self, keys: &ServerKeys) -> Self {
        Self(keys.mac(KeyPurpose::RequestFingerprint, &[self.0.as_bytes()]))
    }

    /// The fingerprint of a request without a body.
    pub fn without_body(request: &HttpRequest) -> Self {
        Self::of(request.query_string(), b"")
    }
}

/// A JSON object, sent as `application/json`.
#[derive(Debug)]
pub struct JsonBody<T> {
    /// What was sent.
    pub value: T,
    /// For repeats of the same request.
    pub fingerprint: Fingerprint,
}

/// A JSON Merge Patch (RFC 7396), sent as `application/merge-patch+json` or `application/json`.
#[derive(Debug)]
pub struct PatchBody<T> {
    /// What was sent.
    pub value: T,
    /// For repeats of the same request.
    pub fingerprint: Fingerprint,
}

/// A JSON object, or nothing at all, which is read as `{}`.
#[derive(Debug)]
pub struct OptionalJsonBody<T> {
    /// What was sent.
    pub value: T,
    /// For repeats of the same request.
    pub fingerprint: Fingerprint,
}

/// Text in UTF-8, sent as `text/csv`.
#[derive(Debug)]
pub struct CsvBody {
    /// What was sent.
    pub text: String,
    /// For repeats of the same request.
    pub fingerprint: Fingerprint,
}

/// The media type of lists.
pub const CSV: &str = "text/csv";

impl FromRequest for CsvBody {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            require_type(request.headers(), &[CSV])?;
            let bytes = read(request.headers(), payload).await?;
            let fingerprint = Fingerprint::of(request.query_string(), &bytes);
            let text = text_of(&bytes)?.to_owned();
            Ok(Self { text, fingerprint })
        })
    }
}

fn text_of(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes)
        .map_err(|_| Problem::new(ProblemType::BadRequest).detail("The body is not text in UTF-8."))
}

/// The bytes as they came, whatever they are: webhooks.
#[derive(Debug)]
pub struct RawBody {
    /// What was sent.
    pub bytes: Bytes,
    /// For repeats of the same request.
    pub fingerprint: Fingerprint,
}

impl<T: DeserializeOwned> FromRequest for JsonBody<T> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            require_type(request.headers(), &["application/json"])?;
            let (value, fingerprint) = object(&request, payload).await?;
            Ok(Self { value, fingerprint })
        })
    }
}

impl<T: DeserializeOwned> FromRequest for PatchBody<T> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            require_type(
                request.headers(),
                &["application/merge-patch+json", "application/json"],
            )?;
            let (value, fingerprint) = object(&request, payload).await?;
            Ok(Self { value, fingerprint })
        })
    }
}

impl<T: DeserializeOwned> FromRequest for OptionalJsonBody<T> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(request.headers(), payload).await?;
            let fingerprint = Fingerprint::of(request.query_string(), &bytes);
            if bytes.is_empty() {
                return Ok(Self {
                    value: parse(b"{}")?,
                    fingerprint,
                });
            }
            require_type(request.headers(), &["application/json"])?;
            Ok(Self {
                value: parse(&bytes)?,
                fingerprint,
            })
        })
    }
}

impl FromRequest for RawBody {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(request.headers(), payload).await?;
            let fingerprint = Fingerprint::of(request.query_string(), &bytes);
            Ok(Self { bytes, fingerprint })
        })
    }
}

impl RawBody {
    /// Refuses a body that was sent as something else than that media type.
    pub fn require_type(request: &HttpRequest, media_type: &str) -> Result<(), Problem> {
        require_type(request.headers(), &[media_type])
    }

    /// The bytes as text.
    pub fn text(&self) -> Result<&str, Problem> {
        text_of(&self.bytes)
    }
}

async fn object<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: Payload,
) -> Result<(T, Fingerprint), Problem> {
    let bytes = read(request.headers(), payload).await?;
    let value = parse(&bytes)?;
    Ok((value, Fingerprint::of(request.query_string(), &bytes)))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let not_json = |detail: String| Problem::new(ProblemType::NotJson).detail(detail);
    let text = std::str::from_utf8(bytes).map_err(|_| not_json("The body is not UTF-8.".to_owned()))?;
    match json_tree::read(text) {
        Ok(tree) => Ok(json_fit::fit(tree)?),
        Err(json_tree::Unreadable::Invalid(invalid)) => Err(invalid.into()),
        Err(json_tree::Unreadable::NotJson(reason)) => {
            Err(not_json(format!("The body is not JSON: {reason}.")))
        }
    }
}

/// Compares the media type and ignores its parameters, but for a character set other than UTF-8.
pub(super) fn require_type(headers: &HeaderMap, allowed: &[&str]) -> Result<(), Problem> {
    let refused = || {
        Problem::new(ProblemType::UnsupportedMediaType)
            .detail(format!("Send the body as {}.", allowed.join(" or ")))
    };
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(refused)?;
    let mut parts = value.split(';');
    let essence = parts.next().unwrap_or_default().trim();
    let is_utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            matches!(
                value.trim().trim_matches('"').to_ascii_lowercase().as_str(),
                "utf-8" | "utf8" | "us-ascii"
            )
        }
        _ => true,
    });
    let known = allowed
        .iter()
        .any(|media_type| media_type.eq_ignore_ascii_case(essence));
    if known && is_utf8 { Ok(()) } else { Err(refused()) }
}

/// Reads the whole body, and stops at the bound whatever the length header says.
pub(super) async fn read(headers: &HeaderMap, payload: Payload) -> Result<Bytes, Problem> {
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        return Err(Problem::new(ProblemType::UnsupportedMediaType).detail("Send the body uncompressed."));
    }
    let declared: Option<u64> = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length| length > LARGEST_BODY as u64) {
        return Err(ProblemType::BodyTooLarge.into());
    }
    tokio::time::timeout(PATIENCE, gather(payload))
        .await
        .map_err(|_| Problem::new(ProblemType::BadRequest).detail("The body did not arrive in time."))?
}

async fn gather(mut payload: Payload) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            Problem::new(ProblemType::BadRequest)
                .detail("The body broke off.")
                .caused_by(error)
        })?;
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(ProblemType::BodyTooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn the_media_type_decides_and_its_case_and_parameters_do_not() {
        let taken = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            require_type(&headers, &["application/json"]).is_ok()
        };
        assert!(taken("application/json"));
        assert!(taken("Application/JSON; charset=\"UTF-8\""));
        assert!(!taken("application/json; charset=utf-16"));
        assert!(!taken("application/merge-patch+json"));
        assert!(!taken("text/plain"));
        assert!(!taken("application/jsonx"));
        assert!(require_type(&HeaderMap::new(), &["application/json"]).is_err());
    }

    #[test]
    fn a_fingerprint_tells_query_and_body_apart() {
        assert_eq!(Fingerprint::of("", b"x"), Fingerprint::of("", b"x"));
        assert_ne!(Fingerprint::of("", b"x"), Fingerprint::of("x", b""));
        assert_eq!(Fingerprint::of("", b"").0.len(), 64);
    }
}
