//! Rows and queries of users and attendees.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::{DbConn, on};
use crate::schema::{attendees, roles, user_roles, users};
use crate::transaction::{named, parsed};
use diesel::prelude::*;
use kernel::{EmailAddress, Instant, StoreError, UserId, fold};
use user::{Account, Attendee, NewUser, PersonName, Preferences, User, UserRepository, UserStatus};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a row, with the columns that there are"
)]
pub(crate) struct UserRow {
    id: Uid,
    email: String,
    email_key: String,
    name: String,
    name_key: String,
    password_hash: Option<String>,
    phone: Option<String>,
    profession: Option<String>,
    bio: Option<String>,
    avatar_url: Option<String>,
    time_zone: Option<String>,
    listed: bool,
    status: String,
    email_verified_at: Option<Ts>,
    last_login_at: Option<Ts>,
    created_at: Ts,
    updated_at: Ts,
    erased_at: Option<Ts>,
    phone_verified_at: Option<Ts>,
    email_reminders: bool,
    text_messages: bool,
    campaign_mail: bool,
}

#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = attendees, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct AttendeeRow {
    id: Uid,
    user_id: Option<Uid>,
    name: String,
    name_key: String,
    email: String,
    email_key: String,
    phone: Option<String>,
    created_by: Option<Uid>,
    created_at: Ts,
    updated_at: Ts,
}

/// That an attendee is somebody who was not erased. The condition under which [`Attendee::is_nobody`] is false of a row in the database.
pub(crate) const IS_SOMEBODY: &str =
    "NOT (attendees.user_id IS NULL AND attendees.email_key LIKE 'erased-%@erased.invalid')";

/// The columns of an account that taking part asks for.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct AccountRow {
    id: Uid,
    name: String,
    email: String,
    email_key: String,
    email_verified_at: Option<Ts>,
}

pub(crate) fn user_status(row: Uid, text: &str) -> Result<UserStatus, StoreError> {
    named("users", row, "status", text, |name| match name {
        "active" => Some(UserStatus::Active),
        "suspended" => Some(UserStatus::Suspended),
        _ => None,
    })
}

impl UserRow {
    fn of(new: &NewUser) -> Self {
        let user = &new.user;
        Self {
            id: Uid::of(user.id),
            email: user.email.as_str().to_owned(),
            email_key: user.email.key().to_owned(),
            name: user.name.as_str().to_owned(),
            name_key: fold(user.name.as_str()),
            password_hash: new.password_hash.clone(),
            phone: user.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            profession: user.profession.clone(),
            bio: user.bio.clone(),
            avatar_url: user.avatar_url.clone(),
            time_zone: user.time_zone.map(|zone| zone.name().to_owned()),
            listed: user.listed,
            status: user.status.as_str().to_owned(),
            email_verified_at: user.email_verified_at.map(Ts),
            last_login_at: user.last_login_at.map(Ts),
            created_at: Ts(user.created_at),
            updated_at: Ts(user.updated_at),
            erased_at: None,
            phone_verified_at: user.phone_verified_at.map(Ts),
            email_reminders: user.preferences.email_reminders,
            text_messages: user.preferences.text_messages,
            campaign_mail: user.preferences.campaign_mail,
        }
    }

    pub(crate) fn id(&self) -> Uid {
        self.id
    }

