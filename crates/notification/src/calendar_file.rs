//! The event of a mail as a file for calendars. A later mail wins over an earlier one, also where one that was cancelled is
//! confirmed again.

use crate::lines::{one_line, place_of, zone_of};
use crate::{Attachment, Job, Message};
use calendar::{Calendar, Entry, Method, Status};

/// The file that comes with a message; none where nothing changes in the person's calendar.
pub(crate) fn attachment(job: &Job, public_url: &str) -> Option<Attachment> {
    let (event, method) = match &job.message {
        Message::SeatConfirmed { event, .. }
        | Message::SeatFromWaitlist { event, .. }
        | Message::EventMoved { event, .. } => (event, Method::Publish),
        Message::RegistrationCancelled { event, .. } | Message::EventCancelled { event, .. } => {
            (event, Method::Cancel)
        }
        _ => return None,
    };
    let (status, description) = match method {
        Method::Publish => (
            Status::Confirmed,
            "You have a seat at this event. If you cannot come, please give it back.",
        ),
        Method::Cancel => (Status::Cancelled, "You have no seat at this event any more."),
    };
    let entry = Entry {
        event_id: event.id,
        as_of: job.created_at,
        title: one_line(&event.title),
        description: format!("{description} From {public_url}"),
        place: place_of(event),
        starts_at: event.starts_at,
        ends_at: event.ends_at,
        time_zone: zone_of(event),
        status,
        url: None,
    };
    let calendar = Calendar {
        public_url,
        method,
        feed: None,
        entries: vec![entry],
    };
    Some(Attachment {
        file_name: "event.ics".to_owned(),
        media_type: format!("text/calendar; charset=utf-8; method={}", method.as_str()),
        content: calendar.to_text().into_bytes(),
    })
}
