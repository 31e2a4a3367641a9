//! The sweep over the rows: what must hold of them together, whatever happened before.

use crate::Tx;
use crate::connection::on;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use kernel::StoreError;

/// A rule that some rows break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule, in a few words.
    pub rule: &'static str,
    /// The id of a row that breaks it.
    pub row: String,
}

#[derive(QueryableByName)]
struct Breaking {
    #[diesel(sql_type = Text)]
    row_id: String,
}

/// So many rows of one rule are told at the most: who broke it once broke it often.
pub const MOST_ROWS: usize = 100;

/// Each rule with a query that gives the rows that break it. One text for both databases. Each is a join or a group over
/// whole tables, never a look for each row where no index helps: a million rows take seconds.
pub const RULES: &[(&str, &str)] = &[
    (
        "seats_taken is the number of live registrations and open offers",
        "SELECT CAST(e.id AS TEXT) AS row_id FROM events e \
         LEFT JOIN (SELECT event_id, count(*) AS held FROM registrations \
           WHERE status IN ('pending_payment', 'confirmed', 'attended') GROUP BY event_id) r ON r.event_id = e.id \
         LEFT JOIN (SELECT event_id, count(*) AS held FROM waitlist_entries \
           WHERE status = 'offered' GROUP BY event_id) w ON w.event_id = e.id \
         WHERE e.seats_taken <> COALESCE(r.held, 0) + COALESCE(w.held, 0)",
    ),
    (
        "seats_taken is from 0 to the capacity",
        "SELECT CAST(id AS TEXT) AS row_id FROM events WHERE seats_taken < 0 OR seats_taken > capacity",
    ),
    (
        "waitlist_length is the number of waiting entries",
        "SELECT CAST(e.id AS TEXT) AS row_id FROM events e \
         LEFT JOIN (SELECT event_id, count(*) AS many FROM waitlist_entries \
           WHERE status = 'waiting' GROUP BY event_id) w ON w.event_id = e.id \
         WHERE e.waitlist_length <> COALESCE(w.many, 0)",
    ),
    (
        "one live registration or entry per attendee and event",
        "SELECT CAST(attendee_id AS TEXT) AS row_id FROM registrations \
         WHERE status IN ('pending_payment', 'confirmed', 'attended') \
         GROUP BY event_id, attendee_id HAVING count(*) > 1 \
         UNION ALL SELECT CAST(attendee_id AS TEXT) FROM waitlist_entries \
         WHERE status IN ('waiting', 'offered') GROUP BY event_id, attendee_id HAVING count(*) > 1",
    ),
    (
        "nobody has a seat and waits for another",
        "SELECT CAST(r.attendee_id AS TEXT) AS row_id FROM waitlist_entries w JOIN registrations r \
         ON r.event_id = w.event_id AND r.attendee_id = w.attendee_id \
         WHERE w.status IN ('waiting', 'offered') AND r.status IN ('pending_payment', 'confirmed', 'attended')",
    ),
    (
        "ranks of waiting entries differ and are below the counter",
        "SELECT CAST(w.id AS TEXT) AS row_id FROM waitlist_entries w JOIN events e ON e.id = w.event_id \
         WHERE w.status = 'waiting' AND w.rank >= e.next_rank \
         UNION ALL SELECT CAST(min(CAST(id AS TEXT)) AS TEXT) AS row_id FROM waitlist_entries \
         WHERE status = 'waiting' GROUP BY event_id, rank HAVING count(*) > 1",
    ),
    (
        "nobody waits while a seat is free at an event that has not begun",
        "SELECT CAST(id AS TEXT) AS row_id FROM events WHERE status = 'published' AND starts_at > {now} \
         AND waitlist_length > 0 AND seats_taken < capacity",
    ),
    (
        "a cancelled event holds nothing",
        "SELECT CAST(id AS TEXT) AS row_id FROM events WHERE status = 'cancelled' \
         AND (seats_taken <> 0 OR waitlist_length <> 0)",
    ),
    (
        "nobody holds a seat of a draft",
        "SELECT CAST(id AS TEXT) AS row_id FROM events WHERE status = 'draft' \
         AND (seats_taken <> 0 OR waitlist_length <> 0)",
    ),
    (
        "the last line of a live entry has its rank",
        "SELECT CAST(w.id AS TEXT) AS row_id FROM waitlist_entries w \
         JOIN (SELECT entry_id, max(number) AS number FROM waitlist_log GROUP BY entry_id) last ON last.entry_id = w.id \
         JOIN waitlist_log l ON l.entry_id = w.id AND l.number = last.number \
         WHERE w.status IN ('waiting', 'offered') AND w.rank <> l.rank",
    ),
    (
        "the lines of an entry end as it did",
        "SELECT CAST(w.id AS TEXT) AS row_id FROM waitlist_entries w \
         JOIN (SELECT entry_id, max(number) AS number FROM waitlist_log GROUP BY entry_id) last ON last.entry_id = w.id \
         JOIN waitlist_log l ON l.entry_id = w.id AND l.number = last.number \
         WHERE NOT CASE w.status \
           WHEN 'waiting' THEN l.action IN ('joined', 'moved', 'renumbered') \
           WHEN 'lapsed' THEN l.action IN ('lapsed', 'declined') \
           WHEN 'promoted' THEN l.action IN ('promoted', 'accepted') \
           ELSE l.action = w.status END",
    ),
    (
        "a line is of its entry's event, and every entry begins with joining",
        "SELECT CAST(l.id AS TEXT) AS row_id FROM waitlist_log l JOIN waitlist_entries w ON w.id = l.entry_id \
         JOIN (SELECT entry_id, min(number) AS number FROM waitlist_log GROUP BY entry_id) first \
           ON first.entry_id = l.entry_id \
         WHERE l.event_id <> w.event_id OR (l.action = 'joined') <> (l.number = first.number) \
         UNION ALL SELECT CAST(w.id AS TEXT) FROM waitlist_entries w LEFT JOIN waitlist_log l \
         ON l.entry_id = w.id AND l.action = 'joined' WHERE l.id IS NULL",
    ),
    (
        "a linked attendee has the address and name of its user",
        "SELECT CAST(a.id AS TEXT) AS row_id FROM attendees a JOIN users u ON u.id = a.user_id \
         WHERE a.email_key <> u.email_key OR a.name <> u.name",
    ),
    (
        "an erased account holds nothing",
        "SELECT CAST(u.id AS TEXT) AS row_id FROM users u WHERE u.erased_at IS NOT NULL AND ( \
           u.email_verified_at IS NOT NULL OR u.last_login_at IS NOT NULL \
           OR u.phone_verified_at IS NOT NULL OR u.text_messages OR u.campaign_mail) \
         UNION SELECT CAST(u.id AS TEXT) FROM users u JOIN ( \
           SELECT user_id FROM attendees WHERE user_id IS NOT NULL \
           UNION ALL SELECT user_id FROM user_roles \
           UNION ALL SELECT user_id FROM sessions \
           UNION ALL SELECT user_id FROM event_staff \
           UNION ALL SELECT user_id FROM one_time_secrets \
           UNION ALL SELECT user_id FROM phone_codes \
           UNION ALL SELECT user_id FROM security_answers \
           UNION ALL SELECT user_id FROM external_identities \
           UNION ALL SELECT user_id FROM outbox WHERE user_id IS NOT NULL \
           UNION ALL SELECT user_id FROM campaign_deliveries WHERE user_id IS NOT NULL \
           UNION ALL SELECT requested_by FROM campaigns WHERE body <> '' \
             OR status IN ('requested', 'approved', 'sending', 'paused') \
         ) held ON held.user_id = u.id WHERE u.erased_at IS NOT NULL \
         UNION SELECT CAST(u.id AS TEXT) FROM users u JOIN events e ON e.organizer_id = u.id \
         WHERE u.erased_at IS NOT NULL AND e.status IN ('draft', 'published') \
           AND e.ends_at > {now} AND e.created_at > u.erased_at \
         UNION SELECT CAST(u.id AS TEXT) FROM users u JOIN events e ON e.organizer_id = u.id \
         JOIN audit_log a ON a.object_type = 'event' AND a.object_id = CAST(e.id AS TEXT) AND a.at > u.erased_at \
           AND a.action = 'event.edit' AND CAST(a.changes AS TEXT) LIKE '%' || CAST(u.id AS TEXT) || '%' \
         WHERE u.erased_at IS NOT NULL AND e.status IN ('draft', 'published') AND e.ends_at > {now}",
    ),
    (
        "an organiser is not staff of the event",
        "SELECT CAST(e.id AS TEXT) AS row_id FROM event_staff s JOIN events e \
         ON e.id = s.event_id AND e.organizer_id = s.user_id",
    ),
    (
        "a revoked code lets nobody in",
        "SELECT CAST(r.id AS TEXT) AS row_id FROM revoked_tickets t JOIN registrations r \
         ON r.ticket_code = t.ticket_code WHERE r.status IN ('pending_payment', 'confirmed', 'attended')",
    ),
    (
        "nobody holds a seat of an event that was called off",
        "SELECT CAST(r.id AS TEXT) AS row_id FROM events e JOIN registrations r ON r.event_id = e.id \
         WHERE e.status = 'cancelled' AND r.status IN ('pending_payment', 'confirmed', 'attended')",
    ),
    (
        "who voted holds a seat, unless the event is over or called off, or the person was erased",
        "SELECT CAST(v.voter_id AS TEXT) AS row_id FROM events e JOIN votes v ON v.event_id = e.id \
         JOIN attendees a ON a.id = v.voter_id \
         LEFT JOIN registrations r ON r.event_id = v.event_id AND r.attendee_id = v.voter_id \
           AND r.status IN ('confirmed', 'attended') \
         WHERE e.status IN ('draft', 'published') AND e.ends_at > {now} AND r.id IS NULL \
           AND NOT (a.user_id IS NULL AND a.email_key LIKE 'erased-%@erased.invalid')",
    ),
    (
        "a vote is for somebody who is listed at an event that is there",
        "SELECT CAST(v.voter_id AS TEXT) AS row_id FROM votes v \
         JOIN candidates c ON c.id = v.candidate_id LEFT JOIN events e ON e.id = v.event_id \
         WHERE c.status <> 'listed' OR c.event_id <> v.event_id OR e.id IS NULL \
           OR v.candidate_attendee_id <> c.attendee_id OR v.voter_id = c.attendee_id",
    ),
    (
        "who stands or was asked to holds a seat, unless the event is over or called off",
        "SELECT CAST(c.id AS TEXT) AS row_id FROM events e JOIN candidates c ON c.event_id = e.id \
         LEFT JOIN registrations r ON r.event_id = c.event_id AND r.attendee_id = c.attendee_id \
           AND r.status IN ('confirmed', 'attended') \
         WHERE c.status IN ('nominated', 'listed') AND e.status IN ('draft', 'published') AND e.ends_at > {now} \
           AND r.id IS NULL",
    ),
    (
        "a speaker is a listed candidate of the event",
        "SELECT CAST(e.id AS TEXT) AS row_id FROM events e JOIN candidates c ON c.id = e.speaker_id \
         WHERE c.status <> 'listed' OR c.event_id <> e.id",
    ),
    (
        "a campaign's mail is in the queue when its delivery says so, and no other is",
        "SELECT CAST(d.id AS TEXT) AS row_id FROM campaign_deliveries d LEFT JOIN outbox o ON o.id = d.id \
           AND o.kind = 'campaign' AND o.status = 'queued' \
         WHERE d.status = 'queued' AND o.id IS NULL \
         UNION ALL SELECT CAST(o.id AS TEXT) FROM outbox o JOIN campaign_deliveries d ON d.id = o.id \
         WHERE o.status = 'queued' AND d.status <> 'queued'",
    ),
    (
        "nobody waits for a campaign that was sent, and nobody is written down for one that was not approved",
        "SELECT CAST(d.id AS TEXT) AS row_id FROM campaign_deliveries d JOIN campaigns c ON c.id = d.campaign_id \
         WHERE (c.status = 'sent' AND d.status = 'waiting') OR c.status IN ('requested', 'approved', 'rejected')",
    ),
    (
        "published and completed events do not share place and date",
        "SELECT CAST(min(CAST(id AS TEXT)) AS TEXT) AS row_id FROM events WHERE status IN ('published', 'completed') \
         AND place_key IS NOT NULL GROUP BY place_key, local_date HAVING count(*) > 1",
    ),
];

