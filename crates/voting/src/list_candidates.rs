//! Candidates are listed to each who looks in an order of their own, so that nobody gains by standing first.

use crate::access::{AccessError, require_insider};
use crate::{CandidateStatus, CandidateView, VotingTx};
use kernel::{CandidateId, Ctx, EventId, Page, PageRequest, Position, TypedId, UserId};
use sha2::{Digest, Sha256};

/// A page of the candidates of an event, for who holds a seat there or runs it: the listed ones and one's own nomination. Who runs
/// the event sees all that are live, and with a status those that stand so.
///
/// The order is shuffled for each account and stays the same for it: each candidate has a place of its own that does not depend on
/// the others, so that pages neither repeat nor hide anybody while candidates come and go.
pub fn list_candidates(
    tx: &mut dyn VotingTx,
    ctx: &Ctx,
    event_id: EventId,
    status: Option<CandidateStatus>,
    page: PageRequest,
) -> Result<Page<CandidateView>, AccessError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let insider = require_insider(tx, ctx, event_id)?;
    let own = insider.attendee.map(|attendee| attendee.id);
    let wanted = match status {
        Some(status) => vec![status],
        None => vec![CandidateStatus::Listed, CandidateStatus::Nominated],
    };
    let mut found = Vec::new();
    for status in wanted {
        let of_status = tx.list_candidate_ids(event_id, &[status])?;
        let is_shown = |attendee| match status {
            CandidateStatus::Listed => true,
            CandidateStatus::Nominated => insider.is_manager || own == Some(attendee),
            CandidateStatus::Declined | CandidateStatus::Withdrawn | CandidateStatus::Left => {
                insider.is_manager
            }
        };
        let shown = of_status.into_iter().filter(|(_, attendee)| is_shown(*attendee));
        found.extend(shown.map(|(id, _)| place_for(user_id, event_id, id)));
    }
    found.sort_unstable_by_key(|place| (place.value, place.id));
    let total = page
        .include_total
        .then(|| u64::try_from(found.len()).unwrap_or(u64::MAX));
    let from = page.after.map_or(0, |after| {
        found.partition_point(|place| (place.value, place.id) <= (after.value, after.id))
    });
    let most = usize::from(page.limit) + 1;
    let places: Vec<Position> = found.into_iter().skip(from).take(most).collect();
    let places = Page::from_surplus(places, page, total, |place| *place);
    let ids: Vec<CandidateId> = places
        .items
        .iter()
        .map(|place| CandidateId::from_uuid(place.id))
        .collect();
    let mut views = tx.list_candidate_views(&ids)?;
    views.sort_unstable_by_key(|view| {
        let place = place_for(user_id, event_id, view.candidate.id);
        (place.value, place.id)
    });
    Ok(Page {
        items: views,
        next: places.next,
        total: places.total,
    })
}

/// Where somebody finds a candidate in their list.
fn place_for(viewer: UserId, event_id: EventId, id: CandidateId) -> Position {
    let hash = Sha256::new()
        .chain_update(event_id.uuid().as_bytes())
        .chain_update(viewer.uuid().as_bytes())
        .chain_update(id.uuid().as_bytes())
        .finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    Position {
        value: i64::from_be_bytes(first),
        id: id.uuid(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn each_viewer_has_an_order_of_their_own_and_keeps_it() {
        let event_id = EventId::from_uuid(Uuid::from_u128(1));
        let order_of = |viewer: u128, candidates: std::ops::Range<u128>| {
            let viewer = UserId::from_uuid(Uuid::from_u128(viewer));
            let mut places: Vec<_> = candidates
                .map(|id| place_for(viewer, event_id, CandidateId::from_uuid(Uuid::from_u128(id))))
                .collect();
            places.sort_unstable_by_key(|place| (place.value, place.id));
            places
                .into_iter()
                .map(|place| place.id.as_u128())
                .collect::<Vec<_>>()
        };
        assert_eq!(order_of(7, 0..20), order_of(7, 0..20));
        assert_ne!(order_of(7, 0..20), order_of(8, 0..20));
        // One who comes later moves nobody past another.
        let mut without = order_of(7, 0..21);
        without.retain(|id| *id != 20);
        assert_eq!(without, order_of(7, 0..20));
        // Of many viewers, each candidate is the first for about as many.
        let mut first = [0_u32; 5];
        for viewer in 0..5_000 {
            first[usize::try_from(order_of(viewer, 0..5)[0]).unwrap()] += 1;
        }
        assert!(
            first.iter().all(|times| (850..1_150).contains(times)),
            "{first:?}"
        );
    }
}
