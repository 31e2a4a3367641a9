//! An answer that is made while it is sent, piece by piece. Who makes it is never more than two pieces ahead of who reads,
//! and stops when the reader has gone or stands still. What is not complete ends with the connection broken off, never as
//! if it were whole.

use actix_web::body::BodyStream;
use bytes::Bytes;
use futures_util::{Stream, stream};
use std::time::Duration;
use tokio::sync::mpsc;

/// A reader who does not take a piece within this time is given up.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// What goes through: a piece, or that all were sent.
enum Part {
    Piece(Bytes),
    End,
}

/// The side that makes the answer. Dropped without [`Pieces::finish`] it breaks the answer off.
pub struct Pieces(mpsc::Sender<Part>);

/// The reader has gone, or stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads on")]
pub struct NobodyReads;

/// The answer was broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer was broken off")]
pub struct BrokenOff;

impl Pieces {
    /// Sends a piece, as soon as the one before is on its way.
    pub async fn send(&self, piece: Bytes) -> Result<(), NobodyReads> {
        self.pass(Part::Piece(piece)).await
    }

    /// Says that all were sent.
    pub async fn finish(self) -> Result<(), NobodyReads> {
        self.pass(Part::End).await
    }

    async fn pass(&self, part: Part) -> Result<(), NobodyReads> {
        match tokio::time::timeout(PATIENCE, self.0.send(part)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NobodyReads),
        }
    }
}

/// Both sides of an answer.
pub fn answer() -> (
    Pieces,
    BodyStream<impl Stream<Item = Result<Bytes, BrokenOff>> + 'static>,
) {
    let (sender, receiver) = mpsc::channel(1);
    let pieces = stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Part::Piece(piece)) => Some((Ok(piece), Some(receiver))),
            Some(Part::End) => None,
            None => Some((Err(BrokenOff), None)),
        }
    });
    (Pieces(sender), BodyStream::new(pieces))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    #[actix_web::test]
    async fn a_whole_answer_arrives_whole() {
        let (pieces, body) = answer();
        actix_web::rt::spawn(async move {
            for piece in ["a", "b", "c"] {
                pieces.send(Bytes::from_static(piece.as_bytes())).await.unwrap();
            }
            pieces.finish().await.unwrap();
        });
        assert_eq!(to_bytes(body).await.unwrap(), "abc");
    }

    #[actix_web::test]
    async fn what_is_not_finished_is_an_error() {
        let (pieces, body) = answer();
        actix_web::rt::spawn(async move { pieces.send(Bytes::from_static(b"a")).await });
        assert!(to_bytes(body).await.is_err());
    }

    #[actix_web::test]
    async fn a_reader_who_stands_still_or_has_gone_is_given_up() {
        tokio::time::pause();
        let (pieces, body) = answer();
        pieces.send(Bytes::from_static(b"a")).await.unwrap();
        let before = tokio::time::Instant::now();
        assert_eq!(pieces.send(Bytes::from_static(b"b")).await, Err(NobodyReads));
        assert!(before.elapsed() >= PATIENCE);
        drop(body);
        assert_eq!(pieces.finish().await, Err(NobodyReads));
    }
}
