//! The door: tickets are scanned once, only at their event and only in its time.

use crate::support::{sql, ticket_of};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{AttendeeId, EventId, RegistrationId, ServerKeys};
use serde_json::json;
use testkit::{Answer, Harness, Person, TestDatabase, on_both_databases};

on_both_databases! {
    a_ticket_lets_its_holder_in_once,
    a_repeated_scan_under_its_key_is_answered_as_the_first,
    what_is_no_good_ticket_is_refused_each_in_its_way,
    a_scanned_text_lets_in_and_a_forged_or_altered_one_does_not,
    people_are_checked_in_from_publishing_until_a_day_after_the_end,
    a_check_in_is_taken_back_by_managers_alone,
    codes_of_ended_seats_are_revoked_also_when_the_attendee_is_gone,
}

pub struct Door {
    pub harness: Harness,
    pub organizer: Person,
    pub scanner: Person,
    pub event: EventId,
}

impl Door {
    pub async fn of(database: TestDatabase, capacity: u32) -> Self {
        let harness = Harness::start(database).await;
        let organizer = harness.organizer().await;
        let event = harness.published_event(&organizer, capacity).await;
        let scanner = harness.attendee("scanner").await;
        let staff = organizer
            .client
            .put(&format!("/events/{event}/staff/{}", scanner.id));
        staff.json(json!({"role": "scanner"})).await.expect(201);
        Self {
            harness,
            organizer,
            scanner,
            event,
        }
    }

    pub fn path(&self) -> String {
        format!("/events/{}/check-ins", self.event)
    }

    pub async fn scan(&self, code: &str) -> Answer {
        let scan = self.scanner.client.post(&self.path());
        scan.json(json!({"ticket_code": code})).await
    }

    /// Somebody with a seat: the registration, its attendee and its code.
    pub async fn holder(&self) -> (Person, RegistrationId, AttendeeId, String) {
        let person = self.harness.attendee("holder").await;
        let (registration, attendee) = self.harness.registered(&person, self.event).await;
        let code = ticket_of(&self.harness, registration).await;
        (person, registration, attendee, code)
    }

    pub async fn status_of(&self, registration: RegistrationId) -> String {
        let path = format!("/registrations/{registration}");
        let shown = self.organizer.client.get(&path).await.expect(200);
        shown.text_at("/status")
    }

    async fn ends_at(&self) -> DateTime<Utc> {
        let shown = self
            .harness
            .client()
            .get(&format!("/events/{}", self.event))
            .await;
        shown.expect(200).text_at("/ends_at").parse().expect("an instant")
    }
}

async fn a_ticket_lets_its_holder_in_once(database: TestDatabase) {
    let door = Door::of(database, 3).await;
    let (person, registration, attendee, code) = door.holder().await;
    // As people type it.
    let typed = format!("{}-{} {}", code[..4].to_lowercase(), &code[4..8], &code[8..]);
    let first = door.scan(&typed).await.expect(200).json();
    assert_eq!(first["id"], registration.to_string());
    assert_eq!(first["attendee_id"], attendee.to_string());
    assert_eq!(
        first["attendee"],
        json!({"name": "holder"}),
        "no address at the door"
    );
    assert_eq!(first["status"], "attended");
    let at = first["checked_in_at"].as_str().expect("a time").to_owned();
    door.harness.clock().advance(TimeDelta::minutes(5));
    for scanner in [&door.scanner, &door.organizer] {
        let again = scanner
            .client
            .post(&door.path())
            .json(json!({"ticket_code": code}))
            .await;
        let refused = again.expect(409).problem("already-checked-in");
        assert_eq!(refused["checked_in_at"], at, "the time of the first");
    }
    assert_eq!(door.status_of(registration).await, "attended");
    let cancel = person.client.delete(&format!("/registrations/{registration}"));
    cancel.await.expect(409).problem("already-attended");
    // The person is told, and the log knows who did it.
    let told = door.harness.outbox().await;
    let topic = format!("user:{}", person.id);
    assert!(told.iter().any(|entry| entry.kind == "registration-changed"
        && entry.topic.as_deref() == Some(topic.as_str())
        && entry.payload["status"] == "attended"));
    let audited = format!(
        "audit_log WHERE action = 'registration.check_in' AND object_id = '{registration}' AND actor_id = '{}'",
        door.scanner.id
    );
    assert_eq!(door.harness.count(&audited).await, 1);
    let by = format!("registrations WHERE checked_in_by = '{}'", door.scanner.id);
    assert_eq!(door.harness.count(&by).await, 1);
    door.harness.assert_invariants().await;
}

