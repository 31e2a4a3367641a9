//! Requests spoilt at random, from a seed that is always the same: none fails the server, every refusal is a problem,
//! and the rows keep all rules.

mod mutation;

use crate::bad_input::cases::Scene;
use crate::support::{Operation, operations};
use mutation::{Dice, Spoilt};
use testkit::environment::scaled;
use testkit::{Harness, TestDatabase, on_both_databases};

on_both_databases! { a_spoilt_request_is_never_answered_with_a_failure }

/// Requests before the things that they name are made anew: some of them succeed, and delete.
const ROUND: usize = 150;

async fn a_spoilt_request_is_never_answered_with_a_failure(database: TestDatabase) {
    let mut scene = Scene::new(Harness::start(database).await).await;
    let all = operations(&scene.harness).await;
    let mut dice = Dice::new(0x5eed_0f70_d1ba_d1ce);
    let (mut accepted, mut refused) = (0, 0);
    for number in 0..scaled(4_000) {
        if number % ROUND == ROUND - 1 {
            scene = scene.renewed().await;
        }
        let request = spoilt(&mut dice, &scene, &all);
        let answer = testkit::raw::send(scene.harness.running().address(), &request).await;
        let shown = || {
            let request = String::from_utf8_lossy(&request);
            format!("request {number}:\n{request}\nanswer:\n{}", answer.text)
        };
        let status = answer
            .status
            .unwrap_or_else(|| panic!("no answer to {}", shown()));
        assert!(status < 500, "{}", shown());
        if status >= 400 {
            refused += 1;
            let head = answer.text.to_ascii_lowercase();
            assert!(
                head.contains("content-type: application/problem+json"),
                "{}",
                shown()
            );
        } else {
            accepted += 1;
        }
    }
    // Spoilt too much, nothing would come past the first check.
    assert!(accepted * 50 > refused, "{accepted} accepted, {refused} refused");
    scene.harness.assert_invariants().await;
}

fn spoilt(dice: &mut Dice, scene: &Scene, all: &[Operation]) -> Vec<u8> {
    let cases = scene.cases();
    let mut request = if dice.one_in(2) {
        let case = &cases[dice.below(cases.len())];
        Spoilt {
            method: case.method.to_owned(),
            path: format!("/api/v1{}", case.path),
            query: String::new(),
            media_type: Some(case.media_type.to_owned()),
            headers: Vec::new(),
            body: Some(case.body.to_string().into_bytes()),
        }
    } else {
        // Signing out would refuse all that comes after, and so would going.
        let others: Vec<&Operation> = all
            .iter()
            .filter(|operation| operation.path != "/auth/logout")
            .filter(|operation| operation.method != "DELETE" || operation.path != "/users/me")
            .filter(|operation| {
                (operation.method.as_str(), operation.path.as_str()) != ("DELETE", "/auth/sessions")
            })
            .collect();
        let operation = others[dice.below(others.len())];
        let path = operation
            .path
            .replace("{entry_id}", &scene.entry)
            .replace("{candidate_id}", &scene.candidate)
            .replace("{name}", &scene.role);
        let id = match path.split('/').nth(1) {
            Some("registrations") => scene.registration.clone(),
            Some("users") => scene.holder.id.to_string(),
            Some("admin") => scene.account.id.to_string(),
            _ => scene.event.to_string(),
        };
        Spoilt {
            method: operation.method.clone(),
            path: format!("/api/v1{}", path.replace("{id}", &id)),
            query: String::new(),
            media_type: None,
            headers: Vec::new(),
            body: None,
        }
    };
    let people = [&scene.organizer, &scene.holder, &scene.waiter, &scene.admin];
    let token = people[dice.below(people.len())].client.token();
    if let (Some(token), false) = (token, dice.one_in(8)) {
        request
            .headers
            .push(("authorization".to_owned(), format!("Bearer {token}").into_bytes()));
    }
    for _ in 0..dice.below(3) {
        request.spoil(dice);
    }
    request.bytes()
}
