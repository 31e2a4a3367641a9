//! Everybody votes while people are erased, removed, or turn out to be guests, seats are given back and checked in, and events are called
//! off and deleted: nothing is left that stands on nothing.

use crate::voting::Hall;
use serde_json::json;
use std::sync::Arc;
use testkit::{Answer, Harness, Person, TestDatabase, all_at_once, on_both_databases};

on_both_databases! {
    nothing_is_left_of_who_goes_while_everybody_votes,
    nothing_is_left_of_an_event_that_goes_while_everybody_votes,
}

const CANDIDATES: usize = 4;
const VOTERS: usize = 16;
const TURNS: usize = 4;

struct Rush {
    harness: Harness,
    hall: Hall,
    admin: Person,
    candidates: Vec<String>,
}

impl Rush {
    async fn begin(database: TestDatabase) -> Arc<Self> {
        let harness = Harness::start(database).await;
        let hall = Hall::open(&harness, CANDIDATES + VOTERS).await;
        let mut candidates = Vec::new();
        for who in 0..CANDIDATES {
            candidates.push(hall.stands(who).await);
        }
        let admin = harness.admin().await;
        Arc::new(Self {
            harness,
            hall,
            admin,
            candidates,
        })
    }

    /// Votes for one after the other; gives nothing back that is a mistake of the server's.
    async fn votes(&self, who: usize) {
        for turn in 0..TURNS {
            let answer = self
                .hall
                .votes(who, &self.candidates[(who + turn) % CANDIDATES])
                .await;
            // The seat, the candidate, the event or the account may be gone.
            assert!(
                [200, 401, 403, 404, 409, 422].contains(&answer.status()),
                "{answer}"
            );
        }
    }

    async fn erases(&self, who: usize) {
        let path = format!("/admin/users/{}", self.hall.people[who].id);
        gone(&self.admin.client.delete(&path).await);
    }

    async fn removes(&self, who: usize) {
        let path = format!("/attendees/{}", self.hall.attendees[who]);
        gone(&self.admin.client.delete(&path).await);
    }

    /// Somebody whom the organiser noted turns out to be this person, who has a seat too.
    async fn is_a_guest_too(&self, who: usize) {
        let email = format!("guest{who}@guests.example");
        let guest = json!({"attendee": {"name": "Guest", "email": email}});
        let register = self.hall.organizer.client.post(&self.hall.path("registrations"));
        register.json(guest).await.expect(201);
        let (ctx, id) = (self.harness.system(), self.hall.people[who].id);
        let email: kernel::EmailAddress = email.parse().expect("an address");
        let merged = self
            .harness
            .store()
            .write(move |tx| {
                use user::UserRepository;
                let Some(user) = tx.find_user(id)? else {
                    return Ok(());
                };
                registration::link_guest(tx, &ctx, &user.account(), &email)
            })
            .await;
        merged.expect("one person");
    }

    async fn checks_in(&self, who: usize) {
        let id = self.hall.registrations[who];
        let ticket = format!("/registrations/{id}/ticket.json");
        let ticket = self.hall.organizer.client.get(&ticket).await.expect(200);
        let scan = self.hall.organizer.client.post(&self.hall.path("check-ins"));
        scan.json(json!({"ticket_code": ticket.text_at("/code")}))
            .await
            .expect(200);
    }

    async fn ends(&self) {
        let seatless = "votes v LEFT JOIN registrations r ON r.event_id = v.event_id AND r.attendee_id = v.voter_id \
             AND r.status IN ('confirmed', 'attended') JOIN events e ON e.id = v.event_id \
             WHERE r.id IS NULL AND e.status = 'published'";
        assert_eq!(self.harness.count(seatless).await, 0);
        self.harness.assert_invariants().await;
    }
}

fn gone(answer: &Answer) {
    assert_eq!(answer.status(), 204, "{answer}");
}

async fn nothing_is_left_of_who_goes_while_everybody_votes(database: TestDatabase) {
    let rush = Rush::begin(database).await;
    all_at_once(CANDIDATES + VOTERS + 8, |number| {
        let rush = Arc::clone(&rush);
        async move {
            match number {
                0..20 => rush.votes(number).await,
                // A candidate of each kind, and voters.
                20 => rush.erases(0).await,
                21 => rush.erases(5).await,
                22 => rush.removes(1).await,
                23 => rush.removes(6).await,
                24 => rush.hall.leaves(2).await,
                25 => rush.hall.leaves(7).await,
                26 => rush.is_a_guest_too(8).await,
                _ => rush.checks_in(9).await,
            }
        }
    })
    .await;
    rush.ends().await;
    let listed = format!(
        "candidates WHERE event_id = '{}' AND status = 'listed'",
        rush.hall.event
    );
    assert_eq!(rush.harness.count(&listed).await, 1);
    let of_the_others = format!("votes WHERE candidate_id <> '{}'", rush.candidates[3]);
    assert_eq!(rush.harness.count(&of_the_others).await, 0);
    assert!(rush.hall.count_votes(&rush.harness).await > 0, "somebody voted");
}

async fn nothing_is_left_of_an_event_that_goes_while_everybody_votes(database: TestDatabase) {
    let rush = Rush::begin(database).await;
    all_at_once(CANDIDATES + VOTERS + 1, |number| {
        let rush = Arc::clone(&rush);
        async move {
            if number < CANDIDATES + VOTERS {
                return rush.votes(number).await;
            }
            let path = format!("/events/{}", rush.hall.event);
            let cancel = rush.hall.organizer.client.post(&format!("{path}/cancel"));
            cancel.await.expect(200);
            rush.harness.assert_invariants().await;
            gone(&rush.hall.organizer.client.delete(&path).await);
        }
    })
    .await;
    rush.ends().await;
    assert_eq!(rush.harness.count("votes").await, 0);
    assert_eq!(rush.harness.count("candidates").await, 0);
}
