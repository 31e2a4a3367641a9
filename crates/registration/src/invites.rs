//! How many others an account may have written to within 24 hours: whom it registers, whom it puts on a waitlist, and whose
//! confirmation it sends again count together, since each of them gets a mail.

use crate::RegistrationTx;
use chrono::TimeDelta;
use kernel::{Ctx, StoreError, UserId};

/// What the audit log calls the registration of somebody else.
pub(crate) const REGISTERED_OTHER: &str = "registration.create";
/// What it calls an entry by a manager.
pub(crate) const PUT_ON_WAITLIST: &str = "waitlist.add";
/// What it calls the confirmation of somebody else's seat, sent again.
pub(crate) const RESENT: &str = "registration.resend";

/// How many others the actor may have written to yet.
pub(crate) struct Invites {
    limit: u32,
    used: Option<u64>,
}

impl Invites {
    pub(crate) const fn by(limit: u32) -> Self {
        Self { limit, used: None }
    }

    /// Counts what the account did. It does nothing of the kind elsewhere until the end of the transaction: at other events
    /// too, it comes after this or before. To be asked for after the event's lock and before an attendee is held.
    pub(crate) fn count(
        &mut self,
        tx: &mut dyn RegistrationTx,
        ctx: &Ctx,
        user_id: UserId,
    ) -> Result<u64, StoreError> {
        if let Some(used) = self.used {
            return Ok(used);
        }
        tx.lock_user(user_id)?;
        let since = ctx.now - TimeDelta::days(1);
        let mut used = 0;
        for action in [REGISTERED_OTHER, PUT_ON_WAITLIST, RESENT] {
            used += tx.count_audit(user_id, action, since)?;
        }
        self.used = Some(used);
        Ok(used)
    }

    /// Whether nobody is left; asked after counting.
    pub(crate) fn are_used_up(&self) -> bool {
        self.used.is_some_and(|used| used >= u64::from(self.limit))
    }

    /// Takes one, or gives how many there are a day.
    pub(crate) fn take(
        &mut self,
        tx: &mut dyn RegistrationTx,
        ctx: &Ctx,
        user_id: UserId,
    ) -> Result<Result<(), u32>, StoreError> {
        let used = self.count(tx, ctx, user_id)?;
        if self.are_used_up() {
            return Ok(Err(self.limit));
        }
        self.used = Some(used + 1);
        Ok(Ok(()))
    }
}
