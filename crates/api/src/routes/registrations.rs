//! Registrations: register, read, list, cancel.

use crate::extract::{
    ListAnswer, ListQuery, OptionalJsonBody, PathId, SignedInCaller, WaitingClient, allowed_first,
};
use crate::idempotency::{Answer, RepeatKey, write_once};
use crate::openapi::OperationDoc;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::routes::attendees::words_of;
use crate::routes::events::require_manager;
use crate::state::SharedState;
use crate::views::{AttendeeBody, RegistrationBody, RegistrationStatusBody, WaitlistEntryBody};
use actix_web::http::StatusCode;
use kernel::{AttendeeId, EventId, Invalid, RegistrationId, TypedId};
use registration::{
    Person, Register, RegisterError, Registered, RegistrationFilter, RegistrationRepository,
    RegistrationStatus, Rules,
};
use serde::{Deserialize, Serialize};
use storage::{Together, Tx};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

const ORDER: &str = "registrations";

/// Who is to be registered: nobody named is oneself.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRegistration {
    /// For managers: an attendee that exists.
    attendee_id: Option<Uuid>,
    /// For managers: somebody by name and address.
    attendee: Option<GuestRequest>,
}

/// Somebody by name and address.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Guest)]
pub struct GuestRequest {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    email: String,
}

impl NewRegistration {
    fn names_somebody(&self) -> bool {
        self.attendee_id.is_some() || self.attendee.is_some()
    }

    fn into_person(self) -> Result<Person, Invalid> {
        match (self.attendee_id, self.attendee) {
            (None, None) => Ok(Person::Oneself),
            (Some(id), None) => Ok(Person::Attendee(AttendeeId::from_uuid(id))),
            (None, Some(guest)) => {
                let mut invalid = Invalid::none();
                let name = invalid.take("/attendee/name", "format", guest.name.parse());
                let email = invalid.take("/attendee/email", "format", guest.email.parse());
                match (name, email) {
                    (Some(name), Some(email)) => Ok(Person::Guest { name, email }),
                    _ => Err(invalid),
                }
            }
            (Some(_), Some(_)) => Err(Invalid::field(
                "/attendee",
                "not_allowed",
                "name either an attendee_id or an attendee",
            )),
        }
    }
}

/// The person has a seat.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeatGiven {
    /// `confirmed`.
    outcome: &'static str,
    /// The registration.
    registration: RegistrationBody,
}

impl SeatGiven {
    /// A seat that needs nothing more.
    pub fn confirmed(registration: RegistrationBody) -> Self {
        Self {
            outcome: "confirmed",
            registration,
        }
    }
}

/// The person waits for a seat.
#[derive(Debug, Serialize, ToSchema)]
pub struct PutOnWaitlist {
    /// `waitlisted`.
    outcome: &'static str,
    /// The place in the queue.
    waitlist_entry: WaitlistEntryBody,
}

/// A seat was given back.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeatGivenBack {
    /// The registration as it is now.
    registration: RegistrationBody,
    /// How many got a seat through it.
    promoted: u32,
}

/// Which registrations are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RegistrationParams {
    /// At this event.
    pub(super) event_id: Option<Uuid>,
    /// Of this attendee.
    pub(super) attendee_id: Option<Uuid>,
    /// That stand so.
    #[param(inline)]
    pub(super) status: Option<RegistrationStatusBody>,
}

/// Which registrations of one event are wanted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventRegistrationParams {
    /// That stand so.
    #[param(inline)]
    status: Option<RegistrationStatusBody>,
    /// Of this attendee.
    attendee_id: Option<Uuid>,
    /// Words, at most eight: each begins a word of the attendee's name or of what stands before the `@` of the address, in any case;
    /// one with an `@` begins the address, or is the whole one in any spelling.
    q: Option<String>,
}

