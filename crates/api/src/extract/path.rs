//! Parts of the path.

use super::percent;
use crate::problem::Problem;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use kernel::TypedId;
use std::future::{Ready, ready};
use uuid::Uuid;

/// The id at the Nth placeholder of the route's path, counted from 0. What is no id names nothing: 404.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T, const N: usize = 0>(pub T);

/// The text at the Nth placeholder, such as a token or a role's name. The router leaves some characters encoded.
#[derive(Debug, Clone)]
pub struct PathText<const N: usize = 0>(pub String);

/// Characters of an id in a path: one spelling only, so that a thing has one address.
const HYPHENATED: usize = uuid::fmt::Hyphenated::LENGTH;

impl<T: TypedId, const N: usize> FromRequest for PathId<T, N> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request
            .match_info()
            .iter()
            .nth(N)
            .filter(|(_, text)| text.len() == HYPHENATED)
            .and_then(|(_, text)| Uuid::try_parse(text).ok());
        ready(id.map(|id| Self(T::from_uuid(id))).ok_or_else(Problem::not_found))
    }
}

impl<const N: usize> FromRequest for PathText<N> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request
            .match_info()
            .iter()
            .nth(N)
            .and_then(|(_, text)| percent::decode(text, false));
        ready(
            text.filter(|text| !text.is_empty())
                .map(Self)
                .ok_or_else(Problem::not_found),
        )
    }
}
