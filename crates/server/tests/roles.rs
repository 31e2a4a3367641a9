//! Roles as data: made, edited and deleted by administrators, in force without a restart.

use crate::support::{give_role, row_counts};
use chrono::TimeDelta;
use kernel::Permission;
use serde_json::{Value, json};
use testkit::{Client, Harness, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    the_catalogue_and_the_built_in_roles_are_listed,
    a_new_role_is_in_force_at_once_and_elsewhere_within_five_seconds,
    a_role_is_made_and_edited_field_by_field,
    what_does_not_fit_a_role_is_named,
    built_in_roles_stay_as_they_are,
    a_role_in_use_goes_only_with_another_one_for_its_holders,
    nobody_makes_edits_or_deletes_a_role_beyond_their_own_permissions,
    of_many_who_make_one_role_at_once_one_does,
    a_role_that_goes_while_it_is_given_leaves_nobody_without_it,
}

async fn role(admin: &Client, name: &str) -> Option<Value> {
    let roles = admin.get("/admin/roles").await.expect(200).items();
    roles.into_iter().find(|role| role["name"] == name)
}

async fn make(admin: &Client, name: &str, permissions: &[&str]) {
    let body = json!({"name": name, "permissions": permissions});
    admin.post("/admin/roles").json(body).await.expect(201);
}

async fn the_catalogue_and_the_built_in_roles_are_listed(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    let catalogue = admin.get("/admin/permissions").await.expect(200);
    assert_eq!(catalogue.json()["next_cursor"], Value::Null);
    let everything: Vec<&str> = Permission::ALL.iter().map(|one| one.as_str()).collect();
    let named: Vec<String> = catalogue
        .items()
        .iter()
        .map(|one| {
            assert!(one["description"].as_str().is_some_and(|text| text.len() > 5));
            one["name"].as_str().expect("a name").to_owned()
        })
        .collect();
    assert_eq!(named, everything);
    harness.organizer().await;
    let roles = admin.get("/admin/roles").await.expect(200).items();
    let seen: Vec<_> = roles
        .iter()
        .map(|role| (&role["name"], &role["built_in"], &role["holders"]))
        .collect();
    assert_eq!(
        seen,
        [
            (&json!("admin"), &json!(true), &json!(1)),
            (&json!("attendee"), &json!(true), &json!(0)),
            (&json!("organizer"), &json!(true), &json!(1)),
        ]
    );
    assert_eq!(roles[0]["permissions"], json!(everything));
    assert_eq!(roles[1]["permissions"], json!([]));
    assert_eq!(
        roles[2]["permissions"],
        json!(["event:create", "attendee:read", "attendee:write"])
    );
}

async fn a_new_role_is_in_force_at_once_and_elsewhere_within_five_seconds(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let second = harness.another_server().await;
    let admin = harness.admin().await.client;
    let asha = harness.attendee("asha").await;
    let here = asha.client.clone();
    let there = second.running().person(here.token().expect("a token"));
    let both = async |status: u16| {
        here.get("/admin/audit-log").await.expect(status);
        harness.clock().advance(TimeDelta::seconds(5));
        there.get("/admin/audit-log").await.expect(status);
        // Both remember it now.
        here.get("/admin/audit-log").await.expect(status);
    };
    both(403).await;
    make(&admin, "auditor", &["audit:read"]).await;
    let roles = format!("/admin/users/{}/roles", asha.id);
    let given = json!({"roles": ["auditor", "attendee", "auditor"]});
    let given = admin.put(&roles).json(given).await.expect(200);
    assert_eq!(given.json()["roles"], json!(["attendee", "auditor"]));
    both(200).await;
    let change = |permissions: Value| {
        let body = json!({"permissions": permissions});
        admin.patch("/admin/roles/auditor").json(body)
    };
    change(json!([])).await.expect(200);
    both(403).await;
    change(json!(["statistics:read", "audit:read"])).await.expect(200);
    both(200).await;
    admin
        .delete("/admin/roles/auditor?move_to=organizer")
        .await
        .expect(204);
    both(403).await;
    let event = here.post("/events").json(harness.event_fields(1));
    event.await.expect(201);
    let me = here.get("/users/me").await.expect(200).json();
    assert_eq!(me["roles"], json!(["attendee", "organizer"]));
    admin.put(&roles).json(json!({"roles": []})).await.expect(200);
    let event = here.post("/events").json(harness.event_fields(1));
    event.await.expect(403).problem("forbidden");
}

