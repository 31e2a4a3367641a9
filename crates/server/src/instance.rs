//! One running server: the parts put together over a database, listening, with its housekeeping.

use crate::campaigns::Feeder;
use crate::config::{Config, Limits, LogRequests, Profile, SigningKeys};
use crate::metrics::Measurements;
use crate::worker::{Parts, Worker};
use crate::{campaigns, housekeeping, mail_files, mailings, reminders, senders};
use actix_web::dev::{Server, ServerHandle};
use actix_web::http::KeepAlive;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use anyhow::{Context, bail};
use api::after_answer::AfterAnswer;
use api::health::{Checking, Readiness};
use api::limits::{InProcessLimits, LimitSettings};
use api::password_work::PasswordWork;
use api::sign_in::SessionAuthenticator;
use api::state::{AppState, Ports, RequestLog, Settings, SharedState, TrustedProxies};
use auth::{BcryptCost, IdentityProvider, SigningKey, TokenSigner};
use campaign::Rate;
use chrono::TimeDelta;
use gateway::{Google, GoogleOptions};
use kernel::{Clock, EventId, IdSource, OutboxId, Quota, ServerKeys, SessionId};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use storage::{CommitObserver, DeskOptions, SeatGuard, Store, StoreOptions, migrations};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What is handed in, so that tests can turn the clock.
#[derive(Clone)]
pub struct Surroundings {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn IdSource>,
    /// Whether the guards against overselling stand.
    pub guard: SeatGuard,
    /// What tests do where operations are written together.
    pub desk: DeskOptions,
}

/// A server that takes requests.
pub struct Instance {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its database.
    pub store: Store,
    server: Server,
    /// What the server does by itself.
    rounds: Vec<JoinHandle<()>>,
    worker: Option<Worker>,
    after_answer: AfterAnswer,
}

/// How long somebody waits for the issuer at each step of a sign-in elsewhere.
const PROVIDER_LIMIT: Duration = Duration::from_secs(5);

/// Connections that the system keeps until a worker takes them: a rush begins with all at once.
const BACKLOG: u32 = 8_192;
/// A stop waits so long for what goes on after its answer: as long as a write that others are in the way of.
const LAST_WORK: Duration = Duration::from_secs(5);

impl Instance {
    /// Checks the schema, opens the database and listens. Call inside a tokio runtime.
    pub fn start(config: &Config, surroundings: &Surroundings) -> anyhow::Result<Self> {
        config.prepare_folders()?;
        let keys = config.signing_keys()?;
        check_schema(config)?;
        let store = open_store(config, surroundings)?;
        let bell = Arc::new(Notify::new());
        let state = state(config, surroundings, &store, &keys, &bell)?;
        let (server, address) = listen(config, &state)?;
        state.tickets.warm_up();
        let (clock, ids) = (&surroundings.clock, &surroundings.ids);
        let mut rounds = vec![tokio::spawn(housekeeping::run(
            store.clone(),
            Arc::clone(clock),
            Arc::clone(ids),
            senders::written_mails(config),
        ))];
        let mut worker = None;
        if config.worker.enabled {
            let parts = Parts::of(config, store.clone(), Arc::clone(clock), state.keys.clone(), bell)?;
            worker = Some(Worker::start(parts));
            let looking = reminders::run(store.clone(), Arc::clone(clock), Arc::clone(ids));
            rounds.push(tokio::spawn(looking));
            let writing = mailings::run(store.clone(), Arc::clone(clock), Arc::clone(ids));
            rounds.push(tokio::spawn(writing));
            let feeder = feeder(config, store.clone(), state.keys.clone());
            let feeding = campaigns::run(feeder, Arc::clone(clock), Arc::clone(ids));
            rounds.push(tokio::spawn(feeding));
        }
        Ok(Self {
            address,
            store,
            server,
            rounds,
            worker,
            after_answer: state.after_answer.clone(),
        })
    }

    /// A handle by which it can be stopped.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until it is stopped; what runs is finished first.
    pub async fn serve(self) -> anyhow::Result<()> {
        let served = self.server.await;
        for round in &self.rounds {
            round.abort();
        }
        if !self.after_answer.finish(LAST_WORK).await {
            tracing::warn!("the server stops before all is done that was to be done after its answer");
        }
        // Requests that were finished last, and what follows their answers, may have asked for messages.
        if let Some(worker) = self.worker {
            worker.stop().await;
        }
        served.context("the server failed")
    }
}

