//! A server on a free port with a few routes that try every extractor and every kind of sign-in.

use actix_web::http::header::HeaderValue;
use actix_web::web::{Data, Json};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use api::event_cache::CachedEvent;
use api::extract::{
    Caller, IfMatch, JsonBody, ListAnswer, ListQuery, OptionalJsonBody, PatchBody, PathId, PathText,
    QueryParams, RawBody, RefreshCookie, SignedInCaller, matches_if_none_match,
};
use api::health::{Checking, Measuring, Metrics, Readiness};
use api::idempotency::{Answer, RepeatKey};
use api::limits::{InProcessLimits, LimitSettings};
use api::middleware::{AuthFailure, Authenticating, Authenticator, cors};
use api::openapi::OperationDoc;
use api::password_work::PasswordWork;
use api::problem::Problem;
use api::problem_catalogue::ProblemType;
use api::route_table::{Endpoint, Party, Who, get, mount, patch, post};
use api::state::{AppState, Ports, Settings, SharedState};
use auth::{BcryptCost, SigningKey, TokenSigner};
use kernel::{
    Actor, Change, EventId, Page, Permission, PermissionSet, SessionId, SignedIn, StoreError, SystemClock,
    TimeOrderedIds, TypedId, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use storage::{Store, StoreOptions};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

pub const ID: &str = "01890000-0000-7000-8000-000000000001";
pub const ORIGIN: &str = "https://app.example";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Talk {
    title: String,
    seats: Option<u16>,
    password: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TalkPatch {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    title: Change<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {
    reason: Option<String>,
}

#[derive(Deserialize, IntoParams)]
pub struct Filter {
    q: Option<String>,
    has_seats: Option<bool>,
}

#[derive(Serialize, ToSchema)]
pub struct Echo {
    said: String,
}

fn echo(said: impl Into<String>) -> Json<Echo> {
    Json(Echo { said: said.into() })
}

async fn create(
    SignedInCaller { signed_in, .. }: SignedInCaller,
    key: RepeatKey,
    body: JsonBody<Talk>,
) -> Result<Answer, Problem> {
    let scope = key.scope(signed_in.user_id, &body.fingerprint);
    let said = json!({
        "title": body.value.title, "seats": body.value.seats, "password": body.value.password,
        "route": scope.map(|scope| scope.route),
    });
    Ok(Answer::created(format!("/api/v1/talks/{ID}"), &said).with_etag("\"1-0\""))
}

async fn change(
    PathId(_): PathId<EventId>,
    if_match: IfMatch,
    body: Result<PatchBody<TalkPatch>, Problem>,
) -> Result<Json<Echo>, Problem> {
    if if_match.edits().is_some_and(|edits| !edits.contains(&7)) {
        return Err(ProblemType::PreconditionFailed.into());
    }
    let title = match body?.value.title {
        Change::Keep => "kept".to_owned(),
        Change::Clear => "cleared".to_owned(),
        Change::Set(title) => title,
    };
    Ok(echo(title))
}

async fn optional(body: OptionalJsonBody<Nothing>) -> Json<Echo> {
    echo(body.value.reason.unwrap_or_default())
}

async fn raw(body: RawBody) -> Json<Echo> {
    echo(body.bytes.len().to_string())
}

async fn list(query: ListQuery<Filter>) -> Result<Json<ListAnswer<Echo>>, Problem> {
    let page = query.page("talks")?;
    let said = format!("{} {:?} {:?}", page.limit, query.filter.q, query.filter.has_seats);
    Ok(Json(ListAnswer::new(
        "talks",
        Page {
            items: vec![Echo { said }],
            next: None,
            total: Some(1),
        },
    )))
}

async fn search(QueryParams(filter): QueryParams<Filter>) -> Json<Echo> {
    echo(filter.q.unwrap_or_default())
}

async fn read(
    PathId(id): PathId<EventId>,
    request: HttpRequest,
    state: SharedState,
    Caller(ctx): Caller,
) -> HttpResponse {
    let cached = state.event_cache.get(id, ctx.now).unwrap_or_else(|| {
        let entry = CachedEvent {
            body: bytes::Bytes::from_static(b"{\"said\":\"talk\"}"),
            etag: HeaderValue::from_static("\"7-1\""),
            valid_until: ctx.now + chrono::TimeDelta::seconds(5),
        };
        state.event_cache.put(state.event_cache.ticket(id), entry.clone());
        entry
    });
    let known = matches_if_none_match(request.headers(), &cached.etag);
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header(("etag", cached.etag))
        .insert_header(("cache-control", "no-cache"));
    if known {
        response.finish()
    } else {
        response.content_type("application/json").body(cached.body)
    }
}

async fn who_am_i(Caller(ctx): Caller) -> Json<Echo> {
    echo(match ctx.actor {
        Actor::User(signed_in) => signed_in.user_id.to_string(),
        Actor::Anonymous => "anonymous".to_owned(),
        Actor::System => "system".to_owned(),
    })
}

async fn logout(cookie: RefreshCookie, Caller(ctx): Caller) -> Result<Json<Echo>, Problem> {
    if let Actor::User(_) = ctx.actor {
        return Ok(echo("session"));
    }
    Ok(echo(cookie.token()?.unwrap_or_default()))
}

async fn token(PathText(token): PathText) -> Json<Echo> {
    echo(token)
}

async fn panicking() -> Json<Echo> {
    panic!("secret in a panic")
}

async fn broken() -> Result<Json<Echo>, Problem> {
    Err(StoreError::Internal("secret_table".into()).into())
}

async fn away() -> Result<Json<Echo>, Problem> {
    Err(StoreError::Unavailable("secret_host".into()).into())
}

fn plain(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("A route of the tests")
        .answer::<Echo>(200, "What was said.")
}

fn describe_create(operation: OperationDoc) -> OperationDoc {
    plain(operation)
        .json_body::<Talk>()
        .idempotent()
        .answer::<Echo>(201, "Made.")
        .with_header("Location", "Where.")
}

fn describe_change(operation: OperationDoc) -> OperationDoc {
    plain(operation).patch_body::<TalkPatch>().if_match()
}

fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("A list")
        .query::<Filter>()
        .paged()
        .answer_list::<Echo>("Talks.")
}

#[rustfmt::skip]
pub fn table() -> Vec<Endpoint> {
    use Who::{AnyOf, Public, PublicAsNobody, SignedIn, SignedInOrRefreshCookie};
    let mut table = vec![
        get("/api/v1/talks/{id}", Public, read, |o| plain(o).if_none_match()),
        patch("/api/v1/talks/{id}", AnyOf(&[Party::Owner, Party::Manager]), change, describe_change),
        get("/api/v1/talks", Public, list, describe_list),
        post("/api/v1/talks", SignedIn, create, describe_create),
        post("/api/v1/optional", Public, optional, |o| plain(o).optional_json_body::<Nothing>()),
        post("/api/v1/raw", Public, raw, |o| plain(o).raw_body("text/csv", "Lines.")),
        get("/api/v1/search", Public, search, |o| plain(o).query::<Filter>()),
        get("/api/v1/tokens/{token}", Public, token, |o| plain(o).path_text("token", "A token.")),
        get("/api/v1/whoami", Public, who_am_i, plain),
        post("/api/v1/whoami", Public, who_am_i, plain),
        get("/api/v1/me", SignedIn, who_am_i, plain),
        get("/api/v1/admin", Who::Permission(Permission::UserManage), who_am_i, plain),
        post("/api/v1/auth/login", PublicAsNobody, who_am_i, plain),
        post("/api/v1/auth/logout", SignedInOrRefreshCookie, logout, plain),
        get("/api/v1/panic", Public, panicking, plain),
        get("/api/v1/broken", Public, broken, plain),
        get("/api/v1/away", Public, away, |o| plain(o).problems(&[ProblemType::Unavailable])),
    ];
    // The probes stand in for the real routes of the same name.
    let real = api::routes::table().into_iter();
    let others: Vec<Endpoint> = real
        .filter(|row| !table.iter().any(|probe| (probe.path, &probe.method) == (row.path, &row.method)))
        .collect();
    table.extend(others);
    table
}

/// Knows `good` and `admin` at once, and the tokens that begin with `slow-` after looking.
struct Tokens;

fn person(permissions: PermissionSet) -> SignedIn {
    SignedIn {
        user_id: UserId::from_uuid(Uuid::from_u128(1)),
        session_id: SessionId::from_uuid(Uuid::from_u128(2)),
        permissions,
        email_verified: true,
    }
}

impl Authenticator for Tokens {
    fn recall(&self, token: &str) -> Option<Result<SignedIn, AuthFailure>> {
        match token {
            "good" => Some(Ok(person(PermissionSet::NONE))),
            "admin" => Some(Ok(person(PermissionSet::all()))),
            token if token.starts_with("slow-") => None,
            _ => Some(Err(AuthFailure::Invalid)),
        }
    }

    fn authenticate<'a>(&'a self, token: &'a str) -> Authenticating<'a> {
        Box::pin(async move {
            match token {
                "slow-good" => Ok(person(PermissionSet::NONE)),
                "slow-away" => Err(StoreError::Unavailable("secret_host".into()).into()),
                "slow-ended" => Err(AuthFailure::SessionEnded),
                _ => Err(AuthFailure::Expired),
            }
        })
    }
}

struct Up;

impl Metrics for Up {
    fn render(&self) -> Measuring<'_> {
        Box::pin(async { "podium_up 1\n".to_owned() })
    }
}

struct Database(Arc<AtomicBool>);

impl Readiness for Database {
    fn name(&self) -> &'static str {
        "database"
    }

    fn check(&self) -> Checking<'_> {
        Box::pin(async move {
            if self.0.load(Ordering::SeqCst) {
                Ok(())
            } else {
                Err("secret_host refused".to_owned())
            }
        })
    }
}

