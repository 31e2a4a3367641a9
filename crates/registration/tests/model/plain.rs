//! The model: the rules on plain lists, as one would keep them on paper.

use super::operation::{Canceller, Look, Operation, Outcome, PEOPLE, USERS};

/// An event as it begins, by hours.
pub const CAPACITY: u32 = 2;
pub const START: i64 = 16;
pub const LENGTH: i64 = 8;
pub const OPENS_LATER: i64 = 2;
pub const CLOSES_EARLY: i64 = 12;
/// So long after the end people are checked in.
const ADMITS_AFTER_END: i64 = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Published,
    Cancelled,
    Completed,
}

/// The last registration of a person, or the last place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Never,
    Live,
    Ended,
    Deleted,
}

pub struct Plain {
    now: i64,
    status: Status,
    capacity: u32,
    waitlist: bool,
    opens: Option<i64>,
    closes: Option<i64>,
    start: i64,
    holders: Vec<usize>,
    attended: Vec<usize>,
    queue: Vec<usize>,
    seat: [Last; PEOPLE],
    place: [Last; PEOPLE],
    attendee: [Last; PEOPLE],
}

impl Plain {
    pub fn new() -> Self {
        Self {
            now: 0,
            status: Status::Published,
            capacity: CAPACITY,
            waitlist: true,
            opens: None,
            closes: None,
            start: START,
            holders: Vec::new(),
            attended: Vec::new(),
            queue: Vec::new(),
            seat: [Last::Never; PEOPLE],
            place: [Last::Never; PEOPLE],
            attendee: [Last::Never; PEOPLE],
        }
    }

    pub fn look(&self) -> Look {
        let mut holders = self.holders.clone();
        holders.sort_unstable();
        let mut attended = self.attended.clone();
        attended.sort_unstable();
        Look {
            counts: (holders.len(), self.queue.len()),
            holders,
            attended,
            queue: self.queue.clone(),
        }
    }

    pub fn apply(&mut self, operation: &Operation) -> Outcome {
        match *operation {
            Operation::Register { person } => self.register(person),
            Operation::RegisterByManager { person } => {
                if person < USERS && self.attendee[person] != Last::Live {
                    return match self.attendee[person] {
                        Last::Never => Outcome::Nothing,
                        _ => Outcome::Refused("no attendee"),
                    };
                }
                self.register(person)
            }
            Operation::Cancel { person, by } => self.cancel(person, by),
            Operation::Leave { person } => {
                if !self.queue.contains(&person) {
                    return Outcome::Refused("not waiting");
                }
                self.unless_read_only(|plain| plain.end_place(person))
            }
            Operation::SetCapacity { capacity } => self.unless_read_only(|plain| {
                let taken = plain.holders.len();
                if capacity != plain.capacity && (capacity as usize) < taken {
                    return Outcome::Refused("below taken");
                }
                plain.capacity = capacity;
                plain.promote();
                Outcome::Done
            }),
            Operation::SetWaitlist { enabled } => self.unless_read_only(|plain| {
                plain.waitlist = enabled;
                Outcome::Done
            }),
            Operation::Postpone { by_hours } => self.postpone(self.now + by_hours),
            Operation::Move { person, position } => self.move_entry(person, position as usize),
            Operation::RemoveEntry { person } => match self.place[person] {
                Last::Never => Outcome::Nothing,
                Last::Live => self.unless_read_only(|plain| plain.end_place(person)),
                Last::Ended | Last::Deleted => Outcome::Refused("no entry"),
            },
            Operation::AddToQueue { person, position } => self.add_to_queue(person, position),
            Operation::Promote { person } => self.promote_out_of_turn(person),
            Operation::CheckIn { person } => self.check_in(person),
            Operation::UndoCheckIn { person } => self.undo_check_in(person),
            Operation::RemoveAttendee { person } => self.remove_attendee(person),
            Operation::CancelEvent => self.unless_read_only(|plain| {
                plain.status = Status::Cancelled;
                plain.clear(Last::Ended);
                Outcome::Done
            }),
            Operation::ReplaceEvent {
                opens_later,
                closes_early,
            } => {
                self.clear(Last::Deleted);
                *self = Self {
                    now: self.now,
                    start: self.now + START,
                    opens: opens_later.then_some(self.now + OPENS_LATER),
                    closes: closes_early.then_some(self.now + CLOSES_EARLY),
                    seat: self.seat,
                    place: self.place,
                    attendee: self.attendee,
                    ..Self::new()
                };
                Outcome::Done
            }
            Operation::Complete => {
                if self.status == Status::Published && self.now >= self.start + LENGTH {
                    self.status = Status::Completed;
                }
                Outcome::Done
            }
            Operation::Wait { hours } => {
                self.now += hours;
                Outcome::Done
            }
        }
    }

