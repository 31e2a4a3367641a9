//! The messages, one enum.

use crate::SealedSecrets;
use chrono::TimeDelta;
use kernel::{
    CandidateId, EmailAddress, EventId, Instant, MailingId, OneTimeId, OutboxId, RegistrationId, UserId,
    WaitlistEntryId,
};
use serde::{Deserialize, Serialize};
use ticket::TicketCode;

/// Who a message goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// How the person is addressed.
    pub name: String,
    /// Where the message goes.
    pub email: EmailAddress,
    /// The account that the person has: its messages go when it does, whatever address they went to.
    pub user_id: Option<UserId>,
}

/// What a message says about its event, as it was when the message was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFacts {
    /// The event.
    pub id: EventId,
    /// Its title; part of every subject.
    pub title: String,
    /// When it starts.
    pub starts_at: Instant,
    /// When it ends; messages written by earlier versions do not say.
    #[serde(default)]
    pub ends_at: Option<Instant>,
    /// The IANA zone that dates are shown in.
    pub time_zone: String,
    /// Where it is; none for a virtual event.
    pub location: Option<String>,
}

/// By what a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Medium {
    /// A mail.
    Email,
    /// A text message to a phone.
    Sms,
}

impl Medium {
    /// Every medium.
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    /// The name in the database and for operators.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// The medium of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|medium| medium.as_str() == name)
    }
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// An e-mail address as it was written.
    Email(String),
    /// A phone number, E.164.
    Phone(String),
}

impl Destination {
    /// By what it is reached.
    pub const fn medium(&self) -> Medium {
        match self {
            Self::Email(_) => Medium::Email,
            Self::Phone(_) => Medium::Sms,
        }
    }

    /// The address or the number.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::Phone(text) => text,
        }
    }
}

/// How long before the start a reminder is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReminderLead {
    /// 24 hours.
    Day,
    /// 3 hours.
    Hours,
}

impl ReminderLead {
    /// Every distance, the nearest first.
    pub const ALL: [Self; 2] = [Self::Hours, Self::Day];

    /// The time between the reminder and the start.
    pub const fn before(self) -> TimeDelta {
        TimeDelta::hours(self.hours() as i64)
    }

    /// From when on it comes too late: one that is late gives way to the nearer one, so that nobody gets both at once.
    pub fn worth_until(self, starts_at: Instant) -> Instant {
        match self {
            Self::Day => starts_at - Self::Hours.before(),
            Self::Hours => starts_at,
        }
    }

    /// Hours before the start.
    pub const fn hours(self) -> u8 {
        match self {
            Self::Day => 24,
            Self::Hours => 3,
        }
    }
}