/// Gives a seat, or a place in the queue.
pub async fn register(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    asker: WaitingClient,
    key: RepeatKey,
    body: Result<OptionalJsonBody<NewRegistration>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let for_another = body.as_ref().is_ok_and(|body| body.value.names_somebody());
    let read = body.and_then(|body| Ok((body.value.into_person()?, body.fingerprint)));
    let (person, fingerprint) = match read {
        Ok(read) => read,
        Err(problem) => {
            // Whether there is such an event, and whether others may be registered, is told before what is wrong with
            // the body.
            if for_another {
                require_manager(&state, &ctx, event_id).await?;
            }
            state
                .store
                .read(move |tx| event::read_event(tx, &ctx, event_id))
                .await?;
            return Err(problem);
        }
    };
    let scope = key.scope(caller.signed_in.user_id, &fingerprint);
    let rules = Rules {
        invites_per_day: state.settings.invites_per_day,
        require_verified_email: state.settings.require_verified_email,
    };
    let command = Register {
        event_id,
        person,
        rules,
    };
    let together = matches!(command.person, Person::Oneself)
        .then(|| Together::register(ctx.now, event_id, caller.signed_in.user_id, scope.clone()));
    let write = state.store.write_about(together, move |tx| {
        write_once(
            tx,
            ctx.now,
            scope.as_ref(),
            |tx: &mut Tx| match command.person {
                Person::Oneself => Ok(()),
                _ => event::require_manager(tx, &ctx, event_id).map_err(RegisterError::from),
            },
            |tx: &mut Tx| {
                let registered = registration::register(tx, &ctx, command.clone())?;
                Ok(answer_of(registered, &command.person))
            },
        )
    });
    Ok(asker.while_waiting(write).await??)
}

fn answer_of(registered: Registered, person: &Person) -> Answer {
    match registered {
        Registered::Confirmed {
            registration,
            attendee,
            seats,
        } => {
            let location = format!("/api/v1/registrations/{}", registration.id);
            // Of somebody named by address nothing is shown that was not sent.
            let shown = match person {
                Person::Guest { name, email } => AttendeeBody {
                    name: name.as_str().to_owned(),
                    email: email.as_str().to_owned(),
                },
                Person::Oneself | Person::Attendee(_) => AttendeeBody {
                    name: attendee.name.as_str().to_owned(),
                    email: attendee.email.as_str().to_owned(),
                },
            };
            let registration = RegistrationBody::new(&registration, shown, seats);
            Answer::created(location, &SeatGiven::confirmed(registration))
        }
        Registered::Waitlisted { entry, position, .. } => {
            let waitlist_entry = WaitlistEntryBody::of(&entry, Some(position));
            Answer::json(
                StatusCode::ACCEPTED,
                &PutOnWaitlist {
                    outcome: "waitlisted",
                    waitlist_entry,
                },
            )
        }
    }
}

/// See [`register`].
pub fn describe_register(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Register for an event")
        .description("Without a body for oneself; managers register others. A full event puts the person on its waitlist.")
        .idempotent()
        .optional_json_body::<NewRegistration>()
        .answer::<SeatGiven>(201, "The seat is the person's.")
        .answer::<PutOnWaitlist>(202, "The event is full; the person waits.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::Forbidden,
            ProblemType::VerifyEmailFirst,
            ProblemType::EventNotPublished,
            ProblemType::PaymentsNotConfigured,
            ProblemType::RegistrationNotOpen,
            ProblemType::RegistrationClosed,
            ProblemType::AlreadyRegistered,
            ProblemType::AlreadyWaiting,
            ProblemType::EventFull,
        ])
}

/// The registrations of an event.
pub async fn list_of_event(
    event_id: PathId<EventId>,
    caller: SignedInCaller,
    query: Result<ListQuery<EventRegistrationParams>, Problem>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (event_id, ctx) = (event_id.0, caller.ctx);
    let read = query.and_then(|query| {
        let page = query.page(ORDER)?;
        let words = words_of(query.filter.q.clone())?;
        Ok((page, query.filter, words))
    });
    let (page, params, words) = allowed_first(read, require_manager(&state, &ctx, event_id)).await?;
    let filter = RegistrationFilter {
        attendee_id: params.attendee_id.map(AttendeeId::from_uuid),
        status: params.status.map(RegistrationStatus::from),
        words,
        ..RegistrationFilter::default()
    };
    let page = state
        .store
        .search(move |tx| registration::list_event_registrations(tx, &ctx, event_id, filter.clone(), page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(
        ORDER,
        page.map(RegistrationBody::of),
    )))
}

