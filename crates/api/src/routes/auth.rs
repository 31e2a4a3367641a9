//! Signing up, in and out.

use crate::extract::{Caller, JsonBody, OptionalJsonBody, RefreshCookie};
use crate::idempotency::Answer;
use crate::middleware::{ACCESS_COOKIE, REFRESH_COOKIE, client_address};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::sign_in_limits::{AccountKey, Guess};
use crate::state::{AppState, SharedState};
use crate::views::UserBody;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use auth::{LogIn, LogInError, NewSession, Refresh, RefreshToken, Refreshed, Session, SignUp};
use chrono::TimeDelta;
use kernel::{Ctx, EmailAddress};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use user::User;
use utoipa::ToSchema;

/// A person who wants an account.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUpForm {
    email: String,
    /// At least 10 characters and at most 72 bytes, none of the common ones.
    #[schema(min_length = 10, max_length = 72, format = "password")]
    password: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// One of the public roles; absent: attendee.
    #[schema(example = "organizer")]
    role: Option<String>,
    /// In international form.
    #[schema(example = "+919812345678")]
    phone: Option<String>,
    #[schema(max_length = 200)]
    profession: Option<String>,
    #[schema(max_length = 5_000)]
    bio: Option<String>,
}

/// A person who has one.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInForm {
    email: String,
    #[schema(format = "password")]
    password: String,
}

/// A refresh token, where it does not come as a cookie.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshForm {
    refresh_token: Option<String>,
}

/// What a sign-in gives. The tokens are set as cookies too.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// For the Authorization header.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds for which the access token is good.
    expires_in: i64,
    /// For one refresh.
    refresh_token: String,
    /// Who is signed in.
    user: UserBody,
}

/// Makes an account.
pub async fn register(
    Caller(ctx): Caller,
    body: JsonBody<SignUpForm>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let form = body.value;
    let form = SignUp {
        email: Some(form.email),
        password: Some(form.password),
        name: Some(form.name),
        role: form.role,
        phone: form.phone,
        profession: form.profession,
        bio: form.bio,
    }
    .check()?;
    if !state.settings.public_roles.contains(form.role()) {
        return Err(ProblemType::RoleNotPublic.into());
    }
    let hash = state.passwords.hash(form.password.clone()).await?;
    let roles = state.settings.public_roles.clone();
    let keys = Arc::clone(&state.keys);
    let secrets = auth::generate_secrets().map_err(Problem::internal)?;
    let user = state
        .store
        .write(move |tx| auth::sign_up(tx, &ctx, form.clone(), &hash, &roles, &keys, &secrets))
        .await?;
    Ok(Answer::created(
        "/api/v1/users/me".to_owned(),
        &UserBody::of(user),
    ))
}

/// See [`register`].
pub fn describe_register(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Sign up")
        .json_body::<SignUpForm>()
        .answer::<UserBody>(201, "The account; a mail asks to confirm its address.")
        .problems(&[ProblemType::RoleNotPublic, ProblemType::EmailTaken])
}

/// Opens a session.
pub async fn login(
    request: HttpRequest,
    Caller(ctx): Caller,
    body: JsonBody<SignInForm>,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let form = body.value;
    let account = AccountKey::of_text(&form.email);
    let attempt = state.limits.attempt(Guess::Password, &request, account).await?;
    attempt.end(open_session(&request, ctx, form, &state).await).await
}

async fn open_session(
    request: &HttpRequest,
    ctx: Ctx,
    form: SignInForm,
    state: &AppState,
) -> Result<HttpResponse, Problem> {
    // What is no address has no account; it takes as long to say so.
    let email: Option<EmailAddress> = form.email.parse().ok();
    let credentials = match email {
        Some(email) => {
            state
                .store
                .read(move |tx| auth::find_credentials(tx, &email))
                .await?
        }
        None => None,
    };
    let hash = credentials.as_ref().and_then(|known| known.password_hash.clone());
    let fits = state.passwords.verify(form.password, hash.clone()).await?;
    let (Some(credentials), Some(checked_hash), true) = (credentials, hash, fits) else {
        return Err(LogInError::Refused.into());
    };
    let command = LogIn {
        user_id: credentials.user_id,
        checked_hash,
        session: new_session(request, state, &ctx),
        refresh_token: RefreshToken::generate().map_err(Problem::internal)?,
    };
    let token = command.refresh_token.clone();
    let moment = ctx.clone();
    let (user, session) = state
        .store
        .write(move |tx| auth::log_in(tx, &ctx, command.clone()))
        .await?;
    signed_in(state, &moment, user, &session, &token)
}

/// See [`login`].
pub fn describe_login(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Sign in")
        .json_body::<SignInForm>()
        .answer::<Tokens>(200, "The session is open; the tokens are set as cookies too.")
        .problems(&[ProblemType::BadCredentials])
}

/// Changes a refresh token for a new one.
pub async fn refresh(
    Caller(ctx): Caller,
    body: OptionalJsonBody<RefreshForm>,
    cookie: RefreshCookie,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let (sent, by_cookie) = match body.value.refresh_token {
        Some(token) => (Some(token), false),
        None => (cookie.token()?, true),
    };
    let token = RefreshToken::from_client(sent.ok_or_else(|| Problem::new(ProblemType::Unauthenticated))?);
    let next = RefreshToken::generate().map_err(Problem::internal)?;
    let command = Refresh {
        token,
        next: next.clone(),
    };
    let moment = ctx.clone();
    match state
        .store
        .write(move |tx| auth::refresh(tx, &ctx, &command))
        .await?
    {
        Refreshed::Rotated { user, session } => signed_in(&state, &moment, *user, &session, &next),
        Refreshed::Refused => Err(session_ended(&state, by_cookie)),
        Refreshed::Reused(session) => {
            tracing::warn!(session_id = %session.id, "a refresh token was used twice; the session is ended");
            Err(session_ended(&state, by_cookie))
        }
    }
}

