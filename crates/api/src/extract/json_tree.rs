//! Reads JSON text into a tree, by the rules that hold for every body: no key twice in one object, no NUL, bounded
//! depth, text trimmed and blank text null (passwords are left as they are).

use kernel::Invalid;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Objects and lists within each other, at the most.
const DEEPEST: usize = 32;

/// Bytes of a pointer that are told at the most; no field of ours has so long a name.
const LONGEST_POINTER: usize = 512;

/// Keys whose text is a secret that the person chose: trimming it would change it.
const PASSWORD_KEYS: [&str; 3] = ["password", "current_password", "new_password"];

/// Why there is no tree.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// The text is not JSON; where, for people.
    NotJson(String),
    /// It is JSON, but breaks a rule.
    Invalid(Invalid),
}

/// Reads the text of one JSON value.
pub(super) fn read(text: &str) -> Result<Value, Unreadable> {
    let mut state = State::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let tree = Node(&mut state).deserialize(&mut deserializer).and_then(|tree| {
        deserializer.end()?;
        Ok(tree)
    });
    match tree {
        Ok(tree) if state.invalid.0.is_empty() => Ok(tree),
        Ok(_) => Err(Unreadable::Invalid(state.invalid)),
        Err(_) if state.too_deep => Err(Unreadable::Invalid(Invalid::field(
            &state.pointer,
            "depth",
            format!("Objects and lists may be nested {DEEPEST} deep."),
        ))),
        // The reader knows no other way to tell a number that is JSON from one that is none.
        Err(error) if error.to_string().starts_with("number out of range") => Err(Unreadable::Invalid(
            Invalid::field(&state.pointer, "range", "The number is too large."),
        )),
        Err(error) => Err(Unreadable::NotJson(error.to_string())),
    }
}

/// One more part of a JSON Pointer (RFC 6901).
pub(super) fn push_part(pointer: &mut String, part: &str) {
    pointer.push('/');
    for c in part.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// Where the reader is, and what it found so far.
#[derive(Default)]
struct State {
    pointer: String,
    depth: usize,
    too_deep: bool,
    is_password: bool,
    invalid: Invalid,
}

impl State {
    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        if self.depth > DEEPEST {
            self.too_deep = true;
            return Err(E::custom("too deep"));
        }
        Ok(())
    }

    fn note(&mut self, code: &'static str, detail: &'static str) {
        let shown = self.pointer.floor_char_boundary(LONGEST_POINTER);
        self.invalid.add(&self.pointer[..shown], code, detail);
    }
}

struct Node<'a>(&'a mut State);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        if text.contains('\0') {
            self.0.note("nul", "The text holds a NUL character.");
        }
        if self.0.is_password {
            return Ok(Value::String(text.to_owned()));
        }
        let trimmed = text.trim();
        Ok(if trimmed.is_empty() {
            Value::Null
        } else {
            Value::String(trimmed.to_owned())
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        self.0.enter()?;
        self.0.is_password = false;
        let length = self.0.pointer.len();
        let mut items = Vec::new();
        loop {
            push_part(&mut self.0.pointer, &items.len().to_string());
            let Some(item) = sequence.next_element_seed(Node(&mut *self.0))? else {
                break;
            };
            items.push(item);
            self.0.pointer.truncate(length);
        }
        self.0.pointer.truncate(length);
        self.0.depth -= 1;
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.0.enter()?;
        let length = self.0.pointer.len();
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            push_part(&mut self.0.pointer, &key);
            if key.contains('\0') {
                self.0.note("nul", "The name of the field holds a NUL character.");
            }
            if members.contains_key(&key) {
                self.0.note("duplicate", "The field stands here twice.");
            }
            self.0.is_password = PASSWORD_KEYS.contains(&key.as_str());
            let value = map.next_value_seed(Node(&mut *self.0))?;
            self.0.is_password = false;
            members.insert(key, value);
            self.0.pointer.truncate(length);
        }
        self.0.depth -= 1;
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(text: &str) -> Vec<(String, &'static str)> {
        match read(text) {
            Err(Unreadable::Invalid(invalid)) => invalid
                .0
                .into_iter()
                .map(|error| (error.pointer, error.code))
                .collect(),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn text_is_trimmed_and_blank_text_is_null() {
        let tree =
            read(r#"{"a": "  x  ", "b": " \t\n", "c": ["", " y"], "d": {"e": "\u00a0z\u00a0"}}"#).unwrap();
        assert_eq!(
            tree,
            json!({"a": "x", "b": null, "c": [null, "y"], "d": {"e": "z"}})
        );
    }

    #[test]
    fn passwords_are_left_as_they_are() {
        let tree =
            read(r#"{"password": " s ", "new_password": "  ", "current_password": "", "x": " s "}"#).unwrap();
        assert_eq!(
            tree,
            json!({"password": " s ", "new_password": "  ", "current_password": "", "x": "s"})
        );
        assert_eq!(
            read(r#"{"password": {"x": " s "}}"#).unwrap(),
            json!({"password": {"x": "s"}})
        );
        assert_eq!(
            read(r#"{"password": [" s "]}"#).unwrap(),
            json!({"password": ["s"]})
        );
        assert_eq!(
            refused("{\"password\": \"a\\u0000b\"}"),
            [("/password".to_owned(), "nul")]
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_named() {
        assert_eq!(refused(r#"{"a": 1, "a": 2}"#), [("/a".to_owned(), "duplicate")]);
        assert_eq!(
            refused(r#"{"a": [{"b/c": 1, "b/c": 1}], "d~": 1, "d\u007e": 1}"#),
            [
                ("/a/0/b~1c".to_owned(), "duplicate"),
                ("/d~0".to_owned(), "duplicate")
            ]
        );
    }

    #[test]
    fn what_is_told_stays_small_however_much_is_wrong() {
        let name = "é".repeat(30_000);
        let texts = vec!["\"\\u0000\""; 10_000].join(",");
        let told = refused(&format!("{{\"{name}\": [{texts}]}}"));
        assert_eq!(told.len(), Invalid::MOST);
        assert!(told.iter().all(|(pointer, _)| pointer.len() <= LONGEST_POINTER));
    }

    #[test]
    fn nul_is_refused_in_text_and_names() {
        assert_eq!(
            refused(r#"{"a": ["x", "\u0000"], "\u0000": 1}"#),
            [("/a/1".to_owned(), "nul"), ("/\0".to_owned(), "nul")]
        );
    }

    #[test]
    fn numbers_and_depth_are_bounded() {
        assert_eq!(refused(r#"{"a": [1, 1e999]}"#), [("/a/1".to_owned(), "range")]);
        let digits = "9".repeat(400);
        assert_eq!(
            refused(&format!(r#"{{"a": {digits}}}"#)),
            [("/a".to_owned(), "range")]
        );
        let deep = format!("{}1{}", "[".repeat(DEEPEST + 1), "]".repeat(DEEPEST + 1));
        assert_eq!(refused(&deep).len(), 1);
        assert_eq!(refused(&deep)[0].1, "depth");
        assert!(read(&format!("{}1{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST))).is_ok());
        assert_eq!(refused(&"[".repeat(100_000))[0].1, "depth");
    }

    #[test]
    fn what_is_not_json_is_not_called_invalid() {
        for text in [
            "",
            "{",
            "nul",
            "{\"a\": 1,}",
            "{\"a\": \"\\ud800\"}",
            "1 2",
            "{'a': 1}",
            "{\"a\": \"\u{0}\"}",
        ] {
            assert!(matches!(read(text), Err(Unreadable::NotJson(_))), "{text:?}");
        }
    }
}
