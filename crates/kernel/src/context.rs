//! Who asks, when, and under which request: handed to every operation as its first argument after the transaction.

use crate::{Actor, IdSource, Instant, TypedId};
use std::fmt;
use std::sync::Arc;

/// Names one request in answers, logs and the audit log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestId(pub Arc<str>);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The circumstances of one operation.
#[derive(Clone)]
pub struct Ctx {
    /// When the operation happens; every rule about time asks this.
    pub now: Instant,
    /// On whose behalf.
    pub actor: Actor,
    /// The request it belongs to.
    pub request_id: RequestId,
    ids: Arc<dyn IdSource>,
}

impl Ctx {
    /// Puts the circumstances together.
    pub fn new(now: Instant, actor: Actor, request_id: RequestId, ids: Arc<dyn IdSource>) -> Self {
        Self {
            now,
            actor,
            request_id,
            ids,
        }
    }

    /// A new id of the kind that is asked for.
    pub fn new_id<I: TypedId>(&self) -> I {
        I::from_uuid(self.ids.next_id(self.now))
    }
}
