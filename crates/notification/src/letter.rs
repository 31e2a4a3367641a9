//! What a mail shows, put into words where it depends on data: the templates in `templates/mail` hold the rest.

use crate::announcement::AnnouncementLines;
use crate::lines::{EventLines, local_time, one_line, several_lines, shortened};
use crate::links::ticket_link;
use crate::mail::RenderError;
use crate::{
    CampaignText, CampaignValues, Destination, Job, Message, PasswordChange, ReminderLead, render_campaign,
    unsubscribe_link, vote_link,
};
use kernel::{Instant, ServerKeys, TimeZone};

/// So much of a title has room in a subject.
const MOST_OF_TITLE: usize = 120;
/// A subject is no longer.
const MOST_OF_SUBJECT: usize = 200;

/// What the templates show. Each takes what its message has.
pub(crate) struct Letter<'a> {
    pub(crate) name: String,
    pub(crate) subject: String,
    /// The first line under the greeting, and what the mail is about.
    pub(crate) heading: &'static str,
    /// What lists of mails show beside the subject.
    pub(crate) preview: String,
    /// Why the person gets it, up to the address of the server.
    pub(crate) because: &'static str,
    pub(crate) public_url: &'a str,
    pub(crate) event: Option<EventLines>,
    pub(crate) secrets: Option<SecretLines>,
    pub(crate) ticket: Option<TicketLines>,
    /// Why the event is called off or the campaign rejected, in the words of who did it.
    pub(crate) reason: Option<String>,
    /// What the organiser says to all who hold a seat.
    pub(crate) announcement: Option<AnnouncementLines>,
    /// What a candidate says who asks for votes.
    pub(crate) campaign: Option<CampaignLines>,
    /// The talk that somebody is to give, and who it is about beside the recipient.
    pub(crate) talk: Option<TalkLines>,
    /// When it happened; of an event that moved, when it was to start before; of a campaign, from when on it is sent.
    pub(crate) at: String,
    /// How a password was changed.
    pub(crate) how: &'static str,
    /// Within how many hours the event starts.
    pub(crate) hours: u8,
}

/// A link and a code as a mail shows them.
pub(crate) struct SecretLines {
    pub(crate) action: &'static str,
    pub(crate) link: String,
    pub(crate) page: String,
    pub(crate) code: String,
    pub(crate) until: String,
}

/// A ticket as a mail shows it.
pub(crate) struct TicketLines {
    pub(crate) link: String,
    pub(crate) code: String,
    /// Whether it comes with the mail as a page to print.
    pub(crate) is_attached: bool,
}

/// A campaign as a mail shows it.
pub(crate) struct CampaignLines {
    pub(crate) candidate: String,
    pub(crate) talk: String,
    /// Sanitised: the one part of a mail that is put in as it is.
    pub(crate) html: String,
    pub(crate) text: String,
    pub(crate) vote_link: String,
    pub(crate) unsubscribe_link: String,
}

/// A talk as a mail shows it.
pub(crate) struct TalkLines {
    pub(crate) title: String,
    /// Who named the recipient, or who was to speak; nothing where it is the recipient alone.
    pub(crate) person: String,
}

impl TalkLines {
    fn of(message: &Message) -> Option<Self> {
        let (title, person) = match message {
            Message::Nominated {
                talk_title,
                nominated_by,
                ..
            } => (talk_title, nominated_by.as_str()),
            Message::SpeakerChosen { talk_title, .. } => (talk_title, ""),
            Message::SpeakerLost {
                talk_title, speaker, ..
            } => (talk_title, speaker.as_str()),
            _ => return None,
        };
        Some(Self {
            title: one_line(title),
            person: one_line(person),
        })
    }
}

