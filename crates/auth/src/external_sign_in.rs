//! A person signs in with an account elsewhere, for which its provider vouches.

use crate::log_in::open_session;
use crate::prove_address::{forget_who_made_it, prove_address};
use crate::{AuthTx, ExternalIdentity, ExternalLink, NewSession, OneTimePurpose, RefreshToken, Session};
use kernel::{Ctx, ServerKeys, StoreError};
use notification::Message;
use user::{NewUser, PersonName, Preferences, User, UserStatus};

/// A sign-in whose identity the provider has proven.
#[derive(Debug, Clone)]
pub struct ExternalSignIn {
    /// Who it is there.
    pub identity: ExternalIdentity,
    /// How people call the provider.
    pub provider: String,
    /// From where and for how long.
    pub session: NewSession,
    /// The refresh token that the client will get.
    pub refresh_token: RefreshToken,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum ExternalSignInError {
    /// The provider does not say that the address is the person's.
    #[error("the e-mail address is not verified there")]
    EmailNotVerified,
    /// The account here is suspended, or not there any more.
    #[error("the account may not be used")]
    AccountNotUsable,
    /// Nothing that came can be the name of a person.
    #[error("the person has no name")]
    NoName,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Signs in to the account that the identity belongs to: the one that it is linked to, else the one with its address, which
/// is linked from now on, else a new one.
pub fn external_sign_in(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    command: ExternalSignIn,
) -> Result<(User, Session), ExternalSignInError> {
    let identity = &command.identity;
    if !identity.email_verified {
        return Err(ExternalSignInError::EmailNotVerified);
    }
    let linked = tx.find_user_of_external(&identity.issuer, &identity.subject)?;
    let found = match linked {
        Some(user_id) => Some(user_id),
        None => tx.find_user_by_email(identity.email.key())?.map(|user| user.id),
    };
    let user = match found {
        None => make_account(tx, ctx, keys, identity)?,
        Some(user_id) => {
            // The row is held from here on, so that nobody signs in to the account while it changes hands.
            tx.touch_last_login(user_id, ctx.now)?;
            let mut user = tx
                .find_user(user_id)?
                .filter(|user| user.status == UserStatus::Active)
                .filter(|user| linked.is_some() || user.email.key() == identity.email.key())
                .ok_or(ExternalSignInError::AccountNotUsable)?;
            if linked.is_none() {
                link(tx, ctx, keys, &mut user, &command)?;
            }
            user
        }
    };
    let session = open_session(tx, ctx, &user, command.session, &command.refresh_token)?;
    Ok((user, session))
}

/// An account without a password. Its address is the person's: the provider says so.
fn make_account(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    identity: &ExternalIdentity,
) -> Result<User, ExternalSignInError> {
    let user = User {
        id: ctx.new_id(),
        email: identity.email.clone(),
        name: name_of(identity)?,
        phone: None,
        phone_verified_at: None,
        profession: None,
        bio: None,
        avatar_url: None,
        time_zone: None,
        listed: false,
        status: UserStatus::Active,
        roles: vec!["attendee".to_owned()],
        email_verified_at: Some(ctx.now),
        last_login_at: Some(ctx.now),
        preferences: Preferences::default(),
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    tx.insert_user_from_elsewhere(&NewUser {
        user: user.clone(),
        password_hash: None,
    })?;
    tx.insert_external_link(&link_of(ctx, identity, &user))?;
    // A guest who was noted with the address is the person.
    tx.email_verified(ctx, keys, &user, &user.email)?;
    Ok(user)
}

/// The name that the provider tells, cut to what fits, else what stands before the @.
fn name_of(identity: &ExternalIdentity) -> Result<PersonName, ExternalSignInError> {
    let told = identity.name.as_deref().unwrap_or_default();
    let told: String = told.trim().chars().take(200).collect();
    let local = identity.email.as_str().rsplit_once('@').map(|(local, _)| local);
    told.parse()
        .or_else(|_| local.unwrap_or_default().parse())
        .map_err(|_| ExternalSignInError::NoName)
}

/// Links an account that was found by its address. If nobody has shown that the address is theirs, somebody else may have
/// made the account and wait for its owner: whatever that one could come back with goes first.
fn link(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    user: &mut User,
    command: &ExternalSignIn,
) -> Result<(), StoreError> {
    if user.email_verified_at.is_none() {
        tx.set_password_hash(user.id, None, ctx.now)?;
        forget_who_made_it(tx, ctx, user)?;
        tx.forget_answer_tries(user.id)?;
        for purpose in OneTimePurpose::ALL {
            tx.void_one_times_of(user.id, purpose, ctx.now)?;
        }
        tx.revoke_sessions_of(user.id, None, ctx.now, "external-sign-in")?;
        prove_address(tx, ctx, keys, user)?;
        user.updated_at = ctx.now;
    }
    tx.insert_external_link(&link_of(ctx, &command.identity, user))?;
    let notice = Message::ExternalSignInLinked {
        notice_id: ctx.new_id(),
        provider: command.provider.clone(),
        at: ctx.now,
    };
    tx.enqueue(ctx, user.recipient(), notice);
    Ok(())
}

fn link_of(ctx: &Ctx, identity: &ExternalIdentity, user: &User) -> ExternalLink {
    ExternalLink {
        issuer: identity.issuer.clone(),
        subject: identity.subject.clone(),
        user_id: user.id,
        linked_at: ctx.now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(name: Option<&str>) -> String {
        let identity = ExternalIdentity {
            issuer: "https://issuer.example".to_owned(),
            subject: "1".to_owned(),
            email: "asha.rao@example.org".parse().unwrap(),
            email_verified: true,
            name: name.map(str::to_owned),
        };
        name_of(&identity).unwrap().as_str().to_owned()
    }

    #[test]
    fn a_person_has_the_name_that_is_told_or_that_of_the_address() {
        assert_eq!(called(Some(" Asha Rao ")), "Asha Rao");
        assert_eq!(called(Some(&"a".repeat(300))), "a".repeat(200));
        for none in [None, Some(""), Some("  "), Some("a\u{0}b")] {
            assert_eq!(called(none), "asha.rao");
        }
    }
}
