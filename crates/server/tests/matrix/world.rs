//! The people and things that the matrix asks about.

mod ballot;

use super::campaigns::{self, Campaigns};
use crate::support::{give_only, sql, suspend, ticket_of};
use kernel::{DeliveryId, EventId, PageRequest, Permission};
use notification::{unsubscribe_token, vote_token};
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::{Answer, Client, Harness, Person};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Sends no token.
    Nobody,
    /// Sends what is no token.
    BadBearer,
    /// Has an account that was suspended.
    Suspended,
    /// Has signed out.
    Ended,
    /// An attendee who has nothing to do with the event.
    Stranger,
    /// Holds the seat: the owner of the registration.
    Holder,
    /// Waits: the owner of the waitlist entry.
    Waiter,
    /// Organises other events.
    OtherOrganizer,
    /// Organises the event.
    Organizer,
    /// An admin.
    Admin,
    /// Belongs to the staff of the event as a manager.
    StaffManager,
    /// Belongs to the staff of the event as a scanner.
    Scanner,
    /// Has a role of this permission alone, and nothing to do with the event.
    Only(Permission),
}

impl Caller {
    /// Those who have a column in the table, in its order.
    pub const COLUMNS: [Self; 10] = [
        Self::Nobody,
        Self::BadBearer,
        Self::Suspended,
        Self::Ended,
        Self::Stranger,
        Self::Holder,
        Self::Waiter,
        Self::OtherOrganizer,
        Self::Organizer,
        Self::Admin,
    ];

    /// Everybody.
    pub fn all() -> impl Iterator<Item = Self> {
        let singles = Permission::ALL.iter().copied().map(Self::Only);
        Self::COLUMNS
            .into_iter()
            .chain([Self::StaffManager, Self::Scanner])
            .chain(singles)
    }
}

/// Which event the path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A full one that is announced.
    Published,
    /// One that only its managers know of.
    Draft,
    /// One that is announced and at which nobody has a seat.
    Quiet,
    /// Not an event: an admin, or a role that permits to read the audit log.
    Power,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// No body.
    Nothing,
    /// A whole event.
    NewEvent,
    /// A campaign for who is listed.
    Campaign,
    /// Another subject.
    Subject,
    /// Whom a campaign goes to.
    Approval,
    /// Another title.
    Title,
    /// Another place.
    Place,
    /// Something to say to all who hold a seat.
    News,
    /// How many seats there are to be.
    Seats,
    /// A reason.
    Reason,
    /// A position in the queue with a reason.
    Position,
    /// Somebody else to register.
    Guest,
    /// A ticket of the event.
    Scan,
    /// Somebody for the waitlist.
    Addition,
    /// What somebody does at the event.
    StaffRole,
    /// Others to register, as CSV.
    List,
    /// Somebody to note.
    NewPerson,
    /// A telephone number.
    Phone,
    /// Another name of oneself.
    Name,
    /// A new account.
    SignUp,
    /// The holder's password.
    SignIn,
    /// The wrong present password.
    WrongPasswordAlone,
    /// A refresh token of the holder's.
    Refresh,
    /// The holder's address.
    Address,
    /// Another password, and the wrong present one: the right one would end the session.
    WrongPassword,
    /// Another password, by a link that nobody got.
    LinkReset,
    /// Answers to security questions.
    Answers,
    /// Another password, for somebody without an account.
    AnswersReset,
    /// What was mailed to somebody who signed up.
    Confirmation,
    /// A code that was sent to no phone.
    PhoneCode,
    /// What one wants to be told.
    Preferences,
    /// Another address.
    NewEmail,
    /// An account of somebody else.
    Account,
    /// The same, as an admin.
    AdminAccount,
    /// That the account may not be used.
    Suspension,
    /// The role attendee.
    OneRole,
    /// The role admin.
    AdminRole,
    /// A role that permits nothing.
    EmptyRole,
    /// A role that permits to read the audit log.
    AuditorsRole,
    /// That a role permits nothing.
    NoPermission,
    /// That a role permits to read the audit log.
    Reads,
    /// What one stands with.
    Candidacy,
    /// Another title of a talk.
    Talk,
    /// For whom one votes.
    Ballot,
    /// Who is to speak, with a reason.
    Choice,
}

struct Things {
    published: EventId,
    quiet: EventId,
    draft: EventId,
    registration: String,
    ticket: String,
    attendee: String,
    noted: String,
    entry: String,
    waiting: String,
    /// Somebody of the staff, beside those who ask.
    helper: String,
    account: String,
    admin: String,
    role: String,
    auditors: String,
    /// A dead letter.
    job: String,
    /// Who is listed at the event and does not speak there.
    candidate: String,
    /// Campaigns that the holder asked for.
    campaigns: Campaigns,
    /// A copy of a campaign to the holder.
    delivery: DeliveryId,
}

