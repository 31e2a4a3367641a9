//! The accounts of others: found, made, edited, suspended, given roles; and that an admin always stays.

use crate::support::{row_counts, sql};
use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::{Answer, Client, Harness, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    accounts_are_found_by_name_and_address_in_any_script,
    accounts_are_listed_the_newest_first_page_by_page,
    an_account_that_is_made_with_a_password_is_used_at_once,
    an_account_that_is_made_without_one_is_finished_by_mail,
    an_account_that_does_not_fit_is_not_made,
    a_repeated_request_makes_one_account_and_its_password_cannot_be_guessed_from_the_key,
    an_account_is_edited_and_its_attendee_follows,
    a_suspended_account_is_out_everywhere_and_keeps_its_seat,
    an_account_of_somebody_who_was_forgotten_is_not_there,
}

pub fn path_of(person: &Person) -> String {
    format!("/admin/users/{}", person.id)
}

pub async fn set_roles(admin: &Client, person: &Person, roles: &[&str]) -> Answer {
    let path = format!("{}/roles", path_of(person));
    admin.put(&path).json(json!({"roles": roles})).await
}

pub async fn set_status(admin: &Client, person: &Person, status: &str) -> Answer {
    admin
        .patch(&path_of(person))
        .json(json!({"status": status}))
        .await
}

/// Names of the accounts that a query finds.
async fn found(admin: &Client, parameters: &[(&str, &str)]) -> Vec<String> {
    let encoded: Vec<String> = parameters
        .iter()
        .map(|(name, value)| {
            let bytes: Vec<String> = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("{name}={}", bytes.concat())
        })
        .collect();
    let page = admin.get(&format!("/admin/users?{}", encoded.join("&"))).await;
    let mut names: Vec<String> = page
        .expect(200)
        .items()
        .iter()
        .map(|user| user["name"].as_str().expect("a name").to_owned())
        .collect();
    names.sort();
    names
}

async fn accounts_are_found_by_name_and_address_in_any_script(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    for (name, email) in [
        ("Ольга Жукова", "olga@example.org"),
        ("İbrahim Işık", "ibrahim@example.org"),
        ("Jürgen Großmann", "straße.7@bücher.example"),
        ("100% Under_score", "a_b@example.org"),
        ("Back\\slash", "AXB@example.org"),
    ] {
        let form = json!({"email": email, "name": name});
        admin.post("/admin/users").json(form).await.expect(201);
    }
    for (needle, name) in [
        ("ЖУКОВА", "Ольга Жукова"),
        ("ольга ж", "Ольга Жукова"),
        ("OLGA@EXAMPLE", "Ольга Жукова"),
        ("IŞIK", "İbrahim Işık"),
        ("ibrahim ı", "İbrahim Işık"),
        ("İBRAHİM", "İbrahim Işık"),
        ("GROSSMANN", "Jürgen Großmann"),
        ("jürgen  großmann", "Jürgen Großmann"),
        ("ju\u{308}RGEN", "Jürgen Großmann"),
        ("STRAßE.7", "Jürgen Großmann"),
        ("Straße.7@Bücher.example", "Jürgen Großmann"),
        ("xn--bcher", "Jürgen Großmann"),
        ("0% u", "100% Under_score"),
        ("r_s", "100% Under_score"),
        ("A_B@", "100% Under_score"),
        ("k\\s", "Back\\slash"),
    ] {
        assert_eq!(found(&admin, &[("q", needle)]).await, [name], "{needle}");
    }
    for needle in ["%%", "_____", "жуковa", "strasse.7@", "' OR '1'='1", "\\\\"] {
        let names = found(&admin, &[("q", needle)]).await;
        assert!(names.is_empty(), "{needle}: {names:?}");
    }
    assert_eq!(found(&admin, &[("q", " ")]).await.len(), 6, "blank is no filter");
}

