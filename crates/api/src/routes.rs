//! The route table, to be read from top to bottom: method, path, who, handler, description, and the limit where it is
//! another than that of every route.
//!
//! It drives the router, the limits, the sign-in, the metrics and the OpenAPI document. Within `/api/v1/<word>` the router tries
//! paths in the order of the table.

pub mod accounts;
pub mod attendee_files;
pub mod attendees;
pub mod audit_log;
pub mod auth;
pub mod calendars;
pub mod campaign_links;
pub mod campaign_review;
pub mod campaigns;
pub mod candidates;
pub mod check_ins;
pub mod documentation;
pub mod email;
pub mod event_desk;
pub mod events;
pub mod google;
pub mod health;
pub mod jobs;
pub mod oversight;
pub mod participants;
pub mod passwords;
pub mod phone;
pub mod privacy;
pub mod problems;
pub mod registrations;
pub mod roles;
pub mod security_questions;
pub mod sessions;
pub mod speaker;
pub mod staff;
pub mod tickets;
pub mod users;
pub mod votes;
pub mod waitlist;
pub mod waitlist_tools;

use crate::limits::Limit::{Page, SignIn, SignUp, Unlimited};
use crate::pages::{reset_password, style, ticket, unsubscribe, verify_email, vote};
use crate::route_table::{Endpoint, Party, Who, delete, get, patch, post, put};
use kernel::Permission;

const ACCOUNTS: Who = Who::Permission(Permission::UserManage);
const ALL_REGISTRATIONS: Who = Who::Permission(Permission::RegistrationReadAny);
const ANY_EVENT: Who = Who::Permission(Permission::EventManageAny);
const AUDIT: Who = Who::Permission(Permission::AuditRead);
const JOBS: Who = Who::Permission(Permission::JobManage);
const MANAGER: Who = Who::AnyOf(&[Party::Manager]);
const MAY_ORGANISE: Who = Who::Permission(Permission::EventCreate);
const OWN: Who = Who::AnyOf(&[Party::Owner]);
const OWN_OR_MANAGER: Who = Who::AnyOf(&[Party::Owner, Party::Manager]);
const ROLES: Who = Who::Permission(Permission::RoleManage);
const REVIEWER: Who = Who::Permission(Permission::CampaignReview);
const OWN_OR_REVIEWER: Who = Who::AnyOf(&[Party::Owner, Party::Holder(Permission::CampaignReview)]);
const SEES_CAMPAIGN: Who = Who::AnyOf(&[
    Party::Owner,
    Party::Manager,
    Party::Holder(Permission::CampaignReview),
]);
const DOOR: Who = Who::AnyOf(&[
    Party::Manager,
    Party::Scanner,
    Party::Holder(Permission::CheckinScan),
]);
const STATISTICS: Who = Who::Permission(Permission::StatisticsRead);
const CANDIDATE: Who = Who::AnyOf(&[Party::Candidate]);
const CANDIDATE_OR_MANAGER: Who = Who::AnyOf(&[Party::Candidate, Party::Manager]);
const SEAT: Who = Who::AnyOf(&[Party::SeatHolder]);
const SPEAKERS: Who = Who::Permission(Permission::SpeakerSelect);
const READ_ONE: Who = Who::AnyOf(&[
    Party::Owner,
    Party::Manager,
    Party::Holder(Permission::RegistrationReadAny),
]);
const READS_PEOPLE: Who = Who::AnyOf(&[
    Party::Holder(Permission::AttendeeRead),
    Party::Holder(Permission::AttendeeReadAny),
]);
const SEAT_OR_MANAGER: Who = Who::AnyOf(&[Party::SeatHolder, Party::Manager]);
const WRITES_PEOPLE: Who = Who::AnyOf(&[
    Party::Holder(Permission::AttendeeWrite),
    Party::Holder(Permission::AttendeeWriteAny),
]);

