//! Every problem that the API can answer with, one line each.
//!
//! The slug is the stable name that programs compare; the sentence is what `/problems/<slug>` explains to people.
//! A problem that is not in this list cannot be answered.

use actix_web::http::StatusCode;

macro_rules! catalogue {
    ($($variant:ident = $slug:literal, $status:ident, $title:literal, $explanation:literal;)+) => {
        /// The type of a problem (RFC 9457, section 3.1.1).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemType {
            $(#[doc = $explanation] $variant),+
        }

        impl ProblemType {
            /// The whole catalogue, in the order in which it is shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name, the last part of the type's URI.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug),+ }
            }

            /// The URI of the type, relative to the server.
            pub const fn uri(self) -> &'static str {
                match self { $(Self::$variant => concat!("/problems/", $slug)),+ }
            }

            /// The status that the problem is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            /// The problem in a few words, the same at each occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// What happened and what helps, in a sentence or two.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $explanation),+ }
            }
        }
    };
}

catalogue! {
    NotJson = "not-json", BAD_REQUEST, "The body is not JSON", "The body of the request is not JSON text in UTF-8 (RFC 8259).";
    BadQuery = "bad-query", BAD_REQUEST, "A query parameter does not fit", "A query parameter is unknown to this route, given twice, or malformed; `errors` names it.";
    BadHeader = "bad-header", BAD_REQUEST, "A header does not fit", "A header of the request cannot be read; `errors` names it.";
    BadRequest = "bad-request", BAD_REQUEST, "The request cannot be read", "The request is malformed in a way that no other problem names.";

    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Sign in first", "The route needs a valid access token, as a Bearer token or in the cookie. The one that came is missing, malformed or expired.";
    SessionEnded = "session-ended", UNAUTHORIZED, "The session has ended", "The session was signed out or revoked, or the account is suspended. Sign in anew.";
    BadCredentials = "bad-credentials", UNAUTHORIZED, "E-mail or password is wrong", "No account has this e-mail address with this password. Which of the two is wrong is not told.";

    Forbidden = "forbidden", FORBIDDEN, "Not permitted", "You are signed in, but this is not yours to do.";
    OriginNotAllowed = "origin-not-allowed", FORBIDDEN, "The origin is not allowed", "A request that changes something and is signed in by cookie must come from an allowed origin, named in Origin or Sec-Fetch-Site.";
    VerifyEmailFirst = "verify-email-first", FORBIDDEN, "Confirm your e-mail address first", "This needs an account whose e-mail address was confirmed. Ask for a new confirmation mail.";
    RoleNotPublic = "role-not-public", FORBIDDEN, "The role is not for sign-up", "Only some roles may be asked for at sign-up; this one is given by an administrator.";
    WrongPassword = "wrong-password", FORBIDDEN, "The password is wrong", "The present password is asked for, and the one that came is not it.";
    RecentSignInNeeded = "recent-sign-in-needed", FORBIDDEN, "Show who you are again", "This needs the present password, or a sign-in that is less than ten minutes old.";
    BeyondOwnPermissions = "beyond-own-permissions", FORBIDDEN, "It is more than you may do yourself", "Nobody gives, takes or touches what includes a permission that they lack: not a role, and not an account that holds one.";
    SecurityQuestionsNotAllowed = "security-questions-not-allowed", FORBIDDEN, "Not with security questions", "An account with more permissions than an organizer's cannot be recovered by security questions.";
    ExternalSignInRefused = "external-sign-in-refused", FORBIDDEN, "The sign-in elsewhere is not accepted", "The sign-in with the other provider could not be confirmed, has lapsed, or its e-mail address is not verified there. Begin anew.";
    ResultsHidden = "results-hidden", FORBIDDEN, "The results are not shown yet", "The results are shown to all when voting has closed.";
    SeatNeeded = "seat-needed", FORBIDDEN, "A seat is needed", "This is for those who hold a seat at the event.";
    StreamNotOpen = "stream-not-open", FORBIDDEN, "The stream is not open", "The stream opens shortly before the event starts and closes after its end.";

    NotFound = "not-found", NOT_FOUND, "Not found", "There is nothing here, or nothing that you may know of.";
    GoogleNotConfigured = "google-not-configured", NOT_FOUND, "Google sign-in is not configured", "This server has no client of Google's; sign in with e-mail and password.";
    UnknownTicket = "unknown-ticket", NOT_FOUND, "No such ticket", "No ticket has this code. If it was typed, look whether it was read rightly.";
    NoVote = "no-vote", NOT_FOUND, "No vote yet", "You have not voted at this event.";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The method is not allowed here", "The path exists, but not with this method; the Allow header lists those it has.";
    NotAcceptable = "not-acceptable", NOT_ACCEPTABLE, "No such form", "The path has none of the media types that the Accept header asks for.";

    EmailTaken = "email-taken", CONFLICT, "The e-mail address is taken", "An account with this e-mail address exists already.";
    AlreadyRegistered = "already-registered", CONFLICT, "Already registered", "The attendee has a registration for this event already.";
    AlreadyWaiting = "already-waiting", CONFLICT, "Already on the waitlist", "The attendee waits for a seat at this event already.";
    EventFull = "event-full", CONFLICT, "The event is full", "No seat is left, and the event has no waitlist.";
    RegistrationNotOpen = "registration-not-open", CONFLICT, "Registration is not open yet", "The window for registration has not opened yet.";
    RegistrationClosed = "registration-closed", CONFLICT, "Registration is closed", "The window for registration has closed.";
    EventNotPublished = "event-not-published", CONFLICT, "The event is not published", "This is possible only with a published event.";
    EventOver = "event-over", CONFLICT, "The event is over", "The event has started or ended, and this is no longer possible.";
    EventReadOnly = "event-read-only", CONFLICT, "The event is read-only", "A cancelled or completed event cannot be changed.";
    EventHasRegistrations = "event-has-registrations", CONFLICT, "Someone is registered", "This is possible only while nobody is registered or waiting.";
    EventHasPayments = "event-has-payments", CONFLICT, "Payments belong to the event", "An event with payments cannot be deleted; cancel it instead.";
    PlaceTaken = "place-taken", CONFLICT, "The place is taken", "Another published event is at this location on that day.";
    CapacityBelowTaken = "capacity-below-taken", CONFLICT, "The capacity is below the seats taken", "More seats are taken than the new capacity has.";
    PaymentsNotConfigured = "payments-not-configured", CONFLICT, "Payments are not configured", "A paid event cannot be published while the server has no payment provider.";
    SmsNotConfigured = "sms-not-configured", CONFLICT, "Text messages are not configured", "This server has no gateway for text messages, so it sends none.";
    PhoneMissing = "phone-missing", CONFLICT, "There is no phone", "Your profile has no phone number; note it there first.";
    PhoneNotVerified = "phone-not-verified", CONFLICT, "The phone is not confirmed", "Text messages go to a number that was confirmed by a code only. Note it in your profile, ask for a code and confirm it.";
    NoVoting = "no-voting", CONFLICT, "There is no voting", "The event has no voting for its speaker.";
    VotingNotOpen = "voting-not-open", CONFLICT, "Voting is not open yet", "The window for voting has not opened yet; `opens_at` says when it does.";
    VotingClosed = "voting-closed", CONFLICT, "Voting is closed", "The window for voting has closed: at the latest with the start of the event, and when it is called off.";
    AlreadyCandidate = "already-candidate", CONFLICT, "A candidate already", "The person stands at this event already, or was asked to.";
    NominationsUsed = "nominations-used", CONFLICT, "No more nominations", "One account names so many others at one event, and no more.";
    CandidaciesUsed = "candidacies-used", CONFLICT, "No more candidacies", "One person stands so often at one event, giving up and standing anew, and no more.";
    CandidatesFull = "candidates-full", CONFLICT, "No more candidates", "The event has as many candidates as one can have.";
    WaitlistClosed = "waitlist-closed", CONFLICT, "The waitlist is closed", "Nobody can join the waitlist of this event now.";
    AlreadyAttended = "already-attended", CONFLICT, "Already attended", "The attendee was checked in; undo the check-in first.";
    AlreadyCheckedIn = "already-checked-in", CONFLICT, "Already checked in", "The ticket was scanned before; `checked_in_at` says when.";
    TicketForAnotherEvent = "ticket-for-another-event", CONFLICT, "The ticket is for another event", "The ticket is a good one, but not for this event.";
    TicketVoid = "ticket-void", CONFLICT, "The ticket is no longer good", "The seat was given back, taken with the event, or its hold ran out; `registration_status` says which. Nobody is let in with this ticket.";
    TicketUnpaid = "ticket-unpaid", CONFLICT, "The seat is not paid", "The seat is held until it is paid; only then the ticket is good.";
    CheckInClosed = "check-in-closed", CONFLICT, "Check-in is closed", "People are checked in until 24 hours after the end of an event, and not at one that was called off.";
    NotCancellable = "not-cancellable", CONFLICT, "Cannot be cancelled", "The registration is not live any more, so there is nothing to cancel.";
    NoTicket = "no-ticket", CONFLICT, "There is no ticket", "A ticket belongs to a seat that is held: confirmed, or attended. This registration has none; `detail` says why.";
    AccountNeeded = "account-needed", CONFLICT, "An account is needed", "An attendee without an account cannot wait for a paid seat.";
    NoOffer = "no-offer", CONFLICT, "There is no offer", "No seat is offered to you, or the offer has lapsed.";
    SeatFree = "seat-free", CONFLICT, "A seat is free", "Nobody waits while a seat is free: register the person instead.";
    NothingToPromote = "nothing-to-promote", CONFLICT, "No seat to give", "No seat is free for the waiting person.";
    OwnsUpcomingEvents = "owns-upcoming-events", CONFLICT, "Upcoming events are yours", "Hand over or cancel your upcoming events first.";
    LastAdmin = "last-admin", CONFLICT, "The last administrator", "The last administrator cannot be removed, demoted, suspended or erased.";
    RoleBuiltIn = "role-built-in", CONFLICT, "The role is built in", "The roles that Podium comes with cannot be changed or deleted; make another one.";
    RoleInUse = "role-in-use", CONFLICT, "The role is in use", "People hold this role. Say with `move_to` which role they get instead.";
    AttendeeHasAccount = "attendee-has-account", CONFLICT, "The attendee has an account", "Name and address of an attendee with an account are the account's; they are changed there, by the person.";
    OwnCandidacy = "own-candidacy", CONFLICT, "Nobody votes for themselves", "The vote would be for the voter's own candidacy.";
    CandidateGone = "candidate-gone", CONFLICT, "The candidate stands no longer", "The candidate has withdrawn, or has no seat at the event any more.";
    VotedSignedIn = "voted-signed-in", CONFLICT, "You have voted signed in", "A vote was cast for somebody else by an account that was signed in. A link does not take its place; sign in to change it.";
    AlreadyExists = "already-exists", CONFLICT, "It exists already", "Something with this name or key exists already.";
    WrongState = "wrong-state", CONFLICT, "Not possible in this state", "The thing is in a state in which this is not possible; `detail` says which.";
    MessageGone = "message-gone", CONFLICT, "The message can no longer be sent", "What it said was taken out, or is worth nothing any more: it was dropped, or its time is over.";
    MessageInProgress = "message-in-progress", CONFLICT, "The message is being sent", "It is on its way at this moment. Look again when that is over.";
    IdempotencyInProgress = "idempotency-in-progress", CONFLICT, "The first request is still running", "A request with the same Idempotency-Key has not finished yet. Repeat it in a moment.";

    PreconditionFailed = "precondition-failed", PRECONDITION_FAILED, "It was changed meanwhile", "The version that If-Match names is not the present one. Read it anew and apply the change to that.";
    BodyTooLarge = "body-too-large", PAYLOAD_TOO_LARGE, "The body is too large", "A body has 256 KiB at the most.";
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body's type is not supported", "Send the body with the Content-Type that the route takes; for most it is application/json.";
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "The content does not fit", "The body is JSON, but something in it does not fit; `errors` lists what, with a JSON Pointer (RFC 6901) to each.";
    NotATicket = "not-a-ticket", UNPROCESSABLE_ENTITY, "This is not a ticket", "What was scanned or typed is neither the code of a ticket nor the text of a QR code that this server signed: it is something else, was misread, or is forged.";
    CodeRefused = "code-refused", UNPROCESSABLE_ENTITY, "The link, code or answer is not accepted", "It is wrong, used, lapsed, or was tried too often; which of these is not told. Ask for a new one.";
    IdempotencyKeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The key was used for another request", "The same Idempotency-Key came before with another content. Take a new key for a new request.";
    RateLimited = "rate-limited", TOO_MANY_REQUESTS, "Too many requests", "Wait as long as Retry-After says.";

    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong here", "The server failed. The operator finds the cause in the log under the request's id.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Not available at the moment", "Something that the server needs is away. Try again after as long as Retry-After says.";
}

impl ProblemType {
    /// The problem of that name.
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|problem| problem.slug() == slug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_slug_is_unique_and_leads_back_to_its_problem() {
        let slugs: HashSet<&str> = ProblemType::ALL.iter().map(|problem| problem.slug()).collect();
        assert_eq!(slugs.len(), ProblemType::ALL.len());
        for problem in ProblemType::ALL {
            assert_eq!(ProblemType::from_slug(problem.slug()), Some(*problem));
            assert_eq!(problem.uri().strip_prefix("/problems/"), Some(problem.slug()));
            assert!(problem.status().is_client_error() || problem.status().is_server_error());
        }
    }
}
