//! Paging by cursor: stable while rows come and go.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// The place of a row in a total order: the sorted value (microseconds since 1970, or a rank) and the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The value that the list is sorted by.
    pub value: i64,
    /// Decides between equal values.
    pub id: Uuid,
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many rows, 1 to 100.
    pub limit: u16,
    /// Only rows after this place.
    pub after: Option<Position>,
    /// Whether all rows are to be counted too.
    pub include_total: bool,
}

impl PageRequest {
    /// Rows of a page when the caller does not say.
    pub const DEFAULT_LIMIT: u16 = 25;
    /// Rows of a page at the most.
    pub const MAX_LIMIT: u16 = 100;

    /// The first page of the usual size.
    pub fn first() -> Self {
        Self {
            limit: Self::DEFAULT_LIMIT,
            after: None,
            include_total: false,
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The place of the last row, if more follow.
    pub next: Option<Position>,
    /// How many rows there are in all, if that was asked.
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// Makes a page of rows fetched with a limit one higher than asked for, so that the surplus row tells
    /// whether more follow.
    pub fn from_surplus(
        mut rows: Vec<T>,
        request: PageRequest,
        total: Option<u64>,
        position: impl Fn(&T) -> Position,
    ) -> Self {
        let limit = usize::from(request.limit);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(position) } else { None };
        Self {
            items: rows,
            next,
            total,
        }
    }

    /// The page with each row turned into something else.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(convert).collect(),
            next: self.next,
            total: self.total,
        }
    }
}

/// A cursor as clients see it: opaque, URL-safe, and bound to the order of the list that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor;

/// The text is no cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct InvalidCursor;

impl Cursor {
    /// The cursor of a place in a list of that order.
    pub fn encode(order: &str, position: Position) -> String {
        URL_SAFE_NO_PAD.encode(format!("{order}|{}|{}", position.value, position.id.simple()))
    }

    /// The place that a cursor of that order names.
    pub fn decode(order: &str, text: &str) -> Result<Position, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let plain = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
        let mut parts = plain.split('|');
        let (Some(named), Some(value), Some(id), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidCursor);
        };
        if named != order {
            return Err(InvalidCursor);
        }
        Ok(Position {
            value: value.parse().map_err(|_| InvalidCursor)?,
            id: Uuid::try_parse(id).map_err(|_| InvalidCursor)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place_in_its_own_order_only() {
        let position = Position {
            value: -7,
            id: Uuid::from_u128(9),
        };
        let text = Cursor::encode("starts_at", position);
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
        assert_eq!(Cursor::decode("starts_at", &text), Ok(position));
        assert_eq!(Cursor::decode("created_at", &text), Err(InvalidCursor));
        assert_eq!(Cursor::decode("starts_at", "%%%"), Err(InvalidCursor));
    }
}
