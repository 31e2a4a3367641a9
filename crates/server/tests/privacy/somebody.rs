//! A person whose every personal value is like nobody else's, so that it is found wherever it stands.

use crate::support::sql;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::harness::PASSWORD;
use testkit::{Client, Harness, HarnessOptions, Person, TestDatabase};

const NAME: &str = "Žofia Ünal-Öztürk";
const LOCAL_PART: &str = "Zofia.Ünique";
const SECOND_EMAIL: &str = "zofia.zweit@nebenan.example";
const PHONE: &str = "+4915112345678";
/// The one before, to which a code went.
const OLD_PHONE: &str = "+4915155566677";
const NOTED_PHONE: &str = "+4915187654321";
const PROFESSION: &str = "Leuchtturmwärterin";
const BIO: &str = "Sammelt Regenschirme aus Porzellan";
const AVATAR: &str = "https://bilder.example/unverkennbar.png";
const ZONE: &str = "Pacific/Kiritimati";
const DEVICE: &str = "Schirmbrowser/7.3";
const ADDRESS: &str = "203.0.113.77";
const QUESTION: &str = "erste-laterne";
const SUBJECT: &str = "subjekt-1077";
const REASON: &str = "Kennt den Hausmeister";
/// What stands where secrets are sealed.
pub const SEALED: &str = "sealed-so-that-nobody-reads-it";

/// All of it in small letters.
pub const VALUES: [&str; 15] = [
    "žofia ünal-öztürk",
    "zofia.ünique",
    SECOND_EMAIL,
    PHONE,
    OLD_PHONE,
    NOTED_PHONE,
    "leuchtturmwärterin",
    "sammelt regenschirme aus porzellan",
    AVATAR,
    "pacific/kiritimati",
    "schirmbrowser/7.3",
    ADDRESS,
    QUESTION,
    SUBJECT,
    "kennt den hausmeister",
];

/// A value of the person's, found in a row.
#[derive(Debug)]
pub struct Hit {
    pub value: &'static str,
    pub place: String,
    pub text: String,
}

/// Every place where one of the person's values stands, in any case.
pub fn hits(harness: &Harness) -> Vec<Hit> {
    let mut found = Vec::new();
    for cell in harness.database().every_cell() {
        let folded = cell.text.to_lowercase();
        for value in VALUES.into_iter().filter(|value| folded.contains(value)) {
            found.push(Hit {
                value,
                place: cell.place.clone(),
                text: cell.text.clone(),
            });
        }
    }
    found
}

/// Where something of the person stands before they go.
pub fn everywhere() -> BTreeSet<&'static str> {
    [
        "users.email",
        "users.email_key",
        "users.name",
        "users.name_key",
        "users.phone",
        "users.profession",
        "users.bio",
        "users.avatar_url",
        "users.time_zone",
        "attendees.name",
        "attendees.name_key",
        "attendees.email",
        "attendees.email_key",
        "attendees.phone",
        "sessions.device",
        "sessions.address",
        "one_time_secrets.email",
        "one_time_secrets.email_key",
        "phone_codes.phone",
        "security_answers.question_id",
        "external_identities.subject",
        "outbox.recipient_key",
        "outbox.payload",
        "idempotency_keys.body",
        "waitlist_log.reason",
    ]
    .into()
}

/// Every text in a document.
pub fn texts_of(document: &Value) -> Vec<String> {
    match document {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts_of).collect(),
        Value::Object(fields) => fields.values().flat_map(texts_of).collect(),
        _ => Vec::new(),
    }
}

/// Makes the person.
pub struct Somebody;

impl Somebody {
    /// A server, and the person with everything that one can leave there: events that were organised, registrations of
    /// every kind, a place in a queue, answers to repeated requests, one's own and others', mail and proofs.
    pub async fn at_home(database: TestDatabase) -> (Harness, Person) {
        let options = HarnessOptions {
            environment: vec![("PODIUM_HTTP__TRUSTED_PROXIES", "127.0.0.1".to_owned())],
            ..HarnessOptions::default()
        };
        let harness = Harness::start_with(database, options).await;
        let email = sign_up(&harness).await;
        let person = log_in(&harness, &email).await;
        complete(&harness, &person).await;

        let organizer = harness.organizer().await;
        let past = harness.published_event(&organizer, 3).await;
        harness.registered(&person, past).await;
        let own = harness.published_event(&person, 3).await;
        harness.clock().advance(TimeDelta::days(11));

        let (person, organizer) = (
            log_in(&harness, &email).await,
            harness.log_in(&organizer.email).await,
        );
        let admin = harness.admin().await;
        let called_off = harness.published_event(&person, 3).await;
        // The answer to the admin names the organiser.
        let cancel = admin
            .client
            .post(&format!("/events/{called_off}/cancel"))
            .key("call-off");
        cancel.await.expect(200);
        assert_ne!(own, called_off);
        let seats = harness.published_event(&organizer, 3).await;
        let register = |event| format!("/events/{event}/registrations");
        person.client.post(&register(seats)).key("own").await.expect(201);
        // The answer to the manager names the guest as the manager wrote them.
        let invited = harness.published_event(&organizer, 3).await;
        let guest = json!({"attendee": {"name": NAME.to_uppercase(), "email": email.to_uppercase()}});
        organizer
            .client
            .post(&register(invited))
            .key("guest")
            .json(guest)
            .await
            .expect(201);
        let given_up = harness.published_event(&organizer, 3).await;
        let (registration, _) = harness.registered(&person, given_up).await;
        person
            .client
            .delete(&format!("/registrations/{registration}"))
            .await
            .expect(200);
        let full = harness.published_event(&organizer, 1).await;
        harness.registered(&organizer, full).await;
        let waits = person.client.post(&register(full)).key("queue").await.expect(202);
        leave_traces(&harness, &person, &waits.text_at("/waitlist_entry/id"));
        (harness, person)
    }
}

