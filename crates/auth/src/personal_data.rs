//! What is held on a person, wherever it stands: as it is given to them, and where it is forgotten.
//!
//! Invariant: both look at the same places. A table that holds something of a person is read by
//! [`PersonalDataRepository::collect_personal_data`] and emptied by [`ErasureRepository::forget_person`].

use kernel::{
    AttendeeId, AuditId, CampaignId, CandidateId, Ctx, EventId, Instant, OneTimeId, RegistrationId,
    SessionId, StoreError, UserId, WaitlistEntryId,
};
use serde::Serialize;
use serde_json::Value;
use user::{Attendee, User};

/// Everything that is held on a person. Hashes and sealed secrets are left out: they prove who the person is.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is a section, named as what it holds")]
pub struct PersonExport {
    pub exported_at: Instant,
    pub account: AccountRecord,
    pub roles: Vec<String>,
    pub attendee: Option<AttendeeRecord>,
    pub registrations: Vec<RegistrationRecord>,
    pub waitlist_entries: Vec<QueueRecord>,
    pub candidacies: Vec<CandidacyRecord>,
    pub nominations_of_others: Vec<NominationRecord>,
    pub votes: Vec<VoteRecord>,
    pub campaigns: Vec<CampaignRecord>,
    pub campaign_mails: Vec<CampaignMailRecord>,
    pub events_organized: Vec<EventRecord>,
    pub staff_roles: Vec<StaffRecord>,
    pub sessions: Vec<SessionRecord>,
    pub security_questions: Vec<SecurityQuestionRecord>,
    pub security_answer_tries: Option<SecurityTriesRecord>,
    pub external_identities: Vec<IdentityRecord>,
    pub links_and_codes: Vec<OneTimeRecord>,
    pub phone_code: Option<PhoneCodeRecord>,
    pub messages: Vec<MessageRecord>,
    pub live_events: Vec<LiveRecord>,
    pub remembered_answers: Vec<RememberedRecord>,
    pub audit_log: Vec<AuditRecord>,
}

/// The account.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the switches of an account, as they are stored"
)]
pub struct AccountRecord {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub phone: Option<String>,
    pub profession: Option<String>,
    pub bio: Option<String>,
    pub avatar_url: Option<String>,
    pub time_zone: Option<String>,
    pub listed: bool,
    pub status: String,
    /// Whether one can sign in with a password.
    pub has_password: bool,
    pub email_verified_at: Option<Instant>,
    pub phone_verified_at: Option<Instant>,
    pub email_reminders: bool,
    pub text_messages: bool,
    pub campaign_mail: bool,
    pub last_login_at: Option<Instant>,
    pub created_at: Instant,
    pub updated_at: Instant,
}

/// A campaign that the person asked for.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct CampaignRecord {
    pub id: CampaignId,
    pub event_id: EventId,
    pub event_title: String,
    pub candidate_id: CandidateId,
    pub status: String,
    pub subject: String,
    pub body: String,
    pub audience: Option<String>,
    pub send_at: Option<Instant>,
    pub reason: Option<String>,
    pub requested_at: Instant,
    pub started_at: Option<Instant>,
    pub finished_at: Option<Instant>,
}

/// A campaign that the person got, or was to get.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct CampaignMailRecord {
    pub campaign_id: CampaignId,
    pub event_id: EventId,
    pub event_title: String,
    pub name: String,
    pub email: String,
    pub status: String,
    pub error: Option<String>,
    pub finished_at: Option<Instant>,
}

/// The person as somebody who can hold a seat.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct AttendeeRecord {
    pub id: AttendeeId,
    pub name: String,
    pub email: String,
    pub phone: Option<String>,
    pub created_by: Option<UserId>,
    pub created_at: Instant,
    pub updated_at: Instant,
}

/// A registration, of whatever status.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct RegistrationRecord {
    pub id: RegistrationId,
    pub event_id: EventId,
    pub event_title: String,
    pub event_starts_at: Instant,
    pub status: String,
    pub registered_by: Option<UserId>,
    pub registered_at: Instant,
    pub checked_in_at: Option<Instant>,
    pub hold_expires_at: Option<Instant>,
    pub ended_at: Option<Instant>,
}

/// A place in a queue, live or ended, with its log.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct QueueRecord {
    pub id: WaitlistEntryId,
    pub event_id: EventId,
    pub event_title: String,
    pub status: String,
    pub joined_at: Instant,
    pub offer_expires_at: Option<Instant>,
    pub ended_at: Option<Instant>,
    pub log: Vec<QueueStepRecord>,
}

/// What happened to a place in a queue.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct QueueStepRecord {
    pub at: Instant,
    pub action: String,
    pub actor_id: Option<UserId>,
    pub reason: Option<String>,
}

/// A candidacy for speaker, of whatever status.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct CandidacyRecord {
    pub id: CandidateId,
    pub event_id: EventId,
    pub event_title: String,
    pub nominated_by: UserId,
    pub status: String,
    pub talk_title: String,
    #[serde(rename = "abstract")]
    pub summary: String,
    pub nominated_at: Instant,
    pub listed_at: Option<Instant>,
    pub ended_at: Option<Instant>,
}