/// One message to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Asks an account to confirm its address.
    EmailVerification {
        /// What was made to prove it.
        one_time_id: OneTimeId,
        /// The link's token and the code.
        secrets: SealedSecrets,
        /// Until when they are good.
        expires_at: Instant,
    },
    /// Asks, at the address that an account is to have, whether it is the person's.
    EmailChange {
        /// What was made to prove it.
        one_time_id: OneTimeId,
        /// The link's token and the code.
        secrets: SealedSecrets,
        /// Until when they are good.
        expires_at: Instant,
    },
    /// Tells, at the address that an account had, that it has another one now.
    EmailChanged {
        /// What proved the new one.
        one_time_id: OneTimeId,
    },
    /// Lets a person who forgot the password set a new one.
    PasswordReset {
        /// What was made to prove who asks.
        one_time_id: OneTimeId,
        /// The link's token and the code.
        secrets: SealedSecrets,
        /// Until when they are good.
        expires_at: Instant,
    },
    /// Tells that the password is another one now, and that all sessions were ended.
    PasswordChanged {
        /// Tells one change from the next.
        notice_id: OutboxId,
        /// How it came about.
        by: PasswordChange,
        /// When.
        at: Instant,
    },
    /// Tells that the answers to the security questions were set anew.
    SecurityAnswersChanged {
        /// Tells one change from the next.
        notice_id: OutboxId,
        /// When.
        at: Instant,
    },
    /// Tells a person for whom an admin made an account, and lets them set their password.
    AccountCreated {
        /// What was made to prove who comes.
        one_time_id: OneTimeId,
        /// The link's token and the code.
        secrets: SealedSecrets,
        /// Until when they are good.
        expires_at: Instant,
    },
    /// Tells that one can sign in with an account elsewhere from now on.
    ExternalSignInLinked {
        /// Tells one link from the next.
        notice_id: OutboxId,
        /// Where the other account is, such as `Google`.
        provider: String,
        /// When.
        at: Instant,
    },
    /// The seat is the person's.
    SeatConfirmed {
        /// The event.
        event: EventFacts,
        /// The registration that holds the seat.
        registration_id: RegistrationId,
        /// The ticket that comes with the mail; messages written by earlier versions have none.
        #[serde(default)]
        ticket_code: Option<TicketCode>,
        /// When it was asked for once more; none the first time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resent_at: Option<Instant>,
    },
    /// A seat came free and is the person's now.
    SeatFromWaitlist {
        /// The event.
        event: EventFacts,
        /// The registration that holds the seat.
        registration_id: RegistrationId,
        /// The ticket that comes with the mail; messages written by earlier versions have none.
        #[serde(default)]
        ticket_code: Option<TicketCode>,
    },
    /// The person waits for a seat.
    WaitlistJoined {
        /// The event.
        event: EventFacts,
        /// The place in the queue.
        entry_id: WaitlistEntryId,
        /// The position at the time of joining, from 1.
        position: u32,
    },
    /// The seat is given back.
    RegistrationCancelled {
        /// The event.
        event: EventFacts,
        /// The registration that held the seat.
        registration_id: RegistrationId,
    },
    /// A manager took the person off the waitlist.
    WaitlistRemoved {
        /// The event.
        event: EventFacts,
        /// The place that is gone.
        entry_id: WaitlistEntryId,
    },
    /// The event does not take place.
    EventCancelled {
        /// The event.
        event: EventFacts,
        /// Why, in the organiser's words.
        reason: Option<String>,
    },
    /// The event starts at another time.
    EventMoved {
        /// The event, with its new start.
        event: EventFacts,
        /// The start that was announced before.
        previous_starts_at: Instant,
        /// The edit that moved it: a start can move away, back, and away again, and each move is told.
        edit: i64,
        /// The registration that holds the seat; messages written by earlier versions have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        registration_id: Option<RegistrationId>,
    },
    /// The event is near.
    Reminder {
        /// The event.
        event: EventFacts,
        /// The registration that holds the seat.
        registration_id: RegistrationId,
        /// How near.
        lead: ReminderLead,
    },
    /// The organiser has something to say to everybody who holds a seat.
    Announcement {
        /// The event.
        event: EventFacts,
        /// The same for all who get it.
        mailing_id: MailingId,
        /// The registration that holds the seat.
        registration_id: RegistrationId,
        /// Who organises the event.
        organizer: String,
        /// What it is about, in the organiser's words.
        subject: String,
        /// What it says, in paragraphs.
        body: String,
    },
    /// Somebody named the person as a candidate for speaker, who may agree or not.
    Nominated {
        /// The event.
        event: EventFacts,
        /// The candidacy.
        candidate_id: CandidateId,
        /// Who named them.
        nominated_by: String,
        /// What the talk is to be called.
        talk_title: String,
    },
    /// The person is to speak at the event.
    SpeakerChosen {
        /// The event.
        event: EventFacts,
        /// The candidacy.
        candidate_id: CandidateId,
        /// What the talk is called.
        talk_title: String,
        /// The edit that chose them: each choice is told once.
        edit: i64,
    },
    /// The speaker of an event gave the seat back or stands no longer. Goes to those who choose speakers.
    SpeakerLost {
        /// The event.
        event: EventFacts,
        /// The candidacy.
        candidate_id: CandidateId,
        /// Who was to speak.
        speaker: String,
        /// What the talk was called.
        talk_title: String,
    },
    /// Asks the person to prove that a phone is theirs. Goes by text message alone.
    PhoneVerification {
        /// Tells one code from the next.
        notice_id: OutboxId,
        /// The code; there is no link.
        secrets: SealedSecrets,
        /// Until when it is good.
        expires_at: Instant,
    },
}

