//! Tickets: in every form, verified without the server, and worth nothing without a seat. Their page is in `tickets/page.rs`.

mod page;

use crate::sending::post::eventually;
use crate::support::sql;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use kernel::{EventId, RegistrationId};
use notification::Message;
use serde_json::{Value, json};
use testkit::{Answer, Client, Harness, HarnessOptions, Person, TestDatabase, on_both_databases};
use ticket::{TicketCode, read_presented};

on_both_databases! {
    a_ticket_has_the_form_that_is_asked_for,
    a_scanner_verifies_a_picture_with_the_served_keys_alone,
    a_ticket_outlives_the_key_that_signed_it,
    a_ticket_is_its_holders_and_the_managers,
    a_ticket_goes_with_its_seat,
    an_event_that_was_taken_back_is_told_to_nobody_who_had_a_ticket,
    the_mail_that_gives_a_seat_carries_the_ticket,
    a_mail_that_is_sent_has_the_page_and_no_trace_is_left,
    whoever_handles_messages_gets_no_ticket,
}

/// Somebody with a seat.
struct Seat {
    organizer: Person,
    holder: Person,
    event: EventId,
    registration: RegistrationId,
}

impl Seat {
    async fn new(harness: &Harness) -> Self {
        let (organizer, holder) = (harness.organizer().await, harness.attendee("asha").await);
        let event = harness.published_event(&organizer, 1).await;
        let (registration, _) = harness.registered(&holder, event).await;
        Self {
            organizer,
            holder,
            event,
            registration,
        }
    }

    fn path(&self) -> String {
        format!("/registrations/{}/ticket", self.registration)
    }

    async fn ticket(&self) -> Value {
        self.holder.client.get(&self.path()).await.expect(200).json()
    }

    async fn code(&self) -> TicketCode {
        let ticket = self.ticket().await;
        ticket["code"].as_str().expect("a code").parse().expect("a code")
    }

    fn is_now(&self, harness: &Harness, status: &str) {
        sql(
            harness,
            &format!(
                "UPDATE registrations SET {status} WHERE id = '{}'",
                self.registration
            ),
        );
    }
}

/// What a scanner reads in a picture.
fn scanned(png: &[u8]) -> String {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png))
        .read_info()
        .expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("a picture");
    assert!(info.width >= 600, "{} pixels", info.width);
    let side = info.width as usize;
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| {
        if pixels[y * info.line_size + x / 8] & (0x80 >> (x % 8)) == 0 {
            0
        } else {
            255
        }
    });
    let grids = image.detect_grids();
    let (_, text) = grids.first().expect("a QR code").decode().expect("a text");
    text
}

async fn a_ticket_has_the_form_that_is_asked_for(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let seat = Seat::new(&harness).await;
    let ticket = seat.ticket().await;
    let members: Vec<&String> = ticket.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["code", "qr", "event", "attendee"]);
    assert_eq!(ticket["event"]["id"], seat.event.to_string());
    assert_eq!(ticket["event"]["title"], "A talk");
    assert_eq!(ticket["attendee"]["name"], "asha");
    assert!(!ticket.to_string().contains('@'), "no address: {ticket}");
    let presented = read_presented(&harness.server_keys(), ticket["qr"].as_str().expect("a text"));
    let presented = presented.expect("a text of ours");
    assert_eq!(presented.event_id, Some(seat.event));
    assert_eq!(presented.code, seat.code().await);

    let client = &seat.holder.client;
    for (ending, media_type, begins) in [
        ("json", "application/json", b"{\"code\"".as_slice()),
        ("svg", "image/svg+xml", b"<svg "),
        ("png", "image/png", b"\x89PNG"),
        ("pdf", "application/pdf", b"%PDF-"),
    ] {
        let liked = client
            .get(&seat.path())
            .header("accept", media_type)
            .await
            .expect(200);
        // An ending goes before what is liked.
        let named = client
            .get(&format!("{}.{ending}", seat.path()))
            .header("accept", "text/html")
            .await
            .expect(200);
        assert_eq!(liked.bytes(), named.bytes(), "{ending} is the same each time");
        assert!(
            liked.header("vary").is_some_and(|vary| vary.contains("accept")),
            "{liked}"
        );
        for answer in [&liked, &named] {
            assert!(answer.bytes().starts_with(begins), "{answer}");
            assert_eq!(answer.header("content-type"), Some(media_type));
            assert_eq!(answer.header("cache-control"), Some("private, no-store"));
            let file = (ending == "pdf").then_some("attachment; filename=\"ticket-a-talk.pdf\"");
            assert_eq!(answer.header("content-disposition"), file);
        }
    }
    for nothing in ["text/html", "image/jpeg, text/*;q=0.3", "application/json;q=0"] {
        let refused = client.get(&seat.path()).header("accept", nothing).await;
        refused.expect(406).problem("not-acceptable");
    }
    let head = client.request("HEAD".parse().expect("a method"), &format!("{}.pdf", seat.path()));
    assert!(head.await.expect(200).bytes().is_empty());
    let png = client.get(&format!("{}.png", seat.path())).await.expect(200);
    assert_eq!(Some(scanned(png.bytes()).as_str()), ticket["qr"].as_str());
}

