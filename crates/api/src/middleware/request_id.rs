//! Names requests. A name that a proxy in front gave is kept, so that one name leads through both logs.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use kernel::RequestId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// The header that carries the name in both directions.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer names are not taken over.
const LONGEST: usize = 64;

/// Makes names that no other process makes: random bits of the process, then a count.
pub struct RequestIds {
    prefix: u32,
    next: AtomicU64,
}

impl RequestIds {
    /// A source seeded by an id that was made for this process alone.
    pub fn new(seed: Uuid) -> Self {
        let random_tail = seed.as_u128() & u128::from(u32::MAX);
        Self {
            prefix: u32::try_from(random_tail).unwrap_or_default(),
            next: AtomicU64::new(1),
        }
    }

    /// The name that came with the request, if it is sane, else a new one; and as a header's value.
    pub(super) fn name(&self, headers: &HeaderMap) -> (RequestId, HeaderValue) {
        if let Some(value) = headers.get(X_REQUEST_ID)
            && let Some(text) = sane(value)
        {
            return (RequestId(Arc::from(text)), value.clone());
        }
        let made = format!(
            "{:08x}-{:08x}",
            self.prefix,
            self.next.fetch_add(1, Ordering::Relaxed)
        );
        let id = RequestId(Arc::from(made.as_str()));
        // Hexadecimal digits always make a header's value.
        let value = HeaderValue::try_from(made).unwrap_or_else(|_| HeaderValue::from_static("-"));
        (id, value)
    }
}

/// Letters, digits and a few signs: nothing that could break a log line or a page.
fn sane(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    let fits = (1..=LONGEST).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'='));
    fits.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_for(sent: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(sent).unwrap());
        RequestIds::new(Uuid::from_u128(7)).name(&headers).0.0.to_string()
    }

    #[test]
    fn a_sane_name_is_kept_and_another_is_replaced() {
        assert_eq!(name_for(b"edge-1.42"), "edge-1.42");
        for bad in [&b"a b"[..], b"<script>", b"", &[0xff, 0xfe], &[b'a'; 65]] {
            assert_eq!(name_for(bad), "00000007-00000001");
        }
    }

    #[test]
    fn names_do_not_repeat() {
        let ids = RequestIds::new(Uuid::from_u128(7));
        let headers = HeaderMap::new();
        assert_ne!(ids.name(&headers).0, ids.name(&headers).0);
    }
}
