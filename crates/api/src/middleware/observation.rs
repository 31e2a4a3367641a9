//! What one route leaves in the metrics and in the log.
//!
//! The handles are made once per route and worker, so counting is an addition. Neither query strings nor paths are
//! kept: a path can hold a token.

use crate::state::RequestLog;
use actix_web::http::{Method, StatusCode};
use kernel::RequestId;
use metrics::{Counter, Histogram, counter, histogram};
use std::time::Duration;

const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The handles of one route.
pub(super) struct Observation {
    pattern: &'static str,
    by_class: [Counter; STATUS_CLASSES.len()],
    latency: Histogram,
}

impl Observation {
    /// The handles of a method and a pattern; `method` is a word of ours, never the client's.
    pub(super) fn new(method: &str, pattern: &'static str) -> Self {
        let by_class = STATUS_CLASSES.map(|class| {
            counter!("http_requests_total", "route" => pattern, "method" => method.to_owned(), "status" => class)
        });
        let latency =
            histogram!("http_request_duration_seconds", "route" => pattern, "method" => method.to_owned());
        Self {
            pattern,
            by_class,
            latency,
        }
    }

    pub(super) fn pattern(&self) -> &'static str {
        self.pattern
    }

    /// Notes one answer.
    pub(super) fn note(
        &self,
        what: RequestLog,
        method: &Method,
        status: StatusCode,
        took: Duration,
        request_id: &RequestId,
    ) {
        let class = usize::from(status.as_u16() / 100)
            .saturating_sub(1)
            .min(STATUS_CLASSES.len() - 1);
        self.by_class[class].increment(1);
        self.latency.record(took.as_secs_f64());
        if is_logged(what, method, status) {
            tracing::info!(
                target: "podium::request",
                method = method.as_str(),
                route = self.pattern,
                status = status.as_u16(),
                microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                request_id = %request_id,
            );
        }
    }
}

fn is_logged(what: RequestLog, method: &Method, status: StatusCode) -> bool {
    let failed = status.is_client_error() || status.is_server_error();
    match what {
        RequestLog::All => true,
        RequestLog::None => false,
        RequestLog::Changes => failed || !(method == Method::GET || method == Method::HEAD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reads_that_succeed_are_left_out_of_the_usual_log() {
        let logged = |what, method, status| is_logged(what, &method, status);
        assert!(!logged(RequestLog::Changes, Method::GET, StatusCode::OK));
        assert!(!logged(
            RequestLog::Changes,
            Method::HEAD,
            StatusCode::NOT_MODIFIED
        ));
        assert!(logged(RequestLog::Changes, Method::GET, StatusCode::NOT_FOUND));
        assert!(logged(RequestLog::Changes, Method::POST, StatusCode::CREATED));
        assert!(logged(RequestLog::All, Method::GET, StatusCode::OK));
        assert!(!logged(
            RequestLog::None,
            Method::POST,
            StatusCode::INTERNAL_SERVER_ERROR
        ));
    }
}