/// A server with people of every kind, and things that are made anew when they were changed.
pub struct World<'h> {
    harness: &'h Harness,
    clients: Vec<(Caller, Client)>,
    /// The addresses of those who can sign in again.
    emails: Vec<(Caller, String)>,
    organizer: Person,
    holder: Person,
    waiter: Person,
    /// The account of [`Caller::Admin`].
    admin: String,
    staff: [Person; 2],
    /// Who stand for speaker; the first was chosen.
    candidates: [Person; 2],
    things: Things,
}

impl<'h> World<'h> {
    pub async fn new(harness: &'h Harness) -> Self {
        let organizer = harness.organizer().await;
        let [
            holder,
            waiter,
            stranger,
            suspended,
            ended,
            manager,
            scanner,
            speaker,
            rival,
        ] = harness
            .crowd(9)
            .await
            .try_into()
            .unwrap_or_else(|_| panic!("nine people"));
        suspend(harness, &suspended);
        ended.client.post("/auth/logout").await.expect(204);
        let mut clients = vec![
            (Caller::Nobody, harness.client()),
            (Caller::BadBearer, harness.running().person("not.a.token")),
            (Caller::Suspended, suspended.client),
            (Caller::Ended, ended.client),
        ];
        let mut emails = Vec::new();
        let admin = harness.admin().await;
        let admin_id = admin.id.to_string();
        for (caller, person) in [
            (Caller::Stranger, stranger),
            (Caller::Holder, holder.clone()),
            (Caller::Waiter, waiter.clone()),
            (Caller::OtherOrganizer, harness.organizer().await),
            (Caller::Organizer, organizer.clone()),
            (Caller::Admin, admin),
            (Caller::StaffManager, manager.clone()),
            (Caller::Scanner, scanner.clone()),
        ] {
            clients.push((caller, person.client));
            emails.push((caller, person.email));
        }
        let people = harness.crowd(Permission::ALL.len()).await;
        for (permission, person) in Permission::ALL.iter().zip(people) {
            give_only(harness, &person, *permission);
            clients.push((Caller::Only(*permission), person.client));
            emails.push((Caller::Only(*permission), person.email));
        }
        let staff = [manager, scanner];
        let candidates = [speaker, rival];
        let things = Things::make(harness, &organizer, &holder, &waiter, &staff, &candidates).await;
        Self {
            harness,
            clients,
            emails,
            organizer,
            holder,
            waiter,
            admin: admin_id,
            staff,
            candidates,
            things,
        }
    }

    /// Makes the things anew.
    pub async fn renew(&mut self) {
        let (organizer, holder, waiter) = (&self.organizer, &self.holder, &self.waiter);
        let (staff, candidates) = (&self.staff, &self.candidates);
        self.things = Things::make(self.harness, organizer, holder, waiter, staff, candidates).await;
    }

    /// Signs in anew who has ended their session.
    pub async fn sign_in_again(&mut self, caller: Caller) {
        let Some((_, email)) = self.emails.iter().find(|(known, _)| *known == caller) else {
            return;
        };
        let person = self.harness.log_in(email).await;
        let known = self.clients.iter_mut().find(|(known, _)| *known == caller);
        known.expect("a client for every caller").1 = person.client;
    }

    /// A path that names the things, and a body that fits.
    pub async fn request(&self, path: &str, of: Of, content: Content) -> (String, Option<Value>) {
        let event = match of {
            Of::Published | Of::Power => self.things.published,
            Of::Draft => self.things.draft,
            Of::Quiet => self.things.quiet,
        };
        let things = &self.things;
        let (account, role) = match of {
            Of::Power => (&things.admin, &things.auditors),
            Of::Published | Of::Draft | Of::Quiet => (&things.account, &things.role),
        };
        let id = match path.split('/').nth(1) {
            Some("registrations") => self.things.registration.clone(),
            Some("attendees") => match of {
                Of::Draft => things.noted.clone(),
                Of::Published | Of::Quiet | Of::Power => things.attendee.clone(),
            },
            Some("campaigns") => things.campaigns.of(of),
            Some("users") => self.holder.id.to_string(),
            // One that nobody needs.
            Some("auth") if path.contains("{id}") => self
                .harness
                .log_in(&self.holder.email)
                .await
                .session_id
                .to_string(),
            Some("admin") if path.starts_with("/admin/jobs") => things.job.clone(),
            Some("admin") if path.starts_with("/admin/events") => event.to_string(),
            Some("admin") => account.clone(),
            _ => event.to_string(),
        };
        let candidate = if path.ends_with("/accept") {
            self.nomination()
        } else {
            things.candidate.clone()
        };
        let member = if matches!(content, Content::StaffRole) {
            &things.account
        } else {
            &things.helper
        };
        let path = path
            .replace("{user_id}", member)
            .replace("{id}", &id)
            .replace("{entry_id}", &things.entry)
            .replace("{candidate_id}", &candidate)
            .replace("{registration_id}", &things.registration)
            .replace("{name}", role)
            .replace("{token}", &self.token(path));
        (path, self.content(content).await)
    }

