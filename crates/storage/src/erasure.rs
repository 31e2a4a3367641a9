//! Where something of a person stands, emptied. What is read of them stands beside it, in `export.rs`.

use crate::Tx;
use crate::columns::{Doc, Ts, Uid};
use crate::connection::{DbConn, on};
use crate::outbox::OutboxRow;
use crate::registrations::{LIVE, LIVE_ENTRY};
use crate::schema::{
    candidates, event_staff, events, external_identities, idempotency_keys, one_time_secrets, outbox,
    phone_codes, registrations, security_answer_tries, security_answers, sessions, user_roles, users,
    waitlist_entries, waitlist_log,
};
use auth::ErasureRepository;
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use kernel::{Ctx, EmailAddress, Instant, StoreError, UserId, fold};
use realtime::Topic;
use user::{
    Attendee, AttendeeRepository, PersonName, Preferences, User, UserRepository, UserStatus, find_attendee_of,
};

/// What the outbox holds for a person.
struct Mailbox {
    user: Uid,
    topic: String,
    /// Addresses that are nobody else's.
    addresses: Vec<String>,
}

impl Mailbox {
    fn holds(&self, row: &OutboxRow) -> bool {
        let addressed = |key: &String| self.addresses.contains(key);
        row.user_id == Some(self.user)
            || row.topic.as_ref() == Some(&self.topic)
            || (row.user_id.is_none() && row.recipient_key.as_ref().is_some_and(addressed))
    }
}

impl ErasureRepository for Tx<'_> {
    fn hold_person(&mut self, user: &User, attendee: Option<&Attendee>) -> Result<(), StoreError> {
        let row = users::table.find(Uid::of(user.id)).select(users::id);
        self.run(|connection| match connection {
            DbConn::Postgres(c) => row.for_update().first::<Uid>(c).map(drop),
            DbConn::Sqlite(_) => Ok(()),
        })?;
        let user_now = self.find_user(user.id)?;
        let attendee_now = find_attendee_of(self, &user.account())?;
        if user_now.as_ref() == Some(user) && attendee_now.as_ref() == attendee {
            return Ok(());
        }
        Err(self.contend("the account was changed meanwhile".to_owned()))
    }

    fn organizes_upcoming_events(&mut self, id: UserId, now: Instant) -> Result<bool, StoreError> {
        let upcoming = events::table
            .filter(events::organizer_id.eq(Uid::of(id)))
            .filter(events::status.eq_any(["draft", "published"]))
            .filter(events::ends_at.gt(Ts(now)));
        self.run(|connection| on!(connection, |c| diesel::select(exists(upcoming)).get_result(c)))
    }

    fn forget_person(
        &mut self,
        ctx: &Ctx,
        user: &User,
        attendee: Option<&Attendee>,
    ) -> Result<(), StoreError> {
        let mailbox = Mailbox {
            user: Uid::of(user.id),
            topic: Topic::User(user.id).to_string(),
            addresses: self.addresses_of(user, attendee)?,
        };
        let attendee_id = attendee.map(|attendee| Uid::of(attendee.id));
        self.forget_name_in_mail(mailbox.user, attendee_id)?;
        if let Some(attendee) = attendee {
            self.hand_over_to_nobody(ctx, attendee)?;
        }
        self.forget_ways_in(user)?;
        self.empty_account(ctx, user)?;
        self.forget_mail(&mailbox)?;
        self.forget_campaigns_by(mailbox.user)?;
        self.forget_deliveries_to(Some(mailbox.user), attendee_id, ctx.now)?;
        // An answer to somebody else's request may name the person: by id, or by an address that is theirs.
        let mut names = vec![user.id.to_string()];
        names.extend(attendee.map(|attendee| attendee.id.to_string()));
        names.extend(mailbox.addresses);
        self.forget_answers(names)?;
        self.show_events_anew(mailbox.user)
    }
}

