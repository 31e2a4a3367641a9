//! The HTTP client for what providers are asked: TLS but on this very machine, no redirects, limits of time and size.

use openidconnect::http::{Response, StatusCode};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use reqwest::{Client, Request, Url};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Bytes of an answer at the most.
const LARGEST: usize = 256 * 1024;
/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// Why there is no answer to go on with. Holds no part of the question.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// The URL would send secrets in the clear.
    #[error("{0} is neither https nor on this machine")]
    NotSecure(String),
    /// The question could not be put, or was not answered in time.
    #[error(transparent)]
    Failed(#[from] reqwest::Error),
    /// It answers that it cannot answer.
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// There is no end to the answer.
    #[error("the answer is too large")]
    TooLarge,
    /// The answer has a form that cannot be handed on.
    #[error("the answer cannot be read")]
    Malformed,
}

impl HttpError {
    /// With what is behind it; none of the causes shows what was sent.
    pub(crate) fn with_causes(&self) -> String {
        told(self)
    }
}

/// Errors with what is behind them.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", told(source)),
        None => error.to_string(),
    }
}

/// Puts questions to a provider.
#[derive(Debug, Clone)]
pub(crate) struct Http(Client);

impl Http {
    /// A client whose every question is answered within `limit`, or not at all.
    pub(crate) fn new(limit: Duration) -> Result<Self, HttpError> {
        let client = Client::builder()
            .redirect(Policy::none())
            // The environment is read in one place, which knows of no proxy.
            .no_proxy()
            .connect_timeout(limit.min(CONNECT_LIMIT))
            .timeout(limit)
            .user_agent(concat!("podium/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self(client))
    }

    /// Posts a form in somebody's name, and gives whatever is answered. What follows a 2xx is not read: it is taken by then,
    /// and an answer that breaks off, or does not end, must not make it look otherwise.
    pub(crate) async fn post_form(
        &self,
        url: Url,
        user: &str,
        password: &str,
        fields: &[(&str, &str)],
    ) -> Result<(StatusCode, Vec<u8>), HttpError> {
        let request = self
            .0
            .post(url)
            .basic_auth(user, Some(password))
            .form(fields)
            .build()?;
        let answer = self.execute(request).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok((status, Vec::new()));
        }
        Ok((status, body_of(answer).await?))
    }

    async fn execute(&self, request: Request) -> Result<reqwest::Response, HttpError> {
        if !is_secure(request.url()) {
            return Err(HttpError::NotSecure(request.url().origin().ascii_serialization()));
        }
        let answer = self.0.execute(request).await;
        Ok(answer.map_err(reqwest::Error::without_url)?)
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.execute(Request::try_from(request)?).await?;
        let status = answer.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(HttpError::Status(status));
        }
        let mut response = Response::builder().status(status);
        if let Some(headers) = response.headers_mut() {
            headers.extend(answer.headers().clone());
        }
        let body = body_of(answer).await?;
        response.body(body).map_err(|_| HttpError::Malformed)
    }
}

async fn body_of(mut answer: reqwest::Response) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(HttpError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// Whether what is sent there can be read by nobody on the way.
pub(crate) fn is_secure(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => url.host_str().is_some_and(is_this_machine),
        _ => false,
    }
}

/// Whether it is a URL that may be asked with secrets: of an issuer, of a gateway.
pub fn is_safe_url(text: &str) -> bool {
    text.parse().is_ok_and(|url| is_secure(&url))
}

/// Whether the URL names a user or a password. It would be written wherever the URL is shown.
pub fn names_a_user(text: &str) -> bool {
    text.parse()
        .is_ok_and(|url: Url| !url.username().is_empty() || url.password().is_some())
}

pub(crate) fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_without_tls() {
        for (url, secure) in [
            ("https://accounts.google.com/x", true),
            ("http://127.0.0.1:9000", true),
            ("http://[::1]:9000", true),
            ("http://localhost:9000", true),
            ("http://accounts.google.com", false),
            ("http://127.0.0.1.evil.example", false),
            ("http://localhost.evil.example", false),
            ("ftp://127.0.0.1", false),
            ("accounts.google.com", false),
            ("https://", false),
        ] {
            assert_eq!(is_safe_url(url), secure, "{url}");
        }
    }
}
