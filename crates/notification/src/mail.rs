//! Messages as mails: subject, text and HTML, from the templates in `templates/mail`. Everything that a person wrote is
//! escaped in HTML, and a subject is one line.

use crate::{EventFacts, Job, MailedSecrets, Medium, Message, PasswordChange};
use askama::Template;
use kernel::{Instant, ServerKeys, TimeZone};

/// A mail that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedMail {
    /// One line.
    pub subject: String,
    /// Complete on its own.
    pub text: String,
    /// The same as a page.
    pub html: String,
    /// Files that come with it.
    pub attachments: Vec<Attachment>,
}

/// A file that comes with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name: letters, digits, hyphens and a dot.
    pub file_name: String,
    /// Its media type with parameters, such as `text/calendar; charset=utf-8; method=PUBLISH`.
    pub media_type: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Why a message cannot be a mail.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// It carries secrets that the keys do not open: they were sealed under a key that is gone.
    #[error("the secrets cannot be opened: their key is gone")]
    SecretsGone,
    /// It does not travel by this medium.
    #[error("it does not travel by {}", .0.as_str())]
    WrongMedium(Medium),
    /// A template failed.
    #[error("a template failed: {0}")]
    Template(#[from] askama::Error),
}

/// What every mail has.
struct Frame<'a> {
    name: &'a str,
    subject: String,
    public_url: &'a str,
}

/// An event as a mail shows it.
struct EventLines<'a> {
    title: &'a str,
    when: String,
    place: &'a str,
}

/// A link and a code as a mail shows them.
struct SecretLines {
    action: &'static str,
    link: String,
    page: String,
    code: String,
    until: String,
}

/// One struct for each template pair: what its text and its HTML show.
macro_rules! letters {
    ($($name:ident($html:literal, $text:literal) { $($field:ident: $type:ty),* $(,)? })+) => {$(
        struct $name<'a> { frame: Frame<'a>, $($field: $type),* }

        impl $name<'_> {
            fn render(&self) -> Result<RenderedMail, RenderError> {
                #[derive(Template)]
                #[template(path = $html)]
                struct Html<'a> { frame: &'a Frame<'a>, $($field: &'a $type),* }
                #[derive(Template)]
                #[template(path = $text)]
                struct Text<'a> { frame: &'a Frame<'a>, $($field: &'a $type),* }
                Ok(RenderedMail {
                    subject: self.frame.subject.clone(),
                    text: Text { frame: &self.frame, $($field: &self.$field),* }.render()?,
                    html: Html { frame: &self.frame, $($field: &self.$field),* }.render()?,
                    attachments: Vec::new(),
                })
            }
        }
    )+};
}

