//! What several modules need: rows changed behind the server's back, all rows counted, the served document taken apart.

use auth::{BcryptCost, NewPassword, PasswordHash};
use kernel::{Permission, RegistrationId};
use registration::RegistrationRepository;
use serde_json::{Value, json};
use testkit::{Answer, Harness, HarnessOptions, Person};

/// Every table that a request can write to.
const TABLES: &[&str] = &[
    "users",
    "user_roles",
    "roles",
    "role_permissions",
    "sessions",
    "refresh_tokens",
    "external_identities",
    "attendees",
    "attendee_words",
    "events",
    "event_staff",
    "revoked_tickets",
    "registrations",
    "waitlist_entries",
    "waitlist_log",
    "outbox",
    "idempotency_keys",
    "audit_log",
    "one_time_secrets",
    "security_answers",
    "security_answer_tries",
    "phone_codes",
    "phone_code_sends",
    "reminder_rounds",
    "mailings",
    "candidates",
    "votes",
    "campaigns",
    "campaign_deliveries",
    "suppressions",
];

/// Runs statements on a connection of the test's own.
pub fn sql(harness: &Harness, statements: &str) {
    let result = harness.database().connect().execute_batch(statements);
    result.unwrap_or_else(|error| panic!("{statements}: {error}"));
}

/// How many rows each table has.
pub async fn row_counts(harness: &Harness) -> Vec<(&'static str, i64)> {
    let mut counts = Vec::new();
    for table in TABLES {
        counts.push((*table, harness.count(table).await));
    }
    counts
}

/// Takes the person's roles and gives one that is made of this permission alone. Before the person's first request:
/// the server remembers permissions for some seconds.
pub fn give_only(harness: &Harness, person: &Person, permission: Permission) {
    let role = format!("only-{}", permission.as_str().replace(':', "-"));
    let id = person.id;
    sql(
        harness,
        &format!(
            "INSERT INTO roles (name, description, built_in) VALUES ('{role}', 'One permission', false);
             INSERT INTO role_permissions (role_name, permission) VALUES ('{role}', '{permission}');
             DELETE FROM user_roles WHERE user_id = '{id}';
             INSERT INTO user_roles (user_id, role_name) VALUES ('{id}', '{role}');"
        ),
    );
}

/// Takes the person's roles and gives a new one that permits this. Before the person's first request, as above.
pub fn give_role(harness: &Harness, person: &Person, role: &str, permissions: &[&str]) {
    let id = person.id;
    let permitted: Vec<String> = permissions
        .iter()
        .map(|permission| {
            format!("INSERT INTO role_permissions (role_name, permission) VALUES ('{role}', '{permission}');")
        })
        .collect();
    let permitted = permitted.join("\n");
    sql(
        harness,
        &format!(
            "INSERT INTO roles (name, description, built_in) VALUES ('{role}', '', false);
             {permitted}
             DELETE FROM user_roles WHERE user_id = '{id}';
             INSERT INTO user_roles (user_id, role_name) VALUES ('{id}', '{role}');"
        ),
    );
}

/// The code of the ticket of a registration.
pub async fn ticket_of(harness: &Harness, registration: RegistrationId) -> String {
    let read = harness.store().read(move |tx| tx.find_registration(registration));
    let found = read.await.expect("an answer").expect("a registration");
    found.ticket_code.to_string()
}

/// Suspends the account, as a row.
pub fn suspend(harness: &Harness, person: &Person) {
    sql(
        harness,
        &format!("UPDATE users SET status = 'suspended' WHERE id = '{}'", person.id),
    );
}

/// A server that can send text messages; nobody does.
pub fn with_texts() -> HarnessOptions {
    let gateway = [
        ("PODIUM_SMS__URL", "http://127.0.0.1:9"),
        ("PODIUM_SMS__ACCOUNT_SID", "AC0"),
        ("PODIUM_SMS__AUTH_TOKEN", "a token for tests"),
        ("PODIUM_SMS__FROM", "+15005550006"),
    ];
    HarnessOptions {
        environment: gateway.map(|(name, value)| (name, value.to_owned())).into(),
        ..HarnessOptions::default()
    }
}

