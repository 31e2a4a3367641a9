//! What is written about a new account, by the person or by an admin.

use crate::NewPassword;
use kernel::{Ctx, EmailAddress, Invalid, PhoneNumber};
use user::{PersonName, Preferences, User, UserStatus};

/// The fields as written. Absent is None.
#[derive(Debug, Clone, Default)]
pub struct AccountFields {
    /// Needed.
    pub email: Option<String>,
    /// Needed; 1 to 200 characters.
    pub name: Option<String>,
    /// 10 characters to 72 bytes.
    pub password: Option<String>,
    /// In international form.
    pub phone: Option<String>,
    /// At most 200 characters.
    pub profession: Option<String>,
    /// At most 5,000 characters.
    pub bio: Option<String>,
}

/// The same, every field checked; the password, if there is one, still to be hashed.
#[derive(Debug, Clone)]
pub struct CheckedAccount {
    email: EmailAddress,
    name: PersonName,
    phone: Option<PhoneNumber>,
    profession: Option<String>,
    bio: Option<String>,
    /// To be hashed.
    pub password: Option<NewPassword>,
}

impl AccountFields {
    /// Checks every field, and notes all that is wrong.
    pub fn check(self, invalid: &mut Invalid) -> Option<CheckedAccount> {
        let email = needed(invalid, "/email", self.email)
            .and_then(|text| invalid.take("/email", "format", text.parse::<EmailAddress>()));
        let name = needed(invalid, "/name", self.name)
            .and_then(|text| invalid.take("/name", "format", text.parse::<PersonName>()));
        let password = self
            .password
            .and_then(|text| NewPassword::take(invalid, "/password", &text));
        let phone = self
            .phone
            .and_then(|text| invalid.take("/phone", "format", text.parse::<PhoneNumber>()));
        for (pointer, text, longest) in [("/profession", &self.profession, 200), ("/bio", &self.bio, 5_000)] {
            if text.as_ref().is_some_and(|text| text.chars().count() > longest) {
                invalid.add(pointer, "length", format!("at most {longest} characters"));
            }
        }
        Some(CheckedAccount {
            email: email?,
            name: name?,
            phone,
            profession: self.profession,
            bio: self.bio,
            password,
        })
    }
}

impl CheckedAccount {
    /// The account, its address not confirmed yet.
    pub fn into_user(self, ctx: &Ctx, roles: Vec<String>) -> User {
        User {
            id: ctx.new_id(),
            email: self.email,
            name: self.name,
            phone: self.phone,
            phone_verified_at: None,
            profession: self.profession,
            bio: self.bio,
            avatar_url: None,
            time_zone: None,
            listed: false,
            status: UserStatus::Active,
            roles,
            email_verified_at: None,
            last_login_at: None,
            preferences: Preferences::default(),
            created_at: ctx.now,
            updated_at: ctx.now,
        }
    }
}

pub(crate) fn needed<T>(invalid: &mut Invalid, pointer: &str, value: Option<T>) -> Option<T> {
    if value.is_none() {
        invalid.add(pointer, "missing", "this field is needed");
    }
    value
}
