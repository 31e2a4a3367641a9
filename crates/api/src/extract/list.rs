//! Lists: which page is asked for, and how a page is answered.

use super::query::{self, Pairs};
use crate::problem::Problem;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use kernel::{Cursor, Invalid, Page, PageRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::{Ready, ready};
use utoipa::IntoParams;

/// The filters of a list (a struct of options, or `()`), and which page of it.
#[derive(Debug, Clone)]
pub struct ListQuery<T> {
    /// The parameters of this list.
    pub filter: T,
    /// The parameters of every list.
    pub paging: Paging,
}

/// What the parameters of every list said. The cursor is read when the list's order is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    limit: u16,
    cursor: Option<String>,
    include_total: bool,
}

/// The parameters of every list, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; they are read by hand to keep filters apart"
)]
pub struct ListParams {
    /// Items of a page at the most.
    #[param(minimum = 1, maximum = 100, default = 25)]
    limit: Option<u16>,
    /// `next_cursor` of the page before. Opaque, and good for the list and sort that gave it only.
    cursor: Option<String>,
    /// Whether `total` is wanted.
    #[param(default = false)]
    include_total: Option<bool>,
}

impl<T: DeserializeOwned> FromRequest for ListQuery<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()))
    }
}

impl<T: DeserializeOwned> ListQuery<T> {
    fn parse(query: &str) -> Result<Self, Problem> {
        let mut pairs = Pairs::parse(query)?;
        let paging = Paging::take(&mut pairs)?;
        Ok(Self {
            filter: pairs.fit()?,
            paging,
        })
    }
}

impl<T> ListQuery<T> {
    /// The page, of a list in that order. The order's name ties cursors to it: name the list and the sort.
    pub fn page(&self, order: &str) -> Result<PageRequest, Problem> {
        self.paging.page(order)
    }
}

impl Paging {
    fn take(pairs: &mut Pairs) -> Result<Self, Problem> {
        let mut invalid = Invalid::none();
        let limit = match pairs.take("limit").map(|text| text.parse::<u16>()) {
            None => PageRequest::DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=PageRequest::MAX_LIMIT).contains(&limit) => limit,
            Some(_) => {
                invalid.add("limit", "range", "The limit is a whole number from 1 to 100.");
                PageRequest::DEFAULT_LIMIT
            }
        };
        let include_total = match pairs.take("include_total").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                invalid.add("include_total", "format", "The value is true or false.");
                false
            }
        };
        query::refuse(invalid)?;
        Ok(Self {
            limit,
            cursor: pairs.take("cursor"),
            include_total,
        })
    }

    /// See [`ListQuery::page`].
    pub fn page(&self, order: &str) -> Result<PageRequest, Problem> {
        let after = match &self.cursor {
            None => None,
            Some(text) => Some(
                Cursor::decode(order, text)
                    .map_err(|_| Problem::bad_query("cursor", "format", "It is no cursor of this list."))?,
            ),
        };
        Ok(PageRequest {
            limit: self.limit,
            after,
            include_total: self.include_total,
        })
    }
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub struct ListAnswer<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
    /// How many items there are in all, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl<T> ListAnswer<T> {
    /// The page as it is answered, of a list in that order.
    pub fn new(order: &str, page: Page<T>) -> Self {
        Self {
            items: page.items,
            next_cursor: page.next.map(|position| Cursor::encode(order, position)),
            total: page.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Position;
    use serde::Deserialize;
    use uuid::Uuid;

    #[derive(Deserialize, Debug)]
    struct Filter {
        q: Option<String>,
    }

    #[test]
    fn paging_and_filters_are_told_apart() {
        let query = ListQuery::<Filter>::parse("q=x&limit=100&include_total=true").unwrap();
        assert_eq!(query.filter.q.as_deref(), Some("x"));
        let page = query.page("events").unwrap();
        assert_eq!((page.limit, page.after, page.include_total), (100, None, true));
        let usual = ListQuery::<()>::parse("").unwrap().page("events").unwrap();
        assert_eq!(usual, PageRequest::first());
    }

    #[test]
    fn a_page_leads_to_the_next_one() {
        let position = Position {
            value: 5,
            id: Uuid::from_u128(1),
        };
        let answer = ListAnswer::new(
            "events",
            Page {
                items: vec![1],
                next: Some(position),
                total: None,
            },
        );
        let query = format!("cursor={}", answer.next_cursor.unwrap());
        let list = ListQuery::<()>::parse(&query).unwrap();
        assert_eq!(list.page("events").unwrap().after, Some(position));
        assert!(list.page("users").is_err());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for query in [
            "limit=0",
            "limit=101",
            "limit=x",
            "include_total=1",
            "limit=1&limit=2",
            "q=1",
        ] {
            let refused = ListQuery::<()>::parse(query);
            assert!(refused.is_err(), "{query}");
        }
        assert!(
            ListQuery::<()>::parse("cursor=%C3%A9")
                .unwrap()
                .page("events")
                .is_err()
        );
    }
}
