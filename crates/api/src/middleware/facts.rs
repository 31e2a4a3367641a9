//! What the middleware found out about a request, kept with it for the extractors.

use actix_web::{HttpMessage, HttpRequest};
use kernel::{Actor, RequestId};
use std::sync::Arc;

/// Kept as one, so that a request costs one insertion.
pub(super) struct Facts {
    pub(super) request_id: RequestId,
    pub(super) actor: Actor,
}

/// On whose behalf the request runs.
pub fn actor_of(request: &HttpRequest) -> Actor {
    request
        .extensions()
        .get::<Facts>()
        .map_or(Actor::Anonymous, |facts| facts.actor.clone())
}

/// The request's id.
pub fn request_id_of(request: &HttpRequest) -> RequestId {
    request
        .extensions()
        .get::<Facts>()
        .map_or_else(|| RequestId(Arc::from("-")), |facts| facts.request_id.clone())
}