/// See [`list_of_event`].
pub fn describe_list_of_event(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List the registrations of an event")
        .query::<EventRegistrationParams>()
        .paged()
        .answer_list::<RegistrationBody>("A page of registrations, the newest first.")
        .problems(&[ProblemType::NotFound, ProblemType::Forbidden])
}

impl RegistrationParams {
    pub(super) fn into_filter(self) -> RegistrationFilter {
        RegistrationFilter {
            event_id: self.event_id.map(EventId::from_uuid),
            attendee_id: self.attendee_id.map(AttendeeId::from_uuid),
            status: self.status.map(RegistrationStatus::from),
            ..RegistrationFilter::default()
        }
    }
}

/// One's own registrations; with `registration:read:any`, everybody's.
pub async fn list(
    caller: SignedInCaller,
    query: ListQuery<RegistrationParams>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (page, filter, ctx) = (query.page(ORDER)?, query.filter.into_filter(), caller.ctx);
    let page = state
        .store
        .read(move |tx| registration::list_registrations(tx, &ctx, filter.clone(), page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(
        ORDER,
        page.map(RegistrationBody::of),
    )))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List registrations")
        .description("One's own; with `registration:read:any`, everybody's.")
        .query::<RegistrationParams>()
        .paged()
        .answer_list::<RegistrationBody>("A page of registrations, the newest first.")
}

/// One's own registrations, whatever one may read besides.
pub async fn list_own(
    caller: SignedInCaller,
    query: ListQuery<RegistrationParams>,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (page, ctx) = (query.page(ORDER)?, caller.ctx);
    let filter = RegistrationFilter {
        user_id: Some(caller.signed_in.user_id),
        ..query.filter.into_filter()
    };
    let page = state
        .store
        .read(move |tx| registration::list_registrations(tx, &ctx, filter.clone(), page))
        .await?;
    Ok(Answer::ok(&ListAnswer::new(
        ORDER,
        page.map(RegistrationBody::of),
    )))
}

/// See [`list_own`].
pub fn describe_list_own(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List one's own registrations")
        .query::<RegistrationParams>()
        .paged()
        .answer_list::<RegistrationBody>("A page of registrations, the newest first.")
}

/// One registration.
pub async fn read(
    id: PathId<RegistrationId>,
    caller: SignedInCaller,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let view = state
        .store
        .read(move |tx| registration::read_registration(tx, &ctx, id))
        .await?;
    Ok(Answer::ok(&RegistrationBody::of(view)))
}

/// See [`read`].
pub fn describe_read(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Read a registration")
        .answer::<RegistrationBody>(200, "The registration.")
        .problems(&[ProblemType::NotFound])
}

/// Cancels a registration.
pub async fn cancel(
    id: PathId<RegistrationId>,
    caller: SignedInCaller,
    asker: WaitingClient,
    state: SharedState,
) -> Result<Answer, Problem> {
    let (id, ctx) = (id.0, caller.ctx);
    let found = if state.store.asks_what_it_is_about() {
        state.store.read(move |tx| tx.find_registration(id)).await?
    } else {
        None
    };
    let together = found.map(|found| Together::cancel(ctx.now, found.event_id, caller.signed_in.user_id, id));
    let write = state
        .store
        .write_about(together, move |tx| registration::cancel(tx, &ctx, id));
    let cancelled = asker.while_waiting(write).await??;
    let body = SeatGivenBack {
        registration: RegistrationBody::of(cancelled.view),
        promoted: cancelled.promoted,
    };
    Ok(Answer::ok(&body))
}

/// See [`cancel`].
pub fn describe_cancel(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Cancel a registration")
        .description("The seat goes to the next person who waits, in the same transaction.")
        .answer::<SeatGivenBack>(200, "The seat is given back.")
        .problems(&[
            ProblemType::NotFound,
            ProblemType::EventReadOnly,
            ProblemType::AlreadyAttended,
            ProblemType::NotCancellable,
        ])
}
