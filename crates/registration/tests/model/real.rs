//! The operations themselves, on a database.

use super::operation::{Canceller, Look, Operation, Outcome, PEOPLE, USERS};
use super::plain::{CAPACITY, CLOSES_EARLY, LENGTH, OPENS_LATER, START};
use chrono::TimeDelta;
use event::{
    CancelEventError, CreateEvent, EditEventError, EventFields, EventFormat, EventPatch, EventRepository,
};
use kernel::{
    Actor, AttendeeId, Change, Clock, Ctx, EmailAddress, EventId, IdSource, Instant, Permission,
    PermissionSet, RegistrationId, SessionId, SignedIn, StoreError, TypedId, UserId, WaitlistEntryId,
};
use registration::{
    CancelError, CheckInError, Person, PromoteEntry, PromoteEntryError, PutOnWaitlist, PutOnWaitlistError,
    Refusal, Register, RegisterError, Registered, RegistrationRepository, RegistrationStatus, Rules,
    UndoCheckInError,
};
use std::sync::Arc;
use storage::invariants::Violation;
use storage::{Connector, SqliteSync, Store, StoreOptions, Together};
use testkit::{Desk, TestClock, TestDatabase, Way, ids};
use ticket::{Presented, TicketCode};
use user::{NewUser, Preferences, RemoveAttendeeError, User, UserRepository, UserStatus};
use waitlist::{LeaveError, MoveEntry, MoveEntryError, RemoveEntryError, WaitlistRepository};

/// What is asked here is not what survives the loss of power.
pub fn open(database: &TestDatabase) -> Store {
    let mut connector = Connector::new(database.parsed_url());
    connector.sqlite_sync = SqliteSync::Normal;
    Store::open(&StoreOptions {
        write_together: database.way() != Way::Alone,
        desk: Desk::of_one().options(),
        ..StoreOptions::of(connector)
    })
    .expect("a store")
}

pub struct Real {
    store: Store,
    clock: TestClock,
    ids: Arc<dyn IdSource>,
    event: EventId,
    organizer: UserId,
    users: Vec<UserId>,
    emails: Vec<EmailAddress>,
    attendees: [Option<AttendeeId>; PEOPLE],
    seats: [Option<(RegistrationId, TicketCode)>; PEOPLE],
    places: [Option<WaitlistEntryId>; PEOPLE],
    broken_before: Vec<Violation>,
}

impl Real {
    /// An event, its organiser and people who have nothing to do with it yet.
    pub async fn new(store: Store, clock: TestClock) -> Self {
        let ids = ids::source();
        let system = ids::context(&clock, Actor::System, &ids);
        let accounts: Vec<User> = (0..=USERS).map(|number| account(&system, number)).collect();
        let rows = accounts.clone();
        store
            .write(move |tx| {
                rows.iter().try_for_each(|user| {
                    tx.insert_user(&NewUser {
                        user: user.clone(),
                        password_hash: None,
                    })
                })
            })
            .await
            .unwrap_or_else(|error: StoreError| panic!("{error}"));
        let mut users: Vec<UserId> = accounts.iter().map(|user| user.id).collect();
        let organizer = users.pop().expect("one more than there are people");
        let mut emails: Vec<EmailAddress> = accounts.into_iter().map(|user| user.email).collect();
        emails.truncate(USERS);
        emails.extend((USERS..PEOPLE).map(|number| address(&system, number)));
        let mut real = Self {
            store,
            clock,
            ids,
            event: system.new_id(),
            organizer,
            users,
            emails,
            attendees: [None; PEOPLE],
            seats: [const { None }; PEOPLE],
            places: [None; PEOPLE],
            broken_before: Vec::new(),
        };
        real.broken_before = real.new_violations().await;
        real.make_event(false, false).await;
        real
    }

    fn acting(&self, user_id: UserId, permissions: PermissionSet) -> Ctx {
        let session_id = SessionId::from_uuid(user_id.uuid());
        let actor = Actor::User(SignedIn {
            user_id,
            session_id,
            permissions,
            email_verified: true,
        });
        ids::context(&self.clock, actor, &self.ids)
    }

