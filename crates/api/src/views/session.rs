//! Sessions in answers.

use auth::OpenSession;
use chrono::{DateTime, Utc};
use kernel::{SessionId, TypedId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A sign-in on a device, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionBody {
    /// Its id.
    pub id: Uuid,
    /// What the client said of itself.
    pub device: Option<String>,
    /// The client's network address at the sign-in.
    pub address: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it last got new tokens.
    pub last_seen_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl SessionBody {
    /// The session, as seen from the one that asks.
    pub fn of(open: OpenSession, current: SessionId) -> Self {
        let session = open.session;
        Self {
            id: session.id.uuid(),
            device: session.device,
            address: session.address,
            created_at: session.created_at,
            last_seen_at: open.last_seen_at,
            current: session.id == current,
        }
    }
}
