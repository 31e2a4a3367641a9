//! Votes: who casts them, until when, and what becomes of them.

mod departures;
mod hall;
mod limits;
mod results;

use crate::support::{confirm_email, sql};
use chrono::TimeDelta;
use kernel::{AttendeeId, CampaignId, CandidateId, Clock, EventId, TypedId};
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::{Harness, Person, TestDatabase, all_at_once, on_both_databases};
use voting::{LinkVote, LinkVoteError, Vote, VoteError};

pub use hall::Hall;

on_both_databases! {
    who_holds_a_seat_votes_once_and_may_change_their_mind,
    nobody_votes_without_a_seat_for_themselves_or_for_who_is_not_listed,
    the_window_decides_when_votes_are_taken,
    who_loses_the_seat_loses_vote_and_candidacy,
    a_vote_by_link_never_replaces_one_that_was_cast_signed_in,
    a_guests_vote_becomes_the_persons_and_there_are_never_two,
    at_an_event_that_is_over_erased_people_stay_counted_and_nowhere_else,
    nobody_is_shown_anothers_ballot,
    what_belongs_to_an_attendee_or_an_event_goes_with_it,
    votes_that_are_sent_at_once_leave_one,
}

async fn by_link(
    harness: &Harness,
    event_id: EventId,
    voter: AttendeeId,
    candidate: &str,
    campaign_id: CampaignId,
) -> Result<Vote, LinkVoteError> {
    let link = LinkVote {
        event_id,
        candidate_id: candidate.parse().expect("an id"),
        voter,
        campaign_id,
    };
    let ctx = harness.system();
    harness
        .store()
        .write(move |tx| voting::cast_vote_by_link(tx, &ctx, link))
        .await
}

async fn who_holds_a_seat_votes_once_and_may_change_their_mind(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let (first, second) = (hall.stands(0).await, hall.stands(1).await);
    let voter = &hall.people[2].client;
    let own = hall.path("vote");
    voter.get(&own).await.expect(404).problem("no-vote");
    let cast = hall.votes(2, &first).await.expect(200).json();
    assert_eq!(
        (&cast["candidate_id"], &cast["via"]),
        (&json!(first), &json!("signed_in"))
    );
    assert_eq!(voter.get(&own).await.expect(200).json(), cast);
    harness.clock().advance(TimeDelta::seconds(5));
    let changed = hall.votes(2, &second).await.expect(200).json();
    assert_eq!(changed["candidate_id"], json!(second));
    assert_ne!(changed["cast_at"], cast["cast_at"]);
    // A candidate votes too, for another.
    hall.votes(0, &second).await.expect(200);
    let results = hall.results().await;
    assert_eq!(results["candidates"][0]["candidate_id"], json!(second));
    assert_eq!(results["candidates"][0]["votes"], 2);
    assert_eq!(results["turnout"], json!({"voters": 2, "seat_holders": 3}));
    assert_eq!(hall.count_votes(&harness).await, 2);
    let figures = hall.organizer.client.get(&hall.path("statistics")).await;
    assert_eq!(
        figures.expect(200).json()["votes"],
        json!({"cast": 2, "share": 2.0 / 3.0, "candidates": 2})
    );
    for _ in 0..2 {
        voter.delete(&own).await.expect(204);
    }
    voter.get(&own).await.expect(404).problem("no-vote");
    assert_eq!(hall.count_votes(&harness).await, 1);
    harness.assert_invariants().await;
}

