//! A sample of every message, with what people write into names and titles: for the tests, and for who looks at them.

use crate::{
    Destination, EventFacts, Job, MailedSecrets, Medium, Message, PasswordChange, ReminderLead, SealedSecrets,
};
use chrono::TimeDelta;
use kernel::{Instant, ServerKeys, TypedId};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where people reach the server of the samples.
pub const PUBLIC_URL: &str = "https://events.example.org";

/// A message to somebody.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its kind and a number, as for a file.
    pub name: String,
    /// The message as the worker has it.
    pub job: Job,
}

/// The key that the samples' secrets are sealed with.
pub fn keys() -> ServerKeys {
    ServerKeys::new(vec![7; 32], Vec::new())
}

/// Every message about every event: by mail, and as a text message where it goes as one.
pub fn all() -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut numbers = BTreeMap::new();
    for (name, event) in people_and_events() {
        for message in messages(&event) {
            for medium in Medium::ALL {
                if !travels_by(&message, medium) {
                    continue;
                }
                let to = match medium {
                    Medium::Email => Destination::Email("asha@example.org".to_owned()),
                    Medium::Sms => Destination::Phone("+919812345678".to_owned()),
                };
                let number = numbers.entry((medium.as_str(), message.kind())).or_insert(0);
                *number += 1;
                samples.push(Sample {
                    name: format!("{}-{number}", message.kind()),
                    job: Job {
                        user_id: None,
                        id: TypedId::from_uuid(Uuid::from_u128(*number)),
                        name: name.to_owned(),
                        to,
                        message: message.clone(),
                        attempts: 0,
                        created_at: at("2026-10-23T09:00:00Z"),
                    },
                });
            }
        }
    }
    samples
}

fn travels_by(message: &Message, medium: Medium) -> bool {
    let by_text_alone = matches!(message, Message::PhoneVerification { .. });
    match medium {
        Medium::Email => !by_text_alone,
        Medium::Sms => by_text_alone || message.text_copy_until(at("2026-10-23T09:00:00Z")).is_some(),
    }
}

fn at(text: &str) -> Instant {
    text.parse().unwrap_or_default()
}

fn id<I: TypedId>(number: u128) -> I {
    I::from_uuid(Uuid::from_u128(
        number << 64 | 0x0190_5e5e_0000_7000_8000_0000_0000_0000,
    ))
}

