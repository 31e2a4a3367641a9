//! An admin makes an account for somebody else.

use crate::AdminTx;
use crate::set_user_roles::find_grants;
use auth::{
    AccountFields, AuthorityError, CheckedAccount, InsertAccountError, PasswordHash, insert_account,
    mail_account_created, mail_verification, require_covers,
};
use kernel::{AuditEntry, Ctx, Denied, Invalid, Permission, ServerKeys, StoreError, TypedId};
use notification::MailedSecrets;
use user::User;

/// What the admin wrote.
#[derive(Debug, Clone, Default)]
pub struct CreateUser {
    /// The account; without a password the person sets one by mail.
    pub account: AccountFields,
    /// The names of its roles; absent: attendee.
    pub roles: Option<Vec<String>>,
}

/// The same, every field checked.
#[derive(Debug, Clone)]
pub struct CheckedUser {
    /// The account; its password, if there is one, is to be hashed before [`create_user`].
    pub account: CheckedAccount,
    roles: Vec<String>,
}

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Fields do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A role includes a permission that the actor lacks.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The address has an account.
    #[error("the e-mail address has an account")]
    EmailTaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<InsertAccountError> for CreateUserError {
    fn from(error: InsertAccountError) -> Self {
        match error {
            InsertAccountError::EmailTaken => Self::EmailTaken,
            InsertAccountError::UnknownRole => {
                Self::Store(StoreError::Internal("a role went while it was given".into()))
            }
            InsertAccountError::Store(error) => Self::Store(error),
        }
    }
}

impl CreateUser {
    /// Checks every field; everything that is wrong is told at once.
    pub fn check(self) -> Result<CheckedUser, Invalid> {
        let mut invalid = Invalid::none();
        let account = self.account.check(&mut invalid);
        match account.filter(|_| invalid.0.is_empty()) {
            Some(account) => Ok(CheckedUser {
                account,
                roles: self.roles.unwrap_or_else(|| vec!["attendee".to_owned()]),
            }),
            None => Err(invalid),
        }
    }
}

/// Makes the account. With a password it can be used at once, and its address is to be confirmed; without one a mail lets
/// the person set it.
pub fn create_user(
    tx: &mut dyn AdminTx,
    ctx: &Ctx,
    form: CheckedUser,
    password_hash: Option<&PasswordHash>,
    keys: &ServerKeys,
    secrets: &MailedSecrets,
) -> Result<User, CreateUserError> {
    ctx.actor.require(Permission::UserManage)?;
    tx.lock_authority()?;
    let grants = find_grants(tx, &form.roles)??;
    for (_, permissions) in &grants {
        require_covers(tx, ctx, *permissions)?;
    }
    let names: Vec<String> = grants.into_iter().map(|(name, _)| name).collect();
    let given = names.join(",");
    let user = form.account.into_user(ctx, names);
    insert_account(tx, user.clone(), password_hash)?;
    if password_hash.is_some() {
        mail_verification(tx, ctx, keys, &user, secrets)?;
    } else {
        mail_account_created(tx, ctx, keys, &user, secrets)?;
    }
    tx.record_audit(
        ctx,
        AuditEntry::new("user.create", "user", user.id.uuid())
            .with("roles", &given)
            .with("invited", &password_hash.is_none()),
    )?;
    Ok(user)
}
