//! Sign-in with Google, or whichever issuer the configuration names, by `OpenID` Connect: the code flow with state, nonce
//! and PKCE, and an ID token whose every claim is checked.
//!
//! What the issuer publishes of itself (discovery document, keys) is read at the first use and kept for an hour; the keys
//! are read anew when a token names one that is not known.

use crate::http::{Http, HttpError, is_secure, told};
use auth::{AskingProvider, ExternalIdentity, IdentityProvider, ProviderError, SignInAttempt};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Clock, EmailAddress, Instant};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreErrorResponseType, CoreIdToken,
    CoreIdTokenClaims, CoreJsonWebKeySet, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, ConfigurationError,
    CsrfToken, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    SignatureVerificationError, StandardErrorResponse, TokenResponse,
};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long what the issuer publishes of itself is kept.
const KEPT_FOR: TimeDelta = TimeDelta::hours(1);
/// A token is made for this very sign-in, so it is no older than one may take.
const OLDEST_TOKEN: TimeDelta = TimeDelta::minutes(10);
/// By how much the issuer's clock may differ from ours.
const CLOCK_ALLOWANCE: TimeDelta = TimeDelta::minutes(1);
/// `OpenID` Connect Core 1.0, section 2: a subject has no more characters.
const LONGEST_SUBJECT: usize = 255;

/// Which issuer, and who we are to it.
#[derive(Clone)]
pub struct GoogleOptions {
    /// The issuer's URL, such as `https://accounts.google.com`; `http` only on this machine.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// What shows that it is us.
    pub client_secret: String,
    /// Where the issuer sends people back to.
    pub callback_url: String,
    /// How long an answer may take.
    pub time_limit: Duration,
}

impl fmt::Debug for GoogleOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GoogleOptions({})", self.issuer)
    }
}

/// An issuer that vouches for people.
pub struct Google {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: ClientSecret,
    callback: RedirectUrl,
    http: Http,
    clock: Arc<dyn Clock>,
    published: RwLock<Option<Published>>,
}

/// What the issuer publishes of itself.
#[derive(Clone)]
struct Published {
    metadata: Arc<CoreProviderMetadata>,
    read_at: Instant,
}

/// The options fit nothing that could be asked.
#[derive(Debug, thiserror::Error)]
pub enum UnusableOptions {
    /// The issuer is no URL that could be asked safely.
    #[error("the issuer is no https URL")]
    Issuer,
    /// The callback is no URL.
    #[error("the callback is no URL")]
    Callback,
    /// There is no HTTP client, for want of certificates that are trusted.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
}

impl Google {
    /// An issuer that is asked nothing yet.
    pub fn new(options: GoogleOptions, clock: Arc<dyn Clock>) -> Result<Self, UnusableOptions> {
        let issuer = IssuerUrl::new(options.issuer).map_err(|_| UnusableOptions::Issuer)?;
        if !is_secure(issuer.url()) {
            return Err(UnusableOptions::Issuer);
        }
        Ok(Self {
            issuer,
            client_id: ClientId::new(options.client_id),
            client_secret: ClientSecret::new(options.client_secret),
            callback: RedirectUrl::new(options.callback_url).map_err(|_| UnusableOptions::Callback)?,
            http: Http::new(options.time_limit)
                .map_err(|error| UnusableOptions::Client(error.to_string()))?,
            clock,
            published: RwLock::new(None),
        })
    }

    /// Whether the issuer answers with what is needed of it.
    pub async fn check(&self) -> Result<(), ProviderError> {
        self.read_published().await.map(|_| ())
    }

    /// What the issuer publishes, read if it is not known or was read too long ago.
    async fn published(&self) -> Result<Arc<CoreProviderMetadata>, ProviderError> {
        let now = self.clock.now();
        let known = self
            .published
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match known {
            Some(known) if now - known.read_at < KEPT_FOR => Ok(known.metadata),
            _ => self.read_published().await,
        }
    }