/// What sends campaigns, as it is configured.
pub(crate) fn feeder(config: &Config, store: Store, keys: Arc<ServerKeys>) -> Feeder {
    Feeder {
        store,
        keys,
        rate: Rate::per_minute(config.mail.campaign_per_minute),
    }
}

/// Opens the database as it is configured.
pub(crate) fn open_store(config: &Config, surroundings: &Surroundings) -> anyhow::Result<Store> {
    Store::open(&StoreOptions {
        pool_size: config.database.pool_size,
        write_together: config.database.write_together,
        guard: surroundings.guard,
        desk: surroundings.desk.clone(),
        ..StoreOptions::of(config.database.connector.clone())
    })
    .context("the database cannot be opened")
}

/// Brings an SQLite file (or whatever is configured) forward; refuses a schema that this binary does not fit.
pub(crate) fn check_schema(config: &Config) -> anyhow::Result<()> {
    let connector = &config.database.connector;
    if config.database.migrate_on_start {
        migrations::up(connector).context("the migrations failed")?;
        return Ok(());
    }
    let pending = migrations::pending(connector).context("the schema cannot be checked")?;
    if pending.is_empty() {
        return Ok(());
    }
    bail!(
        "the database is behind by {}: run `podium migrate` first",
        pending.join(", ")
    )
}

fn state(
    config: &Config,
    surroundings: &Surroundings,
    store: &Store,
    keys: &SigningKeys,
    bell: &Arc<Notify>,
) -> anyhow::Result<SharedState> {
    let clock = Arc::clone(&surroundings.clock);
    let signer = Arc::new(signer(config, keys)?);
    let server_keys = Arc::new(keys.server_keys());
    let authenticator = Arc::new(SessionAuthenticator::new(
        Arc::clone(&signer),
        store.clone(),
        Arc::clone(&clock),
        config.cache.access_ttl,
    ));
    let cost = BcryptCost::new(config.auth.bcrypt_cost).context("auth.bcrypt_cost is from 4 to 15")?;
    let ports = Ports {
        store: store.clone(),
        signer,
        keys: server_keys,
        passwords: PasswordWork::new(cost).context("no thread for passwords")?,
        limits: Arc::new(InProcessLimits::new(Arc::clone(&clock))),
        identity_provider: identity_provider(config, &clock)?,
        ids: Arc::clone(&surroundings.ids),
        authenticator: authenticator.clone(),
        readiness: vec![Arc::new(DatabaseAnswers(store.clone()))],
        measurements: Arc::new(Measurements::of(store.clone(), Arc::clone(&clock))?),
        clock,
    };
    let state: SharedState = Data::new(AppState::new(ports, settings(config)));
    store.observe_commits(Arc::new(Forgetting {
        state: state.clone(),
        authenticator,
        bell: Arc::clone(bell),
        mail_folder: senders::mail_folder(config),
    }));
    Ok(state)
}

