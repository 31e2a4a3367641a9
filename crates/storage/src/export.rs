//! Everything that is held on a person, read. Where it is emptied stands beside it, in `erasure.rs`.

use crate::Tx;
use crate::columns::{Doc, Ts, Uid};
use crate::connection::on;
use crate::schema::{
    attendees, audit_log, event_staff, events, external_identities, idempotency_keys, one_time_secrets,
    outbox, registrations, security_answer_tries, security_answers, sessions, users, waitlist_entries,
    waitlist_log,
};
use auth::PhoneCodeRepository as _;
use auth::{
    AccountRecord, AttendeeRecord, AuditRecord, EventRecord, IdentityRecord, LiveRecord, MessageRecord,
    OneTimeRecord, PersonExport, PersonalDataRepository, PhoneCodeRecord, QueueRecord, QueueStepRecord,
    RegistrationRecord, RememberedRecord, SecurityQuestionRecord, SecurityTriesRecord, SessionRecord,
    StaffRecord,
};
use diesel::prelude::*;
use kernel::{Ctx, Instant, StoreError};
use realtime::Topic;
use serde_json::Value;
use std::collections::HashMap;
use user::{Attendee, User};

impl PersonalDataRepository for Tx<'_> {
    fn collect_personal_data(
        &mut self,
        ctx: &Ctx,
        user: &User,
        attendee: Option<&Attendee>,
    ) -> Result<PersonExport, StoreError> {
        let id = Uid::of(user.id);
        let attendee_id = attendee.map(|attendee| Uid::of(attendee.id));
        let registrations = self.registration_records(attendee_id)?;
        let waitlist_entries = self.queue_records(attendee_id)?;
        let mut objects = vec![user.id.to_string()];
        objects.extend(attendee.map(|attendee| attendee.id.to_string()));
        objects.extend(registrations.iter().map(|one| one.id.to_string()));
        objects.extend(waitlist_entries.iter().map(|one| one.id.to_string()));
        let topic = Topic::User(user.id).to_string();
        let addresses = self.addresses_of(user, attendee)?;
        Ok(PersonExport {
            exported_at: ctx.now,
            account: self.account_record(user)?,
            roles: user.roles.clone(),
            attendee: self.attendee_record(attendee)?,
            registrations,
            waitlist_entries,
            candidacies: self.candidacy_records(attendee_id)?,
            nominations_of_others: self.nomination_records(id, attendee_id)?,
            votes: self.vote_records(attendee_id)?,
            campaigns: self.campaign_records(id)?,
            campaign_mails: self.campaign_mail_records(id, attendee_id)?,
            events_organized: self.event_records(id)?,
            staff_roles: self.staff_records(id)?,
            sessions: self.session_records(id)?,
            security_questions: self.question_records(id)?,
            security_answer_tries: self.tries_record(id)?,
            external_identities: self.identity_records(id)?,
            links_and_codes: self.one_time_records(id)?,
            phone_code: self.phone_code_record(user)?,
            messages: self.message_records(id, &addresses)?,
            live_events: self.live_records(&topic)?,
            remembered_answers: self.remembered_records(id)?,
            audit_log: self.audit_records(id, objects)?,
        })
    }
}

type Words = Option<String>;