async fn accounts_are_listed_the_newest_first_page_by_page(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = harness.admin().await;
    let admin = boss.client.clone();
    harness.crowd(3).await;
    harness.clock().advance(TimeDelta::seconds(1));
    let crowd = harness.crowd(4).await;
    let organizer = harness.organizer().await;
    set_status(&admin, &crowd[0], "suspended").await.expect(200);
    let all = admin
        .get("/admin/users?limit=100&include_total=true")
        .await
        .expect(200);
    assert_eq!(all.json()["total"], 9);
    let all = all.items();
    assert_eq!(all[0]["id"], organizer.id.to_string());
    assert_eq!(all[8]["id"], boss.id.to_string());
    let order = |user: &Value| (user["created_at"].to_string(), user["id"].to_string());
    assert!(
        all.windows(2).all(|pair| order(&pair[0]) > order(&pair[1])),
        "{all:?}"
    );
    assert_eq!(all[0]["roles"], json!(["organizer"]));
    assert!(all[0].get("password_hash").is_none());
    let mut paged = Vec::new();
    let mut query = String::from("limit=2");
    loop {
        let page = admin.get(&format!("/admin/users?{query}")).await.expect(200);
        paged.extend(page.items());
        // Whoever comes meanwhile neither repeats nor hides anybody.
        harness.attendee("late").await;
        match page.json()["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    let count = async |query: &str| {
        let page = admin
            .get(&format!("/admin/users?include_total=true&limit=1&{query}"))
            .await;
        page.expect(200).json()["total"].as_u64().expect("a total")
    };
    assert_eq!(count("status=suspended").await, 1);
    assert_eq!(count("role=organizer").await, 1);
    assert_eq!(count("role=admin&status=active").await, 1);
    assert_eq!(count("role=admin&status=suspended").await, 0);
    assert_eq!(count("role=nothing").await, 0);
    assert_eq!(count("q=person&status=suspended&role=attendee").await, 1);
    for query in ["status=gone", "role=a&role=b", "name=x", "limit=0"] {
        let answer = admin.get(&format!("/admin/users?{query}")).await;
        answer.expect(400).problem("bad-query");
    }
}

async fn an_account_that_is_made_with_a_password_is_used_at_once(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    let form = json!({
        "email": " Asha@Example.org ", "name": "Asha", "password": PASSWORD, "phone": "+919812345678",
        "profession": "gardener", "bio": "Words", "roles": ["organizer", "admin"],
    });
    let made = admin.post("/admin/users").json(form).await.expect(201);
    let id = made.text_at("/id");
    assert_eq!(
        made.header("location"),
        Some(format!("/api/v1/admin/users/{id}").as_str())
    );
    assert!(!made.text().contains(PASSWORD) && !made.text().contains("$2"));
    let body = made.json();
    assert_eq!(body["roles"], json!(["admin", "organizer"]));
    assert_eq!(body["email_verified_at"], Value::Null);
    assert_eq!(
        admin.get(&format!("/admin/users/{id}")).await.expect(200).json(),
        body
    );
    let asha = harness.log_in("asha@example.org").await;
    asha.client.get("/admin/users").await.expect(200);
    let mails = harness.mails_to("asha@example.org").await;
    assert_eq!(
        mails.iter().map(notification::Message::kind).collect::<Vec<_>>(),
        ["email_verification"]
    );
    // Without roles it is an attendee's.
    let form = json!({"email": "bela@example.org", "name": "Bela", "password": PASSWORD});
    let made = admin.post("/admin/users").json(form).await.expect(201);
    assert_eq!(made.json()["roles"], json!(["attendee"]));
}

/// What is made of the link or code by which a password is set.
async fn reset(harness: &Harness, email: &str, proof: auth::OneTimeProof, password: &'static str) -> bool {
    let ctx = harness.system();
    let keys = harness.server_keys();
    let cost = auth::BcryptCost::new(4).expect("a cost");
    let hash = auth::NewPassword::parse(password)
        .expect("a password")
        .hash(cost)
        .expect("a hash");
    let set = harness
        .store()
        .write(move |tx| match auth::prove_reset(tx, &ctx, &keys, &proof)? {
            Some(proven) => auth::reset_password(tx, &ctx, &keys, proven, &hash),
            None => Ok(None),
        })
        .await;
    set.unwrap_or_else(|error: kernel::StoreError| panic!("{email}: {error}"))
        .is_some()
}

async fn an_account_that_is_made_without_one_is_finished_by_mail(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    let make = async |email: &str| {
        let form = json!({"email": email, "name": "Asha"});
        admin.post("/admin/users").json(form).await.expect(201);
        let mails = harness.mails_to(email).await;
        assert_eq!(
            mails.iter().map(notification::Message::kind).collect::<Vec<_>>(),
            ["account_created"]
        );
        harness.mailed_secrets(email).await
    };
    let sign_in = async |email: &str| {
        let form = json!({"email": email, "password": PASSWORD});
        harness.client().post("/auth/login").json(form).await.status()
    };
    let link = make("asha@example.org").await;
    let code = make("bela@example.org").await;
    let late = make("cyril@example.org").await;
    assert_eq!(sign_in("asha@example.org").await, 401);
    harness
        .clock()
        .advance(TimeDelta::hours(72) - TimeDelta::seconds(1));
    let by_link = auth::OneTimeProof::Link(link.token);
    assert!(reset(&harness, "asha", by_link.clone(), PASSWORD).await);
    assert!(
        !reset(&harness, "asha", by_link, "another password").await,
        "good for one use"
    );
    let by_code = auth::OneTimeProof::Code {
        email: "bela@example.org".parse().expect("an address"),
        code: code.code,
    };
    assert!(reset(&harness, "bela", by_code, PASSWORD).await);
    assert_eq!(sign_in("asha@example.org").await, 200);
    assert_eq!(sign_in("bela@example.org").await, 200);
    harness.clock().advance(TimeDelta::seconds(1));
    let by_link = auth::OneTimeProof::Link(late.token);
    assert!(
        !reset(&harness, "cyril", by_link, PASSWORD).await,
        "72 hours are over"
    );
    // Who came by the mail has shown that the address is theirs.
    let verified = harness
        .count("users WHERE email_verified_at IS NOT NULL AND name = 'Asha'")
        .await;
    assert_eq!(verified, 2);
}

async fn an_account_that_does_not_fit_is_not_made(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    let form = json!({"email": "asha.ö@bücher.example", "name": "Asha"});
    admin.post("/admin/users").json(form).await.expect(201);
    let before = row_counts(&harness).await;
    let secrets = harness.count("one_time_secrets").await;
    let post = |form: Value| admin.post("/admin/users").json(form);
    for spelling in ["ASHA.Ö@bücher.example", "asha.o\u{308}@xn--bcher-kva.example"] {
        let answer = post(json!({"email": spelling, "name": "Other"})).await;
        answer.expect(409).problem("email-taken");
    }
    let wrong = json!({
        "email": "x", "name": "\u{7}", "password": "short", "phone": "1", "profession": "p".repeat(201),
        "bio": "b".repeat(5_001),
    });
    let pointers = ["/email", "/name", "/password", "/phone", "/profession", "/bio"];
    post(wrong).await.invalid(&pointers);
    let with = |field: &str, value: Value| {
        let mut form = json!({"email": "bela@example.org", "name": "Bela"});
        form[field] = value;
        post(form)
    };
    with("password", json!("Password123"))
        .await
        .invalid(&["/password"]);
    with("roles", json!(["attendee", "nothing", "Admin"]))
        .await
        .invalid(&["/roles/1", "/roles/2"]);
    with("roles", json!(vec!["attendee"; 101]))
        .await
        .invalid(&["/roles"]);
    with("roles", json!(vec!["x"; 40_000])).await.invalid(&["/roles"]);
    with("status", json!("active")).await.invalid(&["/status"]);
    assert_eq!(before, row_counts(&harness).await);
    assert_eq!(secrets, harness.count("one_time_secrets").await);
    let answers = all_at_once(6, |_| {
        let request = with("roles", json!([]));
        async move { request.await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 201).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status() != 201) {
        refused.problem("email-taken");
    }
}

async fn a_repeated_request_makes_one_account_and_its_password_cannot_be_guessed_from_the_key(
    database: TestDatabase,
) {
    let harness = Harness::start(database).await;
    let boss = harness.admin().await;
    let post = |password: &str| {
        let form = json!({"email": "asha@example.org", "name": "Asha", "password": password});
        boss.client.post("/admin/users").key("one").json(form)
    };
    let first = post(PASSWORD).await.expect(201);
    let again = post(PASSWORD).await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(
        (first.json(), first.header("location")),
        (again.json(), again.header("location"))
    );
    post("another password")
        .await
        .expect(422)
        .problem("idempotency-key-reused");
    assert_eq!(harness.mails_to("asha@example.org").await.len(), 1);
    assert_eq!(harness.count("idempotency_keys").await, 1);
    assert_eq!(
        harness
            .count("idempotency_keys WHERE length(fingerprint) = 64")
            .await,
        0
    );
    // Who lost the right is told nothing of what they did with it.
    let other = harness.admin().await;
    set_roles(&other.client, &boss, &["organizer"]).await.expect(200);
    post(PASSWORD).await.expect(403).problem("forbidden");
}

async fn an_account_is_edited_and_its_attendee_follows(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    let (organizer, asha) = (harness.organizer().await, harness.attendee("asha").await);
    let event = harness.published_event(&organizer, 1).await;
    harness.registered(&asha, event).await;
    let patch = |change: Value| admin.patch(&path_of(&asha)).json(change);
    harness.clock().advance(TimeDelta::seconds(1));
    let change = json!({
        "name": "Asha Rao", "phone": "+919812345678", "profession": "gardener", "bio": "Words",
        "avatar_url": "https://example.org/a.png", "time_zone": "Asia/Kolkata", "listed": true,
    });
    let edited = patch(change.clone()).await.expect(200).json();
    for (field, value) in change.as_object().expect("fields") {
        assert_eq!(&edited[field], value);
    }
    assert_ne!(edited["updated_at"], edited["created_at"]);
    assert_eq!(asha.client.get("/users/me").await.expect(200).json(), edited);
    assert_eq!(harness.count("attendees WHERE name = 'Asha Rao'").await, 1);
    assert_eq!(found(&admin, &[("q", "RAO")]).await, ["Asha Rao"]);
    let before = row_counts(&harness).await;
    let wrong = json!({"name": null, "phone": "1", "avatar_url": "ftp://x", "time_zone": "Mars/X", "listed": null,
        "status": null});
    let pointers = [
        "/name",
        "/phone",
        "/avatar_url",
        "/time_zone",
        "/listed",
        "/status",
    ];
    patch(wrong).await.invalid(&pointers);
    patch(json!({"status": "gone"})).await.invalid(&["/status"]);
    patch(json!({"email": "other@example.org"}))
        .await
        .invalid(&["/email"]);
    patch(json!({"roles": ["admin"]})).await.invalid(&["/roles"]);
    patch(json!({"name": "Asha Rao", "status": "active"}))
        .await
        .expect(200);
    assert_eq!(before, row_counts(&harness).await);
    assert_eq!(asha.client.get("/users/me").await.expect(200).json(), edited);
    let unknown = "/admin/users/018f0000-0000-7000-8000-000000000000";
    for answer in [
        admin.get(unknown).await,
        admin.patch(unknown).json(json!({"nonsense": 1})).await,
        admin
            .put(&format!("{unknown}/roles"))
            .json(json!({"roles": []}))
            .await,
    ] {
        answer.expect(404).problem("not-found");
    }
}

async fn a_suspended_account_is_out_everywhere_and_keeps_its_seat(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let second = harness.another_server().await;
    let admin = harness.admin().await.client;
    let (organizer, asha) = (harness.organizer().await, harness.attendee("asha").await);
    let event = harness.published_event(&organizer, 1).await;
    harness.registered(&asha, event).await;
    let there = second.running().person(asha.client.token().expect("a token"));
    there.get("/users/me").await.expect(200);
    let ctx = harness.system();
    let keys = harness.server_keys();
    let (address, secrets) = (asha.email.clone(), auth::generate_secrets().expect("secrets"));
    let link = auth::OneTimeProof::Link(secrets.token.clone());
    harness
        .store()
        .write(move |tx| {
            auth::forgot_password(tx, &ctx, &keys, &address.parse().expect("an address"), &secrets)
        })
        .await
        .expect("a mail");
    let suspended = set_status(&admin, &asha, "suspended").await.expect(200);
    assert_eq!(suspended.json()["status"], "suspended");
    asha.client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
    harness.clock().advance(TimeDelta::seconds(5));
    there.get("/users/me").await.expect(401).problem("session-ended");
    let form = json!({"email": asha.email, "password": PASSWORD});
    let log_in = || harness.client().post("/auth/login").json(form.clone());
    log_in().await.expect(401).problem("bad-credentials");
    assert_eq!(harness.count("registrations WHERE status = 'confirmed'").await, 1);
    let live = format!(
        "one_time_secrets WHERE voided_at IS NULL AND user_id = '{}'",
        asha.id
    );
    assert_eq!(harness.count(&live).await, 0);
    let rows = harness.count("audit_log").await;
    set_status(&admin, &asha, "suspended").await.expect(200);
    assert_eq!(harness.count("audit_log").await, rows, "it was suspended already");
    set_status(&admin, &asha, "active").await.expect(200);
    // What was ended and voided stays so.
    asha.client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
    assert!(!reset(&harness, "asha", link, "another password").await);
    log_in().await.expect(200);
    harness.assert_invariants().await;
}

async fn an_account_of_somebody_who_was_forgotten_is_not_there(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    let asha = harness.attendee("asha").await;
    let erased = format!(
        "UPDATE users SET erased_at = created_at, status = 'suspended', password_hash = NULL WHERE id = '{}'",
        asha.id
    );
    sql(&harness, &erased);
    assert!(found(&admin, &[("q", "asha")]).await.is_empty());
    let page = admin.get("/admin/users?include_total=true").await.expect(200);
    assert_eq!(page.json()["total"], 1);
    admin.get(&path_of(&asha)).await.expect(404).problem("not-found");
    set_status(&admin, &asha, "active")
        .await
        .expect(404)
        .problem("not-found");
    set_roles(&admin, &asha, &["admin"])
        .await
        .expect(404)
        .problem("not-found");
}
