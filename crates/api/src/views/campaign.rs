//! Campaigns in answers.

use campaign::{
    Audience, Campaign, CampaignStatus, CampaignText, CampaignView, Delivery, DeliveryStatus, Progress,
};
use chrono::{DateTime, Utc};
use kernel::TypedId;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Where a campaign stands.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CampaignStatus)]
pub enum CampaignStatusBody {
    /// Asked for.
    Requested,
    /// It may go, from a time on.
    Approved,
    /// On its way.
    Sending,
    /// On its way, and held.
    Paused,
    /// Nothing is left to be sent.
    Sent,
    /// A reviewer said no.
    Rejected,
    /// Given up, or its reason is gone.
    Cancelled,
}

impl From<CampaignStatus> for CampaignStatusBody {
    fn from(status: CampaignStatus) -> Self {
        match status {
            CampaignStatus::Requested => Self::Requested,
            CampaignStatus::Approved => Self::Approved,
            CampaignStatus::Sending => Self::Sending,
            CampaignStatus::Paused => Self::Paused,
            CampaignStatus::Sent => Self::Sent,
            CampaignStatus::Rejected => Self::Rejected,
            CampaignStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl From<CampaignStatusBody> for CampaignStatus {
    fn from(status: CampaignStatusBody) -> Self {
        match status {
            CampaignStatusBody::Requested => Self::Requested,
            CampaignStatusBody::Approved => Self::Approved,
            CampaignStatusBody::Sending => Self::Sending,
            CampaignStatusBody::Paused => Self::Paused,
            CampaignStatusBody::Sent => Self::Sent,
            CampaignStatusBody::Rejected => Self::Rejected,
            CampaignStatusBody::Cancelled => Self::Cancelled,
        }
    }
}

/// Whom a campaign goes to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Audience)]
pub enum AudienceBody {
    /// Who holds a seat at the event.
    Event,
    /// Everybody with an account who wants campaigns.
    All,
}

impl From<Audience> for AudienceBody {
    fn from(audience: Audience) -> Self {
        match audience {
            Audience::Event => Self::Event,
            Audience::All => Self::All,
        }
    }
}

impl From<AudienceBody> for Audience {
    fn from(audience: AudienceBody) -> Self {
        match audience {
            AudienceBody::Event => Self::Event,
            AudienceBody::All => Self::All,
        }
    }
}

/// How far a campaign is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignProgress)]
pub struct ProgressBody {
    /// Recipients that are written down, without those who are skipped. Grows while they are.
    pub total: u64,
    /// Mails that the mail server has taken.
    pub sent: u64,
    /// Mails that were given up.
    pub failed: u64,
    /// How much of it is done with, from 0 to 100.
    pub percent: u64,
    /// Votes that its links gave and that stand. Null for whoever may not read the results yet.
    pub votes_won: Option<u64>,
}

impl From<Progress> for ProgressBody {
    fn from(progress: Progress) -> Self {
        Self {
            total: progress.total,
            sent: progress.sent,
            failed: progress.failed,
            percent: progress.percent(),
            votes_won: progress.votes_won,
        }
    }
}

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Campaign)]
pub struct CampaignBody {
    /// Its id.
    pub id: Uuid,
    /// At which event.
    pub event_id: Uuid,
    /// For whom it asks.
    pub candidate_id: Uuid,
    /// The subject, with placeholders.
    pub subject: String,
    /// Markdown with placeholders.
    pub body: String,
    /// Where it stands.
    pub status: CampaignStatusBody,
    /// Whom it goes to; once it is approved.
    pub audience: Option<AudienceBody>,
    /// From when on; once it is approved.
    pub send_at: Option<DateTime<Utc>>,
    /// How far it is.
    pub progress: ProgressBody,
    /// Why it was rejected, paused or cancelled.
    pub reason: Option<String>,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it began to be sent.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub finished_at: Option<DateTime<Utc>>,
}

impl CampaignBody {
    /// The campaign with its progress.
    pub fn of(view: CampaignView) -> Self {
        let CampaignView { campaign, progress } = view;
        let is_decided = !matches!(
            campaign.status,
            CampaignStatus::Requested | CampaignStatus::Rejected
        );
        let progress = ProgressBody::from(progress);
        let Campaign {
            id,
            event_id,
            candidate_id,
            status,
            subject,
            body,
            audience,
            send_at,
            reason,
            requested_at,
            started_at,
            finished_at,
            ..
        } = campaign;
        Self {
            id: id.uuid(),
            event_id: event_id.uuid(),
            candidate_id: candidate_id.uuid(),
            subject,
            body,
            status: status.into(),
            audience: audience.map(AudienceBody::from),
            send_at,
            progress: ProgressBody {
                // Of nobody yet, nothing is done.
                percent: if is_decided && started_at.is_some() {
                    progress.percent
                } else {
                    0
                },
                ..progress
            },
            reason,
            requested_at,
            started_at,
            finished_at,
        }
    }
}

/// A campaign as a recipient gets it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignPreview)]
pub struct CampaignPreviewBody {
    /// The subject of the mail.
    pub subject: String,
    /// What stands in the page, sanitised.
    pub html: String,
    /// The same without markup.
    pub text: String,
}

impl CampaignPreviewBody {
    /// The text.
    pub fn of(text: CampaignText) -> Self {
        let CampaignText { subject, html, text } = text;
        Self { subject, html, text }
    }
}

/// What has become of a copy.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeliveryStatus)]
pub enum DeliveryStatusBody {
    /// To be handed to the queue.
    Waiting,
    /// In the queue.
    Queued,
    /// The mail server has taken it.
    Sent,
    /// The queue gave it up.
    Failed,
    /// It does not go to this person.
    Skipped,
}

impl From<DeliveryStatus> for DeliveryStatusBody {
    fn from(status: DeliveryStatus) -> Self {
        match status {
            DeliveryStatus::Waiting => Self::Waiting,
            DeliveryStatus::Queued => Self::Queued,
            DeliveryStatus::Sent => Self::Sent,
            DeliveryStatus::Failed => Self::Failed,
            DeliveryStatus::Skipped => Self::Skipped,
        }
    }
}

impl From<DeliveryStatusBody> for DeliveryStatus {
    fn from(status: DeliveryStatusBody) -> Self {
        match status {
            DeliveryStatusBody::Waiting => Self::Waiting,
            DeliveryStatusBody::Queued => Self::Queued,
            DeliveryStatusBody::Sent => Self::Sent,
            DeliveryStatusBody::Failed => Self::Failed,
            DeliveryStatusBody::Skipped => Self::Skipped,
        }
    }
}

/// The copy of a campaign that goes to one recipient.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignDelivery)]
pub struct DeliveryBody {
    /// Its id, and that of its message among the jobs.
    pub id: Uuid,
    /// How the person is called; empty for who was erased.
    pub name: String,
    /// Where it goes; empty for who was erased.
    pub email: String,
    /// What has become of it.
    pub status: DeliveryStatusBody,
    /// Why it failed, in the mail server's words, or a word for why it was skipped.
    pub error: Option<String>,
    /// When it was done with.
    pub finished_at: Option<DateTime<Utc>>,
}

impl DeliveryBody {
    /// The delivery.
    pub fn of(delivery: Delivery) -> Self {
        Self {
            id: delivery.id.uuid(),
            name: delivery.name,
            email: delivery.email.as_str().to_owned(),
            status: delivery.status.into(),
            error: delivery.error,
            finished_at: delivery.finished_at,
        }
    }
}