/// Every route there is.
#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "one line a route, to be read from top to bottom")]
pub fn table() -> Vec<Endpoint> {
    use Who::{Public, PublicAsNobody, SignedIn, SignedInOrRefreshCookie};
    vec![
        get("/health/live", PublicAsNobody, health::live, health::describe_live).limited(Unlimited),
        get("/health/ready", PublicAsNobody, health::ready, health::describe_ready).limited(Unlimited),
        get("/metrics", PublicAsNobody, health::metrics, health::describe_metrics).limited(Unlimited),

        get("/problems/", PublicAsNobody, problems::list, problems::describe_list),
        get("/problems/{slug}", PublicAsNobody, problems::explain, problems::describe_explain),

        get("/api-docs/openapi.json", PublicAsNobody, documentation::openapi, documentation::describe_openapi),
        get("/api-docs/", PublicAsNobody, documentation::index, documentation::describe_index),
        get("/api-docs/{file}", PublicAsNobody, documentation::file, documentation::describe_file),

        get("/assets/pages.css", PublicAsNobody, style::show, style::describe_show),
        get("/reset-password", PublicAsNobody, reset_password::show, reset_password::describe_show).page(),
        post("/reset-password", PublicAsNobody, reset_password::submit, reset_password::describe_submit).limited(SignIn).page(),
        get("/verify-email", PublicAsNobody, verify_email::show, verify_email::describe_show).page(),
        post("/verify-email", PublicAsNobody, verify_email::submit, verify_email::describe_submit).limited(SignIn).page(),
        get("/t/{code}", PublicAsNobody, ticket::show, ticket::describe_show).limited(Page).page(),
        get("/vote/{token}", PublicAsNobody, vote::show, vote::describe_show).limited(Page).page(),
        post("/vote/{token}", PublicAsNobody, vote::submit, vote::describe_submit).limited(Page).page(),
        get("/unsubscribe/{token}", PublicAsNobody, unsubscribe::show, unsubscribe::describe_show).limited(Page).page(),
        post("/unsubscribe/{token}", PublicAsNobody, unsubscribe::submit, unsubscribe::describe_submit).limited(Page).page(),

        get("/api/v1/events/{id}", Public, events::read, events::describe_read),
        patch("/api/v1/events/{id}", MANAGER, events::edit, events::describe_edit),
        delete("/api/v1/events/{id}", MANAGER, events::delete, events::describe_delete),
        get("/api/v1/events", Public, events::list, events::describe_list),
        post("/api/v1/events", MAY_ORGANISE, events::create, events::describe_create),
        post("/api/v1/events/{id}/registrations", SignedIn, registrations::register, registrations::describe_register),
        get("/api/v1/events/{id}/registrations", MANAGER, registrations::list_of_event, registrations::describe_list_of_event),
        post("/api/v1/events/{id}/registrations/import", MANAGER, attendee_files::import, attendee_files::describe_import),
        get("/api/v1/events/{id}/attendees.csv", MANAGER, attendee_files::export, attendee_files::describe_export),
        get("/api/v1/events/{id}/calendar.ics", Public, calendars::of_event, calendars::describe_of_event),
        get("/api/v1/events.ics", Public, calendars::feed, calendars::describe_feed),
        post("/api/v1/events/{id}/check-ins", DOOR, check_ins::check_in, check_ins::describe_check_in),
        get("/api/v1/events/{id}/waitlist/me", OWN, waitlist::read_own, waitlist::describe_read_own),
        delete("/api/v1/events/{id}/waitlist/me", OWN, waitlist::leave, waitlist::describe_leave),
        get("/api/v1/events/{id}/waitlist", MANAGER, waitlist::list, waitlist::describe_list),
        patch("/api/v1/events/{id}/waitlist/{entry_id}", MANAGER, waitlist::move_entry, waitlist::describe_move_entry),
        delete("/api/v1/events/{id}/waitlist/{entry_id}", MANAGER, waitlist::remove_entry, waitlist::describe_remove_entry),
        post("/api/v1/events/{id}/waitlist", MANAGER, waitlist_tools::add, waitlist_tools::describe_add),
        post("/api/v1/events/{id}/waitlist/{entry_id}/promote", MANAGER, waitlist_tools::promote, waitlist_tools::describe_promote),
        delete("/api/v1/events/{id}/check-ins/{registration_id}", MANAGER, check_ins::undo, check_ins::describe_undo),
        get("/api/v1/events/{id}/tickets/revoked", DOOR, check_ins::list_revoked, check_ins::describe_list_revoked),
        get("/api/v1/events/{id}/staff", MANAGER, staff::list, staff::describe_list),
        get("/api/v1/events/{id}/staff/{user_id}", MANAGER, staff::read, staff::describe_read),
        put("/api/v1/events/{id}/staff/{user_id}", MANAGER, staff::put, staff::describe_put),
        delete("/api/v1/events/{id}/staff/{user_id}", MANAGER, staff::remove, staff::describe_remove),
        post("/api/v1/events/{id}/publish", MANAGER, events::publish, events::describe_publish),
        post("/api/v1/events/{id}/unpublish", MANAGER, event_desk::unpublish, event_desk::describe_unpublish),
        post("/api/v1/events/{id}/cancel", MANAGER, events::cancel, events::describe_cancel),
        post("/api/v1/events/{id}/copy", MANAGER, event_desk::copy, event_desk::describe_copy),
        post("/api/v1/events/{id}/announcements", MANAGER, event_desk::announce, event_desk::describe_announce),
        get("/api/v1/events/{id}/statistics", MANAGER, event_desk::statistics, event_desk::describe_statistics),

        get("/api/v1/events/{id}/participants", SEAT_OR_MANAGER, participants::list, participants::describe_list),

        put("/api/v1/events/{id}/vote", SEAT, votes::cast, votes::describe_cast),
        get("/api/v1/events/{id}/vote", SEAT, votes::read_own, votes::describe_read_own),
        delete("/api/v1/events/{id}/vote", SEAT, votes::withdraw, votes::describe_withdraw),
        get("/api/v1/events/{id}/results", Public, votes::results, votes::describe_results),
        get("/api/v1/events/{id}/candidates", SEAT_OR_MANAGER, candidates::list, candidates::describe_list),
        post("/api/v1/events/{id}/candidates", SEAT, candidates::nominate, candidates::describe_nominate),
        patch("/api/v1/events/{id}/candidates/{candidate_id}", CANDIDATE_OR_MANAGER, candidates::edit, candidates::describe_edit),
        delete("/api/v1/events/{id}/candidates/{candidate_id}", CANDIDATE_OR_MANAGER, candidates::withdraw, candidates::describe_withdraw),
        post("/api/v1/events/{id}/candidates/{candidate_id}/accept", CANDIDATE, candidates::accept, candidates::describe_accept),
        put("/api/v1/events/{id}/speaker", SPEAKERS, speaker::choose, speaker::describe_choose),
        delete("/api/v1/events/{id}/speaker", SPEAKERS, speaker::unset, speaker::describe_unset),

        get("/api/v1/events/{id}/campaigns", SignedIn, campaigns::list_of_event, campaigns::describe_list_of_event),
        post("/api/v1/events/{id}/campaigns", CANDIDATE_OR_MANAGER, campaigns::request, campaigns::describe_request),
        get("/api/v1/campaigns/{id}", SEES_CAMPAIGN, campaigns::read, campaigns::describe_read),
        patch("/api/v1/campaigns/{id}", OWN_OR_MANAGER, campaigns::edit, campaigns::describe_edit),
        get("/api/v1/campaigns/{id}/preview", SEES_CAMPAIGN, campaigns::preview, campaigns::describe_preview),
        post("/api/v1/campaigns/{id}/approve", REVIEWER, campaign_review::approve, campaign_review::describe_approve),
        post("/api/v1/campaigns/{id}/reject", REVIEWER, campaign_review::reject, campaign_review::describe_reject),
        post("/api/v1/campaigns/{id}/pause", REVIEWER, campaign_review::pause, campaign_review::describe_pause),
        post("/api/v1/campaigns/{id}/resume", REVIEWER, campaign_review::resume, campaign_review::describe_resume),
        post("/api/v1/campaigns/{id}/cancel", OWN_OR_REVIEWER, campaign_review::cancel, campaign_review::describe_cancel),
        get("/api/v1/campaigns/{id}/deliveries", REVIEWER, campaign_review::list_deliveries, campaign_review::describe_list_deliveries),

        get("/api/v1/attendees/{id}", READS_PEOPLE, attendees::read, attendees::describe_read),
        patch("/api/v1/attendees/{id}", WRITES_PEOPLE, attendees::edit, attendees::describe_edit),
        delete("/api/v1/attendees/{id}", WRITES_PEOPLE, attendees::delete, attendees::describe_delete),
        get("/api/v1/attendees", READS_PEOPLE, attendees::list, attendees::describe_list),
        post("/api/v1/attendees", WRITES_PEOPLE, attendees::create, attendees::describe_create),

        get("/api/v1/registrations/{id}", READ_ONE, registrations::read, registrations::describe_read),
        delete("/api/v1/registrations/{id}", OWN_OR_MANAGER, registrations::cancel, registrations::describe_cancel),
        get("/api/v1/registrations/{id}/ticket.ics", OWN_OR_MANAGER, calendars::of_registration, calendars::describe_of_registration),
        get("/api/v1/registrations/{id}/ticket", OWN_OR_MANAGER, tickets::read, tickets::describe_read),
        get("/api/v1/registrations/{id}/ticket.json", OWN_OR_MANAGER, tickets::read_json, tickets::describe_read_json),
        get("/api/v1/registrations/{id}/ticket.svg", OWN_OR_MANAGER, tickets::read_svg, tickets::describe_read_svg),
        get("/api/v1/registrations/{id}/ticket.png", OWN_OR_MANAGER, tickets::read_png, tickets::describe_read_png),
        get("/api/v1/registrations/{id}/ticket.pdf", OWN_OR_MANAGER, tickets::read_pdf, tickets::describe_read_pdf),
        get("/api/v1/tickets/keys", PublicAsNobody, tickets::keys, tickets::describe_keys),
        post("/api/v1/registrations/{id}/resend", OWN_OR_MANAGER, event_desk::resend, event_desk::describe_resend),
        get("/api/v1/registrations", SignedIn, registrations::list, registrations::describe_list),

        get("/api/v1/users/me", SignedIn, users::read_own, users::describe_read_own),
        patch("/api/v1/users/me", SignedIn, users::update_own, users::describe_update_own),
        delete("/api/v1/users/me", SignedIn, privacy::erase_own, privacy::describe_erase_own).limited(SignIn),
        get("/api/v1/users/me/export", SignedIn, privacy::export_own, privacy::describe_export_own),
        post("/api/v1/users/me/email", SignedIn, email::request_change, email::describe_request_change).limited(SignIn),
        put("/api/v1/users/me/security-questions", SignedIn, security_questions::set_own, security_questions::describe_set_own).limited(SignIn),
        put("/api/v1/users/me/preferences", SignedIn, users::set_preferences, users::describe_set_preferences),
        post("/api/v1/users/me/phone/verification", SignedIn, phone::request_verification, phone::describe_request_verification).limited(SignIn),
        post("/api/v1/users/me/phone/verification/confirm", SignedIn, phone::confirm, phone::describe_confirm).limited(SignIn),
        get("/api/v1/users/me/registrations", SignedIn, registrations::list_own, registrations::describe_list_own),
        get("/api/v1/users/me/waitlist", SignedIn, waitlist::list_own, waitlist::describe_list_own),
        get("/api/v1/users/me/campaigns", SignedIn, campaigns::list_own, campaigns::describe_list_own),
        get("/api/v1/users/me/events", SignedIn, events::list_own, events::describe_list_own),
        get("/api/v1/users/{id}", SignedIn, users::read_public, users::describe_read_public),


        post("/api/v1/auth/register", PublicAsNobody, auth::register, auth::describe_register).limited(SignUp),
        post("/api/v1/auth/login", PublicAsNobody, auth::login, auth::describe_login).limited(SignIn),
        post("/api/v1/auth/refresh", PublicAsNobody, auth::refresh, auth::describe_refresh).limited(SignIn),
        post("/api/v1/auth/logout", SignedInOrRefreshCookie, auth::logout, auth::describe_logout),
        get("/api/v1/auth/sessions", SignedIn, sessions::list, sessions::describe_list),
        delete("/api/v1/auth/sessions", SignedIn, sessions::end_all, sessions::describe_end_all),
        delete("/api/v1/auth/sessions/{id}", OWN, sessions::end_one, sessions::describe_end_one),
        post("/api/v1/auth/email/verification", SignedIn, email::request_verification, email::describe_request_verification).limited(SignIn),
        post("/api/v1/auth/email/verification/confirm", PublicAsNobody, email::confirm, email::describe_confirm).limited(SignIn),
        post("/api/v1/auth/password/change", SignedIn, passwords::change, passwords::describe_change).limited(SignIn),
        post("/api/v1/auth/password/forgot", PublicAsNobody, passwords::forgot, passwords::describe_forgot).limited(SignIn),
        post("/api/v1/auth/password/reset", PublicAsNobody, passwords::reset, passwords::describe_reset).limited(SignIn),
        get("/api/v1/auth/security-questions", PublicAsNobody, security_questions::list, security_questions::describe_list).limited(SignIn),
        post("/api/v1/auth/password/security-questions", PublicAsNobody, security_questions::ask, security_questions::describe_ask).limited(SignIn),
        post("/api/v1/auth/password/reset-with-answers", PublicAsNobody, security_questions::reset, security_questions::describe_reset).limited(SignIn),
        get("/api/v1/auth/google/callback", PublicAsNobody, google::callback, google::describe_callback).limited(SignIn),
        get("/api/v1/auth/google", PublicAsNobody, google::start, google::describe_start).limited(SignIn),

        get("/api/v1/vote-links/{token}", PublicAsNobody, campaign_links::read_vote, campaign_links::describe_read_vote).limited(Page),
        post("/api/v1/vote-links/{token}", PublicAsNobody, campaign_links::confirm_vote, campaign_links::describe_confirm_vote).limited(Page),
        get("/api/v1/unsubscribe/{token}", PublicAsNobody, campaign_links::read_unsubscribe, campaign_links::describe_read_unsubscribe).limited(Page),
        post("/api/v1/unsubscribe/{token}", PublicAsNobody, campaign_links::unsubscribe, campaign_links::describe_unsubscribe).limited(Page),

        get("/api/v1/admin/users", ACCOUNTS, accounts::list, accounts::describe_list),
        post("/api/v1/admin/users", ACCOUNTS, accounts::create, accounts::describe_create),
        get("/api/v1/admin/users/{id}", ACCOUNTS, accounts::read, accounts::describe_read),
        patch("/api/v1/admin/users/{id}", ACCOUNTS, accounts::edit, accounts::describe_edit),
        delete("/api/v1/admin/users/{id}", ACCOUNTS, privacy::erase_user, privacy::describe_erase_user),
        put("/api/v1/admin/users/{id}/roles", ACCOUNTS, accounts::set_roles, accounts::describe_set_roles),
        get("/api/v1/admin/roles", ROLES, roles::list, roles::describe_list),
        post("/api/v1/admin/roles", ROLES, roles::create, roles::describe_create),
        patch("/api/v1/admin/roles/{name}", ROLES, roles::edit, roles::describe_edit),
        delete("/api/v1/admin/roles/{name}", ROLES, roles::delete, roles::describe_delete),
        get("/api/v1/admin/permissions", ROLES, roles::list_permissions, roles::describe_list_permissions),
        get("/api/v1/admin/jobs", JOBS, jobs::list, jobs::describe_list),
        post("/api/v1/admin/jobs/{id}/retry", JOBS, jobs::retry, jobs::describe_retry),
        delete("/api/v1/admin/jobs/{id}", JOBS, jobs::drop_one, jobs::describe_drop_one),
        get("/api/v1/admin/registrations", ALL_REGISTRATIONS, oversight::list_registrations, oversight::describe_list_registrations),
        patch("/api/v1/admin/events/{id}/capacity", ANY_EVENT, oversight::set_capacity, oversight::describe_set_capacity),
        get("/api/v1/admin/statistics", STATISTICS, oversight::statistics, oversight::describe_statistics),
        get("/api/v1/admin/invariants", STATISTICS, oversight::invariants, oversight::describe_invariants),
        get("/api/v1/admin/audit-log", AUDIT, audit_log::list, audit_log::describe_list),
    ]
}
