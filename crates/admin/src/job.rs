//! A message of the queue as those who run the server see it: where it goes and how it fared, never what it says.

use kernel::{Instant, OutboxId, UserId};
use notification::{Medium, Message};

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// To be sent.
    Queued,
    /// Sent.
    Done,
    /// Given up: a dead letter, which can be tried again.
    Dead,
    /// Out for good: dropped, or not sent while it was worth something. What it said, or its secrets, are taken out.
    Lapsed,
}

impl JobStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Done, Self::Dead, Self::Lapsed];

    /// The name in the interface, and in the database but for what lapsed, which is a dead letter that was wiped there.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Lapsed => "lapsed",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// A message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedJob {
    /// Its id.
    pub id: OutboxId,
    /// By what it travels.
    pub medium: Medium,
    /// What kind of message it is.
    pub kind: String,
    /// The folded address, or the phone number.
    pub recipient: String,
    /// The account of the recipient.
    pub user_id: Option<UserId>,
    /// How far it is.
    pub status: JobStatus,
    /// Tries that failed.
    pub attempts: u32,
    /// What was in the way the last time.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: Instant,
    /// When it is to be sent; while it is being sent, when whoever sends it has to be done.
    pub due_at: Instant,
    /// When it was sent or given up.
    pub finished_at: Option<Instant>,
    /// After when it is worth nothing.
    pub not_after: Option<Instant>,
    /// When what it said was taken out.
    pub wiped_at: Option<Instant>,
    /// Whether a worker has claimed it.
    pub is_leased: bool,
}

impl QueuedJob {
    /// Whether somebody is sending it at this moment.
    pub fn is_in_progress(&self, now: Instant) -> bool {
        self.status == JobStatus::Queued && self.is_leased && self.due_at > now
    }

    /// Whether it is to be sent, and nobody is at it.
    pub fn is_waiting(&self, now: Instant) -> bool {
        self.status == JobStatus::Queued && !self.is_in_progress(now)
    }

    /// Whether it still says something to somebody.
    pub fn is_worth_sending(&self, now: Instant) -> bool {
        self.wiped_at.is_none() && self.not_after.is_none_or(|end| end > now)
    }

    /// Whether it can be tried again by hand.
    pub fn is_retryable(&self, now: Instant) -> bool {
        self.status == JobStatus::Dead && self.is_worth_sending(now)
    }
}

/// Which messages are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// That are so far.
    pub status: Option<JobStatus>,
    /// Of this kind.
    pub kind: Option<MessageKind>,
}

/// A kind of message that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageKind(&'static str);

impl MessageKind {
    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Message::KINDS.into_iter().find(|kind| *kind == name).map(Self)
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use kernel::TypedId;

    fn job(status: JobStatus) -> QueuedJob {
        QueuedJob {
            id: OutboxId::from_uuid(uuid::Uuid::nil()),
            medium: Medium::Email,
            kind: "reminder".into(),
            recipient: "asha@example.org".into(),
            user_id: None,
            status,
            attempts: 0,
            last_error: None,
            created_at: Instant::default(),
            due_at: Instant::default(),
            finished_at: None,
            not_after: None,
            wiped_at: None,
            is_leased: false,
        }
    }

    #[test]
    fn only_a_dead_letter_that_still_says_something_can_be_tried_again() {
        let now = Instant::default();
        let dead = job(JobStatus::Dead);
        assert!(dead.is_retryable(now));
        assert!(!job(JobStatus::Queued).is_retryable(now));
        assert!(!job(JobStatus::Done).is_retryable(now));
        let lapsed = QueuedJob {
            not_after: Some(now),
            ..dead.clone()
        };
        assert!(!lapsed.is_retryable(now));
        let wiped = QueuedJob {
            wiped_at: Some(now),
            ..dead
        };
        assert!(!wiped.is_retryable(now));
    }

    #[test]
    fn it_is_being_sent_while_a_lease_lasts() {
        let now = Instant::default();
        let leased = QueuedJob {
            is_leased: true,
            due_at: now + TimeDelta::seconds(1),
            ..job(JobStatus::Queued)
        };
        assert!(leased.is_in_progress(now));
        assert!(!leased.is_in_progress(leased.due_at));
        let waiting = QueuedJob {
            is_leased: false,
            ..leased
        };
        assert!(!waiting.is_in_progress(now));
    }
}
