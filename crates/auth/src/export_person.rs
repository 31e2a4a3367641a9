//! A person is given everything that is held on them.

use crate::{PersonExport, PersonalDataRepository};
use kernel::{Ctx, Denied, StoreError};
use user::{AttendeeRepository, UserRepository, find_attendee_of};

/// Why nothing is given.
#[derive(Debug, thiserror::Error)]
pub enum ExportPersonError {
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What exporting needs of a transaction.
pub trait ExportPersonTx: UserRepository + AttendeeRepository + PersonalDataRepository {}

/// Everything that is held on the actor.
pub fn export_person(tx: &mut dyn ExportPersonTx, ctx: &Ctx) -> Result<PersonExport, ExportPersonError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let user = tx.find_user(user_id)?.ok_or(Denied::Unauthenticated)?;
    let attendee = find_attendee_of(tx, &user.account())?;
    Ok(tx.collect_personal_data(ctx, &user, attendee.as_ref())?)
}