async fn nobody_votes_without_a_seat_for_themselves_or_for_who_is_not_listed(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let candidate = hall.stands(0).await;
    let own = hall.path("vote");
    for (person, status) in [(&harness.attendee("stranger").await, 403), (&hall.organizer, 403)] {
        let vote = || person.client.put(&own).json(json!({"candidate_id": candidate}));
        vote().await.expect(status).problem("seat-needed");
        person
            .client
            .get(&own)
            .await
            .expect(status)
            .problem("seat-needed");
        person
            .client
            .delete(&own)
            .await
            .expect(status)
            .problem("seat-needed");
        // Nothing is said of what they sent.
        person.client.put(&own).json(json!({})).await.expect(403);
    }
    // Who waits, or who was registered under an address that is not theirs yet, has none.
    hall.set(json!({"capacity": 3})).await;
    let waiter = harness.attendee("waiter").await;
    let register = waiter.client.post(&hall.path("registrations"));
    register.await.expect(202);
    let vote = waiter.client.put(&own).json(json!({"candidate_id": candidate}));
    vote.await.expect(403).problem("seat-needed");

    hall.votes(0, &candidate).await.invalid(&["/candidate_id"]);
    let elsewhere = Hall::open(&harness, 1).await;
    let others = elsewhere.stands(0).await;
    let withdrawn = hall.stands(1).await;
    let path = hall.path(&format!("candidates/{withdrawn}"));
    hall.people[1].client.delete(&path).await.expect(204);
    let nobody = CandidateId::from_uuid(uuid::Uuid::from_u128(7)).to_string();
    for unlisted in [&others, &withdrawn, &nobody] {
        hall.votes(2, unlisted).await.invalid(&["/candidate_id"]);
    }
    assert_eq!(hall.count_votes(&harness).await, 0);
    hall.votes(2, &candidate).await.expect(200);
    harness.assert_invariants().await;
}

async fn the_window_decides_when_votes_are_taken(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 2).await;
    let candidate = hall.stands(0).await;
    let now = harness.clock().now();
    let (opens, closes) = (now + TimeDelta::minutes(2), now + TimeDelta::minutes(4));
    hall.set(json!({"voting_opens_at": opens, "voting_closes_at": closes}))
        .await;
    let refused = async |problem: &str| {
        let vote = hall.votes(1, &candidate).await.expect(409);
        vote.problem(problem);
        let back = hall.people[1].client.delete(&hall.path("vote")).await.expect(409);
        back.problem(problem);
        assert_eq!(hall.count_votes(&harness).await, 0);
        vote.json()
    };
    let early = refused("voting-not-open").await;
    assert_eq!(
        early["opens_at"].as_str().and_then(|at| at.parse().ok()),
        Some(opens)
    );
    harness.clock().advance(TimeDelta::minutes(2));
    hall.votes(1, &candidate).await.expect(200);
    hall.people[1].client.delete(&hall.path("vote")).await.expect(204);
    harness
        .clock()
        .advance(TimeDelta::minutes(2) - TimeDelta::microseconds(1));
    hall.votes(1, &candidate).await.expect(200);
    hall.people[1].client.delete(&hall.path("vote")).await.expect(204);
    harness.clock().advance(TimeDelta::microseconds(1));
    refused("voting-closed").await;
    hall.set(json!({"voting_opens_at": null, "voting_closes_at": null}))
        .await;
    refused("no-voting").await;
    // Without an end of its own voting ends with the start.
    hall.set(json!({"voting_opens_at": now})).await;
    hall.votes(1, &candidate).await.expect(200);
    hall.people[1].client.delete(&hall.path("vote")).await.expect(204);
    hall.close(&harness).await;
    let person = harness.log_in(&hall.people[1].email).await;
    let vote = person.client.put(&hall.path("vote"));
    let vote = vote.json(json!({"candidate_id": candidate})).await;
    vote.expect(409).problem("voting-closed");
    harness.assert_invariants().await;
}

async fn who_loses_the_seat_loses_vote_and_candidacy(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 5).await;
    let (first, second) = (hall.stands(0).await, hall.stands(1).await);
    hall.votes(0, &second).await.expect(200);
    for voter in 2..5 {
        hall.votes(voter, &first).await.expect(200);
    }
    hall.leaves(2).await;
    assert_eq!(hall.count_votes(&harness).await, 3);
    // Registering again does not bring it back.
    harness.registered(&hall.people[2], hall.event).await;
    let own = hall.people[2].client.get(&hall.path("vote")).await;
    own.expect(404).problem("no-vote");
    // A manager takes the candidate's seat.
    let path = format!("/registrations/{}", hall.registrations[0]);
    hall.organizer.client.delete(&path).await.expect(200);
    assert_eq!(
        hall.count_votes(&harness).await,
        0,
        "those for them, and their own"
    );
    let left = hall
        .organizer
        .client
        .get(&hall.path("candidates?status=left"))
        .await;
    assert_eq!(left.expect(200).items()[0]["id"], json!(first));
    hall.votes(3, &first).await.invalid(&["/candidate_id"]);
    hall.votes(3, &second).await.expect(200);
    // With another seat one may stand again.
    harness.registered(&hall.people[0], hall.event).await;
    let again = hall.stands(0).await;
    assert_ne!(again, first);
    hall.votes(4, &again).await.expect(200);
    harness.assert_invariants().await;
}

