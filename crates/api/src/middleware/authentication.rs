//! Who sends a request: the Bearer token, or the cookie where there is no Authorization header.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::route_table::Who;
use crate::state::AppState;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use kernel::{Actor, SignedIn, StoreError};
use std::future::Future;
use std::pin::Pin;

/// The cookie with the access token.
pub const ACCESS_COOKIE: &str = "podium_access";
/// The cookie with the refresh token.
pub const REFRESH_COOKIE: &str = "podium_refresh";

/// A sign-in that is being looked up.
pub type Authenticating<'a> = Pin<Box<dyn Future<Output = Result<SignedIn, AuthFailure>> + Send + 'a>>;

/// Knows whose an access token is.
pub trait Authenticator: Send + Sync {
    /// The answer, if it is known without waiting (a session seen within the last seconds, or a token that is no
    /// token). Called first on every request, so it must neither block nor allocate much.
    fn recall(&self, token: &str) -> Option<Result<SignedIn, AuthFailure>>;

    /// The answer, looked up.
    fn authenticate<'a>(&'a self, token: &'a str) -> Authenticating<'a>;
}

/// Why a token signs nobody in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthFailure {
    /// It is no token of ours.
    #[error("not an access token")]
    Invalid,
    /// Its time is over.
    #[error("the access token has expired")]
    Expired,
    /// Its session was revoked, or the account suspended.
    #[error("the session has ended")]
    SessionEnded,
    /// It could not be looked up.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AuthFailure> for Problem {
    fn from(failure: AuthFailure) -> Self {
        match failure {
            AuthFailure::Invalid => Self::new(ProblemType::Unauthenticated),
            AuthFailure::Expired => {
                Self::new(ProblemType::Unauthenticated).detail("The access token has expired.")
            }
            AuthFailure::SessionEnded => Self::new(ProblemType::SessionEnded),
            AuthFailure::Store(error) => error.into(),
        }
    }
}

/// What a request shows of its sender.
enum Credential<'a> {
    None,
    Bearer(&'a str),
    /// An Authorization header that holds no Bearer token. It wins over cookies all the same.
    OtherHeader,
    Cookie(&'a str),
}

impl<'a> Credential<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            return bearer_token(value.as_bytes()).map_or(Self::OtherHeader, Self::Bearer);
        }
        cookie_value(headers, ACCESS_COOKIE).map_or(Self::None, Self::Cookie)
    }
}

/// The token of `Bearer <token>`; the scheme's case does not matter (RFC 9110, section 11.1).
pub(crate) fn bearer_token(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    let (scheme, token) = text.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The value of a cookie, read without taking all of them apart.
pub fn cookie_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .filter_map(|value| value.to_str().ok())
        .find_map(|line| {
            line.split(';').find_map(|pair| {
                let (key, value) = pair.split_once('=')?;
                (key.trim() == name)
                    .then(|| value.trim().trim_matches('"'))
                    .filter(|value| !value.is_empty())
            })
        })
}

/// Lets a request in as somebody, or says why not. Reads nothing of the body.
pub(super) async fn admit(request: &ServiceRequest, state: &AppState, who: Who) -> Result<Actor, Problem> {
    if who == Who::PublicAsNobody {
        return Ok(Actor::Anonymous);
    }
    let actor = identify(request, state, who).await?;
    match (&actor, who) {
        (Actor::Anonymous, who) if !who.admits_anonymous() => Err(Problem::new(ProblemType::Unauthenticated)),
        (Actor::Anonymous, Who::SignedInOrRefreshCookie) if !has_refresh_cookie(request) => {
            Err(Problem::new(ProblemType::Unauthenticated))
        }
        (_, Who::Permission(permission)) => {
            actor.require(permission)?;
            Ok(actor)
        }
        _ => Ok(actor),
    }
}

async fn identify(request: &ServiceRequest, state: &AppState, who: Who) -> Result<Actor, Problem> {
    let refresh_may_do = who == Who::SignedInOrRefreshCookie && has_refresh_cookie(request);
    match Credential::of(request.headers()) {
        Credential::None => Ok(Actor::Anonymous),
        Credential::OtherHeader if refresh_may_do => Ok(Actor::Anonymous),
        Credential::OtherHeader => Err(Problem::new(ProblemType::Unauthenticated)
            .detail("The Authorization header holds no Bearer token.")),
        Credential::Bearer(token) => match look_up(state, token).await {
            Ok(signed_in) => Ok(Actor::User(signed_in)),
            Err(AuthFailure::Store(error)) => Err(error.into()),
            Err(_) if refresh_may_do => Ok(Actor::Anonymous),
            Err(failure) => Err(failure.into()),
        },
        Credential::Cookie(token) => match look_up(state, token).await {
            Ok(signed_in) => {
                if changes_something(request) && !state.origins.vouch_for(request.headers()) {
                    return Err(Problem::new(ProblemType::OriginNotAllowed));
                }
                Ok(Actor::User(signed_in))
            }
            Err(AuthFailure::Store(error)) => Err(error.into()),
            Err(_) if who.admits_anonymous() => Ok(Actor::Anonymous),
            Err(failure) => Err(failure.into()),
        },
    }
}

async fn look_up(state: &AppState, token: &str) -> Result<SignedIn, AuthFailure> {
    match state.authenticator.recall(token) {
        Some(known) => known,
        None => state.authenticator.authenticate(token).await,
    }
}

fn has_refresh_cookie(request: &ServiceRequest) -> bool {
    cookie_value(request.headers(), REFRESH_COOKIE).is_some()
}

/// Whether the request is more than a read: a method that is not safe (RFC 9110, section 9.2.1), or a WebSocket's
/// opening, which no same-origin policy guards.
pub(super) fn changes_something(request: &ServiceRequest) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        || request.headers().contains_key(header::UPGRADE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn a_bearer_token_is_read_in_any_case_of_its_scheme() {
        assert_eq!(bearer_token(b"Bearer abc"), Some("abc"));
        assert_eq!(bearer_token(b"bearer  abc "), Some("abc"));
        for bad in [&b"Basic abc"[..], b"Bearer", b"Bearer ", b"abc", &[0xff]] {
            assert_eq!(bearer_token(bad), None);
        }
    }

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; xpodium_access=no; podium_access=yes"),
        );
        headers.append(header::COOKIE, HeaderValue::from_static("podium_refresh=\"r\""));
        assert_eq!(cookie_value(&headers, ACCESS_COOKIE), Some("yes"));
        assert_eq!(cookie_value(&headers, REFRESH_COOKIE), Some("r"));
        assert_eq!(cookie_value(&headers, "podium"), None);
    }
}
