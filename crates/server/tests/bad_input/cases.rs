//! A server with something of everything, and a request that fits for each route that takes a body.

use kernel::EventId;
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::http::Request;
use testkit::{Client, Harness, Person};

/// A request that would succeed, to be spoilt.
pub struct Case {
    pub method: &'static str,
    pub path: String,
    pub client: Client,
    pub body: Value,
    /// Fields of the body without which it does not fit.
    pub needed: &'static [&'static str],
    /// Whether no body at all is one that fits.
    pub may_be_empty: bool,
    pub media_type: &'static str,
}

impl Case {
    /// The request with this text for a body.
    pub fn send(&self, body: impl Into<Vec<u8>>) -> Request {
        self.send_as(self.media_type, body)
    }

    /// The same, said to be of another media type.
    pub fn send_as(&self, media_type: &str, body: impl Into<Vec<u8>>) -> Request {
        let method = self.method.parse().expect("a method");
        self.client.request(method, &self.path).text(media_type, body)
    }

    /// What the request is called in messages.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The server and its things.
pub struct Scene {
    pub harness: Harness,
    pub admin: Person,
    pub account: Person,
    pub role: String,
    pub organizer: Person,
    pub holder: Person,
    pub waiter: Person,
    pub event: EventId,
    pub draft: String,
    pub registration: String,
    pub noted: String,
    pub entry: String,
    /// Somebody whom the organiser noted, and who has no place at the event.
    pub attendee: String,
    /// Who is listed at the event.
    pub candidate: String,
    /// A campaign that was asked for.
    pub campaign: String,
}

impl Scene {
    /// A full event with one who holds a seat and one who waits, and a draft.
    pub async fn new(harness: Harness) -> Self {
        let admin = harness.admin().await;
        let account = harness.attendee("account").await;
        let role = format!("role-{}", account.id);
        let new_role = json!({"name": role, "permissions": []});
        admin.client.post("/admin/roles").json(new_role).await.expect(201);
        let organizer = harness.organizer().await;
        let (holder, waiter) = (harness.attendee("holder").await, harness.attendee("waiter").await);
        let event = harness.published_event(&organizer, 2).await;
        let (registration, _) = harness.registered(&holder, event).await;
        let opens = json!({"voting_opens_at": "2026-01-01T00:00:00Z"});
        let path = format!("/events/{event}");
        organizer.client.patch(&path).json(opens).await.expect(200);
        let speaker = harness.attendee("speaker").await;
        harness.registered(&speaker, event).await;
        let talk = json!({"talk_title": "Sync or async", "abstract": "Words"});
        let stands = speaker.client.post(&format!("{path}/candidates")).json(talk);
        let candidate = stands.await.expect(201).text_at("/id");
        let form = json!({"candidate_id": candidate, "subject": "Vote", "body": "Please."});
        let asked = organizer.client.post(&format!("{path}/campaigns")).json(form);
        let campaign = asked.await.expect(201).text_at("/id");
        let register = waiter.client.post(&format!("/events/{event}/registrations"));
        let entry = register.await.expect(202).text_at("/waitlist_entry/id");
        let draft = organizer.client.post("/events").json(harness.event_fields(2));
        let draft = draft.await.expect(201).text_at("/id");
        let elsewhere = harness.published_event(&organizer, 1).await;
        let (_, attendee) = harness.registered(&account, elsewhere).await;
        let email = format!("noted-{registration}@example.org");
        let noted = organizer
            .client
            .post("/attendees")
            .json(json!({"name": "Noted", "email": email}));
        let noted = noted.await.expect(201).text_at("/id");
        Self {
            attendee: attendee.to_string(),
            harness,
            admin,
            account,
            role,
            organizer,
            holder,
            waiter,
            event,
            draft,
            registration: registration.to_string(),
            noted,
            entry,
            candidate,
            campaign,
        }
    }

    /// The same server with new things: the old ones may be gone.
    pub async fn renewed(self) -> Self {
        Self::new(self.harness).await
    }

