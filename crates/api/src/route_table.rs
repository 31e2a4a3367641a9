//! What a row of the route table is, and how the table becomes actix resources.
//!
//! One row drives the router, the limits, the sign-in, the log, the metrics and the OpenAPI document, so they cannot disagree.

use crate::limits::Limit;
use crate::middleware::Gate;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpResponse, Responder, Route, guard};
use kernel::Permission;

/// Who may use a route. The middleware enforces what can be told without the database (sign-in and permissions); the
/// operation enforces the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anybody. A bad Bearer token is refused, a bad cookie is nobody.
    Public,
    /// Anybody, as nobody: tokens and access cookies are not looked at. For the way to a sign-in, and for what has
    /// tokens of another kind.
    PublicAsNobody,
    /// Somebody signed in, or whoever has the refresh cookie.
    SignedInOrRefreshCookie,
    /// Anybody signed in.
    SignedIn,
    /// Somebody signed in who is one of these to the thing.
    AnyOf(&'static [Party]),
    /// Somebody whose roles permit this.
    Permission(Permission),
}

/// What somebody can be to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// It is theirs.
    Owner,
    /// They manage the event.
    Manager,
    /// They hold a seat at the event.
    SeatHolder,
    /// They scan tickets at the event.
    Scanner,
    /// They are the candidate.
    Candidate,
    /// They hold the permission.
    Holder(Permission),
}

impl Party {
    fn name(self) -> String {
        match self {
            Self::Owner => "own".into(),
            Self::Manager => "manager".into(),
            Self::SeatHolder => "seat".into(),
            Self::Scanner => "scanner".into(),
            Self::Candidate => "candidate".into(),
            Self::Holder(permission) => format!("permission {permission}"),
        }
    }
}

impl Who {
    /// Whether nobody needs to be signed in.
    pub fn admits_anonymous(self) -> bool {
        matches!(
            self,
            Self::Public | Self::PublicAsNobody | Self::SignedInOrRefreshCookie
        )
    }

    /// As the document shows it, under `x-who`: one word or permission for each kind of people.
    pub fn names(self) -> Vec<String> {
        match self {
            Self::Public | Self::PublicAsNobody => vec!["public".into()],
            Self::SignedInOrRefreshCookie => vec!["signed-in".into(), "refresh-cookie".into()],
            Self::SignedIn => vec!["signed-in".into()],
            Self::AnyOf(parties) => parties.iter().map(|party| party.name()).collect(),
            Self::Permission(permission) => vec![format!("permission {permission}")],
        }
    }
}

/// A row of the route table.
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path with its placeholders, such as `/api/v1/events/{id}`.
    pub path: &'static str,
    /// Who may use it.
    pub who: Who,
    /// How often an address may use it.
    pub limit: Limit,
    /// Describes the operation.
    pub describe: fn(OperationDoc) -> OperationDoc,
    handler: Box<dyn Fn() -> Route>,
    is_page: bool,
}

impl Endpoint {
    /// A row: method, path, who, the handler and its description.
    pub fn new<H, Args>(
        method: Method,
        path: &'static str,
        who: Who,
        handler: H,
        describe: fn(OperationDoc) -> OperationDoc,
    ) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        Self {
            method,
            path,
            who,
            limit: Limit::General,
            describe,
            handler: Box::new(move || web::route().to(handler.clone())),
            is_page: false,
        }
    }

    /// The row is a page for people: whatever goes wrong on it is told as a page, not as a problem for programs.
    #[must_use]
    pub fn page(self) -> Self {
        Self {
            is_page: true,
            ..self
        }
    }

    /// The row with another limit than the one of every route.
    #[must_use]
    pub fn limited(mut self, limit: Limit) -> Self {
        self.limit = limit;
        self
    }

    /// The operation as the document shows it.
    pub fn document(&self) -> OperationDoc {
        let operation = OperationDoc::new(&self.method, self.path, self.who);
        let operation = if self.is_page { operation.page() } else { operation };
        (self.describe)(match self.limit {
            Limit::Unlimited => operation,
            Limit::General | Limit::SignIn | Limit::Page | Limit::SignUp => {
                operation.problems(&[ProblemType::RateLimited])
            }
        })
    }

    /// A GET answers HEAD too: the body is left out when it is sent.
    fn route(&self) -> Route {
        let route = (self.handler)();
        let route = if self.method == Method::GET {
            route.guard(guard::Any(guard::Get()).or(guard::Head()))
        } else {
            route.method(self.method.clone())
        };
        let gate = Gate::new(&self.method, self.path, self.who, self.limit);
        route.wrap(gate.of_page(self.is_page))
    }
}