async fn a_vote_by_link_never_replaces_one_that_was_cast_signed_in(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 4).await;
    let (first, second) = (hall.stands(0).await, hall.stands(1).await);
    let (one, other): (CampaignId, CampaignId) = (harness.system().new_id(), harness.system().new_id());
    let guest = json!({"attendee": {"name": "Guest", "email": "guest@example.org"}});
    let guest = hall
        .organizer
        .client
        .post(&hall.path("registrations"))
        .json(guest);
    let guest = guest.await.expect(201).text_at("/registration/attendee_id");
    let voters = [guest.parse().expect("an id"), hall.attendees[2]];
    for voter in voters {
        for (candidate, campaign) in [(&first, one), (&second, other), (&first, one)] {
            let cast = by_link(&harness, hall.event, voter, candidate, campaign).await;
            assert_eq!(cast.expect("a vote").candidate_id.to_string(), *candidate);
        }
    }
    let of_campaign = format!("votes WHERE via = 'link' AND campaign_id = '{one}'");
    assert_eq!(harness.count(&of_campaign).await, 2);
    // Signed in one may change it, and then no link does.
    assert_eq!(
        hall.votes(2, &second).await.expect(200).json()["via"],
        "signed_in"
    );
    assert_eq!(harness.count(&of_campaign).await, 1);
    let refused = by_link(&harness, hall.event, voters[1], &first, one).await;
    assert!(matches!(refused, Err(LinkVoteError::CastSignedIn)), "{refused:?}");
    let unchanged = by_link(&harness, hall.event, voters[1], &second, one).await;
    assert_eq!(unchanged.expect("the vote").via, voting::VoteVia::SignedIn);
    // The rules are the same.
    let own = by_link(&harness, hall.event, hall.attendees[0], &first, one).await;
    assert!(
        matches!(own, Err(LinkVoteError::Vote(VoteError::Oneself))),
        "{own:?}"
    );
    hall.leaves(3).await;
    let seatless = by_link(&harness, hall.event, hall.attendees[3], &first, one).await;
    assert!(
        matches!(seatless, Err(LinkVoteError::Vote(VoteError::SeatNeeded))),
        "{seatless:?}"
    );
    hall.close(&harness).await;
    let late = by_link(&harness, hall.event, voters[0], &second, one).await;
    assert!(
        matches!(late, Err(LinkVoteError::Vote(VoteError::Closed))),
        "{late:?}"
    );
    assert_eq!(hall.count_votes(&harness).await, 2);
    harness.assert_invariants().await;
}

