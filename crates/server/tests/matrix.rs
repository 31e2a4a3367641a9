//! Who may do what: every operation of the served document, asked by every kind of caller.
//!
//! The table below is the expectation; an operation of the document without a row fails, and so does a row without an
//! operation.

mod campaigns;
mod world;

use crate::support::operations;
use kernel::Permission::{
    self, AttendeeRead, AttendeeReadAny, AttendeeWrite, AttendeeWriteAny, AuditRead, CampaignReview,
    CheckinScan, EventCreate, EventManageAny, JobManage, RegistrationReadAny, RoleManage, SpeakerSelect,
    StatisticsRead, UserManage,
};
use std::collections::BTreeSet;
use testkit::{Harness, TestDatabase, on_both_databases};
use world::{Caller, Content, Of, World};

on_both_databases! {
    every_operation_answers_each_kind_of_caller_as_the_table_says,
    a_missing_sign_in_is_said_before_anything_of_the_request,
    a_stranger_is_refused_before_anything_is_said_of_the_body,
    every_change_by_who_manages_or_administers_leaves_a_row,
}

/// What an operation answers to each of [`Caller::COLUMNS`], in their order, and to people whose one permission changes
/// something; any other single permission is worth nothing, which is what a stranger gets.
struct Row {
    method: &'static str,
    path: &'static str,
    of: Of,
    content: Content,
    statuses: [u16; 10],
    besides: &'static [(Permission, u16)],
}

const fn row(
    method: &'static str,
    path: &'static str,
    of: Of,
    content: Content,
    statuses: [u16; 10],
    besides: &'static [(Permission, u16)],
) -> Row {
    Row {
        method,
        path,
        of,
        content,
        statuses,
        besides,
    }
}

/// What a permission that an organizer does not have is worth where an account must not hold any.
const BEYOND_ORGANIZER: &[(Permission, u16)] = &[
    (Permission::EventManageAny, 403),
    (Permission::AttendeeReadAny, 403),
    (Permission::AttendeeWriteAny, 403),
    (Permission::RegistrationReadAny, 403),
    (Permission::CheckinScan, 403),
    (Permission::SpeakerSelect, 403),
    (Permission::CampaignReview, 403),
    (Permission::UserManage, 403),
    (Permission::RoleManage, 403),
    (Permission::AuditRead, 403),
    (Permission::JobManage, 403),
    (Permission::StatisticsRead, 403),
];

const READS_PEOPLE: &[(Permission, u16)] = &[(AttendeeRead, 200), (AttendeeReadAny, 200)];
const SEES_CAMPAIGNS: &[(Permission, u16)] = &[(EventManageAny, 200), (CampaignReview, 200)];
const WRITES_PEOPLE: &[(Permission, u16)] = &[(AttendeeWrite, 201), (AttendeeWriteAny, 201)];

