//! Signing in with an account elsewhere: there, and back.
//!
//! What ties the way back to the way there lies sealed in a cookie of the browser's, so that the server keeps nothing of
//! people who do not come back. Why a sign-in is refused is told to the log alone.

use super::auth::{cookie_of, new_session, sign_in_cookies};
use crate::extract::{Caller, QueryParams};
use crate::middleware::cookie_value;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::{AppState, SharedState};
use actix_web::cookie::Cookie;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use auth::{ExternalSignIn, IdentityProvider, RefreshToken, SignInAttempt};
use chrono::TimeDelta;
use kernel::{Ctx, Instant, KeyPurpose, ServerKeys};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::IntoParams;

/// The cookie of somebody who is on the way.
const COOKIE: &str = "podium_oidc";
/// It goes nowhere else.
const COOKIE_PATH: &str = "/api/v1/auth/google";
/// How long a person may take to sign in elsewhere.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// Where to go afterwards.
#[derive(Debug, Clone, Deserialize, IntoParams)]
pub struct StartParams {
    /// One of the paths that the server allows; without it, the first of them.
    return_to: Option<String>,
}

/// What the issuer sends back with the browser. Issuers add parameters of their own.
#[derive(Deserialize, IntoParams)]
pub struct CallbackParams {
    /// For which the issuer tells who it was.
    code: Option<String>,
    /// The one that was sent there.
    state: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    #[serde(flatten)]
    #[param(ignore)]
    #[expect(
        clippy::zero_sized_map_values,
        reason = "what takes in the rest has to be a map"
    )]
    _others: BTreeMap<String, IgnoredAny>,
}

/// What is kept of a sign-in that has begun.
#[derive(Serialize, Deserialize)]
struct OnTheWay {
    state: String,
    nonce: String,
    pkce_verifier: String,
    return_to: String,
    made_at: Instant,
}

/// Sends the browser to the issuer.
pub async fn start(
    Caller(ctx): Caller,
    query: Result<QueryParams<StartParams>, Problem>,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let provider = provider(&state)?;
    let return_to = allowed_path(&state, query?.0.return_to)?;
    let attempt = SignInAttempt::generate().map_err(Problem::internal)?;
    let url = provider.authorization_url(&attempt).await?;
    let kept = OnTheWay {
        state: attempt.state,
        nonce: attempt.nonce,
        pkce_verifier: attempt.pkce_verifier,
        return_to,
        made_at: ctx.now,
    };
    let sealed = kept.seal(&state.keys)?;
    let lasts = CookieDuration::seconds(PATIENCE.num_seconds());
    Ok(HttpResponse::Found()
        .insert_header((header::LOCATION, url))
        .cookie(cookie_of(&state, COOKIE, sealed, COOKIE_PATH, lasts))
        .finish())
}

/// See [`start`].
pub fn describe_start(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Sign in with Google")
        .description(
            "For browsers: it leads to Google, from there to the callback, and from there to `return_to`.",
        )
        .query::<StartParams>()
        .answer_empty(
            302,
            "To the issuer; a cookie holds what the way back is checked against.",
        )
        .with_header("Location", "The issuer's page.")
        .problems(&[ProblemType::GoogleNotConfigured, ProblemType::Unavailable])
}

/// Takes the browser back and signs the person in.
pub async fn callback(
    request: HttpRequest,
    Caller(ctx): Caller,
    query: Result<QueryParams<CallbackParams>, Problem>,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let provider = provider(&state)?;
    // Whatever comes of it, the cookie has done its part.
    let gone = gone(&state);
    match finish(&request, &state, &ctx, provider, query).await {
        Ok(mut response) => {
            response.add_cookie(&gone).map_err(Problem::internal)?;
            Ok(response)
        }
        Err(problem) => {
            if problem.kind() == ProblemType::ExternalSignInRefused {
                tracing::info!(
                    request_id = %ctx.request_id,
                    cause = problem.cause().unwrap_or("not told"),
                    "a sign-in elsewhere is refused",
                );
            }
            let cookie = HeaderValue::from_str(&gone.to_string()).map_err(Problem::internal)?;
            Err(problem.header(header::SET_COOKIE, cookie))
        }
    }
}

