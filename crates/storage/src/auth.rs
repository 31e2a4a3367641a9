//! Rows and queries of credentials, sessions and refresh tokens.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::people::user_status;
use crate::schema::{refresh_tokens, role_permissions, sessions, user_roles, users};
use crate::transaction::rows;
use auth::{ADMIN_ROLE, Access, AuthRepository, Credentials, OpenSession, PasswordHash, RefreshRow, Session};
use diesel::prelude::*;
use kernel::{Instant, Permission, PermissionSet, SessionId, StoreError, UserId};
use uuid::Uuid;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct SessionRow {
    id: Uid,
    user_id: Uid,
    device: Option<String>,
    address: Option<String>,
    created_at: Ts,
    last_seen_at: Ts,
    expires_at: Ts,
    revoked_at: Option<Ts>,
    revoked_because: Option<String>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = refresh_tokens, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct RefreshTokenRow {
    token_hash: String,
    session_id: Uid,
    issued_at: Ts,
    expires_at: Ts,
    used_at: Option<Ts>,
}

impl SessionRow {
    fn into_session(self) -> Session {
        Session {
            id: self.id.typed(),
            user_id: self.user_id.typed(),
            device: self.device,
            address: self.address,
            created_at: self.created_at.0,
            expires_at: self.expires_at.0,
        }
    }
}

impl Tx<'_> {
    /// What the roles of a user permit together. A name that left the catalogue permits nothing.
    pub(crate) fn permissions_of(&mut self, user: Uid) -> Result<PermissionSet, StoreError> {
        let rows: Vec<(String, Option<String>)> = self.run(|connection| {
            on!(connection, |c| user_roles::table
                .left_join(role_permissions::table.on(role_permissions::role_name.eq(user_roles::role_name)))
                .filter(user_roles::user_id.eq(user))
                .select((user_roles::role_name, role_permissions::permission.nullable()))
                .load(c))
        })?;
        if rows.iter().any(|(role, _)| role == ADMIN_ROLE) {
            return Ok(PermissionSet::all());
        }
        Ok(rows
            .into_iter()
            .filter_map(|(_, name)| name?.parse::<Permission>().ok())
            .collect())
    }
}

impl Tx<'_> {
    /// Notes that what the sessions of an account permit is something else than before.
    pub(crate) fn touch_sessions_of(&mut self, user_id: UserId) -> Result<(), StoreError> {
        let open: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| sessions::table
                .filter(sessions::user_id.eq(Uid::of(user_id)))
                .filter(sessions::revoked_at.is_null())
                .select(sessions::id)
                .load(c))
        })?;
        self.touch_sessions(open.into_iter().map(Uid::typed));
        Ok(())
    }

    /// Forgets sessions that are over by their time, with their refresh tokens; gives how many.
    pub fn forget_old_sessions(&mut self, now: Instant) -> Result<u64, StoreError> {
        let forgotten = self.run(|connection| {
            on!(connection, |c| diesel::delete(
                sessions::table.filter(sessions::expires_at.le(Ts(now)))
            )
            .execute(c))
        })?;
        Ok(forgotten as u64)
    }
}

