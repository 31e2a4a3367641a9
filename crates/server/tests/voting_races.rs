//! Everybody votes and changes their mind while people give seats back and candidates withdraw: what is left is what each cast
//! last, where it still stands on something.

use crate::voting::Hall;
use chrono::TimeDelta;
use kernel::{AttendeeId, CampaignId, CandidateId, Ctx, EventId, PermissionSet, RegistrationId};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use registration::{CancelError, Person as Whom, Register, RegisterError, Registered, Rules};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use storage::Store;
use testkit::{Harness, Person, TestDatabase, all_at_once, environment, on_both_databases};
use tokio::sync::Semaphore;
use voting::{
    ChangeCandidateError, LinkVote, LinkVoteError, Nominate, NominateError, VoteError, VoteRepository,
};

on_both_databases! { what_is_left_of_a_rush_is_what_each_cast_last }

const VOTERS: usize = 2_000;
const CANDIDATES: usize = 20;
const VOTES_EACH: usize = 4;
const AT_ONCE: usize = 32;
/// After so many turns of the voters a candidate withdraws and stands anew.
const TURNS_BETWEEN: u32 = 40;

/// Somebody with a seat.
#[derive(Clone)]
struct Holder {
    ctx: Ctx,
    attendee: AttendeeId,
    registration: RegistrationId,
}

/// What a person did at last.
struct Left {
    attendee: AttendeeId,
    vote: Option<CandidateId>,
    has_seat: bool,
}

/// What all of them work on.
#[derive(Clone)]
struct Rush {
    store: Store,
    event: EventId,
    campaign: CampaignId,
    holders: Arc<Vec<Holder>>,
    /// Who can be voted for, or could a moment ago; in the order of the first holders.
    candidates: Arc<Mutex<Vec<CandidateId>>>,
    /// Turns of the voters that no candidate has taken for theirs yet; closed when all voted.
    turns: Arc<Semaphore>,
}

async fn what_is_left_of_a_rush_is_what_each_cast_last(database: TestDatabase) {
    let seed = environment::seed();
    println!(
        "repeat the decisions, if not their order, with {}={seed}",
        environment::SEED
    );
    let harness = Harness::start(database).await;
    let voters = environment::scaled(VOTERS).max(CANDIDATES * 3);
    let hall = Hall::open(&harness, 0).await;
    let seats = u32::try_from(voters + 10).expect("few");
    hall.set(json!({"capacity": seats})).await;
    let rush = Rush::begin(&harness, hall.event, voters).await;

    let standing = tokio::spawn({
        let (rush, random) = (rush.clone(), StdRng::seed_from_u64(seed));
        async move { rush.comes_and_goes(random).await }
    });
    let of_worker = |worker: usize| {
        let (rush, mut random) = (rush.clone(), StdRng::seed_from_u64(seed + 1 + worker as u64));
        async move {
            let mut left = Vec::new();
            for who in (worker..rush.holders.len()).step_by(AT_ONCE) {
                left.push(rush.plays(who, &mut random).await);
            }
            left
        }
    };
    let left: Vec<Left> = all_at_once(AT_ONCE, of_worker)
        .await
        .into_iter()
        .flatten()
        .collect();
    rush.turns.close();
    standing.await.expect("candidates who come and go");

    let event = hall.event;
    let counted = harness
        .store()
        .read(move |tx| tx.count_votes(event))
        .await
        .expect("a count");
    let listed: Vec<CandidateId> = counted.iter().map(|one| one.candidate_id).collect();
    assert!(
        (2..CANDIDATES).contains(&listed.len()),
        "some of the candidates left: {}",
        listed.len()
    );
    let mut expected: BTreeMap<CandidateId, u64> = listed.iter().map(|id| (*id, 0)).collect();
    for person in &left {
        let attendee = person.attendee;
        let kept = harness
            .store()
            .read(move |tx| tx.find_vote(event, attendee))
            .await;
        let kept = kept.expect("an answer").map(|vote| vote.candidate_id);
        let cast = person.vote.filter(|id| person.has_seat && listed.contains(id));
        assert_eq!(
            kept, cast,
            "{attendee}: a seat {}, cast {:?}",
            person.has_seat, person.vote
        );
        if let Some(id) = cast {
            *expected.entry(id).or_default() += 1;
        }
    }
    let recounted: BTreeMap<CandidateId, u64> =
        counted.iter().map(|one| (one.candidate_id, one.votes)).collect();
    assert_eq!(recounted, expected);
    assert!(expected.values().sum::<u64>() > 0, "somebody voted");
    let own = "votes v JOIN candidates c ON c.id = v.candidate_id WHERE c.attendee_id = v.voter_id";
    assert_eq!(harness.count(own).await, 0);
    harness.assert_invariants().await;

    // From the end of voting on nothing changes any more.
    harness.clock().advance(TimeDelta::days(10));
    for holder in rush.holders.iter().take(10) {
        let mut late = holder.ctx.clone();
        late.now = kernel::Clock::now(harness.clock());
        let candidate = listed[0];
        let refused = harness
            .store()
            .write(move |tx| voting::cast_vote(tx, &late, event, candidate, false))
            .await;
        assert!(
            matches!(
                refused,
                Err(VoteError::Closed | VoteError::SeatNeeded | VoteError::Oneself)
            ),
            "{refused:?}"
        );
    }
}