/// See [`callback`].
pub fn describe_callback(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Come back from Google")
        .description("Google sends the browser here. The tokens are set as cookies, and stand in no URL.")
        .query::<CallbackParams>()
        .answer_empty(303, "Signed in: the tokens are set as cookies.")
        .with_header("Location", "The path that was asked for at the start.")
        .problems(&[
            ProblemType::GoogleNotConfigured,
            ProblemType::ExternalSignInRefused,
            ProblemType::Unavailable,
        ])
}

async fn finish(
    request: &HttpRequest,
    state: &AppState,
    ctx: &Ctx,
    provider: &Arc<dyn IdentityProvider>,
    query: Result<QueryParams<CallbackParams>, Problem>,
) -> Result<HttpResponse, Problem> {
    let QueryParams(params) = query?;
    let kept = cookie_value(request.headers(), COOKIE)
        .and_then(|sealed| OnTheWay::open(&state.keys, sealed))
        .ok_or_else(|| refused("no cookie of ours came"))?;
    if params.state.as_ref() != Some(&kept.state) {
        return Err(refused("the state is not the one of this browser"));
    }
    if ctx.now - kept.made_at > PATIENCE {
        return Err(refused("it took too long"));
    }
    let code = match (params.error, params.code) {
        (None, Some(code)) => code,
        (Some(_), _) => return Err(refused("the issuer sent an error back")),
        (None, None) => return Err(refused("the issuer sent no code")),
    };
    let attempt = SignInAttempt {
        state: kept.state,
        nonce: kept.nonce,
        pkce_verifier: kept.pkce_verifier,
    };
    let command = ExternalSignIn {
        identity: provider.exchange(&attempt, &code).await?,
        provider: provider.name().to_owned(),
        session: new_session(request, state, ctx),
        refresh_token: RefreshToken::generate().map_err(Problem::internal)?,
    };
    let token = command.refresh_token.clone();
    let (moment, keys) = (ctx.clone(), Arc::clone(&state.keys));
    let (_, session) = state
        .store
        .write(move |tx| auth::external_sign_in(tx, &moment, &keys, command.clone()))
        .await?;
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, kept.return_to));
    for cookie in sign_in_cookies(state, ctx, &session, &token)? {
        response.cookie(cookie);
    }
    Ok(response.finish())
}

fn provider(state: &AppState) -> Result<&Arc<dyn IdentityProvider>, Problem> {
    state
        .identity_provider
        .as_ref()
        .ok_or_else(|| ProblemType::GoogleNotConfigured.into())
}

/// The path as it is allowed, letter by letter: anything cleverer would be an open redirect sooner or later.
fn allowed_path(state: &AppState, asked: Option<String>) -> Result<String, Problem> {
    let allowed = &state.settings.return_paths;
    match asked {
        Some(path) if allowed.contains(&path) => Ok(path),
        Some(_) => Err(Problem::bad_query(
            "return_to",
            "choice",
            "The path is none of those that the server allows.",
        )),
        None => allowed
            .first()
            .cloned()
            .ok_or_else(|| Problem::internal("no return path is configured")),
    }
}

fn refused(cause: &str) -> Problem {
    Problem::new(ProblemType::ExternalSignInRefused).caused_by(cause)
}

fn gone(state: &AppState) -> Cookie<'static> {
    let mut cookie = cookie_of(state, COOKIE, String::new(), COOKIE_PATH, CookieDuration::ZERO);
    cookie.make_removal();
    cookie
}

impl OnTheWay {
    fn seal(&self, keys: &ServerKeys) -> Result<String, Problem> {
        let plain = serde_json::to_vec(self).map_err(Problem::internal)?;
        keys.seal(KeyPurpose::ExternalSignIn, &plain)
            .map_err(Problem::internal)
    }

    fn open(keys: &ServerKeys, sealed: &str) -> Option<Self> {
        let plain = keys.open(KeyPurpose::ExternalSignIn, sealed)?;
        serde_json::from_slice(&plain).ok()
    }
}