/// A browser would go on sending a cookie that is worth nothing any more.
fn session_ended(state: &AppState, by_cookie: bool) -> Problem {
    let problem = Problem::new(ProblemType::SessionEnded);
    if !by_cookie {
        return problem;
    }
    removed_cookies(state)
        .iter()
        .filter_map(|cookie| HeaderValue::from_str(&cookie.to_string()).ok())
        .fold(problem, |problem, value| {
            problem.header(header::SET_COOKIE, value)
        })
}

/// See [`refresh`].
pub fn describe_refresh(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Get a new access token")
        .description("The refresh token comes in the body or as a cookie. It is good for one use; a second use ends the session.")
        .optional_json_body::<RefreshForm>()
        .answer::<Tokens>(200, "New tokens; the old refresh token is used up.")
        .problems(&[ProblemType::Unauthenticated, ProblemType::SessionEnded, ProblemType::OriginNotAllowed])
}

/// Ends the session.
pub async fn logout(
    Caller(ctx): Caller,
    cookie: RefreshCookie,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    if ctx.actor.user_id().is_some() {
        let beside = cookie.token_beside_sign_in().map(RefreshToken::from_client);
        state
            .store
            .write(move |tx| {
                if let Some(token) = &beside {
                    auth::log_out_by_refresh_token(tx, &ctx, token)?;
                }
                auth::log_out(tx, &ctx)
            })
            .await?;
    } else {
        let token = cookie
            .token()?
            .ok_or_else(|| Problem::new(ProblemType::Unauthenticated))?;
        let token = RefreshToken::from_client(token);
        state
            .store
            .write(move |tx| auth::log_out_by_refresh_token(tx, &ctx, &token))
            .await?;
    }
    Ok(signed_out(&state))
}

/// The answer to somebody whose session is over: the cookies are cleared.
pub(super) fn signed_out(state: &AppState) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    for gone in removed_cookies(state) {
        response.cookie(gone);
    }
    response.finish()
}

fn removed_cookies(state: &AppState) -> [Cookie<'static>; 2] {
    [(ACCESS_COOKIE, "/"), (REFRESH_COOKIE, REFRESH_PATH)].map(|(name, path)| {
        let mut gone = cookie_of(state, name, String::new(), path, CookieDuration::ZERO);
        gone.make_removal();
        gone
    })
}

/// See [`logout`].
pub fn describe_logout(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Sign out")
        .description(
            "Ends the session of the access token, and that of the refresh cookie if one comes along.",
        )
        .answer_empty(204, "The session is over; the cookies are cleared.")
}

/// The refresh cookie goes nowhere else.
const REFRESH_PATH: &str = "/api/v1/auth";

pub(super) fn new_session(request: &HttpRequest, state: &AppState, ctx: &Ctx) -> NewSession {
    let device = request
        .headers()
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    NewSession {
        device: device.map(str::to_owned),
        address: client_address(request, &state.settings.trusted_proxies).map(|address| address.to_string()),
        expires_at: ctx.now + state.settings.session_lifetime,
    }
}

fn signed_in(
    state: &AppState,
    ctx: &Ctx,
    user: User,
    session: &Session,
    refresh_token: &RefreshToken,
) -> Result<HttpResponse, Problem> {
    let [access_cookie, refresh_cookie] = sign_in_cookies(state, ctx, session, refresh_token)?;
    let body = Tokens {
        access_token: access_cookie.value().to_owned(),
        token_type: "Bearer",
        expires_in: state.signer.lifetime_seconds(),
        refresh_token: refresh_token.as_str().to_owned(),
        user: UserBody::of(user),
    };
    Ok(HttpResponse::Ok()
        .cookie(access_cookie)
        .cookie(refresh_cookie)
        .json(body))
}

/// The cookies of a sign-in: a new access token, and the refresh token.
pub(super) fn sign_in_cookies(
    state: &AppState,
    ctx: &Ctx,
    session: &Session,
    refresh_token: &RefreshToken,
) -> Result<[Cookie<'static>; 2], Problem> {
    let access_token = state
        .signer
        .issue(ctx.now, session.user_id, session.id)
        .map_err(Problem::internal)?;
    let lifetime = CookieDuration::seconds(state.signer.lifetime_seconds());
    let left: TimeDelta = session.expires_at - ctx.now;
    let refresh_token = refresh_token.as_str().to_owned();
    Ok([
        cookie_of(state, ACCESS_COOKIE, access_token, "/", lifetime),
        cookie_of(
            state,
            REFRESH_COOKIE,
            refresh_token,
            REFRESH_PATH,
            CookieDuration::seconds(left.num_seconds()),
        ),
    ])
}

/// A cookie that no script reads and that no other site's request carries, but for a link that is followed.
pub(super) fn cookie_of<'c>(
    state: &AppState,
    name: &'c str,
    value: String,
    path: &'c str,
    lasts: CookieDuration,
) -> Cookie<'c> {
    Cookie::build(name, value)
        .path(path)
        .http_only(true)
        .secure(state.settings.secure_cookies)
        .same_site(SameSite::Lax)
        .max_age(lasts)
        .finish()
}
