//! Attendees: people who can hold a seat, as organisers note and find them.

use crate::extract::{JsonBody, ListAnswer, ListQuery, PatchBody, PathId, SignedInCaller, allowed_first};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::SharedState;
use crate::views::PersonBody;
use kernel::{AttendeeId, Change, EmailAddress, Invalid, PhoneNumber, TypedId, WordQuery};
use serde::Deserialize;
use storage::Tx;
use user::{AttendeeFilter, CreateAttendee, CreateAttendeeError, EditAttendee, EditedAttendee, PersonName};
use utoipa::{IntoParams, ToSchema};

const ORDER: &str = "attendees";
/// Characters of a part of a name or an address that is looked for.
const LONGEST_PART: usize = 200;

/// Which attendees are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AttendeeParams {
    /// Part of the name, in any case; at most 200 characters.
    name: Option<String>,
    /// Part of the address, in any case; at most 200 characters.
    email: Option<String>,
    /// Words, at most eight: each begins a word of the name or of what stands before the `@`, in any case; one with an `@` begins
    /// the address, or is the whole one in any spelling.
    q: Option<String>,
}

impl AttendeeParams {
    fn into_filter(self) -> Result<AttendeeFilter, Problem> {
        let bounded = |field: &str, part: Option<String>| match part {
            Some(part) if part.chars().count() > LONGEST_PART => Err(Problem::bad_query(
                field,
                "length",
                format!("at most {LONGEST_PART} characters"),
            )),
            part => Ok(part),
        };
        Ok(AttendeeFilter {
            words: words_of(self.q)?,
            name: bounded("name", self.name)?,
            email: bounded("email", self.email)?,
        })
    }
}

/// The parameter `q` of a list of people.
pub(super) fn words_of(q: Option<String>) -> Result<Option<WordQuery>, Problem> {
    q.map(|text| WordQuery::parse("q", &text))
        .transpose()
        .map_err(|invalid| Problem::new(ProblemType::BadQuery).errors(invalid))
}

/// Somebody to be noted.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttendee {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    email: String,
    /// In international form.
    #[schema(example = "+919812345678")]
    phone: Option<String>,
}

impl NewAttendee {
    fn into_command(self, most_per_day: u32) -> Result<CreateAttendee, Invalid> {
        let mut invalid = Invalid::none();
        let name = invalid.take("/name", "format", self.name.parse::<PersonName>());
        let email = invalid.take("/email", "format", self.email.parse::<EmailAddress>());
        let phone = self
            .phone
            .map(|phone| invalid.take("/phone", "format", phone.parse::<PhoneNumber>()));
        let (Some(name), Some(email)) = (name, email) else {
            return Err(invalid);
        };
        invalid.check()?;
        Ok(CreateAttendee {
            name,
            email,
            phone: phone.flatten(),
            most_per_day,
        })
    }
}

/// What is to change about an attendee; null clears the phone.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttendeeChanges {
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    name: Change<String>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    email: Change<String>,
    /// In international form.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    phone: Change<String>,
}

impl AttendeeChanges {
    fn into_command(self, most_per_day: u32) -> Result<EditAttendee, Invalid> {
        let mut invalid = Invalid::none();
        let name = parsed(&mut invalid, "/name", self.name);
        let email = parsed(&mut invalid, "/email", self.email);
        let phone = parsed(&mut invalid, "/phone", self.phone);
        invalid.check()?;
        Ok(EditAttendee {
            name,
            email,
            phone,
            most_per_day,
        })
    }
}

/// The new value, if there is one that fits.
fn parsed<T>(invalid: &mut Invalid, pointer: &str, change: Change<String>) -> Change<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    match change {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(text) => invalid
            .take(pointer, "format", text.parse())
            .map_or(Change::Keep, Change::Set),
    }
}

/// A page of attendees.
pub async fn list(
    caller: SignedInCaller,
    query: Result<ListQuery<AttendeeParams>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let ctx = caller.ctx;
    user::require_reading(&ctx)?;
    let query = query?;
    let (page, filter) = (query.page(ORDER)?, query.filter.into_filter()?);
    let page = state
        .store
        .search(move |tx| user::list_attendees(tx, &ctx, &filter, page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(ORDER, page.map(PersonBody::of))))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List attendees")
        .description(
            "Those whom one noted oneself, and those who are or were at events that one runs; with `attendee:read:any`, all.",
        )
        .query::<AttendeeParams>()
        .paged()
        .answer_list::<PersonBody>("A page of attendees, the newest first.")
        .problems(&[ProblemType::Forbidden])
}

