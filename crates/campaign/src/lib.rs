//! Mails that ask for votes: a candidate asks for a campaign, a reviewer approves it, everybody gets one copy.
//!
//! Invariants: a campaign has one delivery for each address and a delivery has one message, which goes by the delivery's id;
//! mails are handed to the queue a few at a time, by whoever has the campaign's row locked, so that many instances keep one
//! rate and stopping it takes back all but what a worker is sending; whether a mail may go is asked when it is handed over,
//! when it is claimed, and once more right before it begins.

mod access;
mod approve_campaign;
mod audited;
mod cancel_campaign;
mod edit_campaign;
mod end_campaigns;
mod feed;
mod linked_delivery;
mod list_deliveries;
mod list_recipients;
mod model;
mod note_bounce;
mod pause_campaign;
mod preview_campaign;
mod progress;
mod read_campaign;
mod reject_campaign;
mod repository;
mod request_campaign;
mod resume_campaign;
mod set_preferences;
mod still_true;
mod suppression;
mod unsubscribe;
mod vote_link;
mod working;

pub use access::{
    CampaignRefused, require_campaign_asker, require_campaign_canceller, require_campaign_editor,
    require_campaign_reader,
};
pub use approve_campaign::{ApproveCampaign, ApproveCampaignError, approve_campaign};
pub use cancel_campaign::{CancelCampaignError, cancel_campaign};
pub use edit_campaign::{EditCampaign, EditCampaignError, edit_campaign};
pub use end_campaigns::{end_campaigns_of, end_campaigns_of_event, withdraw_campaigns_of};
pub use feed::{Rate, feed_campaign};
pub use linked_delivery::{DeliveryRepository, LinkedDelivery};
pub use list_deliveries::list_deliveries;
pub use list_recipients::list_recipients;
pub use model::{
    ApprovedNames, AtWork, Audience, Campaign, CampaignStatus, CampaignView, Delivery, DeliveryNow,
    DeliveryStatus, Progress, Skip,
};
pub use note_bounce::note_bounce;
pub use notification::CampaignText;
pub use pause_campaign::{PauseCampaignError, pause_campaign};
pub use preview_campaign::{PreviewCampaignError, preview_campaign};
pub use progress::{is_to_be_told, read_progress, tell_progress};
pub use read_campaign::{CampaignRead, list_campaigns_of_event, list_own_campaigns, read_campaign};
pub use reject_campaign::{RejectCampaignError, reject_campaign};
pub use repository::{
    CampaignFilter, CampaignRepository, CampaignTx, InQueue, Owner, Reader, RecipientRepository, Runs,
};
pub use request_campaign::{OPEN_AT_ONCE, RequestCampaign, RequestCampaignError, request_campaign};
pub use resume_campaign::{ResumeCampaignError, resume_campaign};
pub use set_preferences::set_preferences;
pub use still_true::{Stand, still_true};
pub use suppression::{
    SuppressionReason, SuppressionRepository, address_macs, address_proven, suppress_address,
};
pub use unsubscribe::{UnsubscribeLink, UnsubscribeTx, read_unsubscribe_link, unsubscribe};
pub use vote_link::{VoteLink, VoteLinkError, VoteLinkTx, confirm_vote_link, read_vote_link};
