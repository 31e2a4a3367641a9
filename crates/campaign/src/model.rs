//! Campaigns, and the copies that go to people.

use kernel::{
    AttendeeId, CampaignId, CandidateId, DeliveryId, EmailAddress, EventId, Instant, Position, UserId,
};
use notification::Recipient;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use voting::CandidateView;

/// Where a campaign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CampaignStatus {
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

impl CampaignStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Requested,
        Self::Approved,
        Self::Sending,
        Self::Paused,
        Self::Sent,
        Self::Rejected,
        Self::Cancelled,
    ];

    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Sending => "sending",
            Self::Paused => "paused",
            Self::Sent => "sent",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether something is to come of it still.
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Requested | Self::Approved | Self::Sending | Self::Paused
        )
    }
}

/// Whom a campaign goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Who holds a seat at the event.
    Event,
    /// Everybody with an account who wants campaigns.
    All,
}

impl Audience {
    /// Every audience.
    pub const ALL: [Self; 2] = [Self::Event, Self::All];

    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::All => "all",
        }
    }

    /// The audience of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|audience| audience.as_str() == name)
    }
}

/// A campaign for a candidacy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// At which event.
    pub event_id: EventId,
    /// For whom it asks.
    pub candidate_id: CandidateId,
    /// Who asked for it.
    pub requested_by: UserId,
    /// Where it stands.
    pub status: CampaignStatus,
    /// The subject, with placeholders.
    pub subject: String,
    /// What it says: Markdown with placeholders.
    pub body: String,
    /// How the candidate and the talk were called when it was approved, as long as it goes on: what a reviewer read is what is
    /// sent, whatever the candidate makes of the names then.
    pub approved_names: Option<ApprovedNames>,
    /// Whom it goes to; once it is approved.
    pub audience: Option<Audience>,
    /// From when on; once it is approved.
    pub send_at: Option<Instant>,
    /// Why it was rejected, paused or cancelled.
    pub reason: Option<String>,
    /// Who approved or rejected it.
    pub decided_by: Option<UserId>,
    /// Up to whom the recipients are written down: a seat in the order of registering, or an account.
    pub listed_to: Option<Position>,
    /// Whether all are.
    pub all_listed: bool,
    /// Whether the feeder has something to do with it.
    pub at_work: bool,
    /// Up to when mails were handed over: see [`crate::Rate`].
    pub fed_at: Option<Instant>,
    /// When its progress was last told to its owner.
    pub told_at: Option<Instant>,
    /// What was told then.
    pub told: Option<String>,
    /// When it was asked for.
    pub requested_at: Instant,
    /// When the first recipients were written down.
    pub started_at: Option<Instant>,
    /// When it was over.
    pub finished_at: Option<Instant>,
    /// When it was last changed by somebody.
    pub updated_at: Instant,
}

/// What the placeholders of the candidacy stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedNames {
    /// How the candidate is called.
    pub candidate: String,
    /// The title of the talk.
    pub talk_title: String,
}

impl ApprovedNames {
    /// As they are now.
    pub fn of(candidate: &CandidateView) -> Self {
        Self {
            candidate: candidate.name.clone(),
            talk_title: candidate.candidate.talk_title.clone(),
        }
    }
}

impl Campaign {
    /// What its placeholders stand for: what was approved, or what is now.
    pub fn names(&self, candidate: &CandidateView) -> ApprovedNames {
        let approved = self.approved_names.clone();
        approved.unwrap_or_else(|| ApprovedNames::of(candidate))
    }

    /// A code of all that a reviewer reads before deciding: the text, and what the candidate can put into it. It is another one
    /// when any of it was changed.
    pub fn version(&self, candidate: &CandidateView) -> String {
        let names = self.names(candidate);
        let mut hash = Sha256::new();
        for part in [&self.subject, &self.body, &names.candidate, &names.talk_title] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut version = String::with_capacity(32);
        for byte in hash.finalize().iter().take(16) {
            let _ = write!(version, "{byte:02x}");
        }
        version
    }
}

