//! People: one's own account, and what is public of others.

use crate::extract::{JsonBody, PatchBody, PathId, SignedInCaller};
use crate::idempotency::Answer;
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::{PreferencesBody, PublicProfile, UserBody};
use kernel::{Change, UserId};
use serde::Deserialize;
use user::{Preferences, ProfileChange, UserRepository, UserStatus};
use utoipa::ToSchema;

/// Fields of one's own profile to be changed; null clears one.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileChanges {
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    pub(super) name: Change<String>,
    /// In international form.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub(super) phone: Change<String>,
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    pub(super) profession: Change<String>,
    #[schema(value_type = Option<String>, max_length = 5_000)]
    #[serde(default)]
    pub(super) bio: Change<String>,
    /// An http or https URL.
    #[schema(value_type = Option<String>, max_length = 2_000)]
    #[serde(default)]
    pub(super) avatar_url: Change<String>,
    /// A zone of the IANA database.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub(super) time_zone: Change<String>,
    /// Whether other seat holders may see the person.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    pub(super) listed: Change<bool>,
}

impl ProfileChanges {
    pub(super) fn into_command(self) -> ProfileChange {
        ProfileChange {
            name: self.name,
            phone: self.phone,
            profession: self.profession,
            bio: self.bio,
            avatar_url: self.avatar_url,
            time_zone: self.time_zone,
            listed: self.listed,
        }
    }
}

/// One's own account.
pub async fn read_own(caller: SignedInCaller, state: SharedState) -> Result<Answer, Problem> {
    let id = caller.signed_in.user_id;
    let found = state.store.read(move |tx| tx.find_user(id)).await?;
    let user = found.ok_or_else(|| Problem::new(ProblemType::SessionEnded))?;
    Ok(Answer::ok(&UserBody::of(user)))
}

/// See [`read_own`].
pub fn describe_read_own(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read one's own account")
        .answer::<UserBody>(200, "The account.")
}

/// Changes one's own profile.
pub async fn update_own(
    caller: SignedInCaller,
    body: PatchBody<ProfileChanges>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (ctx, change) = (caller.ctx, body.value.into_command());
    let user = state
        .store
        .write(move |tx| user::update_profile(tx, &ctx, change.clone()))
        .await?;
    Ok(Answer::ok(&UserBody::of(user)))
}

/// See [`update_own`].
pub fn describe_update_own(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Change one's own profile")
        .patch_body::<ProfileChanges>()
        .answer::<UserBody>(200, "The account as it is now.")
}

/// What one wants to be told, and how: all of it.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPreferences {
    /// Reminders before events at which one has a seat; without them, none as a text message either.
    email_reminders: bool,
    /// What is urgent as a text message too; needs a confirmed phone.
    text_messages: bool,
    /// Campaigns that ask for votes, of whichever event; absent: as before. Who says yes takes back that they unsubscribed.
    campaign_mail: Option<bool>,
}

/// Replaces one's preferences.
pub async fn set_preferences(
    caller: SignedInCaller,
    body: JsonBody<NewPreferences>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let ctx = caller.ctx;
    let can_send_texts = state.settings.sms_configured;
    let preferences = Preferences {
        email_reminders: body.value.email_reminders,
        text_messages: body.value.text_messages,
        ..Preferences::default()
    };
    let (campaign_mail, keys) = (body.value.campaign_mail, state.keys.clone());
    let preferences = state
        .store
        .write(move |tx| {
            campaign::set_preferences(tx, &ctx, &keys, preferences, campaign_mail, can_send_texts)
        })
        .await?;
    Ok(Answer::ok(&PreferencesBody::of(preferences)))
}

/// See [`set_preferences`].
pub fn describe_set_preferences(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Say what one wants to be told, and how")
        .description(
            "Another phone, or none, ends text messages; so they are for the phone that was confirmed. Campaigns of events at which \
             one has a seat come anyhow, unless one unsubscribes by the link in one.",
        )
        .json_body::<NewPreferences>()
        .answer::<PreferencesBody>(200, "The preferences as they are now.")
        .problems(&[ProblemType::PhoneNotVerified, ProblemType::SmsNotConfigured])
}

/// What is public of an account.
pub async fn read_public(
    id: PathId<UserId>,
    _caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let id = id.0;
    let found = state.store.read(move |tx| tx.find_user(id)).await?;
    let user = found
        .filter(|user| user.status == UserStatus::Active)
        .ok_or_else(Problem::not_found)?;
    Ok(Answer::ok(&PublicProfile::of(user)))
}

/// See [`read_public`].
pub fn describe_read_public(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read somebody's public profile")
        .answer::<PublicProfile>(200, "What is public of the account.")
        .problems(&[ProblemType::NotFound])
}