/// Notes somebody.
pub async fn create(
    caller: SignedInCaller,
    key: RepeatKey,
    body: Result<JsonBody<NewAttendee>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let ctx = caller.ctx;
    user::require_writing(&ctx.actor)?;
    let body = body?;
    let scope = key.scope(caller.signed_in.user_id, &body.fingerprint);
    let command = body.value.into_command(state.settings.invites_per_day)?;
    let answer = state
        .store
        .write(move |tx| {
            write_once(
                tx,
                ctx.now,
                scope.as_ref(),
                |_: &mut Tx| user::require_writing(&ctx.actor).map_err(CreateAttendeeError::from),
                |tx: &mut Tx| {
                    let id = user::create_attendee(tx, &ctx, &command)?;
                    let location = format!("/api/v1/attendees/{id}");
                    Ok::<_, CreateAttendeeError>(Answer::created(location, &noted(id, &command)))
                },
            )
        })
        .await?;
    Ok(answer)
}

/// Nothing is shown that was not sent: the attendee may be of others.
fn noted(id: AttendeeId, command: &CreateAttendee) -> PersonBody {
    PersonBody {
        id: id.uuid(),
        name: command.name.as_str().to_owned(),
        email: command.email.as_str().to_owned(),
        phone: command.phone.as_ref().map(|phone| phone.as_str().to_owned()),
    }
}

/// See [`create`].
pub fn describe_create(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Note an attendee")
        .description(
            "Finds or makes the attendee with that address. Which of the two it was is not told, and what others noted stays as \
             it is: the answer shows what was sent. Somebody of others is shown only when they are at an event that one runs.",
        )
        .idempotent()
        .json_body::<NewAttendee>()
        .answer::<PersonBody>(201, "The attendee is there.")
        .problems(&[ProblemType::Forbidden])
}

/// One attendee.
pub async fn read(
    id: PathId<AttendeeId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let attendee = state
        .store
        .read(move |tx| user::read_attendee(tx, &ctx, id))
        .await?;
    Ok(Answer::ok(&PersonBody::of(attendee)))
}

/// See [`read`].
pub fn describe_read(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read an attendee")
        .answer::<PersonBody>(200, "The attendee.")
        .problems(&[ProblemType::Forbidden, ProblemType::NotFound])
}

/// Changes an attendee.
pub async fn edit(
    id: PathId<AttendeeId>,
    caller: SignedInCaller,
    body: Result<PatchBody<AttendeeChanges>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let most_per_day = state.settings.invites_per_day;
    let read = body.and_then(|body| Ok(body.value.into_command(most_per_day)?));
    let asker = ctx.clone();
    let allowed = state.store.read(move |tx| user::require_editor(tx, &asker, id));
    let change = allowed_first(read, allowed).await?;
    let edited = state
        .store
        .write(move |tx| user::edit_attendee(tx, &ctx, id, change.clone()))
        .await?;
    match edited {
        EditedAttendee::Changed(attendee) => Ok(Answer::ok(&PersonBody::of(attendee))),
        EditedAttendee::AddressTaken => Err(Problem::new(ProblemType::AlreadyExists)
            .detail("An attendee has this address. Register that address instead.")),
    }
}

/// See [`edit`].
pub fn describe_edit(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Change an attendee")
        .description(
            "One whom one noted oneself, who has no account and is and was at nobody else's events; with `attendee:write:any`, \
             every one. Name and address of somebody with an account are the account's. Seats stay with the attendee, and mail \
             about them goes to the new address.",
        )
        .patch_body::<AttendeeChanges>()
        .answer::<PersonBody>(200, "The attendee as it is now.")
        .problems(&[
            ProblemType::Forbidden,
            ProblemType::NotFound,
            ProblemType::AttendeeHasAccount,
            ProblemType::AlreadyExists,
        ])
}

/// Removes an attendee.
pub async fn delete(
    id: PathId<AttendeeId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    state
        .store
        .write(move |tx| user::remove_attendee(tx, &ctx, id))
        .await?;
    Ok(Answer::no_content())
}

/// See [`delete`].
pub fn describe_delete(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Remove an attendee")
        .description("As changing one. What they hold goes to those who wait, in the same transaction.")
        .answer_empty(204, "The attendee is gone.")
        .problems(&[ProblemType::Forbidden, ProblemType::NotFound])
}
