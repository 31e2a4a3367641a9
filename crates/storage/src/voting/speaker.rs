//! The speaker of an event, as events show it.

use crate::Tx;
use crate::columns::Uid;
use crate::connection::on;
use crate::schema::{attendees, candidates, events};
use diesel::prelude::*;
use event::{Event, Speaker};
use kernel::{CandidateId, StoreError};

/// The candidacy of an event's speaker.
type SpeakerOf = Option<Uid>;

impl Tx<'_> {
    /// Puts the speakers into these events, in one look, and none where none of them has one.
    pub(crate) fn with_speakers(&mut self, found: Vec<(Event, SpeakerOf)>) -> Result<Vec<Event>, StoreError> {
        type Row = (Uid, Uid, String, String);
        let mut wanted: Vec<Uid> = found.iter().filter_map(|(_, speaker)| *speaker).collect();
        if wanted.is_empty() {
            return Ok(found.into_iter().map(|(event, _)| event).collect());
        }
        wanted.sort_unstable();
        wanted.dedup();
        let speakers: Vec<Row> = self.run(|connection| {
            on!(connection, |c| candidates::table
                .inner_join(attendees::table)
                .filter(candidates::id.eq_any(wanted))
                .select((
                    candidates::id,
                    attendees::id,
                    attendees::name,
                    candidates::talk_title
                ))
                .load(c))
        })?;
        let speaker_of = |candidate: Uid| {
            let found = speakers.iter().find(|(id, ..)| *id == candidate);
            found.map(|(id, attendee_id, name, talk_title)| Speaker {
                candidate_id: id.typed(),
                attendee_id: attendee_id.typed(),
                name: name.clone(),
                talk_title: talk_title.clone(),
            })
        };
        Ok(found
            .into_iter()
            .map(|(event, speaker)| Event {
                speaker: speaker.and_then(speaker_of),
                ..event
            })
            .collect())
    }

    /// The same for one event.
    pub(crate) fn with_speaker(&mut self, event: Event, speaker: SpeakerOf) -> Result<Event, StoreError> {
        if speaker.is_none() {
            return Ok(event);
        }
        let mut one = self.with_speakers(vec![(event, speaker)])?;
        one.pop()
            .ok_or_else(|| StoreError::Internal("an event was lost beside its speaker".into()))
    }

    /// What events show of the talk of a candidate who speaks there is another than before. They are locked.
    pub(super) fn show_talk_anew(&mut self, candidate: CandidateId) -> Result<(), StoreError> {
        let shown: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| diesel::update(
                events::table.filter(events::speaker_id.eq(Uid::of(candidate)))
            )
            .set(events::edit_version.eq(events::edit_version + 1))
            .returning(events::id)
            .get_results(c))
        })?;
        for event in shown {
            self.touch_event(event.typed());
        }
        Ok(())
    }
}