impl Rush {
    /// Everybody has a seat, and the first stand.
    async fn begin(harness: &Harness, event: EventId, voters: usize) -> Self {
        let people: Arc<Vec<Person>> = Arc::new(harness.crowd(voters).await);
        let contexts: Arc<Vec<Ctx>> = Arc::new(
            people
                .iter()
                .map(|person| harness.acting(person, PermissionSet::NONE))
                .collect(),
        );
        let store = harness.store().clone();
        let seated = all_at_once(AT_ONCE, |worker| {
            let (store, contexts) = (store.clone(), Arc::clone(&contexts));
            async move {
                let mut holders = Vec::new();
                for ctx in contexts.iter().skip(worker).step_by(AT_ONCE) {
                    holders.push(register(&store, ctx.clone(), event).await);
                }
                holders
            }
        })
        .await;
        let holders: Vec<Holder> = seated.into_iter().flatten().collect();
        let mut candidates = Vec::new();
        for holder in &holders[..CANDIDATES] {
            candidates.push(stand(&store, holder, event).await.expect("a candidate"));
        }
        Self {
            store,
            event,
            campaign: harness.system().new_id(),
            holders: Arc::new(holders),
            candidates: Arc::new(Mutex::new(candidates)),
            turns: Arc::new(Semaphore::new(0)),
        }
    }

