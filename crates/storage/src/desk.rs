//! What tests do at the desks where operations are written together: hold them until there is company, look at what they do, and
//! fail in between. A server leaves all of it alone.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// Where a desk is.
#[derive(Debug, Clone, Copy)]
pub enum Stage<'a> {
    /// Somebody waits; so many do by now, and none of them is taken yet.
    Taking(&'a AtomicUsize),
    /// So many operations are written, and not committed.
    Committing(usize),
    /// They are committed, and nobody was answered.
    Committed(usize),
}

/// What is done where a desk is.
pub type Watch = Arc<dyn Fn(Stage<'_>) + Send + Sync>;

/// How the desks differ from the usual.
#[derive(Clone, Default)]
pub struct DeskOptions {
    /// Whether who comes alone is written like many, where that is another way.
    pub alone_too: bool,
    /// Called by the desk's thread.
    pub at: Option<Watch>,
}

impl DeskOptions {
    pub(crate) fn tell(&self, stage: Stage<'_>) {
        if let Some(at) = &self.at {
            at(stage);
        }
    }
}

impl fmt::Debug for DeskOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeskOptions")
            .field("alone_too", &self.alone_too)
            .finish_non_exhaustive()
    }
}
