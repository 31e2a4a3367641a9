//! Query parameters. Each may come once; unknown ones are refused by name, so that a misspelt filter does not silently
//! answer with everything.

use super::percent;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use kernel::Invalid;
use serde::de::value::{Error as ValueError, MapDeserializer};
use serde::de::{
    DeserializeOwned, Deserializer, EnumAccess, Error as _, IntoDeserializer, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::future::{Ready, ready};

/// The parameters of a route, read into a struct of scalars and options. Text is trimmed, and blank text is no value.
#[derive(Debug, Clone)]
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned> FromRequest for QueryParams<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            Pairs::parse(request.query_string())
                .and_then(Pairs::fit)
                .map(Self),
        )
    }
}

/// Parameters at the most; no route has as many.
const MOST: usize = 50;

/// Bytes of a value at the most. A search takes the longest, and a database bounds its pattern.
const LONGEST_VALUE: usize = 2_000;

/// Decoded names and values, in the order in which they came.
#[derive(Debug)]
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Takes a query apart.
    pub(super) fn parse(query: &str) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            if pairs.len() == MOST {
                return Err(Problem::bad_query("", "length", "There are too many parameters."));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = percent::decode(name, true).ok_or_else(|| {
                Problem::bad_query(
                    "",
                    "format",
                    "The name of a parameter is not percent-encoded UTF-8.",
                )
            })?;
            let value = percent::decode(value, true).ok_or_else(|| {
                Problem::bad_query(
                    &name,
                    "format",
                    "The value is not percent-encoded UTF-8 without NUL.",
                )
            })?;
            if value.len() > LONGEST_VALUE {
                return Err(Problem::bad_query(&name, "length", "The value is too long."));
            }
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(Problem::bad_query(
                    &name,
                    "duplicate",
                    "The parameter is given twice.",
                ));
            }
            pairs.push((name, value.trim().to_owned()));
        }
        Ok(Self(pairs))
    }

    /// Takes one parameter out; blank is none.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(index).1).filter(|value| !value.is_empty())
    }

    /// The parameters as a `T`.
    pub(super) fn fit<T: DeserializeOwned>(self) -> Result<T, Problem> {
        serde_path_to_error::deserialize(self).map_err(|error| explain(&error))
    }
}

const UNKNOWN: &str = "unknown parameter ";

fn explain(error: &serde_path_to_error::Error<ValueError>) -> Problem {
    let message = error.inner().to_string();
    if let Some(name) = message.strip_prefix(UNKNOWN) {
        return Problem::bad_query(name, "unknown", "There is no such parameter here.");
    }
    if let Some(name) = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'))
    {
        return Problem::bad_query(name, "missing", "The parameter is needed here.");
    }
    let name = error.path().to_string();
    match message
        .split_once(", expected ")
        .filter(|_| message.starts_with("unknown variant "))
    {
        Some((_, choices)) => Problem::bad_query(&name, "choice", format!("The value is {choices}.")),
        None => Problem::bad_query(
            &name,
            "format",
            "The value has not the form that is expected here.",
        ),
    }
}

impl<'de> Deserializer<'de> for Pairs {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let given = self.0.into_iter().filter(|(_, value)| !value.is_empty());
        visitor.visit_map(MapDeserializer::new(
            given.map(|(name, value)| (name, Text(value))),
        ))
    }

    /// The fields of the struct are all the parameters there are.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.0.iter().find(|(name, _)| !fields.contains(&name.as_str())) {
            Some((name, _)) => Err(ValueError::custom(format_args!("{UNKNOWN}{name}"))),
            None => self.deserialize_any(visitor),
        }
    }

    /// `()`: a list without filters.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0.first() {
            Some((name, _)) => Err(ValueError::custom(format_args!("{UNKNOWN}{name}"))),
            None => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// One value, read as what the field is.
struct Text(String);

impl IntoDeserializer<'_> for Text {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident: $type:ty),+ $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            visitor.$visit(self.0.parse::<$type>().map_err(ValueError::custom)?)
        }
    )+};
}