impl<'a> Letter<'a> {
    pub(crate) fn of(
        job: &Job,
        public_url: &'a str,
        keys: &ServerKeys,
        has_page: bool,
    ) -> Result<Self, RenderError> {
        let message = &job.message;
        let event = message.event().map(EventLines::of);
        let heading = heading_of(message);
        let preview = match &event {
            Some(event) => format!("{} · {}", event.when, event.place),
            None => heading.to_owned(),
        };
        let (subject, campaign) = match campaign_lines(job, public_url, keys)? {
            Some((subject, campaign)) => (subject, Some(campaign)),
            None => (subject_of(message), None),
        };
        Ok(Self {
            name: one_line(&job.name),
            subject,
            heading,
            preview,
            because: because_of(message),
            public_url,
            event,
            secrets: secret_lines(message, public_url, keys)?,
            ticket: message.ticket().map(|(_, _, code)| TicketLines {
                link: ticket_link(public_url, code),
                code: code.grouped(),
                is_attached: has_page,
            }),
            reason: reason_of(message),
            announcement: AnnouncementLines::of(message),
            campaign,
            talk: TalkLines::of(message),
            at: at_of(message),
            how: how_changed(message),
            hours: match message {
                Message::Reminder { lead, .. } => lead.hours(),
                _ => ReminderLead::Day.hours(),
            },
        })
    }
}

/// The subject, at most 200 characters; that of an event's mail names the event.
fn subject_of(message: &Message) -> String {
    let about = match message {
        Message::SeatConfirmed { .. } => "Your seat is confirmed",
        Message::SeatFromWaitlist { .. } => "A seat for you",
        Message::WaitlistJoined { .. } => "You are on the waitlist",
        Message::RegistrationCancelled { .. } => "Registration cancelled",
        Message::WaitlistRemoved { .. } => "No longer on the waitlist",
        Message::EventCancelled { .. } => "Called off",
        Message::EventMoved { .. } => "New time",
        Message::Reminder { .. } => "Reminder",
        Message::Nominated { .. } => "You are named as a speaker",
        Message::SpeakerChosen { .. } => "You are the speaker",
        Message::SpeakerLost { .. } => "No speaker any more",
        // In the organiser's words, and still no longer than others.
        Message::Announcement { event, subject, .. } => {
            let subject = shortened(&one_line(subject), MOST_OF_TITLE);
            let left = MOST_OF_SUBJECT.saturating_sub(subject.chars().count() + 2);
            return format!("{subject}: {}", shortened(&one_line(&event.title), left));
        }
        Message::ExternalSignInLinked { provider, .. } => {
            return format!(
                "You can sign in with {} now",
                shortened(&one_line(provider), MOST_OF_TITLE)
            );
        }
        _ => heading_of(message),
    };
    match message.event() {
        Some(event) => format!("{about}: {}", shortened(&one_line(&event.title), MOST_OF_TITLE)),
        None => about.to_owned(),
    }
}

const fn heading_of(message: &Message) -> &'static str {
    match message {
        Message::EmailVerification { .. } => "Confirm your e-mail address",
        Message::EmailChange { .. } => "Confirm your new e-mail address",
        Message::EmailChanged { .. } => "Your e-mail address was changed",
        Message::PasswordReset { .. } => "Set a new password",
        Message::PasswordChanged { .. } => "Your password was changed",
        Message::SecurityAnswersChanged { .. } => "Your security answers were changed",
        Message::AccountCreated { .. } => "An account was made for you",
        Message::ExternalSignInLinked { .. } => "There is a new way to sign in",
        Message::SeatConfirmed { .. } => "Your seat is confirmed",
        Message::SeatFromWaitlist { .. } => "A seat came free, and it is yours",
        Message::WaitlistJoined { .. } => "You are on the waitlist",
        Message::RegistrationCancelled { .. } => "Your registration is cancelled",
        Message::WaitlistRemoved { .. } => "You are no longer on the waitlist",
        Message::EventCancelled { .. } => "The event is called off",
        Message::EventMoved { .. } => "The event has a new time",
        Message::Reminder { .. } => "A reminder of your event",
        Message::Announcement { .. } => "News of your event",
        Message::Campaign { .. } => "A candidate asks for your vote",
        Message::Nominated { .. } => "Somebody would like to hear you speak",
        Message::SpeakerChosen { .. } => "You were chosen to speak",
        Message::SpeakerLost { .. } => "The event has no speaker any more",
        Message::CampaignDecided { send_at: Some(_), .. } => "Your campaign is approved",
        Message::CampaignDecided { send_at: None, .. } => "Your campaign is rejected",
        Message::PhoneVerification { .. } => "Confirm your phone",
    }
}