async fn a_guests_vote_becomes_the_persons_and_there_are_never_two(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let (first, second) = (hall.stands(0).await, hall.stands(1).await);
    let campaign = harness.system().new_id();
    let noted = async |email: &str| -> AttendeeId {
        let guest = json!({"attendee": {"name": "Guest", "email": email}});
        let noted = hall
            .organizer
            .client
            .post(&hall.path("registrations"))
            .json(guest);
        let attendee = noted.await.expect(201).text_at("/registration/attendee_id");
        attendee.parse().expect("an id")
    };
    let becomes = async |person: &Person, email: &str| {
        let form = json!({"new_email": email, "password": PASSWORD});
        person.client.post("/users/me/email").json(form).await.expect(202);
        let token = harness.mailed_secrets(email).await.token;
        confirm_email(&harness, json!({"token": token})).await.expect(204);
    };
    // Without a seat of their own: the guest's vote is theirs. They take part elsewhere, so that both are attendees.
    let ana = harness.attendee("ana").await;
    let elsewhere = harness.published_event(&hall.organizer, 1).await;
    harness.registered(&ana, elsewhere).await;
    let guest = noted("ana@guests.example").await;
    by_link(&harness, hall.event, guest, &first, campaign)
        .await
        .expect("a vote");
    becomes(&ana, "ana@guests.example").await;
    let vote = ana.client.get(&hall.path("vote")).await.expect(200);
    assert_eq!(
        (vote.text_at("/candidate_id"), vote.text_at("/via")),
        (first.clone(), "link".into())
    );
    // With one: their own vote stays, and the guest's goes with the guest's seat.
    let bo = harness.attendee("bo").await;
    harness.registered(&bo, hall.event).await;
    bo.client
        .put(&hall.path("vote"))
        .json(json!({"candidate_id": second}))
        .await
        .expect(200);
    let guest = noted("bo@guests.example").await;
    by_link(&harness, hall.event, guest, &first, campaign)
        .await
        .expect("a vote");
    becomes(&bo, "bo@guests.example").await;
    let vote = bo.client.get(&hall.path("vote")).await.expect(200);
    assert_eq!(vote.text_at("/candidate_id"), second);
    // A candidate whose guest was checked in gets that seat, stays a candidate, and has no vote for themselves.
    let guest = noted("cy@guests.example").await;
    by_link(&harness, hall.event, guest, &first, campaign)
        .await
        .expect("a vote");
    let seat = format!("registrations WHERE attendee_id = '{guest}' AND status = 'attended'");
    sql(
        &harness,
        &format!(
            "UPDATE registrations SET status = 'attended', checked_in_at = registered_at WHERE attendee_id = '{guest}'"
        ),
    );
    assert_eq!(harness.count(&seat).await, 1);
    becomes(&hall.people[0], "cy@guests.example").await;
    let listed = format!("candidates WHERE id = '{first}' AND status = 'listed'");
    assert_eq!(harness.count(&listed).await, 1);
    assert_eq!(hall.count_votes(&harness).await, 2);
    harness.assert_invariants().await;
}

async fn at_an_event_that_is_over_erased_people_stay_counted_and_nowhere_else(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (over, upcoming) = (Hall::open(&harness, 3).await, Hall::open(&harness, 2).await);
    let erased = [&over.people[0], &over.people[2]];
    let (first, second) = (over.stands(0).await, over.stands(1).await);
    over.votes(2, &first).await.expect(200);
    over.votes(0, &second).await.expect(200);
    let day = TimeDelta::days(30);
    let later = harness.clock().now() + day;
    upcoming
        .set(json!({"starts_at": later, "ends_at": later + TimeDelta::hours(2)}))
        .await;
    let mut candidacies = Vec::new();
    for person in erased {
        harness.registered(person, upcoming.event).await;
        let talk = json!({"talk_title": "Unverkennbar", "abstract": "Leuchttürme"});
        let stands = person.client.post(&upcoming.path("candidates")).json(talk);
        candidacies.push(stands.await.expect(201).text_at("/id"));
    }
    upcoming.votes(0, &candidacies[0]).await.expect(200);
    let vote = erased[0].client.put(&upcoming.path("vote"));
    vote.json(json!({"candidate_id": candidacies[1]}))
        .await
        .expect(200);
    sql(
        &harness,
        &format!(
            "UPDATE events SET speaker_id = '{first}' WHERE id = '{}'",
            over.event
        ),
    );
    let export = erased[0].client.get("/users/me/export").await.expect(200).json();
    assert_eq!(export["candidacies"].as_array().map(Vec::len), Some(2));
    assert_eq!(export["votes"].as_array().map(Vec::len), Some(2));
    assert_eq!(export["votes"][0]["via"], "signed_in");
    over.close(&harness).await;
    harness.clock().advance(TimeDelta::hours(4));
    let admin = harness.admin().await;
    let reader = harness.client();
    let before = reader.get(&over.path("results")).await.expect(200).json();
    for person in erased {
        let erase = admin.client.delete(&format!("/admin/users/{}", person.id)).await;
        erase.expect(204);
    }
    harness.clock().advance(TimeDelta::seconds(2));
    let after = reader.get(&over.path("results")).await.expect(200).json();
    let counts = |results: &Value| -> Vec<Value> {
        let candidates = results["candidates"].as_array().expect("candidates");
        let of = |one: &Value| json!([one["candidate_id"], one["votes"], one["rank"]]);
        candidates.iter().map(of).collect()
    };
    assert_eq!(counts(&after), counts(&before));
    assert_eq!(after["turnout"], before["turnout"]);
    let names: Vec<&Value> = after["candidates"]
        .as_array()
        .expect("candidates")
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert!(names.contains(&&json!("Erased")), "{names:?}");
    let shown = reader
        .get(&format!("/events/{}", over.event))
        .await
        .expect(200)
        .json();
    assert_eq!(shown["speaker"]["name"], "Erased");
    assert_eq!(shown["speaker"]["talk_title"], "(erased)");
    assert_eq!(upcoming.count_votes(&harness).await, 0);
    for trace in ["Unverkennbar", "Leuchttürme", "Talk 0"] {
        let kept = format!("candidates WHERE talk_title = '{trace}' OR abstract = '{trace}'");
        assert_eq!(harness.count(&kept).await, 0, "{trace}");
    }
    harness.assert_invariants().await;
}