    /// One case for each route that takes a body.
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub fn cases(&self) -> Vec<Case> {
        let (event, entry, manager) = (self.event, &self.entry, &self.organizer.client);
        let nobody = self.harness.client();
        let plain = |method, path: String, client: &Client, body, needed| Case {
            method,
            path,
            client: client.clone(),
            body,
            needed,
            may_be_empty: false,
            media_type: if method == "PATCH" {
                "application/merge-patch+json"
            } else {
                "application/json"
            },
        };
        let optional = |path: String, client: &Client, body| Case {
            may_be_empty: true,
            ..plain("POST", path, client, body, &[])
        };
        let new_event = self.harness.event_fields(4);
        let guest = json!({"attendee": {"name": "Guest", "email": "guest@example.org"}});
        let sign_up = json!({"email": "new@example.org", "password": PASSWORD, "name": "New"});
        let sign_in = json!({"email": self.holder.email, "password": PASSWORD});
        let position = json!({"position": 1, "reason": "because"});
        let place = format!("/events/{event}/waitlist/{entry}");
        let answers = json!([
            {"question_id": "toy_name", "answer": "Fluffy"},
            {"question_id": "first_dish", "answer": "Soup"},
        ]);
        let mut cases = vec![
            plain(
                "POST",
                "/events".into(),
                manager,
                new_event,
                &["title", "format", "starts_at", "ends_at", "time_zone", "capacity"],
            ),
            plain(
                "PATCH",
                format!("/events/{event}"),
                manager,
                json!({"title": "Other", "capacity": 7}),
                &[],
            ),
            optional(
                format!("/events/{event}/cancel"),
                manager,
                json!({"reason": "rain"}),
            ),
            optional(
                format!("/events/{event}/copy"),
                manager,
                json!({"title": "Other", "location": "Elsewhere", "with_staff": true}),
            ),
            plain(
                "POST",
                format!("/events/{event}/announcements"),
                manager,
                json!({"subject": "News", "body": "Words"}),
                &["subject", "body"],
            ),
            optional(format!("/events/{event}/registrations"), manager, guest),
            plain(
                "POST",
                "/attendees".into(),
                manager,
                json!({"name": "Noted", "email": "noted@example.org", "phone": "+919812345678"}),
                &["name", "email"],
            ),
            plain(
                "PATCH",
                format!("/attendees/{}", self.noted),
                manager,
                json!({"name": "Other", "phone": "+919812345679"}),
                &[],
            ),
            plain("PATCH", place.clone(), manager, position, &["position", "reason"]),
            plain(
                "DELETE",
                place,
                manager,
                json!({"reason": "because"}),
                &["reason"],
            ),
            plain(
                "POST",
                format!("/events/{event}/waitlist/{entry}/promote"),
                manager,
                json!({"reason": "because"}),
                &["reason"],
            ),
            plain(
                "POST",
                format!("/events/{event}/waitlist"),
                manager,
                json!({"attendee_id": self.attendee, "position": 1, "reason": "because"}),
                &["attendee_id", "reason"],
            ),
            plain(
                "POST",
                format!("/events/{event}/check-ins"),
                manager,
                json!({"ticket_code": "0123-4567-89AB"}),
                &["ticket_code"],
            ),
            plain(
                "PUT",
                format!("/events/{event}/staff/{}", self.account.id),
                manager,
                json!({"role": "scanner"}),
                &["role"],
            ),
            plain(
                "PATCH",
                "/users/me".into(),
                &self.holder.client,
                json!({"name": "Other", "bio": "Words"}),
                &[],
            ),
            plain(
                "POST",
                "/users/me/email".into(),
                &self.holder.client,
                json!({"new_email": "other@example.org", "password": PASSWORD}),
                &["new_email", "password"],
            ),
            plain(
                "POST",
                "/auth/email/verification/confirm".into(),
                &nobody,
                json!({"token": "nonsense"}),
                &[],
            ),
            plain(
                "POST",
                "/auth/register".into(),
                &nobody,
                sign_up,
                &["email", "password", "name"],
            ),
            plain(
                "POST",
                "/auth/login".into(),
                &nobody,
                sign_in,
                &["email", "password"],
            ),
            // Who has events to come cannot go, whatever becomes of the body.
            Case {
                method: "DELETE",
                ..optional(
                    "/users/me".into(),
                    manager,
                    json!({"password": "a password of nobody's"}),
                )
            },
            // The present password is wrong: the right one would end the session.
            plain(
                "POST",
                "/auth/password/change".into(),
                manager,
                json!({"current_password": "a wrong password", "new_password": PASSWORD}),
                &["current_password", "new_password"],
            ),
            plain(
                "POST",
                "/auth/password/forgot".into(),
                &nobody,
                json!({"email": self.holder.email}),
                &["email"],
            ),
            plain(
                "POST",
                "/auth/password/reset".into(),
                &nobody,
                json!({"token": "nonsense", "new_password": PASSWORD}),
                &["token", "new_password"],
            ),
            plain(
                "POST",
                "/auth/password/security-questions".into(),
                &nobody,
                json!({"email": self.holder.email}),
                &["email"],
            ),
            plain(
                "POST",
                "/auth/password/reset-with-answers".into(),
                &nobody,
                json!({"email": self.holder.email, "answers": answers, "new_password": PASSWORD}),
                &["email", "answers", "new_password"],
            ),
            plain(
                "PUT",
                "/users/me/security-questions".into(),
                &self.holder.client,
                json!({"answers": answers}),
                &["answers"],
            ),
            plain(
                "PUT",
                "/users/me/preferences".into(),
                &self.holder.client,
                json!({"email_reminders": false, "text_messages": false}),
                &["email_reminders", "text_messages"],
            ),
            plain(
                "POST",
                "/users/me/phone/verification/confirm".into(),
                &self.holder.client,
                json!({"otp": "123456"}),
                &["otp"],
            ),
            optional(
                "/auth/refresh".into(),
                &nobody,
                json!({"refresh_token": "nonsense"}),
            ),
        ];
        cases.extend(self.cases_of_admins());
        cases.extend(self.cases_of_voting());
        cases.extend(self.cases_of_campaigns());
        cases
    }