const fn because_of(message: &Message) -> &'static str {
    match message {
        Message::EmailVerification { .. } => "because an account was made with this address at",
        Message::EmailChange { .. } => "because this address was given for an account at",
        Message::SeatConfirmed { .. }
        | Message::SeatFromWaitlist { .. }
        | Message::RegistrationCancelled { .. }
        | Message::EventMoved { .. }
        | Message::Reminder { .. }
        | Message::Announcement { .. }
        | Message::Nominated { .. }
        | Message::SpeakerChosen { .. } => "because of your registration at",
        Message::WaitlistJoined { .. } | Message::WaitlistRemoved { .. } => {
            "because of your place on the waitlist at"
        }
        Message::EventCancelled { .. } => "because of your registration or place on the waitlist at",
        Message::Campaign { .. } => {
            "because you have a seat at this event, or agreed to get mails that ask for votes, at"
        }
        Message::EmailChanged { .. }
        | Message::PasswordReset { .. }
        | Message::PasswordChanged { .. }
        | Message::SecurityAnswersChanged { .. }
        | Message::AccountCreated { .. }
        | Message::ExternalSignInLinked { .. }
        | Message::CampaignDecided { .. }
        | Message::PhoneVerification { .. } => "because of your account at",
        Message::SpeakerLost { .. } => "because you choose speakers at",
    }
}

fn reason_of(message: &Message) -> Option<String> {
    match message {
        Message::EventCancelled { reason, .. } | Message::CampaignDecided { reason, .. } => reason
            .as_deref()
            .map(several_lines)
            .filter(|reason| !reason.is_empty()),
        _ => None,
    }
}

fn at_of(message: &Message) -> String {
    match message {
        Message::PasswordChanged { at, .. }
        | Message::SecurityAnswersChanged { at, .. }
        | Message::ExternalSignInLinked { at, .. } => at_utc(*at),
        Message::EventMoved {
            event,
            previous_starts_at,
            ..
        } => local_time(event, *previous_starts_at),
        Message::CampaignDecided {
            event,
            send_at: Some(at),
            ..
        } => local_time(event, *at),
        _ => String::new(),
    }
}

const fn how_changed(message: &Message) -> &'static str {
    match message {
        Message::PasswordChanged { by, .. } => match by {
            PasswordChange::Changed => "by somebody who knew the old one",
            PasswordChange::ResetByMail => "with a link or code from a mail",
            PasswordChange::ResetByAnswers => "with the answers to your security questions",
        },
        _ => "",
    }
}

fn secret_lines(
    message: &Message,
    public_url: &str,
    keys: &ServerKeys,
) -> Result<Option<SecretLines>, RenderError> {
    let Some((sealed, expires_at)) = message.secrets() else {
        return Ok(None);
    };
    let secrets = sealed.open(keys).ok_or(RenderError::SecretsGone)?;
    let Some(link) = message.link(public_url, &secrets) else {
        return Ok(None);
    };
    let page = link.split('?').next().unwrap_or(&link).to_owned();
    let action = match message {
        Message::PasswordReset { .. } | Message::AccountCreated { .. } => "Set the password",
        _ => "Confirm the address",
    };
    Ok(Some(SecretLines {
        action,
        link,
        page,
        code: secrets.code,
        until: at_utc(expires_at),
    }))
}

/// The copy of a campaign, with its subject.
fn campaign_lines(
    job: &Job,
    public_url: &str,
    keys: &ServerKeys,
) -> Result<Option<(String, CampaignLines)>, RenderError> {
    let Message::Campaign {
        event,
        delivery_id,
        candidate,
        talk_title,
        subject,
        body,
        ..
    } = &job.message
    else {
        return Ok(None);
    };
    let Destination::Email(address) = &job.to else {
        return Ok(None);
    };
    let vote_link = vote_link(public_url, keys, *delivery_id);
    let values = CampaignValues {
        name: &job.name,
        event,
        candidate,
        talk: talk_title,
        vote_url: &vote_link,
    };
    let CampaignText { subject, html, text } = render_campaign(subject, body, &values)?;
    let lines = CampaignLines {
        candidate: one_line(candidate),
        talk: one_line(talk_title),
        html,
        text,
        vote_link,
        unsubscribe_link: unsubscribe_link(public_url, keys, *delivery_id, address),
    };
    Ok(Some((subject, lines)))
}

fn at_utc(instant: Instant) -> String {
    TimeZone::UTC.local_time(instant)
}
