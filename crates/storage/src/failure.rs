//! From the driver's errors to those of the domains.

use diesel::result::{DatabaseErrorKind, Error};
use kernel::StoreError;

/// What a failed statement means to an operation.
pub fn store_error(error: &Error) -> StoreError {
    match error {
        Error::DatabaseError(kind, information) => {
            let message = information.message().to_owned();
            match kind {
                DatabaseErrorKind::UniqueViolation => {
                    StoreError::Duplicate(information.constraint_name().unwrap_or(&message).to_owned())
                }
                DatabaseErrorKind::ForeignKeyViolation => StoreError::Referenced(message),
                DatabaseErrorKind::SerializationFailure => StoreError::Contention(message),
                DatabaseErrorKind::ClosedConnection => StoreError::Unavailable(message),
                DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::Unknown => by_message(message),
                _ => StoreError::Internal(message),
            }
        }
        Error::BrokenTransactionManager => StoreError::Unavailable(error.to_string()),
        other => StoreError::Internal(other.to_string()),
    }
}

/// The driver passes on neither SQLSTATE nor SQLite's result code of these; the messages are those of the servers' C
/// locale.
fn by_message(message: String) -> StoreError {
    const CONTENTION: [&str; 5] = [
        "lock timeout",
        "deadlock detected",
        "database is locked",
        "database table is locked",
        "could not serialize",
    ];
    const AWAY: [&str; 13] = [
        "statement timeout",
        "server closed the connection",
        "terminating connection",
        "connection to server",
        "could not connect",
        "could not receive data",
        "could not send data",
        "SSL connection has been closed",
        "no connection to the server",
        "the database system is",
        "remaining connection slots",
        "disk I/O error",
        "database or disk is full",
    ];
    if CONTENTION.iter().any(|part| message.contains(part)) {
        StoreError::Contention(message)
    } else if AWAY.iter().any(|part| message.contains(part)) {
        StoreError::Unavailable(message)
    } else {
        StoreError::Internal(message)
    }
}
