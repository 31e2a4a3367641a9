//! Cross-origin requests of browsers (the CORS protocol of the Fetch standard).

use crate::state::Settings;
use actix_cors::Cors;
use actix_web::middleware::Condition;

/// A preflight's answer holds for so many seconds.
const PREFLIGHT_SECONDS: usize = 3600;

/// Lets pages of the configured origins use the API; does nothing where none is configured.
pub fn cors(settings: &Settings) -> Condition<Cors> {
    let mut cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            "accept",
            "authorization",
            "content-type",
            "idempotency-key",
            "if-match",
            "if-none-match",
            "last-event-id",
            "x-request-id",
        ])
        .expose_headers([
            "etag",
            "location",
            "retry-after",
            "idempotent-replayed",
            "x-request-id",
        ])
        .supports_credentials()
        .max_age(PREFLIGHT_SECONDS);
    for origin in &settings.allowed_origins {
        cors = cors.allowed_origin(origin);
    }
    Condition::new(!settings.allowed_origins.is_empty(), cors)
}
