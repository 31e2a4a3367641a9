//! Queries of accounts for those who administer them.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::events::instant_of;
use crate::people::UserRow;
use crate::schema::{user_roles, users};
use admin::{UserAdminRepository, UserFilter};
use diesel::dsl::exists;
use diesel::prelude::*;
use kernel::{
    Instant, Page, PageRequest, Position, StoreError, TypedId, UserId, address_pattern, like_pattern,
};
use std::collections::HashMap;
use user::{User, UserStatus};

/// Adds the filters of a list of accounts to a boxed query.
macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let (query, filter) = ($query, $filter);
        let mut query = query.filter(users::erased_at.is_null());
        if let Some(text) = &filter.text {
            query = query.filter(
                users::name_key
                    .like(like_pattern(text))
                    .escape('\\')
                    .or(users::email_key.like(address_pattern(text)).escape('\\')),
            );
        }
        if let Some(status) = filter.status {
            query = query.filter(users::status.eq(status.as_str()));
        }
        if let Some(role) = &filter.role {
            query = query.filter(exists(
                user_roles::table
                    .filter(user_roles::user_id.eq(users::id))
                    .filter(user_roles::role_name.eq(role.clone())),
            ));
        }
        query
    }};
}

impl Tx<'_> {
    fn count_users(&mut self, filter: &UserFilter) -> Result<u64, StoreError> {
        let total: i64 = self.run(|connection| {
            on!(connection, |c| filtered!(users::table.into_boxed(), filter)
                .count()
                .get_result(c))
        })?;
        Ok(u64::try_from(total).unwrap_or(0))
    }

    /// The names of the roles of each of these accounts, sorted.
    fn roles_of_users(&mut self, ids: Vec<Uid>) -> Result<HashMap<Uid, Vec<String>>, StoreError> {
        let rows: Vec<(Uid, String)> = self.run(|connection| {
            on!(connection, |c| user_roles::table
                .filter(user_roles::user_id.eq_any(ids))
                .select((user_roles::user_id, user_roles::role_name))
                .load(c))
        })?;
        let mut roles: HashMap<Uid, Vec<String>> = HashMap::new();
        for (user, role) in rows {
            roles.entry(user).or_default().push(role);
        }
        for names in roles.values_mut() {
            names.sort_unstable();
        }
        Ok(roles)
    }
}

impl UserAdminRepository for Tx<'_> {
    fn list_users(&mut self, filter: &UserFilter, page: PageRequest) -> Result<Page<User>, StoreError> {
        let total = if page.include_total {
            Some(self.count_users(filter)?)
        } else {
            None
        };
        let rows: Vec<UserRow> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = filtered!(users::table.select(UserRow::as_select()).into_boxed(), filter);
                if let Some(after) = page.after {
                    let (at, id) = (Ts(instant_of(after)), Uid(after.id));
                    query = query.filter(
                        users::created_at
                            .le(at)
                            .and(users::created_at.lt(at).or(users::id.lt(id))),
                    );
                }
                query
                    .order((users::created_at.desc(), users::id.desc()))
                    .limit(i64::from(page.limit) + 1)
                    .load(c)
            })
        })?;
        let mut roles = self.roles_of_users(rows.iter().map(UserRow::id).collect())?;
        let users = rows
            .into_iter()
            .map(|row| {
                let names = roles.remove(&row.id()).unwrap_or_default();
                row.into_user(names)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_surplus(users, page, total, |user| Position {
            value: user.created_at.timestamp_micros(),
            id: user.id.uuid(),
        }))
    }

    fn find_known_user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = self.run(|connection| {
            on!(connection, |c| users::table
                .find(Uid::of(id))
                .filter(users::erased_at.is_null())
                .select(UserRow::as_select())
                .first(c)
                .optional())
        })?;
        self.with_roles(row)
    }

    fn set_user_status(&mut self, id: UserId, status: UserStatus, at: Instant) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(users::table.find(Uid::of(id)))
                .set((users::status.eq(status.as_str()), users::updated_at.eq(Ts(at))))
                .execute(c))
        })?;
        self.touch_sessions_of(id)
    }

    fn set_user_roles(&mut self, id: UserId, names: &[String], at: Instant) -> Result<(), StoreError> {
        let user = Uid::of(id);
        self.run(|connection| {
            on!(connection, |c| diesel::delete(
                user_roles::table.filter(user_roles::user_id.eq(user))
            )
            .execute(c))
        })?;
        self.insert_user_roles(user, names)?;
        self.run(|connection| {
            on!(connection, |c| diesel::update(users::table.find(user))
                .set(users::updated_at.eq(Ts(at)))
                .execute(c))
        })?;
        Ok(())
    }
}