async fn a_repeated_scan_under_its_key_is_answered_as_the_first(database: TestDatabase) {
    let door = Door::of(database, 3).await;
    let (_, _, _, code) = door.holder().await;
    let scan = || {
        let request = door.scanner.client.post(&door.path()).key("scan-1");
        request.json(json!({"ticket_code": code}))
    };
    let first = scan().await.expect(200);
    door.harness.clock().advance(TimeDelta::minutes(1));
    let again = scan().await.expect(200);
    assert_eq!(first.text(), again.text());
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    door.scan(&code).await.expect(409).problem("already-checked-in");
    // Who lost the right is not told what they once did with it.
    let member = format!("/events/{}/staff/{}", door.event, door.scanner.id);
    door.organizer.client.delete(&member).await.expect(204);
    scan().await.expect(403);
}

async fn what_is_no_good_ticket_is_refused_each_in_its_way(database: TestDatabase) {
    let door = Door::of(database, 5).await;
    let (person, registration, _, code) = door.holder().await;
    for text in [
        "x",
        "01AB-89XY",
        "01AB89XYZT0U",
        "https://example.org/",
        &"0".repeat(1_001),
    ] {
        door.scan(text).await.expect(422).problem("not-a-ticket");
    }
    door.scan("0000-0000-0000")
        .await
        .expect(404)
        .problem("unknown-ticket");
    let other = door.harness.published_event(&door.organizer, 2).await;
    let scan = |event: EventId| {
        let request = door.organizer.client.post(&format!("/events/{event}/check-ins"));
        request.json(json!({"ticket_code": code}))
    };
    scan(other).await.expect(409).problem("ticket-for-another-event");
    // At an event that is not theirs a scanner learns nothing of the ticket.
    let foreign = door.scanner.client.post(&format!("/events/{other}/check-ins"));
    foreign.json(json!({"ticket_code": code})).await.expect(403);
    let hold = "hold_expires_at = registered_at";
    sql(
        &door.harness,
        &format!("UPDATE registrations SET status = 'pending_payment', {hold} WHERE id = '{registration}'"),
    );
    door.scan(&code).await.expect(409).problem("ticket-unpaid");
    sql(
        &door.harness,
        &format!(
            "UPDATE registrations SET status = 'confirmed', hold_expires_at = NULL WHERE id = '{registration}'"
        ),
    );
    let cancel = person.client.delete(&format!("/registrations/{registration}"));
    cancel.await.expect(200);
    let refused = door.scan(&code).await.expect(409).problem("ticket-void");
    assert_eq!(refused["registration_status"], "cancelled");
    // The next seat has a ticket of its own.
    let (again, _) = door.harness.registered(&person, door.event).await;
    let new_code = ticket_of(&door.harness, again).await;
    assert_ne!(new_code, code);
    door.scan(&new_code).await.expect(200);
    door.scan(&code).await.expect(409).problem("ticket-void");
    door.harness.assert_invariants().await;
}

async fn a_scanned_text_lets_in_and_a_forged_or_altered_one_does_not(database: TestDatabase) {
    let door = Door::of(database, 5).await;
    let (person, registration, _, code) = door.holder().await;
    let shown = format!("/registrations/{registration}/ticket.json");
    let text = person.client.get(&shown).await.expect(200).text_at("/qr");
    let sign = |keys: &ServerKeys, event: EventId| {
        let code = code.parse().expect("a code");
        ticket::signed_text(keys, &code, event).expect("a text")
    };
    // Signed by somebody else; for another event, by somebody else and by us.
    let other_keys = ServerKeys::new(vec![7; 32], Vec::new());
    let other = door.harness.published_event(&door.organizer, 1).await;
    let mut forged = vec![sign(&other_keys, door.event), sign(&other_keys, other)];
    // Every character in turn is another one.
    for (place, character) in text.char_indices() {
        let changed = if character == 'A' { 'B' } else { 'A' };
        let altered = format!("{}{changed}{}", &text[..place], &text[place + 1..]);
        forged.push(altered);
    }
    forged.push(format!("{code}.x.y"));
    for text in forged {
        let answer = door.scan(&text).await;
        assert_eq!(answer.status(), 422, "{text}: {answer}");
        answer.problem("not-a-ticket");
    }
    let elsewhere = sign(&door.harness.server_keys(), other);
    let refused = door.scan(&elsewhere).await;
    refused.expect(409).problem("ticket-for-another-event");
    assert_eq!(door.status_of(registration).await, "confirmed");
    let let_in = door.scan(&text).await.expect(200);
    assert_eq!(let_in.text_at("/id"), registration.to_string());
    door.scan(&text).await.expect(409).problem("already-checked-in");
    door.scan(&code).await.expect(409).problem("already-checked-in");
}

