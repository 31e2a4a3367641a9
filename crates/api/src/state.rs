//! What every route can reach: the parts of the server behind ports, and the settings of the HTTP side.

use crate::event_cache::EventCache;
use crate::health::Readiness;
use crate::middleware::{AllowedOrigins, Authenticator, RequestIds};
use bytes::Bytes;
use kernel::{Actor, Clock, Ctx, IdSource, RequestId};
use std::sync::Arc;

/// Shared by all workers; cloning it clones handles.
pub type SharedState = actix_web::web::Data<AppState>;

/// The parts that the routes work with. One per process.
pub struct AppState {
    // The store stands here: `pub store: storage::Store`.
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn IdSource>,
    /// Knows access tokens.
    pub authenticator: Arc<dyn Authenticator>,
    /// What must answer for the server to be ready.
    pub readiness: Vec<Arc<dyn Readiness>>,
    /// Renders the metrics as Prometheus reads them.
    pub render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Hot events as they go out.
    pub event_cache: EventCache,
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
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn IdSource>,
    /// Knows access tokens.
    pub authenticator: Arc<dyn Authenticator>,
    /// What must answer for the server to be ready.
    pub readiness: Vec<Arc<dyn Readiness>>,
    /// Renders the metrics as Prometheus reads them.
    pub render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl AppState {
    /// A state over the server's own route table.
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
            clock: ports.clock,
            ids: ports.ids,
            authenticator: ports.authenticator,
            readiness: ports.readiness,
            render_metrics: ports.render_metrics,
            settings,
        }
    }

    /// The circumstances of an operation that starts now.
    pub fn context(&self, actor: Actor, request_id: RequestId) -> Ctx {
        Ctx::new(self.clock.now(), actor, request_id, Arc::clone(&self.ids))
    }
}