async fn a_role_is_made_and_edited_field_by_field(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    let body = json!({
        "name": "front-desk",
        "description": "  Checks people in ",
        "permissions": ["checkin:scan", "attendee:read:any", "checkin:scan"],
    });
    let post = || admin.post("/admin/roles").key("one").json(body.clone());
    let made = post().await.expect(201);
    assert_eq!(made.header("location"), Some("/api/v1/admin/roles/front-desk"));
    let expected = json!({
        "name": "front-desk",
        "description": "Checks people in",
        "permissions": ["attendee:read:any", "checkin:scan"],
        "built_in": false,
        "holders": 0,
    });
    assert_eq!(made.json(), expected);
    let again = post().await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let without_key = admin.post("/admin/roles").json(body.clone()).await;
    without_key.expect(409).problem("already-exists");
    let desk = "/admin/roles/front-desk";
    let patch = |change: Value| admin.patch(desk).json(change);
    let edited = patch(json!({"permissions": ["audit:read"]}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&edited["description"], &edited["permissions"]),
        (&json!("Checks people in"), &json!(["audit:read"]))
    );
    let edited = patch(json!({"description": null})).await.expect(200).json();
    assert_eq!(
        (&edited["description"], &edited["permissions"]),
        (&json!(""), &json!(["audit:read"]))
    );
    assert_eq!(role(&admin, "front-desk").await, Some(edited));
    let before = row_counts(&harness).await;
    patch(json!({})).await.expect(200);
    patch(json!({"permissions": ["audit:read"], "description": null}))
        .await
        .expect(200);
    assert_eq!(
        before,
        row_counts(&harness).await,
        "nothing changed, nothing is noted"
    );
    admin.delete(desk).await.expect(204);
    admin.delete(desk).await.expect(404).problem("not-found");
    assert_eq!(
        harness
            .count("role_permissions WHERE role_name = 'front-desk'")
            .await,
        0
    );
}

async fn what_does_not_fit_a_role_is_named(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    make(&admin, "desk", &[]).await;
    let before = row_counts(&harness).await;
    for name in ["Desk", "9desk", "front desk", "a/b", "dé", "-x", &"a".repeat(51)] {
        let body = json!({"name": name, "permissions": []});
        admin.post("/admin/roles").json(body).await.invalid(&["/name"]);
    }
    let wrong = json!({
        "name": "x!",
        "description": "d".repeat(501),
        "permissions": ["audit:read", "audit:write", "everything"],
    });
    let answer = admin.post("/admin/roles").json(wrong).await;
    answer.invalid(&["/name", "/description", "/permissions/1", "/permissions/2"]);
    let patch = |change: Value| admin.patch("/admin/roles/desk").json(change);
    patch(json!({"permissions": null}))
        .await
        .invalid(&["/permissions"]);
    patch(json!({"permissions": ["no:such"]}))
        .await
        .invalid(&["/permissions/0"]);
    patch(json!({"description": "d".repeat(501)}))
        .await
        .invalid(&["/description"]);
    patch(json!({"name": "other"})).await.invalid(&["/name"]);
    let unknown = admin
        .patch("/admin/roles/nothing")
        .json(json!({"permissions": 7}));
    unknown.await.expect(404).problem("not-found");
    for query in [
        "move_to=nothing",
        "move_to=desk",
        "moveto=attendee",
        "move_to=a&move_to=b",
    ] {
        let answer = admin.delete(&format!("/admin/roles/desk?{query}")).await;
        answer.expect(400).problem("bad-query");
    }
    assert_eq!(before, row_counts(&harness).await);
    make(&admin, &"a".repeat(50), &[]).await;
}

async fn built_in_roles_stay_as_they_are(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    let before = row_counts(&harness).await;
    for name in ["admin", "organizer", "attendee"] {
        let path = format!("/admin/roles/{name}");
        for change in [
            json!({"permissions": []}),
            json!({"description": "Other"}),
            json!({}),
        ] {
            let answer = admin.patch(&path).json(change).await;
            answer.expect(409).problem("role-built-in");
        }
        let target = if name == "attendee" {
            "organizer"
        } else {
            "attendee"
        };
        for path in [path.clone(), format!("{path}?move_to={target}")] {
            admin.delete(&path).await.expect(409).problem("role-built-in");
        }
        let body = json!({"name": name, "permissions": []});
        let answer = admin.post("/admin/roles").json(body).await;
        answer.expect(409).problem("already-exists");
    }
    assert_eq!(before, row_counts(&harness).await);
    admin.get("/admin/roles").await.expect(200);
}

async fn a_role_in_use_goes_only_with_another_one_for_its_holders(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    make(&admin, "helper", &["checkin:scan"]).await;
    make(&admin, "desk", &["attendee:read:any"]).await;
    let people = harness.crowd(3).await;
    let sets = [vec!["helper"], vec!["helper", "desk"], vec!["attendee", "helper"]];
    for (person, roles) in people.iter().zip(&sets) {
        let path = format!("/admin/users/{}/roles", person.id);
        admin.put(&path).json(json!({"roles": roles})).await.expect(200);
    }
    let before = row_counts(&harness).await;
    let refused = admin.delete("/admin/roles/helper").await.expect(409);
    let problem = refused.problem("role-in-use");
    assert_eq!(problem["holders"], 3);
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains('3')));
    assert_eq!(before, row_counts(&harness).await);
    admin.delete("/admin/roles/helper?move_to=desk").await.expect(204);
    let expected = [json!(["desk"]), json!(["desk"]), json!(["attendee", "desk"])];
    for (person, roles) in people.iter().zip(expected) {
        let me = person.client.get("/users/me").await.expect(200).json();
        assert_eq!(me["roles"], roles);
    }
    assert_eq!(role(&admin, "helper").await, None);
    assert_eq!(role(&admin, "desk").await.expect("the role")["holders"], 3);
    assert_eq!(harness.count("user_roles WHERE role_name = 'helper'").await, 0);
}

