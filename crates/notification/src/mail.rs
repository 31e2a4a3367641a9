//! Messages as mails: subject, text and HTML, from the templates in `templates/mail`. Everything that a person wrote is
//! escaped in HTML and one line, and so is every subject.

use crate::letter::Letter;
use crate::lines::finished;
use crate::{Job, Medium, Message, TemplateProblem, calendar_file, ticket_page};
use askama::Template;
use kernel::ServerKeys;

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
    /// Where the recipient says that they want no more of it, with one click of their mail program (RFC 2369, RFC 8058); none for
    /// mails that nobody can do without.
    pub list_unsubscribe: Option<String>,
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
    /// It is a campaign that was checked by other rules than those in force.
    #[error("the campaign cannot be rendered: {0}")]
    Campaign(#[from] TemplateProblem),
    /// A template failed.
    #[error("a template failed: {0}")]
    Template(#[from] askama::Error),
}

/// The layout takes the template of the message's kind.
#[derive(Template)]
#[template(path = "mail/layout.html")]
struct Html<'a> {
    letter: &'a Letter<'a>,
    message: &'a Message,
}

/// The same as plain text.
#[derive(Template)]
#[template(path = "mail/layout.txt")]
struct Text<'a> {
    letter: &'a Letter<'a>,
    message: &'a Message,
}

/// Renders a message as a mail, with links below the address at which people reach the server. One with a ticket takes
/// milliseconds of computing.
pub fn render_mail(job: &Job, public_url: &str, keys: &ServerKeys) -> Result<RenderedMail, RenderError> {
    let message = &job.message;
    if matches!(message, Message::PhoneVerification { .. }) {
        return Err(RenderError::WrongMedium(Medium::Email));
    }
    let ticket = ticket_page::attachment(job, keys);
    let letter = &Letter::of(job, public_url, keys, ticket.is_some())?;
    Ok(RenderedMail {
        subject: letter.subject.clone(),
        text: finished(&Text { letter, message }.render()?),
        html: Html { letter, message }.render()?,
        attachments: ticket
            .into_iter()
            .chain(calendar_file::attachment(job, public_url))
            .collect(),
        list_unsubscribe: letter
            .campaign
            .as_ref()
            .map(|campaign| campaign.unsubscribe_link.clone()),
    })
}
