//! The tables, as `migrations/` make them.

use crate::columns::sql::{Document, Id, Instant};
use diesel::prelude::*;

table! {
    use diesel::sql_types::{Bool, Nullable, Text};
    use super::{Id, Instant};
    users (id) {
        id -> Id,
        email -> Text,
        email_key -> Text,
        name -> Text,
        name_key -> Text,
        password_hash -> Nullable<Text>,
        phone -> Nullable<Text>,
        profession -> Nullable<Text>,
        bio -> Nullable<Text>,
        avatar_url -> Nullable<Text>,
        time_zone -> Nullable<Text>,
        listed -> Bool,
        status -> Text,
        email_verified_at -> Nullable<Instant>,
        last_login_at -> Nullable<Instant>,
        created_at -> Instant,
        updated_at -> Instant,
        erased_at -> Nullable<Instant>,
        phone_verified_at -> Nullable<Instant>,
        email_reminders -> Bool,
        text_messages -> Bool,
        campaign_mail -> Bool,
    }
}

table! {
    use diesel::sql_types::{SmallInt, Text};
    use super::{Id, Instant};
    phone_codes (user_id) {
        user_id -> Id,
        phone -> Text,
        code_hash -> Text,
        code_tries -> SmallInt,
        created_at -> Instant,
        expires_at -> Instant,
    }
}

table! {
    use diesel::sql_types::Text;
    use super::{Id, Instant};
    phone_code_sends (id) {
        id -> Id,
        number_mac -> Text,
        sent_at -> Instant,
    }
}

table! {
    use diesel::sql_types::{Bool, Text};
    roles (name) {
        name -> Text,
        description -> Text,
        built_in -> Bool,
    }
}

table! {
    use diesel::sql_types::Text;
    role_permissions (role_name, permission) {
        role_name -> Text,
        permission -> Text,
    }
}

