//! The copy of a campaign that a link came with.

use kernel::{AttendeeId, CampaignId, CandidateId, DeliveryId, EmailAddress, EventId, StoreError, UserId};

/// What the links of a copy need to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// Of which campaign.
    pub campaign_id: CampaignId,
    /// At which event.
    pub event_id: EventId,
    /// For whom the campaign asks.
    pub candidate_id: CandidateId,
    /// Whom it was written to, where that holds a seat.
    pub attendee_id: Option<AttendeeId>,
    /// Which account it was written to.
    pub user_id: Option<UserId>,
    /// Where it went; none when the person was erased.
    pub email: Option<EmailAddress>,
}

/// Copies, by what their links name.
pub trait DeliveryRepository {
    /// The copy with that id.
    fn find_delivery(&mut self, id: DeliveryId) -> Result<Option<LinkedDelivery>, StoreError>;
}