async fn nobody_is_shown_anothers_ballot(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let (first, second) = (hall.stands(0).await, hall.stands(1).await);
    let before = harness.count("audit_log").await;
    hall.votes(2, &first).await.expect(200);
    hall.votes(2, &second).await.expect(200);
    hall.people[2].client.delete(&hall.path("vote")).await.expect(204);
    hall.votes(2, &first).await.expect(200);
    assert_eq!(
        harness.count("audit_log").await,
        before,
        "the log does not know of votes"
    );
    let voter = hall.attendees[2].to_string();
    let told = |text: &str| text.contains(&voter) && text.contains(&first);
    for path in [
        "results",
        "candidates",
        "registrations",
        "statistics",
        "participants",
    ] {
        let shown = hall
            .organizer
            .client
            .get(&hall.path(path))
            .await
            .expect(200)
            .text();
        assert!(!told(&shown), "{path}: {shown}");
    }
    // Nor is it written anywhere but in the vote: not in the queue, not in what is remembered of requests.
    for cell in harness.database().every_cell() {
        assert!(
            cell.place.starts_with("votes.") || !told(&cell.text),
            "{}",
            cell.place
        );
    }
    let other = hall.people[0]
        .client
        .get("/users/me/export")
        .await
        .expect(200)
        .json();
    assert_eq!(other["votes"], json!([]));
}

async fn what_belongs_to_an_attendee_or_an_event_goes_with_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let (first, second) = (hall.stands(0).await, hall.stands(1).await);
    hall.votes(2, &first).await.expect(200);
    hall.votes(0, &second).await.expect(200);
    let admin = harness.admin().await;
    let choice = json!({"candidate_id": first, "reason": "They know it best."});
    let chosen = admin.client.put(&hall.path("speaker")).json(choice).await;
    chosen.expect(200);
    let path = format!("/attendees/{}", hall.attendees[0]);
    admin.client.delete(&path).await.expect(204);
    let event = format!("/events/{}", hall.event);
    assert_eq!(
        admin.client.get(&event).await.expect(200).json()["speaker"],
        Value::Null
    );
    assert_eq!(hall.count_votes(&harness).await, 0);
    assert_eq!(harness.count("candidates").await, 1);
    hall.votes(2, &second).await.expect(200);
    let choice = json!({"candidate_id": second, "reason": "Who else."});
    let chosen = admin.client.put(&hall.path("speaker")).json(choice).await;
    chosen.expect(200);
    harness.assert_invariants().await;
    // Called off, all stays as it was; deleted, it goes.
    hall.organizer
        .client
        .post(&format!("{event}/cancel"))
        .await
        .expect(200);
    assert_eq!(
        (
            hall.count_votes(&harness).await,
            harness.count("candidates").await
        ),
        (1, 1)
    );
    harness.assert_invariants().await;
    hall.organizer.client.delete(&event).await.expect(204);
    assert_eq!(
        (harness.count("votes").await, harness.count("candidates").await),
        (0, 0)
    );
    harness.assert_invariants().await;
}

async fn votes_that_are_sent_at_once_leave_one(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = std::sync::Arc::new(Hall::open(&harness, 5).await);
    let mut candidates = Vec::new();
    for who in 0..4 {
        candidates.push(hall.stands(who).await);
    }
    let answers = all_at_once(16, |number| {
        let (hall, candidate) = (std::sync::Arc::clone(&hall), candidates[number % 4].clone());
        async move { hall.votes(4, &candidate).await }
    })
    .await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    assert_eq!(hall.count_votes(&harness).await, 1);
    harness.assert_invariants().await;
}