fn client(harness: &Harness) -> Client {
    let client = harness.client().with_header("user-agent", DEVICE);
    client.with_header("x-forwarded-for", ADDRESS)
}

async fn sign_up(harness: &Harness) -> String {
    let email = format!("{LOCAL_PART}@bücher.example");
    let form = json!({"email": email, "password": PASSWORD, "name": NAME, "role": "organizer"});
    client(harness)
        .post("/auth/register")
        .json(form)
        .await
        .expect(201);
    email
}

async fn log_in(harness: &Harness, email: &str) -> Person {
    let form = json!({"email": email, "password": PASSWORD});
    let answer = client(harness).post("/auth/login").json(form).await.expect(200);
    let token = answer.text_at("/access_token");
    let claims = harness
        .signer()
        .verify(kernel::Clock::now(harness.clock()), &token)
        .expect("a token");
    Person {
        id: claims.sub,
        email: email.to_owned(),
        client: harness.running().person(token),
        session_id: claims.sid,
    }
}

async fn complete(harness: &Harness, person: &Person) {
    crate::support::set_verified(harness, person, true);
    let profile = json!({
        "phone": PHONE, "profession": PROFESSION, "bio": BIO, "avatar_url": AVATAR, "time_zone": ZONE, "listed": true,
    });
    person.client.patch("/users/me").json(profile).await.expect(200);
}

/// What no route writes yet, or only after a walk through a mailbox.
fn leave_traces(harness: &Harness, person: &Person, entry: &str) {
    let id = person.id;
    let fresh = || harness.system().new_id::<kernel::OneTimeId>();
    let at = "2030-01-01T00:00:00.000000Z";
    let secrets = json!({"one_time_id": fresh(), "secrets": SEALED, "expires_at": at});
    let mail = json!({"name": NAME, "email": SECOND_EMAIL, "message": {"email_change": secrets}});
    let columns = "topic, priority, status, due_at, not_after, created_at, user_id";
    let statements = [
        format!("UPDATE attendees SET phone = '{NOTED_PHONE}' WHERE user_id = '{id}'"),
        format!("UPDATE waitlist_log SET reason = '{REASON}' WHERE entry_id = '{entry}'"),
        format!(
            "INSERT INTO one_time_secrets (id, user_id, purpose, email, email_key, link_hash, code_hash, code_tries, \
             created_at, expires_at) VALUES ('{}', '{id}', 'change_email', '{SECOND_EMAIL}', '{SECOND_EMAIL}', \
             'the hash of a link', 'the hash of a code', 0, '{at}', '{at}')",
            fresh()
        ),
        format!(
            "INSERT INTO outbox (id, channel, kind, recipient_key, occasion, payload, {columns}) \
             SELECT '{}', 'message', 'email_change', '{SECOND_EMAIL}', '{}', '{mail}', {columns} \
             FROM outbox WHERE user_id = '{id}' AND kind = 'email_verification'",
            fresh(),
            fresh()
        ),
        format!(
            "INSERT INTO security_answers VALUES ('{id}', '{QUESTION}', 'the hash of an answer', '{at}')"
        ),
        format!(
            "INSERT INTO phone_codes VALUES ('{id}', '{OLD_PHONE}', 'the hash of a phone code', 0, '{at}', '{at}')"
        ),
        format!(
            "UPDATE users SET phone_verified_at = '{at}', email_reminders = false, text_messages = true WHERE id = '{id}'"
        ),
        format!("INSERT INTO security_answer_tries VALUES ('{id}', 2, '{at}', NULL)"),
        format!(
            "INSERT INTO external_identities VALUES ('https://accounts.example', '{SUBJECT}', '{id}', '{at}')"
        ),
    ];
    sql(harness, &statements.join("; "));
}
