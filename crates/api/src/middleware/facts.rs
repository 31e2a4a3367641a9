//! What the middleware found out about a request, kept with it for the extractors.

use actix_web::{HttpMessage, HttpRequest};
use kernel::{Actor, RequestId};
use std::sync::Arc;
use tokio::sync::watch;

/// Kept as one, so that a request costs one insertion.
pub(super) struct Facts {
    pub(super) request_id: RequestId,
    pub(super) actor: Actor,
}

/// Whether the client still waits: nobody holds the other end once it does not.
#[derive(Clone)]
pub struct Asker(pub(super) watch::Receiver<()>);

impl Asker {
    /// Returns when the client is gone.
    pub async fn is_gone(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

/// Who waits for the answer; none where that is not known.
pub fn asker_of(request: &HttpRequest) -> Option<Asker> {
    request.extensions().get::<Asker>().cloned()
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
