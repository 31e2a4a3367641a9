//! A database of each test's own, migrated, empty, and gone when the test ends.
//!
//! An SQLite database is a copy of a file that the process migrates once; a PostgreSQL database is made from a template
//! that the first process migrates once for the whole cluster.

mod postgres;
mod sqlite;
mod texts;

pub use texts::Cell;

use crate::cluster;
use crate::environment::{self, Reason};
use std::fmt;
use storage::connection::Connector;
use storage::{DatabaseUrl, DbConn};

/// The databases that Podium runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An SQLite file.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// How a server or a store over a test's database writes what comes at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// As configured when nothing is.
    #[default]
    Usual,
    /// Together wherever that can be, and who comes alone like many.
    InCompany,
    /// One by one.
    Alone,
}

/// The CHECK that keeps `seats_taken` within the capacity.
const SEAT_CHECK: &str = "events_seats_within_capacity";
/// The indexes that keep a person to one live registration and entry, and a queue to one entry a rank.
const SEAT_INDEXES: [&str; 3] = [
    "registrations_one_live",
    "waitlist_entries_one_live",
    "waitlist_entries_in_order",
];

/// Whether tests can have a database of this kind. SQLite is always there: it is compiled in.
pub fn available(kind: Kind) -> Result<(), Reason> {
    match kind {
        Kind::Sqlite => Ok(()),
        Kind::Postgres => cluster::shared().map(drop).map_err(Clone::clone),
    }
}

/// A migrated, empty database that is removed when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    kind: Kind,
    url: String,
    way: Way,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Sqlite(sqlite::File),
    Postgres(postgres::Database),
}

impl TestDatabase {
    /// A new SQLite file.
    pub fn sqlite() -> Self {
        let file = sqlite::File::copy_of_template();
        Self {
            kind: Kind::Sqlite,
            url: file.url(),
            way: Way::default(),
            place: Place::Sqlite(file),
        }
    }

    /// A new database of the shared PostgreSQL server. Panics where there is none; ask [`available`] before.
    pub fn postgres() -> Self {
        let admin =
            cluster::shared().unwrap_or_else(|reason| panic!("no PostgreSQL for the tests: {reason}"));
        let database = postgres::Database::from_template(admin);
        Self {
            kind: Kind::Postgres,
            url: database.url(),
            way: Way::default(),
            place: Place::Postgres(database),
        }
    }

    /// A new database of this kind, or none where the kind is missing and may be left out; it then says so once, also
    /// where the output of passing tests is hidden. Panics where [`environment::REQUIRE`] names the missing kind.
    pub fn unless_left_out(kind: Kind) -> Option<Self> {
        match (kind, available(kind)) {
            (Kind::Sqlite, _) => Some(Self::sqlite()),
            (Kind::Postgres, Ok(())) => Some(Self::postgres()),
            (Kind::Postgres, Err(reason)) => {
                environment::leave_out("postgres", "every test on PostgreSQL", &reason);
                None
            }
        }
    }

    /// Which of the two it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The same, written that way.
    #[must_use]
    pub fn written(self, way: Way) -> Self {
        Self { way, ..self }
    }

    /// How it is written.
    pub fn way(&self) -> Way {
        self.way
    }

    /// Where it is, as the configuration takes it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it is, parsed.
    pub fn parsed_url(&self) -> DatabaseUrl {
        self.url.parse().expect("testkit makes URLs that storage reads")
    }

    /// A connection beside the server's own, to look at the rows.
    pub fn connect(&self) -> DbConn {
        Connector::new(self.parsed_url())
            .open()
            .unwrap_or_else(|error| panic!("{}: {error}", self.parsed_url()))
    }

    /// Takes out what stands in the schema against overselling and double registration, for the tests that show what the
    /// guards are for. Call it before anybody else has the database open.
    pub fn take_seat_guards_out(&self) {
        let mut statements: Vec<String> = SEAT_INDEXES
            .iter()
            .map(|index| format!("DROP INDEX {index}"))
            .collect();
        statements.push(match self.kind {
            Kind::Postgres => format!("ALTER TABLE events DROP CONSTRAINT {SEAT_CHECK}"),
            Kind::Sqlite => {
                let constraint =
                    format!("CONSTRAINT {SEAT_CHECK} CHECK (seats_taken BETWEEN 0 AND capacity)");
                sqlite::without_constraint("events", &constraint)
            }
        });
        let sql = statements.join("; ");
        if let Err(error) = self.connect().execute_batch(&sql) {
            panic!("{sql}: {error}");
        }
    }

    /// The name of the database or the path of the file, for messages.
    pub fn name(&self) -> String {
        match &self.place {
            Place::Sqlite(file) => file.path().display().to_string(),
            Place::Postgres(database) => database.name().to_owned(),
        }
    }
}
