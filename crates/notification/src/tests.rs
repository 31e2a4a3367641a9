//! Every sample of every message, as mail, as text message and as a file for calendars.

use crate::samples::{PUBLIC_URL, Sample, all, keys};
use crate::{Attachment, Destination, Job, Medium, Message, RenderedMail, render_mail, render_text};
use icalendar::{Calendar, Component, EventLike};
use std::collections::BTreeSet;

fn mails() -> Vec<(Sample, RenderedMail)> {
    let samples = all().into_iter();
    samples
        .filter(|sample| sample.job.to.medium() == Medium::Email)
        .map(|sample| {
            let mail = render_mail(&sample.job, PUBLIC_URL, &keys()).expect("a mail");
            (sample, mail)
        })
        .collect()
}

fn texts() -> Vec<(Sample, String)> {
    let samples = all().into_iter();
    samples
        .filter(|sample| sample.job.to.medium() == Medium::Sms)
        .map(|sample| {
            let text = render_text(&sample.job, PUBLIC_URL, &keys()).expect("a text");
            (sample, text)
        })
        .collect()
}

/// A page as a person reads it.
fn shown(html: &str) -> String {
    let body = html.split_once("<body").expect("a body").1;
    let mut text = String::new();
    let mut inside = true;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    for (entity, c) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ] {
        text = text.replace(entity, c);
    }
    text
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_kind_has_a_sample_in_the_form_it_travels_in() {
    let kinds = |medium: Medium| -> BTreeSet<&str> {
        let samples = all().into_iter();
        samples
            .filter(|sample| sample.job.to.medium() == medium)
            .map(|sample| sample.job.message.kind())
            .collect()
    };
    let texted = BTreeSet::from([
        "event_cancelled",
        "event_moved",
        "phone_verification",
        "reminder",
        "seat_from_waitlist",
    ]);
    assert_eq!(kinds(Medium::Sms), texted);
    let mut mailed = BTreeSet::from(Message::KINDS);
    mailed.remove("phone_verification");
    assert_eq!(kinds(Medium::Email), mailed);
}

#[test]
fn a_mail_is_complete_as_text_and_as_a_page() {
    for (sample, mail) in mails() {
        let (name, text, page) = (&sample.name, squeezed(&mail.text), squeezed(&shown(&mail.html)));
        let person = squeezed(&sample.job.name);
        assert!(text.starts_with(&format!("Hello {person},")), "{name}:\n{text}");
        assert!(
            page.contains(&format!("Hello {person} ,")) || page.contains(&format!("Hello {person},")),
            "{name}:\n{page}"
        );
        assert!(text.contains(PUBLIC_URL) && page.contains(PUBLIC_URL), "{name}");
        assert!(mail.html.contains("lang=\"en\"") && mail.html.contains("charset=\"utf-8\""));
        if let Some(event) = sample.job.message.event() {
            let lines = crate::lines::EventLines::of(event);
            for line in [&lines.title, &lines.when, &lines.place] {
                let line = squeezed(line);
                assert!(
                    text.contains(&line) && page.contains(&line),
                    "{name}: {line}\n{text}\n{page}"
                );
            }
        }
        // Whatever the text says beside the labels, the page says too.
        for part in mail.text.split("\n\n").skip(1) {
            let is_said_otherwise = part.contains("Event: ")
                || part.contains("> ")
                || part.starts_with("--")
                || part.contains("http");
            let part = squeezed(part);
            let part = part.trim_end_matches('.');
            assert!(is_said_otherwise || page.contains(part), "{name}: {part}\n{page}");
        }
    }
}

