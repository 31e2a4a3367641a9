//! A person makes an account.

use crate::account_fields::needed;
use crate::verify_email::mail_verification;
use crate::{AccountFields, AuthTx, CheckedAccount, NewPassword, PasswordHash};
use kernel::{Ctx, Invalid, ServerKeys, StoreError};
use notification::MailedSecrets;
use user::{NewUser, User};

/// What the person wrote.
#[derive(Debug, Clone, Default)]
pub struct SignUp {
    /// Needed.
    pub email: Option<String>,
    /// Needed; 10 characters to 72 bytes.
    pub password: Option<String>,
    /// Needed; 1 to 200 characters.
    pub name: Option<String>,
    /// One of the public roles; absent: attendee.
    pub role: Option<String>,
    /// In international form.
    pub phone: Option<String>,
    /// At most 200 characters.
    pub profession: Option<String>,
    /// At most 5,000 characters.
    pub bio: Option<String>,
}

/// The same, every field checked; the password still to be hashed.
#[derive(Debug, Clone)]
pub struct CheckedSignUp {
    account: CheckedAccount,
    role: String,
    /// The password, to be hashed before [`sign_up`].
    pub password: NewPassword,
}

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Fields do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The role is not one that anybody may have.
    #[error("the role is not public")]
    RoleNotPublic,
    /// The address has an account.
    #[error("the e-mail address has an account")]
    EmailTaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignUp {
    /// Checks every field; everything that is wrong is told at once.
    pub fn check(self) -> Result<CheckedSignUp, Invalid> {
        let mut invalid = Invalid::none();
        let password = needed(&mut invalid, "/password", self.password);
        let fields = AccountFields {
            email: self.email,
            name: self.name,
            password,
            phone: self.phone,
            profession: self.profession,
            bio: self.bio,
        };
        let checked = fields.check(&mut invalid);
        match checked.and_then(|account| Some((account.password.clone()?, account))) {
            Some((password, account)) if invalid.0.is_empty() => Ok(CheckedSignUp {
                account,
                role: self.role.unwrap_or_else(|| "attendee".to_owned()),
                password,
            }),
            _ => Err(invalid),
        }
    }
}

impl CheckedSignUp {
    /// The role that is asked for.
    pub fn role(&self) -> &String {
        &self.role
    }
}

/// Makes the account and asks it to confirm its address.
pub fn sign_up(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    form: CheckedSignUp,
    password_hash: &PasswordHash,
    public_roles: &[String],
    keys: &ServerKeys,
    secrets: &MailedSecrets,
) -> Result<User, SignUpError> {
    if !public_roles.contains(&form.role) {
        return Err(SignUpError::RoleNotPublic);
    }
    let user = form.account.into_user(ctx, vec![form.role]);
    insert_account(tx, user.clone(), Some(password_hash))?;
    mail_verification(tx, ctx, keys, &user, secrets)?;
    Ok(user)
}

/// Why an account was not inserted.
#[derive(Debug, thiserror::Error)]
pub enum InsertAccountError {
    /// A role is not there, or not any more.
    #[error("there is no such role")]
    UnknownRole,
    /// The address has an account.
    #[error("the e-mail address has an account")]
    EmailTaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<InsertAccountError> for SignUpError {
    fn from(error: InsertAccountError) -> Self {
        match error {
            InsertAccountError::UnknownRole => Self::RoleNotPublic,
            InsertAccountError::EmailTaken => Self::EmailTaken,
            InsertAccountError::Store(error) => Self::Store(error),
        }
    }
}

/// Makes an account, whose address and roles nobody else may have taken or removed meanwhile.
pub fn insert_account(
    tx: &mut dyn AuthTx,
    user: User,
    password_hash: Option<&PasswordHash>,
) -> Result<(), InsertAccountError> {
    if tx.find_user_by_email(user.email.key())?.is_some() {
        return Err(InsertAccountError::EmailTaken);
    }
    if tx.existing_roles(&user.roles)?.len() != user.roles.len() {
        return Err(InsertAccountError::UnknownRole);
    }
    let new = NewUser {
        user,
        password_hash: password_hash.map(|hash| hash.as_str().to_owned()),
    };
    tx.insert_user(&new).map_err(|error| match error {
        StoreError::Duplicate(_) => InsertAccountError::EmailTaken,
        other => InsertAccountError::Store(other),
    })
}
