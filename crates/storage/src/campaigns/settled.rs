//! What has become of campaigns' mails, written down with what the queue says of them. A mail has its delivery's id.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::DbConn;
use crate::prepared::Prepared;
use crate::schema::campaign_deliveries;
use diesel::prelude::*;
use kernel::{Instant, StoreError};

/// How a mail of a campaign fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended<'a> {
    /// It was taken.
    Sent,
    /// It was given up.
    Failed(&'a str),
    /// It is not to be sent any more.
    Moot,
    /// It was taken out of the queue, for now.
    Withdrawn,
    /// It is to be tried again.
    Requeued,
}

/// What a mail that is not to be sent says was in the way, where nothing more is known.
const MOOT: &str = "no_longer_wanted";

impl Tx<'_> {
    /// Notes how these mails fared. Others than campaigns' have no delivery.
    pub(crate) fn campaign_mails_ended(
        &mut self,
        now: Instant,
        ids: &[Uid],
        ended: Ended<'_>,
    ) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let (status, from, error) = match ended {
            // What arrived has arrived, whatever was thought of it meanwhile.
            Ended::Sent => ("sent", &["queued", "waiting", "failed", "skipped"][..], None),
            Ended::Failed(error) => ("failed", &["queued"][..], Some(error)),
            Ended::Moot => ("skipped", &["queued"][..], Some(MOOT)),
            Ended::Withdrawn => ("waiting", &["queued"][..], None),
            Ended::Requeued => ("queued", &["failed"][..], None),
        };
        let finished_at = match ended {
            Ended::Sent | Ended::Failed(_) | Ended::Moot => Some(Ts(now)),
            Ended::Withdrawn | Ended::Requeued => None,
        };
        macro_rules! ending {
            () => {
                diesel::update(
                    campaign_deliveries::table
                        .filter(campaign_deliveries::id.eq_any(ids))
                        .filter(campaign_deliveries::status.eq_any(from)),
                )
                .set((
                    campaign_deliveries::status.eq(status),
                    campaign_deliveries::error.eq(error),
                    campaign_deliveries::finished_at.eq(finished_at),
                ))
            };
        }
        self.run(|connection| match connection {
            DbConn::Postgres(c) => Prepared(ending!().returning(campaign_deliveries::id))
                .get_results::<Uid>(c)
                .map(|ended| ended.len()),
            DbConn::Sqlite(c) => ending!().execute(c),
        })?;
        Ok(())
    }
}