#[test]
fn nothing_that_a_person_wrote_becomes_markup_or_a_line_of_its_own() {
    for (sample, mail) in mails() {
        let name = &sample.name;
        for raw in ["<script", "<b>", "<flooded", "src=", "http-equiv"] {
            assert!(!mail.html.contains(raw), "{name}: {raw}");
        }
        for link in mail.html.split("href=").skip(1) {
            let may_lead = ["\"http", "\"mailto:"]
                .iter()
                .any(|begin| link.starts_with(begin));
            assert!(may_lead, "{name}: {link}");
        }
        for (form, what) in [(&mail.html, "page"), (&mail.text, "text")] {
            let theirs = [
                "{{ title }}",
                "&#123;&#123; title",
                "{{ name }}",
                "&#123;&#123; name",
            ];
            let ours = theirs
                .iter()
                .fold(form.clone(), |form, theirs| form.replace(theirs, ""));
            assert!(!ours.contains("{{") && !ours.contains("{%"), "{name}: {what}");
        }
        assert!(mail.text.lines().all(|line| !line.starts_with("Bcc")), "{name}");
        assert!(
            !mail.text.contains('\r') && !mail.text.contains("\n\n\n"),
            "{name}"
        );
        assert!(
            mail.text.ends_with(&format!("{PUBLIC_URL}\n")),
            "{name}:\n{}",
            mail.text
        );
        for line in mail.text.lines() {
            assert!(
                line.chars().count() <= 76 || line.trim_start_matches('(').starts_with("http"),
                "{name}: {line}"
            );
        }
    }
}

#[test]
fn a_subject_is_one_short_line_and_names_the_event() {
    for (sample, mail) in mails() {
        let subject = &mail.subject;
        assert!(
            !subject.is_empty() && subject.chars().count() <= 200 && !subject.chars().any(char::is_control),
            "{}: {subject}",
            sample.name
        );
        if let Some(event) = sample.job.message.event() {
            let beginning: String = event.title.chars().take(13).collect();
            assert!(subject.contains(&beginning), "{}: {subject}", sample.name);
        }
    }
}

#[test]
fn times_are_those_of_the_events_zone_on_both_sides_of_a_change_of_the_clocks() {
    let when = |kind: &str| {
        let (_, mail) = mails()
            .into_iter()
            .find(|(sample, _)| sample.name == kind)
            .expect("a sample");
        squeezed(&mail.text)
    };
    let delhi = when("seat_confirmed-1");
    assert!(
        delhi.contains("Tuesday, 3 November 2026, 18:00 – 21:00 (Asia/Kolkata, UTC+05:30)"),
        "{delhi}"
    );
    let berlin = when("seat_confirmed-2");
    assert!(
        berlin.contains(
            "Saturday, 24 October 2026, 22:00 (UTC+02:00) – Sunday, 25 October 2026, 06:00 (UTC+01:00), Europe/Berlin"
        ),
        "{berlin}"
    );
    let new_york = when("reminder-5");
    assert!(
        new_york.contains("Friday, 30 October 2026, 14:00 (America/New_York, UTC-04:00) Where: Online"),
        "{new_york}"
    );
    // The start was on the other side of the change before.
    let moved = when("event_moved-1");
    assert!(
        moved.contains("to start on Tuesday, 27 October 2026, 18:00"),
        "{moved}"
    );
}

#[test]
fn a_text_message_is_one_short_line() {
    for (sample, text) in texts() {
        let name = &sample.name;
        assert!(
            text.chars().count() <= 320 && !text.chars().any(char::is_control),
            "{name}: {text}"
        );
        assert!(!text.contains("Åsa") && !text.contains("http"), "{name}: {text}");
        match &sample.job.message {
            Message::PhoneVerification { .. } => {
                assert!(
                    text.starts_with("314159 is your Podium code") && text.contains("09:15 UTC"),
                    "{text}"
                );
            }
            message => {
                let event = message.event().expect("an event");
                let beginning: String = event.title.chars().take(13).collect();
                assert!(
                    text.contains(&beginning) && text.contains(&event.time_zone),
                    "{name}: {text}"
                );
            }
        }
    }
}

