//! Operations that wait to be written together with others, whatever they give.

use crate::Tx;
use crate::store::Attempt;
use kernel::StoreError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// An operation that waits for its turn.
pub(crate) trait Waiting: Send {
    /// Whether nobody waits for the answer any more.
    fn is_given_up(&self) -> bool;
    /// Does it, and says whether what it wrote is to stay.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Answers, once what it wrote is committed or gone, or nobody can know which.
    fn answer(self: Box<Self>, written: Result<(), StoreError>);
    /// Answers that it is not known what became of it, or that it was never done, whatever it gave. It does not come again by itself.
    fn fail(self: Box<Self>, error: StoreError);
    /// Answers that nothing of it is written, whatever it gave: it may come again where that can help.
    fn put_off(self: Box<Self>, error: StoreError);
    /// When it came.
    fn since(&self) -> Instant;
}

/// An operation with the way to who waits for its answer.
pub(crate) struct Operation<T, E, F> {
    does: Arc<F>,
    /// What it gave, and whether another transaction was in its way.
    gave: Option<(Result<T, E>, bool)>,
    answer: oneshot::Sender<Attempt<T, E>>,
    since: Instant,
}

impl<T, E, F> Operation<T, E, F> {
    pub(crate) fn new(operation: Arc<F>) -> (Self, oneshot::Receiver<Attempt<T, E>>) {
        let (answer, answered) = oneshot::channel();
        let waiting = Self {
            does: operation,
            gave: None,
            answer,
            since: Instant::now(),
        };
        (waiting, answered)
    }
}

impl<T, E, F> Waiting for Operation<T, E, F>
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + Sync + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    fn is_given_up(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let gave = catch_unwind(AssertUnwindSafe(|| {
            (self.does)(tx).and_then(|value| tx.write_outbox().map(|()| value).map_err(E::from))
        }));
        let gave = gave.unwrap_or_else(|_| {
            let panicked = "the operation did not finish: it panicked".to_owned();
            Err(StoreError::Internal(panicked).into())
        });
        let is_kept = gave.is_ok();
        self.gave = Some((gave, tx.was_contended()));
        is_kept
    }

    fn answer(self: Box<Self>, written: Result<(), StoreError>) {
        let attempt = match (self.gave, written) {
            (Some((Err(error), true)), _) => Attempt::Contended(error),
            (Some((Err(error), false)), _) => Attempt::Done(Err(error)),
            (Some((Ok(value), _)), Ok(())) => Attempt::Done(Ok(value)),
            (None, Ok(())) => Attempt::Done(Err(StoreError::Internal("it was never run".into()).into())),
            (_, Err(error @ StoreError::Contention(_))) => Attempt::Contended(error.into()),
            (_, Err(error)) => Attempt::Done(Err(error.into())),
        };
        // Whoever is gone hears nothing.
        let _ = self.answer.send(attempt);
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.answer.send(Attempt::Done(Err(error.into())));
    }

    fn put_off(self: Box<Self>, error: StoreError) {
        let _ = self.answer.send(match error {
            StoreError::Contention(_) | StoreError::Unavailable(_) => Attempt::Contended(error.into()),
            other => Attempt::Done(Err(other.into())),
        });
    }

    fn since(&self) -> Instant {
        self.since
    }
}
