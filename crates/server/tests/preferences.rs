//! What a person wants to be told, and how; that text messages are for a phone that was proven, and end with it.

use crate::passwords::forgot;
use crate::support::{confirm_email, prove_phone, set_phone, with_texts};
use chrono::TimeDelta;
use kernel::Clock;
use serde_json::{Value, json};
use testkit::{Answer, Harness, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    everybody_is_reminded_by_mail_until_they_say_otherwise,
    both_preferences_are_needed,
    text_messages_need_a_proven_phone_and_a_gateway,
    another_phone_or_none_ends_text_messages,
    an_admin_who_changes_the_phone_ends_them_too,
    who_changes_the_phone_and_wants_texts_at_once_gets_none_to_a_phone_that_is_not_proven,
    a_phone_of_whoever_made_an_account_does_not_outlive_its_owners_reset,
    preferences_are_in_the_export,
}

const PHONE: &str = "+919812345678";

async fn set(person: &Person, email_reminders: bool, text_messages: bool) -> Answer {
    let form = json!({"email_reminders": email_reminders, "text_messages": text_messages});
    person.client.put("/users/me/preferences").json(form).await
}

async fn me(person: &Person) -> Value {
    person.client.get("/users/me").await.expect(200).json()
}

async fn everybody_is_reminded_by_mail_until_they_say_otherwise(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let usual = json!({"email_reminders": true, "text_messages": false, "campaign_mail": false});
    assert_eq!(me(&asha).await["preferences"], usual);
    harness.clock().advance(TimeDelta::minutes(1));
    let quiet = json!({"email_reminders": false, "text_messages": false, "campaign_mail": false});
    assert_eq!(set(&asha, false, false).await.expect(200).json(), quiet);
    let account = me(&asha).await;
    assert_eq!(account["preferences"], quiet);
    assert_eq!(account["updated_at"], json!(harness.clock().now()));
    assert_eq!(me(&bela).await["preferences"], usual, "they are one person's");
    // A change of the profile is none of the preferences.
    let change = asha.client.patch("/users/me").json(json!({"bio": "Words"}));
    assert_eq!(change.await.expect(200).json()["preferences"], quiet);
    assert_eq!(set(&asha, true, false).await.expect(200).json(), usual);
    assert_eq!(me(&asha).await["preferences"], usual);
}

async fn both_preferences_are_needed(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let asha = harness.attendee("asha").await;
    let put = |body| asha.client.put("/users/me/preferences").json(body);
    put(json!({})).await.expect(422);
    put(json!({"email_reminders": false}))
        .await
        .invalid(&["/text_messages"]);
    put(json!({"text_messages": false}))
        .await
        .invalid(&["/email_reminders"]);
    put(json!({"email_reminders": null, "text_messages": false}))
        .await
        .invalid(&["/email_reminders"]);
    put(json!({"email_reminders": "no", "text_messages": false}))
        .await
        .invalid(&["/email_reminders"]);
    assert_eq!(me(&asha).await["preferences"]["email_reminders"], true);
}

async fn text_messages_need_a_proven_phone_and_a_gateway(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = harness.attendee("asha").await;
    set(&asha, false, true)
        .await
        .expect(409)
        .problem("phone-not-verified");
    set_phone(&asha, PHONE).await;
    set(&asha, false, true)
        .await
        .expect(409)
        .problem("phone-not-verified");
    assert_eq!(
        me(&asha).await["preferences"],
        json!({"email_reminders": true, "text_messages": false, "campaign_mail": false}),
        "a refusal changes nothing"
    );
    prove_phone(&harness, &asha, PHONE).await;
    set(&asha, false, true).await.expect(200);
    assert_eq!(
        me(&asha).await["preferences"],
        json!({"email_reminders": false, "text_messages": true, "campaign_mail": false})
    );

    let without = harness
        .another_server_with(vec![("PODIUM_SMS__URL", String::new())])
        .await;
    let there = without.running().person(asha.client.token().expect("a token"));
    let form = json!({"email_reminders": true, "text_messages": true});
    let refused = there.put("/users/me/preferences").json(form).await;
    refused.expect(409).problem("sms-not-configured");
    let form = json!({"email_reminders": true, "text_messages": false});
    there.put("/users/me/preferences").json(form).await.expect(200);
}

