//! What the issuer answers.

use super::keys::IssuerKey;
use super::{
    CALLBACK, CLIENT_ID, CLIENT_SECRET, Grant, Inner, Misbehaviour, PUBLIC_URL, Parameters, State, Visitor,
    WENT_ELSEWHERE,
};
use actix_web::http::header;
use actix_web::web::{Bytes, Data, Form, Query, ServiceConfig, get, post};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use jsonwebtoken::{EncodingKey, Header};
use kernel::Clock;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The routes.
pub(super) fn configure(service: &mut ServiceConfig) {
    service
        .route("/.well-known/openid-configuration", get().to(discovery))
        .route("/keys", get().to(keys))
        .route("/authorize", get().to(authorize))
        .route("/token", post().to(token))
        .route("/elsewhere", post().to(elsewhere));
}

async fn discovery(inner: Data<Inner>) -> HttpResponse {
    let mut state = inner.state();
    state.reads.discovery += 1;
    if state.misbehaviour == Some(Misbehaviour::AllFails) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let url = &inner.url;
    let issuer = match state.misbehaviour {
        Some(Misbehaviour::OtherDiscovery) => "https://accounts.example.org",
        _ => url.as_str(),
    };
    HttpResponse::Ok().json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // What it says of its algorithms is no reason to believe a token.
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

async fn keys(inner: Data<Inner>) -> HttpResponse {
    let mut state = inner.state();
    state.reads.keys += 1;
    if state.misbehaviour == Some(Misbehaviour::AllFails) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    HttpResponse::Ok().json(json!({"keys": [state.key.public()]}))
}

/// The person is signed in there and agrees.
async fn authorize(inner: Data<Inner>, query: Query<Parameters>) -> HttpResponse {
    let mut state = inner.state();
    let asked = query.into_inner();
    let says = |name: &str, value: &str| asked.get(name).is_some_and(|given| given == value);
    let is_secret = |name: &str| asked.get(name).is_some_and(|given| given.len() >= 43);
    let callback = format!("{PUBLIC_URL}/api/v1{CALLBACK}");
    let refusal = if !says("client_id", CLIENT_ID) || !says("redirect_uri", &callback) {
        Some("the client is not known with this redirect_uri")
    } else if !says("response_type", "code") || !says("scope", "openid email profile") {
        Some("another flow or scope was asked for")
    } else if !is_secret("state") || !is_secret("nonce") {
        Some("state or nonce can be guessed")
    } else if !is_secret("code_challenge") || !says("code_challenge_method", "S256") {
        Some("there is no challenge of PKCE")
    } else {
        None
    };
    state.asked.push(asked.clone());
    if let Some(refusal) = refusal {
        state.refusals.push(refusal);
        return HttpResponse::BadRequest().body(refusal);
    }
    let code = format!("4/code-{}", state.asked.len());
    // What Google adds is none of the protocol.
    let back = reqwest::Url::parse_with_params(
        &callback,
        [
            ("state", asked["state"].as_str()),
            ("code", &code),
            ("scope", "email profile openid"),
            ("authuser", "0"),
            ("prompt", "consent"),
        ],
    )
    .expect("a URL");
    let visitor = state.visitor.clone();
    state.grants.insert(
        code,
        Grant {
            asked,
            visitor,
            used: false,
        },
    );
    HttpResponse::Found()
        .insert_header((header::LOCATION, back.as_str()))
        .finish()
}

async fn token(inner: Data<Inner>, request: HttpRequest, form: Form<Parameters>) -> HttpResponse {
    let misbehaviour = inner.state().misbehaviour;
    match misbehaviour {
        Some(Misbehaviour::TokenFails | Misbehaviour::AllFails) => {
            return HttpResponse::InternalServerError().finish();
        }
        Some(Misbehaviour::TokenHangs) => tokio::time::sleep(Duration::from_hours(1)).await,
        Some(Misbehaviour::TokenRedirects) => {
            return HttpResponse::TemporaryRedirect()
                .insert_header((header::LOCATION, format!("{}/elsewhere", inner.url)))
                .finish();
        }
        Some(Misbehaviour::TokenEndless) => {
            let chunks =
                std::iter::repeat_with(|| Ok::<_, actix_web::Error>(Bytes::from_static(&[b' '; 4096])));
            return HttpResponse::Ok()
                .content_type("application/json")
                .streaming(futures_util::stream::iter(chunks));
        }
        _ => {}
    }
    let mut state = inner.state();
    match state.take_grant(&request, &form) {
        Err(("invalid_client", why)) => {
            state.refusals.push(why);
            HttpResponse::Unauthorized().json(json!({"error": "invalid_client", "error_description": why}))
        }
        Err((error, why)) => {
            state.refusals.push(why);
            HttpResponse::BadRequest().json(json!({"error": error, "error_description": why}))
        }
        Ok((visitor, nonce)) => {
            state.reads.tokens += 1;
            let mut answer =
                json!({"access_token": "an access token", "token_type": "Bearer", "expires_in": 3600});
            if misbehaviour != Some(Misbehaviour::NoToken) {
                answer["id_token"] = state.id_token(&inner.url, &visitor, &nonce).into();
            }
            HttpResponse::Ok().json(answer)
        }
    }
}

/// Where [`Misbehaviour::TokenRedirects`] leads: whoever follows shows code and secret to somebody else.
async fn elsewhere(inner: Data<Inner>) -> HttpResponse {
    inner.state().refusals.push(WENT_ELSEWHERE);
    HttpResponse::BadRequest().json(json!({"error": "invalid_grant"}))
}

type Refusal = (&'static str, &'static str);

impl State {
    /// Whose code it is, and for which attempt; a code is good once (RFC 6749, section 4.1.2).
    fn take_grant(&mut self, request: &HttpRequest, form: &Parameters) -> Result<(Visitor, String), Refusal> {
        if client_of(request) != Some((CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned())) {
            return Err(("invalid_client", "the client is not known"));
        }
        let says = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
        if !says("grant_type", "authorization_code") {
            return Err(("unsupported_grant_type", "another grant"));
        }
        let grant = form
            .get("code")
            .and_then(|code| self.grants.get_mut(code))
            .ok_or(("invalid_grant", "there is no such code"))?;
        if std::mem::replace(&mut grant.used, true) {
            return Err(("invalid_grant", "the code was used before"));
        }
        if !says("redirect_uri", &grant.asked["redirect_uri"]) {
            return Err(("invalid_grant", "another redirect_uri"));
        }
        let verifier = form
            .get("code_verifier")
            .ok_or(("invalid_grant", "no verifier"))?;
        if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != grant.asked["code_challenge"] {
            return Err(("invalid_grant", "the verifier is not that of the challenge"));
        }
        Ok((grant.visitor.clone(), grant.asked["nonce"].clone()))
    }

    fn id_token(&self, issuer: &str, visitor: &Visitor, nonce: &str) -> String {
        let now = self.clock.now();
        let mut claims = json!({
            "iss": issuer,
            "aud": CLIENT_ID,
            "azp": CLIENT_ID,
            "sub": visitor.subject,
            "nonce": nonce,
            "iat": now.timestamp(),
            "exp": (now + TimeDelta::hours(1)).timestamp(),
        });
        for (name, value) in [
            ("email", visitor.email.clone().map(Value::from)),
            ("email_verified", visitor.email_verified.map(Value::from)),
            ("name", visitor.name.clone().map(Value::from)),
        ] {
            if let Some(value) = value {
                claims[name] = value;
            }
        }
        let at = |minutes: i64| Value::from((now + TimeDelta::minutes(minutes)).timestamp());
        match self.misbehaviour {
            Some(Misbehaviour::WrongNonce) => claims["nonce"] = "another".into(),
            Some(Misbehaviour::NoNonce) => {
                claims.as_object_mut().expect("an object").remove("nonce");
            }
            Some(Misbehaviour::WrongAudience) => claims["aud"] = "somebody else".into(),
            Some(Misbehaviour::SecondAudience) => claims["aud"] = json!([CLIENT_ID, "somebody else"]),
            Some(Misbehaviour::WrongIssuer) => claims["iss"] = "https://accounts.example.org".into(),
            Some(Misbehaviour::Expired) => claims["exp"] = at(0),
            Some(Misbehaviour::Old) => claims["iat"] = at(-12),
            Some(Misbehaviour::FromTheFuture) => claims["iat"] = at(2),
            Some(Misbehaviour::BadSubject) => claims["sub"] = "a\u{0}b".into(),
            _ => {}
        }
        match self.misbehaviour {
            Some(Misbehaviour::ForeignKey) => IssuerKey::foreign().sign(&claims),
            Some(Misbehaviour::UnpublishedKey) => IssuerKey::elliptic("nobody's").sign(&claims),
            Some(Misbehaviour::Unsigned) => {
                let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
                format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims))
            }
            Some(Misbehaviour::SignedBySecret) => signed_by(&claims, CLIENT_SECRET.as_bytes()),
            Some(Misbehaviour::SignedByPublicKey) => {
                let key = self.key.public();
                let modulus = key["n"].as_str().expect("an RSA key");
                signed_by(&claims, &URL_SAFE_NO_PAD.decode(modulus).expect("base64"))
            }
            Some(Misbehaviour::Garbage) => "no.token.atall".to_owned(),
            _ => self.key.sign(&claims),
        }
    }
}

fn signed_by(claims: &Value, secret: &[u8]) -> String {
    jsonwebtoken::encode(&Header::default(), claims, &EncodingKey::from_secret(secret)).expect("a token")
}

/// Name and secret in the header (RFC 6749, section 2.3.1).
fn client_of(request: &HttpRequest) -> Option<(String, String)> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let plain = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let plain = String::from_utf8(plain).ok()?;
    let (name, secret) = plain.split_once(':')?;
    Some((decoded(name)?, decoded(secret)?))
}

fn decoded(text: &str) -> Option<String> {
    let mut one = Query::<Parameters>::from_query(&format!("text={text}")).ok()?;
    one.remove("text")
}