async fn nobody_makes_edits_or_deletes_a_role_beyond_their_own_permissions(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    make(&admin, "strong", &["audit:read", "checkin:scan"]).await;
    make(&admin, "weak", &["checkin:scan"]).await;
    let chief = harness.attendee("chief").await;
    give_role(&harness, &chief, "chief", &["role:manage", "checkin:scan"]);
    let chief = chief.client;
    chief.get("/users/me").await.expect(200);
    let before = row_counts(&harness).await;
    let beyond = "beyond-own-permissions";
    let made = json!({"name": "mine", "permissions": ["checkin:scan", "audit:read"]});
    chief
        .post("/admin/roles")
        .json(made)
        .await
        .expect(403)
        .problem(beyond);
    for (name, change) in [
        // Towards more, also for oneself.
        ("weak", json!({"permissions": ["checkin:scan", "audit:read"]})),
        (
            "chief",
            json!({"permissions": ["role:manage", "checkin:scan", "user:manage"]}),
        ),
        // Towards less, of a role that has more; and its words.
        ("strong", json!({"permissions": ["checkin:scan"]})),
        ("strong", json!({"description": "Mine"})),
        // Who may not is told so before what is wrong with the body, and before that the role is built in.
        ("strong", json!({"nonsense": 1})),
        ("organizer", json!({"permissions": []})),
        ("admin", json!({})),
    ] {
        let answer = chief
            .patch(&format!("/admin/roles/{name}"))
            .json(change.clone())
            .await;
        assert_eq!(answer.status(), 403, "{name} {change}: {answer}");
        answer.problem(beyond);
    }
    for path in [
        "strong",
        "strong?move_to=weak",
        "weak?move_to=strong",
        "weak?move_to=admin",
        "admin",
        "strong?x=1",
    ] {
        let answer = chief.delete(&format!("/admin/roles/{path}")).await;
        answer.expect(403).problem(beyond);
    }
    chief
        .delete("/admin/roles/attendee")
        .await
        .expect(409)
        .problem("role-built-in");
    assert_eq!(before, row_counts(&harness).await);
    // Within them all of it is theirs.
    make(&chief, "mine", &["checkin:scan"]).await;
    let change = json!({"permissions": ["role:manage"]});
    chief.patch("/admin/roles/mine").json(change).await.expect(200);
    chief.delete("/admin/roles/weak?move_to=mine").await.expect(204);
    // A permission that was taken is lacked at once, whatever this request began with.
    let change = json!({"permissions": ["role:manage"]});
    admin.patch("/admin/roles/chief").json(change).await.expect(200);
    let made = json!({"name": "later", "permissions": ["checkin:scan"]});
    chief
        .post("/admin/roles")
        .json(made)
        .await
        .expect(403)
        .problem(beyond);
}

async fn of_many_who_make_one_role_at_once_one_does(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    let answers = all_at_once(8, |_| {
        let body = json!({"name": "desk", "permissions": ["audit:read"]});
        let request = admin.post("/admin/roles").json(body);
        async move { request.await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 201).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status() != 201) {
        refused.problem("already-exists");
    }
    assert_eq!(harness.count("audit_log WHERE action = 'role.create'").await, 1);
}

async fn a_role_that_goes_while_it_is_given_leaves_nobody_without_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    let people = harness.crowd(5).await;
    for round in 0..4 {
        let name = format!("desk-{round}");
        make(&admin, &name, &["checkin:scan"]).await;
        let answers = all_at_once(people.len() + 1, |index| {
            let request = match people.get(index) {
                Some(person) => admin
                    .put(&format!("/admin/users/{}/roles", person.id))
                    .json(json!({"roles": ["attendee", name]})),
                None => admin.delete(&format!("/admin/roles/{name}?move_to=organizer")),
            };
            async move { request.await }
        })
        .await;
        let (last, given) = answers.split_last().expect("answers");
        assert_eq!(last.status(), 204, "{last}");
        let mut moved = 0;
        for answer in given {
            match answer.status() {
                200 => moved += 1,
                _ => answer.invalid(&["/roles/1"]),
            }
        }
        assert_eq!(
            harness.count("user_roles WHERE role_name = 'organizer'").await,
            moved
        );
        for person in &people {
            let path = format!("/admin/users/{}/roles", person.id);
            admin
                .put(&path)
                .json(json!({"roles": ["attendee"]}))
                .await
                .expect(200);
        }
    }
}