/// Waits until so many wait for a lock of PostgreSQL.
pub async fn assert_waiting(harness: &Harness, many: i64) {
    let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..400 {
        if harness.count(waiting).await >= many {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("fewer than {many} wait");
}

/// Notes a phone in the person's profile.
pub async fn set_phone(person: &Person, phone: &str) {
    let change = person.client.patch("/users/me").json(json!({"phone": phone}));
    change.await.expect(200);
}

/// Notes a phone and confirms it by the code that is sent there.
pub async fn prove_phone(harness: &Harness, person: &Person, phone: &str) {
    set_phone(person, phone).await;
    person
        .client
        .post("/users/me/phone/verification")
        .await
        .expect(202);
    let otp = harness.texted_code(phone).await;
    let confirm = person.client.post("/users/me/phone/verification/confirm");
    confirm.json(json!({"otp": otp})).await.expect(204);
}

/// Says that the person's address was confirmed, or takes that back.
pub fn set_verified(harness: &Harness, person: &Person, verified: bool) {
    let value = if verified { "created_at" } else { "NULL" };
    sql(
        harness,
        &format!(
            "UPDATE users SET email_verified_at = {value} WHERE id = '{}'",
            person.id
        ),
    );
}

/// An operation of the served document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// In capitals.
    pub method: String,
    /// Without `/api/v1`, with its placeholders.
    pub path: String,
    /// `x-who`.
    pub who: Vec<String>,
    /// Whether it takes a body.
    pub takes_body: bool,
    /// Whether that is JSON.
    pub takes_json: bool,
}

impl Operation {
    /// The path with another text in the place of each placeholder.
    pub fn path_with(&self, text: &str) -> String {
        let parts = self.path.split('/');
        let filled: Vec<&str> = parts
            .map(|part| if part.starts_with('{') { text } else { part })
            .collect();
        filled.join("/")
    }

    /// Whether the path names things.
    pub fn has_placeholders(&self) -> bool {
        self.path.contains('{')
    }
}

/// Every operation of the interface, as the server describes it.
pub async fn operations(harness: &Harness) -> Vec<Operation> {
    let document = harness
        .client()
        .root()
        .get("/api-docs/openapi.json")
        .await
        .expect(200)
        .json();
    let paths = document["paths"].as_object().expect("paths");
    let mut found = Vec::new();
    for (path, methods) in paths {
        let Some(path) = path.strip_prefix("/api/v1") else {
            continue;
        };
        for (method, operation) in methods.as_object().expect("operations") {
            let who = operation["x-who"].as_array().expect("x-who of every operation");
            found.push(Operation {
                method: method.to_uppercase(),
                path: path.to_owned(),
                who: who.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                takes_body: operation.get("requestBody").is_some(),
                takes_json: operation["requestBody"]["content"]
                    .as_object()
                    .is_some_and(|content| content.keys().any(|media_type| media_type.ends_with("json"))),
            });
        }
    }
    assert!(!found.is_empty(), "the document describes no operation");
    found
}

/// An answer as a stranger can compare it with another: status, headers and body, but for the time of day and the names of
/// the two requests.
pub fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers().iter();
    let mut headers: Vec<(String, String)> = headers
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    headers.sort();
    let body = match serde_json::from_str::<Value>(&answer.text()) {
        Ok(mut problem) if problem.get("request_id").is_some() => {
            problem["request_id"] = Value::Null;
            problem.to_string()
        }
        _ => answer.text(),
    };
    (answer.status(), headers, body)
}

/// How many rows of a table hold the text somewhere in these columns.
pub async fn text_in(harness: &Harness, table: &str, columns: &[&str], text: &str) -> i64 {
    let somewhere: Vec<String> = columns
        .iter()
        .map(|column| format!("CAST({column} AS TEXT) LIKE '%{text}%'"))
        .collect();
    harness
        .count(&format!("{table} WHERE {}", somewhere.join(" OR ")))
        .await
}

/// The first that fits; there is one.
pub fn first_of<T>(all: impl IntoIterator<Item = T>, fits: impl Fn(&T) -> bool) -> T {
    all.into_iter().find(|one| fits(one)).expect("one that fits")
}

/// Shows what was mailed.
pub async fn confirm_email(harness: &Harness, proof: Value) -> Answer {
    let request = harness.client().post("/auth/email/verification/confirm");
    request.json(proof).await
}

/// A password as it is kept.
pub fn hash_of(password: &str) -> PasswordHash {
    let cost = BcryptCost::new(4).expect("a cost");
    let password = NewPassword::parse(password).expect("a password");
    password.hash(cost).expect("a hash")
}
