//! Who administers whom: nobody beyond their own permissions, and never the last admin.

use crate::support::{give_only, give_role, row_counts};
use crate::user_admin::{path_of, set_roles, set_status};
use kernel::Permission;
use serde_json::json;
use testkit::harness::PASSWORD;
use testkit::{Harness, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    nobody_touches_an_account_beyond_their_own_permissions,
    the_last_admin_can_be_neither_demoted_nor_suspended,
    of_two_admins_who_remove_each_other_at_once_one_stays,
    an_admin_who_lost_the_role_does_nothing_more_with_it,
}

async fn nobody_touches_an_account_beyond_their_own_permissions(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = harness.admin().await;
    let clerk = harness.attendee("clerk").await;
    give_only(&harness, &clerk, Permission::UserManage);
    let auditor = harness.attendee("auditor").await;
    give_role(&harness, &auditor, "auditor", &["audit:read"]);
    let (organizer, asha) = (harness.organizer().await, harness.attendee("asha").await);
    let other = harness.attendee("other").await;
    set_roles(&boss.client, &other, &["only-user-manage"])
        .await
        .expect(200);
    let before = row_counts(&harness).await;
    let beyond = "beyond-own-permissions";
    let clerk = clerk.client;
    for person in [&boss, &auditor, &organizer] {
        for change in [
            json!({"status": "suspended"}),
            json!({"name": "Other"}),
            json!({}),
            json!({"nonsense": 1}),
            json!({"phone": "x"}),
        ] {
            let answer = clerk.patch(&path_of(person)).json(change).await;
            answer.expect(403).problem(beyond);
        }
        for roles in [&["attendee"][..], &[], &["only-user-manage"], &["nothing"]] {
            set_roles(&clerk, person, roles).await.expect(403).problem(beyond);
        }
        clerk.get(&path_of(person)).await.expect(200);
    }
    for role in ["admin", "auditor", "organizer"] {
        set_roles(&clerk, &asha, &["attendee", role])
            .await
            .expect(403)
            .problem(beyond);
        let form = json!({"email": "new@example.org", "name": "New", "roles": [role], "password": PASSWORD});
        clerk
            .post("/admin/users")
            .json(form)
            .await
            .expect(403)
            .problem(beyond);
    }
    assert_eq!(before, row_counts(&harness).await);
    // A suspended account holds what it held.
    set_status(&boss.client, &auditor, "suspended").await.expect(200);
    set_status(&clerk, &auditor, "active")
        .await
        .expect(403)
        .problem(beyond);
    // Those who hold no more are theirs to touch, and what they hold theirs to give.
    set_roles(&clerk, &asha, &["only-user-manage"]).await.expect(200);
    asha.client.get("/admin/users").await.expect(200);
    set_roles(&clerk, &other, &[]).await.expect(200);
    other
        .client
        .get("/admin/users")
        .await
        .expect(403)
        .problem("forbidden");
    set_status(&clerk, &other, "suspended").await.expect(200);
    let form = json!({"email": "new@example.org", "name": "New", "roles": ["only-user-manage"]});
    clerk.post("/admin/users").json(form).await.expect(201);
}

async fn active_admins(harness: &Harness) -> i64 {
    let admins = "users JOIN user_roles ON user_id = id WHERE role_name = 'admin' AND status = 'active'";
    harness.count(admins).await
}

