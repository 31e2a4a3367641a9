//! Queries of attendees.

use crate::Tx;
use crate::attendee_words::{Keys, Whose};
use crate::columns::{Ts, Uid};
use crate::connection::{DbConn, on};
use crate::own_ground::OwnGround;
use crate::people::AttendeeRow;
use crate::schema::{attendees, event_staff, events, registrations, waitlist_entries};
use diesel::dsl::exists;
use diesel::prelude::*;
use kernel::{AttendeeId, EmailAddress, Instant, Page, PageRequest, StoreError, UserId, fold};
use user::{Account, Attendee, AttendeeFilter, AttendeeRepository, EventRunner, User};

impl AttendeeRepository for Tx<'_> {
    fn find_attendee(&mut self, id: AttendeeId) -> Result<Option<Attendee>, StoreError> {
        if let Some(attendee) = self.tray.as_ref().and_then(|tray| tray.attendee(id)) {
            return Ok(Some(attendee));
        }
        self.run(|connection| {
            on!(connection, |c| attendees::table
                .find(Uid::of(id))
                .select(AttendeeRow::as_select())
                .first(c)
                .optional())
        })?
        .map(AttendeeRow::into_attendee)
        .transpose()
    }

    fn find_attendee_by_email(&mut self, email_key: &str) -> Result<Option<Attendee>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| attendees::table
                .filter(attendees::email_key.eq(email_key))
                .select(AttendeeRow::as_select())
                .first(c)
                .optional())
        })?
        .map(AttendeeRow::into_attendee)
        .transpose()
    }

    fn find_attendee_of_user(&mut self, user_id: UserId) -> Result<Option<Attendee>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| attendees::table
                .filter(attendees::user_id.eq(Uid::of(user_id)))
                .select(AttendeeRow::as_select())
                .first(c)
                .optional())
        })?
        .map(AttendeeRow::into_attendee)
        .transpose()
    }

    fn insert_attendee(&mut self, attendee: &Attendee) -> Result<(), StoreError> {
        let is_of_account = attendee.user_id.is_some() && attendee.phone.is_none();
        if let Some(tray) = self.tray.as_mut().filter(|_| is_of_account) {
            tray.to_write.attendees.push(attendee.clone());
            return Ok(());
        }
        if let Some(user_id) = attendee.user_id {
            self.hold_user_as_read(user_id, &attendee.name, &attendee.email)?;
        }
        let row = AttendeeRow::of(attendee);
        let inserted = self.run(|connection| {
            on!(connection, |c| diesel::insert_into(attendees::table)
                .values((&row, attendees::words_kept.eq(true)))
                .execute(c))
        });
        // Two first registrations of one person at two events hold two different locks. The second to insert is
        // tried again, and finds the attendee then.
        self.unless_made_meanwhile(inserted)?;
        self.keep_words(&Keys::of(attendee))
    }

    fn link_attendee(&mut self, id: AttendeeId, account: &Account) -> Result<(), StoreError> {
        self.hold_user_as_read(account.id, &account.name, &account.email)?;
        self.claim_mail(account.id, &account.email)?;
        let before = self.hold_keys(Whose::Id(Uid::of(id)))?;
        let name_key = fold(account.name.as_str());
        let link = (
            attendees::user_id.eq(Uid::of(account.id)),
            attendees::name.eq(account.name.as_str()),
            attendees::name_key.eq(&name_key),
            attendees::email.eq(account.email.as_str()),
        );
        let guest = attendees::table
            .filter(attendees::id.eq(Uid::of(id)))
            .filter(attendees::user_id.is_null());
        let linked = self.run(|connection| on!(connection, |c| diesel::update(guest).set(link).execute(c)));
        let linked = match linked {
            Ok(0) => return Err(self.contend("the attendee was changed meanwhile".to_owned())),
            other => other,
        };
        self.unless_made_meanwhile(linked)?;
        let email_key = before
            .as_ref()
            .map_or_else(String::new, |keys| keys.email_key.clone());
        self.change_words(before, &name_key, &email_key)
    }

    fn delete_attendee(&mut self, id: AttendeeId) -> Result<(), StoreError> {
        let before = self.hold_keys(Whose::Id(Uid::of(id)))?;
        let deleted = self.run(|connection| {
            on!(connection, |c| diesel::delete(attendees::table.find(Uid::of(id)))
                .execute(c))
        });
        match deleted {
            Ok(_) => self.forget_words(before),
            // Registered elsewhere since the events were looked up: tried again, that event is released too.
            Err(StoreError::Referenced(what)) => Err(self.contend(what)),
            Err(error) => Err(error),
        }
    }

    fn hold_attendee(&mut self, id: AttendeeId) -> Result<Option<Attendee>, StoreError> {
        let row = attendees::table.find(Uid::of(id));
        self.run(|connection| match connection {
            DbConn::Postgres(c) => row
                .select(AttendeeRow::as_select())
                .for_update()
                .first(c)
                .optional(),
            DbConn::Sqlite(c) => row.select(AttendeeRow::as_select()).first(c).optional(),
        })?
        .map(AttendeeRow::into_attendee)
        .transpose()
    }

    fn hold_address_as_read(&mut self, attendee: &Attendee) -> Result<(), StoreError> {
        let key = attendee.email.key();
        let row = attendees::table
            .filter(attendees::id.eq(Uid::of(attendee.id)))
            .filter(attendees::user_id.is_null())
            .select(attendees::email_key);
        // An address is a key, so that this keeps it as it is and lets others refer to the row.
        let current: Option<String> = self.run(|connection| match connection {
            DbConn::Postgres(c) => row.for_key_share().first(c).optional(),
            DbConn::Sqlite(_) => Ok(Some(key.to_owned())),
        })?;
        if current.as_deref() == Some(key) {
            return Ok(());
        }
        Err(self.contend("the attendee was changed or removed meanwhile".to_owned()))
    }

    fn update_attendee(&mut self, attendee: &Attendee, at: Instant) -> Result<(), StoreError> {
        let before = self.hold_keys(Whose::Id(Uid::of(attendee.id)))?;
        let (name, email) = (attendee.name.as_str(), &attendee.email);
        let name_key = fold(name);
        let written = self.run(|connection| {
            on!(connection, |c| diesel::update(
                attendees::table.find(Uid::of(attendee.id))
            )
            .set((
                attendees::name.eq(name),
                attendees::name_key.eq(&name_key),
                attendees::email.eq(email.as_str()),
                attendees::email_key.eq(email.key()),
                attendees::phone.eq(attendee.phone.as_ref().map(kernel::PhoneNumber::as_str)),
                attendees::updated_at.eq(Ts(at)),
            ))
            .execute(c))
        });
        self.unless_made_meanwhile(written)?;
        self.change_words(before, &name_key, email.key())
    }

    fn attendee_is_at_events_of(&mut self, id: AttendeeId, runner: EventRunner) -> Result<bool, StoreError> {
        let events = self.events_of_attendee(id)?;
        Ok(self.count_run_by(&events, runner)? > 0)
    }

    fn attendee_is_at_events_of_others(
        &mut self,
        id: AttendeeId,
        runner: EventRunner,
    ) -> Result<bool, StoreError> {
        let events = self.events_of_attendee(id)?;
        Ok(self.count_run_by(&events, runner)? < events.len())
    }

    fn attendee_takes_part(&mut self, id: AttendeeId) -> Result<bool, StoreError> {
        let attendee = Uid::of(id);
        self.run(|connection| {
            on!(connection, |c| {
                let registered = registrations::table.filter(registrations::attendee_id.eq(attendee));
                let waits = waitlist_entries::table.filter(waitlist_entries::attendee_id.eq(attendee));
                Ok(diesel::select(exists(registered)).get_result::<bool>(c)?
                    || diesel::select(exists(waits)).get_result::<bool>(c)?)
            })
        })
    }

    fn list_attendees(
        &mut self,
        runner: Option<EventRunner>,
        filter: &AttendeeFilter,
        page: PageRequest,
    ) -> Result<Page<Attendee>, StoreError> {
        self.page_of_attendees(runner, filter, page)
    }
}

