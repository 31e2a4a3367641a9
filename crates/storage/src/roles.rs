//! Rows and queries of roles, and of who may act on whom.

use crate::Tx;
use crate::columns::Uid;
use crate::connection::{DbConn, on};
use crate::schema::{role_permissions, roles, user_roles, users};
use admin::{Role, RoleRepository};
use auth::{ADMIN_ROLE, AuthorityRepository};
use diesel::dsl::{count_star, exists};
use diesel::prelude::*;
use kernel::{Permission, PermissionSet, StoreError, UserId};
use std::collections::BTreeMap;

/// What these names of permissions stand for together. One that left the catalogue permits nothing; the role admin permits
/// the whole catalogue, whatever its rows say.
pub(crate) fn permitted_by<'n>(role: &str, names: impl IntoIterator<Item = &'n str>) -> PermissionSet {
    if role == ADMIN_ROLE {
        return PermissionSet::all();
    }
    names
        .into_iter()
        .filter_map(|name| name.parse::<Permission>().ok())
        .collect()
}

impl AuthorityRepository for Tx<'_> {
    fn lock_authority(&mut self) -> Result<(), StoreError> {
        let turn = roles::table.find(ADMIN_ROLE).select(roles::name);
        self.run(|connection| match connection {
            DbConn::Postgres(c) => turn.for_update().first::<String>(c).optional(),
            // One writer at a time.
            DbConn::Sqlite(_) => Ok(None),
        })?;
        Ok(())
    }

    fn find_permissions(&mut self, user_id: UserId) -> Result<PermissionSet, StoreError> {
        self.permissions_of(Uid::of(user_id))
    }

    fn has_another_admin(&mut self, but_for: UserId) -> Result<bool, StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::select(exists(
                user_roles::table
                    .inner_join(users::table)
                    .filter(user_roles::role_name.eq(ADMIN_ROLE))
                    .filter(users::id.ne(Uid::of(but_for)))
                    .filter(users::status.eq("active"))
                    .filter(users::erased_at.is_null())
            ))
            .get_result(c))
        })
    }
}

type Granted = BTreeMap<String, Vec<String>>;

impl Tx<'_> {
    /// What the roles permit, by their names.
    fn granted(&mut self, only: Option<&[String]>) -> Result<Granted, StoreError> {
        let rows: Vec<(String, Option<String>)> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = roles::table
                    .left_join(role_permissions::table)
                    .select((roles::name, role_permissions::permission.nullable()))
                    .into_boxed();
                if let Some(names) = only {
                    query = query.filter(roles::name.eq_any(names.to_vec()));
                }
                query.load(c)
            })
        })?;
        let mut granted = Granted::new();
        for (role, permission) in rows {
            granted.entry(role).or_default().extend(permission);
        }
        Ok(granted)
    }

    fn insert_permissions(&mut self, role: &str, permissions: PermissionSet) -> Result<(), StoreError> {
        let rows: Vec<_> = permissions
            .iter()
            .map(|permission| {
                (
                    role_permissions::role_name.eq(role),
                    role_permissions::permission.eq(permission.as_str()),
                )
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(role_permissions::table)
                .values(&rows)
                .execute(c))
        })?;
        Ok(())
    }
}

