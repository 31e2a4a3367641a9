//! Whether the server runs, whether it is ready, and what it counts.

use crate::middleware::bearer_token;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

/// The server runs.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `alive` or `ready`.
    status: &'static str,
    /// The parts that answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<Check>,
}

/// A part that answered or did not.
#[derive(Serialize, ToSchema)]
pub struct Check {
    /// What it is called.
    name: &'static str,
    /// Whether it answered as it should.
    ok: bool,
}

/// Answers as long as the process takes requests.
pub async fn live() -> web::Json<Health> {
    web::Json(Health {
        status: "alive",
        checks: Vec::new(),
    })
}

/// See [`live`].
pub fn describe_live(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Whether the server runs")
        .answer::<Health>(200, "It runs.")
}

/// Asks every part that the server cannot do without.
pub async fn ready(state: SharedState) -> Result<web::Json<Health>, Problem> {
    let mut checks = Vec::new();
    let mut reasons = Vec::new();
    for part in &state.readiness {
        let answer = part.check().await;
        checks.push(Check {
            name: part.name(),
            ok: answer.is_ok(),
        });
        reasons.extend(answer.err().map(|reason| format!("{}: {reason}", part.name())));
    }
    if reasons.is_empty() {
        return Ok(web::Json(Health {
            status: "ready",
            checks,
        }));
    }
    let shown: serde_json::Value = checks
        .iter()
        .map(|check| serde_json::json!({"name": check.name, "ok": check.ok}))
        .collect();
    Err(Problem::unavailable(reasons.join("; ")).with("checks", shown))
}

/// See [`ready`].
pub fn describe_ready(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Whether the server can do its work")
        .answer::<Health>(200, "Everything that it needs answers.")
        .problems(&[ProblemType::Unavailable])
}

/// The metrics, for the machine itself or with the configured token; to anybody else there is nothing here.
pub async fn metrics(request: HttpRequest, state: SharedState) -> Result<HttpResponse, Problem> {
    let sent = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| bearer_token(value.as_bytes()));
    let by_token = match (&state.settings.metrics_token, sent) {
        (Some(expected), Some(token)) => same_secret(expected.as_bytes(), token.as_bytes()),
        _ => false,
    };
    if !by_token && !from_this_machine(&request) {
        return Err(Problem::not_found());
    }
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(state.measurements.render().await))
}

/// See [`metrics()`].
pub fn describe_metrics(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Counters for Prometheus")
        .answer_media(200, "text/plain", "The metrics in Prometheus' text format.")
        .problems(&[ProblemType::NotFound])
}

/// A proxy on this machine forwards for others, and says so.
fn from_this_machine(request: &HttpRequest) -> bool {
    let forwarded = request.headers().contains_key(header::X_FORWARDED_FOR)
        || request.headers().contains_key(header::FORWARDED);
    !forwarded
        && request
            .peer_addr()
            .is_some_and(|peer| peer.ip().to_canonical().is_loopback())
}

/// Compares in a time that does not tell how much of the secret was right.
fn same_secret(expected: &[u8], sent: &[u8]) -> bool {
    expected.len() == sent.len()
        && expected
            .iter()
            .zip(sent)
            .fold(0, |different, (a, b)| different | (a ^ b))
            == 0
}