/// The keys as a scanner has them that was online once.
async fn served_keys(client: &Client) -> JwkSet {
    let answer = client.get("/tickets/keys").await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
    let served = answer.json();
    let keys = served["keys"].as_array().expect("keys");
    for key in keys {
        assert!(key.get("d").is_none(), "a private key");
        assert_eq!(
            (key["kty"].as_str(), key["alg"].as_str()),
            (Some("OKP"), Some("EdDSA"))
        );
    }
    serde_json::from_value(served).expect("a JWK Set")
}

/// Verifies with another library than the server does, and with nothing of the server's but its public keys.
fn verified(keys: &JwkSet, text: &str) -> Result<Value, String> {
    let header = decode_header(text).map_err(|error| error.to_string())?;
    let key = keys.find(&header.kid.ok_or("no key")?).ok_or("an unknown key")?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
    let token = decode::<Value>(text, &key, &validation).map_err(|error| error.to_string())?;
    Ok(token.claims)
}

async fn a_scanner_verifies_a_picture_with_the_served_keys_alone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let seat = Seat::new(&harness).await;
    let keys = served_keys(&harness.client()).await;
    let picture = seat.holder.client.get(&format!("{}.png", seat.path())).await;
    let text = scanned(picture.expect(200).bytes());
    let claims = verified(&keys, &text).expect("a ticket");
    let event = seat.event.to_string().replace('-', "");
    assert_eq!(claims, json!({"c": seat.code().await.as_str(), "e": event}));
    for at in [50, 70, 100, 150, text.len() - 2] {
        let mut altered = text.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).expect("text");
        assert!(verified(&keys, &altered).is_err(), "{at}");
        assert!(read_presented(&harness.server_keys(), &altered).is_err(), "{at}");
    }
}

async fn a_ticket_outlives_the_key_that_signed_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let seat = Seat::new(&harness).await;
    let old = seat.ticket().await["qr"].as_str().expect("a text").to_owned();
    let (_, before) = harness.operator_environment().swap_remove(1);
    let rotated = harness
        .another_server_with(vec![
            (
                "PODIUM_AUTH__SIGNING_KEY",
                "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".to_owned(),
            ),
            ("PODIUM_AUTH__PREVIOUS_SIGNING_KEYS", before),
        ])
        .await;
    let keys = served_keys(&rotated.running().client()).await;
    assert_eq!(keys.keys.len(), 2);
    assert!(verified(&keys, &old).is_ok());
    let token = seat.holder.client.token().expect("a token").to_owned();
    let anew = rotated
        .running()
        .person(token)
        .get(&seat.path())
        .await
        .expect(200);
    let anew = anew.text_at("/qr");
    assert_ne!(anew, old);
    assert!(verified(&keys, &anew).is_ok());
    // Who knows the earlier keys alone has to ask for the new one.
    let earlier = served_keys(&harness.client()).await;
    assert_eq!(verified(&earlier, &anew), Err("an unknown key".to_owned()));
    assert!(read_presented(&harness.server_keys(), &anew).is_err());
}

