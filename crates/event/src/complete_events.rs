//! The sweep that writes down which events are over. Rules ask the clock; this keeps lists and indexes right.

use crate::EventRepository;
use kernel::{Ctx, StoreError};

/// Marks published events that ended; gives how many.
pub fn complete_ended_events(tx: &mut dyn EventRepository, ctx: &Ctx) -> Result<u64, StoreError> {
    tx.complete_events(ctx.now)
}
