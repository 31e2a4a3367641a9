//! People in answers.

use chrono::{DateTime, Utc};
use kernel::TypedId;
use registration::Participant;
use serde::Serialize;
use user::{Attendee, Preferences, User};
use utoipa::ToSchema;
use uuid::Uuid;

/// An account, as its owner and admins see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserBody {
    /// Its id.
    pub id: Uuid,
    /// Where mail goes.
    pub email: String,
    /// How the person is called.
    pub name: String,
    /// In international form.
    pub phone: Option<String>,
    /// When the phone was confirmed; another phone is not.
    pub phone_verified_at: Option<DateTime<Utc>>,
    /// What the person does.
    pub profession: Option<String>,
    /// What the person tells about themselves.
    pub bio: Option<String>,
    /// A picture, by URL.
    pub avatar_url: Option<String>,
    /// The zone in which the person wants to see times.
    pub time_zone: Option<&'static str>,
    /// Whether other seat holders may see the person.
    pub listed: bool,
    /// `active` or `suspended`.
    pub status: &'static str,
    /// The names of the roles.
    pub roles: Vec<String>,
    /// When the address was confirmed.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// The last sign-in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// What the person wants to be told, and how.
    pub preferences: PreferencesBody,
}

impl UserBody {
    /// The account.
    pub fn of(user: User) -> Self {
        Self {
            id: user.id.uuid(),
            email: user.email.as_str().to_owned(),
            name: user.name.as_str().to_owned(),
            phone: user.phone.map(|phone| phone.as_str().to_owned()),
            phone_verified_at: user.phone_verified_at,
            profession: user.profession,
            bio: user.bio,
            avatar_url: user.avatar_url,
            time_zone: user.time_zone.map(kernel::TimeZone::name),
            listed: user.listed,
            status: user.status.as_str(),
            roles: user.roles,
            email_verified_at: user.email_verified_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
            last_login_at: user.last_login_at,
            preferences: PreferencesBody::of(user.preferences),
        }
    }
}

/// What a person wants to be told, and how.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preferences)]
pub struct PreferencesBody {
    /// Reminders before events at which they have a seat; without them, none as a text message either.
    pub email_reminders: bool,
    /// What is urgent as a text message too.
    pub text_messages: bool,
    /// Campaigns that ask for votes, of whichever event.
    pub campaign_mail: bool,
}

impl PreferencesBody {
    /// The preferences.
    pub fn of(preferences: Preferences) -> Self {
        Self {
            email_reminders: preferences.email_reminders,
            text_messages: preferences.text_messages,
            campaign_mail: preferences.campaign_mail,
        }
    }
}

/// An account, as every signed-in person sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicProfile {
    /// Its id.
    pub id: Uuid,
    /// How the person is called.
    pub name: String,
    /// What the person does.
    pub profession: Option<String>,
    /// What the person tells about themselves.
    pub bio: Option<String>,
    /// A picture, by URL.
    pub avatar_url: Option<String>,
}

impl PublicProfile {
    /// What is public of the account.
    pub fn of(user: User) -> Self {
        Self {
            id: user.id.uuid(),
            name: user.name.as_str().to_owned(),
            profession: user.profession,
            bio: user.bio,
            avatar_url: user.avatar_url,
        }
    }
}

/// An attendee, as organisers see them. Whether they have an account is not told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attendee)]
pub struct PersonBody {
    /// Its id.
    pub id: Uuid,
    /// How the person is called.
    pub name: String,
    /// Where mail goes.
    pub email: String,
    /// The telephone number that the caller noted.
    pub phone: Option<String>,
}

impl PersonBody {
    /// The attendee.
    pub fn of(attendee: Attendee) -> Self {
        Self {
            id: attendee.id.uuid(),
            name: attendee.name.as_str().to_owned(),
            email: attendee.email.as_str().to_owned(),
            phone: attendee.phone.map(|phone| phone.as_str().to_owned()),
        }
    }
}

/// A seat holder who agreed to be seen by the others.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Participant)]
pub struct ParticipantBody {
    /// The account.
    pub id: Uuid,
    /// How the person is called.
    pub name: String,
    /// What the person does.
    pub profession: Option<String>,
    /// A picture, by URL.
    pub avatar_url: Option<String>,
}

impl ParticipantBody {
    /// The participant.
    pub fn of(participant: Participant) -> Self {
        Self {
            id: participant.user_id.uuid(),
            name: participant.name,
            profession: participant.profession,
            avatar_url: participant.avatar_url,
        }
    }
}
