//! What a form or a link of a page sends (`application/x-www-form-urlencoded`). Mail systems add to links and browsers to
//! forms, so fields that a page does not know are not looked at, and of two with one name the first counts.

use super::body;
use super::percent;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use std::future::{Future, Ready, ready};
use std::pin::Pin;

/// The media type of forms.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Fields at the most; no page has as many.
const MOST: usize = 50;
/// Bytes of a field at the most.
const LONGEST: usize = 2_000;

/// Names and values, decoded.
pub struct FormFields(Vec<(String, String)>);

/// The body of a form.
pub struct FormBody(pub FormFields);

/// The query of a link to a page.
pub struct LinkQuery(pub FormFields);

impl FormFields {
    fn parse(text: &str) -> Result<Self, Problem> {
        let unreadable = || {
            Problem::new(ProblemType::BadRequest).detail("Something in what was sent cannot be read. If this is a link of a mail, open it anew, as a whole.")
        };
        let mut fields = Vec::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if fields.len() == MOST || value.len() > 3 * LONGEST {
                return Err(unreadable());
            }
            let name = percent::decode(name, true).ok_or_else(unreadable)?;
            let value = percent::decode(value, true)
                .filter(|value| value.len() <= LONGEST)
                .ok_or_else(unreadable)?;
            fields.push((name, value));
        }
        Ok(Self(fields))
    }

    /// A field as it was typed; empty where it is missing.
    pub fn exact(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// A field without blanks around it; none where nothing is left.
    pub fn text(&self, name: &str) -> Option<String> {
        let text = self.exact(name).trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

impl FromRequest for FormBody {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            body::require_type(request.headers(), &[FORM])?;
            let bytes = body::read(request.headers(), payload).await?;
            let text = std::str::from_utf8(&bytes).map_err(|_| {
                Problem::new(ProblemType::BadRequest).detail("The form is not text in UTF-8.")
            })?;
            FormFields::parse(text).map(Self)
        })
    }
}

impl FromRequest for LinkQuery {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(FormFields::parse(request.query_string()).map(Self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_are_found_among_others() {
        let fields =
            FormFields::parse("utm=1&token=a%2Bb&token=second&name=+caf%C3%A9+&blank=+&flag").unwrap();
        assert_eq!(fields.exact("token"), "a+b");
        assert_eq!(fields.exact("name"), " café ");
        assert_eq!(fields.text("name").as_deref(), Some("café"));
        assert_eq!(fields.text("blank"), None);
        assert_eq!((fields.exact("flag"), fields.exact("none")), ("", ""));
    }

    #[test]
    fn what_is_no_form_or_too_much_is_refused() {
        for bad in ["token=%zz", "token=%ff", "token=%00", "%ff=1"] {
            assert!(FormFields::parse(bad).is_err(), "{bad}");
        }
        assert!(FormFields::parse(&format!("token={}", "x".repeat(LONGEST))).is_ok());
        assert!(FormFields::parse(&format!("token={}", "x".repeat(LONGEST + 1))).is_err());
        assert!(FormFields::parse(&"a=1&".repeat(MOST)).is_ok());
        assert!(FormFields::parse(&"a=1&".repeat(MOST + 1)).is_err());
    }
}
