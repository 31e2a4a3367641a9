//! A person makes an account.

use crate::verify_email::mail_verification;
use crate::{AuthTx, NewPassword, PasswordHash};
use kernel::{Ctx, EmailAddress, Invalid, PhoneNumber, ServerKeys, StoreError};
use notification::MailedSecrets;
use user::{NewUser, PersonName, User, UserStatus};

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
    email: EmailAddress,
    name: PersonName,
    role: String,
    phone: Option<PhoneNumber>,
    profession: Option<String>,
    bio: Option<String>,
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
        let email = needed(&mut invalid, "/email", self.email)
            .and_then(|text| invalid.take("/email", "format", text.parse::<EmailAddress>()));
        let name = needed(&mut invalid, "/name", self.name)
            .and_then(|text| invalid.take("/name", "format", text.parse::<PersonName>()));
        let password = needed(&mut invalid, "/password", self.password)
            .and_then(|text| NewPassword::take(&mut invalid, "/password", &text));
        let phone = self
            .phone
            .and_then(|text| invalid.take("/phone", "format", text.parse::<PhoneNumber>()));
        for (pointer, text, longest) in [("/profession", &self.profession, 200), ("/bio", &self.bio, 5_000)] {
            if text.as_ref().is_some_and(|text| text.chars().count() > longest) {
                invalid.add(pointer, "length", format!("at most {longest} characters"));
            }
        }
        match (email, name, password) {
            (Some(email), Some(name), Some(password)) if invalid.0.is_empty() => Ok(CheckedSignUp {
                email,
                name,
                role: self.role.unwrap_or_else(|| "attendee".to_owned()),
                phone,
                profession: self.profession,
                bio: self.bio,
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
    let user = User {
        id: ctx.new_id(),
        email: form.email,
        name: form.name,
        phone: form.phone,
        profession: form.profession,
        bio: form.bio,
        avatar_url: None,
        time_zone: None,
        listed: false,
        status: UserStatus::Active,
        roles: vec![form.role],
        email_verified_at: None,
        last_login_at: None,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    insert_account(tx, user.clone(), password_hash)?;
    mail_verification(tx, ctx, keys, &user, secrets)?;
    Ok(user)
}

/// Makes an account, whose address and roles nobody else may have taken or removed meanwhile.
pub(crate) fn insert_account(
    tx: &mut dyn AuthTx,
    user: User,
    password_hash: &PasswordHash,
) -> Result<(), SignUpError> {
    if tx.find_user_by_email(user.email.key())?.is_some() {
        return Err(SignUpError::EmailTaken);
    }
    if tx.existing_roles(&user.roles)?.len() != user.roles.len() {
        return Err(SignUpError::RoleNotPublic);
    }
    let new = NewUser {
        user,
        password_hash: Some(password_hash.as_str().to_owned()),
    };
    tx.insert_user(&new).map_err(|error| match error {
        StoreError::Duplicate(_) => SignUpError::EmailTaken,
        other => SignUpError::Store(other),
    })
}

fn needed<T>(invalid: &mut Invalid, pointer: &str, value: Option<T>) -> Option<T> {
    if value.is_none() {
        invalid.add(pointer, "missing", "this field is needed");
    }
    value
}
