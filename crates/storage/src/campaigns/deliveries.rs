//! Who gets a campaign.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::{DbConn, on};
use crate::prepared::Prepared;
use crate::schema::{attendees, campaign_deliveries, outbox, suppressions, users};
use crate::transaction::{named, rows, uids};
use campaign::{Delivery, DeliveryNow, DeliveryStatus, InQueue, Reader, RecipientRepository, Skip};
use diesel::dsl::{count_star, exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use kernel::{
    CampaignId, DeliveryId, EmailAddress, Instant, OutboxId, Page, PageRequest, Position, StoreError,
    TypedId, UserId,
};
use notification::Recipient;

const TABLE: &str = "campaign_deliveries";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = campaign_deliveries, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(super) struct DeliveryRow {
    id: Uid,
    campaign_id: Uid,
    attendee_id: Option<Uid>,
    user_id: Option<Uid>,
    name: String,
    email: String,
    email_key: String,
    status: String,
    error: Option<String>,
    finished_at: Option<Ts>,
}

impl DeliveryRow {
    fn of(delivery: &Delivery) -> Self {
        Self {
            id: Uid::of(delivery.id),
            campaign_id: Uid::of(delivery.campaign_id),
            attendee_id: delivery.attendee_id.map(Uid::of),
            user_id: delivery.user_id.map(Uid::of),
            name: delivery.name.clone(),
            email: delivery.email.as_str().to_owned(),
            email_key: delivery.email.key().to_owned(),
            status: delivery.status.as_str().to_owned(),
            error: delivery.error.clone(),
            finished_at: delivery.finished_at.map(Ts),
        }
    }

    pub(super) fn into_delivery(self) -> Result<Delivery, StoreError> {
        Ok(Delivery {
            id: self.id.typed(),
            campaign_id: self.campaign_id.typed(),
            attendee_id: self.attendee_id.map(Uid::typed),
            user_id: self.user_id.map(Uid::typed),
            name: self.name,
            email: EmailAddress::from_stored(self.email, self.email_key),
            status: named(TABLE, self.id, "status", &self.status, DeliveryStatus::from_name)?,
            error: self.error,
            finished_at: self.finished_at.map(|at| at.0),
        })
    }
}

/// Whether the recipient holds a seat at the campaign's event. In the words of the index `registrations_one_live`.
const HAS_SEAT: &str = "EXISTS (SELECT 1 FROM registrations r JOIN campaigns c ON c.event_id = r.event_id \
     WHERE c.id = campaign_deliveries.campaign_id AND r.attendee_id = campaign_deliveries.attendee_id \
     AND r.status IN ('pending_payment', 'confirmed', 'attended') AND r.status <> 'pending_payment')";

/// Whether the recipient has an account that is suspended: that of the seat, or the one that it was written to.
const SUSPENDED: &str = "EXISTS (SELECT 1 FROM users u WHERE u.id IN (attendees.user_id, campaign_deliveries.user_id) \
     AND u.status = 'suspended')";

/// Whether an account is in use and wants campaigns at its address.
const OPTED_IN: &str = "(users.campaign_mail AND users.status = 'active' AND users.email_verified_at IS NOT NULL \
     AND users.erased_at IS NULL)";

/// So few are asked for one by one: the plan for one is made once and is good whatever is in the tables, and that for a list takes
/// PostgreSQL longer to make, each time, than to read several.
const ONE_BY_ONE: usize = 4;

type Person = (String, String, String);
type NowRow = (
    DeliveryRow,
    Option<(Person, Option<Uid>)>,
    Option<Person>,
    (bool, bool),
    Option<bool>,
);

/// Deliveries with their people as they are now.
macro_rules! deliveries_now {
    () => {
        campaign_deliveries::table
            .left_join(attendees::table.on(campaign_deliveries::attendee_id.eq(attendees::id.nullable())))
            .left_join(users::table.on(campaign_deliveries::user_id.eq(users::id.nullable())))
            .select((
                DeliveryRow::as_select(),
                (
                    (attendees::name, attendees::email, attendees::email_key),
                    attendees::user_id,
                )
                    .nullable(),
                (users::name, users::email, users::email_key).nullable(),
                (sql::<Bool>(HAS_SEAT), sql::<Bool>(SUSPENDED)),
                sql::<diesel::sql_types::Nullable<Bool>>(OPTED_IN),
            ))
    };
}

fn into_now(
    (row, attendee, account, (has_seat, is_suspended), opted_in): NowRow,
) -> Result<DeliveryNow, StoreError> {
    let delivery = row.into_delivery()?;
    let recipient = |(name, email, key): Person, user_id| Recipient {
        name,
        email: EmailAddress::from_stored(email, key),
        user_id,
    };
    let person = match (attendee, account) {
        (Some((person, user_id)), _) => Some(recipient(person, user_id.map(Uid::typed))),
        // An attendee who is gone took the seat along; an account stays without one.
        (None, Some(person)) => Some(recipient(person, delivery.user_id)),
        (None, None) => None,
    };
    Ok(DeliveryNow {
        person: person.filter(|person| !person.email.is_erased()),
        has_seat,
        is_suspended,
        opted_in: opted_in.unwrap_or(false),
        delivery,
    })
}

fn message_ids(ids: &[DeliveryId]) -> Vec<OutboxId> {
    ids.iter().map(|id| OutboxId::from_uuid(id.uuid())).collect()
}

impl RecipientRepository for Tx<'_> {
    fn list_readers_after(&mut self, after: Option<UserId>, most: u32) -> Result<Vec<Reader>, StoreError> {
        type Row = (Uid, Person, Option<Uid>);
        let found: Vec<Row> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = users::table
                    .left_join(attendees::table.on(attendees::user_id.eq(users::id.nullable())))
                    .filter(sql::<Bool>(OPTED_IN))
                    .select((
                        users::id,
                        (users::name, users::email, users::email_key),
                        attendees::id.nullable(),
                    ))
                    .into_boxed();
                if let Some(after) = after {
                    query = query.filter(users::id.gt(Uid::of(after)));
                }
                query.order(users::id).limit(i64::from(most)).load(c)
            })
        })?;
        let reader = |(id, (name, email, key), attendee): Row| Reader {
            user_id: id.typed(),
            attendee_id: attendee.map(Uid::typed),
            recipient: Recipient {
                name,
                email: EmailAddress::from_stored(email, key),
                user_id: Some(id.typed()),
            },
        };
        Ok(found.into_iter().map(reader).collect())
    }

    fn insert_deliveries(&mut self, deliveries: &[Delivery], at: Instant) -> Result<(), StoreError> {
        let rows: Vec<DeliveryRow> = deliveries.iter().map(DeliveryRow::of).collect();
        self.run(|connection| match connection {
            DbConn::Postgres(c) => diesel::insert_into(campaign_deliveries::table)
                .values(&rows)
                .on_conflict_do_nothing()
                .execute(c),
            // SQLite takes ON CONFLICT with one row a statement only, as diesel builds it.
            DbConn::Sqlite(c) => rows.iter().try_fold(0, |written, row| {
                Ok(written
                    + diesel::insert_into(campaign_deliveries::table)
                        .values(row)
                        .on_conflict_do_nothing()
                        .execute(c)?)
            }),
        })?;
        self.forget_who_is_gone(deliveries, at)
    }

    fn list_waiting_deliveries(&mut self, id: CampaignId, most: u32) -> Result<Vec<DeliveryNow>, StoreError> {
        let rows: Vec<NowRow> = self.run(|connection| {
            on!(connection, |c| deliveries_now!()
                .filter(campaign_deliveries::campaign_id.eq(Uid::of(id)))
                .filter(campaign_deliveries::status.eq("waiting"))
                .order(campaign_deliveries::id)
                .limit(i64::from(most))
                .load(c))
        })?;
        rows.into_iter().map(into_now).collect()
    }

    fn find_deliveries_now(&mut self, ids: &[DeliveryId]) -> Result<Vec<DeliveryNow>, StoreError> {
        if ids.len() > ONE_BY_ONE {
            let rows: Vec<NowRow> = self.run(|connection| {
                on!(connection, |c| deliveries_now!()
                    .filter(campaign_deliveries::id.eq_any(uids(ids)))
                    .load(c))
            })?;
            return rows.into_iter().map(into_now).collect();
        }
        let mut found = Vec::with_capacity(ids.len());
        for id in uids(ids) {
            let row: Option<NowRow> = self.run(|connection| {
                on!(connection, |c| Prepared(
                    deliveries_now!().filter(campaign_deliveries::id.eq(id))
                )
                .get_result(c)
                .optional())
            })?;
            found.extend(row.map(into_now).transpose()?);
        }
        Ok(found)
    }

    fn count_queued_deliveries(&mut self, id: CampaignId) -> Result<InQueue, StoreError> {
        let (all, with_message, untried): (i64, i64, i64) = self.run(|connection| {
            on!(connection, |c| campaign_deliveries::table
                .left_join(outbox::table.on(outbox::id.eq(campaign_deliveries::id)))
                .filter(campaign_deliveries::campaign_id.eq(Uid::of(id)))
                .filter(campaign_deliveries::status.eq("queued"))
                .select((
                    count_star(),
                    sql::<BigInt>("COUNT(CASE WHEN outbox.status = 'queued' THEN 1 END)"),
                    sql::<BigInt>(
                        "COUNT(CASE WHEN outbox.status = 'queued' AND outbox.attempts = 0 THEN 1 END)"
                    ),
                ))
                .get_result(c))
        })?;
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        Ok(InQueue {
            all: count(all),
            with_message: count(with_message),
            untried: count(untried),
        })
    }

    fn mark_queued(&mut self, ids: &[DeliveryId]) -> Result<Vec<DeliveryId>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let queued: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| diesel::update(
                campaign_deliveries::table
                    .filter(campaign_deliveries::id.eq_any(uids(ids)))
                    .filter(campaign_deliveries::status.eq("waiting"))
            )
            .set((
                campaign_deliveries::status.eq("queued"),
                campaign_deliveries::error.eq(None::<String>),
                campaign_deliveries::finished_at.eq(None::<Ts>),
            ))
            .returning(campaign_deliveries::id)
            .get_results(c))
        })?;
        Ok(queued.into_iter().map(Uid::typed).collect())
    }

    fn repair_queued(&mut self, id: CampaignId, at: Instant) -> Result<(), StoreError> {
        let queued = || {
            campaign_deliveries::table
                .filter(campaign_deliveries::campaign_id.eq(Uid::of(id)))
                .filter(campaign_deliveries::status.eq("queued"))
        };
        let message = || outbox::table.filter(outbox::id.eq(campaign_deliveries::id));
        for (of_message, fared) in [("done", "sent"), ("dead", "failed")] {
            self.run(|connection| {
                on!(connection, |c| diesel::update(
                    queued().filter(exists(message().filter(outbox::status.eq(of_message))))
                )
                .set((
                    campaign_deliveries::status.eq(fared),
                    campaign_deliveries::finished_at.eq(Ts(at)),
                ))
                .execute(c))
            })?;
        }
        self.run(|connection| {
            on!(connection, |c| diesel::update(
                queued().filter(not(exists(message())))
            )
            .set(campaign_deliveries::status.eq("waiting"))
            .execute(c))
        })?;
        Ok(())
    }

    fn mark_skipped(&mut self, ids: &[DeliveryId], why: Skip, at: Instant) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(
                campaign_deliveries::table.filter(campaign_deliveries::id.eq_any(uids(ids)))
            )
            .set((
                campaign_deliveries::status.eq("skipped"),
                campaign_deliveries::error.eq(why.as_str()),
                campaign_deliveries::finished_at.eq(Ts(at)),
            ))
            .execute(c))
        })?;
        Ok(())
    }

    fn readdress_delivery(&mut self, id: DeliveryId, email: &EmailAddress) -> Result<bool, StoreError> {
        let other = diesel::alias!(campaign_deliveries as other);
        let delivery = campaign_deliveries::table.find(Uid::of(id));
        let is_taken: bool = self.run(|connection| {
            let campaign = delivery.select(campaign_deliveries::campaign_id);
            let taken = other
                .filter(other.field(campaign_deliveries::email_key).eq(email.key()))
                .filter(other.field(campaign_deliveries::campaign_id).eq_any(campaign));
            on!(connection, |c| diesel::select(diesel::dsl::exists(taken))
                .get_result(c))
        })?;
        if is_taken {
            return Ok(false);
        }
        self.run(|connection| {
            on!(connection, |c| diesel::update(delivery)
                .set((
                    campaign_deliveries::email.eq(email.as_str()),
                    campaign_deliveries::email_key.eq(email.key()),
                ))
                .execute(c))
        })?;
        Ok(true)
    }

    fn skip_waiting(&mut self, id: CampaignId, why: Skip, most: u32, at: Instant) -> Result<u32, StoreError> {
        let waiting: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| campaign_deliveries::table
                .filter(campaign_deliveries::campaign_id.eq(Uid::of(id)))
                .filter(campaign_deliveries::status.eq("waiting"))
                .order(campaign_deliveries::id)
                .limit(i64::from(most))
                .select(campaign_deliveries::id)
                .load(c))
        })?;
        let waiting: Vec<DeliveryId> = waiting.into_iter().map(Uid::typed).collect();
        if !waiting.is_empty() {
            self.mark_skipped(&waiting, why, at)?;
        }
        Ok(rows(waiting.len()))
    }

    fn take_back_queued(&mut self, id: CampaignId) -> Result<u32, StoreError> {
        let queued: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| campaign_deliveries::table
                .filter(campaign_deliveries::campaign_id.eq(Uid::of(id)))
                .filter(campaign_deliveries::status.eq("queued"))
                .order(campaign_deliveries::id)
                .select(campaign_deliveries::id)
                .load(c))
        })?;
        let queued: Vec<DeliveryId> = queued.into_iter().map(Uid::typed).collect();
        let mut taken = 0;
        for some in queued.chunks(1_000) {
            // Whoever claims one at this moment is waited for, and has it then.
            let free: Vec<Uid> = self.run(|connection| {
                on!(connection, |c| diesel::delete(
                    outbox::table
                        .filter(outbox::id.eq_any(uids(&message_ids(some))))
                        .filter(outbox::status.eq("queued"))
                        .filter(outbox::leased_by.is_null())
                )
                .returning(outbox::id)
                .get_results(c))
            })?;
            taken += self.run(|connection| {
                on!(connection, |c| diesel::update(
                    campaign_deliveries::table.filter(campaign_deliveries::id.eq_any(&free))
                )
                .set(campaign_deliveries::status.eq("waiting"))
                .execute(c))
            })?;
        }
        Ok(rows(taken))
    }

    fn suppressed_among(&mut self, macs: &[String]) -> Result<Vec<(String, Skip)>, StoreError> {
        if macs.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<(String, String)> = self.run(|connection| {
            on!(connection, |c| suppressions::table
                .filter(suppressions::address_mac.eq_any(macs))
                .select((suppressions::address_mac, suppressions::reason))
                .load(c))
        })?;
        let named = |(mac, reason): (String, String)| {
            let why = if reason == Skip::Bounced.as_str() {
                Skip::Bounced
            } else {
                Skip::Unsubscribed
            };
            (mac, why)
        };
        Ok(found.into_iter().map(named).collect())
    }

    fn list_deliveries(
        &mut self,
        id: CampaignId,
        status: Option<DeliveryStatus>,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError> {
        macro_rules! wanted {
            () => {{
                let mut query = campaign_deliveries::table
                    .filter(campaign_deliveries::campaign_id.eq(Uid::of(id)))
                    .into_boxed();
                if let Some(status) = status {
                    query = query.filter(campaign_deliveries::status.eq(status.as_str()));
                }
                query
            }};
        }
        let total = if page.include_total {
            let total: i64 = self.run(|connection| on!(connection, |c| wanted!().count().get_result(c)))?;
            Some(u64::try_from(total).unwrap_or(0))
        } else {
            None
        };
        let found: Vec<DeliveryRow> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = wanted!();
                if let Some(after) = page.after {
                    query = query.filter(campaign_deliveries::id.gt(Uid(after.id)));
                }
                query
                    .order(campaign_deliveries::id)
                    .limit(i64::from(page.limit) + 1)
                    .select(DeliveryRow::as_select())
                    .load(c)
            })
        })?;
        let found = found
            .into_iter()
            .map(DeliveryRow::into_delivery)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_surplus(found, page, total, |delivery| Position {
            value: 0,
            id: delivery.id.uuid(),
        }))
    }
}
