//! A thousand people at the door: everybody is let in once, whoever scans.

use crate::crowd::{count_of, register_all};
use chrono::TimeDelta;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use registration::RegistrationRepository;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use testkit::{Answer, Harness, TestDatabase, all_at_once, environment, on_both_databases_each_way};

on_both_databases_each_way! { a_thousand_tickets_scanned_twice_by_eight_scanners_let_a_thousand_in }

const PEOPLE: usize = 1_000;
const SCANNERS: usize = 8;

async fn a_thousand_tickets_scanned_twice_by_eight_scanners_let_a_thousand_in(database: TestDatabase) {
    let people = environment::scaled(PEOPLE).max(SCANNERS * 4);
    let harness = Arc::new(Harness::start(database).await);
    let organizer = harness.organizer().await;
    let event = harness
        .published_event(&organizer, u32::try_from(people).expect("few"))
        .await;
    let answers = register_all(&harness.crowd(people).await, event).await;
    assert_eq!(count_of(&answers, 201), people);
    let scanners = harness.crowd(SCANNERS).await;
    for scanner in &scanners {
        let put = organizer
            .client
            .put(&format!("/events/{event}/staff/{}", scanner.id));
        put.json(json!({"role": "scanner"})).await.expect(201);
    }
    let read = harness.store().read(move |tx| tx.list_seat_holders(event));
    let holders = read.await.expect("the seats");
    let mut codes: Vec<String> = holders
        .iter()
        .flat_map(|holder| {
            [
                holder.registration.ticket_code.to_string(),
                holder.registration.ticket_code.grouped(),
            ]
        })
        .collect();
    codes.shuffle(&mut StdRng::seed_from_u64(environment::seed()));
    let codes = Arc::new(codes);

    let answers = all_at_once(SCANNERS, |number| {
        let (harness, codes, scanner) = (Arc::clone(&harness), Arc::clone(&codes), scanners[number].clone());
        async move {
            let mut answers: Vec<(String, Answer)> = Vec::new();
            for code in codes.iter().skip(number).step_by(SCANNERS) {
                // So that no two scans are of one instant.
                harness.clock().advance(TimeDelta::microseconds(1));
                let scan = scanner.client.post(&format!("/events/{event}/check-ins"));
                let answer = scan.json(json!({"ticket_code": code})).await;
                answers.push((code.replace('-', ""), answer));
            }
            answers
        }
    })
    .await
    .concat();

    let mut let_in = BTreeMap::new();
    for (code, answer) in answers.iter().filter(|(_, answer)| answer.status() == 200) {
        let before = let_in.insert(code.clone(), answer.text_at("/checked_in_at"));
        assert_eq!(before, None, "{code} let two in");
    }
    assert_eq!(let_in.len(), people);
    let refused: Vec<_> = answers
        .iter()
        .filter(|(_, answer)| answer.status() != 200)
        .collect();
    assert_eq!(refused.len(), people);
    for (code, answer) in refused {
        let problem = answer.problem("already-checked-in");
        assert_eq!(problem["checked_in_at"], let_in[code], "the time of the first");
    }
    let attended = harness.count("registrations WHERE status = 'attended' AND checked_in_by IS NOT NULL");
    assert_eq!(attended.await, i64::try_from(people).expect("few"));
    let audited = harness.count("audit_log WHERE action = 'registration.check_in'");
    assert_eq!(audited.await, i64::try_from(people).expect("few"));
    harness.assert_invariants().await;
}
