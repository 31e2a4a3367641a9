//! What is wrong with the content of a request, field by field.

use garde::Report;
use std::borrow::Cow;

/// One field that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) to the field.
    pub pointer: String,
    /// A stable word for programs: `missing`, `type`, `unknown`, `duplicate`, `length`, `range`, `format`, `past`, ….
    pub code: &'static str,
    /// A sentence for people.
    pub detail: Cow<'static, str>,
}

/// All that is wrong with a request. Never empty when returned as an error.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
#[error("{} field(s) do not fit", .0.len())]
pub struct Invalid(pub Vec<FieldError>);

impl Invalid {
    /// Fields that are told at the most: an answer must not grow far beyond the request that it answers.
    pub const MOST: usize = 20;

    /// Nothing wrong yet.
    pub fn none() -> Self {
        Self::default()
    }

    /// One field that does not fit.
    pub fn field(pointer: &str, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let mut invalid = Self::none();
        invalid.add(pointer, code, detail);
        invalid
    }

    /// Notes one more field that does not fit; beyond [`Self::MOST`] it is not told.
    pub fn add(&mut self, pointer: &str, code: &'static str, detail: impl Into<Cow<'static, str>>) {
        if self.0.len() >= Self::MOST {
            return;
        }
        self.0.push(FieldError {
            pointer: pointer.to_owned(),
            code,
            detail: detail.into(),
        });
    }

    /// Takes the value of a parse, or notes why there is none.
    pub fn take<T, E: std::fmt::Display>(
        &mut self,
        pointer: &str,
        code: &'static str,
        parsed: Result<T, E>,
    ) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(pointer, code, error.to_string());
                None
            }
        }
    }

    /// Notes what the declared limits of a command's fields say.
    pub fn add_report(&mut self, report: &Report) {
        for (path, error) in report.iter() {
            let pointer = format!("/{}", path.to_string().replace('.', "/"));
            let detail = error.message().to_owned();
            let code = if detail.contains("length") {
                "length"
            } else if detail.contains("lower than") || detail.contains("greater than") {
                "range"
            } else {
                "format"
            };
            self.add(&pointer, code, detail);
        }
    }

    /// Fine if nothing was noted.
    pub fn check(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}
