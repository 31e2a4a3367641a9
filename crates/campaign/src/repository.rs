//! Where campaigns and their deliveries are kept.

use crate::{
    AtWork, Campaign, CampaignStatus, CampaignView, Delivery, DeliveryNow, DeliveryStatus, Progress, Skip,
    SuppressionRepository,
};
use kernel::{
    CampaignId, CandidateId, DeliveryId, EmailAddress, EventId, Instant, Page, PageRequest, StoreError,
    UserId,
};
use notification::Recipient;
use voting::VotingTx;

/// Which campaigns are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CampaignFilter {
    /// At this event.
    pub event_id: Option<EventId>,
    /// Whose.
    pub owner: Option<Owner>,
    /// That stand so.
    pub status: Option<CampaignStatus>,
}

/// Whose campaigns are wanted: those for the candidacies of an account, and those that it asked for at events that it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The account.
    pub user_id: UserId,
    /// At which of the events where it asked for some it does.
    pub runs: Runs,
}

/// Which events an account runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// None that matter.
    Nothing,
    /// Those where it manages the staff.
    Staffed,
    /// Those, and its own.
    OwnAndStaffed,
    /// All.
    Everything,
}

/// Campaigns.
pub trait CampaignRepository {
    /// Makes a campaign.
    fn insert_campaign(&mut self, campaign: &Campaign) -> Result<(), StoreError>;
    /// The campaign with that id.
    fn find_campaign(&mut self, id: CampaignId) -> Result<Option<Campaign>, StoreError>;
    /// The same, locked until the end of the transaction.
    fn lock_campaign(&mut self, id: CampaignId) -> Result<Option<Campaign>, StoreError>;
    /// The same; none also if somebody else has it locked.
    fn lock_free_campaign(&mut self, id: CampaignId) -> Result<Option<Campaign>, StoreError>;
    /// Writes all that can change of a campaign, which is locked.
    fn update_campaign(&mut self, campaign: &Campaign) -> Result<(), StoreError>;
    /// How many of the candidacy something is to come of still.
    fn count_open_campaigns(&mut self, candidate_id: CandidateId) -> Result<u64, StoreError>;
    /// Those of the candidacy that something is to come of still, in the order of their ids.
    fn list_open_campaigns_for(&mut self, candidate_id: CandidateId) -> Result<Vec<CampaignId>, StoreError>;
    /// Those at the event, likewise.
    fn list_open_campaigns_at(&mut self, event_id: EventId) -> Result<Vec<CampaignId>, StoreError>;
    /// Those that the account asked for, likewise.
    fn list_open_campaigns_by(&mut self, user_id: UserId) -> Result<Vec<CampaignId>, StoreError>;
    /// A page of campaigns, the newest first.
    fn list_campaigns(
        &mut self,
        filter: &CampaignFilter,
        page: PageRequest,
    ) -> Result<Page<CampaignView>, StoreError>;
    /// Those that the feeder has something to do with, the oldest first.
    fn list_campaigns_at_work(&mut self) -> Result<Vec<AtWork>, StoreError>;
    /// How far a campaign is.
    fn count_progress(&mut self, id: CampaignId) -> Result<Progress, StoreError>;
}

/// Deliveries.
pub trait RecipientRepository {
    /// The next accounts in use that want campaigns at a confirmed address, in the order of their ids: each with the attendee
    /// that stands for it, if there is one.
    fn list_readers_after(&mut self, after: Option<UserId>, most: u32) -> Result<Vec<Reader>, StoreError>;
    /// Writes recipients down; who is there already, by the address, is left as they are. Of who is being forgotten at this moment
    /// nothing is kept.
    fn insert_deliveries(&mut self, deliveries: &[Delivery], at: Instant) -> Result<(), StoreError>;
    /// The next that wait, with their people as they are now.
    fn list_waiting_deliveries(&mut self, id: CampaignId, most: u32) -> Result<Vec<DeliveryNow>, StoreError>;
    /// These, with their people as they are now.
    fn find_deliveries_now(&mut self, ids: &[DeliveryId]) -> Result<Vec<DeliveryNow>, StoreError>;
    /// How many of a campaign are in the queue.
    fn count_queued_deliveries(&mut self, id: CampaignId) -> Result<InQueue, StoreError>;
    /// Notes that these are in the queue, those that wait still; gives which.
    fn mark_queued(&mut self, ids: &[DeliveryId]) -> Result<Vec<DeliveryId>, StoreError>;
    /// Puts right those of a campaign that are said to be in the queue and have no message there: they fared as the message did,
    /// or wait again where there is none.
    fn repair_queued(&mut self, id: CampaignId, at: Instant) -> Result<(), StoreError>;
    /// Notes that these do not go.
    fn mark_skipped(&mut self, ids: &[DeliveryId], why: Skip, at: Instant) -> Result<(), StoreError>;
    /// Gives one that waits another address; false if another delivery of the campaign has that.
    fn readdress_delivery(&mut self, id: DeliveryId, email: &EmailAddress) -> Result<bool, StoreError>;
    /// Notes of at most so many that wait that they do not go; gives how many there were.
    fn skip_waiting(&mut self, id: CampaignId, why: Skip, most: u32, at: Instant) -> Result<u32, StoreError>;
    /// Takes out of the queue what no worker has claimed: it waits again.
    fn take_back_queued(&mut self, id: CampaignId) -> Result<u32, StoreError>;
    /// Of these codes of addresses, those that get no campaigns, and why.
    fn suppressed_among(&mut self, macs: &[String]) -> Result<Vec<(String, Skip)>, StoreError>;
    /// A page of deliveries, in the order in which they were written down.
    fn list_deliveries(
        &mut self,
        id: CampaignId,
        status: Option<DeliveryStatus>,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError>;
}

/// How many deliveries of a campaign are in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InQueue {
    /// All that are said to be there.
    pub all: u64,
    /// Those whose message is.
    pub with_message: u64,
    /// Of these, those that were not tried yet. What is tried again and again holds up nobody else.
    pub untried: u64,
}

/// An account that wants campaigns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The account.
    pub user_id: UserId,
    /// The attendee that stands for it.
    pub attendee_id: Option<kernel::AttendeeId>,
    /// As somebody to write to.
    pub recipient: Recipient,
}

/// What the operations on campaigns need of a transaction.
pub trait CampaignTx: CampaignRepository + RecipientRepository + SuppressionRepository + VotingTx {}
