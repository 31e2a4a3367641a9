//! How the database goes about lists of registrations, for the test that looks whether it takes the indexes.

use super::{
    ATTENDED, AttendeeId, AttendeeRow, Bool, CONFIRMED, EventId, IS_SOMEBODY, PageRequest, Position,
    RegistrationFilter, RegistrationRow, RegistrationStatus, StoreError, Ts, Tx, TypedId, Uid, UserId,
    attendees, events, instant_of, registrations, sql,
};
use crate::explain::plan;
use diesel::prelude::*;

impl Tx<'_> {
    /// How the database goes about lists of registrations.
    pub(crate) fn plans_of_registrations(
        &mut self,
        event_id: EventId,
        after: Position,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let all = RegistrationFilter::default();
        let filters = [
            ("registrations of all", all.clone()),
            (
                "registrations of all with a rare status",
                RegistrationFilter {
                    status: Some(RegistrationStatus::Cancelled),
                    ..all.clone()
                },
            ),
            (
                "registrations of an event",
                RegistrationFilter {
                    event_id: Some(event_id),
                    ..all.clone()
                },
            ),
            (
                "one's own registrations",
                RegistrationFilter {
                    user_id: Some(UserId::from_uuid(after.id)),
                    ..all.clone()
                },
            ),
            (
                "registrations of an attendee",
                RegistrationFilter {
                    attendee_id: Some(AttendeeId::from_uuid(after.id)),
                    ..all
                },
            ),
        ];
        let page = PageRequest {
            after: Some(after),
            ..PageRequest::first()
        };
        let mut plans = Vec::new();
        for (name, filter) in &filters {
            let plan = self.run(|connection| plan!(connection, page_of!(filter, page)))?;
            plans.push(((*name).to_owned(), plan));
        }
        Ok(plans)
    }

    /// How the database goes about a page of the list of seat holders that is given out.
    #[doc(hidden)]
    pub fn plan_of_next_seat_holders(
        &mut self,
        event_id: EventId,
        after: Option<Position>,
    ) -> Result<String, StoreError> {
        let limit = registration::EXPORTED_AT_ONCE;
        self.run(|connection| plan!(connection, next_seat_holders!(event_id, after, limit)))
    }
}