async fn another_phone_or_none_ends_text_messages(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = harness.attendee("asha").await;
    for (change, stays) in [
        (json!({"phone": "+91 98123-45678"}), true),
        (json!({"bio": "Words"}), true),
        (json!({"phone": "+919812345679"}), false),
        (json!({"phone": null}), false),
    ] {
        harness.clock().advance(TimeDelta::days(1));
        let asha = harness.log_in(&asha.email).await;
        prove_phone(&harness, &asha, PHONE).await;
        set(&asha, false, true).await.expect(200);
        let after = asha
            .client
            .patch("/users/me")
            .json(change.clone())
            .await
            .expect(200)
            .json();
        assert_eq!(after, me(&asha).await);
        assert_eq!(
            after["preferences"],
            json!({"email_reminders": false, "text_messages": stays, "campaign_mail": false}),
            "{change}"
        );
        assert_eq!(after["phone_verified_at"].is_string(), stays, "{change}");
        let cleared = asha.client.patch("/users/me").json(json!({"phone": null}));
        cleared.await.expect(200);
    }
    // Back to the number that was proven is not proven.
    let asha = harness.log_in(&asha.email).await;
    set_phone(&asha, PHONE).await;
    assert_eq!(me(&asha).await["phone_verified_at"], Value::Null);
}

async fn an_admin_who_changes_the_phone_ends_them_too(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let (admin, asha) = (harness.admin().await, harness.attendee("asha").await);
    prove_phone(&harness, &asha, PHONE).await;
    set(&asha, true, true).await.expect(200);
    let path = format!("/admin/users/{}", asha.id);
    let edit = |body| admin.client.patch(&path).json(body);
    let same = edit(json!({"name": "Asha"})).await.expect(200).json();
    assert_eq!(same["preferences"]["text_messages"], true);
    let other = edit(json!({"phone": "+919812345679"})).await.expect(200).json();
    assert_eq!(
        (
            &other["phone_verified_at"],
            &other["preferences"]["text_messages"]
        ),
        (&Value::Null, &json!(false))
    );
    assert_eq!(me(&asha).await["preferences"]["text_messages"], false);
}

async fn who_changes_the_phone_and_wants_texts_at_once_gets_none_to_a_phone_that_is_not_proven(
    database: TestDatabase,
) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = harness.attendee("asha").await;
    for round in 0..3 {
        harness.clock().advance(TimeDelta::days(1));
        let asha = harness.log_in(&asha.email).await;
        prove_phone(&harness, &asha, PHONE).await;
        all_at_once(8, |number| {
            let asha = asha.clone();
            async move {
                if number % 2 == 0 {
                    let status = set(&asha, true, true).await.status();
                    assert!([200, 409].contains(&status), "{status}");
                } else {
                    let phone = format!("+9198123456{round}{number}");
                    set_phone(&asha, &phone).await;
                }
            }
        })
        .await;
        let account = me(&asha).await;
        assert_eq!(account["preferences"]["text_messages"], false, "{account}");
        assert_eq!(account["phone_verified_at"], Value::Null);
    }
}

async fn a_phone_of_whoever_made_an_account_does_not_outlive_its_owners_reset(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    // Nobody has shown that the first one's address is theirs: whoever proved the phone may be somebody else. The other
    // has confirmed it, after the phone as it happens, and has forgotten a password.
    for (name, is_confirmed, phone) in [("asha", false, PHONE), ("bela", true, "+919812345679")] {
        let person = harness.attendee(name).await;
        prove_phone(&harness, &person, phone).await;
        set(&person, false, true).await.expect(200);
        if is_confirmed {
            let token = harness.mailed_secrets(&person.email).await.token;
            confirm_email(&harness, json!({"token": token})).await.expect(204);
        }
        let mut by_mail = forgot(&harness, &person.email).await.link;
        by_mail["new_password"] = json!("another long password");
        let reset = harness.client().post("/auth/password/reset").json(by_mail);
        reset.await.expect(204);
        let kept = format!(
            "users WHERE id = '{}' AND phone = '{phone}' AND phone_verified_at IS NOT NULL AND text_messages",
            person.id
        );
        assert_eq!(harness.count(&kept).await, i64::from(is_confirmed), "{name}");
        let gone = format!(
            "users WHERE id = '{}' AND phone IS NULL AND phone_verified_at IS NULL AND NOT text_messages \
             AND NOT email_reminders AND email_verified_at IS NOT NULL",
            person.id
        );
        assert_eq!(harness.count(&gone).await, i64::from(!is_confirmed), "{name}");
    }
}

async fn preferences_are_in_the_export(database: TestDatabase) {
    let harness = Harness::start_with(database, with_texts()).await;
    let asha = harness.attendee("asha").await;
    prove_phone(&harness, &asha, PHONE).await;
    set(&asha, false, true).await.expect(200);
    let account = asha.client.get("/users/me/export").await.expect(200).json()["account"].clone();
    assert_eq!(
        (
            &account["email_reminders"],
            &account["text_messages"],
            &account["phone_verified_at"]
        ),
        (&json!(false), &json!(true), &json!(harness.clock().now()))
    );
}