impl RoleRepository for Tx<'_> {
    fn list_roles(&mut self) -> Result<Vec<Role>, StoreError> {
        let granted = self.granted(None)?;
        let holders: Vec<(String, i64)> = self.run(|connection| {
            on!(connection, |c| user_roles::table
                .group_by(user_roles::role_name)
                .select((user_roles::role_name, count_star()))
                .load(c))
        })?;
        let holders: BTreeMap<String, i64> = holders.into_iter().collect();
        let rows: Vec<(String, String, bool)> = self.run(|connection| {
            on!(connection, |c| roles::table
                .select((roles::name, roles::description, roles::built_in))
                .load(c))
        })?;
        let mut found: Vec<Role> = rows
            .into_iter()
            .map(|row| {
                let names = granted.get(&row.0).into_iter().flatten().map(String::as_str);
                let permissions = permitted_by(&row.0, names);
                role_of(permissions, holders.get(&row.0).copied().unwrap_or(0), row)
            })
            .collect();
        // The databases sort text differently.
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    fn find_role(&mut self, name: &str) -> Result<Option<Role>, StoreError> {
        let row: Option<(String, String, bool)> = self.run(|connection| {
            on!(connection, |c| roles::table
                .find(name)
                .select((roles::name, roles::description, roles::built_in))
                .first(c)
                .optional())
        })?;
        let Some(row) = row else { return Ok(None) };
        let grants = self.find_grants(std::slice::from_ref(&row.0))?;
        let permissions = grants
            .first()
            .map_or(PermissionSet::NONE, |(_, permissions)| *permissions);
        let holders = self.run(|connection| {
            on!(connection, |c| user_roles::table
                .filter(user_roles::role_name.eq(name))
                .count()
                .get_result(c))
        })?;
        Ok(Some(role_of(permissions, holders, row)))
    }

    fn find_grants(&mut self, names: &[String]) -> Result<Vec<(String, PermissionSet)>, StoreError> {
        let granted = self.granted(Some(names))?;
        Ok(granted
            .into_iter()
            .map(|(role, names)| {
                let permissions = permitted_by(&role, names.iter().map(String::as_str));
                (role, permissions)
            })
            .collect())
    }

    fn insert_role(&mut self, role: &Role) -> Result<(), StoreError> {
        let row = (
            roles::name.eq(role.name.as_str()),
            roles::description.eq(role.description.as_str()),
            roles::built_in.eq(role.built_in),
        );
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(roles::table)
                .values(row)
                .execute(c))
        })?;
        self.insert_permissions(&role.name, role.permissions)
    }

    fn update_role(
        &mut self,
        name: &str,
        description: &str,
        permissions: PermissionSet,
    ) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(roles::table.find(name))
                .set(roles::description.eq(description))
                .execute(c))
        })?;
        self.run(|connection| {
            on!(connection, |c| diesel::delete(
                role_permissions::table.filter(role_permissions::role_name.eq(name))
            )
            .execute(c))
        })?;
        self.insert_permissions(name, permissions)?;
        self.touch_roles();
        Ok(())
    }

    fn move_holders(&mut self, from: &str, to: &str) -> Result<(), StoreError> {
        let others = diesel::alias!(user_roles as others);
        self.run(|connection| {
            on!(connection, |c| {
                let have_it = others
                    .filter(others.field(user_roles::role_name).eq(to))
                    .select(others.field(user_roles::user_id));
                let moved = user_roles::table
                    .filter(user_roles::role_name.eq(from))
                    .filter(user_roles::user_id.ne_all(have_it));
                diesel::update(moved).set(user_roles::role_name.eq(to)).execute(c)
            })
        })?;
        self.run(|connection| {
            on!(connection, |c| diesel::delete(
                user_roles::table.filter(user_roles::role_name.eq(from))
            )
            .execute(c))
        })?;
        self.touch_roles();
        Ok(())
    }

    fn delete_role(&mut self, name: &str) -> Result<(), StoreError> {
        let deleted =
            self.run(|connection| on!(connection, |c| diesel::delete(roles::table.find(name)).execute(c)));
        match deleted {
            Ok(_) => {
                self.touch_roles();
                Ok(())
            }
            // Somebody signed up with it since its holders were counted: tried again, they are counted too.
            Err(StoreError::Referenced(what)) => Err(self.contend(what)),
            Err(error) => Err(error),
        }
    }
}

fn role_of(
    permissions: PermissionSet,
    holders: i64,
    (name, description, built_in): (String, String, bool),
) -> Role {
    Role {
        name,
        description,
        permissions,
        built_in,
        holders: u64::try_from(holders).unwrap_or(0),
    }
}