impl<'de> Deserializer<'de> for Text {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_string(self.0)
    }

    parsed! {
        deserialize_bool => visit_bool: bool,
        deserialize_i8 => visit_i8: i8,
        deserialize_i16 => visit_i16: i16,
        deserialize_i32 => visit_i32: i32,
        deserialize_i64 => visit_i64: i64,
        deserialize_u8 => visit_u8: u8,
        deserialize_u16 => visit_u16: u16,
        deserialize_u32 => visit_u32: u32,
        deserialize_u64 => visit_u64: u64,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Text {
    type Error = ValueError;
    type Variant = WordOnly;

    fn variant_seed<S: serde::de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, WordOnly), ValueError> {
        Ok((seed.deserialize(self)?, WordOnly))
    }
}

/// The choices of a parameter are words without content.
struct WordOnly;

impl<'de> VariantAccess<'de> for WordOnly {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        Ok(())
    }

    fn newtype_variant_seed<S: serde::de::DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, ValueError> {
        Err(ValueError::custom("a word is expected"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, ValueError> {
        Err(ValueError::custom("a word is expected"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, ValueError> {
        Err(ValueError::custom("a word is expected"))
    }
}

/// Several parameters that do not fit a list's order or paging, as one problem.
pub(super) fn refuse(invalid: Invalid) -> Result<(), Problem> {
    invalid
        .check()
        .map_err(|invalid| Problem::new(ProblemType::BadQuery).errors(invalid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::EventId;
    use serde::Deserialize;

    #[derive(Deserialize, Debug, PartialEq, Clone, Copy)]
    #[serde(rename_all = "snake_case")]
    enum Status {
        Draft,
        Published,
    }

    #[derive(Deserialize, Debug)]
    struct Filter {
        q: Option<String>,
        status: Option<Status>,
        has_seats: Option<bool>,
        top: Option<u16>,
        event_id: Option<EventId>,
        from: Option<chrono::NaiveDate>,
    }

    fn read(query: &str) -> Result<Filter, Problem> {
        Pairs::parse(query).and_then(Pairs::fit)
    }

    #[test]
    fn values_are_read_as_what_they_are() {
        let filter = read(
            "q=+caf%C3%A9+%26+&status=published&has_seats=true&top=7&from=2030-01-31\
             &event_id=01890000-0000-7000-8000-000000000001",
        )
        .unwrap();
        assert_eq!(filter.q.as_deref(), Some("café &"));
        assert_eq!(filter.status, Some(Status::Published));
        assert_eq!((filter.has_seats, filter.top), (Some(true), Some(7)));
        assert!(filter.event_id.is_some() && filter.from.is_some());
        let blank = read("q=&status=+&top=&&").unwrap();
        assert!(blank.q.is_none() && blank.status.is_none() && blank.top.is_none());
    }

    #[test]
    fn many_parameters_and_long_values_are_refused() {
        let many: Vec<String> = (0..=MOST).map(|n| format!("p{n}=1")).collect();
        let problem = Pairs::parse(&many.join("&")).unwrap_err();
        assert_eq!(problem.field_errors()[0].code, "length");
        let problem = Pairs::parse(&format!("q={}", "a".repeat(LONGEST_VALUE + 1))).unwrap_err();
        assert_eq!(problem.field_errors()[0].pointer, "q");
        assert!(Pairs::parse(&format!("q={}", "a".repeat(LONGEST_VALUE))).is_ok());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (query, name, code) in [
            ("statsu=draft", "statsu", "unknown"),
            ("statsu=", "statsu", "unknown"),
            ("q=1&q=2", "q", "duplicate"),
            ("q=1&%71=2", "q", "duplicate"),
            ("status=gone", "status", "choice"),
            ("has_seats=1", "has_seats", "format"),
            ("top=-1", "top", "format"),
            ("top=70000", "top", "format"),
            ("event_id=x", "event_id", "format"),
            ("from=2030-02-31", "from", "format"),
            ("q=%zz", "q", "format"),
            ("q=%+f", "q", "format"),
            ("q=%f", "q", "format"),
            ("q=%ff", "q", "format"),
            ("q=a%00b", "q", "format"),
            ("%ff=1", "", "format"),
        ] {
            let problem = read(query).expect_err(query);
            assert_eq!(problem.kind(), ProblemType::BadQuery, "{query}");
            let error = &problem.field_errors()[0];
            assert_eq!((error.pointer.as_str(), error.code), (name, code), "{query}");
        }
    }
}
