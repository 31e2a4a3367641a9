//! The ticket of a mail that gives a seat, as a page to print.

use crate::lines::EventLines;
use crate::{Attachment, Job};
use kernel::ServerKeys;
use ticket::Sheet;

/// The file; none where the message gives no seat, was written before seats had tickets, or where no page can be made of what
/// people wrote: the mail has the code and the link then.
pub(crate) fn attachment(job: &Job, keys: &ServerKeys) -> Option<Attachment> {
    let (event, registration_id, code) = job.message.ticket()?;
    let lines = EventLines::of(event);
    let signed_text = ticket::signed_text(keys, code, event.id).ok()?;
    let sheet = Sheet {
        title: &lines.title,
        when: &lines.when,
        place: &lines.place,
        name: &job.name,
        code,
        signed_text: &signed_text,
        reference: &registration_id.to_string(),
    };
    Some(Attachment {
        file_name: "ticket.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        content: ticket::print(&sheet).ok()?,
    })
}