    async fn content(&self, content: Content) -> Option<Value> {
        let sign_in = || json!({"email": self.holder.email, "password": PASSWORD});
        Some(match content {
            Content::Nothing => return None,
            Content::NewEvent => self.harness.event_fields(3),
            Content::Campaign => campaigns::form(&self.things.candidate),
            Content::Subject => json!({"subject": format!("Vote {}", self.new_word())}),
            Content::Approval => json!({"audience": "event"}),
            Content::Title => json!({"title": format!("Talk {}", self.new_word())}),
            Content::Place => json!({"location": format!("Hall {}", self.new_word())}),
            Content::News => json!({"subject": "Where to park", "body": "Behind the hall, because."}),
            Content::Seats => json!({"capacity": 40}),
            Content::Reason => json!({"reason": "because"}),
            Content::Position => json!({"position": 1, "reason": "because"}),
            Content::Guest => {
                json!({"attendee": {"name": "Guest", "email": format!("{}@example.org", self.new_word())}})
            }
            Content::Scan => json!({"ticket_code": self.things.ticket}),
            Content::Addition => json!({"attendee_id": self.things.waiting, "reason": "because"}),
            Content::StaffRole => json!({"role": "scanner"}),
            Content::List => Value::String(format!("name,email\nGuest,{}@example.org\n", self.new_word())),
            Content::NewPerson => {
                json!({"name": "Person", "email": format!("{}@example.org", self.new_word())})
            }
            Content::Phone => json!({"phone": "+919812345678"}),
            Content::Name => json!({"profession": "gardener"}),
            Content::SignUp => {
                let email = format!("{}@example.org", self.new_word());
                json!({"email": email, "password": PASSWORD, "name": "New"})
            }
            Content::SignIn => sign_in(),
            Content::WrongPasswordAlone => json!({"password": "a password of nobody's"}),
            Content::Address => json!({"email": self.holder.email}),
            Content::WrongPassword => {
                json!({"current_password": "a wrong password", "new_password": PASSWORD})
            }
            Content::LinkReset => json!({"token": "nonsense", "new_password": PASSWORD}),
            Content::Answers => json!({"answers": two_answers()}),
            Content::AnswersReset => {
                json!({"email": "nobody@example.org", "answers": two_answers(), "new_password": PASSWORD})
            }
            Content::PhoneCode => json!({"otp": "123456"}),
            Content::Preferences => json!({"email_reminders": false, "text_messages": false}),
            Content::NewEmail => {
                json!({"new_email": format!("{}@example.org", self.new_word()), "password": PASSWORD})
            }
            Content::Confirmation => {
                let email = self.harness.attendee("new").await.email;
                json!({"token": self.harness.mailed_secrets(&email).await.token})
            }
            Content::Refresh => {
                let login = self.harness.client().post("/auth/login").json(sign_in());
                let token = login.await.expect(200).text_at("/refresh_token");
                json!({"refresh_token": token})
            }
            Content::Account => self.account(&["attendee"]),
            Content::AdminAccount => self.account(&["admin"]),
            Content::Suspension => json!({"status": "suspended"}),
            Content::OneRole => json!({"roles": ["attendee"]}),
            Content::AdminRole => json!({"roles": ["admin"]}),
            Content::EmptyRole => json!({"name": format!("role-{}", self.new_word()), "permissions": []}),
            Content::AuditorsRole => {
                json!({"name": format!("role-{}", self.new_word()), "permissions": ["audit:read"]})
            }
            Content::NoPermission => json!({"permissions": []}),
            Content::Reads => json!({"permissions": ["audit:read"]}),
            Content::Candidacy => json!({"talk_title": "Sync or async", "abstract": "Words"}),
            Content::Talk => json!({"talk_title": format!("Talk {}", self.new_word())}),
            Content::Ballot => json!({"candidate_id": self.things.candidate}),
            Content::Choice => json!({"candidate_id": self.things.candidate, "reason": "because"}),
        })
    }

    /// The link of the copy, to vote or to unsubscribe.
    fn token(&self, path: &str) -> String {
        let keys = self.harness.server_keys();
        if path.starts_with("/unsubscribe") {
            unsubscribe_token(&keys, self.things.delivery, "reader@example.org")
        } else {
            vote_token(&keys, self.things.delivery)
        }
    }