/// That the person named somebody else for speaker. Who that is and what came of it is theirs.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct NominationRecord {
    pub candidate_id: CandidateId,
    pub event_id: EventId,
    pub nominated_at: Instant,
}

/// A vote of the person's.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct VoteRecord {
    pub event_id: EventId,
    pub candidate_id: CandidateId,
    pub via: String,
    pub campaign_id: Option<CampaignId>,
    pub cast_at: Instant,
}

/// An event that the person organises or organised.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct EventRecord {
    pub id: EventId,
    pub status: String,
    pub title: String,
    pub description: Option<String>,
    pub agenda: Option<String>,
    pub location: Option<String>,
    pub stream_url: Option<String>,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub time_zone: String,
    pub capacity: i32,
    pub published_at: Option<Instant>,
    pub cancelled_at: Option<Instant>,
    pub cancel_reason: Option<String>,
    pub created_at: Instant,
    pub updated_at: Instant,
}

/// What the person does at somebody's event.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct StaffRecord {
    pub event_id: EventId,
    pub event_title: String,
    pub role: String,
    pub added_by: Option<UserId>,
    pub added_at: Instant,
}

/// A sign-in, open or ended.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct SessionRecord {
    pub id: SessionId,
    pub device: Option<String>,
    pub address: Option<String>,
    pub created_at: Instant,
    pub last_seen_at: Instant,
    pub expires_at: Instant,
    pub revoked_at: Option<Instant>,
    pub revoked_because: Option<String>,
}

/// A question that the person answered; never the answer.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct SecurityQuestionRecord {
    pub question_id: String,
    pub created_at: Instant,
}

/// How often answers were wrong.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct SecurityTriesRecord {
    pub wrong: i32,
    pub last_try_at: Instant,
    pub locked_until: Option<Instant>,
}

/// An account elsewhere that one can sign in with.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct IdentityRecord {
    pub issuer: String,
    pub subject: String,
    pub linked_at: Instant,
}

/// A link and a code that were mailed; never what they were.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct OneTimeRecord {
    pub id: OneTimeId,
    pub purpose: String,
    pub email: String,
    pub created_at: Instant,
    pub expires_at: Instant,
    pub used_at: Option<Instant>,
    pub voided_at: Option<Instant>,
}

/// A code that was sent to a phone; never what it was.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct PhoneCodeRecord {
    pub phone: String,
    pub created_at: Instant,
    pub expires_at: Instant,
}

/// A message to the person, sent or not, without its secrets.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct MessageRecord {
    pub kind: String,
    /// By what it travels; none in what was written before there was a choice.
    pub medium: Option<String>,
    /// The folded address, or the phone number.
    pub recipient: Option<String>,
    pub status: String,
    /// Tries that failed.
    pub attempts: i16,
    /// What was in the way the last time.
    pub last_error: Option<String>,
    pub created_at: Instant,
    pub due_at: Instant,
    /// When it was sent or given up.
    pub finished_at: Option<Instant>,
    /// To whom, and what it says; empty once it was sent.
    pub content: Value,
}

/// A live event for the person.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct LiveRecord {
    pub kind: String,
    pub status: String,
    pub created_at: Instant,
    pub content: Value,
}

/// An answer that is remembered for a repeat of its request.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct RememberedRecord {
    pub route: String,
    pub key: String,
    pub status: Option<i16>,
    pub location: Option<String>,
    pub created_at: Instant,
    pub body: Option<Value>,
}

/// Something that the person did, or that was done to them, as the audit log has it.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "each field is the column of that name")]
pub struct AuditRecord {
    pub id: AuditId,
    pub at: Instant,
    pub actor_id: Option<UserId>,
    pub action: String,
    pub object_type: String,
    pub object_id: String,
    pub changes: Value,
    pub reason: Option<String>,
    pub request_id: String,
}

/// The places where something of a person stands, to be read.
pub trait PersonalDataRepository {
    /// Everything that is held on the person.
    fn collect_personal_data(
        &mut self,
        ctx: &Ctx,
        user: &User,
        attendee: Option<&Attendee>,
    ) -> Result<PersonExport, StoreError>;
}

/// The same places, to be emptied.
pub trait ErasureRepository {
    /// Locks an account until the end of the transaction, so that nothing refers to it anew. [`StoreError::Contention`] if
    /// the account or its attendee is not what was read: tried again, it is.
    fn hold_person(&mut self, user: &User, attendee: Option<&Attendee>) -> Result<(), StoreError>;
    /// Whether the account organises an event that is neither called off nor over; drafts too.
    fn organizes_upcoming_events(&mut self, id: UserId, now: Instant) -> Result<bool, StoreError>;
    /// Empties the account, hands what the attendee took part in over to nobody, and removes everything else that says who
    /// they are. [`StoreError::Contention`] if the attendee got something live meanwhile: tried again, it is freed.
    fn forget_person(
        &mut self,
        ctx: &Ctx,
        user: &User,
        attendee: Option<&Attendee>,
    ) -> Result<(), StoreError>;
}