pub struct TestServer {
    pub address: std::net::SocketAddr,
    pub database_answers: Arc<AtomicBool>,
    pub client: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl TestServer {
    pub fn start() -> Self {
        let database_answers = Arc::new(AtomicBool::new(true));
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/unused.db", folder.path().display())
            .parse()
            .unwrap();
        let key = SigningKey::new(vec![7; 32]).unwrap();
        let ports = Ports {
            store: Store::open(&StoreOptions::new(url)).unwrap(),
            signer: Arc::new(TokenSigner::new(&key, &[], "podium".into(), "podium".into(), 900)),
            keys: Arc::new(kernel::ServerKeys::new(vec![7; 32], Vec::new())),
            passwords: PasswordWork::new(BcryptCost::new(4).unwrap()).unwrap(),
            limits: Arc::new(InProcessLimits::new(Arc::new(SystemClock))),
            identity_provider: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(TimeOrderedIds::new()),
            authenticator: Arc::new(Tokens),
            readiness: vec![Arc::new(Database(Arc::clone(&database_answers)))],
            measurements: Arc::new(Up),
        };
        let settings = Settings {
            allowed_origins: vec![ORIGIN.to_owned()],
            metrics_token: Some("scrape".to_owned()),
            limits: LimitSettings::off(),
            ..Settings::default()
        };
        let state: SharedState = Data::new(AppState::for_routes(ports, settings, &table()));
        let server = HttpServer::new(move || {
            App::new()
                .wrap(cors(&state.settings))
                .app_data(state.clone())
                .configure(|config| mount(&table(), config))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());
        Self {
            address,
            database_answers,
            client: reqwest::Client::new(),
            _folder: folder,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(self.url(path))
    }

    pub fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(self.url(path))
    }

    /// Sends a JSON body as somebody signed in.
    pub fn talk(&self, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.post("/api/v1/talks")
            .bearer_auth("good")
            .header("content-type", "application/json")
            .body(body)
    }
}

pub async fn said(request: reqwest::RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    response.json::<Value>().await.unwrap()["said"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Sends the request and checks that the answer is a whole problem of that type.
pub async fn refused(request: reqwest::RequestBuilder, kind: ProblemType) -> Value {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap();
    assert_eq!(
        headers["content-type"], "application/problem+json",
        "{status} {text}"
    );
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["type"], kind.uri(), "{body}");
    assert_eq!(status, kind.status().as_u16());
    assert_eq!(body["status"], status);
    assert_eq!(body["request_id"].as_str(), headers["x-request-id"].to_str().ok());
    assert!(body["instance"].as_str().unwrap().starts_with('/'));
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(status == 401, headers.contains_key("www-authenticate"));
    assert_eq!(headers["cache-control"], "no-store");
    body
}