async fn people_are_checked_in_from_publishing_until_a_day_after_the_end(database: TestDatabase) {
    let door = Door::of(database, 5).await;
    let (_, first, _, code) = door.holder().await;
    let (_, _, _, late) = door.holder().await;
    let draft = door
        .organizer
        .client
        .post("/events")
        .json(door.harness.event_fields(1));
    let draft = draft.await.expect(201).text_at("/id");
    let scan = door.organizer.client.post(&format!("/events/{draft}/check-ins"));
    let scan = scan.json(json!({"ticket_code": code})).await;
    scan.expect(409).problem("event-not-published");
    let ends_at = door.ends_at().await;
    let closes = ends_at + TimeDelta::hours(24);
    door.harness.clock().set(closes - TimeDelta::microseconds(1));
    // The clock went on for ten days: sessions are older, tokens are not.
    let scanner = door.harness.log_in(&door.scanner.email).await;
    let organizer = door.harness.log_in(&door.organizer.email).await;
    let scan = |code: String| {
        scanner
            .client
            .post(&door.path())
            .json(json!({"ticket_code": code}))
    };
    scan(code.clone()).await.expect(200);
    // Also when the sweep has marked the event.
    let ended = format!(
        "UPDATE events SET status = 'completed' WHERE id = '{}'",
        door.event
    );
    sql(&door.harness, &ended);
    scan(code.clone()).await.expect(409).problem("already-checked-in");
    let undo = format!("{}/{first}", door.path());
    organizer.client.delete(&undo).await.expect(204);
    scan(code.clone()).await.expect(200);
    door.harness.clock().set(closes);
    scan(late).await.expect(409).problem("check-in-closed");
    organizer
        .client
        .delete(&undo)
        .await
        .expect(409)
        .problem("check-in-closed");
    door.harness.assert_invariants().await;
}

async fn a_check_in_is_taken_back_by_managers_alone(database: TestDatabase) {
    let door = Door::of(database, 5).await;
    let (person, registration, _, code) = door.holder().await;
    let undo = format!("{}/{registration}", door.path());
    door.organizer.client.delete(&undo).await.expect(404);
    door.scan(&code).await.expect(200);
    door.scanner.client.delete(&undo).await.expect(403);
    person.client.delete(&undo).await.expect(403);
    let other = door.harness.published_event(&door.organizer, 1).await;
    let elsewhere = format!("/events/{other}/check-ins/{registration}");
    door.organizer.client.delete(&elsewhere).await.expect(404);
    assert_eq!(door.status_of(registration).await, "attended");
    door.organizer.client.delete(&undo).await.expect(204);
    door.organizer.client.delete(&undo).await.expect(404);
    let path = format!("/registrations/{registration}");
    let shown = person.client.get(&path).await.expect(200).json();
    assert_eq!(shown["status"], "confirmed");
    assert!(shown["checked_in_at"].is_null());
    let audited =
        format!("audit_log WHERE action = 'registration.undo_check_in' AND object_id = '{registration}'");
    assert_eq!(door.harness.count(&audited).await, 1);
    door.scan(&code).await.expect(200);
    door.organizer.client.delete(&undo).await.expect(204);
    person.client.delete(&path).await.expect(200);
    door.harness.assert_invariants().await;
}

async fn codes_of_ended_seats_are_revoked_also_when_the_attendee_is_gone(database: TestDatabase) {
    let door = Door::of(database, 10).await;
    let (person, registration, _, cancelled) = door.holder().await;
    let (_, _, attendee, removed) = door.holder().await;
    let (_, _, _, good) = door.holder().await;
    let path = format!("/events/{}/tickets/revoked", door.event);
    let revoked = door.scanner.client.get(&path).await.expect(200).json();
    assert_eq!(revoked["codes"], json!([]));
    let cancel = person.client.delete(&format!("/registrations/{registration}"));
    cancel.await.expect(200);
    let ctx = door.harness.system();
    let removal = door
        .harness
        .store()
        .write(move |tx| user::remove_attendee(tx, &ctx, attendee));
    removal.await.expect("removed");
    let mut expected = [cancelled, removed.clone()];
    expected.sort();
    let revoked = door.scanner.client.get(&path).await.expect(200);
    assert_eq!(revoked.json()["codes"], json!(expected));
    let tag = revoked.header("etag").expect("a tag").to_owned();
    let known = door.scanner.client.get(&path).header("if-none-match", &tag);
    assert_eq!(known.await.expect(304).header("etag"), Some(tag.as_str()));
    let known = door.scanner.client.get(&path).header("if-none-match", "W/\"0\"");
    known.await.expect(200);
    door.scan(&removed).await.expect(404).problem("unknown-ticket");
    door.scan(&good).await.expect(200);
    person.client.get(&path).await.expect(403);
    // With the event its codes go.
    let delete = door.organizer.client.delete(&format!("/events/{}", door.event));
    delete.await.expect(204);
    assert_eq!(door.harness.count("revoked_tickets").await, 0);
}
