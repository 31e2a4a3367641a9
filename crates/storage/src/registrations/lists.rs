//! Lists of registrations, the newest first. Within an event or of a person they are in the order of registering; over all of
//! them there is no index by time, and they are in the order of their ids, which are in the order of time.

use super::rows::{Beside, RegistrationRow, into_view};
use crate::Tx;
use crate::attendee_words::beginning_with;
use crate::columns::Uid;
use crate::connection::on;
use crate::prepared::Prepared;
use crate::schema::{attendee_words, attendees, events, registrations};
use diesel::prelude::*;
use kernel::{Page, PageRequest, Position, StoreError, TypedId};
use registration::{RegistrationFilter, RegistrationStatus, RegistrationView};
use std::collections::HashMap;

/// A condition in which the databases see the predicate of a partial index: of `registrations_by_status` and its like.
pub(crate) const fn status_is(status: RegistrationStatus) -> &'static str {
    match status {
        RegistrationStatus::PendingPayment => {
            "registrations.status = 'pending_payment' AND registrations.status <> 'confirmed'"
        }
        RegistrationStatus::Confirmed => "registrations.status = 'confirmed'",
        RegistrationStatus::Attended => {
            "registrations.status = 'attended' AND registrations.status <> 'confirmed'"
        }
        RegistrationStatus::Cancelled => {
            "registrations.status = 'cancelled' AND registrations.status <> 'confirmed'"
        }
        RegistrationStatus::Expired => {
            "registrations.status = 'expired' AND registrations.status <> 'confirmed'"
        }
    }
}

/// `EventStatus::is_private`, the other way round.
pub(crate) const OF_PUBLIC_EVENT: &str = "NOT EXISTS (SELECT 1 FROM events private WHERE private.id = registrations.event_id \
     AND (private.status = 'draft' OR (private.status = 'cancelled' AND private.published_at IS NULL)))";

/// Whether the list is one of all registrations, whosever and at whichever event.
pub(crate) const fn is_of_all(filter: &RegistrationFilter) -> bool {
    filter.event_id.is_none() && filter.attendee_id.is_none() && filter.user_id.is_none()
}

/// The seat holders of an event who registered after a place in the list.
macro_rules! next_seat_holders {
    ($event_id:expr, $after:expr, $limit:expr) => {{
        let mut query = registrations::table
            .inner_join(attendees::table)
            .filter(registrations::event_id.eq(Uid::of($event_id)))
            .filter(registrations::status.eq_any([CONFIRMED, ATTENDED]))
            .filter(sql::<Bool>(IS_SOMEBODY))
            .select((RegistrationRow::as_select(), AttendeeRow::as_select()))
            .into_boxed();
        if let Some(after) = $after {
            let (at, id) = (Ts(instant_of(after)), Uid(after.id));
            query = query.filter($crate::registrations::place!(">", at, id));
        }
        query
            .order((registrations::registered_at, registrations::id))
            .limit(i64::from($limit))
    }};
}

/// The registrations that are asked for, but for the words; the query knows their attendees.
macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        use $crate::columns::Uid;
        use $crate::schema::{attendees, registrations};
        let (mut query, filter) = ($query, $filter);
        if let Some(user_id) = filter.user_id {
            query = query.filter(attendees::user_id.eq(Uid::of(user_id)));
        }
        $crate::registrations::of_registrations!(query, filter)
    }};
}
pub(crate) use filtered;

/// What of that concerns the registrations alone.
macro_rules! of_registrations {
    ($query:expr, $filter:expr) => {{
        use $crate::columns::Uid;
        use $crate::schema::registrations;
        let (mut query, filter): (_, &registration::RegistrationFilter) = ($query, $filter);
        if let Some(event_id) = filter.event_id {
            query = query.filter(registrations::event_id.eq(Uid::of(event_id)));
        }
        if let Some(attendee_id) = filter.attendee_id {
            query = query.filter(registrations::attendee_id.eq(Uid::of(attendee_id)));
        }
        if let Some(status) = filter.status {
            let is_so = $crate::registrations::status_is(status);
            query = query.filter(diesel::dsl::sql::<diesel::sql_types::Bool>(is_so));
        }
        if filter.without_private {
            let is_public = $crate::registrations::OF_PUBLIC_EVENT;
            query = query.filter(diesel::dsl::sql::<diesel::sql_types::Bool>(is_public));
        }
        query
    }};
}
pub(crate) use of_registrations;

