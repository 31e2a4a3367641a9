//! What stands above and reacts.

use crate::Candidate;
use kernel::{Ctx, StoreError};

/// A candidacy ended, whoever ended it.
pub trait CandidateLeft {
    /// Reacts to it, in the same transaction; `candidate` is as it is now.
    fn candidate_left(&mut self, ctx: &Ctx, candidate: &Candidate) -> Result<(), StoreError>;
}