fn file_of(mail: &RenderedMail) -> Option<(String, Calendar)> {
    let of_calendars = |file: &&Attachment| file.file_name == "event.ics";
    let file = mail.attachments.iter().find(of_calendars)?;
    let text = String::from_utf8(file.content.clone()).expect("text");
    for line in text.split("\r\n") {
        // RFC 5545, 3.1: a line should have 75 octets at the most.
        assert!(line.len() <= 75 && !line.contains('\n'), "{line}");
    }
    let calendar = text.parse().unwrap_or_else(|error| panic!("{error}:\n{text}"));
    Some((file.media_type.clone(), calendar))
}

fn event_of(calendar: &Calendar) -> &icalendar::Event {
    let mut events = calendar
        .components
        .iter()
        .filter_map(|component| component.as_event());
    events.next().expect("an event")
}

#[test]
fn a_seat_comes_with_a_file_for_calendars_and_goes_with_one() {
    for (sample, mail) in mails() {
        let name = &sample.name;
        let method = match &sample.job.message {
            Message::SeatConfirmed { .. } | Message::SeatFromWaitlist { .. } | Message::EventMoved { .. } => {
                "PUBLISH"
            }
            Message::RegistrationCancelled { .. } | Message::EventCancelled { .. } => "CANCEL",
            _ => {
                assert!(file_of(&mail).is_none(), "{name}");
                continue;
            }
        };
        let (media_type, calendar) = file_of(&mail).expect("a file");
        assert_eq!(
            media_type,
            format!("text/calendar; charset=utf-8; method={method}")
        );
        assert_eq!(calendar.property_value("METHOD"), Some(method));
        assert_eq!(calendar.property_value("VERSION"), Some("2.0"));
        let entry = event_of(&calendar);
        let event = sample.job.message.event().expect("an event");
        assert_eq!(
            entry.get_uid(),
            Some(format!("{}@events.example.org", event.id).as_str())
        );
        assert_eq!(entry.get_timestamp(), Some(sample.job.created_at));
        let instant = |key: &str| entry.property_value(key).map(str::to_owned);
        let zone: kernel::TimeZone = event.time_zone.parse().expect("a zone");
        let written = |at: kernel::Instant| Some(zone.wall_clock(at).format("%Y%m%dT%H%M%S").to_string());
        assert_eq!(instant("DTSTART"), written(event.starts_at));
        assert_eq!(instant("DTEND"), event.ends_at.and_then(written));
        assert_eq!(
            entry.get_summary().map(squeezed),
            Some(squeezed(&event.title.replace("\r\n", " "))),
            "{name}"
        );
        assert_eq!(
            entry.get_location(),
            Some(event.location.as_deref().unwrap_or("Online"))
        );
        let status = if method == "CANCEL" {
            "CANCELLED"
        } else {
            "CONFIRMED"
        };
        assert_eq!(entry.property_value("STATUS"), Some(status));
    }
}

#[test]
fn a_later_mail_wins_over_an_earlier_one() {
    let sequence = |job: &Job| {
        let mail = render_mail(job, PUBLIC_URL, &keys()).expect("a mail");
        let (_, calendar) = file_of(&mail).expect("a file");
        event_of(&calendar).get_sequence().expect("a sequence")
    };
    let (sample, _) = mails()
        .into_iter()
        .find(|(sample, _)| sample.name == "event_cancelled-1")
        .expect("a sample");
    let first = sample.job;
    let mut later = first.clone();
    later.created_at += chrono::TimeDelta::seconds(1);
    assert!(sequence(&later) > sequence(&first));
}

#[test]
fn without_their_key_secrets_are_not_shown() {
    let other = kernel::ServerKeys::new(vec![8; 32], Vec::new());
    for sample in all() {
        let by_mail = sample.job.to.medium() == Medium::Email;
        let shown = if by_mail {
            render_mail(&sample.job, PUBLIC_URL, &other).map(|mail| mail.text)
        } else {
            render_text(&sample.job, PUBLIC_URL, &other)
        };
        assert_eq!(
            shown.is_err(),
            sample.job.message.secrets().is_some(),
            "{}",
            sample.name
        );
    }
}