    async fn read_published(&self) -> Result<Arc<CoreProviderMetadata>, ProviderError> {
        let metadata = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http)
            .await
            .map_err(|error| away(&error))?;
        Ok(self.keep(metadata))
    }

    /// The same with the keys read anew.
    async fn with_fresh_keys(
        &self,
        metadata: &CoreProviderMetadata,
    ) -> Result<Arc<CoreProviderMetadata>, ProviderError> {
        let keys = CoreJsonWebKeySet::fetch_async(metadata.jwks_uri(), &self.http)
            .await
            .map_err(|error| away(&error))?;
        Ok(self.keep(metadata.clone().set_jwks(keys)))
    }

    fn keep(&self, metadata: CoreProviderMetadata) -> Arc<CoreProviderMetadata> {
        let metadata = Arc::new(metadata);
        let mut published = self.published.write().unwrap_or_else(PoisonError::into_inner);
        *published = Some(Published {
            metadata: Arc::clone(&metadata),
            read_at: self.clock.now(),
        });
        metadata
    }

    async fn url_for(&self, attempt: &SignInAttempt) -> Result<String, ProviderError> {
        let metadata = self.published().await?;
        let client = CoreClient::from_provider_metadata((*metadata).clone(), self.client_id.clone(), None)
            .set_redirect_uri(self.callback.clone());
        let state = CsrfToken::new(attempt.state.clone());
        let nonce = Nonce::new(attempt.nonce.clone());
        let verifier = PkceCodeVerifier::new(attempt.pkce_verifier.clone());
        let (url, _, _) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || state,
                move || nonce,
            )
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(url.into())
    }

    async fn identity_behind(
        &self,
        attempt: &SignInAttempt,
        code: &str,
    ) -> Result<ExternalIdentity, ProviderError> {
        let metadata = self.published().await?;
        let token = self.token_for(&metadata, attempt, code).await?;
        let nonce = Nonce::new(attempt.nonce.clone());
        match self.claims_of(&metadata, &token, &nonce) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                let metadata = self.with_fresh_keys(&metadata).await?;
                self.claims_of(&metadata, &token, &nonce)
            }
            claims => claims,
        }
        .map_err(|error| refused(&error))
        .and_then(|claims| identity_of(&claims))
    }

    /// Gives the code for the ID token. The other tokens are dropped: nothing is read with them.
    async fn token_for(
        &self,
        metadata: &CoreProviderMetadata,
        attempt: &SignInAttempt,
        code: &str,
    ) -> Result<CoreIdToken, ProviderError> {
        let secret = Some(self.client_secret.clone());
        let client = CoreClient::from_provider_metadata(metadata.clone(), self.client_id.clone(), secret)
            .set_redirect_uri(self.callback.clone())
            .set_auth_type(auth_type(metadata));
        let answer = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error: ConfigurationError| away(&error))?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.pkce_verifier.clone()))
            .request_async(&self.http)
            .await
            .map_err(|error| exchange_failed(&error))?;
        answer
            .id_token()
            .cloned()
            .ok_or_else(|| ProviderError::Refused("there is no ID token".to_owned()))
    }

    /// What the token says, if the issuer made it (RS256 or ES256), for us, now, and for this attempt.
    fn claims_of(
        &self,
        metadata: &CoreProviderMetadata,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let now = self.clock.now();
        // Without the client's secret: only the issuer's own keys are to be believed.
        let client = CoreClient::from_provider_metadata(metadata.clone(), self.client_id.clone(), None);
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs([
                CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
                CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            ])
            .set_time_fn(move || now)
            .set_issue_time_verifier_fn(move |issued_at| fits_now(now, issued_at));
        token.claims(&verifier, nonce).cloned()
    }
}

impl IdentityProvider for Google {
    fn name(&self) -> &'static str {
        "Google"
    }

    fn authorization_url<'a>(&'a self, attempt: &'a SignInAttempt) -> AskingProvider<'a, String> {
        Box::pin(self.url_for(attempt))
    }

    fn exchange<'a>(
        &'a self,
        attempt: &'a SignInAttempt,
        code: &'a str,
    ) -> AskingProvider<'a, ExternalIdentity> {
        Box::pin(self.identity_behind(attempt, code))
    }
}

/// In the head of the request, unless the issuer says that it takes the secret in the body alone.
fn auth_type(metadata: &CoreProviderMetadata) -> AuthType {
    match metadata.token_endpoint_auth_methods_supported() {
        Some(methods)
            if !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && methods.contains(&CoreClientAuthMethod::ClientSecretPost) =>
        {
            AuthType::RequestBody
        }
        _ => AuthType::BasicAuth,
    }
}

fn fits_now(now: DateTime<Utc>, issued_at: DateTime<Utc>) -> Result<(), String> {
    if issued_at > now + CLOCK_ALLOWANCE {
        Err("the ID token is from the future".to_owned())
    } else if issued_at < now - OLDEST_TOKEN - CLOCK_ALLOWANCE {
        Err("the ID token was made for an earlier sign-in".to_owned())
    } else {
        Ok(())
    }
}

fn identity_of(claims: &CoreIdTokenClaims) -> Result<ExternalIdentity, ProviderError> {
    let refuse = |what: &str| ProviderError::Refused(format!("the ID token has no {what} that can be used"));
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT || subject.chars().any(char::is_control) {
        return Err(refuse("subject"));
    }
    let email: EmailAddress = claims
        .email()
        .and_then(|email| email.as_str().parse().ok())
        .ok_or_else(|| refuse("e-mail address"))?;
    Ok(ExternalIdentity {
        issuer: claims.issuer().as_str().to_owned(),
        subject: subject.to_owned(),
        email,
        email_verified: claims.email_verified() == Some(true),
        name: claims
            .name()
            .and_then(|names| names.get(None))
            .map(|name| name.as_str().to_owned()),
    })
}

fn away(error: &dyn std::error::Error) -> ProviderError {
    ProviderError::Away(told(error))
}

fn refused(error: &dyn std::error::Error) -> ProviderError {
    ProviderError::Refused(told(error))
}

type ExchangeError = RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>;

/// The issuer's own description is left out: it may repeat what was sent.
fn exchange_failed(error: &ExchangeError) -> ProviderError {
    match error {
        RequestTokenError::Request(error) => away(error),
        RequestTokenError::ServerResponse(said) => {
            ProviderError::Refused(format!("the issuer says {}", said.error()))
        }
        RequestTokenError::Parse(..) => {
            ProviderError::Refused("the issuer's answer cannot be read".to_owned())
        }
        RequestTokenError::Other(what) => ProviderError::Refused(what.clone()),
    }
}