async fn a_ticket_is_its_holders_and_the_managers(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let seat = Seat::new(&harness).await;
    let [scanner, manager, neighbour] = harness
        .crowd(3)
        .await
        .try_into()
        .unwrap_or_else(|_| panic!("three people"));
    for (person, role) in [(&scanner, "scanner"), (&manager, "manager")] {
        let columns = "event_id, user_id, role, added_by, added_at";
        let (event, id, by) = (seat.event, person.id, seat.organizer.id);
        sql(
            &harness,
            &format!(
                "INSERT INTO event_staff ({columns}) VALUES ('{event}', '{id}', '{role}', '{by}', '2026-01-01T00:00:00.000000Z')"
            ),
        );
    }
    // A seat at another event of the same organiser.
    let other = harness.published_event(&seat.organizer, 1).await;
    harness.registered(&neighbour, other).await;
    let strange = harness.organizer().await;
    let endings = ["", ".json", ".svg", ".png", ".pdf"];
    for ending in endings {
        let path = format!("{}{ending}", seat.path());
        for person in [&scanner, &neighbour, &strange] {
            person.client.get(&path).await.expect(404).problem("not-found");
        }
        harness.client().get(&path).await.expect(401);
        for person in [&seat.holder, &seat.organizer, &manager] {
            person.client.get(&path).await.expect(200);
        }
    }
}

async fn a_ticket_goes_with_its_seat(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let seat = Seat::new(&harness).await;
    let refused = |answer: Answer| answer.expect(409).problem("no-ticket")["detail"].clone();
    let client = &seat.holder.client;
    seat.is_now(
        &harness,
        "status = 'attended', checked_in_at = '2026-01-01T00:00:00.000000Z'",
    );
    client.get(&seat.path()).await.expect(200);
    seat.is_now(
        &harness,
        "status = 'pending_payment', hold_expires_at = '2126-01-01T00:00:00.000000Z', checked_in_at = NULL",
    );
    let detail = refused(client.get(&seat.path()).await);
    assert_eq!(detail, "The registration is pending_payment.");
    seat.is_now(&harness, "status = 'confirmed', hold_expires_at = NULL");
    client.get(&seat.path()).await.expect(200);
    client
        .delete(&format!("/registrations/{}", seat.registration))
        .await
        .expect(200);
    for person in [&seat.holder, &seat.organizer] {
        for ending in ["", ".json", ".svg", ".png", ".pdf"] {
            let answer = person.client.get(&format!("{}{ending}", seat.path())).await;
            assert_eq!(refused(answer), "The registration is cancelled.");
        }
    }
    // No form is refused before it is known that there is no ticket.
    let answer = client.get(&seat.path()).header("accept", "text/html").await;
    refused(answer);

    let called_off = Seat {
        registration: harness.registered(&seat.holder, seat.event).await.0,
        ..seat
    };
    let path = format!("/events/{}/cancel", called_off.event);
    called_off
        .organizer
        .client
        .post(&path)
        .json(json!({"reason": "rain"}))
        .await
        .expect(200);
    let answer = called_off.holder.client.get(&called_off.path()).await;
    assert_eq!(refused(answer), "The event is called off.");
}

async fn an_event_that_was_taken_back_is_told_to_nobody_who_had_a_ticket(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let seat = Seat::new(&harness).await;
    let code = seat.code().await;
    let own = format!("/registrations/{}", seat.registration);
    let calendar = format!("{own}/ticket.ics");
    let (holder, organizer) = (&seat.holder.client, &seat.organizer.client);
    holder.delete(&own).await.expect(200);
    let page = harness.client().root();
    let page = async || page.get(&format!("/t/{code}")).await.status();
    assert_eq!(page().await, 200);
    let path = format!("/events/{}", seat.event);
    organizer.post(&format!("{path}/unpublish")).await.expect(200);
    let edit = organizer.patch(&path).json(json!({"title": "A secret"}));
    edit.await.expect(200);
    for called_off in [false, true] {
        if called_off {
            organizer.post(&format!("{path}/cancel")).await.expect(200);
        }
        assert_eq!(page().await, 404);
        for one in [&own, &calendar, &seat.path()] {
            holder.get(one).await.expect(404).problem("not-found");
        }
        organizer.get(&own).await.expect(200);
        organizer.get(&calendar).await.expect(200);
        let listed = holder
            .get("/users/me/registrations?include_total=true")
            .await
            .expect(200)
            .json();
        assert_eq!((&listed["items"], &listed["total"]), (&json!([]), &json!(0)));
        let listed = organizer
            .get(&format!("{path}/registrations"))
            .await
            .expect(200)
            .items();
        assert_eq!(listed.len(), 1);
    }
}