impl Tx<'_> {
    /// The events at which the attendee has or had a registration or a place in a queue.
    fn events_of_attendee(&mut self, id: AttendeeId) -> Result<Vec<Uid>, StoreError> {
        let attendee = Uid::of(id);
        let mut found: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| {
                let mut found: Vec<Uid> = registrations::table
                    .filter(registrations::attendee_id.eq(attendee))
                    .select(registrations::event_id)
                    .load(c)?;
                found.extend(
                    waitlist_entries::table
                        .filter(waitlist_entries::attendee_id.eq(attendee))
                        .select(waitlist_entries::event_id)
                        .load::<Uid>(c)?,
                );
                Ok(found)
            })
        })?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// How many of these events the account runs.
    fn count_run_by(&mut self, among: &[Uid], runner: EventRunner) -> Result<usize, StoreError> {
        let user = Uid::of(runner.user_id);
        let mut run = 0;
        for chunk in among.chunks(1_000) {
            let mut found: Vec<Uid> = self.run(|connection| {
                on!(connection, |c| event_staff::table
                    .filter(event_staff::user_id.eq(user))
                    .filter(event_staff::role.eq("manager"))
                    .filter(event_staff::event_id.eq_any(chunk.to_vec()))
                    .select(event_staff::event_id)
                    .load(c))
            })?;
            if runner.organizes {
                found.extend(self.run(|connection| {
                    on!(connection, |c| events::table
                        .filter(events::organizer_id.eq(user))
                        .filter(events::id.eq_any(chunk.to_vec()))
                        .select(events::id)
                        .load::<Uid>(c))
                })?);
            }
            found.sort_unstable();
            found.dedup();
            run += found.len();
        }
        Ok(run)
    }

    /// The people whom the account sees as one who runs events.
    pub(crate) fn ground_of(&mut self, runner: EventRunner) -> Result<OwnGround, StoreError> {
        let user = Uid::of(runner.user_id);
        let mut found: Vec<(Uid, i32, i32)> = self.run(|connection| {
            on!(connection, |c| event_staff::table
                .inner_join(events::table)
                .filter(event_staff::user_id.eq(user))
                .filter(event_staff::role.eq("manager"))
                .select((events::id, events::seats_taken, events::waitlist_length))
                .load(c))
        })?;
        if runner.organizes {
            found.extend(self.run(|connection| {
                on!(connection, |c| events::table
                    .filter(events::organizer_id.eq(user))
                    .select((events::id, events::seats_taken, events::waitlist_length))
                    .load::<(Uid, i32, i32)>(c))
            })?);
        }
        found.sort_unstable();
        found.dedup_by_key(|(id, ..)| *id);
        Ok(OwnGround {
            creator: user,
            about: found
                .iter()
                .map(|(_, seats, waiting)| i64::from(*seats) + i64::from(*waiting))
                .sum(),
            events: found.into_iter().map(|(id, ..)| id).collect(),
        })
    }

    /// The attendee of an account is called as the account is.
    pub(crate) fn rename_attendee_of(&mut self, user: &User) -> Result<(), StoreError> {
        let id = Uid::of(user.id);
        let Some(before) = self.hold_keys(Whose::User(id))? else {
            return Ok(());
        };
        let name_key = fold(user.name.as_str());
        self.run(|connection| {
            on!(connection, |c| diesel::update(
                attendees::table.filter(attendees::user_id.eq(id))
            )
            .set((
                attendees::name.eq(user.name.as_str()),
                attendees::name_key.eq(&name_key),
                attendees::updated_at.eq(Ts(user.updated_at)),
            ))
            .execute(c))
        })?;
        let email_key = before.email_key.clone();
        self.change_words(Some(before), &name_key, &email_key)
    }

    /// The attendee of an account has its address. If somebody has taken that meanwhile, the operation is tried again.
    pub(crate) fn readdress_attendee_of(
        &mut self,
        id: UserId,
        email: &EmailAddress,
        at: Instant,
    ) -> Result<(), StoreError> {
        let id = Uid::of(id);
        let Some(before) = self.hold_keys(Whose::User(id))? else {
            return Ok(());
        };
        let written = self.run(|connection| {
            on!(connection, |c| diesel::update(
                attendees::table.filter(attendees::user_id.eq(id))
            )
            .set((
                attendees::email.eq(email.as_str()),
                attendees::email_key.eq(email.key()),
                attendees::updated_at.eq(Ts(at)),
            ))
            .execute(c))
        });
        self.unless_made_meanwhile(written)?;
        let name_key = before.name_key.clone();
        self.change_words(Some(before), &name_key, email.key())
    }
}
