//! Work that one may ask for again and again and that takes long: so much of it at a time in this process, and less for one
//! account, so that nobody takes all there is.

use crate::problem::Problem;
use kernel::UserId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Who is turned away may ask again after so many seconds.
const COME_AGAIN: u64 = 5;

/// The turns that there are.
pub struct Turns {
    all: Arc<Semaphore>,
    of_one: u32,
    taken: Arc<Mutex<HashMap<UserId, u32>>>,
}

/// Somebody's turn, until it is dropped.
pub struct Turn {
    user_id: UserId,
    taken: Arc<Mutex<HashMap<UserId, u32>>>,
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    /// Exports at a time.
    pub const EXPORTS: usize = 8;
    /// Exports of one account at a time.
    pub const EXPORTS_OF_ONE: u32 = 2;

    /// So many turns at a time, and so many of one account.
    pub fn new(all: usize, of_one: u32) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            of_one,
            taken: Arc::default(),
        }
    }

    /// A turn, if one is free: 429 where the account has its share already, 503 where everything is taken.
    pub fn take(&self, user_id: UserId) -> Result<Turn, Problem> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.get(&user_id).is_some_and(|count| *count >= self.of_one) {
            return Err(Problem::rate_limited(COME_AGAIN).detail(format!(
                "One account has at most {} of these at the same time.",
                self.of_one
            )));
        }
        let Ok(permit) = Arc::clone(&self.all).try_acquire_owned() else {
            return Err(Problem::busy(COME_AGAIN));
        };
        *taken.entry(user_id).or_default() += 1;
        Ok(Turn {
            user_id,
            taken: Arc::clone(&self.taken),
            _permit: permit,
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.user_id) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.user_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem_catalogue::ProblemType;
    use kernel::TypedId;
    use uuid::Uuid;

    #[test]
    fn one_account_has_its_share_and_all_together_have_the_rest() {
        let turns = Turns::new(3, 2);
        let [asha, ben] = [1, 2].map(|number| UserId::from_uuid(Uuid::from_u128(number)));
        let refusal = |user| turns.take(user).map(drop).unwrap_err().kind();
        let first = turns.take(asha).unwrap();
        let _second = turns.take(asha).unwrap();
        assert_eq!(refusal(asha), ProblemType::RateLimited);
        let of_ben = turns.take(ben).unwrap();
        assert_eq!(refusal(ben), ProblemType::Unavailable);
        drop(first);
        let _third = turns.take(asha).unwrap();
        drop(of_ben);
        let _again = turns.take(ben).unwrap();
        assert_eq!(turns.taken.lock().unwrap().len(), 2);
    }
}
