//! What can happen to an event and the people around it, and what can come of it.

use proptest::option;
use proptest::prelude::{Strategy, any, prop_oneof};

/// People with an account.
pub const USERS: usize = 6;
/// All people: the last ones have none, and are registered by the organiser.
pub const PEOPLE: usize = 9;

/// Who cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canceller {
    Oneself,
    Organizer,
    /// Somebody with an account to whom the registration is nothing.
    Stranger,
}

/// One thing that happens. People are numbers; hours are counted from the beginning.
#[derive(Debug, Clone)]
pub enum Operation {
    Register { person: usize },
    RegisterByManager { person: usize },
    Cancel { person: usize, by: Canceller },
    Leave { person: usize },
    SetCapacity { capacity: u32 },
    SetWaitlist { enabled: bool },
    Postpone { by_hours: i64 },
    Move { person: usize, position: u32 },
    RemoveEntry { person: usize },
    AddToQueue { person: usize, position: Option<u32> },
    Promote { person: usize },
    CheckIn { person: usize },
    UndoCheckIn { person: usize },
    RemoveAttendee { person: usize },
    CancelEvent,
    ReplaceEvent { opens_later: bool, closes_early: bool },
    Complete,
    Wait { hours: i64 },
}

/// What came of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The person has a seat.
    Seat,
    /// The person waits, at this position.
    Queued(u32),
    /// It was done, and so many seats changed hands.
    Seats(u32),
    /// It was done.
    Done,
    /// Nothing it could be done to was ever there.
    Nothing,
    /// It was refused, for this reason.
    Refused(&'static str),
}

/// How things stand, in numbers of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Who holds a seat, sorted.
    pub holders: Vec<usize>,
    /// Who of them was let in, sorted.
    pub attended: Vec<usize>,
    /// Who waits, in order.
    pub queue: Vec<usize>,
    /// What the event counts: seats taken, and people waiting.
    pub counts: (usize, usize),
}

pub fn any_operation() -> impl Strategy<Value = Operation> {
    let by = prop_oneof![
        4 => proptest::strategy::Just(Canceller::Oneself),
        2 => proptest::strategy::Just(Canceller::Organizer),
        1 => proptest::strategy::Just(Canceller::Stranger),
    ];
    prop_oneof![
        24 => (0..USERS).prop_map(|person| Operation::Register { person }),
        12 => (0..PEOPLE).prop_map(|person| Operation::RegisterByManager { person }),
        16 => (0..PEOPLE, by).prop_map(|(person, by)| Operation::Cancel { person, by }),
        6 => (0..USERS).prop_map(|person| Operation::Leave { person }),
        8 => (1_u32..=5).prop_map(|capacity| Operation::SetCapacity { capacity }),
        3 => any::<bool>().prop_map(|enabled| Operation::SetWaitlist { enabled }),
        2 => (1_i64..=30).prop_map(|by_hours| Operation::Postpone { by_hours }),
        12 => (0..PEOPLE, 0_u32..=6).prop_map(|(person, position)| Operation::Move { person, position }),
        4 => (0..PEOPLE).prop_map(|person| Operation::RemoveEntry { person }),
        8 => (0..PEOPLE, option::of(0_u32..=6))
            .prop_map(|(person, position)| Operation::AddToQueue { person, position }),
        10 => (0..PEOPLE).prop_map(|person| Operation::Promote { person }),
        10 => (0..PEOPLE).prop_map(|person| Operation::CheckIn { person }),
        6 => (0..PEOPLE).prop_map(|person| Operation::UndoCheckIn { person }),
        4 => (0..PEOPLE).prop_map(|person| Operation::RemoveAttendee { person }),
        1 => proptest::strategy::Just(Operation::CancelEvent),
        3 => (any::<bool>(), any::<bool>())
            .prop_map(|(opens_later, closes_early)| Operation::ReplaceEvent { opens_later, closes_early }),
        1 => proptest::strategy::Just(Operation::Complete),
        4 => (1_i64..=6).prop_map(|hours| Operation::Wait { hours }),
    ]
}
