//! Roles, rows of the audit log, and what is asked for of accounts and rows.

use kernel::{AuditId, Instant, Invalid, Permission, PermissionSet, UserId};
use std::collections::BTreeMap;
use std::str::FromStr;
use user::UserStatus;

/// The name of a role: a small letter, then up to 49 small letters, digits, hyphens and underscores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleName(String);

/// Not the name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a small letter, then at most 49 small letters, digits, hyphens and underscores")]
pub struct InvalidRoleName;

impl RoleName {
    /// The name.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl FromStr for RoleName {
    type Err = InvalidRoleName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.len() <= 50
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRoleName)
        }
    }
}

/// A name for a set of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The name, which is what it goes by.
    pub name: String,
    /// What it is for, at most 500 characters.
    pub description: String,
    /// What it permits. The role admin permits everything, whatever its rows say.
    pub permissions: PermissionSet,
    /// Whether it came with Podium, and cannot be changed.
    pub built_in: bool,
    /// How many accounts have it.
    pub holders: u64,
}

/// Which accounts are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserFilter {
    /// Part of the name or of the address, in any case.
    pub text: Option<String>,
    /// That may be used, or may not.
    pub status: Option<UserStatus>,
    /// That have this role.
    pub role: Option<String>,
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its id.
    pub id: AuditId,
    /// When.
    pub at: Instant,
    /// Who; none where Podium itself or its operator did it.
    pub actor_id: Option<UserId>,
    /// What was done, such as `event.cancel`.
    pub action: String,
    /// The kind of thing it was done to, such as `event`.
    pub object_type: String,
    /// The thing: its id, or its name where that is what it goes by.
    pub object_id: String,
    /// The names of the fields that changed, or other facts that name no person.
    pub changes: BTreeMap<String, String>,
    /// Why, in the actor's words, where a reason is asked for.
    pub reason: Option<String>,
    /// The request that it was part of.
    pub request_id: String,
}

/// Which rows of the audit log are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Of this account.
    pub actor_id: Option<UserId>,
    /// On things of this kind.
    pub object_type: Option<String>,
    /// On this thing.
    pub object_id: Option<String>,
    /// Of this action.
    pub action: Option<String>,
    /// At this instant or later.
    pub from: Option<Instant>,
    /// At this instant or earlier.
    pub to: Option<Instant>,
}

/// Characters of a description at the most.
const LONGEST_DESCRIPTION: usize = 500;

/// Checks what a role is said to be for.
pub(crate) fn check_description(invalid: &mut Invalid, description: &str) {
    if description.chars().count() > LONGEST_DESCRIPTION {
        let detail = format!("at most {LONGEST_DESCRIPTION} characters");
        invalid.add("/description", "length", detail);
    }
}

/// Reads the names of permissions; those that are not in the catalogue are noted.
pub(crate) fn parse_permissions(invalid: &mut Invalid, names: &[String]) -> PermissionSet {
    let parse = |(index, name): (usize, &String)| {
        let pointer = format!("/permissions/{index}");
        invalid.take(&pointer, "choice", name.parse::<Permission>())
    };
    names.iter().enumerate().filter_map(parse).collect()
}

/// The names of these permissions, as the audit log shows them.
pub(crate) fn names_of(permissions: PermissionSet) -> String {
    let names: Vec<&str> = permissions.iter().map(Permission::as_str).collect();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_a_plain_name() {
        for name in ["a", "front-desk", "x_9", &"a".repeat(50)] {
            assert!(name.parse::<RoleName>().is_ok(), "{name}");
        }
        for name in ["", "A", "9a", "-a", "a b", "a/b", "ä", "a\n", &"a".repeat(51)] {
            assert!(name.parse::<RoleName>().is_err(), "{name}");
        }
    }

    #[test]
    fn a_permission_that_is_not_in_the_catalogue_is_named() {
        let mut invalid = Invalid::none();
        let names = ["audit:read", "audit:write", "audit:read"].map(str::to_owned);
        let read = parse_permissions(&mut invalid, &names);
        assert_eq!(names_of(read), "audit:read");
        assert_eq!(invalid.0.len(), 1);
        assert_eq!(invalid.0[0].pointer, "/permissions/1");
    }
}