    fn is_read_only(&self) -> bool {
        self.status != Status::Published || self.now >= self.start + LENGTH
    }

    fn unless_read_only(&mut self, change: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        if self.is_read_only() {
            return Outcome::Refused("read-only");
        }
        change(self)
    }

    fn register(&mut self, person: usize) -> Outcome {
        if self.is_read_only() {
            return Outcome::Refused("not published");
        }
        if self.now >= self.closes.unwrap_or(self.start) {
            return Outcome::Refused("closed");
        }
        if self.opens.is_some_and(|opens| self.now < opens) {
            return Outcome::Refused("not open");
        }
        if self.holders.contains(&person) {
            return Outcome::Refused("already registered");
        }
        if self.queue.contains(&person) {
            return Outcome::Refused("already waiting");
        }
        if self.holders.len() + self.queue.len() < self.capacity as usize {
            self.attendee[person] = Last::Live;
            self.seat[person] = Last::Live;
            self.holders.push(person);
            return Outcome::Seat;
        }
        if !self.waitlist {
            return Outcome::Refused("full");
        }
        self.attendee[person] = Last::Live;
        self.place[person] = Last::Live;
        self.queue.push(person);
        Outcome::Queued(u32::try_from(self.queue.len()).expect("few people"))
    }

    fn cancel(&mut self, person: usize, by: Canceller) -> Outcome {
        let has_account = person < USERS;
        match self.seat[person] {
            Last::Never => return Outcome::Nothing,
            Last::Deleted => return Outcome::Refused("no registration"),
            Last::Live | Last::Ended => {}
        }
        if by == Canceller::Stranger || (by == Canceller::Oneself && !has_account) {
            return Outcome::Refused("no registration");
        }
        self.unless_read_only(|plain| {
            if plain.seat[person] == Last::Ended {
                return Outcome::Refused("not live");
            }
            if plain.attended.contains(&person) {
                return Outcome::Refused("attended");
            }
            plain.end_seat(person);
            Outcome::Seats(plain.promote())
        })
    }

    fn postpone(&mut self, start: i64) -> Outcome {
        let last_opening = self.closes.unwrap_or(start);
        let fits = self.closes.is_none_or(|closes| closes <= start)
            && self.opens.is_none_or(|opens| opens < last_opening);
        if !fits {
            return Outcome::Refused("invalid");
        }
        self.unless_read_only(|plain| {
            plain.start = start;
            plain.promote();
            Outcome::Done
        })
    }

    fn move_entry(&mut self, person: usize, position: usize) -> Outcome {
        match self.place[person] {
            Last::Never => return Outcome::Nothing,
            Last::Live => {}
            Last::Ended | Last::Deleted => return Outcome::Refused("no entry"),
        }
        if position == 0 || position > self.queue.len() {
            return Outcome::Refused("invalid");
        }
        self.unless_read_only(|plain| {
            plain.queue.retain(|waiting| *waiting != person);
            plain.queue.insert(position - 1, person);
            Outcome::Done
        })
    }

