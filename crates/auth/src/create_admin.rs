//! The operator makes an admin on the command line.

use crate::{
    ADMIN_ROLE, AuthTx, InsertAccountError, InvalidPassword, NewPassword, PasswordHash, insert_account,
};
use kernel::{AuditEntry, Ctx, EmailAddress, StoreError, TypedId};
use user::{PersonName, Preferences, User, UserStatus};

/// What the operator wrote.
#[derive(Debug, Clone)]
pub struct CreateAdmin {
    /// The address; counts as confirmed.
    pub email: EmailAddress,
    /// How the person is called.
    pub name: PersonName,
}

/// Why no admin was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateAdminError {
    /// The address has an account.
    #[error("the e-mail address has an account")]
    EmailTaken,
    /// The password may not be set.
    #[error("the password is refused: {0}")]
    Password(#[from] InvalidPassword),
    /// The role is gone.
    #[error("the role admin is missing: run the migrations")]
    RoleMissing,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<InsertAccountError> for CreateAdminError {
    fn from(error: InsertAccountError) -> Self {
        match error {
            InsertAccountError::EmailTaken => Self::EmailTaken,
            InsertAccountError::UnknownRole => Self::RoleMissing,
            InsertAccountError::Store(error) => Self::Store(error),
        }
    }
}

impl CreateAdmin {
    /// Checks the password that the operator gave.
    pub fn password(text: &str) -> Result<NewPassword, CreateAdminError> {
        Ok(NewPassword::parse(text)?)
    }
}

/// Makes an account with the role admin.
pub fn create_admin(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    command: CreateAdmin,
    password_hash: &PasswordHash,
) -> Result<User, CreateAdminError> {
    let user = User {
        id: ctx.new_id(),
        email: command.email,
        name: command.name,
        phone: None,
        phone_verified_at: None,
        profession: None,
        bio: None,
        avatar_url: None,
        time_zone: None,
        listed: false,
        status: UserStatus::Active,
        roles: vec![ADMIN_ROLE.to_owned()],
        email_verified_at: Some(ctx.now),
        last_login_at: None,
        preferences: Preferences::default(),
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    insert_account(tx, user.clone(), Some(password_hash))?;
    tx.record_audit(
        ctx,
        AuditEntry::new("user.create", "user", user.id.uuid()).with("roles", ADMIN_ROLE),
    )?;
    Ok(user)
}