impl AuthRepository for Tx<'_> {
    fn find_credentials(&mut self, email_key: &str) -> Result<Option<Credentials>, StoreError> {
        let row: Option<(Uid, Option<String>)> = self.run(|connection| {
            on!(connection, |c| users::table
                .filter(users::email_key.eq(email_key))
                .select((users::id, users::password_hash))
                .first(c)
                .optional())
        })?;
        Ok(row.map(|(id, hash)| Credentials {
            user_id: id.typed(),
            password_hash: hash.map(PasswordHash::from_stored),
        }))
    }

    fn find_password_hash(&mut self, user_id: UserId) -> Result<Option<PasswordHash>, StoreError> {
        let hash: Option<Option<String>> = self.run(|connection| {
            on!(connection, |c| users::table
                .find(Uid::of(user_id))
                .select(users::password_hash)
                .first(c)
                .optional())
        })?;
        Ok(hash.flatten().map(PasswordHash::from_stored))
    }

    fn touch_last_login(&mut self, user_id: UserId, at: Instant) -> Result<(), StoreError> {
        // Asked before the account is looked up: one that was erased is not found then.
        let account = users::table.filter(users::id.eq(Uid::of(user_id)).and(users::erased_at.is_null()));
        self.run(|connection| {
            on!(connection, |c| diesel::update(account)
                .set(users::last_login_at.eq(Ts(at)))
                .execute(c))
        })?;
        Ok(())
    }

    fn insert_session(&mut self, session: &Session) -> Result<(), StoreError> {
        let row = SessionRow {
            id: Uid::of(session.id),
            user_id: Uid::of(session.user_id),
            device: session.device.clone(),
            address: session.address.clone(),
            created_at: Ts(session.created_at),
            last_seen_at: Ts(session.created_at),
            expires_at: Ts(session.expires_at),
            revoked_at: None,
            revoked_because: None,
        };
        self.hold_account(session.user_id)?;
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(sessions::table)
                .values(&row)
                .execute(c))
        })?;
        Ok(())
    }

    fn find_access(&mut self, session_id: SessionId) -> Result<Option<Access>, StoreError> {
        type Columns = (Uid, String, Option<Ts>, Ts, Option<Ts>);
        let row: Option<Columns> = self.run(|connection| {
            on!(connection, |c| sessions::table
                .inner_join(users::table)
                .filter(sessions::id.eq(Uid::of(session_id)))
                .select((
                    users::id,
                    users::status,
                    users::email_verified_at,
                    sessions::expires_at,
                    sessions::revoked_at,
                ))
                .first(c)
                .optional())
        })?;
        let Some((user, status, verified_at, expires_at, revoked_at)) = row else {
            return Ok(None);
        };
        Ok(Some(Access {
            user_id: user.typed(),
            user_status: user_status(user, &status)?,
            email_verified: verified_at.is_some(),
            permissions: self.permissions_of(user)?,
            expires_at: expires_at.0,
            revoked: revoked_at.is_some(),
        }))
    }

    fn revoke_session(&mut self, id: SessionId, at: Instant, because: &str) -> Result<bool, StoreError> {
        let ended = self.run(|connection| {
            on!(connection, |c| diesel::update(sessions::table.filter(
                sessions::id.eq(Uid::of(id)).and(sessions::revoked_at.is_null())
            ))
            .set((
                sessions::revoked_at.eq(Ts(at)),
                sessions::revoked_because.eq(because)
            ))
            .execute(c))
        })?;
        self.touch_sessions([id]);
        Ok(ended > 0)
    }

    fn revoke_sessions_of(
        &mut self,
        user_id: UserId,
        but_for: Option<SessionId>,
        at: Instant,
        because: &str,
    ) -> Result<u32, StoreError> {
        let stays = Uid(but_for.map_or(Uuid::nil(), kernel::TypedId::uuid));
        let ended: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| diesel::update(
                sessions::table.filter(
                    sessions::user_id
                        .eq(Uid::of(user_id))
                        .and(sessions::id.ne(stays))
                        .and(sessions::revoked_at.is_null())
                )
            )
            .set((
                sessions::revoked_at.eq(Ts(at)),
                sessions::revoked_because.eq(because)
            ))
            .returning(sessions::id)
            .get_results(c))
        })?;
        let count = rows(ended.len());
        self.touch_sessions(ended.into_iter().map(Uid::typed));
        Ok(count)
    }

    fn list_sessions(&mut self, user_id: UserId, now: Instant) -> Result<Vec<OpenSession>, StoreError> {
        let rows: Vec<SessionRow> = self.run(|connection| {
            on!(connection, |c| sessions::table
                .filter(sessions::user_id.eq(Uid::of(user_id)))
                .filter(sessions::revoked_at.is_null())
                .filter(sessions::expires_at.gt(Ts(now)))
                .order((sessions::last_seen_at.desc(), sessions::id.desc()))
                .select(SessionRow::as_select())
                .load(c))
        })?;
        Ok(rows
            .into_iter()
            .map(|row| OpenSession {
                last_seen_at: row.last_seen_at.0,
                session: row.into_session(),
            })
            .collect())
    }

    fn find_session(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let row: Option<SessionRow> = self.run(|connection| {
            on!(connection, |c| sessions::table
                .find(Uid::of(id))
                .select(SessionRow::as_select())
                .first(c)
                .optional())
        })?;
        Ok(row.map(SessionRow::into_session))
    }

    fn set_password_hash(
        &mut self,
        user_id: UserId,
        hash: Option<&PasswordHash>,
        at: Instant,
    ) -> Result<(), StoreError> {
        let account = users::table.filter(users::id.eq(Uid::of(user_id)).and(users::erased_at.is_null()));
        let changed = self.run(|connection| {
            on!(connection, |c| diesel::update(account)
                .set((
                    users::password_hash.eq(hash.map(PasswordHash::as_str)),
                    users::updated_at.eq(Ts(at))
                ))
                .execute(c))
        })?;
        self.unless_erased(changed)
    }

    fn access_changed(&mut self, user_id: UserId) -> Result<(), StoreError> {
        self.touch_sessions_of(user_id)
    }

    fn touch_session(&mut self, id: SessionId, at: Instant) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(sessions::table.find(Uid::of(id)))
                .set(sessions::last_seen_at.eq(Ts(at)))
                .execute(c))
        })?;
        Ok(())
    }

    fn insert_refresh_token(
        &mut self,
        token_hash: &str,
        session_id: SessionId,
        issued_at: Instant,
        expires_at: Instant,
    ) -> Result<(), StoreError> {
        let row = RefreshTokenRow {
            token_hash: token_hash.to_owned(),
            session_id: Uid::of(session_id),
            issued_at: Ts(issued_at),
            expires_at: Ts(expires_at),
            used_at: None,
        };
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(refresh_tokens::table)
                .values(&row)
                .execute(c))
        })?;
        Ok(())
    }

    fn find_refresh_token(&mut self, token_hash: &str) -> Result<Option<RefreshRow>, StoreError> {
        let row: Option<(RefreshTokenRow, SessionRow, String)> = self.run(|connection| {
            on!(connection, |c| refresh_tokens::table
                .inner_join(sessions::table.inner_join(users::table))
                .filter(refresh_tokens::token_hash.eq(token_hash))
                .select((
                    RefreshTokenRow::as_select(),
                    SessionRow::as_select(),
                    users::status
                ))
                .first(c)
                .optional())
        })?;
        let Some((token, session, status)) = row else {
            return Ok(None);
        };
        Ok(Some(RefreshRow {
            user_status: user_status(session.user_id, &status)?,
            session_revoked: session.revoked_at.is_some(),
            session: session.into_session(),
            expires_at: token.expires_at.0,
            used_at: token.used_at.map(|at| at.0),
        }))
    }

    fn use_refresh_token(&mut self, token_hash: &str, at: Instant) -> Result<bool, StoreError> {
        let used = self.run(|connection| {
            on!(connection, |c| diesel::update(
                refresh_tokens::table.filter(
                    refresh_tokens::token_hash
                        .eq(token_hash)
                        .and(refresh_tokens::used_at.is_null())
                )
            )
            .set(refresh_tokens::used_at.eq(Ts(at)))
            .execute(c))
        })?;
        Ok(used > 0)
    }
}