    fn organizer(&self) -> Ctx {
        let permissions = [Permission::EventCreate, Permission::AttendeeReadAny];
        self.acting(self.organizer, permissions.into_iter().collect())
    }

    fn person(&self, person: usize) -> Ctx {
        self.acting(self.users[person], PermissionSet::NONE)
    }

    fn system(&self) -> Ctx {
        ids::context(&self.clock, Actor::System, &self.ids)
    }

    fn in_hours(&self, hours: i64) -> Instant {
        self.clock.now() + TimeDelta::hours(hours)
    }

    async fn make_event(&mut self, opens_later: bool, closes_early: bool) {
        let ctx = self.organizer();
        let fields = EventFields {
            title: Some("A talk".into()),
            format: Some(EventFormat::InPerson),
            location: Some(format!("Hall {}", ctx.new_id::<EventId>())),
            starts_at: Some(self.in_hours(START)),
            ends_at: Some(self.in_hours(START + LENGTH)),
            time_zone: Some("Asia/Kolkata".into()),
            capacity: Some(CAPACITY.into()),
            registration_opens_at: opens_later.then(|| self.in_hours(OPENS_LATER)),
            registration_closes_at: closes_early.then(|| self.in_hours(CLOSES_EARLY)),
            ..EventFields::default()
        };
        let command = CreateEvent {
            fields,
            publish: true,
            require_verified_email: false,
        };
        let made = self
            .store
            .write(move |tx| event::create_event(tx, &ctx, command.clone()))
            .await;
        self.event = made.expect("an event").id;
    }

    pub async fn apply(&mut self, operation: &Operation) -> Outcome {
        match *operation {
            Operation::Register { person } => self.register(self.person(person), Person::Oneself).await,
            Operation::RegisterByManager { person } if person < USERS => match self.attendees[person] {
                None => Outcome::Nothing,
                Some(id) => self.register(self.organizer(), Person::Attendee(id)).await,
            },
            Operation::RegisterByManager { person } => {
                let guest = Person::Guest {
                    name: "Guest".parse().expect("a name"),
                    email: self.emails[person].clone(),
                };
                self.register(self.organizer(), guest).await
            }
            Operation::Cancel { person, by } => self.cancel(person, by).await,
            Operation::Leave { person } => {
                let (ctx, event) = (self.person(person), self.event);
                let left = self.store.write(move |tx| waitlist::leave(tx, &ctx, event)).await;
                match left {
                    Ok(()) => Outcome::Done,
                    Err(LeaveError::NotWaiting) => Outcome::Refused("not waiting"),
                    Err(LeaveError::ReadOnly(_)) => Outcome::Refused("read-only"),
                    Err(error) => panic!("{error:?}"),
                }
            }
            Operation::SetCapacity { capacity } => {
                self.edit(EventPatch {
                    capacity: Change::Set(capacity.into()),
                    ..EventPatch::default()
                })
                .await
            }
            Operation::SetWaitlist { enabled } => {
                self.edit(EventPatch {
                    waitlist_enabled: Change::Set(enabled),
                    ..EventPatch::default()
                })
                .await
            }
            Operation::Postpone { by_hours } => {
                self.edit(EventPatch {
                    starts_at: Change::Set(self.in_hours(by_hours)),
                    ends_at: Change::Set(self.in_hours(by_hours + LENGTH)),
                    ..EventPatch::default()
                })
                .await
            }
            Operation::Move { person, position } => self.move_entry(person, position).await,
            Operation::RemoveEntry { person } => self.remove_entry(person).await,
            Operation::AddToQueue { person, position } => self.add_to_queue(person, position).await,
            Operation::Promote { person } => self.promote(person).await,
            Operation::CheckIn { person } => self.check_in(person).await,
            Operation::UndoCheckIn { person } => self.undo_check_in(person).await,
            Operation::RemoveAttendee { person } => self.remove_attendee(person).await,
            Operation::CancelEvent => {
                let (ctx, event) = (self.organizer(), self.event);
                let cancelled = self
                    .store
                    .write(move |tx| event::cancel_event(tx, &ctx, event, None))
                    .await;
                match cancelled {
                    Ok(_) => Outcome::Done,
                    Err(CancelEventError::ReadOnly(_)) => Outcome::Refused("read-only"),
                    Err(error) => panic!("{error:?}"),
                }
            }
            Operation::ReplaceEvent {
                opens_later,
                closes_early,
            } => {
                let (ctx, event) = (self.organizer(), self.event);
                let deleted = self
                    .store
                    .write(move |tx| event::delete_event(tx, &ctx, event))
                    .await;
                deleted.unwrap_or_else(|error| panic!("{error:?}"));
                self.make_event(opens_later, closes_early).await;
                Outcome::Done
            }
            Operation::Complete => {
                let ctx = self.system();
                let swept = self
                    .store
                    .write(move |tx| event::complete_ended_events(tx, &ctx))
                    .await;
                swept.unwrap_or_else(|error| panic!("{error}"));
                Outcome::Done
            }
            Operation::Wait { hours } => {
                self.clock.advance(TimeDelta::hours(hours));
                Outcome::Done
            }
        }
    }