impl Tx<'_> {
    fn account_record(&mut self, user: &User) -> Result<AccountRecord, StoreError> {
        let hash: Words = self.run(|connection| {
            on!(connection, |c| users::table
                .find(Uid::of(user.id))
                .select(users::password_hash)
                .first(c))
        })?;
        Ok(AccountRecord {
            id: user.id,
            email: user.email.as_str().to_owned(),
            name: user.name.as_str().to_owned(),
            phone: user.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            profession: user.profession.clone(),
            bio: user.bio.clone(),
            avatar_url: user.avatar_url.clone(),
            time_zone: user.time_zone.map(|zone| zone.name().to_owned()),
            listed: user.listed,
            status: user.status.as_str().to_owned(),
            has_password: hash.is_some(),
            email_verified_at: user.email_verified_at,
            phone_verified_at: user.phone_verified_at,
            email_reminders: user.preferences.email_reminders,
            text_messages: user.preferences.text_messages,
            campaign_mail: user.preferences.campaign_mail,
            last_login_at: user.last_login_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
        })
    }

    fn phone_code_record(&mut self, user: &User) -> Result<Option<PhoneCodeRecord>, StoreError> {
        Ok(self.find_phone_code(user.id)?.map(|code| PhoneCodeRecord {
            phone: code.phone.as_str().to_owned(),
            created_at: code.created_at,
            expires_at: code.expires_at,
        }))
    }

    /// None if the attendee went since it was looked up: what is only read stands in no transaction.
    fn attendee_record(&mut self, attendee: Option<&Attendee>) -> Result<Option<AttendeeRecord>, StoreError> {
        let Some(attendee) = attendee else { return Ok(None) };
        let updated_at: Option<Ts> = self.run(|connection| {
            on!(connection, |c| attendees::table
                .find(Uid::of(attendee.id))
                .select(attendees::updated_at)
                .first(c)
                .optional())
        })?;
        Ok(updated_at.map(|updated_at| AttendeeRecord {
            id: attendee.id,
            name: attendee.name.as_str().to_owned(),
            email: attendee.email.as_str().to_owned(),
            phone: attendee.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            created_by: attendee.created_by,
            created_at: attendee.created_at,
            updated_at: updated_at.0,
        }))
    }

    fn registration_records(&mut self, attendee: Option<Uid>) -> Result<Vec<RegistrationRecord>, StoreError> {
        type Row = (
            (Uid, Uid, String, Ts),
            (String, Option<Uid>, Ts),
            (Option<Ts>, Option<Ts>, Option<Ts>),
        );
        let Some(attendee) = attendee else {
            return Ok(Vec::new());
        };
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| registrations::table
                .inner_join(events::table)
                .filter(registrations::attendee_id.eq(attendee))
                .order(registrations::id)
                .select((
                    (
                        registrations::id,
                        registrations::event_id,
                        events::title,
                        events::starts_at
                    ),
                    (
                        registrations::status,
                        registrations::registered_by,
                        registrations::registered_at
                    ),
                    (
                        registrations::checked_in_at,
                        registrations::hold_expires_at,
                        registrations::ended_at
                    ),
                ))
                .load(c))
        })?;
        let of = |((id, event, title, starts), (status, by, at), (checked_in, hold, ended)): Row| {
            RegistrationRecord {
                id: id.typed(),
                event_id: event.typed(),
                event_title: title,
                event_starts_at: starts.0,
                status,
                registered_by: by.map(Uid::typed),
                registered_at: at.0,
                checked_in_at: instant(checked_in),
                hold_expires_at: instant(hold),
                ended_at: instant(ended),
            }
        };
        Ok(rows.into_iter().map(of).collect())
    }

    fn queue_records(&mut self, attendee: Option<Uid>) -> Result<Vec<QueueRecord>, StoreError> {
        type Entry = (Uid, Uid, String, String, Ts, Option<Ts>, Option<Ts>);
        type Step = (Uid, Ts, String, Option<Uid>, Words);
        let Some(attendee) = attendee else {
            return Ok(Vec::new());
        };
        let entries: Vec<Entry> = self.run(|connection| {
            on!(connection, |c| waitlist_entries::table
                .inner_join(events::table)
                .filter(waitlist_entries::attendee_id.eq(attendee))
                .order(waitlist_entries::id)
                .select((
                    waitlist_entries::id,
                    waitlist_entries::event_id,
                    events::title,
                    waitlist_entries::status,
                    waitlist_entries::joined_at,
                    waitlist_entries::offer_expires_at,
                    waitlist_entries::ended_at,
                ))
                .load(c))
        })?;
        let steps: Vec<Step> = self.run(|connection| {
            on!(connection, |c| waitlist_log::table
                .inner_join(waitlist_entries::table)
                .filter(waitlist_entries::attendee_id.eq(attendee))
                .order((waitlist_log::event_id, waitlist_log::number))
                .select((
                    waitlist_log::entry_id,
                    waitlist_log::at,
                    waitlist_log::action,
                    waitlist_log::actor_id,
                    waitlist_log::reason,
                ))
                .load(c))
        })?;
        let mut logs: HashMap<Uid, Vec<QueueStepRecord>> = HashMap::new();
        for (entry, at, action, actor, reason) in steps {
            logs.entry(entry).or_default().push(QueueStepRecord {
                at: at.0,
                action,
                actor_id: actor.map(Uid::typed),
                reason,
            });
        }
        let of = |(id, event, title, status, joined, offer, ended): Entry| QueueRecord {
            id: id.typed(),
            event_id: event.typed(),
            event_title: title,
            status,
            joined_at: joined.0,
            offer_expires_at: instant(offer),
            ended_at: instant(ended),
            log: logs.remove(&id).unwrap_or_default(),
        };
        Ok(entries.into_iter().map(of).collect())
    }

    fn staff_records(&mut self, user: Uid) -> Result<Vec<StaffRecord>, StoreError> {
        let rows: Vec<(Uid, String, String, Option<Uid>, Ts)> = self.run(|connection| {
            on!(connection, |c| event_staff::table
                .inner_join(events::table)
                .filter(event_staff::user_id.eq(user))
                .order(event_staff::event_id)
                .select((
                    event_staff::event_id,
                    events::title,
                    event_staff::role,
                    event_staff::added_by,
                    event_staff::added_at,
                ))
                .load(c))
        })?;
        let of = |(event, event_title, role, by, at): (Uid, String, String, Option<Uid>, Ts)| StaffRecord {
            event_id: event.typed(),
            event_title,
            role,
            added_by: by.map(Uid::typed),
            added_at: at.0,
        };
        Ok(rows.into_iter().map(of).collect())
    }

    fn event_records(&mut self, organizer: Uid) -> Result<Vec<EventRecord>, StoreError> {
        type Row = (
            (Uid, String, String, Words, Words, Words, Words),
            (Ts, Ts, String, i32),
            (Option<Ts>, Option<Ts>, Words, Ts, Ts),
        );
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| events::table
                .filter(events::organizer_id.eq(organizer))
                .order(events::id)
                .select((
                    (
                        events::id,
                        events::status,
                        events::title,
                        events::description,
                        events::agenda,
                        events::location,
                        events::stream_url
                    ),
                    (
                        events::starts_at,
                        events::ends_at,
                        events::time_zone,
                        events::capacity
                    ),
                    (
                        events::published_at,
                        events::cancelled_at,
                        events::cancel_reason,
                        events::created_at,
                        events::updated_at
                    ),
                ))
                .load(c))
        })?;
        let of = |(what, when, how): Row| {
            let (id, status, title, description, agenda, location, stream_url) = what;
            let (starts, ends, time_zone, capacity) = when;
            let (published, cancelled, cancel_reason, created, updated) = how;
            EventRecord {
                id: id.typed(),
                status,
                title,
                description,
                agenda,
                location,
                stream_url,
                starts_at: starts.0,
                ends_at: ends.0,
                time_zone,
                capacity,
                published_at: instant(published),
                cancelled_at: instant(cancelled),
                cancel_reason,
                created_at: created.0,
                updated_at: updated.0,
            }
        };
        Ok(rows.into_iter().map(of).collect())
    }

    fn session_records(&mut self, user: Uid) -> Result<Vec<SessionRecord>, StoreError> {
        type Row = (Uid, Words, Words, Ts, Ts, Ts, Option<Ts>, Words);
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| sessions::table
                .filter(sessions::user_id.eq(user))
                .order(sessions::id)
                .select((
                    sessions::id,
                    sessions::device,
                    sessions::address,
                    sessions::created_at,
                    sessions::last_seen_at,
                    sessions::expires_at,
                    sessions::revoked_at,
                    sessions::revoked_because,
                ))
                .load(c))
        })?;
        let of =
            |(id, device, address, created, seen, expires, revoked, revoked_because): Row| SessionRecord {
                id: id.typed(),
                device,
                address,
                created_at: created.0,
                last_seen_at: seen.0,
                expires_at: expires.0,
                revoked_at: instant(revoked),
                revoked_because,
            };
        Ok(rows.into_iter().map(of).collect())
    }

    fn question_records(&mut self, user: Uid) -> Result<Vec<SecurityQuestionRecord>, StoreError> {
        let rows: Vec<(String, Ts)> = self.run(|connection| {
            on!(connection, |c| security_answers::table
                .filter(security_answers::user_id.eq(user))
                .order(security_answers::question_id)
                .select((security_answers::question_id, security_answers::created_at))
                .load(c))
        })?;
        let of = |(question_id, created): (String, Ts)| SecurityQuestionRecord {
            question_id,
            created_at: created.0,
        };
        Ok(rows.into_iter().map(of).collect())
    }

    fn tries_record(&mut self, user: Uid) -> Result<Option<SecurityTriesRecord>, StoreError> {
        let row: Option<(i32, Ts, Option<Ts>)> = self.run(|connection| {
            on!(connection, |c| security_answer_tries::table
                .find(user)
                .select((
                    security_answer_tries::wrong,
                    security_answer_tries::last_try_at,
                    security_answer_tries::locked_until,
                ))
                .first(c)
                .optional())
        })?;
        Ok(row.map(|(wrong, last, locked)| SecurityTriesRecord {
            wrong,
            last_try_at: last.0,
            locked_until: instant(locked),
        }))
    }

    fn identity_records(&mut self, user: Uid) -> Result<Vec<IdentityRecord>, StoreError> {
        let rows: Vec<(String, String, Ts)> = self.run(|connection| {
            on!(connection, |c| external_identities::table
                .filter(external_identities::user_id.eq(user))
                .order((external_identities::issuer, external_identities::subject))
                .select((
                    external_identities::issuer,
                    external_identities::subject,
                    external_identities::linked_at,
                ))
                .load(c))
        })?;
        let of = |(issuer, subject, linked): (String, String, Ts)| IdentityRecord {
            issuer,
            subject,
            linked_at: linked.0,
        };
        Ok(rows.into_iter().map(of).collect())
    }

    fn one_time_records(&mut self, user: Uid) -> Result<Vec<OneTimeRecord>, StoreError> {
        type Row = (Uid, String, String, Ts, Ts, Option<Ts>, Option<Ts>);
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| one_time_secrets::table
                .filter(one_time_secrets::user_id.eq(user))
                .order(one_time_secrets::id)
                .select((
                    one_time_secrets::id,
                    one_time_secrets::purpose,
                    one_time_secrets::email,
                    one_time_secrets::created_at,
                    one_time_secrets::expires_at,
                    one_time_secrets::used_at,
                    one_time_secrets::voided_at,
                ))
                .load(c))
        })?;
        let of = |(id, purpose, email, created, expires, used, voided): Row| OneTimeRecord {
            id: id.typed(),
            purpose,
            email,
            created_at: created.0,
            expires_at: expires.0,
            used_at: instant(used),
            voided_at: instant(voided),
        };
        Ok(rows.into_iter().map(of).collect())
    }

    fn message_records(&mut self, user: Uid, addresses: &[String]) -> Result<Vec<MessageRecord>, StoreError> {
        type Row = (
            (String, Words, Words, String, Doc),
            (i16, Words, Ts, Ts, Option<Ts>),
        );
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| outbox::table
                .filter(outbox::channel.eq("message"))
                .filter(
                    outbox::user_id.eq(user).or(outbox::user_id
                        .is_null()
                        .and(outbox::recipient_key.eq_any(addresses.to_vec())))
                )
                // Whether it was mailed tells whether the address has an account. That it was asked for stands among
                // the links and codes.
                .filter(outbox::kind.ne("email_change"))
                .order(outbox::id)
                .select((
                    (
                        outbox::kind,
                        outbox::medium,
                        outbox::recipient_key,
                        outbox::status,
                        outbox::payload
                    ),
                    (
                        outbox::attempts,
                        outbox::last_error,
                        outbox::created_at,
                        outbox::due_at,
                        outbox::finished_at
                    ),
                ))
                .load(c))
        })?;
        let of = |((kind, medium, recipient, status, payload), how): Row| {
            let (attempts, last_error, created, due, finished) = how;
            MessageRecord {
                kind,
                medium,
                recipient,
                status,
                attempts,
                last_error,
                created_at: created.0,
                due_at: due.0,
                finished_at: instant(finished),
                content: without_secrets(payload.0),
            }
        };
        Ok(rows.into_iter().map(of).collect())
    }

    fn live_records(&mut self, topic: &str) -> Result<Vec<LiveRecord>, StoreError> {
        let rows: Vec<(String, String, Ts, Doc)> = self.run(|connection| {
            on!(connection, |c| outbox::table
                .filter(outbox::topic.eq(topic))
                .order(outbox::id)
                .select((outbox::kind, outbox::status, outbox::created_at, outbox::payload))
                .load(c))
        })?;
        let of = |(kind, status, created, payload): (String, String, Ts, Doc)| LiveRecord {
            kind,
            status,
            created_at: created.0,
            content: payload.0,
        };
        Ok(rows.into_iter().map(of).collect())
    }

    fn remembered_records(&mut self, user: Uid) -> Result<Vec<RememberedRecord>, StoreError> {
        type Row = (String, String, Option<i16>, Words, Ts, Words);
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| idempotency_keys::table
                .filter(idempotency_keys::user_id.eq(user))
                .order((
                    idempotency_keys::created_at,
                    idempotency_keys::route,
                    idempotency_keys::key
                ))
                .select((
                    idempotency_keys::route,
                    idempotency_keys::key,
                    idempotency_keys::status,
                    idempotency_keys::location,
                    idempotency_keys::created_at,
                    idempotency_keys::body,
                ))
                .load(c))
        })?;
        let of = |(route, key, status, location, created, body): Row| RememberedRecord {
            route,
            key,
            status,
            location,
            created_at: created.0,
            body: body.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))),
        };
        Ok(rows.into_iter().map(of).collect())
    }

    fn audit_records(&mut self, user: Uid, objects: Vec<String>) -> Result<Vec<AuditRecord>, StoreError> {
        type Row = (
            (Uid, Ts, Option<Uid>),
            (String, String, String),
            (Doc, Words, String),
        );
        let kinds = ["user", "attendee", "registration", "waitlist_entry"];
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| audit_log::table
                .filter(
                    audit_log::actor_id.eq(user).or(audit_log::object_type
                        .eq_any(kinds)
                        .and(audit_log::object_id.eq_any(objects)))
                )
                .order((audit_log::at, audit_log::id))
                .select((
                    (audit_log::id, audit_log::at, audit_log::actor_id),
                    (audit_log::action, audit_log::object_type, audit_log::object_id),
                    (audit_log::changes, audit_log::reason, audit_log::request_id),
                ))
                .load(c))
        })?;
        let of = |((id, at, actor), (action, object_type, object_id), (changes, reason, request_id)): Row| {
            AuditRecord {
                id: id.typed(),
                at: at.0,
                actor_id: actor.map(Uid::typed),
                action,
                object_type,
                object_id,
                changes: changes.0,
                reason,
                request_id,
            }
        };
        Ok(rows.into_iter().map(of).collect())
    }
}

fn instant(at: Option<Ts>) -> Option<Instant> {
    at.map(|at| at.0)
}

/// A message as it may be shown: what is sealed in it proves who somebody is.
fn without_secrets(mut payload: Value) -> Value {
    if let Value::Object(fields) = &mut payload {
        fields.remove("secrets");
        for value in fields.values_mut() {
            *value = without_secrets(value.take());
        }
    }
    payload
}
