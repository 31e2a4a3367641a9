//! Figures, and what breaks a rule.

use super::MoneyBody;
use admin::{DayOfStatistics, Statistics};
use chrono::{DateTime, Utc};
use registration::{EventStatistics, OnDay};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use voting::VotingFigures;

/// An event in figures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventStatistics)]
pub struct EventStatisticsBody {
    /// Its seats.
    pub seats: SeatFigures,
    /// Its queue.
    pub waitlist: WaitlistFigures,
    /// Who was there.
    pub attendance: AttendanceFigures,
    /// What was paid, by currency; empty for a free event.
    pub revenue: Vec<MoneyBody>,
    /// From the day of the first registration to today, by the dates of the event's zone; the last 366 at the most.
    pub registrations_per_day: Vec<DayFigure>,
    /// The voting.
    pub votes: VoteFigures,
}

/// Seats in figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeatFigures {
    /// How many there are.
    pub capacity: u32,
    /// How many of them are held.
    pub taken: u32,
    /// How many of them a newcomer can have now.
    pub available: u32,
}

/// A queue in figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitlistFigures {
    /// How many wait.
    pub waiting: u32,
    /// How many have waited and got a seat.
    pub promoted: u64,
}

/// Who was there, in figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttendanceFigures {
    /// Seat holders who were not checked in.
    pub confirmed: u64,
    /// Seat holders who were checked in.
    pub attended: u64,
    /// The part of the seat holders who were checked in, from 0 to 1; null where nobody holds a seat.
    pub share: Option<f64>,
}

/// Votes in figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoteFigures {
    /// How many were cast; one for each who voted.
    pub cast: u64,
    /// The part of the seat holders who voted, from 0 to 1; null where nobody holds a seat.
    pub share: Option<f64>,
    /// How many are listed.
    pub candidates: u64,
}

/// How many on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayFigure {
    /// The day.
    #[schema(example = "2027-05-01")]
    pub date: String,
    /// How many registered, whatever became of it.
    pub registrations: u64,
}

impl EventStatisticsBody {
    /// The figures.
    pub fn of(statistics: &EventStatistics, voting: VotingFigures) -> Self {
        let (confirmed, attended) = (statistics.confirmed, statistics.attended);
        let holders = confirmed + attended;
        #[expect(clippy::cast_precision_loss, reason = "a million seats at the most")]
        let share_of = |part: u64| (holders > 0).then(|| part as f64 / holders as f64);
        let day = |on: &OnDay| DayFigure {
            date: on.date.to_string(),
            registrations: on.count,
        };
        Self {
            seats: SeatFigures {
                capacity: statistics.capacity,
                taken: statistics.taken,
                available: statistics.available,
            },
            waitlist: WaitlistFigures {
                waiting: statistics.waiting,
                promoted: statistics.promoted,
            },
            attendance: AttendanceFigures {
                confirmed,
                attended,
                share: share_of(attended),
            },
            revenue: Vec::new(),
            registrations_per_day: statistics.registrations.iter().map(day).collect(),
            votes: VoteFigures {
                cast: voting.votes,
                share: share_of(voting.votes),
                candidates: voting.listed,
            },
        }
    }
}

/// The server in figures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Statistics)]
pub struct StatisticsBody {
    /// When they were counted.
    pub counted_at: DateTime<Utc>,
    /// Accounts by status.
    pub users: BTreeMap<String, u64>,
    /// People who can hold a seat.
    pub attendees: u64,
    /// Events by status.
    pub events: BTreeMap<String, u64>,
    /// Registrations by status.
    pub registrations: BTreeMap<String, u64>,
    /// People who wait for a seat.
    pub waiting: u64,
    /// Messages of the queue by status.
    pub messages: BTreeMap<String, u64>,
    /// The last 30 days in UTC, the oldest first.
    pub days: Vec<DayBody>,
}

/// A day of the server in figures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DayOfStatistics)]
pub struct DayBody {
    /// The day in UTC.
    #[schema(example = "2027-05-01")]
    pub date: String,
    /// Accounts that were made.
    pub sign_ups: u64,
    /// Registrations that came to be, whatever became of them.
    pub registrations: u64,
    /// People who were checked in.
    pub check_ins: u64,
}

impl StatisticsBody {
    /// The figures.
    pub fn of(statistics: Statistics) -> Self {
        let day = |day: DayOfStatistics| DayBody {
            date: day.date.to_string(),
            sign_ups: day.sign_ups,
            registrations: day.registrations,
            check_ins: day.check_ins,
        };
        Self {
            counted_at: statistics.counted_at,
            users: statistics.users,
            attendees: statistics.attendees,
            events: statistics.events,
            registrations: statistics.registrations,
            waiting: statistics.waiting,
            messages: statistics.messages,
            days: statistics.days.into_iter().map(day).collect(),
        }
    }
}

/// What came of a check of the rows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invariants)]
pub struct InvariantsBody {
    /// How many rules were checked.
    pub checked: usize,
    /// What breaks one; empty where all is well.
    pub violations: Vec<ViolationBody>,
}

/// A row that breaks a rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Violation)]
pub struct ViolationBody {
    /// The rule.
    pub rule: &'static str,
    /// The row's id.
    pub row: String,
}