/// Google, or whoever the configuration names. It is asked nothing yet.
fn identity_provider(
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<Arc<dyn IdentityProvider>>> {
    let Some(google) = google(config, clock)? else {
        tracing::info!("Google sign-in is off: google.client_id and google.client_secret are not set");
        return Ok(None);
    };
    Ok(Some(Arc::new(google)))
}

/// What vouches for people by the configuration, if anything does.
pub fn google(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Option<Google>> {
    let Some(client) = &config.google.client else {
        return Ok(None);
    };
    let options = GoogleOptions {
        issuer: config.google.issuer.clone(),
        client_id: client.id.clone(),
        client_secret: client.secret.expose().to_owned(),
        callback_url: format!("{}/api/v1/auth/google/callback", config.http.public_url),
        time_limit: PROVIDER_LIMIT,
    };
    let google = Google::new(options, Arc::clone(clock)).context("Google sign-in cannot be set up")?;
    Ok(Some(google))
}

fn signer(config: &Config, keys: &SigningKeys) -> anyhow::Result<TokenSigner> {
    let current = SigningKey::new(keys.current.as_bytes().to_vec())?;
    let previous = keys
        .previous
        .iter()
        .map(|key| SigningKey::new(key.as_bytes().to_vec()))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(TokenSigner::new(
        &current,
        &previous,
        config.auth.issuer.clone(),
        config.auth.audience.clone(),
        i64::try_from(config.auth.access_token_lifetime.as_secs())?,
    ))
}

fn settings(config: &Config) -> Settings {
    let trusted = config.http.trusted_proxies.clone();
    Settings {
        public_url: config.http.public_url.to_string(),
        allowed_origins: config
            .http
            .allowed_origins
            .iter()
            .map(ToString::to_string)
            .collect(),
        // A development server without TLS: a browser would drop a Secure cookie of another host than localhost. In
        // production a forgotten public URL must not send cookies in the clear.
        secure_cookies: config.profile == Profile::Production || config.http.public_url.is_https(),
        require_verified_email: config.auth.require_verified_email,
        metrics_token: config
            .metrics
            .token
            .as_ref()
            .map(|token| token.expose().to_owned()),
        request_log: match config.log.requests {
            LogRequests::Changes => RequestLog::Changes,
            LogRequests::All => RequestLog::All,
            LogRequests::None => RequestLog::None,
        },
        cache_ttl: delta(config.cache.ttl),
        session_lifetime: delta(config.auth.session_lifetime),
        public_roles: config.auth.public_roles.clone(),
        return_paths: config.google.return_paths.clone(),
        sms_configured: config.sms.gateway.is_some(),
        invites_per_day: config.limits.invites_per_day,
        announcements_per_day: config.limits.announcements_per_day,
        limits: limits(config.limits),
        trusted_proxies: TrustedProxies(Arc::new(move |address| {
            trusted.iter().any(|range| range.contains(address))
        })),
    }
}

fn limits(config: Limits) -> LimitSettings {
    let quota = |events, per| Quota { events, per };
    LimitSettings {
        enabled: config.enabled,
        requests: quota(config.requests, TimeDelta::seconds(config.per_seconds.into())),
        sign_ins: quota(config.sign_ins_per_minute, TimeDelta::minutes(1)),
        pages: quota(config.pages_per_minute, TimeDelta::minutes(1)),
        sign_ups: quota(config.sign_ups_per_hour, TimeDelta::hours(1)),
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

fn listen(config: &Config, state: &SharedState) -> anyhow::Result<(Server, SocketAddr)> {
    let state = state.clone();
    let app = move || {
        let configured = state.clone();
        App::new()
            .wrap(api::middleware::cors(&state.settings))
            .configure(move |service| api::configure(configured, service))
    };
    let server = HttpServer::new(app)
        .workers(config.http.workers.get())
        .backlog(BACKLOG)
        .keep_alive(KeepAlive::Timeout(Duration::from_secs(75)))
        .client_request_timeout(Duration::from_secs(15))
        // Who hangs up gives up their turn, where they wait for one; else nobody would know before the answer is written.
        .h1_allow_half_closed(false)
        .shutdown_timeout(config.http.shutdown_timeout.as_secs());
    let server = server
        // `serve` stops it, gracefully for Ctrl-C too.
        .disable_signals()
        .bind(config.http.address)
        .with_context(|| format!("{} cannot be listened on", config.http.address))?;
    let address = server
        .addrs()
        .first()
        .copied()
        .context("the server listens nowhere")?;
    Ok((server.run(), address))
}

/// After a commit, what is remembered of the things that it changed is forgotten before the answer goes out.
struct Forgetting {
    state: SharedState,
    authenticator: Arc<SessionAuthenticator>,
    /// Wakes the worker.
    bell: Arc<Notify>,
    /// Where mails are, or were, written to.
    mail_folder: PathBuf,
}

impl CommitObserver for Forgetting {
    fn events_changed(&self, events: &[EventId]) {
        self.seats_changed(events);
        self.state.first_pages.edited();
    }

    fn seats_changed(&self, events: &[EventId]) {
        for event in events {
            self.state.event_cache.invalidate(*event);
        }
    }

    fn sessions_changed(&self, sessions: &[SessionId]) {
        self.authenticator.forget(sessions);
    }

    fn roles_changed(&self) {
        self.authenticator.forget_all();
    }

    fn messages_queued(&self) {
        self.bell.notify_one();
    }

    fn messages_forgotten(&self, messages: &[OutboxId]) {
        mail_files::forget(&self.mail_folder, messages);
    }
}

/// The server is ready when its database answers.
struct DatabaseAnswers(Store);

impl Readiness for DatabaseAnswers {
    fn name(&self) -> &'static str {
        "database"
    }

    fn check(&self) -> Checking<'_> {
        Box::pin(async move {
            match tokio::time::timeout(Duration::from_secs(3), self.0.ping()).await {
                Ok(answer) => answer.map_err(|error| error.to_string()),
                Err(_) => Err("no answer within 3 s".to_owned()),
            }
        })
    }
}
