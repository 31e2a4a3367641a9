//! What the links of campaigns' mails name.

use crate::Tx;
use crate::columns::Uid;
use crate::connection::on;
use crate::schema::{campaign_deliveries, campaigns};
use campaign::{DeliveryRepository, LinkedDelivery, UnsubscribeTx, VoteLinkTx};
use diesel::prelude::*;
use kernel::{DeliveryId, EmailAddress, StoreError};

type LinkRow = (Uid, Uid, Uid, Option<Uid>, Option<Uid>, String, String);

impl DeliveryRepository for Tx<'_> {
    fn find_delivery(&mut self, id: DeliveryId) -> Result<Option<LinkedDelivery>, StoreError> {
        let row: Option<LinkRow> = self.run(|connection| {
            on!(connection, |c| campaign_deliveries::table
                .inner_join(campaigns::table)
                .filter(campaign_deliveries::id.eq(Uid::of(id)))
                .select((
                    campaigns::id,
                    campaigns::event_id,
                    campaigns::candidate_id,
                    campaign_deliveries::attendee_id,
                    campaign_deliveries::user_id,
                    campaign_deliveries::email,
                    campaign_deliveries::email_key,
                ))
                .first(c)
                .optional())
        })?;
        let Some((campaign_id, event_id, candidate_id, attendee_id, user_id, email, key)) = row else {
            return Ok(None);
        };
        Ok(Some(LinkedDelivery {
            id,
            campaign_id: campaign_id.typed(),
            event_id: event_id.typed(),
            candidate_id: candidate_id.typed(),
            attendee_id: attendee_id.map(Uid::typed),
            user_id: user_id.map(Uid::typed),
            // That of a person who was erased is empty.
            email: (!email.is_empty()).then(|| EmailAddress::from_stored(email, key)),
        }))
    }
}

impl VoteLinkTx for Tx<'_> {}
impl UnsubscribeTx for Tx<'_> {}
