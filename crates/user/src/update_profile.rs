//! A person changes their own profile; what a profile may hold.

use crate::{PersonRenamed, User, UserRepository};
use kernel::{Change, Ctx, Denied, Invalid, PhoneNumber, StoreError, TimeZone};

/// What is to change; name and listing cannot be cleared.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    /// How the person is called.
    pub name: Change<String>,
    /// In international form.
    pub phone: Change<String>,
    /// At most 200 characters.
    pub profession: Change<String>,
    /// At most 5,000 characters.
    pub bio: Change<String>,
    /// An http(s) URL of at most 2,000 characters.
    pub avatar_url: Change<String>,
    /// A zone of the IANA database.
    pub time_zone: Change<String>,
    /// Whether other seat holders may see the person.
    pub listed: Change<bool>,
}

/// Why the profile stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpdateProfileError {
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Fields do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What changing a profile needs of a transaction.
pub trait ProfileTx: UserRepository + PersonRenamed {}

/// Changes the actor's profile; gives it as it is now.
pub fn update_profile(
    tx: &mut dyn ProfileTx,
    ctx: &Ctx,
    change: ProfileChange,
) -> Result<User, UpdateProfileError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    if change.name != Change::Keep {
        tx.before_person_renamed(user_id)?;
    }
    // Held, so that of two changes at once the second builds on the first.
    let user = tx.lock_user(user_id)?.ok_or(Denied::Unauthenticated)?;
    let before = user.name.clone();
    let mut user = changed_profile(user, change)?;
    user.updated_at = ctx.now;
    tx.update_profile(&user)?;
    if user.name != before {
        tx.person_renamed(ctx, user_id)?;
    }
    Ok(user)
}

/// The account with another profile; everything that is wrong is told at once.
pub fn changed_profile(mut user: User, change: ProfileChange) -> Result<User, Invalid> {
    let mut invalid = Invalid::none();

    match change.name {
        Change::Keep => {}
        Change::Clear => invalid.add("/name", "missing", "a name is needed"),
        Change::Set(name) => {
            if let Some(name) = invalid.take("/name", "format", name.parse()) {
                user.name = name;
            }
        }
    }
    match change.listed {
        Change::Keep => {}
        Change::Clear => invalid.add("/listed", "missing", "true or false is needed"),
        Change::Set(listed) => user.listed = listed,
    }
    match change.phone {
        Change::Keep => {}
        Change::Clear => user.set_phone(None),
        Change::Set(phone) => {
            let phone = invalid.take("/phone", "format", phone.parse::<PhoneNumber>());
            user.set_phone(phone);
        }
    }
    user.time_zone = match change.time_zone {
        Change::Set(zone) => invalid.take("/time_zone", "format", zone.parse::<TimeZone>()),
        Change::Clear => None,
        Change::Keep => user.time_zone,
    };
    user.profession = bounded(
        &mut invalid,
        "/profession",
        200,
        change.profession,
        user.profession,
    );
    user.bio = bounded(&mut invalid, "/bio", 5_000, change.bio, user.bio);
    user.avatar_url = bounded(
        &mut invalid,
        "/avatar_url",
        2_000,
        change.avatar_url,
        user.avatar_url,
    );
    if user.avatar_url.as_deref().is_some_and(|url| !is_web_url(url)) {
        invalid.add("/avatar_url", "format", "an http or https URL is needed");
    }

    invalid.check()?;
    Ok(user)
}

fn bounded(
    invalid: &mut Invalid,
    pointer: &str,
    longest: usize,
    change: Change<String>,
    current: Option<String>,
) -> Option<String> {
    let value = change.apply(current);
    if value.as_ref().is_some_and(|text| text.chars().count() > longest) {
        invalid.add(pointer, "length", format!("at most {longest} characters"));
    }
    value
}

fn is_web_url(url: &str) -> bool {
    url.strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .is_some_and(|rest| !rest.is_empty() && !rest.chars().any(|c| c.is_whitespace() || c.is_control()))
}