/// The query of a rule at that time, with so many rows at the most.
fn bounded(query: &str, now: kernel::Instant) -> String {
    let now = now.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let query = query.replace("{now}", &format!("'{now}'"));
    format!("SELECT row_id FROM ({query}) AS broken LIMIT {MOST_ROWS}")
}

impl Tx<'_> {
    /// Checks every rule; gives what breaks one, 100 rows of each at the most.
    pub fn sweep_invariants(&mut self, now: kernel::Instant) -> Result<Vec<Violation>, StoreError> {
        let mut violations = Vec::new();
        for (rule, query) in RULES {
            let query = bounded(query, now);
            let rows: Vec<Breaking> =
                self.run(|connection| on!(connection, |c| diesel::sql_query(&query).load(c)))?;
            violations.extend(rows.into_iter().map(|row| Violation {
                rule,
                row: row.row_id,
            }));
        }
        Ok(violations)
    }

    /// How the database checks each rule, for tests that look whether a million rows would take long.
    pub fn explain_invariants(
        &mut self,
        now: kernel::Instant,
    ) -> Result<Vec<(&'static str, String)>, StoreError> {
        let plans = RULES.iter().map(|(rule, query)| {
            let plan = self.explain_text(&bounded(query, now))?;
            Ok((*rule, plan))
        });
        plans.collect()
    }
}

/// Counting rows of a table, for tests and statistics.
#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

impl Tx<'_> {
    /// How many rows a query gives: `SELECT count(*) AS rows FROM …`.
    pub fn count_rows(&mut self, from: &str) -> Result<i64, StoreError> {
        let query = format!("SELECT count(*) AS rows FROM {from}");
        let count: Count =
            self.run(|connection| on!(connection, |c| diesel::sql_query(&query).get_result(c)))?;
        Ok(count.rows)
    }
}
