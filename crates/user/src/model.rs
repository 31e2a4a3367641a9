//! Users and attendees.

use kernel::{AttendeeId, EmailAddress, Instant, PhoneNumber, TimeZone, UserId};
use notification::Recipient;
use std::str::FromStr;

/// How a person is called: 1 to 200 characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName(String);

/// Not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 200 characters, none of them a control character")]
pub struct InvalidName;

impl PersonName {
    /// What stands in the place of a name that was erased.
    pub fn erased() -> Self {
        Self("Erased".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PersonName {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let fits = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName)
        }
    }
}

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserStatus {
    /// It may.
    Active,
    /// An admin has stopped it: no sign-in, no recovery; its seats stay.
    Suspended,
}

impl UserStatus {
    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// What a person wants to be told, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preferences {
    /// Reminders before events at which they have a seat. Without them, none comes as a text message either: a text is a copy
    /// of a mail.
    pub email_reminders: bool,
    /// What is urgent as a text message too; only to a phone that was proven.
    pub text_messages: bool,
    /// Campaigns that ask for votes, of whichever event. Who holds a seat gets those of the event anyhow, unless they say no to
    /// them by the link in one.
    pub campaign_mail: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            email_reminders: true,
            text_messages: false,
            campaign_mail: false,
        }
    }
}

/// A person with an account. The password is not part of it: only `auth` knows that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Where mail goes; unique by its key.
    pub email: EmailAddress,
    /// How the person is called.
    pub name: PersonName,
    /// For text messages, when the person agreed to them.
    pub phone: Option<PhoneNumber>,
    /// When the number was proven to be the person's.
    pub phone_verified_at: Option<Instant>,
    /// What the person does, in a line.
    pub profession: Option<String>,
    /// What the person tells about themselves.
    pub bio: Option<String>,
    /// A picture, by URL.
    pub avatar_url: Option<String>,
    /// The zone in which the person wants to see times.
    pub time_zone: Option<TimeZone>,
    /// Whether other seat holders may see the person among the participants.
    pub listed: bool,
    /// Whether the account may be used.
    pub status: UserStatus,
    /// The names of the roles, sorted.
    pub roles: Vec<String>,
    /// When the address was confirmed.
    pub email_verified_at: Option<Instant>,
    /// The last sign-in.
    pub last_login_at: Option<Instant>,
    /// What the person wants to be told, and how.
    pub preferences: Preferences,
    /// When the account was made.
    pub created_at: Instant,
    /// When the account was last changed.
    pub updated_at: Instant,
}

/// What is asked of an account where it takes part in something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// How the person is called.
    pub name: PersonName,
    /// Where mail goes.
    pub email: EmailAddress,
    /// Whether the address was confirmed.
    pub email_verified: bool,
}

impl User {
    /// The phone, if it was proven to be the person's.
    pub fn proven_phone(&self) -> Option<&PhoneNumber> {
        self.phone.as_ref().filter(|_| self.phone_verified_at.is_some())
    }

    /// Gives the account another phone, or none. What was proven was the one before, and the person agreed to text messages
    /// to that one.
    pub fn set_phone(&mut self, phone: Option<PhoneNumber>) {
        if self.phone != phone {
            self.phone = phone;
            self.phone_verified_at = None;
            self.preferences.text_messages = false;
        }
    }

    /// The person as somebody to write to.
    pub fn recipient(&self) -> Recipient {
        Recipient {
            name: self.name.as_str().to_owned(),
            email: self.email.clone(),
            user_id: Some(self.id),
        }
    }

    /// What is asked of the account where it takes part in something.
    pub fn account(&self) -> Account {
        Account {
            id: self.id,
            name: self.name.clone(),
            email: self.email.clone(),
            email_verified: self.email_verified_at.is_some(),
        }
    }
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The account.
    pub user: User,
    /// The hashed password, as `auth` made it.
    pub password_hash: Option<String>,
}

/// A person who can hold a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendee {
    /// Its id.
    pub id: AttendeeId,
    /// The account, if there is one.
    pub user_id: Option<UserId>,
    /// How the person is called.
    pub name: PersonName,
    /// Where mail goes; unique by its key.
    pub email: EmailAddress,
    /// A telephone number that an organiser noted.
    pub phone: Option<PhoneNumber>,
    /// The user who made the attendee, if it was not the person.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Instant,
}

impl Attendee {
    /// Who takes over what an erased person once took part in, so that it goes on counting: nobody.
    pub fn nobody(id: AttendeeId, now: Instant) -> Self {
        Self {
            id,
            user_id: None,
            name: PersonName::erased(),
            email: EmailAddress::erased(id),
            phone: None,
            created_by: None,
            created_at: now,
        }
    }

    /// Whether it is nobody any more.
    pub fn is_nobody(&self) -> bool {
        self.email.is_erased()
    }

    /// The person as somebody to write to.
    pub fn recipient(&self) -> Recipient {
        Recipient {
            name: self.name.as_str().to_owned(),
            email: self.email.clone(),
            user_id: self.user_id,
        }
    }
}
