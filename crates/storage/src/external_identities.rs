//! Rows and queries of accounts elsewhere that sign in to one here.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::schema::external_identities;
use auth::{ExternalIdentityRepository, ExternalLink};
use diesel::prelude::*;
use kernel::{StoreError, UserId};
use user::{NewUser, UserRepository};

impl Tx<'_> {
    /// Somebody else has written the same row meanwhile: tried again, the operation finds it.
    fn found_when_tried_again(&mut self, error: StoreError) -> StoreError {
        match error {
            StoreError::Duplicate(what) => self.contend(what),
            other => other,
        }
    }
}

impl ExternalIdentityRepository for Tx<'_> {
    fn find_user_of_external(&mut self, issuer: &str, subject: &str) -> Result<Option<UserId>, StoreError> {
        let found: Option<Uid> = self.run(|connection| {
            on!(connection, |c| external_identities::table
                .find((issuer, subject))
                .select(external_identities::user_id)
                .first(c)
                .optional())
        })?;
        Ok(found.map(Uid::typed))
    }

    fn insert_external_link(&mut self, link: &ExternalLink) -> Result<(), StoreError> {
        self.hold_account(link.user_id)?;
        let row = (
            external_identities::issuer.eq(&link.issuer),
            external_identities::subject.eq(&link.subject),
            external_identities::user_id.eq(Uid::of(link.user_id)),
            external_identities::linked_at.eq(Ts(link.linked_at)),
        );
        let inserted = self.run(|connection| {
            on!(connection, |c| diesel::insert_into(external_identities::table)
                .values(row)
                .execute(c))
        });
        inserted
            .map(|_| ())
            .map_err(|error| self.found_when_tried_again(error))
    }

    fn insert_user_from_elsewhere(&mut self, new: &NewUser) -> Result<(), StoreError> {
        self.insert_user(new)
            .map_err(|error| self.found_when_tried_again(error))
    }
}