    /// The candidates withdraw and stand anew, again and again; some stay away at last, or lose their seat.
    async fn comes_and_goes(&self, mut random: StdRng) {
        while let Ok(turns) = self.turns.acquire_many(TURNS_BETWEEN).await {
            turns.forget();
            let who = random.random_range(0..CANDIDATES);
            let (holder, event) = (&self.holders[who], self.event);
            let (ctx, id) = (holder.ctx.clone(), self.candidates()[who]);
            let withdrawn = self
                .store
                .write(move |tx| voting::withdraw(tx, &ctx, event, id))
                .await;
            match withdrawn {
                Ok(()) => {}
                // It went with the seat, or withdrew for good.
                Err(ChangeCandidateError::NotFound | ChangeCandidateError::WrongState(_)) => continue,
                Err(error) => panic!("{error:?}"),
            }
            match stand(&self.store, holder, event).await {
                Ok(id) => self.candidates()[who] = id,
                // Or gave up and stood anew as often as one may.
                Err(NominateError::SeatNeeded | NominateError::StoodTooOften) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        for who in 0..CANDIDATES / 4 {
            let (ctx, event, id) = (self.holders[who].ctx.clone(), self.event, self.candidates()[who]);
            let withdrawn = self
                .store
                .write(move |tx| voting::withdraw(tx, &ctx, event, id))
                .await;
            assert!(
                matches!(
                    withdrawn,
                    Ok(()) | Err(ChangeCandidateError::NotFound | ChangeCandidateError::WrongState(_))
                ),
                "{withdrawn:?}"
            );
        }
    }

    fn candidates(&self) -> std::sync::MutexGuard<'_, Vec<CandidateId>> {
        self.candidates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Votes and changes their mind; some give their seat back while they vote.
    async fn plays(&self, who: usize, random: &mut StdRng) -> Left {
        let holder = self.holders[who].clone();
        let gives_up = random
            .random_bool(0.15)
            .then(|| random.random_range(0..VOTES_EACH));
        let mut left = Left {
            attendee: holder.attendee,
            vote: None,
            has_seat: true,
        };
        for turn in 0..VOTES_EACH {
            self.turns.add_permits(1);
            let candidate = *self.candidates().as_slice().choose(random).expect("candidates");
            let kind = random.random_range(0..20);
            let votes = async {
                match kind {
                    0 => self.takes_it_back(&holder).await,
                    1..=4 => self.votes_by_link(&holder, candidate).await,
                    _ => self.votes(&holder, candidate).await,
                }
            };
            let outcome = if gives_up == Some(turn) {
                left.has_seat = false;
                tokio::join!(votes, self.gives_up(&holder)).0
            } else {
                votes.await
            };
            match outcome {
                Ok(vote) => left.vote = vote,
                // Of who gave the seat back, stands themselves, or chose somebody who stands no longer.
                Err(VoteError::SeatNeeded) => assert!(!left.has_seat, "a seat was there"),
                Err(VoteError::Oneself | VoteError::NoSuchCandidate | VoteError::NoVote) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        left
    }

    async fn gives_up(&self, holder: &Holder) {
        let (ctx, id) = (holder.ctx.clone(), holder.registration);
        let given = self
            .store
            .write(move |tx| registration::cancel(tx, &ctx, id))
            .await;
        given.unwrap_or_else(|error: CancelError| panic!("{error:?}"));
    }

    async fn votes(&self, holder: &Holder, candidate: CandidateId) -> Result<Option<CandidateId>, VoteError> {
        let (ctx, event) = (holder.ctx.clone(), self.event);
        let cast = self
            .store
            .write(move |tx| voting::cast_vote(tx, &ctx, event, candidate, false))
            .await?;
        Ok(Some(cast.candidate_id))
    }

    async fn votes_by_link(
        &self,
        holder: &Holder,
        candidate_id: CandidateId,
    ) -> Result<Option<CandidateId>, VoteError> {
        let link = LinkVote {
            event_id: self.event,
            candidate_id,
            voter: holder.attendee,
            campaign_id: self.campaign,
        };
        let ctx = holder.ctx.clone();
        let cast = self
            .store
            .write(move |tx| voting::cast_vote_by_link(tx, &ctx, link))
            .await;
        match cast {
            Ok(cast) => Ok(Some(cast.candidate_id)),
            Err(LinkVoteError::Vote(error)) => Err(error),
            // One that was cast signed in stays.
            Err(LinkVoteError::CastSignedIn) => Err(VoteError::NoVote),
        }
    }

    async fn takes_it_back(&self, holder: &Holder) -> Result<Option<CandidateId>, VoteError> {
        let (ctx, event) = (holder.ctx.clone(), self.event);
        self.store
            .write(move |tx| voting::withdraw_vote(tx, &ctx, event))
            .await?;
        Ok(None)
    }
}

async fn stand(store: &Store, holder: &Holder, event_id: EventId) -> Result<CandidateId, NominateError> {
    let ctx = holder.ctx.clone();
    let command = Nominate {
        event_id,
        attendee_id: None,
        talk_title: "A talk".to_owned(),
        summary: "What it is about.".to_owned(),
        require_verified_email: false,
    };
    let stands = store
        .write(move |tx| voting::nominate(tx, &ctx, command.clone()))
        .await;
    stands.map(|view| view.candidate.id)
}

async fn register(store: &Store, ctx: Ctx, event_id: EventId) -> Holder {
    let command = Register {
        event_id,
        person: Whom::Oneself,
        rules: Rules {
            invites_per_day: 0,
            require_verified_email: false,
        },
    };
    let asker = ctx.clone();
    let registered = store
        .write(move |tx| registration::register(tx, &asker, command.clone()))
        .await
        .unwrap_or_else(|error: RegisterError| panic!("{error:?}"));
    let Registered::Confirmed { registration, .. } = registered else {
        panic!("a seat");
    };
    Holder {
        ctx,
        attendee: registration.attendee_id,
        registration: registration.id,
    }
}