/// How a password came to be another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordChange {
    /// By somebody signed in who knew the old one.
    Changed,
    /// By who could read the mail.
    ResetByMail,
    /// By who knew the answers to the security questions.
    ResetByAnswers,
}

/// How urgent a message is: mails to one person go before mails to many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Somebody waits for it.
    Personal = 0,
    /// One of many.
    Bulk = 10,
}

impl Message {
    /// The name of every kind.
    pub const KINDS: [&str; 21] = [
        "email_verification",
        "email_change",
        "email_changed",
        "password_reset",
        "password_changed",
        "security_answers_changed",
        "account_created",
        "external_sign_in_linked",
        "seat_confirmed",
        "seat_from_waitlist",
        "waitlist_joined",
        "registration_cancelled",
        "waitlist_removed",
        "event_cancelled",
        "event_moved",
        "reminder",
        "announcement",
        "nominated",
        "speaker_chosen",
        "speaker_lost",
        "phone_verification",
    ];

    /// The kind, as the queue and its readers name it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::EmailVerification { .. } => "email_verification",
            Self::EmailChange { .. } => "email_change",
            Self::EmailChanged { .. } => "email_changed",
            Self::PasswordReset { .. } => "password_reset",
            Self::PasswordChanged { .. } => "password_changed",
            Self::SecurityAnswersChanged { .. } => "security_answers_changed",
            Self::AccountCreated { .. } => "account_created",
            Self::ExternalSignInLinked { .. } => "external_sign_in_linked",
            Self::SeatConfirmed { .. } => "seat_confirmed",
            Self::SeatFromWaitlist { .. } => "seat_from_waitlist",
            Self::WaitlistJoined { .. } => "waitlist_joined",
            Self::RegistrationCancelled { .. } => "registration_cancelled",
            Self::WaitlistRemoved { .. } => "waitlist_removed",
            Self::EventCancelled { .. } => "event_cancelled",
            Self::EventMoved { .. } => "event_moved",
            Self::Reminder { .. } => "reminder",
            Self::Announcement { .. } => "announcement",
            Self::Nominated { .. } => "nominated",
            Self::SpeakerChosen { .. } => "speaker_chosen",
            Self::SpeakerLost { .. } => "speaker_lost",
            Self::PhoneVerification { .. } => "phone_verification",
        }
    }

    /// What makes it the only message of its kind to its recipient.
    pub fn occasion(&self) -> String {
        match self {
            Self::EmailVerification { one_time_id, .. }
            | Self::EmailChange { one_time_id, .. }
            | Self::EmailChanged { one_time_id }
            | Self::PasswordReset { one_time_id, .. }
            | Self::AccountCreated { one_time_id, .. } => one_time_id.to_string(),
            Self::PasswordChanged { notice_id, .. }
            | Self::SecurityAnswersChanged { notice_id, .. }
            | Self::ExternalSignInLinked { notice_id, .. }
            | Self::PhoneVerification { notice_id, .. } => notice_id.to_string(),
            Self::SeatConfirmed {
                registration_id,
                resent_at: Some(at),
                ..
            } => format!("{registration_id}:{}", at.timestamp_micros()),
            Self::Announcement { mailing_id, .. } => mailing_id.to_string(),
            Self::SeatConfirmed { registration_id, .. }
            | Self::SeatFromWaitlist { registration_id, .. }
            | Self::RegistrationCancelled { registration_id, .. } => registration_id.to_string(),
            Self::WaitlistJoined { entry_id, .. } | Self::WaitlistRemoved { entry_id, .. } => {
                entry_id.to_string()
            }
            Self::Nominated { candidate_id, .. } | Self::SpeakerLost { candidate_id, .. } => {
                candidate_id.to_string()
            }
            Self::SpeakerChosen {
                candidate_id, edit, ..
            } => format!("{candidate_id}:{edit}"),
            Self::EventCancelled { event, .. } => event.id.to_string(),
            Self::EventMoved { event, edit, .. } => format!("{}:{edit}", event.id),
            // Another start is another occasion.
            Self::Reminder {
                event,
                registration_id,
                lead,
            } => format!(
                "{registration_id}:{}:{}",
                lead.hours(),
                event.starts_at.timestamp_micros()
            ),
        }
    }

    /// The same to who holds a seat by this registration, where it says by which.
    #[must_use]
    pub fn to_holder(mut self, holder: RegistrationId) -> Self {
        match &mut self {
            Self::Reminder { registration_id, .. } | Self::Announcement { registration_id, .. } => {
                *registration_id = holder;
            }
            Self::EventMoved { registration_id, .. } => *registration_id = Some(holder),
            _ => {}
        }
        self
    }

    /// The event that it tells of.
    pub const fn event(&self) -> Option<&EventFacts> {
        match self {
            Self::SeatConfirmed { event, .. }
            | Self::SeatFromWaitlist { event, .. }
            | Self::WaitlistJoined { event, .. }
            | Self::RegistrationCancelled { event, .. }
            | Self::WaitlistRemoved { event, .. }
            | Self::EventCancelled { event, .. }
            | Self::EventMoved { event, .. }
            | Self::Reminder { event, .. }
            | Self::Announcement { event, .. }
            | Self::Nominated { event, .. }
            | Self::SpeakerChosen { event, .. }
            | Self::SpeakerLost { event, .. } => Some(event),
            Self::EmailVerification { .. }
            | Self::EmailChange { .. }
            | Self::EmailChanged { .. }
            | Self::PasswordReset { .. }
            | Self::PasswordChanged { .. }
            | Self::SecurityAnswersChanged { .. }
            | Self::AccountCreated { .. }
            | Self::ExternalSignInLinked { .. }
            | Self::PhoneVerification { .. } => None,
        }
    }

    /// Until when a text message besides the mail is worth something; none for what goes by mail alone.
    pub fn text_copy_until(&self, now: Instant) -> Option<Instant> {
        match self {
            Self::SeatFromWaitlist { event, .. } | Self::EventMoved { event, .. } => Some(event.starts_at),
            Self::Reminder { .. } => self.not_after(),
            Self::EventCancelled { .. } => Some(now + TimeDelta::days(1)),
            _ => None,
        }
    }

    /// When it is worth nothing any more: a message with secrets is wiped then, sent or not.
    pub fn not_after(&self) -> Option<Instant> {
        match self {
            Self::Reminder { event, lead, .. } => Some(lead.worth_until(event.starts_at)),
            _ => self.secrets().map(|(_, expires_at)| expires_at),
        }
    }

    /// The secrets that it carries, and until when they are good.
    pub const fn secrets(&self) -> Option<(&SealedSecrets, Instant)> {
        match self {
            Self::EmailVerification {
                secrets, expires_at, ..
            }
            | Self::EmailChange {
                secrets, expires_at, ..
            }
            | Self::PasswordReset {
                secrets, expires_at, ..
            }
            | Self::AccountCreated {
                secrets, expires_at, ..
            }
            | Self::PhoneVerification {
                secrets, expires_at, ..
            } => Some((secrets, *expires_at)),
            _ => None,
        }
    }

    /// The event and the seat that the message gives, with the code of its ticket.
    pub const fn ticket(&self) -> Option<(&EventFacts, RegistrationId, &TicketCode)> {
        match self {
            Self::SeatConfirmed {
                event,
                registration_id,
                ticket_code: Some(code),
                ..
            }
            | Self::SeatFromWaitlist {
                event,
                registration_id,
                ticket_code: Some(code),
            } => Some((event, *registration_id, code)),
            _ => None,
        }
    }

    /// How urgent it is.
    pub const fn priority(&self) -> Priority {
        match self {
            Self::EventCancelled { .. }
            | Self::EventMoved { .. }
            | Self::Reminder { .. }
            | Self::Announcement { .. } => Priority::Bulk,
            _ => Priority::Personal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_the_list() {
        let unknown = serde_json::from_str::<Message>(r#"{"nonsense": {}}"#).expect_err("no such kind");
        let known: Vec<String> = Message::KINDS.iter().map(|kind| format!("`{kind}`")).collect();
        let expected = format!("expected one of {}", known.join(", "));
        assert!(unknown.to_string().contains(&expected), "{unknown}");
    }
}
