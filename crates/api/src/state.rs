//! What every route can reach: the parts of the server behind ports, and the settings of the HTTP side.

use crate::after_answer::AfterAnswer;
use crate::event_cache::EventCache;
use crate::first_pages::FirstPages;
use crate::health::{Metrics, Readiness};
use crate::limits::{LimitSettings, RequestLimits};
use crate::middleware::{AllowedOrigins, Authenticator, RequestIds};
use crate::password_work::PasswordWork;
use crate::results_cache::ResultsCache;
use crate::routes::oversight::Oversight;
use crate::ticket_work::TicketWork;
use crate::turns::Turns;
use auth::{IdentityProvider, TokenSigner};
use bytes::Bytes;
use chrono::TimeDelta;
use kernel::{Actor, Clock, Ctx, IdSource, Limits, RequestId, ServerKeys};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use storage::Store;

/// Shared by all workers; cloning it clones handles.
pub type SharedState = actix_web::web::Data<AppState>;

/// The parts that the routes work with. One per process.
pub struct AppState {
    /// The database.
    pub store: Store,
    /// Makes access tokens.
    pub signer: Arc<TokenSigner>,
    /// Seals and vouches for what is not a token.
    pub keys: Arc<ServerKeys>,
    /// Hashes and checks passwords.
    pub passwords: PasswordWork,
    /// Draws tickets.
    pub tickets: TicketWork,
    /// Does what is not to show in the time of an answer.
    pub after_answer: AfterAnswer,
    /// Who exports now.
    pub exports: Turns,
    /// Who else vouches for people, if anybody does.
    pub identity_provider: Option<Arc<dyn IdentityProvider>>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn IdSource>,
    /// Knows access tokens.
    pub authenticator: Arc<dyn Authenticator>,
    /// How often somebody may ask, and guess.
    pub limits: RequestLimits,
    /// What must answer for the server to be ready.
    pub readiness: Vec<Arc<dyn Readiness>>,
    /// What is counted.
    pub measurements: Arc<dyn Metrics>,
    /// Hot events as they go out.
    pub event_cache: EventCache,
    /// First pages of their list.
    pub first_pages: FirstPages,
    /// What the whole server does one at a time.
    pub oversight: Oversight,
    /// Results that were counted a moment ago.
    pub results: ResultsCache,
    /// What the operator configured.
    pub settings: Settings,
    /// The origins that may send what is signed in by cookie.
    pub origins: AllowedOrigins,
    /// Names requests.
    pub request_ids: RequestIds,
    /// The OpenAPI document, written once.
    pub openapi_json: Bytes,
}

/// What the operator configured for the HTTP side.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where clients reach the server, without a slash at the end, such as `https://events.example`.
    pub public_url: String,
    /// Origins of web clients, such as `https://app.example`.
    pub allowed_origins: Vec<String>,
    /// Whether cookies are marked `Secure`.
    pub secure_cookies: bool,
    /// Whether an account must confirm its address before it registers, votes or organises.
    pub require_verified_email: bool,
    /// The token that opens `/metrics` to others than the machine itself.
    pub metrics_token: Option<String>,
    /// Which requests are logged.
    pub request_log: RequestLog,
    /// How long an event is kept as it goes out.
    pub cache_ttl: TimeDelta,
    /// How long a session lasts.
    pub session_lifetime: TimeDelta,
    /// Roles that a person may ask for at sign-up.
    pub public_roles: Vec<String>,
    /// Paths to which people may return from a sign-in elsewhere; the first is meant where none is named.
    pub return_paths: Vec<String>,
    /// Whether text messages can be sent.
    pub sms_configured: bool,
    /// How many others one account may register within 24 hours.
    pub invites_per_day: u32,
    /// How often those who hold a seat at one event are written to within 24 hours.
    pub announcements_per_day: u32,
    /// How often an address may ask.
    pub limits: LimitSettings,
    /// Proxies whose word on the client's address is taken.
    pub trusted_proxies: TrustedProxies,
}

/// Tells whether an address is that of a proxy whose word is taken.
#[derive(Clone)]
pub struct TrustedProxies(pub Arc<dyn Fn(IpAddr) -> bool + Send + Sync>);

impl TrustedProxies {
    /// Nobody's word is taken.
    pub fn none() -> Self {
        Self(Arc::new(|_| false))
    }
}

impl fmt::Debug for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrustedProxies(…)")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            allowed_origins: Vec::new(),
            secure_cookies: false,
            require_verified_email: false,
            metrics_token: None,
            request_log: RequestLog::default(),
            cache_ttl: TimeDelta::seconds(1),
            session_lifetime: TimeDelta::days(30),
            public_roles: vec!["attendee".to_owned(), "organizer".to_owned()],
            return_paths: vec!["/".to_owned()],
            sms_configured: false,
            invites_per_day: 200,
            announcements_per_day: 10,
            limits: LimitSettings::default(),
            trusted_proxies: TrustedProxies::none(),
        }
    }
}

/// Which requests leave a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestLog {
    /// All but reads that succeeded.
    #[default]
    Changes,
    /// Every one.
    All,
    /// None; failures of the server are logged all the same.
    None,
}

/// The ports that a state is made of.
pub struct Ports {
    /// The database.
    pub store: Store,
    /// Makes access tokens.
    pub signer: Arc<TokenSigner>,
    /// Seals and vouches for what is not a token.
    pub keys: Arc<ServerKeys>,
    /// Hashes and checks passwords.
    pub passwords: PasswordWork,
    /// Who else vouches for people, if anybody does.
    pub identity_provider: Option<Arc<dyn IdentityProvider>>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn IdSource>,
    /// Knows access tokens.
    pub authenticator: Arc<dyn Authenticator>,
    /// Counts what is limited.
    pub limits: Arc<dyn Limits>,
    /// What must answer for the server to be ready.
    pub readiness: Vec<Arc<dyn Readiness>>,
    /// What is counted.
    pub measurements: Arc<dyn Metrics>,
}

impl AppState {
    /// A state over the server's own route table. Call inside the runtime that outlives the requests.
    pub fn new(ports: Ports, settings: Settings) -> Self {
        Self::for_routes(ports, settings, &crate::routes::table())
    }

    /// A state whose document describes another route table.
    pub fn for_routes(ports: Ports, settings: Settings, table: &[crate::route_table::Endpoint]) -> Self {
        let now = ports.clock.now();
        Self {
            origins: AllowedOrigins::new(&settings.public_url, &settings.allowed_origins),
            request_ids: RequestIds::new(ports.ids.next_id(now)),
            openapi_json: crate::openapi::document_json(table),
            event_cache: EventCache::new(EventCache::DEFAULT_CAPACITY),
            first_pages: FirstPages::default(),
            oversight: Oversight::default(),
            results: ResultsCache::default(),
            store: ports.store,
            signer: ports.signer,
            keys: ports.keys,
            passwords: ports.passwords,
            tickets: TicketWork::new(),
            after_answer: AfterAnswer::new(),
            exports: Turns::new(Turns::EXPORTS, Turns::EXPORTS_OF_ONE),
            identity_provider: ports.identity_provider,
            clock: ports.clock,
            ids: ports.ids,
            authenticator: ports.authenticator,
            limits: RequestLimits::new(ports.limits, settings.limits, settings.trusted_proxies.clone()),
            readiness: ports.readiness,
            measurements: ports.measurements,
            settings,
        }
    }

    /// The circumstances of an operation that starts now.
    pub fn context(&self, actor: Actor, request_id: RequestId) -> Ctx {
        Ctx::new(self.clock.now(), actor, request_id, Arc::clone(&self.ids))
    }
}
