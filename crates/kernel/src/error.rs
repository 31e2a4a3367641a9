//! What a store can answer instead of the thing that it was asked for.

/// A failure of the database, in the words of the domains. Nobody outside of `storage` sees the driver's error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, or did not answer in time. Trying again later may help.
    #[error("the database is away: {0}")]
    Unavailable(String),
    /// Another transaction held what this one needed. Trying again at once may help.
    #[error("another transaction was in the way: {0}")]
    Contention(String),
    /// A row that must be unique is there already. Decide under a lock, and map this only at the one insert where
    /// it can happen: SQLite names no constraint.
    #[error("such a row is there already: {0}")]
    Duplicate(String),
    /// A row cannot go, since others refer to it; or refers to one that is gone.
    #[error("another row is in the way: {0}")]
    Referenced(String),
    /// A row holds what no code could have written.
    #[error("row {row} of {table} cannot be read: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong, naming the column.
        reason: String,
    },
    /// Everything else: a mistake of ours.
    #[error("the database refused: {0}")]
    Internal(String),
}