/// Rows are written with the method as a function's name, so that the table reads like the contract.
macro_rules! row {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)+) => {$(
        $(#[$doc])*
        pub fn $name<H, Args>(
            path: &'static str, who: Who, handler: H, describe: fn(OperationDoc) -> OperationDoc,
        ) -> Endpoint
        where H: Handler<Args>, Args: FromRequest + 'static, H::Output: Responder + 'static {
            Endpoint::new(Method::$method, path, who, handler, describe)
        }
    )+};
}

row! {
    /// A row for GET (and HEAD).
    get = GET;
    /// A row for POST.
    post = POST;
    /// A row for PUT.
    put = PUT;
    /// A row for PATCH.
    patch = PATCH;
    /// A row for DELETE.
    delete = DELETE;
}

/// All rows with one path.
struct Resource<'a> {
    path: &'static str,
    rows: Vec<&'a Endpoint>,
}

/// Puts the table into an actix application.
///
/// The router compares one pattern after the other, so resources are gathered under the first part of their path that
/// tells them apart (a plain comparison of text), and keep the table's order within: put what is hot first.
pub fn mount(table: &[Endpoint], config: &mut ServiceConfig) {
    for (scope, resources) in grouped(table) {
        match scope {
            None => {
                for resource in &resources {
                    config.service(actix_resource(resource, resource.path));
                }
            }
            Some(prefix) => {
                let mut actix_scope = web::scope(prefix);
                for resource in &resources {
                    let path = resource.path.strip_prefix(prefix).unwrap_or_default();
                    actix_scope = actix_scope.service(actix_resource(resource, path));
                }
                config.service(actix_scope);
            }
        }
    }
    config.default_service(
        web::route()
            .to(|| async { Err::<HttpResponse, _>(Problem::not_found()) })
            .wrap(Gate::unmatched()),
    );
}

fn grouped(table: &[Endpoint]) -> Vec<(Option<&'static str>, Vec<Resource<'_>>)> {
    let mut groups: Vec<(Option<&'static str>, Vec<Resource<'_>>)> = Vec::new();
    for row in table {
        let scope = scope_of(row.path);
        let index = groups
            .iter()
            .position(|(known, _)| *known == scope)
            .unwrap_or_else(|| {
                groups.push((scope, Vec::new()));
                groups.len() - 1
            });
        let resources = &mut groups[index].1;
        match resources.iter_mut().find(|resource| resource.path == row.path) {
            Some(resource) => resource.rows.push(row),
            None => resources.push(Resource {
                path: row.path,
                rows: vec![row],
            }),
        }
    }
    groups
}

/// `/api/v1/events` for `/api/v1/events/{id}`; none outside the base path.
fn scope_of(path: &'static str) -> Option<&'static str> {
    let below = path.strip_prefix(crate::BASE_PATH)?.strip_prefix('/')?;
    let end = below
        .find('/')
        .map_or(path.len(), |slash| path.len() - below.len() + slash);
    Some(&path[..end]).filter(|prefix| !prefix.contains('{'))
}

fn actix_resource(resource: &Resource<'_>, path: &str) -> actix_web::Resource {
    let mut actix_resource = web::resource(path.to_owned());
    for row in &resource.rows {
        actix_resource = actix_resource.route(row.route());
    }
    let allow = allowed_methods(resource);
    let refuse = move || {
        let problem = Problem::new(ProblemType::MethodNotAllowed).header(header::ALLOW, allow.clone());
        async move { Err::<HttpResponse, _>(problem) }
    };
    actix_resource.default_service(web::route().to(refuse).wrap(Gate::wrong_method(resource.path)))
}

fn allowed_methods(resource: &Resource<'_>) -> HeaderValue {
    let mut methods: Vec<&str> = Vec::new();
    for row in &resource.rows {
        methods.push(row.method.as_str());
        if row.method == Method::GET {
            methods.push("HEAD");
        }
    }
    HeaderValue::from_str(&methods.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_gathered_under_their_first_part() {
        assert_eq!(scope_of("/api/v1/events"), Some("/api/v1/events"));
        assert_eq!(scope_of("/api/v1/events/{id}/staff"), Some("/api/v1/events"));
        assert_eq!(scope_of("/api/v1/events.ics"), Some("/api/v1/events.ics"));
        assert_eq!(scope_of("/health/live"), None);
        assert_eq!(scope_of("/api/v1/{anything}"), None);
    }
}
