//! The desks where a store writes operations together, held until there is company, so that a batch of many is certain.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use storage::{DeskOptions, Stage};

/// So long a test waits for those that it sent itself.
const LONGEST: Duration = Duration::from_mins(1);
/// So long who comes alone waits for company that may come.
const SHORT: Duration = Duration::from_millis(8);
/// So many are company in the races.
const COMPANY: usize = 16;

type Then = Box<dyn FnMut(usize) + Send>;

/// How a desk is held and what it did.
#[derive(Clone)]
pub struct Desk(Arc<Held>);

struct Held {
    /// So many must wait before the next are taken.
    wanted: AtomicUsize,
    /// Whether that holds for all, and not for the next alone.
    always: bool,
    patience: Duration,
    alone_too: bool,
    committed: Mutex<Vec<usize>>,
    before_commit: Mutex<Option<Then>>,
    after_commit: Mutex<Option<Then>>,
}

impl Desk {
    /// One that is held when a test says so. Who comes alone is written as always.
    pub fn new() -> Self {
        Self::with(0, false, LONGEST, false)
    }

    /// One that waits a little for company, and writes who comes alone like many.
    pub fn in_company() -> Self {
        Self::with(COMPANY, true, SHORT, true)
    }

    /// One that waits for nobody, and writes who comes alone like many.
    pub fn of_one() -> Self {
        Self::with(0, false, LONGEST, true)
    }

    fn with(wanted: usize, always: bool, patience: Duration, alone_too: bool) -> Self {
        Self(Arc::new(Held {
            wanted: AtomicUsize::new(wanted),
            always,
            patience,
            alone_too,
            committed: Mutex::default(),
            before_commit: Mutex::default(),
            after_commit: Mutex::default(),
        }))
    }

    /// The next are taken when so many wait. What was committed before is forgotten.
    pub fn hold_for(&self, many: usize) {
        lock(&self.0.committed).clear();
        self.0.wanted.store(many, Ordering::SeqCst);
    }

    /// How many were committed together each time since it was held.
    pub fn committed(&self) -> Vec<usize> {
        lock(&self.0.committed).clone()
    }

    /// Does something once operations are written, before each commit; none: nothing any more.
    pub fn before_commit(&self, then: Option<Then>) {
        *lock(&self.0.before_commit) = then;
    }

    /// Does something after each commit, before anybody is answered; none: nothing any more.
    pub fn after_commit(&self, then: Option<Then>) {
        *lock(&self.0.after_commit) = then;
    }

    /// What a store is opened with.
    pub fn options(&self) -> DeskOptions {
        let held = Arc::clone(&self.0);
        DeskOptions {
            alone_too: held.alone_too,
            at: Some(Arc::new(move |stage| held.pass(stage))),
        }
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk(…)")
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

impl Held {
    fn pass(&self, stage: Stage<'_>) {
        match stage {
            Stage::Taking(waiting) => {
                let begun = Instant::now();
                while waiting.load(Ordering::SeqCst) < self.wanted.load(Ordering::SeqCst) {
                    if begun.elapsed() > self.patience {
                        assert!(self.always, "those who were to come never came");
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
                if !self.always {
                    self.wanted.store(0, Ordering::SeqCst);
                }
            }
            Stage::Committing(many) => then(&self.before_commit, many),
            Stage::Committed(many) => {
                lock(&self.committed).push(many);
                then(&self.after_commit, many);
            }
        }
    }
}

fn then(what: &Mutex<Option<Then>>, many: usize) {
    // Not under the lock: what is done may change what is done next.
    let taken = lock(what).take();
    if let Some(mut then) = taken {
        then(many);
        lock(what).get_or_insert(then);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
