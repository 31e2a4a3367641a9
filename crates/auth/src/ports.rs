//! What signing in elsewhere asks of the outside world.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::EmailAddress;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// What ties an answer from elsewhere to the browser that asked for it. Each is 256 random bits, in base64.
#[derive(Clone, PartialEq, Eq)]
pub struct SignInAttempt {
    /// Comes back with the browser.
    pub state: String,
    /// Comes back in the signed token.
    pub nonce: String,
    /// Shown when the code is exchanged; the provider was told its hash before (RFC 7636).
    pub pkce_verifier: String,
}

impl SignInAttempt {
    /// A new one, from the operating system's generator.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let random = || {
            let mut bytes = [0_u8; 32];
            getrandom::fill(&mut bytes)?;
            Ok(URL_SAFE_NO_PAD.encode(bytes))
        };
        Ok(Self {
            state: random()?,
            nonce: random()?,
            pkce_verifier: random()?,
        })
    }
}

impl fmt::Debug for SignInAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignInAttempt(…)")
    }
}

/// Who somebody is elsewhere, as their provider vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// The provider, by its URL.
    pub issuer: String,
    /// The account there; never given to somebody else.
    pub subject: String,
    /// The address of the account there.
    pub email: EmailAddress,
    /// Whether the provider has seen that the address is theirs.
    pub email_verified: bool,
    /// How the person is called there.
    pub name: Option<String>,
}

/// Why a provider does not vouch for anybody. The reasons are for the log and hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It cannot be reached, or does not answer as it should.
    #[error("the identity provider is away: {0}")]
    Away(String),
    /// It refuses, or what it said is not to be believed.
    #[error("the identity is not proven: {0}")]
    Refused(String),
}

/// A question to a provider that is on its way.
pub type AskingProvider<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

/// Somebody else who knows who people are, by the code flow of `OpenID` Connect.
pub trait IdentityProvider: Send + Sync {
    /// How people call it, such as `Google`.
    fn name(&self) -> &str;

    /// Where the browser is sent to sign in.
    fn authorization_url<'a>(&'a self, attempt: &'a SignInAttempt) -> AskingProvider<'a, String>;

    /// Who has come back with that code. Everything that the provider says of them is checked.
    fn exchange<'a>(
        &'a self,
        attempt: &'a SignInAttempt,
        code: &'a str,
    ) -> AskingProvider<'a, ExternalIdentity>;
}
