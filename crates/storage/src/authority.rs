//! Queries about who may act on whom.

use crate::Tx;
use crate::columns::Uid;
use crate::connection::DbConn;
use crate::connection::on;
use crate::schema::{roles, user_roles, users};
use auth::{ADMIN_ROLE, AuthorityRepository};
use diesel::dsl::exists;
use diesel::prelude::*;
use kernel::{StoreError, UserId};
use user::UserStatus;

impl AuthorityRepository for Tx<'_> {
    fn lock_authority(&mut self) -> Result<(), StoreError> {
        let admin = roles::table.find(ADMIN_ROLE).select(roles::name);
        self.run(|connection| match connection {
            DbConn::Postgres(c) => admin.for_update().first::<String>(c).map(drop),
            // There is one writer at a time.
            DbConn::Sqlite(_) => Ok(()),
        })
    }

    fn has_another_admin(&mut self, but_for: UserId) -> Result<bool, StoreError> {
        let others = user_roles::table
            .inner_join(users::table)
            .filter(user_roles::role_name.eq(ADMIN_ROLE))
            .filter(users::status.eq(UserStatus::Active.as_str()))
            .filter(users::id.ne(Uid::of(but_for)));
        self.run(|connection| on!(connection, |c| diesel::select(exists(others)).get_result(c)))
    }
}