/// That a registration's place is before, at or after another. As one value, both databases go straight to it, however many
/// registered at one moment.
macro_rules! place {
    ($compared:literal, $at:expr, $id:expr) => {
        diesel::dsl::sql::<diesel::sql_types::Bool>(concat!(
            "(registrations.registered_at, registrations.id) ",
            $compared,
            " ("
        ))
        .bind::<$crate::columns::sql::Instant, _>($at)
        .sql(", ")
        .bind::<$crate::columns::sql::Id, _>($id)
        .sql(")")
    };
}
pub(crate) use place;

/// Those that come after a place.
macro_rules! after_place {
    ($query:expr, $filter:expr, $after:expr) => {{
        use $crate::columns::{Ts, Uid};
        use $crate::schema::registrations;
        let (mut query, place) = ($query, $after);
        if let Some(place) = place {
            let (at, id) = (Ts($crate::events::instant_of(place)), Uid(place.id));
            query = if $crate::registrations::is_of_all($filter) {
                query.filter(registrations::id.lt(id))
            } else {
                query.filter($crate::registrations::place!("<", at, id))
            };
        }
        query
    }};
}
pub(crate) use after_place;

/// In the order of the list.
macro_rules! in_order {
    ($query:expr, $filter:expr) => {{
        use $crate::schema::registrations;
        if $crate::registrations::is_of_all($filter) {
            $query.order(registrations::id.desc())
        } else {
            $query.order((registrations::registered_at.desc(), registrations::id.desc()))
        }
    }};
}
pub(crate) use in_order;

/// The registrations of a page.
macro_rules! page_of {
    ($filter:expr, $page:expr) => {{
        let (filter, page) = ($filter, $page);
        let query = filtered!(
            registrations::table
                .inner_join(attendees::table)
                .inner_join(events::table)
                .select(view_columns!())
                .limit(i64::from(page.limit) + 1)
                .into_boxed(),
            filter
        );
        in_order!(after_place!(query, filter, page.after), filter)
    }};
}

impl Tx<'_> {
    /// See `RegistrationRepository::list_registrations`.
    pub(super) fn page_of_registrations(
        &mut self,
        filter: &RegistrationFilter,
        page: PageRequest,
    ) -> Result<Page<RegistrationView>, StoreError> {
        let total = if page.include_total {
            Some(self.count_registrations(filter)?)
        } else {
            None
        };
        let (rows, read_to) = match &filter.words {
            Some(words) => {
                let found = self.search_registrations(words, filter, page)?;
                (self.rows_in_order(&found.ids)?, found.read_to)
            }
            None => (
                self.run(|connection| on!(connection, |c| Prepared(page_of!(filter, page)).load(c)))?,
                None,
            ),
        };
        let views = rows.into_iter().map(into_view).collect::<Result<Vec<_>, _>>()?;
        let page = Page::from_surplus(views, page, total, |view| Position {
            value: view.registration.registered_at.timestamp_micros(),
            id: view.registration.id.uuid(),
        });
        Ok(Page {
            next: page.next.or(read_to),
            ..page
        })
    }

    fn rows_in_order(&mut self, ids: &[Uid]) -> Result<Vec<(RegistrationRow, Beside)>, StoreError> {
        let rows: Vec<(RegistrationRow, Beside)> = self.run(|connection| {
            on!(connection, |c| registrations::table
                .inner_join(attendees::table)
                .inner_join(events::table)
                .filter(registrations::id.eq_any(ids))
                .select(view_columns!())
                .load(c))
        })?;
        let mut rows: HashMap<Uid, _> = rows.into_iter().map(|row| (row.0.id, row)).collect();
        Ok(ids.iter().filter_map(|id| rows.remove(id)).collect())
    }

    fn count_registrations(&mut self, filter: &RegistrationFilter) -> Result<u64, StoreError> {
        let total: i64 = self.run(|connection| {
            on!(connection, |c| {
                let mut query = filtered!(
                    registrations::table.inner_join(attendees::table).into_boxed(),
                    filter
                );
                if let Some(words) = &filter.words {
                    if words.words().is_empty() {
                        return Ok(0);
                    }
                    for word in words.words() {
                        let with_it = beginning_with!(word).select(attendee_words::attendee_id);
                        query = query.filter(registrations::attendee_id.eq_any(with_it));
                    }
                }
                query.count().get_result(c)
            })
        })?;
        Ok(u64::try_from(total).unwrap_or(0))
    }
}