    fn cases_of_voting(&self) -> Vec<Case> {
        let case = |method, path: &str, client: &Client, body, needed| Case {
            method,
            path: format!("/events/{}/{path}", self.event),
            client: client.clone(),
            body,
            needed,
            may_be_empty: false,
            media_type: if method == "PATCH" {
                "application/merge-patch+json"
            } else {
                "application/json"
            },
        };
        let (holder, candidate) = (&self.holder.client, &self.candidate);
        let talk = json!({"talk_title": "Async or sync", "abstract": "Words"});
        vec![
            case(
                "POST",
                "candidates",
                holder,
                talk.clone(),
                &["talk_title", "abstract"],
            ),
            case(
                "PATCH",
                &format!("candidates/{candidate}"),
                &self.organizer.client,
                talk,
                &[],
            ),
            case(
                "PUT",
                "vote",
                holder,
                json!({"candidate_id": candidate}),
                &["candidate_id"],
            ),
            case(
                "PUT",
                "speaker",
                &self.admin.client,
                json!({"candidate_id": candidate, "reason": "because"}),
                &["candidate_id"],
            ),
        ]
    }

    fn cases_of_campaigns(&self) -> Vec<Case> {
        let (event, candidate, campaign) = (self.event, &self.candidate, &self.campaign);
        let text = json!({"subject": "Vote for me", "body": "Please, {{ name }}."});
        let mut whole = text.clone();
        whole["candidate_id"] = json!(candidate);
        let case = |path: String, client: &Client, body, needed, may_be_empty| Case {
            method: "POST",
            path,
            client: client.clone(),
            body,
            needed,
            may_be_empty,
            media_type: "application/json",
        };
        let admin = |what: &str, body, needed, may_be_empty| {
            let path = format!("/campaigns/{campaign}/{what}");
            case(path, &self.admin.client, body, needed, may_be_empty)
        };
        let reason = || json!({"reason": "because"});
        vec![
            case(
                format!("/events/{event}/campaigns"),
                &self.organizer.client,
                whole,
                &["candidate_id", "subject", "body"],
                false,
            ),
            Case {
                method: "PATCH",
                media_type: "application/merge-patch+json",
                ..case(
                    format!("/campaigns/{campaign}"),
                    &self.organizer.client,
                    text,
                    &[],
                    false,
                )
            },
            admin(
                "approve",
                json!({"audience": "event", "send_at": "2030-01-16T08:00:00Z"}),
                &["audience"],
                false,
            ),
            admin("reject", reason(), &["reason"], false),
            admin("pause", reason(), &[], true),
            admin("cancel", reason(), &[], true),
        ]
    }

    fn cases_of_admins(&self) -> Vec<Case> {
        let account = format!("/admin/users/{}", self.account.id);
        let case = |method, path: String, body, needed| Case {
            method,
            path,
            client: self.admin.client.clone(),
            body,
            needed,
            may_be_empty: false,
            media_type: "application/json",
        };
        let new_account = json!({"email": "made@example.org", "name": "Made", "password": PASSWORD});
        vec![
            case("POST", "/admin/users".into(), new_account, &["email", "name"]),
            case(
                "PATCH",
                account.clone(),
                json!({"name": "Other", "status": "suspended"}),
                &[],
            ),
            Case {
                media_type: "application/merge-patch+json",
                ..case(
                    "PATCH",
                    format!("/admin/events/{}/capacity", self.event),
                    json!({"capacity": 9}),
                    &["capacity"],
                )
            },
            case(
                "PUT",
                format!("{account}/roles"),
                json!({"roles": ["organizer"]}),
                &["roles"],
            ),
            case(
                "POST",
                "/admin/roles".into(),
                json!({"name": "new-role", "description": "Words", "permissions": ["audit:read"]}),
                &["name", "permissions"],
            ),
            case(
                "PATCH",
                format!("/admin/roles/{}", self.role),
                json!({"description": "Words", "permissions": ["audit:read"]}),
                &[],
            ),
        ]
    }
}