letters! {
    EmailVerification("mail/email_verification.html", "mail/email_verification.txt") { secrets: SecretLines }
    EmailChange("mail/email_change.html", "mail/email_change.txt") { secrets: SecretLines }
    EmailChanged("mail/email_changed.html", "mail/email_changed.txt") {}
    PasswordReset("mail/password_reset.html", "mail/password_reset.txt") { secrets: SecretLines }
    PasswordChanged("mail/password_changed.html", "mail/password_changed.txt") { how: &'a str, at: String }
    SecurityAnswersChanged("mail/security_answers_changed.html", "mail/security_answers_changed.txt") { at: String }
    AccountCreated("mail/account_created.html", "mail/account_created.txt") { secrets: SecretLines }
    ExternalSignInLinked("mail/external_sign_in_linked.html", "mail/external_sign_in_linked.txt") { provider: &'a str, at: String }
    SeatConfirmed("mail/seat_confirmed.html", "mail/seat_confirmed.txt") { event: EventLines<'a> }
    SeatFromWaitlist("mail/seat_from_waitlist.html", "mail/seat_from_waitlist.txt") { event: EventLines<'a> }
    WaitlistJoined("mail/waitlist_joined.html", "mail/waitlist_joined.txt") { event: EventLines<'a>, position: u32 }
    RegistrationCancelled("mail/registration_cancelled.html", "mail/registration_cancelled.txt") { event: EventLines<'a> }
    WaitlistRemoved("mail/waitlist_removed.html", "mail/waitlist_removed.txt") { event: EventLines<'a> }
    EventCancelled("mail/event_cancelled.html", "mail/event_cancelled.txt") { event: EventLines<'a>, reason: Option<&'a str> }
    EventMoved("mail/event_moved.html", "mail/event_moved.txt") { event: EventLines<'a>, previously: String }
    Reminder("mail/reminder.html", "mail/reminder.txt") { event: EventLines<'a> }
}

/// Renders a message as a mail, with links below the address at which people reach the server.
pub fn render_mail(job: &Job, public_url: &str, keys: &ServerKeys) -> Result<RenderedMail, RenderError> {
    let message = &job.message;
    let frame = Frame {
        name: &job.name,
        subject: subject_of(message),
        public_url,
    };
    let secrets = || secret_lines(message, public_url, keys);
    match message {
        Message::EmailVerification { .. } => EmailVerification {
            frame,
            secrets: secrets()?,
        }
        .render(),
        Message::EmailChange { .. } => EmailChange {
            frame,
            secrets: secrets()?,
        }
        .render(),
        Message::EmailChanged { .. } => EmailChanged { frame }.render(),
        Message::PasswordReset { .. } => PasswordReset {
            frame,
            secrets: secrets()?,
        }
        .render(),
        Message::PasswordChanged { by, at, .. } => PasswordChanged {
            frame,
            how: how_changed(*by),
            at: at_utc(*at),
        }
        .render(),
        Message::SecurityAnswersChanged { at, .. } => SecurityAnswersChanged {
            frame,
            at: at_utc(*at),
        }
        .render(),
        Message::AccountCreated { .. } => AccountCreated {
            frame,
            secrets: secrets()?,
        }
        .render(),
        Message::ExternalSignInLinked { provider, at, .. } => ExternalSignInLinked {
            frame,
            provider,
            at: at_utc(*at),
        }
        .render(),
        Message::SeatConfirmed { event, .. } => SeatConfirmed {
            frame,
            event: event_lines(event),
        }
        .render(),
        Message::SeatFromWaitlist { event, .. } => SeatFromWaitlist {
            frame,
            event: event_lines(event),
        }
        .render(),
        Message::WaitlistJoined { event, position, .. } => WaitlistJoined {
            frame,
            event: event_lines(event),
            position: *position,
        }
        .render(),
        Message::RegistrationCancelled { event, .. } => RegistrationCancelled {
            frame,
            event: event_lines(event),
        }
        .render(),
        Message::WaitlistRemoved { event, .. } => WaitlistRemoved {
            frame,
            event: event_lines(event),
        }
        .render(),
        Message::EventCancelled { event, reason } => EventCancelled {
            frame,
            event: event_lines(event),
            reason: reason.as_deref(),
        }
        .render(),
        Message::EventMoved {
            event,
            previous_starts_at,
            ..
        } => EventMoved {
            frame,
            event: event_lines(event),
            previously: zone_of(event).local_time(*previous_starts_at),
        }
        .render(),
        Message::Reminder { event, .. } => Reminder {
            frame,
            event: event_lines(event),
        }
        .render(),
        Message::PhoneVerification { .. } => Err(RenderError::WrongMedium(Medium::Email)),
    }
}

/// The subject; that of an event's mail names the event.
fn subject_of(message: &Message) -> String {
    let subject = match message {
        Message::EmailVerification { .. } => "Confirm your e-mail address".to_owned(),
        Message::EmailChange { .. } => "Confirm your new e-mail address".to_owned(),
        Message::EmailChanged { .. } => "Your e-mail address was changed".to_owned(),
        Message::PasswordReset { .. } => "Set a new password".to_owned(),
        Message::PasswordChanged { .. } => "Your password was changed".to_owned(),
        Message::SecurityAnswersChanged { .. } => "Your security answers were changed".to_owned(),
        Message::AccountCreated { .. } => "An account was made for you".to_owned(),
        Message::ExternalSignInLinked { provider, .. } => format!("You can sign in with {provider} now"),
        Message::SeatConfirmed { event, .. } => format!("Your seat is confirmed: {}", event.title),
        Message::SeatFromWaitlist { event, .. } => format!("A seat for you: {}", event.title),
        Message::WaitlistJoined { event, .. } => format!("You are on the waitlist: {}", event.title),
        Message::RegistrationCancelled { event, .. } => format!("Registration cancelled: {}", event.title),
        Message::WaitlistRemoved { event, .. } => format!("No longer on the waitlist: {}", event.title),
        Message::EventCancelled { event, .. } => format!("Called off: {}", event.title),
        Message::EventMoved { event, .. } => format!("New time: {}", event.title),
        Message::Reminder { event, .. } => format!("Soon: {}", event.title),
        Message::PhoneVerification { .. } => "Confirm your phone".to_owned(),
    };
    // Whatever a title may hold: a header is one line.
    subject
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn secret_lines(message: &Message, public_url: &str, keys: &ServerKeys) -> Result<SecretLines, RenderError> {
    let opened: Option<(MailedSecrets, Instant)> = message
        .secrets()
        .and_then(|(sealed, expires_at)| Some((sealed.open(keys)?, expires_at)));
    let (secrets, expires_at) = opened.ok_or(RenderError::SecretsGone)?;
    let link = message
        .link(public_url, &secrets)
        .ok_or(RenderError::SecretsGone)?;
    let page = link.split('?').next().unwrap_or(&link).to_owned();
    let action = match message {
        Message::PasswordReset { .. } | Message::AccountCreated { .. } => "Set the password",
        _ => "Confirm the address",
    };
    Ok(SecretLines {
        action,
        link,
        page,
        code: secrets.code,
        until: at_utc(expires_at),
    })
}

fn event_lines(event: &EventFacts) -> EventLines<'_> {
    EventLines {
        title: &event.title,
        when: zone_of(event).local_time(event.starts_at),
        place: event.location.as_deref().unwrap_or("online"),
    }
}

fn zone_of(event: &EventFacts) -> TimeZone {
    // It was checked when the event was made; a zone that has left the database since is shown in UTC.
    event.time_zone.parse().unwrap_or(TimeZone::UTC)
}

fn at_utc(instant: Instant) -> String {
    TimeZone::UTC.local_time(instant)
}

const fn how_changed(by: PasswordChange) -> &'static str {
    match by {
        PasswordChange::Changed => "by somebody who knew the old one",
        PasswordChange::ResetByMail => "with a link or code from a mail",
        PasswordChange::ResetByAnswers => "with the answers to your security questions",
    }
}

/// Renders a message as a text message: one short text.
pub fn render_text(job: &Job, _public_url: &str, _keys: &ServerKeys) -> Result<String, RenderError> {
    let _ = job;
    Err(RenderError::WrongMedium(Medium::Sms))
}