table! {
    use diesel::sql_types::Text;
    use super::Id;
    user_roles (user_id, role_name) {
        user_id -> Id,
        role_name -> Text,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use super::{Id, Instant};
    sessions (id) {
        id -> Id,
        user_id -> Id,
        device -> Nullable<Text>,
        address -> Nullable<Text>,
        created_at -> Instant,
        last_seen_at -> Instant,
        expires_at -> Instant,
        revoked_at -> Nullable<Instant>,
        revoked_because -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use super::{Id, Instant};
    refresh_tokens (token_hash) {
        token_hash -> Text,
        session_id -> Id,
        issued_at -> Instant,
        expires_at -> Instant,
        used_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Bool, Nullable, Text};
    use super::{Id, Instant};
    attendees (id) {
        id -> Id,
        user_id -> Nullable<Id>,
        name -> Text,
        name_key -> Text,
        email -> Text,
        email_key -> Text,
        phone -> Nullable<Text>,
        created_by -> Nullable<Id>,
        created_at -> Instant,
        updated_at -> Instant,
        words_kept -> Bool,
    }
}

table! {
    use diesel::sql_types::Text;
    use super::Id;
    attendee_words (word, attendee_id) {
        word -> Text,
        attendee_id -> Id,
    }
}

table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use super::{Id, Instant};
    events (id) {
        id -> Id,
        organizer_id -> Id,
        status -> Text,
        title -> Text,
        description -> Nullable<Text>,
        agenda -> Nullable<Text>,
        search_key -> Text,
        format -> Text,
        location -> Nullable<Text>,
        place_key -> Nullable<Text>,
        stream_url -> Nullable<Text>,
        stream_status -> Text,
        starts_at -> Instant,
        ends_at -> Instant,
        time_zone -> Text,
        local_date -> Text,
        capacity -> Integer,
        seats_taken -> Integer,
        waitlist_enabled -> Bool,
        waitlist_length -> Integer,
        next_rank -> BigInt,
        fee_amount -> BigInt,
        fee_currency -> Nullable<Text>,
        refund_until_hours -> Integer,
        registration_opens_at -> Nullable<Instant>,
        registration_closes_at -> Nullable<Instant>,
        voting_opens_at -> Nullable<Instant>,
        voting_closes_at -> Nullable<Instant>,
        live_results -> Bool,
        edit_version -> BigInt,
        seats_version -> BigInt,
        published_at -> Nullable<Instant>,
        cancelled_at -> Nullable<Instant>,
        cancel_reason -> Nullable<Text>,
        created_at -> Instant,
        updated_at -> Instant,
        speaker_id -> Nullable<Id>,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use super::{Id, Instant};
    registrations (id) {
        id -> Id,
        event_id -> Id,
        attendee_id -> Id,
        status -> Text,
        registered_by -> Nullable<Id>,
        registered_at -> Instant,
        checked_in_at -> Nullable<Instant>,
        hold_expires_at -> Nullable<Instant>,
        ended_at -> Nullable<Instant>,
        ticket_code -> Text,
        checked_in_by -> Nullable<Id>,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use super::{Id, Instant};
    event_staff (event_id, user_id) {
        event_id -> Id,
        user_id -> Id,
        role -> Text,
        added_by -> Nullable<Id>,
        added_at -> Instant,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use super::{Id, Instant};
    waitlist_entries (id) {
        id -> Id,
        event_id -> Id,
        attendee_id -> Id,
        status -> Text,
        rank -> BigInt,
        joined_at -> Instant,
        offer_expires_at -> Nullable<Instant>,
        ended_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use super::{Id, Instant};
    waitlist_log (id) {
        id -> Id,
        entry_id -> Id,
        at -> Instant,
        action -> Text,
        actor_id -> Nullable<Id>,
        reason -> Nullable<Text>,
        rank -> BigInt,
        event_id -> Id,
        number -> BigInt,
    }
}

table! {
    use diesel::sql_types::Text;
    use super::Id;
    revoked_tickets (ticket_code) {
        ticket_code -> Text,
        event_id -> Id,
    }
}

table! {
    use diesel::sql_types::{Nullable, SmallInt, Text};
    use super::{Document, Id, Instant};
    outbox (id) {
        id -> Id,
        channel -> Text,
        kind -> Text,
        recipient_key -> Nullable<Text>,
        occasion -> Nullable<Text>,
        topic -> Nullable<Text>,
        payload -> Document,
        priority -> SmallInt,
        status -> Text,
        due_at -> Instant,
        not_after -> Nullable<Instant>,
        created_at -> Instant,
        user_id -> Nullable<Id>,
        medium -> Nullable<Text>,
        attempts -> SmallInt,
        leased_by -> Nullable<Text>,
        last_error -> Nullable<Text>,
        finished_at -> Nullable<Instant>,
        wiped_at -> Nullable<Instant>,
    }
}

table! {
    use super::{Document, Id, Instant};
    mailings (id) {
        id -> Id,
        event_id -> Id,
        message -> Document,
        registered_by -> Instant,
        written_to_time -> Instant,
        written_to_id -> Id,
        created_at -> Instant,
    }
}

table! {
    use diesel::sql_types::SmallInt;
    use super::{Id, Instant};
    reminder_rounds (event_id, hours_before, starts_at) {
        event_id -> Id,
        hours_before -> SmallInt,
        starts_at -> Instant,
        created_at -> Instant,
    }
}

table! {
    use diesel::sql_types::{Nullable, SmallInt, Text};
    use super::{Id, Instant};
    idempotency_keys (user_id, route, key) {
        user_id -> Id,
        route -> Text,
        key -> Text,
        fingerprint -> Text,
        status -> Nullable<SmallInt>,
        location -> Nullable<Text>,
        etag -> Nullable<Text>,
        body -> Nullable<Text>,
        created_at -> Instant,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use super::{Document, Id, Instant};
    audit_log (id) {
        id -> Id,
        at -> Instant,
        actor_id -> Nullable<Id>,
        action -> Text,
        object_type -> Text,
        object_id -> Text,
        changes -> Document,
        reason -> Nullable<Text>,
        request_id -> Text,
    }
}

table! {
    use diesel::sql_types::{Nullable, SmallInt, Text};
    use super::{Id, Instant};
    one_time_secrets (id) {
        id -> Id,
        user_id -> Id,
        purpose -> Text,
        email -> Text,
        email_key -> Text,
        link_hash -> Text,
        code_hash -> Text,
        code_tries -> SmallInt,
        created_at -> Instant,
        expires_at -> Instant,
        used_at -> Nullable<Instant>,
        voided_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::Text;
    use super::{Id, Instant};
    security_answers (user_id, question_id) {
        user_id -> Id,
        question_id -> Text,
        answer_hash -> Text,
        created_at -> Instant,
    }
}

table! {
    use diesel::sql_types::{Integer, Nullable};
    use super::{Id, Instant};
    security_answer_tries (user_id) {
        user_id -> Id,
        wrong -> Integer,
        last_try_at -> Instant,
        locked_until -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::Text;
    use super::{Id, Instant};
    external_identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        user_id -> Id,
        linked_at -> Instant,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use super::{Id, Instant};
    candidates (id) {
        id -> Id,
        event_id -> Id,
        attendee_id -> Id,
        nominated_by -> Id,
        status -> Text,
        talk_title -> Text,
        #[sql_name = "abstract"]
        summary -> Text,
        nominated_at -> Instant,
        listed_at -> Nullable<Instant>,
        ended_at -> Nullable<Instant>,
        updated_at -> Instant,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use super::{Id, Instant};
    votes (event_id, voter_id) {
        event_id -> Id,
        voter_id -> Id,
        candidate_id -> Id,
        candidate_attendee_id -> Id,
        via -> Text,
        campaign_id -> Nullable<Id>,
        cast_at -> Instant,
    }
}

table! {
    use diesel::sql_types::{Bool, Nullable, Text};
    use super::{Id, Instant};
    campaigns (id) {
        id -> Id,
        event_id -> Id,
        candidate_id -> Id,
        requested_by -> Id,
        status -> Text,
        subject -> Text,
        body -> Text,
        candidate_name -> Nullable<Text>,
        talk_title -> Nullable<Text>,
        audience -> Nullable<Text>,
        send_at -> Nullable<Instant>,
        reason -> Nullable<Text>,
        decided_by -> Nullable<Id>,
        listed_to_time -> Nullable<Instant>,
        listed_to_id -> Nullable<Id>,
        all_listed -> Bool,
        at_work -> Bool,
        fed_at -> Nullable<Instant>,
        told_at -> Nullable<Instant>,
        told -> Nullable<Text>,
        requested_at -> Instant,
        started_at -> Nullable<Instant>,
        finished_at -> Nullable<Instant>,
        updated_at -> Instant,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use super::{Id, Instant};
    campaign_deliveries (id) {
        id -> Id,
        campaign_id -> Id,
        attendee_id -> Nullable<Id>,
        user_id -> Nullable<Id>,
        name -> Text,
        email -> Text,
        email_key -> Text,
        status -> Text,
        error -> Nullable<Text>,
        finished_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::Text;
    use super::Instant;
    suppressions (address_mac, reason) {
        address_mac -> Text,
        reason -> Text,
        since -> Instant,
    }
}

joinable!(events -> users (organizer_id));
joinable!(registrations -> events (event_id));
joinable!(event_staff -> events (event_id));
joinable!(event_staff -> users (user_id));
joinable!(registrations -> attendees (attendee_id));
joinable!(candidates -> attendees (attendee_id));
joinable!(campaigns -> candidates (candidate_id));
joinable!(campaign_deliveries -> campaigns (campaign_id));
joinable!(waitlist_entries -> attendees (attendee_id));
joinable!(refresh_tokens -> sessions (session_id));
joinable!(sessions -> users (user_id));
joinable!(one_time_secrets -> users (user_id));
joinable!(external_identities -> users (user_id));
joinable!(user_roles -> users (user_id));
joinable!(role_permissions -> roles (role_name));
joinable!(waitlist_log -> waitlist_entries (entry_id));
joinable!(waitlist_entries -> events (event_id));
allow_tables_to_appear_in_same_query!(
    users,
    roles,
    user_roles,
    role_permissions,
    sessions,
    refresh_tokens,
    attendees,
    attendee_words,
    events,
    registrations,
    event_staff,
    waitlist_entries,
    waitlist_log,
    revoked_tickets,
    reminder_rounds,
    candidates,
    votes,
    campaigns,
    campaign_deliveries,
    outbox,
);