    async fn register(&mut self, ctx: Ctx, person: Person) -> Outcome {
        let command = Register {
            event_id: self.event,
            person,
            rules: Rules {
                invites_per_day: u32::MAX,
                require_verified_email: true,
            },
        };
        // Who registers others is not written together with anybody.
        let about = match (&command.person, ctx.actor.user_id()) {
            (Person::Oneself, Some(user_id)) => Some(Together::register(ctx.now, self.event, user_id, None)),
            _ => None,
        };
        let registered = self
            .store
            .write_about(about, move |tx| registration::register(tx, &ctx, command.clone()))
            .await;
        match registered {
            Ok(Registered::Confirmed { .. }) => Outcome::Seat,
            Ok(Registered::Waitlisted { position, .. }) => Outcome::Queued(position),
            Err(RegisterError::AttendeeNotFound) => Outcome::Refused("no attendee"),
            Err(RegisterError::Refused(refusal)) => Outcome::Refused(match refusal {
                Refusal::NotPublished => "not published",
                Refusal::NotOpen(_) => "not open",
                Refusal::Closed => "closed",
                Refusal::AlreadyRegistered(_) => "already registered",
                Refusal::AlreadyWaiting(_) => "already waiting",
                Refusal::Full => "full",
                Refusal::PaymentsNotConfigured => "payments",
            }),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn cancel(&mut self, person: usize, by: Canceller) -> Outcome {
        let Some((id, _)) = self.seats[person] else {
            return Outcome::Nothing;
        };
        let ctx = match by {
            Canceller::Organizer => self.organizer(),
            // Who has no account cannot be the one who asks.
            Canceller::Oneself if person < USERS => self.person(person),
            Canceller::Oneself | Canceller::Stranger => self.person((person + 1) % USERS),
        };
        let user_id = ctx.actor.user_id().expect("somebody is signed in");
        let about = Together::cancel(ctx.now, self.event, user_id, id);
        let cancelled = self
            .store
            .write_about(Some(about), move |tx| registration::cancel(tx, &ctx, id))
            .await;
        match cancelled {
            Ok(cancelled) => Outcome::Seats(cancelled.promoted),
            Err(CancelError::NotFound) => Outcome::Refused("no registration"),
            Err(CancelError::ReadOnly(_)) => Outcome::Refused("read-only"),
            Err(CancelError::AlreadyAttended) => Outcome::Refused("attended"),
            Err(CancelError::NotLive(_)) => Outcome::Refused("not live"),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn edit(&mut self, patch: EventPatch) -> Outcome {
        let (ctx, event) = (self.organizer(), self.event);
        let edited = self
            .store
            .write(move |tx| event::edit_event(tx, &ctx, event, patch.clone(), None))
            .await;
        match edited {
            Ok(_) => Outcome::Done,
            Err(EditEventError::ReadOnly(_)) => Outcome::Refused("read-only"),
            Err(EditEventError::CapacityBelowTaken { .. }) => Outcome::Refused("below taken"),
            Err(EditEventError::Invalid(_)) => Outcome::Refused("invalid"),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn move_entry(&mut self, person: usize, position: u32) -> Outcome {
        let Some(entry_id) = self.places[person] else {
            return Outcome::Nothing;
        };
        let ctx = self.organizer();
        let command = MoveEntry {
            event_id: self.event,
            entry_id,
            position,
            reason: "asked for".into(),
        };
        let moved = self
            .store
            .write(move |tx| waitlist::move_entry(tx, &ctx, command.clone()))
            .await;
        match moved {
            Ok(_) => Outcome::Done,
            Err(MoveEntryError::NotFound) => Outcome::Refused("no entry"),
            Err(MoveEntryError::Invalid(_)) => Outcome::Refused("invalid"),
            Err(MoveEntryError::ReadOnly(_)) => Outcome::Refused("read-only"),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn remove_entry(&mut self, person: usize) -> Outcome {
        let Some(id) = self.places[person] else {
            return Outcome::Nothing;
        };
        let (ctx, event) = (self.organizer(), self.event);
        let removed = self
            .store
            .write(move |tx| waitlist::remove_entry(tx, &ctx, event, id, "asked for".into()))
            .await;
        match removed {
            Ok(()) => Outcome::Done,
            Err(RemoveEntryError::NotFound) => Outcome::Refused("no entry"),
            Err(RemoveEntryError::ReadOnly(_)) => Outcome::Refused("read-only"),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn add_to_queue(&mut self, person: usize, position: Option<u32>) -> Outcome {
        let Some(attendee_id) = self.attendees[person] else {
            return Outcome::Nothing;
        };
        let ctx = self.organizer();
        let command = PutOnWaitlist {
            event_id: self.event,
            attendee_id,
            position,
            reason: "asked for".into(),
            invites_per_day: u32::MAX,
        };
        let put = self
            .store
            .write(move |tx| registration::put_on_waitlist(tx, &ctx, command.clone()))
            .await;
        match put {
            Ok((_, position)) => Outcome::Queued(position),
            Err(PutOnWaitlistError::NotFound) => Outcome::Refused("no attendee"),
            Err(PutOnWaitlistError::Invalid(_)) => Outcome::Refused("invalid"),
            Err(PutOnWaitlistError::NotPublished) => Outcome::Refused("not published"),
            Err(PutOnWaitlistError::Closed) => Outcome::Refused("closed"),
            Err(PutOnWaitlistError::AlreadyRegistered(_)) => Outcome::Refused("already registered"),
            Err(PutOnWaitlistError::AlreadyWaiting(_)) => Outcome::Refused("already waiting"),
            Err(PutOnWaitlistError::SeatFree) => Outcome::Refused("seat free"),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn promote(&mut self, person: usize) -> Outcome {
        let Some(entry_id) = self.places[person] else {
            return Outcome::Nothing;
        };
        let ctx = self.organizer();
        let command = PromoteEntry {
            event_id: self.event,
            entry_id,
            reason: "asked for".into(),
        };
        let promoted = self
            .store
            .write(move |tx| registration::promote_entry(tx, &ctx, command.clone()))
            .await;
        match promoted {
            Ok(_) => Outcome::Seat,
            Err(PromoteEntryError::NotFound) => Outcome::Refused("no entry"),
            Err(PromoteEntryError::ReadOnly(_)) => Outcome::Refused("read-only"),
            Err(PromoteEntryError::NoSeat) => Outcome::Refused("no seat"),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn check_in(&mut self, person: usize) -> Outcome {
        let Some((_, code)) = self.seats[person].clone() else {
            return Outcome::Nothing;
        };
        let (ctx, event) = (self.organizer(), self.event);
        let shown = Presented { code, event_id: None };
        let let_in = self
            .store
            .write(move |tx| registration::check_in(tx, &ctx, event, &shown))
            .await;
        match let_in {
            Ok(_) => Outcome::Done,
            Err(CheckInError::Closed(_)) => Outcome::Refused("check-in closed"),
            // The ticket of a seat at the event before this one is gone with it.
            Err(CheckInError::UnknownTicket) => Outcome::Refused("no ticket"),
            Err(CheckInError::Void(_)) => Outcome::Refused("void"),
            Err(CheckInError::AlreadyCheckedIn(_)) => Outcome::Refused("checked in"),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn undo_check_in(&mut self, person: usize) -> Outcome {
        let Some((id, _)) = self.seats[person] else {
            return Outcome::Nothing;
        };
        let (ctx, event) = (self.organizer(), self.event);
        let undone = self
            .store
            .write(move |tx| registration::undo_check_in(tx, &ctx, event, id))
            .await;
        match undone {
            Ok(()) => Outcome::Done,
            Err(UndoCheckInError::Closed(_)) => Outcome::Refused("check-in closed"),
            Err(UndoCheckInError::NotFound) => Outcome::Refused("no check-in"),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn remove_attendee(&mut self, person: usize) -> Outcome {
        let Some(id) = self.attendees[person] else {
            return Outcome::Nothing;
        };
        let ctx = self.system();
        let removed = self
            .store
            .write(move |tx| user::remove_attendee(tx, &ctx, id))
            .await;
        match removed {
            Ok(freed) => Outcome::Seats(freed),
            Err(RemoveAttendeeError::NotFound) => Outcome::Refused("no attendee"),
            Err(error) => panic!("{error:?}"),
        }
    }

    /// How things stand; notes the ids of what is there, for later operations to name.
    pub async fn look(&mut self) -> Look {
        let id = self.event;
        let read = self.store.read(move |tx| {
            let event = tx
                .find_event(id)?
                .ok_or_else(|| StoreError::Internal("no event".into()))?;
            Ok::<_, StoreError>((event, tx.list_seat_holders(id)?, tx.list_all_waiting(id)?))
        });
        let (event, holders, waiting) = read.await.unwrap_or_else(|error| panic!("{error}"));
        let number_of = |email: &EmailAddress| {
            let number = self.emails.iter().position(|known| known.key() == email.key());
            number.expect("one of the people")
        };
        let (mut numbers, mut attended) = (Vec::new(), Vec::new());
        for holder in &holders {
            let person = number_of(&holder.attendee.email);
            self.attendees[person] = Some(holder.attendee.id);
            self.seats[person] = Some((holder.registration.id, holder.registration.ticket_code.clone()));
            numbers.push(person);
            if holder.registration.status == RegistrationStatus::Attended {
                attended.push(person);
            }
        }
        numbers.sort_unstable();
        attended.sort_unstable();
        let mut queue = Vec::new();
        for place in &waiting {
            let person = number_of(&place.attendee.email);
            self.attendees[person] = Some(place.attendee.id);
            self.places[person] = Some(place.entry.id);
            queue.push(person);
        }
        Look {
            holders: numbers,
            attended,
            queue,
            counts: (event.seats_taken as usize, event.waitlist_length as usize),
        }
    }

    /// What the sweep over all rows finds that was not there in the beginning.
    pub async fn new_violations(&self) -> Vec<Violation> {
        let now = self.clock.now();
        let swept = self.store.read(move |tx| tx.sweep_invariants(now)).await;
        let mut violations = swept.unwrap_or_else(|error: StoreError| panic!("{error}"));
        violations.retain(|violation| !self.broken_before.contains(violation));
        violations
    }
}

fn address(ctx: &Ctx, number: usize) -> EmailAddress {
    let unique = ctx.new_id::<UserId>().uuid().simple();
    format!("person-{number}-{unique}@example.org")
        .parse()
        .expect("an address")
}

fn account(ctx: &Ctx, number: usize) -> User {
    User {
        id: ctx.new_id(),
        email: address(ctx, number),
        name: format!("Person {number}").parse().expect("a name"),
        phone: None,
        phone_verified_at: None,
        profession: None,
        bio: None,
        avatar_url: None,
        time_zone: None,
        listed: false,
        status: UserStatus::Active,
        roles: vec!["organizer".to_owned()],
        email_verified_at: Some(ctx.now),
        last_login_at: None,
        preferences: Preferences::default(),
        created_at: ctx.now,
        updated_at: ctx.now,
    }
}