/// A campaign and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignView {
    /// The campaign.
    pub campaign: Campaign,
    /// How far it is.
    pub progress: Progress,
}

/// A campaign that the feeder has something to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtWork {
    /// Which.
    pub id: CampaignId,
    /// Where it stands.
    pub status: CampaignStatus,
    /// From when on it is sent.
    pub send_at: Option<Instant>,
    /// When its progress was last told.
    pub told_at: Option<Instant>,
}

impl AtWork {
    /// Whether it waits for somebody, or for its time.
    pub fn rests_at(&self, now: Instant) -> bool {
        match self.status {
            CampaignStatus::Approved => self.send_at.is_none_or(|at| now < at),
            CampaignStatus::Requested | CampaignStatus::Paused => true,
            _ => false,
        }
    }
}

/// How far a campaign is, counted from its deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Recipients that are written down, without those who were skipped.
    pub total: u64,
    /// Mails that were handed over.
    pub sent: u64,
    /// Mails that were given up.
    pub failed: u64,
    /// Votes that its links gave and that stand; none for whom the results are not shown yet, of which they are a part.
    pub votes_won: Option<u64>,
}

impl Progress {
    /// That of a campaign of which nothing was sent.
    pub fn nothing() -> Self {
        Self {
            votes_won: Some(0),
            ..Self::default()
        }
    }

    /// The same for somebody who may read the results, or may not.
    #[must_use]
    pub fn told(self, with_votes: bool) -> Self {
        Self {
            votes_won: self.votes_won.filter(|_| with_votes),
            ..self
        }
    }

    /// How much of it is done with, in hundredths: all of it when there was nobody to write to.
    pub const fn percent(&self) -> u64 {
        match ((self.sent + self.failed) * 100).checked_div(self.total) {
            Some(percent) => percent,
            None => 100,
        }
    }
}

/// What has become of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// To be handed to the queue.
    Waiting,
    /// In the queue, as a message of the same id.
    Queued,
    /// The mail server has taken it.
    Sent,
    /// The queue gave it up.
    Failed,
    /// It does not go to this person.
    Skipped,
}

impl DeliveryStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Queued,
        Self::Sent,
        Self::Failed,
        Self::Skipped,
    ];

    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// Why a copy does not go to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// The address wants no campaigns.
    Unsubscribed,
    /// The address takes no mail.
    Bounced,
    /// The account wants no campaigns, or is not in use.
    OptedOut,
    /// The person has no seat any more.
    NoSeat,
    /// The person is the candidate.
    Candidate,
    /// The campaign was over before.
    Over,
}

impl Skip {
    /// The word in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsubscribed => "unsubscribed",
            Self::Bounced => "bounced",
            Self::OptedOut => "opted_out",
            Self::NoSeat => "no_seat",
            Self::Candidate => "candidate",
            Self::Over => "campaign_over",
        }
    }
}

/// The copy of a campaign that goes to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, and that of its message.
    pub id: DeliveryId,
    /// Of which campaign.
    pub campaign_id: CampaignId,
    /// Whose vote its link gives.
    pub attendee_id: Option<AttendeeId>,
    /// The account, where there is one.
    pub user_id: Option<UserId>,
    /// How the person is called.
    pub name: String,
    /// Where it goes.
    pub email: EmailAddress,
    /// What has become of it.
    pub status: DeliveryStatus,
    /// Why it failed or was skipped.
    pub error: Option<String>,
    /// When it was done with.
    pub finished_at: Option<Instant>,
}

/// A copy, and its recipient as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryNow {
    /// The copy.
    pub delivery: Delivery,
    /// The person; none who is gone.
    pub person: Option<Recipient>,
    /// Whether they hold a seat at the event.
    pub has_seat: bool,
    /// Whether their account is suspended.
    pub is_suspended: bool,
    /// Whether they have an account in use that wants campaigns at a confirmed address.
    pub opted_in: bool,
}