    fn add_to_queue(&mut self, person: usize, position: Option<u32>) -> Outcome {
        match self.attendee[person] {
            Last::Never => return Outcome::Nothing,
            Last::Live => {}
            Last::Ended | Last::Deleted => return Outcome::Refused("no attendee"),
        }
        if position == Some(0) {
            return Outcome::Refused("invalid");
        }
        if self.is_read_only() {
            return Outcome::Refused("not published");
        }
        if self.now >= self.start || !self.waitlist {
            return Outcome::Refused("closed");
        }
        if self.holders.contains(&person) {
            return Outcome::Refused("already registered");
        }
        if self.queue.contains(&person) {
            return Outcome::Refused("already waiting");
        }
        if self.holders.len() < self.capacity as usize {
            return Outcome::Refused("seat free");
        }
        let last = u32::try_from(self.queue.len() + 1).expect("few people");
        let position = position.unwrap_or(last);
        if position > last {
            return Outcome::Refused("invalid");
        }
        self.place[person] = Last::Live;
        self.queue.insert(position as usize - 1, person);
        Outcome::Queued(position)
    }

    fn promote_out_of_turn(&mut self, person: usize) -> Outcome {
        match self.place[person] {
            Last::Never => return Outcome::Nothing,
            Last::Live => {}
            Last::Ended | Last::Deleted => return Outcome::Refused("no entry"),
        }
        self.unless_read_only(|plain| {
            if plain.holders.len() >= plain.capacity as usize {
                return Outcome::Refused("no seat");
            }
            plain.end_place(person);
            plain.seat[person] = Last::Live;
            plain.holders.push(person);
            Outcome::Seat
        })
    }

    fn check_in(&mut self, person: usize) -> Outcome {
        if self.seat[person] == Last::Never {
            return Outcome::Nothing;
        }
        if !self.admits() {
            return Outcome::Refused("check-in closed");
        }
        match self.seat[person] {
            Last::Never | Last::Deleted => return Outcome::Refused("no ticket"),
            Last::Ended => return Outcome::Refused("void"),
            Last::Live => {}
        }
        if self.attended.contains(&person) {
            return Outcome::Refused("checked in");
        }
        self.attended.push(person);
        Outcome::Done
    }

    fn undo_check_in(&mut self, person: usize) -> Outcome {
        if self.seat[person] == Last::Never {
            return Outcome::Nothing;
        }
        if !self.admits() {
            return Outcome::Refused("check-in closed");
        }
        if !self.attended.contains(&person) {
            return Outcome::Refused("no check-in");
        }
        self.attended.retain(|attended| *attended != person);
        Outcome::Done
    }

    fn admits(&self) -> bool {
        self.status != Status::Cancelled && self.now < self.start + LENGTH + ADMITS_AFTER_END
    }

    fn remove_attendee(&mut self, person: usize) -> Outcome {
        match self.attendee[person] {
            Last::Never => return Outcome::Nothing,
            Last::Live => {}
            Last::Ended | Last::Deleted => return Outcome::Refused("no attendee"),
        }
        self.queue.retain(|waiting| *waiting != person);
        let seats = self.holders.len();
        self.holders.retain(|holder| *holder != person);
        self.attended.retain(|attended| *attended != person);
        let freed = seats - self.holders.len();
        self.promote();
        for last in [&mut self.seat, &mut self.place, &mut self.attendee] {
            if last[person] != Last::Never {
                last[person] = Last::Deleted;
            }
        }
        Outcome::Seats(u32::try_from(freed).expect("one"))
    }

    fn end_seat(&mut self, person: usize) {
        self.holders.retain(|holder| *holder != person);
        self.seat[person] = Last::Ended;
    }

    fn end_place(&mut self, person: usize) -> Outcome {
        self.queue.retain(|waiting| *waiting != person);
        self.place[person] = Last::Ended;
        Outcome::Done
    }

    /// Free seats go to the head of the queue, until the start.
    fn promote(&mut self) -> u32 {
        let mut promoted = 0;
        while self.now < self.start && self.holders.len() < self.capacity as usize && !self.queue.is_empty() {
            let person = self.queue.remove(0);
            self.place[person] = Last::Ended;
            self.seat[person] = Last::Live;
            self.holders.push(person);
            promoted += 1;
        }
        promoted
    }

    /// Everything at the event ends, or its rows go.
    fn clear(&mut self, left: Last) {
        self.holders.clear();
        self.attended.clear();
        self.queue.clear();
        for last in self.seat.iter_mut().chain(&mut self.place) {
            if *last == Last::Live || (left == Last::Deleted && *last == Last::Ended) {
                *last = left;
            }
        }
    }
}
