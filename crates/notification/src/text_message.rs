//! Messages as text messages: one short text each, without a greeting, and without a link, as there is no page for one.

use crate::lines::{local_time, one_line, place_of, shortened};
use crate::mail::RenderError;
use crate::{EventFacts, Job, Medium, Message};
use kernel::ServerKeys;

/// Text messages that a person is sent within 24 hours at the most, and codes that one number is.
pub const TEXTS_A_DAY: u32 = 5;

/// So much of a title, and of a place, has room.
const MOST_OF_TITLE: usize = 80;
const MOST_OF_PLACE: usize = 60;

/// Renders a message as a text message of at most 320 characters.
pub fn render_text(job: &Job, _public_url: &str, keys: &ServerKeys) -> Result<String, RenderError> {
    Ok(match &job.message {
        Message::SeatFromWaitlist { event, .. } => {
            format!(
                "A seat came free and is yours: {}. {}",
                title_of(event),
                start_of(event)
            )
        }
        Message::EventCancelled { event, .. } => format!(
            "Called off: {}. It does not take place on {}.",
            title_of(event),
            local_time(event, event.starts_at)
        ),
        Message::EventMoved {
            event,
            previous_starts_at,
            ..
        } => format!(
            "New time: {}. It starts {}, not {}.",
            title_of(event),
            local_time(event, event.starts_at),
            local_time(event, *previous_starts_at)
        ),
        Message::Reminder { event, .. } => format!("Reminder: {}. {}", title_of(event), start_of(event)),
        Message::PhoneVerification {
            secrets, expires_at, ..
        } => {
            let secrets = secrets.open(keys).ok_or(RenderError::SecretsGone)?;
            format!(
                "{} is your Podium code to confirm this phone, good until {} UTC. Nobody of us will ever ask you for it.",
                secrets.code,
                expires_at.format("%H:%M")
            )
        }
        Message::EmailVerification { .. }
        | Message::EmailChange { .. }
        | Message::EmailChanged { .. }
        | Message::PasswordReset { .. }
        | Message::PasswordChanged { .. }
        | Message::SecurityAnswersChanged { .. }
        | Message::AccountCreated { .. }
        | Message::ExternalSignInLinked { .. }
        | Message::SeatConfirmed { .. }
        | Message::WaitlistJoined { .. }
        | Message::RegistrationCancelled { .. }
        | Message::WaitlistRemoved { .. }
        | Message::Announcement { .. }
        | Message::Nominated { .. }
        | Message::SpeakerChosen { .. }
        | Message::SpeakerLost { .. } => return Err(RenderError::WrongMedium(Medium::Sms)),
    })
}

fn title_of(event: &EventFacts) -> String {
    shortened(&one_line(&event.title), MOST_OF_TITLE)
}

fn start_of(event: &EventFacts) -> String {
    let place = shortened(&place_of(event), MOST_OF_PLACE);
    format!("Starts {}. {place}", local_time(event, event.starts_at))
}