impl Tx<'_> {
    /// The address of the account, if it was proven to be the person's, and unless somebody noted another person with it,
    /// who goes on getting mail there. What was mailed there to nobody's account is the person's then.
    pub(crate) fn addresses_of(
        &mut self,
        user: &User,
        attendee: Option<&Attendee>,
    ) -> Result<Vec<String>, StoreError> {
        let key = user.email.key();
        let is_another_s = attendee.is_none() && self.find_attendee_by_email(key)?.is_some();
        Ok(if is_another_s || user.email_verified_at.is_none() {
            Vec::new()
        } else {
            vec![key.to_owned()]
        })
    }

    /// An attendee who is nobody takes over what is over, and the person's goes. It is another row, so that whoever is just
    /// about to give the person a seat finds them gone, and what is live stands in the way.
    fn hand_over_to_nobody(&mut self, ctx: &Ctx, attendee: &Attendee) -> Result<(), StoreError> {
        let nobody = Attendee::nobody(ctx.new_id(), ctx.now);
        self.insert_attendee(&nobody)?;
        let (from, to) = (Uid::of(attendee.id), Uid::of(nobody.id));
        self.run(|connection| {
            let entries = waitlist_entries::table
                .filter(waitlist_entries::attendee_id.eq(from))
                .select(waitlist_entries::id);
            // Managers wrote them about the person.
            on!(connection, |c| diesel::update(
                waitlist_log::table.filter(waitlist_log::entry_id.eq_any(entries))
            )
            .set(waitlist_log::reason.eq(None::<String>))
            .execute(c))
        })?;
        let over = || {
            events::table
                .filter(
                    events::status
                        .eq_any(["cancelled", "completed"])
                        .or(events::ends_at.le(Ts(ctx.now))),
                )
                .select(events::id)
        };
        self.run(|connection| {
            on!(connection, |c| {
                diesel::update(
                    registrations::table
                        .filter(registrations::attendee_id.eq(from))
                        .filter(not(sql::<Bool>(LIVE)).or(registrations::event_id.eq_any(over()))),
                )
                .set(registrations::attendee_id.eq(to))
                .execute(c)?;
                diesel::update(
                    waitlist_entries::table
                        .filter(waitlist_entries::attendee_id.eq(from))
                        .filter(not(sql::<Bool>(LIVE_ENTRY)).or(waitlist_entries::event_id.eq_any(over()))),
                )
                .set(waitlist_entries::attendee_id.eq(to))
                .execute(c)
            })
        })?;
        self.hand_over_votes(from, to)?;
        self.delete_attendee(attendee.id)
    }

    /// Roles, sessions with their tokens, and all that proves who the person is.
    fn forget_ways_in(&mut self, user: &User) -> Result<(), StoreError> {
        let id = Uid::of(user.id);
        self.touch_sessions_of(user.id)?;
        self.run(|connection| {
            on!(connection, |c| {
                diesel::delete(user_roles::table.filter(user_roles::user_id.eq(id))).execute(c)?;
                diesel::delete(sessions::table.filter(sessions::user_id.eq(id))).execute(c)?;
                diesel::delete(event_staff::table.filter(event_staff::user_id.eq(id))).execute(c)?;
                diesel::delete(one_time_secrets::table.filter(one_time_secrets::user_id.eq(id)))
                    .execute(c)?;
                diesel::delete(phone_codes::table.filter(phone_codes::user_id.eq(id))).execute(c)?;
                diesel::delete(security_answers::table.filter(security_answers::user_id.eq(id)))
                    .execute(c)?;
                diesel::delete(security_answer_tries::table.filter(security_answer_tries::user_id.eq(id)))
                    .execute(c)?;
                diesel::delete(external_identities::table.filter(external_identities::user_id.eq(id)))
                    .execute(c)?;
                diesel::delete(idempotency_keys::table.filter(idempotency_keys::user_id.eq(id))).execute(c)
            })
        })?;
        Ok(())
    }

    fn empty_account(&mut self, ctx: &Ctx, user: &User) -> Result<(), StoreError> {
        let (name, email) = (PersonName::erased(), EmailAddress::erased(user.id));
        let who = (
            users::name.eq(name.as_str()),
            users::name_key.eq(fold(name.as_str())),
            users::email.eq(email.as_str()),
            users::email_key.eq(email.key()),
            users::phone.eq(None::<String>),
            users::phone_verified_at.eq(None::<Ts>),
            users::email_reminders.eq(Preferences::default().email_reminders),
            users::text_messages.eq(false),
            users::campaign_mail.eq(false),
            users::profession.eq(None::<String>),
            users::bio.eq(None::<String>),
            users::avatar_url.eq(None::<String>),
            users::time_zone.eq(None::<String>),
        );
        let state = (
            users::password_hash.eq(None::<String>),
            users::listed.eq(false),
            users::status.eq(UserStatus::Suspended.as_str()),
            users::email_verified_at.eq(None::<Ts>),
            users::last_login_at.eq(None::<Ts>),
            users::updated_at.eq(Ts(ctx.now)),
            users::erased_at.eq(Ts(ctx.now)),
        );
        self.run(|connection| {
            on!(connection, |c| diesel::update(
                users::table.find(Uid::of(user.id))
            )
            .set((who, state))
            .execute(c))
        })?;
        Ok(())
    }

    /// Messages in every status, sent or not, and what this very transaction was about to send.
    fn forget_mail(&mut self, mailbox: &Mailbox) -> Result<(), StoreError> {
        self.outbox.retain(|row| !mailbox.holds(row));
        let gone: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| diesel::delete(
                outbox::table.filter(
                    outbox::user_id
                        .eq(mailbox.user)
                        .or(outbox::topic.eq(&mailbox.topic))
                        .or(outbox::user_id
                            .is_null()
                            .and(outbox::recipient_key.eq_any(mailbox.addresses.clone())))
                )
            )
            .returning(outbox::id)
            .get_results(c))
        })?;
        self.forget_messages(gone.into_iter().map(Uid::typed));
        Ok(())
    }

    /// Mails to others, not sent yet, that say who named somebody as a candidate, or who was to speak.
    fn forget_name_in_mail(&mut self, user: Uid, attendee: Option<Uid>) -> Result<(), StoreError> {
        let named_or_stood: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| candidates::table
                .filter(
                    candidates::nominated_by
                        .eq(user)
                        .or(candidates::attendee_id.nullable().eq(attendee).assume_not_null())
                )
                .select(candidates::id)
                .load(c))
        })?;
        if named_or_stood.is_empty() {
            return Ok(());
        }
        let occasions: Vec<String> = named_or_stood.iter().map(|id| id.0.to_string()).collect();
        let waiting: Vec<(Uid, Doc)> = self.run(|connection| {
            on!(connection, |c| outbox::table
                .filter(outbox::channel.eq("message"))
                .filter(outbox::status.ne("done"))
                .filter(outbox::kind.eq_any(["nominated", "speaker_lost"]))
                .filter(outbox::occasion.eq_any(occasions))
                .select((outbox::id, outbox::payload))
                .load(c))
        })?;
        for (id, mut payload) in waiting {
            let name = serde_json::Value::from(PersonName::erased().as_str());
            for field in ["/message/nominated/nominated_by", "/message/speaker_lost/speaker"] {
                if let Some(said) = payload.0.pointer_mut(field) {
                    *said = name.clone();
                }
            }
            self.run(|connection| {
                on!(connection, |c| diesel::update(outbox::table.find(id))
                    .set(outbox::payload.eq(&payload))
                    .execute(c))
            })?;
        }
        Ok(())
    }

    /// Answers to others that hold one of these texts, in any case.
    fn forget_answers(&mut self, texts: Vec<String>) -> Result<(), StoreError> {
        for text in texts {
            let text = text.to_lowercase();
            self.run(|connection| match connection {
                DbConn::Postgres(c) => diesel::delete(
                    idempotency_keys::table.filter(
                        sql::<Bool>("strpos(lower(body), ")
                            .bind::<Text, _>(&text)
                            .sql(") > 0"),
                    ),
                )
                .execute(c),
                DbConn::Sqlite(c) => diesel::delete(
                    idempotency_keys::table.filter(
                        sql::<Bool>("instr(lower(body), ")
                            .bind::<Text, _>(&text)
                            .sql(") > 0"),
                    ),
                )
                .execute(c),
            })?;
        }
        Ok(())
    }

    /// What is shown of an event names its organiser: nobody may go on showing what they read before. Their rows are locked.
    fn show_events_anew(&mut self, organizer: Uid) -> Result<(), StoreError> {
        let changed: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| diesel::update(
                events::table.filter(events::organizer_id.eq(organizer))
            )
            .set(events::edit_version.eq(events::edit_version + 1))
            .returning(events::id)
            .get_results(c))
        })?;
        for event in changed {
            self.touch_event(event.typed());
        }
        Ok(())
    }
}
