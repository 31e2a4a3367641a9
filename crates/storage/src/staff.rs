//! The staff of events.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::events::instant_of;
use crate::schema::{event_staff, users};
use crate::transaction::named;
use diesel::prelude::*;
use event::{Helper, StaffMember, StaffRepository, StaffRole};
use kernel::{EventId, Page, PageRequest, Permission, Position, StoreError, TypedId, UserId};

type MemberRow = (Uid, String, String, Ts);

fn into_member((user, name, role, added_at): MemberRow) -> Result<StaffMember, StoreError> {
    Ok(StaffMember {
        user_id: user.typed(),
        name,
        role: named("event_staff", user, "role", &role, StaffRole::from_name)?,
        added_at: added_at.0,
    })
}

macro_rules! members {
    ($event:expr) => {
        event_staff::table
            .inner_join(users::table)
            .filter(event_staff::event_id.eq(Uid::of($event)))
            .select((users::id, users::name, event_staff::role, event_staff::added_at))
    };
}

impl StaffRepository for Tx<'_> {
    fn find_helper(&mut self, id: UserId) -> Result<Option<Helper>, StoreError> {
        let found: Option<(String, Option<Ts>)> = self.run(|connection| {
            on!(connection, |c| users::table
                .find(Uid::of(id))
                .filter(users::erased_at.is_null())
                .filter(users::status.eq("active"))
                .select((users::name, users::email_verified_at))
                .first(c)
                .optional())
        })?;
        let Some((name, verified_at)) = found else {
            return Ok(None);
        };
        let permissions = self.permissions_of(Uid::of(id))?;
        Ok(Some(Helper {
            name,
            may_organise: permissions.contains(Permission::EventCreate),
            email_verified: verified_at.is_some(),
        }))
    }

    fn find_staff_member(&mut self, event: EventId, user: UserId) -> Result<Option<StaffMember>, StoreError> {
        let row: Option<MemberRow> = self.run(|connection| {
            on!(connection, |c| members!(event)
                .filter(event_staff::user_id.eq(Uid::of(user)))
                .first(c)
                .optional())
        })?;
        row.map(into_member).transpose()
    }

    fn list_staff(&mut self, event: EventId, page: PageRequest) -> Result<Page<StaffMember>, StoreError> {
        let rows: Vec<MemberRow> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = members!(event).into_boxed();
                if let Some(after) = page.after {
                    let (at, id) = (Ts(instant_of(after)), Uid(after.id));
                    query = query.filter(
                        event_staff::added_at
                            .ge(at)
                            .and(event_staff::added_at.gt(at).or(event_staff::user_id.gt(id))),
                    );
                }
                query
                    .order((event_staff::added_at, event_staff::user_id))
                    .limit(i64::from(page.limit) + 1)
                    .load(c)
            })
        })?;
        let total = if page.include_total {
            let total: i64 = self.run(|connection| {
                on!(connection, |c| event_staff::table
                    .filter(event_staff::event_id.eq(Uid::of(event)))
                    .count()
                    .get_result(c))
            })?;
            Some(u64::try_from(total).unwrap_or(0))
        } else {
            None
        };
        let members = rows.into_iter().map(into_member).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_surplus(members, page, total, |member| Position {
            value: member.added_at.timestamp_micros(),
            id: member.user_id.uuid(),
        }))
    }

    fn put_staff_member(
        &mut self,
        event: EventId,
        member: &StaffMember,
        by: Option<UserId>,
    ) -> Result<(), StoreError> {
        self.hold_account(member.user_id)?;
        self.touch_event(event);
        let role = member.role.as_str();
        let row = (
            event_staff::event_id.eq(Uid::of(event)),
            event_staff::user_id.eq(Uid::of(member.user_id)),
            event_staff::role.eq(role),
            event_staff::added_by.eq(by.map(Uid::of)),
            event_staff::added_at.eq(Ts(member.added_at)),
        );
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(event_staff::table)
                .values(row)
                .on_conflict((event_staff::event_id, event_staff::user_id))
                .do_update()
                .set(event_staff::role.eq(role))
                .execute(c))
        })?;
        Ok(())
    }

    fn remove_staff_member(&mut self, event: EventId, user: UserId) -> Result<bool, StoreError> {
        self.touch_event(event);
        let removed = self.run(|connection| {
            on!(connection, |c| diesel::delete(
                event_staff::table.find((Uid::of(event), Uid::of(user)))
            )
            .execute(c))
        })?;
        Ok(removed == 1)
    }
}
