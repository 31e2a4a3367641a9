//! The permission catalogue. Roles are data made of these; the catalogue itself is code.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! permissions {
    ($($variant:ident = $name:literal, $description:literal;)+) => {
        /// One thing that a role can permit.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Permission {
            $(#[doc = $description] #[serde(rename = $name)] $variant),+
        }
        impl Permission {
            /// The whole catalogue, in the order in which it is shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The name that roles and the API use.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
            /// What holding it allows, in a sentence for the person who makes a role.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $description),+ }
            }
        }
    };
}

permissions! {
    EventCreate = "event:create", "Create events, and run those that one organises.";
    EventManageAny = "event:manage:any", "Run every event, whoever organises it.";
    AttendeeRead = "attendee:read", "Read the attendees of one's own events.";
    AttendeeReadAny = "attendee:read:any", "Read every attendee.";
    AttendeeWrite = "attendee:write", "Create attendees, and change those that one created.";
    AttendeeWriteAny = "attendee:write:any", "Change every attendee.";
    RegistrationReadAny = "registration:read:any", "Read every registration.";
    CheckinScan = "checkin:scan", "Check people in at any event.";
    SpeakerSelect = "speaker:select", "Choose the speaker of an event.";
    CampaignReview = "campaign:review", "Approve, reject, pause and resume campaigns.";
    UserManage = "user:manage", "Administer accounts.";
    RoleManage = "role:manage", "Make and change roles.";
    AuditRead = "audit:read", "Read the audit log.";
    JobManage = "job:manage", "Read, retry and remove jobs.";
    StatisticsRead = "statistics:read", "Read the statistics of the whole place.";
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is not in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no permission `{0}`")]
pub struct UnknownPermission(pub String);

impl FromStr for Permission {
    type Err = UnknownPermission;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|permission| permission.as_str() == name)
            .ok_or_else(|| UnknownPermission(name.to_owned()))
    }
}

/// A set of permissions, small enough to be copied with every request.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u32);

impl PermissionSet {
    /// No permission at all.
    pub const NONE: Self = Self(0);

    /// The whole catalogue.
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    /// Whether the permission is in the set.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & Self::bit(permission) != 0
    }

    /// Whether every permission of `other` is in this set too.
    pub fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The permissions in the set, in the order of the catalogue.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .iter()
            .copied()
            .filter(move |permission| self.contains(*permission))
    }

    fn bit(permission: Permission) -> u32 {
        1 << (permission as u32)
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |set, permission| set | Self::bit(permission)),
        )
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_the_permission_it_names() {
        for permission in Permission::ALL {
            assert_eq!(permission.as_str().parse::<Permission>().unwrap(), *permission);
        }
        assert!("event:destroy".parse::<Permission>().is_err());
    }

    #[test]
    fn a_set_covers_what_it_holds_and_nothing_more() {
        let organizer: PermissionSet = [Permission::EventCreate, Permission::AttendeeRead]
            .into_iter()
            .collect();
        assert!(PermissionSet::all().covers(organizer));
        assert!(!organizer.covers(PermissionSet::all()));
        assert!(
            organizer.contains(Permission::AttendeeRead) && !organizer.contains(Permission::AttendeeWrite)
        );
    }
}
