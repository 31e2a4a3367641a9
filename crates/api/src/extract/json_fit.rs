//! Fits a tree into a type, and says in the words of the API what does not fit.

use super::json_tree::push_part;
use kernel::Invalid;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

/// The tree as a `T`. A body is an object; fields that `T` does not know are refused where it says
/// `#[serde(deny_unknown_fields)]`, as every body does.
pub(super) fn fit<T: DeserializeOwned>(tree: Value) -> Result<T, Invalid> {
    if !tree.is_object() {
        return Err(Invalid::field("", "type", "The body is a JSON object."));
    }
    serde_path_to_error::deserialize(Strict(tree)).map_err(|error| {
        let path = pointer_to(error.path());
        explain(path, &error.inner().to_string())
    })
}

/// Reads a tree as `serde_json` does, but takes an object only where a struct is wanted: serde would also take a list of
/// the fields in their order, which nobody means.
struct Strict(Value);

impl IntoDeserializer<'_, serde_json::Error> for Strict {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Strict {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Strict))),
            Value::Object(members) => visitor.visit_map(MapDeserializer::new(
                members.into_iter().map(|(key, value)| (key, Strict(value))),
            )),
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(_) => Err(serde_json::Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    /// What is written as a text is not also read from a list: an id would be, from its bytes.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(_) => Err(serde_json::Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

fn pointer_to(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push_part(&mut pointer, &index.to_string()),
            Segment::Map { key } => push_part(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// serde tells what is wrong in English only; its phrases are part of its interface in practice and pinned by tests.
fn explain(mut pointer: String, message: &str) -> Invalid {
    if let Some(field) = quoted_after(message, "missing field ") {
        push_part(&mut pointer, field);
        return Invalid::field(&pointer, "missing", "A value is needed here.");
    }
    if let Some(field) = quoted_after(message, "unknown field ") {
        let mut part = String::new();
        push_part(&mut part, field);
        if !pointer.ends_with(&part) {
            pointer.push_str(&part);
        }
        return Invalid::field(&pointer, "unknown", "There is no such field.");
    }
    if message.starts_with("invalid type: null") {
        return Invalid::field(&pointer, "missing", "A value is needed here.");
    }
    if message.starts_with("invalid type: ") {
        return Invalid::field(
            &pointer,
            "type",
            format!("{} is expected here.", expected(message)),
        );
    }
    if message.starts_with("invalid value: ") {
        return Invalid::field(
            &pointer,
            "range",
            format!("{} is expected here.", expected(message)),
        );
    }
    if let Some((_, choices)) = message
        .split_once(", expected ")
        .filter(|_| message.starts_with("unknown variant "))
    {
        return Invalid::field(&pointer, "choice", format!("The value is {choices}."));
    }
    Invalid::field(
        &pointer,
        "format",
        "The value has not the form that is expected here.",
    )
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.strip_prefix('`')?.split('`').next()
}

/// What was expected, without the names of our types.
fn expected(message: &str) -> String {
    let phrase = message
        .rsplit_once(", expected ")
        .map_or("", |(_, phrase)| phrase);
    match phrase {
        "u8" | "u16" | "u32" | "u64" | "usize" | "a nonzero u16" | "a nonzero u32" | "a nonzero u64" => {
            "A whole number, not negative and not too large,".to_owned()
        }
        "i8" | "i16" | "i32" | "i64" | "isize" => "A whole number, not too large,".to_owned(),
        "f32" | "f64" => "A number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "a borrowed string" | "string or map" => "Text".to_owned(),
        "a sequence" => "A list".to_owned(),
        "a map" => "An object".to_owned(),
        phrase if phrase.starts_with("struct ") => "An object".to_owned(),
        phrase if phrase.contains("UUID") => "A UUID".to_owned(),
        phrase if phrase.contains("RFC 3339") => {
            "An instant of RFC 3339, such as 2030-01-31T18:00:00Z,".to_owned()
        }
        _ => "Another kind of value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Change, EventId, Instant};
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Deserialize, Debug)]
    #[serde(rename_all = "snake_case")]
    enum Format {
        InPerson,
        Virtual,
    }

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Fee {
        #[expect(dead_code, reason = "read by the deserialiser only")]
        amount: u32,
    }

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read by the deserialiser only")]
    struct Body {
        title: String,
        note: Option<String>,
        format: Option<Format>,
        fee: Option<Fee>,
        fees: Option<Vec<Fee>>,
        event_id: Option<EventId>,
        starts_at: Option<Instant>,
        #[serde(default)]
        bio: Change<String>,
    }

    fn wrong(tree: Value) -> (String, &'static str) {
        let invalid = fit::<Body>(tree).expect_err("it does not fit");
        let error = invalid.0.into_iter().next().unwrap();
        (error.pointer, error.code)
    }

    #[test]
    fn each_thing_that_does_not_fit_is_named_by_pointer_and_code() {
        for (tree, pointer, code) in [
            (json!([]), "", "type"),
            (json!({}), "/title", "missing"),
            (json!({"title": null}), "/title", "missing"),
            (json!({"title": 5}), "/title", "type"),
            (json!({"title": "t", "titel": "t"}), "/titel", "unknown"),
            (
                json!({"title": "t", "fee": {"amount": 1, "x/y": 2}}),
                "/fee/x~1y",
                "unknown",
            ),
            (
                json!({"title": "t", "fee": {"amount": -1}}),
                "/fee/amount",
                "range",
            ),
            (
                json!({"title": "t", "fee": {"amount": 5_000_000_000_u64}}),
                "/fee/amount",
                "range",
            ),
            (
                json!({"title": "t", "fee": {"amount": 1.5}}),
                "/fee/amount",
                "type",
            ),
            (json!({"title": "t", "fee": {}}), "/fee/amount", "missing"),
            (json!({"title": "t", "fee": []}), "/fee", "type"),
            (json!({"title": "t", "fee": [5]}), "/fee", "type"),
            (json!({"title": "t", "fee": "x"}), "/fee", "type"),
            (
                json!({"title": "t", "fees": [{"amount": 1}, {"amount": "x"}]}),
                "/fees/1/amount",
                "type",
            ),
            (json!({"title": "t", "format": "hologram"}), "/format", "choice"),
            (json!({"title": "t", "event_id": "x"}), "/event_id", "format"),
            (
                json!({"title": "t", "starts_at": "tomorrow"}),
                "/starts_at",
                "format",
            ),
            (json!({"title": "t", "starts_at": 5}), "/starts_at", "type"),
            (json!({"title": "t", "bio": 5}), "/bio", "type"),
        ] {
            assert_eq!(wrong(tree.clone()), (pointer.to_owned(), code), "{tree}");
        }
    }

    #[test]
    fn what_fits_is_taken() {
        let body: Body =
            fit(json!({"title": "t", "note": null, "format": "in_person", "bio": null})).unwrap();
        assert_eq!(body.bio, Change::Clear);
        assert!(matches!(body.format, Some(Format::InPerson)));
    }
}