    pub(crate) fn into_user(self, roles: Vec<String>) -> Result<User, StoreError> {
        let row = self.id;
        Ok(User {
            id: row.typed(),
            email: EmailAddress::from_stored(self.email, self.email_key),
            name: parsed("users", row, "name", &self.name)?,
            phone: self
                .phone
                .map(|phone| parsed("users", row, "phone", &phone))
                .transpose()?,
            phone_verified_at: self.phone_verified_at.map(|at| at.0),
            profession: self.profession,
            bio: self.bio,
            avatar_url: self.avatar_url,
            time_zone: self
                .time_zone
                .map(|zone| parsed("users", row, "time_zone", &zone))
                .transpose()?,
            listed: self.listed,
            status: user_status(row, &self.status)?,
            roles,
            email_verified_at: self.email_verified_at.map(|at| at.0),
            last_login_at: self.last_login_at.map(|at| at.0),
            preferences: Preferences {
                email_reminders: self.email_reminders,
                text_messages: self.text_messages,
                campaign_mail: self.campaign_mail,
            },
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl AccountRow {
    pub(crate) fn into_account(self) -> Result<Account, StoreError> {
        Ok(Account {
            id: self.id.typed(),
            name: parsed("users", self.id, "name", &self.name)?,
            email: EmailAddress::from_stored(self.email, self.email_key),
            email_verified: self.email_verified_at.is_some(),
        })
    }
}

impl AttendeeRow {
    pub(crate) const fn id(&self) -> Uid {
        self.id
    }

    pub(crate) fn of(attendee: &Attendee) -> Self {
        Self {
            id: Uid::of(attendee.id),
            user_id: attendee.user_id.map(Uid::of),
            name: attendee.name.as_str().to_owned(),
            name_key: fold(attendee.name.as_str()),
            email: attendee.email.as_str().to_owned(),
            email_key: attendee.email.key().to_owned(),
            phone: attendee.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            created_by: attendee.created_by.map(Uid::of),
            created_at: Ts(attendee.created_at),
            updated_at: Ts(attendee.created_at),
        }
    }

    pub(crate) fn into_attendee(self) -> Result<Attendee, StoreError> {
        let row = self.id;
        Ok(Attendee {
            id: row.typed(),
            user_id: self.user_id.map(Uid::typed),
            name: parsed("attendees", row, "name", &self.name)?,
            email: EmailAddress::from_stored(self.email, self.email_key),
            phone: self
                .phone
                .map(|phone| parsed("attendees", row, "phone", &phone))
                .transpose()?,
            created_by: self.created_by.map(Uid::typed),
            created_at: self.created_at.0,
        })
    }
}

impl Tx<'_> {
    pub(crate) fn with_roles(&mut self, row: Option<UserRow>) -> Result<Option<User>, StoreError> {
        let Some(row) = row else { return Ok(None) };
        let id = row.id;
        let names = self.run(|connection| {
            on!(connection, |c| user_roles::table
                .filter(user_roles::user_id.eq(id))
                .order(user_roles::role_name)
                .select(user_roles::role_name)
                .load::<String>(c))
        })?;
        row.into_user(names).map(Some)
    }

    pub(crate) fn insert_user_roles(&mut self, user: Uid, names: &[String]) -> Result<(), StoreError> {
        let rows: Vec<_> = names
            .iter()
            .map(|role| {
                (
                    user_roles::user_id.eq(user),
                    user_roles::role_name.eq(role.as_str()),
                )
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let inserted = self.run(|connection| {
            on!(connection, |c| diesel::insert_into(user_roles::table)
                .values(&rows)
                .execute(c))
        });
        match inserted {
            Ok(_) => Ok(()),
            // A role was removed since it was looked up: tried again, it is not found.
            Err(StoreError::Referenced(what)) => Err(self.contend(what)),
            Err(error) => Err(error),
        }
    }
}

impl Tx<'_> {
    /// A linked attendee has its user's name and address: keeps them from changing until the end of the transaction, or
    /// has the operation tried again if they changed since they were read. On SQLite there is one writer at a time.
    pub(crate) fn hold_user_as_read(
        &mut self,
        id: UserId,
        name: &PersonName,
        email: &EmailAddress,
    ) -> Result<(), StoreError> {
        let read = (name.as_str().to_owned(), email.key().to_owned());
        let user = users::table
            .find(Uid::of(id))
            .filter(users::erased_at.is_null())
            .select((users::name, users::email_key));
        let current: Option<(String, String)> = self.run(|connection| match connection {
            DbConn::Postgres(c) => user.for_share().first(c).optional(),
            DbConn::Sqlite(_) => Ok(Some(read.clone())),
        })?;
        if current == Some(read) {
            return Ok(());
        }
        Err(self.contend("the user was changed or removed meanwhile".to_owned()))
    }

    /// Something that is one of its kind was made meanwhile: tried again, it is found.
    pub(crate) fn unless_made_meanwhile(
        &mut self,
        written: Result<usize, StoreError>,
    ) -> Result<(), StoreError> {
        match written {
            Ok(_) => Ok(()),
            Err(StoreError::Duplicate(what)) => Err(self.contend(what)),
            Err(error) => Err(error),
        }
    }

    /// Keeps an account from being erased until the end of the transaction, or has the operation tried again if it was since
    /// it was read: whatever writes something of a person beside the account's row asks this first.
    pub(crate) fn hold_account(&mut self, id: UserId) -> Result<(), StoreError> {
        let account = users::table
            .find(Uid::of(id))
            .filter(users::erased_at.is_null())
            .select(users::id);
        let found: Option<Uid> = self.run(|connection| match connection {
            DbConn::Postgres(c) => account.for_key_share().first(c).optional(),
            DbConn::Sqlite(_) => Ok(Some(Uid::of(id))),
        })?;
        self.unless_erased(usize::from(found.is_some()))
    }

    /// A change of an account that met no row, because it was erased since it was read: tried again, it is not found.
    pub(crate) fn unless_erased(&mut self, changed: usize) -> Result<(), StoreError> {
        if changed > 0 {
            return Ok(());
        }
        Err(self.contend("the account was erased meanwhile".to_owned()))
    }
}

impl UserRepository for Tx<'_> {
    fn find_user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
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

    fn lock_user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let user = users::table.find(Uid::of(id)).select(users::id);
        // What refers to the user is still written beside this. On SQLite there is one writer at a time.
        self.run(|connection| match connection {
            DbConn::Postgres(c) => user.for_no_key_update().first::<Uid>(c).optional(),
            DbConn::Sqlite(_) => Ok(None),
        })?;
        self.find_user(id)
    }

    fn find_user_by_email(&mut self, email_key: &str) -> Result<Option<User>, StoreError> {
        let row = self.run(|connection| {
            on!(connection, |c| users::table
                .filter(users::email_key.eq(email_key))
                .filter(users::erased_at.is_null())
                .select(UserRow::as_select())
                .first(c)
                .optional())
        })?;
        self.with_roles(row)
    }

    fn insert_user(&mut self, new: &NewUser) -> Result<(), StoreError> {
        let row = UserRow::of(new);
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(users::table)
                .values(&row)
                .execute(c))
        })?;
        self.insert_user_roles(row.id, &new.user.roles)
    }

    fn update_profile(&mut self, user: &User) -> Result<(), StoreError> {
        let id = Uid::of(user.id);
        let name = user.name.as_str();
        let profile = (
            users::name.eq(name),
            users::name_key.eq(fold(name)),
            users::phone.eq(user.phone.as_ref().map(kernel::PhoneNumber::as_str)),
            users::phone_verified_at.eq(user.phone_verified_at.map(Ts)),
            users::text_messages.eq(user.preferences.text_messages),
            users::profession.eq(user.profession.as_deref()),
            users::bio.eq(user.bio.as_deref()),
            users::avatar_url.eq(user.avatar_url.as_deref()),
            users::time_zone.eq(user.time_zone.map(kernel::TimeZone::name)),
            users::listed.eq(user.listed),
            users::updated_at.eq(Ts(user.updated_at)),
        );
        let changed = self.run(|connection| {
            on!(connection, |c| diesel::update(
                users::table.filter(users::id.eq(id).and(users::erased_at.is_null()))
            )
            .set(profile)
            .execute(c))
        })?;
        self.unless_erased(changed)?;
        self.rename_attendee_of(user)
    }

    fn set_preferences(
        &mut self,
        id: UserId,
        preferences: Preferences,
        at: Instant,
    ) -> Result<(), StoreError> {
        let account = users::table.filter(users::id.eq(Uid::of(id)).and(users::erased_at.is_null()));
        let changed = self.run(|connection| {
            on!(connection, |c| diesel::update(account)
                .set((
                    users::email_reminders.eq(preferences.email_reminders),
                    users::text_messages.eq(preferences.text_messages),
                    users::campaign_mail.eq(preferences.campaign_mail),
                    users::updated_at.eq(Ts(at)),
                ))
                .execute(c))
        })?;
        self.unless_erased(changed)
    }

    fn set_phone_verified(&mut self, id: UserId, at: Instant) -> Result<(), StoreError> {
        let account = users::table.filter(users::id.eq(Uid::of(id)).and(users::erased_at.is_null()));
        let changed = self.run(|connection| {
            on!(connection, |c| diesel::update(account)
                .set((users::phone_verified_at.eq(Ts(at)), users::updated_at.eq(Ts(at))))
                .execute(c))
        })?;
        self.unless_erased(changed)
    }

    fn set_email_verified(&mut self, id: UserId, at: Instant) -> Result<(), StoreError> {
        let account = users::table.filter(users::id.eq(Uid::of(id)).and(users::erased_at.is_null()));
        let changed = self.run(|connection| {
            on!(connection, |c| diesel::update(account)
                .set((users::email_verified_at.eq(Ts(at)), users::updated_at.eq(Ts(at))))
                .execute(c))
        })?;
        self.unless_erased(changed)?;
        self.touch_sessions_of(id)
    }

    fn set_email(&mut self, id: UserId, email: &EmailAddress, at: Instant) -> Result<(), StoreError> {
        let id_of_row = Uid::of(id);
        let account = users::table.filter(users::id.eq(id_of_row).and(users::erased_at.is_null()));
        let written = self.run(|connection| {
            on!(connection, |c| diesel::update(account)
                .set((
                    users::email.eq(email.as_str()),
                    users::email_key.eq(email.key()),
                    users::email_verified_at.eq(Ts(at)),
                    users::updated_at.eq(Ts(at)),
                ))
                .execute(c))
        });
        if let Ok(changed) = written {
            self.unless_erased(changed)?;
        }
        self.unless_made_meanwhile(written)?;
        self.readdress_attendee_of(id, email, at)?;
        self.touch_sessions_of(id)
    }

    fn existing_roles(&mut self, names: &[String]) -> Result<Vec<String>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| roles::table
                .filter(roles::name.eq_any(names.to_vec()))
                .select(roles::name)
                .load(c))
        })
    }
}
