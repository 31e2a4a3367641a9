//! The voting of an event in figures, for its managers.

use crate::{VotingFigures, VotingTx};
use event::{ManageEventError, require_manager};
use kernel::{Ctx, EventId};

/// How many are listed, and how many voted.
pub fn read_figures(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<VotingFigures, ManageEventError> {
    require_manager(tx, ctx, event_id)?;
    Ok(tx.count_voting(event_id)?)
}
