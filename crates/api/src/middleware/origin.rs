//! Which origins may send what a cookie signs in.
//!
//! A browser sends cookies along with requests that another site makes; it also says where such a request comes from,
//! in headers that no page can forge. One of them must vouch for the request.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpRequest};
use std::future::{Ready, ready};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The server's own origin and those that the operator named.
#[derive(Debug, Clone)]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// The origin of `public_url` and the others.
    pub fn new(public_url: &str, others: &[String]) -> Self {
        let all = std::iter::once(public_url).chain(others.iter().map(String::as_str));
        Self(all.filter_map(origin_of).collect())
    }

    /// Whether the headers vouch for the request: `Origin` names one of these, or `Sec-Fetch-Site` says that the
    /// request comes from this very origin or from the person (an address typed, a bookmark).
    pub fn vouch_for(&self, headers: &HeaderMap) -> bool {
        let by_origin = || {
            let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
            Some(self.contains(origin))
        };
        let by_site = || {
            let site = headers.get(SEC_FETCH_SITE)?.as_bytes();
            Some(site == b"same-origin" || site == b"none")
        };
        by_origin().unwrap_or(false) || by_site().unwrap_or(false)
    }

    /// Whether it is one of these.
    pub fn contains(&self, origin: &str) -> bool {
        origin_of(origin).is_some_and(|origin| self.0.contains(&origin))
    }
}

/// The request was not made by a page of another site, as far as the browser says. For forms that no cookie signs in:
/// the page's own policy keeps the browser from naming the origin, so silence is no reason to refuse.
pub struct OwnSite;

impl FromRequest for OwnSite {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let site = request.headers().get(SEC_FETCH_SITE);
        let elsewhere = site.is_some_and(|site| site == "cross-site" || site == "same-site");
        ready(if elsewhere {
            Err(Problem::new(ProblemType::OriginNotAllowed).detail(
                "The form was sent from another site. Open the link of the mail, and send the form from there.",
            ))
        } else {
            Ok(Self)
        })
    }
}

/// Scheme, host and port in lower case (RFC 6454), without a port that the scheme implies.
fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest
        .split(['/', '?', '#'])
        .next()
        .filter(|host| !host.is_empty())?;
    let scheme = scheme.to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    let implied = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    Some(format!(
        "{scheme}://{}",
        host.strip_suffix(implied).unwrap_or(&host)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn vouched(headers: &[(HeaderName, &'static str)]) -> bool {
        let origins = AllowedOrigins::new(
            "https://Podium.example:443/base",
            &["http://localhost:5173".to_owned()],
        );
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name.clone(), HeaderValue::from_static(value));
        }
        origins.vouch_for(&map)
    }

    #[test]
    fn the_own_origin_and_the_named_ones_are_vouched_for() {
        assert!(vouched(&[(header::ORIGIN, "https://podium.example")]));
        assert!(vouched(&[(header::ORIGIN, "http://localhost:5173")]));
        assert!(vouched(&[(SEC_FETCH_SITE, "same-origin")]));
        assert!(vouched(&[(SEC_FETCH_SITE, "none")]));
    }

    #[test]
    fn others_and_silence_are_not() {
        assert!(!vouched(&[]));
        assert!(!vouched(&[(header::ORIGIN, "null")]));
        assert!(!vouched(&[(header::ORIGIN, "http://podium.example")]));
        assert!(!vouched(&[(
            header::ORIGIN,
            "https://podium.example.evil.example"
        )]));
        assert!(!vouched(&[
            (header::ORIGIN, "http://localhost:5174"),
            (SEC_FETCH_SITE, "same-site")
        ]));
        assert!(!vouched(&[(SEC_FETCH_SITE, "cross-site")]));
    }
}