    fn account(&self, roles: &[&str]) -> Value {
        json!({"email": format!("{}@example.org", self.new_word()), "name": "Made", "roles": roles})
    }

    /// A word that nothing has yet.
    fn new_word(&self) -> String {
        let ctx = self.harness.system();
        ctx.new_id::<EventId>().to_string()
    }

    fn client(&self, caller: Caller) -> &Client {
        let found = self.clients.iter().find(|(known, _)| *known == caller);
        &found.expect("a client for every caller").1
    }

    /// The account of the admin who asks.
    pub fn admin_id(&self) -> String {
        self.admin.clone()
    }

    /// Asks as that caller.
    pub async fn ask(&self, caller: Caller, method: &str, path: &str, content: Option<&Value>) -> Answer {
        let request = self
            .client(caller)
            .request(method.parse().expect("a method"), path);
        match content {
            Some(Value::String(list)) => request.text("text/csv", list.as_str()).await,
            Some(content) => request.json(content.clone()).await,
            None => request.await,
        }
    }

    /// The same with a text that is said to be JSON.
    pub async fn ask_raw(&self, caller: Caller, method: &str, path: &str, body: &'static str) -> Answer {
        let method = method.parse().expect("a method");
        let request = self.client(caller).request(method, path);
        request.text("application/json", body).await
    }
}

fn two_answers() -> Value {
    json!([
        {"question_id": "toy_name", "answer": "Fluffy"},
        {"question_id": "first_dish", "answer": "Soup"},
    ])
}

impl Things {
    async fn make(
        harness: &Harness,
        organizer: &Person,
        holder: &Person,
        waiter: &Person,
        staff: &[Person; 2],
        candidates: &[Person; 2],
    ) -> Self {
        let published = harness.published_event(organizer, 3).await;
        let quiet = harness.published_event(organizer, 1).await;
        let (registration, attendee) = harness.registered(holder, published).await;
        let candidate = ballot::vote_at(harness, organizer, published, candidates).await;
        let email = format!("noted-{registration}@example.org");
        let noted = organizer
            .client
            .post("/attendees")
            .json(json!({"name": "Noted", "email": email}));
        let noted = noted.await.expect(201).text_at("/id");
        let job = dead_letter(harness).await;
        let path = format!("/events/{published}/registrations");
        let waits = waiter.client.post(&path).await.expect(202);
        let draft = organizer
            .client
            .post("/events")
            .json(harness.event_fields(1))
            .await
            .expect(201);
        let [account, admin, helper] = harness
            .crowd(3)
            .await
            .try_into()
            .unwrap_or_else(|_| panic!("three people"));
        let (role, auditors) = (format!("role-{}", account.id), format!("auditors-{}", account.id));
        sql(
            harness,
            &format!(
                "UPDATE user_roles SET role_name = 'admin' WHERE user_id = '{}';
                 INSERT INTO roles (name, description, built_in) VALUES ('{role}', '', false), ('{auditors}', '', false);
                 INSERT INTO role_permissions (role_name, permission) VALUES ('{auditors}', 'audit:read');",
                admin.id
            ),
        );
        let draft = draft.text_at("/id").parse().expect("an id");
        for event in [published, quiet, draft] {
            let [manager, scanner] = staff;
            for (person, role) in [(manager, "manager"), (scanner, "scanner"), (&helper, "scanner")] {
                let path = format!("/events/{event}/staff/{}", person.id);
                let put = organizer.client.put(&path).json(json!({"role": role}));
                put.await.expect(201);
            }
        }
        Self {
            published,
            quiet,
            draft,
            registration: registration.to_string(),
            ticket: ticket_of(harness, registration).await,
            attendee: attendee.to_string(),
            noted,
            entry: waits.text_at("/waitlist_entry/id"),
            waiting: waits.text_at("/waitlist_entry/attendee_id"),
            helper: helper.id.to_string(),
            account: account.id.to_string(),
            admin: admin.id.to_string(),
            delivery: campaigns::copy(harness, published, &candidate, attendee, organizer),
            campaigns: Campaigns::of_holder(harness, published, &candidate, holder),
            role,
            auditors,
            job,
            candidate,
        }
    }
}

/// The newest message, given up.
async fn dead_letter(harness: &Harness) -> String {
    let read = harness.store().read(|tx| tx.list_messages(PageRequest::first()));
    let page = read.await.expect("a page");
    let id = page.items.first().expect("a message").id.to_string();
    sql(
        harness,
        &format!("UPDATE outbox SET status = 'dead' WHERE id = '{id}'"),
    );
    id
}
