//! Holds answers against the OpenAPI document of the server that gave them.
//!
//! An answer fits when its operation is documented, its status is among those of the operation, its media type is among
//! those of that status, and a JSON body fits the schema. The whole document is the root that references are resolved
//! in, so schemas are used as they stand.

mod operation;

use jsonschema::Registry;
use operation::Operations;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// The name that the document has among the schema resources; nothing is fetched from it.
const DOCUMENT: &str = "https://podium.invalid/openapi.json";

/// An answer as it came, with the request that it answers.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path that was asked for; a query string is not looked at.
    pub path: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// Its `Content-Type`, if it had one.
    pub content_type: Option<&'a str>,
    /// Its body.
    pub body: &'a [u8],
}

/// Where an answer and the document differ, to be read by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch(String);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One document, with the schemas that were needed so far made ready.
pub struct Validator {
    document: Value,
    operations: Operations,
    registry: Registry<'static>,
    schemas: Mutex<HashMap<String, Arc<jsonschema::Validator>>>,
}

impl Validator {
    /// Reads a document. Panics if it is none, or if a reference in it cannot be resolved.
    pub fn new(document: Value) -> Self {
        let registry = Registry::new()
            .add(DOCUMENT, document.clone())
            .and_then(jsonschema::RegistryBuilder::prepare)
            .unwrap_or_else(|error| panic!("the OpenAPI document cannot be read: {error}"));
        let operations = Operations::of(&document);
        Self {
            document,
            operations,
            registry,
            schemas: Mutex::default(),
        }
    }

    /// Whether the document has this path, with any method.
    pub fn knows(&self, path: &str) -> bool {
        self.operations.template(path).is_some()
    }

    /// Holds one answer against the document.
    pub fn check(&self, seen: &Seen<'_>) -> Result<(), Mismatch> {
        let Some(response) = self.documented_response(seen)? else {
            return Ok(());
        };
        let Some(content) = self
            .document
            .pointer(&response)
            .and_then(|response| response.get("content"))
        else {
            return if seen.body.is_empty() {
                Ok(())
            } else {
                Err(seen.mismatch(&format!(
                    "the document has no body for this status, but one came:\n{}",
                    seen.text()
                )))
            };
        };
        let documented = content
            .as_object()
            .map(|content| content.keys().map(String::as_str).collect::<Vec<_>>());
        let documented = documented.unwrap_or_default();
        let media_type = seen.media_type();
        let Some(name) = documented.iter().find(|name| covers(name, &media_type)) else {
            return Err(seen.mismatch(&format!(
                "the media type is {media_type:?}, documented: {documented:?}"
            )));
        };
        let pointer = format!("{response}/content/{}/schema", escape(name));
        if is_json(&media_type) && self.document.pointer(&pointer).is_some() {
            return self.check_body(seen, &pointer);
        }
        Ok(())
    }

    /// The pointer to the response that the document has for this answer. None where there is nothing to compare: a
    /// path or a method that does not exist, and is refused as such.
    fn documented_response(&self, seen: &Seen<'_>) -> Result<Option<String>, Mismatch> {
        let Some(path) = self.operations.template(seen.path) else {
            return if seen.status == 404 {
                Ok(None)
            } else {
                Err(seen.mismatch("the document has no such path"))
            };
        };
        let operation = format!("/paths/{}/{}", escape(path), seen.method.to_lowercase());
        if self.document.pointer(&operation).is_none() {
            return if seen.status == 405 {
                Ok(None)
            } else {
                Err(seen.mismatch(&format!("the document has {path}, but not with this method")))
            };
        }
        let responses = format!("{operation}/responses");
        let keys = [
            seen.status.to_string(),
            format!("{}XX", seen.status / 100),
            "default".to_owned(),
        ];
        let found = keys
            .iter()
            .map(|key| format!("{responses}/{key}"))
            .find(|pointer| self.has(pointer));
        match found {
            Some(pointer) => Ok(Some(self.follow(pointer))),
            None => Err(seen.mismatch(&format!(
                "the status is not documented; the document has {:?}; the body:\n{}",
                self.document
                    .pointer(&responses)
                    .and_then(Value::as_object)
                    .map(|all| all.keys().collect::<Vec<_>>()),
                seen.text()
            ))),
        }
    }

    fn has(&self, pointer: &str) -> bool {
        self.document.pointer(pointer).is_some()
    }

    /// Responses may stand among the components, with a reference to them.
    fn follow(&self, pointer: String) -> String {
        let reference = self
            .document
            .pointer(&pointer)
            .and_then(|response| response.get("$ref")?.as_str());
        match reference.and_then(|reference| reference.strip_prefix('#')) {
            Some(target) => target.to_owned(),
            None => pointer,
        }
    }

    fn check_body(&self, seen: &Seen<'_>, pointer: &str) -> Result<(), Mismatch> {
        let body: Value = serde_json::from_slice(seen.body)
            .map_err(|error| seen.mismatch(&format!("the body is not JSON ({error}):\n{}", seen.text())))?;
        let schema = self.schema(pointer);
        let errors: Vec<String> = schema
            .iter_errors(&body)
            .map(|error| format!("  at {:?}: {error}", error.instance_path().to_string()))
            .collect();
        if errors.is_empty() {
            return Ok(());
        }
        Err(seen.mismatch(&format!(
            "the body does not fit its schema:\n{}\nthe body:\n{body:#}",
            errors.join("\n")
        )))
    }

    fn schema(&self, pointer: &str) -> Arc<jsonschema::Validator> {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = schemas.entry(pointer.to_owned()).or_insert_with(|| {
            let reference = json!({"$ref": format!("{DOCUMENT}#{}", fragment(pointer))});
            let schema = jsonschema::options()
                .with_draft(jsonschema::Draft::Draft202012)
                .with_registry(&self.registry)
                .should_validate_formats(true)
                .build(&reference);
            Arc::new(schema.unwrap_or_else(|error| panic!("the schema {pointer} is none: {error}")))
        });
        Arc::clone(ready)
    }
}

impl Seen<'_> {
    fn media_type(&self) -> String {
        let full = self.content_type.unwrap_or_default();
        full.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }

    fn mismatch(&self, what: &str) -> Mismatch {
        Mismatch(format!(
            "{} {} answered {}: {what}",
            self.method, self.path, self.status
        ))
    }
}

/// Whether a documented media type or range (`text/*`) covers the one that came.
fn covers(documented: &str, came: &str) -> bool {
    match documented.strip_suffix('*') {
        Some("*/") => true,
        Some(kind) => came.starts_with(kind),
        None => documented
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .eq_ignore_ascii_case(came),
    }
}

fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.ends_with("+json")
}

/// One step of a JSON pointer (RFC 6901).
fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// A JSON pointer as the fragment of a URI: braces and the like may not stand there as they are.
fn fragment(pointer: &str) -> String {
    let mut fragment = String::with_capacity(pointer.len());
    for byte in pointer.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'~' | b'-' | b'.' | b'_' => {
                fragment.push(char::from(byte));
            }
            other => {
                let _ = write!(fragment, "%{other:02X}");
            }
        }
    }
    fragment
}

#[cfg(test)]
mod tests;
