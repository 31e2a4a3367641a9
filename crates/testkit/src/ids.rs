//! Ids for tests that call operations without a server.

use kernel::{Actor, Clock, Ctx, IdSource, RequestId, TimeOrderedIds};
use std::sync::Arc;

/// A source of new ids, ordered as they are made; share it within a test.
pub fn source() -> Arc<dyn IdSource> {
    Arc::new(TimeOrderedIds::new())
}

/// The circumstances of one operation: the clock's time, on behalf of this actor.
pub fn context(clock: &dyn Clock, actor: Actor, ids: &Arc<dyn IdSource>) -> Ctx {
    Ctx::new(clock.now(), actor, RequestId("test".into()), Arc::clone(ids))
}