/// The page that comes with a mail, if one does.
fn page_of(mail: &RenderedMail) -> Option<&Attachment> {
    let others: Vec<&Attachment> = mail
        .attachments
        .iter()
        .filter(|file| file.file_name != "event.ics")
        .collect();
    assert!(others.len() <= 1);
    others.first().copied()
}

#[test]
fn a_mail_that_gives_a_seat_carries_the_ticket_and_no_other_does() {
    for (sample, mail) in mails() {
        let name = &sample.name;
        let link = format!("{PUBLIC_URL}/t/01AB89XYZT0K");
        let gives = matches!(
            sample.job.message,
            Message::SeatConfirmed { .. } | Message::SeatFromWaitlist { .. }
        );
        for form in [&mail.text, &mail.html] {
            assert_eq!(form.contains(&link), gives, "{name}");
            assert_eq!(form.contains("01AB-89XY-ZT0K"), gives, "{name}");
            assert_eq!(form.contains("ticket.pdf"), gives, "{name}");
        }
        let Some(page) = page_of(&mail) else {
            assert!(!gives, "{name}");
            continue;
        };
        assert!(gives && page.file_name == "ticket.pdf" && page.media_type == "application/pdf");
        assert!(page.content.starts_with(b"%PDF-"), "{name}");
        // What lies on the way of a mail shows it to nobody beside the person.
        assert!(!format!("{:?}", sample.job).contains("01AB89XYZT0K"), "{name}");
        assert!(!mail.subject.contains("01AB"), "{name}");
    }
}

#[test]
fn a_message_that_was_written_before_seats_had_tickets_is_still_a_mail() {
    let (sample, _) = mails()
        .into_iter()
        .find(|(sample, _)| sample.name == "seat_from_waitlist-1")
        .expect("a sample");
    let mut written = serde_json::to_value(&sample.job.message).expect("JSON");
    let members = written["seat_from_waitlist"].as_object_mut().expect("an object");
    assert_eq!(
        members.remove("ticket_code"),
        Some(serde_json::json!("01AB89XYZT0K"))
    );
    let mut job = sample.job;
    job.message = serde_json::from_value(written).expect("a message of before");
    let mail = render_mail(&job, PUBLIC_URL, &keys()).expect("a mail");
    assert!(page_of(&mail).is_none() && file_of(&mail).is_some());
    assert!(!mail.text.contains("icket") && !mail.html.contains("icket"));
}

#[test]
fn a_campaign_says_how_to_vote_and_how_to_unsubscribe_and_no_other_mail_does() {
    for (sample, mail) in mails() {
        let name = &sample.name;
        let Message::Campaign { delivery_id, .. } = &sample.job.message else {
            assert_eq!(mail.list_unsubscribe, None, "{name}");
            assert!(
                !mail.text.contains("/unsubscribe/") && !mail.html.contains("/unsubscribe/"),
                "{name}"
            );
            continue;
        };
        let vote = crate::vote_link(PUBLIC_URL, &keys(), *delivery_id);
        let Destination::Email(address) = &sample.job.to else {
            panic!("{name} goes to a phone");
        };
        let unsubscribe = crate::unsubscribe_link(PUBLIC_URL, &keys(), *delivery_id, address);
        assert_eq!(mail.list_unsubscribe.as_ref(), Some(&unsubscribe), "{name}");
        for form in [&mail.text, &mail.html] {
            assert!(
                form.contains(&vote) && form.contains(&unsubscribe),
                "{name}:\n{form}"
            );
            assert!(squeezed(form).contains("asks you to confirm"), "{name}");
        }
        assert!(
            mail.html.contains(">Vote for <bdi>Cleo &#60;i&#62;"),
            "{name}:\n{}",
            mail.html
        );
        // What comes after the words is not torn by them.
        assert!(mail.html.trim_end().ends_with("</html>"), "{name}");
        let trace = format!("{:?}", sample.job);
        assert!(
            !trace.contains(vote.rsplit('/').next().expect("a token")),
            "{name}"
        );
    }
}