async fn the_last_admin_can_be_neither_demoted_nor_suspended(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = harness.admin().await;
    let admin = boss.client.clone();
    // Somebody with every permission is no admin, and cannot remove the last one either.
    let everything: Vec<&str> = Permission::ALL.iter().map(|one| one.as_str()).collect();
    let deputy = harness.attendee("deputy").await;
    give_role(&harness, &deputy, "deputy", &everything);
    let before = row_counts(&harness).await;
    for client in [&admin, &deputy.client] {
        for roles in [&[][..], &["attendee"], &["deputy"]] {
            set_roles(client, &boss, roles)
                .await
                .expect(409)
                .problem("last-admin");
        }
        set_status(client, &boss, "suspended")
            .await
            .expect(409)
            .problem("last-admin");
        let both = json!({"name": "Other", "status": "suspended"});
        client
            .patch(&path_of(&boss))
            .json(both)
            .await
            .expect(409)
            .problem("last-admin");
    }
    assert_eq!(before, row_counts(&harness).await);
    assert_eq!(admin.get("/users/me").await.expect(200).text_at("/name"), "Admin");
    // More roles, and the same ones, are no loss.
    set_roles(&admin, &boss, &["organizer", "admin"])
        .await
        .expect(200);
    // A second one who is suspended does not count.
    let second = harness.admin().await;
    set_status(&admin, &second, "suspended").await.expect(200);
    set_roles(&admin, &boss, &["attendee"])
        .await
        .expect(409)
        .problem("last-admin");
    set_status(&deputy.client, &boss, "suspended")
        .await
        .expect(409)
        .problem("last-admin");
    // Nor is the suspended one kept from losing the role.
    set_roles(&admin, &second, &["attendee"]).await.expect(200);
    set_roles(&admin, &second, &["admin"]).await.expect(200);
    set_status(&admin, &second, "active").await.expect(200);
    set_roles(&admin, &boss, &["attendee"]).await.expect(200);
    assert_eq!(active_admins(&harness).await, 1);
    admin.get("/admin/users").await.expect(403).problem("forbidden");
}

async fn of_two_admins_who_remove_each_other_at_once_one_stays(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let mut pair = [harness.admin().await, harness.admin().await];
    for round in 0..12 {
        let answers = all_at_once(2, |index| {
            let (actor, other) = (pair[index].clone(), pair[1 - index].clone());
            async move {
                // By turns: both demote, both suspend, one of each, each oneself.
                match (round % 4, index) {
                    (0, _) | (2, 0) => set_roles(&actor.client, &other, &["attendee"]).await,
                    (1 | 2, _) => set_status(&actor.client, &other, "suspended").await,
                    (_, 0) => set_roles(&actor.client, &actor, &[]).await,
                    _ => set_status(&actor.client, &actor, "suspended").await,
                }
            }
        })
        .await;
        let done = answers.iter().filter(|answer| answer.status() == 200).count();
        let shown = || {
            answers
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(done, 1, "round {round}: {}", shown());
        for refused in answers.iter().filter(|answer| answer.status() != 200) {
            assert!(matches!(refused.status(), 401 | 403 | 409), "{}", shown());
        }
        assert_eq!(active_admins(&harness).await, 1, "round {round}");
        let stays = usize::from(pair[0].client.get("/admin/users").await.status() != 200);
        let survivor = pair[stays].clone();
        survivor.client.get("/admin/users").await.expect(200);
        let next = harness.admin().await;
        pair = [survivor, next];
    }
}

async fn an_admin_who_lost_the_role_does_nothing_more_with_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let second = harness.another_server().await;
    let (boss, fallen) = (harness.admin().await, harness.admin().await);
    let asha = harness.attendee("asha").await;
    // The second server still remembers what they were.
    let there = second.running().person(fallen.client.token().expect("a token"));
    there.get("/admin/users").await.expect(200);
    set_roles(&boss.client, &fallen, &["attendee"]).await.expect(200);
    let beyond = "beyond-own-permissions";
    set_roles(&there, &asha, &["admin"])
        .await
        .expect(403)
        .problem(beyond);
    set_roles(&there, &fallen, &["admin"])
        .await
        .expect(403)
        .problem(beyond);
    set_roles(&there, &boss, &["attendee"])
        .await
        .expect(403)
        .problem(beyond);
    set_status(&there, &boss, "suspended")
        .await
        .expect(403)
        .problem(beyond);
    let role = json!({"name": "mine", "permissions": ["audit:read"]});
    there
        .post("/admin/roles")
        .json(role)
        .await
        .expect(403)
        .problem(beyond);
    set_roles(&boss.client, &fallen, &["admin"]).await.expect(200);
    set_status(&boss.client, &fallen, "suspended").await.expect(200);
    set_roles(&there, &asha, &["admin"])
        .await
        .expect(403)
        .problem(beyond);
    assert_eq!(active_admins(&harness).await, 1);
}