#[rustfmt::skip]
const TABLE: &[Row] = {
    use Content::{
        Account, Addition, Address, AdminAccount, AdminRole, Answers, AnswersReset, Approval, AuditorsRole, Ballot, Campaign, Candidacy, Choice, Confirmation, EmptyRole,
        Guest, LinkReset, List, Name, NewEmail, NewEvent, NewPerson, News, NoPermission, Nothing, OneRole, Phone, PhoneCode, Place, Position,
        Preferences, Reads, Reason, Refresh, Scan, Seats, SignIn, SignUp, StaffRole, Subject, Suspension, Talk, Title, WrongPassword, WrongPasswordAlone,
    };
    use Of::{Draft, Power, Published, Quiet};
    &[
        //                                                        not signed in ─┬─────────  strange hold wait other organ admin
        //                                                        nobody bad  susp  ended
        row("GET",    "/events", Published, Nothing,                [200, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),
        row("POST",   "/events", Published, NewEvent,               [401, 401, 401, 401,     403, 403, 403, 201, 201, 201], &[(EventCreate, 201)]),
        row("GET",    "/events/{id}", Published, Nothing,           [200, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),
        row("GET",    "/events/{id}", Draft, Nothing,               [404, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("PATCH",  "/events/{id}", Published, Title,             [401, 401, 401, 401,     403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("PATCH",  "/events/{id}", Draft, Title,                 [401, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("DELETE", "/events/{id}", Published, Nothing,           [401, 401, 401, 401,     403, 403, 403, 403, 204, 204], &[(EventManageAny, 204)]),
        row("DELETE", "/events/{id}", Draft, Nothing,               [401, 401, 401, 401,     404, 404, 404, 404, 204, 204], &[(EventManageAny, 204)]),
        row("POST",   "/events/{id}/publish", Draft, Nothing,       [401, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("POST",   "/events/{id}/publish", Published, Nothing,   [401, 401, 401, 401,     403, 403, 403, 403, 409, 409], &[(EventManageAny, 409)]),
        row("POST",   "/events/{id}/cancel", Published, Reason,     [401, 401, 401, 401,     403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("POST",   "/events/{id}/cancel", Draft, Reason,         [401, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),

        row("POST",   "/events/{id}/unpublish", Published, Nothing, [401, 401, 401, 401,     403, 403, 403, 403, 409, 409], &[(EventManageAny, 409)]),
        row("POST",   "/events/{id}/unpublish", Quiet, Nothing,     [401, 401, 401, 401,     403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("POST",   "/events/{id}/unpublish", Draft, Nothing,     [401, 401, 401, 401,     404, 404, 404, 404, 409, 409], &[(EventManageAny, 409)]),
        // Who makes no events copies none.
        row("POST",   "/events/{id}/copy", Quiet, Place,            [401, 401, 401, 401,     403, 403, 403, 403, 201, 201], &[]),
        row("POST",   "/events/{id}/copy", Draft, Place,            [401, 401, 401, 401,     404, 404, 404, 404, 201, 201], &[(EventManageAny, 403)]),
        row("POST",   "/events/{id}/announcements", Published, News, [401, 401, 401, 401,    403, 403, 403, 403, 202, 202], &[(EventManageAny, 202)]),
        row("POST",   "/events/{id}/announcements", Draft, News,    [401, 401, 401, 401,     404, 404, 404, 404, 409, 409], &[(EventManageAny, 409)]),
        row("GET",    "/events/{id}/statistics", Published, Nothing, [401, 401, 401, 401,    403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/events/{id}/statistics", Draft, Nothing,    [401, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),

        row("POST",   "/events/{id}/registrations", Published, Nothing, [401, 401, 401, 401, 202, 409, 409, 202, 202, 202], &[]),
        row("POST",   "/events/{id}/registrations", Draft, Nothing, [401, 401, 401, 401,     404, 404, 404, 404, 409, 409], &[(EventManageAny, 409)]),
        row("POST",   "/events/{id}/registrations", Published, Guest, [401, 401, 401, 401,   403, 403, 403, 403, 202, 202], &[(EventManageAny, 202)]),
        row("POST",   "/events/{id}/registrations", Draft, Guest,   [401, 401, 401, 401,     404, 404, 404, 404, 409, 409], &[(EventManageAny, 409)]),
        row("GET",    "/events/{id}/registrations", Published, Nothing, [401, 401, 401, 401, 403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/events/{id}/registrations", Draft, Nothing, [401, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("POST",   "/events/{id}/registrations/import", Published, List, [401, 401, 401, 401, 403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("POST",   "/events/{id}/registrations/import", Draft, List, [401, 401, 401, 401, 404, 404, 404, 404, 409, 409], &[(EventManageAny, 409)]),
        row("GET",    "/events/{id}/attendees.csv", Published, Nothing, [401, 401, 401, 401, 403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/events/{id}/attendees.csv", Draft, Nothing, [401, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/registrations/{id}/ticket.ics", Published, Nothing, [401, 401, 401, 401, 404, 200, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/events/{id}/calendar.ics", Published, Nothing, [200, 401, 401, 401,  200, 200, 200, 200, 200, 200], &[]),
        row("GET",    "/events/{id}/calendar.ics", Draft, Nothing,  [404, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/events.ics", Published, Nothing,            [200, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),
        row("GET",    "/registrations/{id}", Published, Nothing,    [401, 401, 401, 401,     404, 200, 404, 404, 200, 200], &[(EventManageAny, 200), (RegistrationReadAny, 200)]),
        row("DELETE", "/registrations/{id}", Published, Nothing,    [401, 401, 401, 401,     404, 200, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/registrations/{id}/ticket", Published, Nothing, [401, 401, 401, 401, 404, 200, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/registrations/{id}/ticket.json", Published, Nothing, [401, 401, 401, 401, 404, 200, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/registrations/{id}/ticket.svg", Published, Nothing, [401, 401, 401, 401, 404, 200, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/registrations/{id}/ticket.png", Published, Nothing, [401, 401, 401, 401, 404, 200, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/registrations/{id}/ticket.pdf", Published, Nothing, [401, 401, 401, 401, 404, 200, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/tickets/keys", Published, Nothing,          [200, 200, 200, 200,     200, 200, 200, 200, 200, 200], &[]),
        row("POST",   "/registrations/{id}/resend", Published, Nothing, [401, 401, 401, 401, 404, 202, 404, 404, 202, 202], &[(EventManageAny, 202)]),
        row("GET",    "/events/{id}/participants", Published, Nothing, [401, 401, 401, 401,  403, 200, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/events/{id}/participants", Draft, Nothing,  [401, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),

        // Of::Published is somebody at the event, Of::Draft one whom the organiser noted.
        row("GET",    "/attendees", Published, Nothing,             [401, 401, 401, 401,     403, 403, 403, 200, 200, 200], READS_PEOPLE),
        row("POST",   "/attendees", Published, NewPerson,           [401, 401, 401, 401,     403, 403, 403, 201, 201, 201], WRITES_PEOPLE),
        row("GET",    "/attendees/{id}", Published, Nothing,        [401, 401, 401, 401,     403, 403, 403, 404, 200, 200], &[(AttendeeRead, 404), (AttendeeReadAny, 200)]),
        row("GET",    "/attendees/{id}", Draft, Nothing,            [401, 401, 401, 401,     403, 403, 403, 404, 200, 200], &[(AttendeeRead, 404), (AttendeeReadAny, 200)]),
        row("PATCH",  "/attendees/{id}", Published, Phone,          [401, 401, 401, 401,     403, 403, 403, 404, 403, 200], &[(AttendeeWrite, 404), (AttendeeWriteAny, 200)]),
        row("PATCH",  "/attendees/{id}", Draft, Phone,              [401, 401, 401, 401,     403, 403, 403, 404, 200, 200], &[(AttendeeWrite, 404), (AttendeeWriteAny, 200)]),
        row("DELETE", "/attendees/{id}", Published, Nothing,        [401, 401, 401, 401,     403, 403, 403, 404, 403, 204], &[(AttendeeWrite, 404), (AttendeeWriteAny, 204)]),
        row("DELETE", "/attendees/{id}", Draft, Nothing,            [401, 401, 401, 401,     403, 403, 403, 404, 204, 204], &[(AttendeeWrite, 404), (AttendeeWriteAny, 204)]),

        row("GET",    "/registrations", Published, Nothing,         [401, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),

        row("GET",    "/events/{id}/waitlist/me", Published, Nothing, [401, 401, 401, 401,   404, 404, 200, 404, 404, 404], &[]),
        row("DELETE", "/events/{id}/waitlist/me", Published, Nothing, [401, 401, 401, 401,   404, 404, 204, 404, 404, 404], &[]),
        row("GET",    "/events/{id}/waitlist", Published, Nothing,  [401, 401, 401, 401,     403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/events/{id}/waitlist", Draft, Nothing,      [401, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("PATCH",  "/events/{id}/waitlist/{entry_id}", Published, Position, [401, 401, 401, 401, 403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("DELETE", "/events/{id}/waitlist/{entry_id}", Published, Reason, [401, 401, 401, 401, 403, 403, 403, 403, 204, 204], &[(EventManageAny, 204)]),

        // No seat is free, and the attendee waits already.
        row("POST",   "/events/{id}/waitlist/{entry_id}/promote", Published, Reason, [401, 401, 401, 401, 403, 403, 403, 403, 409, 409], &[(EventManageAny, 409)]),
        row("POST",   "/events/{id}/waitlist", Published, Addition, [401, 401, 401, 401,     403, 403, 403, 403, 409, 409], &[(EventManageAny, 409)]),

        row("POST",   "/events/{id}/check-ins", Published, Scan,    [401, 401, 401, 401,     403, 403, 403, 403, 200, 200], &[(EventManageAny, 200), (CheckinScan, 200)]),
        row("POST",   "/events/{id}/check-ins", Draft, Scan,        [401, 401, 401, 401,     404, 404, 404, 404, 409, 409], &[(EventManageAny, 409), (CheckinScan, 404)]),
        // Nobody is checked in.
        row("DELETE", "/events/{id}/check-ins/{registration_id}", Published, Nothing, [401, 401, 401, 401, 403, 403, 403, 403, 404, 404], &[(EventManageAny, 404)]),
        row("GET",    "/events/{id}/tickets/revoked", Published, Nothing, [401, 401, 401, 401, 403, 403, 403, 403, 200, 200], &[(EventManageAny, 200), (CheckinScan, 200)]),
        row("GET",    "/events/{id}/tickets/revoked", Draft, Nothing, [401, 401, 401, 401,   404, 404, 404, 404, 200, 200], &[(EventManageAny, 200), (CheckinScan, 404)]),

        // Two others hold seats and stand; the one who is named in the path does not speak.
        row("GET",    "/events/{id}/candidates", Published, Nothing, [401, 401, 401, 401,    403, 200, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/events/{id}/candidates", Draft, Nothing,    [401, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("POST",   "/events/{id}/candidates", Published, Candidacy, [401, 401, 401, 401,  403, 201, 403, 403, 403, 403], &[]),
        row("POST",   "/events/{id}/candidates", Draft, Candidacy,  [401, 401, 401, 401,     404, 404, 404, 404, 403, 403], &[(EventManageAny, 403)]),
        row("PATCH",  "/events/{id}/candidates/{candidate_id}", Published, Talk, [401, 401, 401, 401, 403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("PATCH",  "/events/{id}/candidates/{candidate_id}", Draft, Talk, [401, 401, 401, 401, 404, 404, 404, 404, 404, 404], &[]),
        row("DELETE", "/events/{id}/candidates/{candidate_id}", Published, Nothing, [401, 401, 401, 401, 403, 403, 403, 403, 204, 204], &[(EventManageAny, 204)]),
        // The holder was asked to stand.
        row("POST",   "/events/{id}/candidates/{candidate_id}/accept", Published, Nothing, [401, 401, 401, 401, 404, 200, 404, 404, 404, 404], &[]),
        row("GET",    "/events/{id}/vote", Published, Nothing,      [401, 401, 401, 401,     403, 404, 403, 403, 403, 403], &[]),
        row("GET",    "/events/{id}/vote", Draft, Nothing,          [401, 401, 401, 401,     404, 404, 404, 404, 403, 403], &[(EventManageAny, 403)]),
        row("PUT",    "/events/{id}/vote", Published, Ballot,       [401, 401, 401, 401,     403, 200, 403, 403, 403, 403], &[]),
        row("PUT",    "/events/{id}/vote", Draft, Ballot,           [401, 401, 401, 401,     404, 404, 404, 404, 403, 403], &[(EventManageAny, 403)]),
        row("DELETE", "/events/{id}/vote", Published, Nothing,      [401, 401, 401, 401,     403, 204, 403, 403, 403, 403], &[]),
        row("GET",    "/events/{id}/results", Published, Nothing,   [403, 401, 401, 401,     403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        // There is no voting at it.
        row("GET",    "/events/{id}/results", Draft, Nothing,       [404, 401, 401, 401,     404, 404, 404, 404, 409, 409], &[(EventManageAny, 409)]),
        row("PUT",    "/events/{id}/speaker", Published, Choice,    [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(SpeakerSelect, 200)]),
        // Nobody is listed there.
        row("PUT",    "/events/{id}/speaker", Draft, Choice,        [401, 401, 401, 401,     403, 403, 403, 403, 403, 422], &[(SpeakerSelect, 404)]),
        row("DELETE", "/events/{id}/speaker", Published, Nothing,   [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(SpeakerSelect, 200)]),

        row("GET",    "/events/{id}/staff", Published, Nothing,     [401, 401, 401, 401,     403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/events/{id}/staff", Draft, Nothing,         [401, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/events/{id}/staff/{user_id}", Published, Nothing, [401, 401, 401, 401, 403, 403, 403, 403, 200, 200], &[(EventManageAny, 200)]),
        row("PUT",    "/events/{id}/staff/{user_id}", Published, StaffRole, [401, 401, 401, 401, 403, 403, 403, 403, 201, 201], &[(EventManageAny, 201)]),
        row("PUT",    "/events/{id}/staff/{user_id}", Draft, StaffRole, [401, 401, 401, 401, 404, 404, 404, 404, 201, 201], &[(EventManageAny, 201)]),
        row("DELETE", "/events/{id}/staff/{user_id}", Published, Nothing, [401, 401, 401, 401, 403, 403, 403, 403, 204, 204], &[(EventManageAny, 204)]),

        row("GET",    "/users/me", Published, Nothing,              [401, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),
        row("PATCH",  "/users/me", Published, Name,                 [401, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),
        row("GET",    "/users/me/export", Published, Nothing,       [401, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),
        // With the right one nobody would be left to ask.
        row("DELETE", "/users/me", Published, WrongPasswordAlone,   [401, 401, 401, 401,     403, 403, 403, 403, 403, 403], &[]),
        row("PUT",    "/users/me/security-questions", Published, Answers, [401, 401, 401, 401, 204, 204, 204, 204, 204, 403], BEYOND_ORGANIZER),
        row("POST",   "/users/me/email", Published, NewEmail,       [401, 401, 401, 401,     202, 202, 202, 202, 202, 202], &[]),
        // The link is all that it takes: it is the holder's, whoever asks.
        row("GET",    "/vote-links/{token}", Published, Nothing,    [200, 200, 200, 200,     200, 200, 200, 200, 200, 200], &[]),
        row("POST",   "/vote-links/{token}", Published, Nothing,    [200, 200, 200, 200,     200, 200, 200, 200, 200, 200], &[]),
        row("GET",    "/unsubscribe/{token}", Published, Nothing,   [200, 200, 200, 200,     200, 200, 200, 200, 200, 200], &[]),
        row("POST",   "/unsubscribe/{token}", Published, Nothing,   [200, 200, 200, 200,     200, 200, 200, 200, 200, 200], &[]),
        // The holder asked for it. Of::Quiet is one that is on its way, Of::Power one that is held.
        row("POST",   "/events/{id}/campaigns", Published, Campaign, [401, 401, 401, 401,    403, 403, 403, 403, 201, 201], &[(EventManageAny, 201)]),
        row("POST",   "/events/{id}/campaigns", Draft, Campaign,    [401, 401, 401, 401,     404, 404, 404, 404, 422, 422], &[(EventManageAny, 422)]),
        row("GET",    "/events/{id}/campaigns", Published, Nothing, [401, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),
        row("GET",    "/events/{id}/campaigns", Draft, Nothing,     [401, 401, 401, 401,     404, 404, 404, 404, 200, 200], &[(EventManageAny, 200)]),
        row("GET",    "/users/me/campaigns", Published, Nothing,    [401, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),
        // Of::Published is one for a candidacy of the holder's own, Of::Draft one for another's.
        row("GET",    "/campaigns/{id}", Published, Nothing,        [401, 401, 401, 401,     404, 200, 404, 404, 200, 200], SEES_CAMPAIGNS),
        row("GET",    "/campaigns/{id}/preview", Published, Nothing, [401, 401, 401, 401,    404, 200, 404, 404, 200, 200], SEES_CAMPAIGNS),
        row("PATCH",  "/campaigns/{id}", Published, Subject,        [401, 401, 401, 401,     404, 200, 404, 404, 200, 200], &[(EventManageAny, 200), (CampaignReview, 403)]),
        row("POST",   "/campaigns/{id}/approve", Draft, Approval, [401, 401, 401, 401,   403, 403, 403, 403, 403, 200], &[(CampaignReview, 200)]),
        row("POST",   "/campaigns/{id}/reject", Draft, Reason,  [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(CampaignReview, 200)]),
        row("POST",   "/campaigns/{id}/pause", Quiet, Reason,       [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(CampaignReview, 200)]),
        row("POST",   "/campaigns/{id}/resume", Power, Nothing,     [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(CampaignReview, 200)]),
        row("POST",   "/campaigns/{id}/cancel", Published, Reason,  [401, 401, 401, 401,     404, 200, 404, 404, 403, 200], &[(EventManageAny, 403), (CampaignReview, 200)]),
        row("GET",    "/campaigns/{id}/deliveries", Quiet, Nothing, [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(CampaignReview, 200)]),

        row("PUT",    "/users/me/preferences", Published, Preferences, [401, 401, 401, 401,  200, 200, 200, 200, 200, 200], &[]),
        // The server has no gateway for text messages.
        row("POST",   "/users/me/phone/verification", Published, Nothing, [401, 401, 401, 401, 409, 409, 409, 409, 409, 409], &[]),
        row("POST",   "/users/me/phone/verification/confirm", Published, PhoneCode, [401, 401, 401, 401, 422, 422, 422, 422, 422, 422], &[]),
        row("GET",    "/users/me/registrations", Published, Nothing, [401, 401, 401, 401,    200, 200, 200, 200, 200, 200], &[]),
        row("GET",    "/users/me/waitlist", Published, Nothing,     [401, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),
        row("GET",    "/users/me/events", Published, Nothing,       [401, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),
        row("GET",    "/users/{id}", Published, Nothing,            [401, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),

        row("POST",   "/auth/register", Published, SignUp,          [201, 201, 201, 201,     201, 201, 201, 201, 201, 201], &[]),
        row("POST",   "/auth/login", Published, SignIn,             [200, 200, 200, 200,     200, 200, 200, 200, 200, 200], &[]),
        row("POST",   "/auth/refresh", Published, Refresh,          [200, 200, 200, 200,     200, 200, 200, 200, 200, 200], &[]),
        row("POST",   "/auth/password/change", Published, WrongPassword, [401, 401, 401, 401, 403, 403, 403, 403, 403, 403], &[]),
        row("POST",   "/auth/password/forgot", Published, Address,  [202, 202, 202, 202,     202, 202, 202, 202, 202, 202], &[]),
        row("POST",   "/auth/password/reset", Published, LinkReset, [422, 422, 422, 422,     422, 422, 422, 422, 422, 422], &[]),
        row("GET",    "/auth/security-questions", Published, Nothing, [200, 200, 200, 200,   200, 200, 200, 200, 200, 200], &[]),
        row("POST",   "/auth/password/security-questions", Published, Address, [200, 200, 200, 200, 200, 200, 200, 200, 200, 200], &[]),
        row("POST",   "/auth/password/reset-with-answers", Published, AnswersReset, [422, 422, 422, 422, 422, 422, 422, 422, 422, 422], &[]),
        row("GET",    "/auth/google", Published, Nothing,           [404, 404, 404, 404,     404, 404, 404, 404, 404, 404], &[]),
        row("GET",    "/auth/google/callback", Published, Nothing,  [404, 404, 404, 404,     404, 404, 404, 404, 404, 404], &[]),
        row("POST",   "/auth/email/verification", Published, Nothing, [401, 401, 401, 401,   202, 202, 202, 202, 202, 202], &[]),
        row("POST",   "/auth/email/verification/confirm", Published, Confirmation, [204, 204, 204, 204, 204, 204, 204, 204, 204, 204], &[]),
        row("GET",    "/auth/sessions", Published, Nothing,         [401, 401, 401, 401,     200, 200, 200, 200, 200, 200], &[]),
        row("DELETE", "/auth/sessions/{id}", Published, Nothing,    [401, 401, 401, 401,     404, 204, 404, 404, 404, 404], &[]),
        // Of::Power names an admin, or a role that permits more than who manages roles alone may do.
        row("GET",    "/admin/users", Published, Nothing,           [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(UserManage, 200)]),
        row("POST",   "/admin/users", Published, Account,           [401, 401, 401, 401,     403, 403, 403, 403, 403, 201], &[(UserManage, 201)]),
        row("POST",   "/admin/users", Published, AdminAccount,      [401, 401, 401, 401,     403, 403, 403, 403, 403, 201], &[]),
        row("GET",    "/admin/users/{id}", Published, Nothing,      [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(UserManage, 200)]),
        row("GET",    "/admin/users/{id}", Power, Nothing,          [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(UserManage, 200)]),
        row("PATCH",  "/admin/users/{id}", Published, Name,         [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(UserManage, 200)]),
        row("PATCH",  "/admin/users/{id}", Published, Suspension,   [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(UserManage, 200)]),
        row("PATCH",  "/admin/users/{id}", Power, Name,             [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[]),
        row("PATCH",  "/admin/users/{id}", Power, Suspension,       [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[]),
        row("PUT",    "/admin/users/{id}/roles", Published, OneRole, [401, 401, 401, 401,    403, 403, 403, 403, 403, 200], &[(UserManage, 200)]),
        row("PUT",    "/admin/users/{id}/roles", Published, AdminRole, [401, 401, 401, 401,  403, 403, 403, 403, 403, 200], &[]),
        row("PUT",    "/admin/users/{id}/roles", Power, OneRole,    [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[]),
        row("DELETE", "/admin/users/{id}", Published, Nothing,      [401, 401, 401, 401,     403, 403, 403, 403, 403, 204], &[(UserManage, 204)]),
        row("DELETE", "/admin/users/{id}", Power, Nothing,          [401, 401, 401, 401,     403, 403, 403, 403, 403, 204], &[]),
        row("GET",    "/admin/roles", Published, Nothing,           [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(RoleManage, 200)]),
        row("POST",   "/admin/roles", Published, EmptyRole,         [401, 401, 401, 401,     403, 403, 403, 403, 403, 201], &[(RoleManage, 201)]),
        row("POST",   "/admin/roles", Published, AuditorsRole,      [401, 401, 401, 401,     403, 403, 403, 403, 403, 201], &[]),
        row("PATCH",  "/admin/roles/{name}", Published, NoPermission, [401, 401, 401, 401,   403, 403, 403, 403, 403, 200], &[(RoleManage, 200)]),
        row("PATCH",  "/admin/roles/{name}", Published, Reads,      [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[]),
        row("PATCH",  "/admin/roles/{name}", Power, NoPermission,   [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[]),
        row("DELETE", "/admin/roles/{name}", Published, Nothing,    [401, 401, 401, 401,     403, 403, 403, 403, 403, 204], &[(RoleManage, 204)]),
        row("DELETE", "/admin/roles/{name}", Power, Nothing,        [401, 401, 401, 401,     403, 403, 403, 403, 403, 204], &[]),
        row("GET",    "/admin/permissions", Published, Nothing,     [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(RoleManage, 200)]),
        row("GET",    "/admin/jobs", Published, Nothing,            [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(JobManage, 200)]),
        row("POST",   "/admin/jobs/{id}/retry", Published, Nothing, [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(JobManage, 200)]),
        row("DELETE", "/admin/jobs/{id}", Published, Nothing,       [401, 401, 401, 401,     403, 403, 403, 403, 403, 204], &[(JobManage, 204)]),
        row("GET",    "/admin/registrations", Published, Nothing,   [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(RegistrationReadAny, 200)]),
        row("PATCH",  "/admin/events/{id}/capacity", Published, Seats, [401, 401, 401, 401,  403, 403, 403, 403, 403, 200], &[(EventManageAny, 200)]),
        row("PATCH",  "/admin/events/{id}/capacity", Draft, Seats,  [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(EventManageAny, 200)]),
        row("GET",    "/admin/statistics", Published, Nothing,      [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(StatisticsRead, 200)]),
        row("GET",    "/admin/invariants", Published, Nothing,      [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(StatisticsRead, 200)]),
        row("GET",    "/admin/audit-log", Published, Nothing,       [401, 401, 401, 401,     403, 403, 403, 403, 403, 200], &[(AuditRead, 200)]),

        // The last, because they end every caller's session.
        row("DELETE", "/auth/sessions", Published, Nothing,         [401, 401, 401, 401,     204, 204, 204, 204, 204, 204], &[]),
        row("POST",   "/auth/logout", Published, Nothing,           [401, 401, 401, 401,     204, 204, 204, 204, 204, 204], &[]),
    ]
};

impl Row {
    /// Whether it is about what staff is of: an event, or a seat or a campaign there.
    fn is_of_event(&self) -> bool {
        ["/events/{id}", "/registrations/{id}", "/campaigns/{id}"]
            .iter()
            .any(|of_event| self.path.starts_with(of_event))
    }

    /// A manager of the staff may at the event what its organiser may; a scanner what the permission to scan is worth, which
    /// is what a stranger may but where the row says otherwise.
    fn expected(&self, caller: Caller) -> u16 {
        match caller {
            Caller::Only(permission) => {
                let besides = self.besides.iter().find(|(known, _)| *known == permission);
                besides.map_or(self.expected(Caller::Stranger), |(_, status)| *status)
            }
            // A copy is an event of one's own, which takes more than to run the original.
            Caller::StaffManager if self.path.ends_with("/copy") => 403,
            Caller::StaffManager if self.is_of_event() => self.expected(Caller::Organizer),
            Caller::Scanner if self.is_of_event() => self.expected(Caller::Only(Permission::CheckinScan)),
            Caller::StaffManager | Caller::Scanner => self.expected(Caller::Stranger),
            named => {
                let column = Caller::COLUMNS.iter().position(|column| *column == named);
                self.statuses[column.expect("every named caller has a column")]
            }
        }
    }
}

async fn every_operation_answers_each_kind_of_caller_as_the_table_says(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let in_document: BTreeSet<(String, String)> = operations(&harness)
        .await
        .into_iter()
        .map(|operation| (operation.method, operation.path))
        .collect();
    let in_table: BTreeSet<(String, String)> = TABLE
        .iter()
        .map(|row| (row.method.to_owned(), row.path.to_owned()))
        .collect();
    let missing: Vec<_> = in_document.difference(&in_table).collect();
    let superfluous: Vec<_> = in_table.difference(&in_document).collect();
    assert!(missing.is_empty(), "operations without a row: {missing:?}");
    assert!(
        superfluous.is_empty(),
        "rows without an operation: {superfluous:?}"
    );

    let mut world = World::new(&harness).await;
    let mut wrong = Vec::new();
    for row in TABLE {
        for caller in Caller::all() {
            let (path, content) = world.request(row.path, row.of, row.content).await;
            let answer = world.ask(caller, row.method, &path, content.as_ref()).await;
            let expected = row.expected(caller);
            if answer.status() != expected {
                wrong.push(format!(
                    "{caller:?}: {} {} ({:?}): expected {expected}, got {answer}",
                    row.method, row.path, row.of
                ));
            }
            let changed = row.method != "GET" && !row.path.starts_with("/auth/");
            if changed && (200..300).contains(&answer.status()) {
                world.renew().await;
            }
            if answer.status() == 204 && ["/auth/sessions", "/auth/logout"].contains(&row.path) {
                world.sign_in_again(caller).await;
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cells differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    harness.assert_invariants().await;
}

async fn a_missing_sign_in_is_said_before_anything_of_the_request(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let mut wrong = Vec::new();
    for operation in operations(&harness).await {
        let public = operation.who.iter().any(|who| who == "public");
        for place in ["018f0000-0000-7000-8000-000000000000", "not-an-id"] {
            let method = operation.method.parse().expect("a method");
            let path = operation.path_with(place);
            let request = harness.client().request(method, &path);
            let answer = request.text("text/plain", "{no json").await;
            if (answer.status() == 401) == public {
                wrong.push(format!("x-who {:?}: {answer}", operation.who));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn a_stranger_is_refused_before_anything_is_said_of_the_body(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let world = World::new(&harness).await;
    let mut wrong = Vec::new();
    let mut asked = 0;
    for operation in operations(&harness).await {
        let owned_or_managed = ["own", "manager"]
            .iter()
            .any(|who| operation.who.iter().any(|known| known == who));
        let by_permission = operation.who.iter().all(|who| who.starts_with("permission "));
        if !operation.takes_body || !(owned_or_managed || by_permission) {
            continue;
        }
        for of in [Of::Published, Of::Draft] {
            let (path, _) = world.request(&operation.path, of, Content::Nothing).await;
            let is_private = operation.path.starts_with("/campaigns/");
            let is_hidden = (of == Of::Draft && operation.has_placeholders()) || is_private;
            let expected = if is_hidden && !by_permission { 404 } else { 403 };
            for body in ["{no json", r#"{"nonsense": 1}"#, "[]"] {
                asked += 1;
                let answer = world
                    .ask_raw(Caller::Stranger, &operation.method, &path, body)
                    .await;
                if answer.status() != expected {
                    wrong.push(format!("expected {expected} for {body}: {answer}"));
                }
            }
        }
    }
    assert!(asked > 0, "the document has no operation that guards a body");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Changes that the table asks for at events where they are refused; the rows that they leave are looked for with them.
const WITH_THEIR_TESTS: &[(&str, &str, &str)] = &[
    (
        "DELETE",
        "/events/{id}/check-ins/{registration_id}",
        "check_in.rs",
    ),
    ("POST", "/events/{id}/waitlist", "waitlist_tools.rs"),
    (
        "POST",
        "/events/{id}/waitlist/{entry_id}/promote",
        "waitlist_tools.rs",
    ),
];

/// Changes that leave no row in the log, and why.
const WITHOUT_ROW: &[(&str, &str, &str)] = &[
    ("DELETE", "/events/{id}/waitlist/me", "one's own place"),
    ("DELETE", "/auth/sessions/{id}", "one's own session"),
];

async fn every_change_by_who_manages_or_administers_leaves_a_row(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let operations = operations(&harness).await;
    let mut world = World::new(&harness).await;
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for row in TABLE.iter().filter(|row| row.method != "GET") {
        let same = |operation: &&crate::support::Operation| {
            operation.method == row.method && operation.path == row.path
        };
        let operation = operations.iter().find(same).expect("an operation");
        let guarded = operation.who.iter().any(|who| {
            ["own", "manager", "scanner"].contains(&who.as_str()) || who.starts_with("permission ")
        });
        // Somebody else is registered by who manages the event; oneself by anybody.
        let of_manager = guarded || matches!(row.content, Content::Guest);
        let excused = WITHOUT_ROW
            .iter()
            .any(|(method, path, _)| (*method, *path) == (row.method, row.path));
        // The account has that role already, and the role permits nothing already.
        let changes_nothing =
            row.of == Of::Published && matches!(row.content, Content::OneRole | Content::NoPermission);
        let excused = excused || changes_nothing;
        if !of_manager || excused || !(200..300).contains(&row.expected(Caller::Admin)) {
            continue;
        }
        let (path, content) = world.request(row.path, row.of, row.content).await;
        let before = harness.count("audit_log").await;
        let answer = world
            .ask(Caller::Admin, row.method, &path, content.as_ref())
            .await;
        let (admin, request) = (
            world.admin_id(),
            answer.header("x-request-id").unwrap_or_default().to_owned(),
        );
        let noted = harness
            .count(&format!(
                "audit_log WHERE actor_id = '{admin}' AND request_id = '{request}'"
            ))
            .await;
        let all = harness.count("audit_log").await - before;
        if !(200..300).contains(&answer.status()) || noted < 1 || noted != all {
            wrong.push(format!(
                "{} {} ({:?}): {noted} of {all} rows: {answer}",
                row.method, row.path, row.of
            ));
        }
        seen.insert((row.method, row.path));
        world.renew().await;
    }
    // What a manager can change is asked for at least once with success.
    for operation in &operations {
        let changes = operation.method != "GET"
            && operation
                .who
                .iter()
                .any(|who| ["manager", "scanner"].contains(&who.as_str()) || who.starts_with("permission "));
        let elsewhere = WITH_THEIR_TESTS
            .iter()
            .any(|(method, path, _)| (*method, *path) == (&operation.method, &operation.path));
        if changes && !elsewhere && !seen.contains(&(operation.method.as_str(), operation.path.as_str())) {
            wrong.push(format!(
                "no row of the table changes something by {} {}",
                operation.method, operation.path
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What was written by people is in no row, but the reason that everybody was told.
    let words = "audit_log WHERE (CAST(changes AS TEXT) || COALESCE(reason, '')) LIKE '%@%' \
                 OR CAST(changes AS TEXT) LIKE '%because%' OR CAST(changes AS TEXT) LIKE '%gardener%'";
    assert_eq!(harness.count(words).await, 0);
}