async fn the_mail_that_gives_a_seat_carries_the_ticket(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let seat = Seat::new(&harness).await;
    let waiter = harness.attendee("bela").await;
    let path = format!("/events/{}/registrations", seat.event);
    waiter.client.post(&path).await.expect(202);
    let own = seat.code().await;
    seat.holder
        .client
        .delete(&format!("/registrations/{}", seat.registration))
        .await
        .expect(200);
    let mine = waiter
        .client
        .get("/registrations")
        .await
        .expect(200)
        .items()
        .remove(0);
    let ticket = format!("/registrations/{}/ticket", mine["id"].as_str().expect("an id"));
    let theirs = waiter.client.get(&ticket).await.expect(200).text_at("/code");
    for (person, kind, code) in [
        (&seat.holder, "seat_confirmed", own.as_str()),
        (&waiter, "seat_from_waitlist", &theirs),
    ] {
        let mails = harness.mails_to(&person.email).await;
        let tickets: Vec<(&str, &str)> = mails
            .iter()
            .filter_map(|mail| mail.ticket().map(|(_, _, code)| (mail.kind(), code.as_str())))
            .collect();
        assert_eq!(tickets, [(kind, code)]);
    }
}

async fn a_mail_that_is_sent_has_the_page_and_no_trace_is_left(database: TestDatabase) {
    let data = tempfile::tempdir().expect("a folder");
    let options = HarnessOptions {
        environment: vec![
            ("PODIUM_WORKER__ENABLED", "true".to_owned()),
            ("PODIUM_DATA__DIR", data.path().display().to_string()),
        ],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let seat = Seat::new(&harness).await;
    let done = "outbox WHERE kind = 'seat_confirmed' AND status = 'done'";
    eventually("the mail", || async { harness.count(done).await == 1 }).await;
    let code = seat.code().await;
    let files = std::fs::read_dir(data.path().join("mail")).expect("a folder");
    let mails: Vec<String> = files
        .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("a mail"))
        .filter(|mail| mail.contains("ticket.pdf"))
        .collect();
    let [mail] = mails.as_slice() else {
        panic!("{} mails with a ticket", mails.len());
    };
    for part in [
        "Content-Type: application/pdf",
        "filename=\"ticket.pdf\"",
        "filename=\"event.ics\"",
        &code.grouped(),
    ] {
        assert!(mail.contains(part), "{part} in {mail}");
    }
    // The beginning of a PDF in base64.
    assert!(
        mail.contains("\r\nJVBERi0") || mail.contains("\nJVBERi0"),
        "{mail}"
    );
    // What the message said is gone with it.
    let left = harness.outbox().await;
    assert!(
        !left
            .iter()
            .any(|entry| entry.payload.to_string().contains(code.as_str()))
    );
}

async fn whoever_handles_messages_gets_no_ticket(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let seat = Seat::new(&harness).await;
    let code = seat.code().await;
    let admin = harness.admin().await;
    let jobs = admin.client.get("/admin/jobs?limit=100").await.expect(200);
    assert!(jobs.text().contains("seat_confirmed"));
    let log = admin.client.get("/admin/audit-log?limit=100").await.expect(200);
    let shown = seat
        .organizer
        .client
        .get(&format!("/events/{}/registrations", seat.event));
    let shown = shown.await.expect(200);
    for answer in [&jobs, &log, &shown] {
        assert!(!answer.text().contains(code.as_str()), "{answer}");
    }
    let mails = harness.mails_to(&seat.holder.email).await;
    let mail = mails
        .iter()
        .find(|mail| matches!(mail, Message::SeatConfirmed { .. }));
    assert!(
        !format!("{mail:?}").contains(code.as_str()),
        "nor what is written of it"
    );
}
