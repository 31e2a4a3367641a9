//! The one middleware around every route.

use super::authentication;
use super::facts::{Asker, Facts};
use super::observation::Observation;
use super::request_id::X_REQUEST_ID;
use crate::limits::Limit;
use crate::pages;
use crate::problem::Problem;
use crate::route_table::Who;
use crate::state::{AppState, SharedState};
use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{Error, HttpMessage, HttpRequest, error};
use kernel::{Actor, RequestId};
use std::any::Any;
use std::future::{Future, Ready, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::watch;

/// Knows its row of the route table.
pub struct Gate {
    /// None where no route was found, so there is nothing to sign in for.
    who: Option<Who>,
    limit: Limit,
    /// Whether problems are told as pages, to people who have a browser before them.
    tells_people: bool,
    observation: Rc<Observation>,
}

impl Gate {
    /// The gate of a row.
    pub fn new(method: &Method, pattern: &'static str, who: Who, limit: Limit) -> Self {
        Self {
            who: Some(who),
            limit,
            tells_people: false,
            observation: Rc::new(Observation::new(method.as_str(), pattern)),
        }
    }

    /// The same for a page, or not.
    #[must_use]
    pub fn of_page(self, tells_people: bool) -> Self {
        Self { tells_people, ..self }
    }

    /// The gate of all paths that are not in the table.
    pub fn unmatched() -> Self {
        Self {
            who: None,
            limit: Limit::General,
            tells_people: false,
            observation: Rc::new(Observation::new("any", "unmatched")),
        }
    }

    /// The gate of the methods that a path does not have.
    pub fn wrong_method(pattern: &'static str) -> Self {
        Self {
            who: None,
            limit: Limit::General,
            tells_people: false,
            observation: Rc::new(Observation::new("other", pattern)),
        }
    }
}

impl<S> Transform<S, ServiceRequest> for Gate
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = GateService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let observation = Rc::clone(&self.observation);
        ready(Ok(GateService {
            inner: Rc::new(Inner {
                who: self.who,
                limit: self.limit,
                tells_people: self.tells_people,
                observation,
                service,
            }),
        }))
    }
}

/// The gate around one route's service.
pub struct GateService<S> {
    inner: Rc<Inner<S>>,
}

struct Inner<S> {
    who: Option<Who>,
    limit: Limit,
    tells_people: bool,
    observation: Rc<Observation>,
    service: S,
}

impl<S> Service<ServiceRequest> for GateService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<ServiceResponse, Error>>>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.service.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let inner = Rc::clone(&self.inner);
        let (asks, gone) = watch::channel(());
        request.extensions_mut().insert(Asker(gone));
        // What was begun is ended, and noted, also for a client that hung up: only who waits for their turn gives it up then.
        let passing = actix_web::rt::spawn(async move { inner.pass(request).await });
        Box::pin(async move {
            let passed = passing.await;
            drop(asks);
            passed.map_err(|error| match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(error) => error::ErrorInternalServerError(error),
            })
        })
    }
}

impl<S> Inner<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error>,
{
    async fn pass(&self, request: ServiceRequest) -> ServiceResponse {
        let started = Instant::now();
        let Some(state) = request.app_data::<SharedState>().cloned() else {
            return request.error_response(Problem::internal("the application has no state"));
        };
        let (request_id, request_id_header) = state.request_ids.name(request.headers());
        let admitted = self.admit(&request, &state).await;
        let response = match admitted {
            Ok(actor) => {
                let writer = actor
                    .user_id()
                    .filter(|_| authentication::changes_something(&request));
                let facts = Facts {
                    request_id: request_id.clone(),
                    actor,
                };
                let response = self.run(request, facts).await;
                if let Some(user_id) = writer {
                    state.first_pages.wrote(user_id);
                }
                response
            }
            Err(problem) => request.error_response(problem),
        };
        let mut response = self.with_problem(response, &request_id);
        harden(&mut response, request_id_header);
        self.note(&state, &response, started, &request_id);
        response
    }

    /// Who asks, if they may. What is too much is refused before any work is spent on it.
    async fn admit(&self, request: &ServiceRequest, state: &AppState) -> Result<Actor, Problem> {
        state.limits.admit(request.request(), self.limit).await?;
        match self.who {
            Some(who) => authentication::admit(request, state, who).await,
            None => Ok(Actor::Anonymous),
        }
    }

    /// Calls the handler; a panic in it is a failure of this request only.
    async fn run(&self, request: ServiceRequest, facts: Facts) -> ServiceResponse {
        request.extensions_mut().insert(facts);
        let kept: HttpRequest = request.request().clone();
        match without_panic(self.service.call(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => ServiceResponse::from_err(error, kept),
            Err(panic) => ServiceResponse::from_err(Problem::internal(panic_message(panic.as_ref())), kept),
        }
    }

    /// Renders an error as a problem of this request, and logs a failure of ours.
    fn with_problem(&self, response: ServiceResponse, request_id: &RequestId) -> ServiceResponse {
        let Some(error) = response.response().error() else {
            return response;
        };
        let problem = match error.as_error::<Problem>() {
            Some(problem) => problem.clone(),
            None => Problem::from_status(error.as_response_error().status_code(), error),
        };
        // One without a cause was told by who refused it.
        if let Some(cause) = problem
            .cause()
            .filter(|_| problem.kind().status().is_server_error())
        {
            tracing::error!(
                target: "podium::request",
                request_id = %request_id,
                route = self.observation.pattern(),
                problem = problem.kind().slug(),
                cause,
                "the request failed",
            );
        }
        let rendered = if self.tells_people {
            pages::refusal(&problem, request_id)
        } else {
            problem.render(Some(response.request().path()), Some(&request_id.0))
        };
        response.into_response(rendered)
    }

    fn note(&self, state: &AppState, response: &ServiceResponse, started: Instant, request_id: &RequestId) {
        self.observation.note(
            state.settings.request_log,
            response.request().method(),
            response.status(),
            started.elapsed(),
            request_id,
        );
    }
}

/// Headers that every answer has. What does not say how it may be cached is not to be kept anywhere.
fn harden(response: &mut ServiceResponse<BoxBody>, request_id: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(X_REQUEST_ID, request_id);
}

async fn without_panic<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    // What the future borrowed is dropped with it and not looked at again, so nothing half-changed is seen.
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(panic)),
        },
    )
    .await
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let told = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a panic: {}", told.unwrap_or("without a message"))
}