/// A usual one; one over a change of the clocks, with the longest title that there can be; one that writes from right to
/// left, with markup in whatever a person can write, and without an end.
fn people_and_events() -> [(&'static str, EventFacts); 3] {
    let event =
        |number, title: &str, from, to: Option<&str>, zone: &str, location: Option<&str>| EventFacts {
            id: id(number),
            title: title.to_owned(),
            starts_at: at(from),
            ends_at: to.map(at),
            time_zone: zone.to_owned(),
            location: location.map(str::to_owned),
        };
    let long_title = "Größe zählt: Über Straßen, Öfen und Äpfel – ein Abend für alle, die längst wissen, was sie wollen, \
                      und für jene, die es noch nicht wissen, mit Musik, Gesprächen und einem Buffet bis in den frühen Morgen";
    [
        (
            "Asha Rao",
            event(
                1,
                "Rust Delhi: async from the ground up",
                "2026-11-03T12:30:00Z",
                Some("2026-11-03T15:30:00Z"),
                "Asia/Kolkata",
                Some("India Habitat Centre, Lodhi Road, New Delhi"),
            ),
        ),
        (
            "Maximiliane-Friederike von und zu Hohenstein-Württemberg-Schwarzenberg",
            event(
                2,
                long_title,
                "2026-10-24T20:00:00Z",
                Some("2026-10-25T05:00:00Z"),
                "Europe/Berlin",
                Some(
                    "Großer Saal im Alten Rathaus, Straße der Pariser Kommune 12, Hinterhof, 3. Stock, 10243 Berlin",
                ),
            ),
        ),
        (
            "<b>Åsa</b> & \"Co\"",
            event(
                3,
                "مؤتمر البرمجة <script>alert('x')</script> & {{ title }}\r\nBcc: all@example.org",
                "2026-10-30T18:00:00Z",
                None,
                "America/New_York",
                None,
            ),
        ),
    ]
}

fn secrets() -> SealedSecrets {
    let secrets = MailedSecrets {
        token: "q3Zt0cJm5nUe8aVb1xRk7wLy2pHs4dGf6iOj9uTc0Ee".to_owned(),
        code: "314159".to_owned(),
    };
    // Sealing fails where there is no randomness; there is no sample then.
    #[expect(clippy::expect_used, reason = "for tests and for looking at")]
    secrets.seal(&keys()).expect("randomness")
}

/// Every message there is. [`is_sampled`] does not compile where one was forgotten.
fn messages(event: &EventFacts) -> Vec<Message> {
    let mut messages = account_messages();
    messages.extend(seat_messages(event));
    messages.extend(event_messages(event));
    messages.extend(speaker_messages(event));
    debug_assert!(messages.iter().all(is_sampled));
    messages
}

/// What accounts are told.
fn account_messages() -> Vec<Message> {
    let secrets = secrets();
    let expires_at = at("2026-10-23T09:15:00Z");
    let (one_time_id, notice_id) = (id(10), id(11));
    let changed = |by| Message::PasswordChanged {
        notice_id,
        by,
        at: at("2026-10-23T08:59:00Z"),
    };
    vec![
        Message::EmailVerification {
            one_time_id,
            secrets: secrets.clone(),
            expires_at,
        },
        Message::EmailChange {
            one_time_id,
            secrets: secrets.clone(),
            expires_at,
        },
        Message::EmailChanged { one_time_id },
        Message::PasswordReset {
            one_time_id,
            secrets: secrets.clone(),
            expires_at,
        },
        changed(PasswordChange::Changed),
        changed(PasswordChange::ResetByMail),
        changed(PasswordChange::ResetByAnswers),
        Message::SecurityAnswersChanged {
            notice_id,
            at: expires_at,
        },
        Message::AccountCreated {
            one_time_id,
            secrets: secrets.clone(),
            expires_at,
        },
        Message::ExternalSignInLinked {
            notice_id,
            provider: "Google".to_owned(),
            at: expires_at,
        },
        Message::PhoneVerification {
            notice_id,
            secrets,
            expires_at,
        },
    ]
}

/// What becomes of one's seat or place in the queue.
fn seat_messages(event: &EventFacts) -> Vec<Message> {
    let (registration_id, entry_id) = (id(12), id(13));
    vec![
        Message::SeatConfirmed {
            event: event.clone(),
            registration_id,
            ticket_code: "01AB89XYZT0K".parse().ok(),
            resent_at: None,
        },
        Message::SeatFromWaitlist {
            event: event.clone(),
            registration_id,
            ticket_code: "01AB89XYZT0K".parse().ok(),
        },
        Message::WaitlistJoined {
            event: event.clone(),
            entry_id,
            position: 12,
        },
        Message::RegistrationCancelled {
            event: event.clone(),
            registration_id,
        },
        Message::WaitlistRemoved {
            event: event.clone(),
            entry_id,
        },
    ]
}

/// What all who hold a seat are told.
fn event_messages(event: &EventFacts) -> Vec<Message> {
    let registration_id = id(12);
    let reminder = |lead| Message::Reminder {
        event: event.clone(),
        registration_id,
        lead,
    };
    vec![
        Message::EventCancelled {
            event: event.clone(),
            reason: Some("The hall is <flooded>.\nWe are very sorry & hope to see you in spring.".to_owned()),
        },
        Message::EventCancelled {
            event: event.clone(),
            reason: None,
        },
        Message::EventMoved {
            event: event.clone(),
            previous_starts_at: event.starts_at - TimeDelta::days(7),
            edit: 4,
            registration_id: Some(registration_id),
        },
        reminder(ReminderLead::Day),
        reminder(ReminderLead::Hours),
        Message::Announcement {
            event: event.clone(),
            mailing_id: id(14),
            registration_id,
            organizer: "Bela <b>& Sons</b>".to_owned(),
            subject: "Where to park, and how to get in".to_owned(),
            body: "Dear all,\n\nthe car park is closed. Take the tram: https://tram.example.org/?to=hall&from=\"here\" \
                   (or walk).\n  Line 4\n  Line 7\n\n\njavascript:alert(1) <script>alert('x')</script>\n\nSee you!"
                .to_owned(),
        },
    ]
}

/// What candidates and those who choose the speaker are told.
fn speaker_messages(event: &EventFacts) -> Vec<Message> {
    let candidate_id = id(15);
    let talk_title = "Why <async> is \"easy\" & sync is not: größer, schneller, weiter".to_owned();
    vec![
        Message::Nominated {
            event: event.clone(),
            candidate_id,
            nominated_by: "Bela <b>& Sons</b>\r\nBcc: all@example.org".to_owned(),
            talk_title: talk_title.clone(),
        },
        Message::SpeakerChosen {
            event: event.clone(),
            candidate_id,
            talk_title: talk_title.clone(),
            edit: 4,
        },
        Message::SpeakerLost {
            event: event.clone(),
            candidate_id,
            speaker: "Cora <i>Díaz</i>".to_owned(),
            talk_title,
        },
    ]
}

/// Fails to compile when a message is added, so that whoever adds one comes here and puts a sample above.
const fn is_sampled(message: &Message) -> bool {
    match message {
        Message::EmailVerification { .. }
        | Message::EmailChange { .. }
        | Message::EmailChanged { .. }
        | Message::PasswordReset { .. }
        | Message::PasswordChanged { .. }
        | Message::SecurityAnswersChanged { .. }
        | Message::AccountCreated { .. }
        | Message::ExternalSignInLinked { .. }
        | Message::SeatConfirmed { .. }
        | Message::SeatFromWaitlist { .. }
        | Message::WaitlistJoined { .. }
        | Message::RegistrationCancelled { .. }
        | Message::WaitlistRemoved { .. }
        | Message::EventCancelled { .. }
        | Message::EventMoved { .. }
        | Message::Reminder { .. }
        | Message::Announcement { .. }
        | Message::Nominated { .. }
        | Message::SpeakerChosen { .. }
        | Message::SpeakerLost { .. }
        | Message::PhoneVerification { .. } => true,
    }
}
