//! Writes that can be repeated: the key of a request, the answer of a write, and how both meet in the transaction.
//!
//! The answer is kept in the transaction of its effect, so either both are there or neither. Only answers of success
//! are kept: an error undoes the transaction and the key with it.

use crate::extract::Fingerprint;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use kernel::{
    IdempotencyKey, IdempotencyScope, IdempotencyStore, Instant, Remembered, StoreError, StoredAnswer, UserId,
};
use serde::Serialize;
use std::future::{Ready, ready};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The key that came with a request, and the route it is good for.
#[derive(Debug, Clone)]
pub struct RepeatKey {
    key: Option<IdempotencyKey>,
    route: String,
}

impl FromRequest for RepeatKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl RepeatKey {
    fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let malformed = || {
            Problem::bad_header(
                "Idempotency-Key",
                "The key is 1 to 255 printable ASCII characters.",
            )
        };
        let mut values = request.headers().get_all(IDEMPOTENCY_KEY);
        let key = match (values.next(), values.next()) {
            (None, _) => {
                return Ok(Self {
                    key: None,
                    route: String::new(),
                });
            }
            (Some(value), None) => value
                .to_str()
                .ok()
                .and_then(IdempotencyKey::parse)
                .ok_or_else(malformed)?,
            (Some(_), Some(_)) => return Err(malformed()),
        };
        Ok(Self {
            key: Some(key),
            route: format!("{} {}", request.method(), request.path()),
        })
    }

    /// Whose key it is and for what; none if the request came without one.
    pub fn scope(self, user_id: UserId, fingerprint: &Fingerprint) -> Option<IdempotencyScope> {
        let key = self.key?;
        Some(IdempotencyScope {
            user_id,
            route: self.route,
            key,
            fingerprint: fingerprint.0.clone(),
        })
    }
}

/// The answer of a write that succeeded: 200 to 299, with JSON or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    stored: StoredAnswer,
    replayed: bool,
}

impl Answer {
    /// An answer with a JSON body.
    pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Self {
        debug_assert!(
            status.is_success(),
            "only success is an answer; the rest are problems"
        );
        // Bodies are structs of text, numbers and lists, which always have a JSON form.
        let body = serde_json::to_string(body).unwrap_or_default();
        Self::of(status, body)
    }

    /// 200 with a body.
    pub fn ok<T: Serialize>(body: &T) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 201 with a body and where the new thing is.
    pub fn created<T: Serialize>(location: String, body: &T) -> Self {
        let mut answer = Self::json(StatusCode::CREATED, body);
        answer.stored.location = Some(location);
        answer
    }

    /// 201 with a body that was made already, and where the new thing is.
    pub fn created_event(location: String, mut answer: Self) -> Self {
        answer.stored.status = StatusCode::CREATED.as_u16();
        answer.stored.location = Some(location);
        answer
    }

    /// 202 with a body.
    pub fn accepted<T: Serialize>(body: &T) -> Self {
        Self::json(StatusCode::ACCEPTED, body)
    }

    /// 202 without a body.
    pub fn accepted_empty() -> Self {
        Self::of(StatusCode::ACCEPTED, String::new())
    }

    /// 204.
    pub fn no_content() -> Self {
        Self::of(StatusCode::NO_CONTENT, String::new())
    }

    /// Adds the version that the write made.
    #[must_use]
    pub fn with_etag(mut self, etag: impl Into<String>) -> Self {
        self.stored.etag = Some(etag.into());
        self
    }

    /// The answer to keep.
    pub fn to_store(&self) -> &StoredAnswer {
        &self.stored
    }

    /// The answer that was kept.
    pub fn replay(stored: StoredAnswer) -> Self {
        Self {
            stored,
            replayed: true,
        }
    }

    fn of(status: StatusCode, body: String) -> Self {
        let stored = StoredAnswer {
            status: status.as_u16(),
            location: None,
            etag: None,
            body,
        };
        Self {
            stored,
            replayed: false,
        }
    }
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let status = StatusCode::from_u16(self.stored.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        if let Some(location) = self.stored.location {
            response.insert_header((header::LOCATION, location));
        }
        if let Some(etag) = self.stored.etag {
            response.insert_header((header::ETAG, etag));
        }
        if self.replayed {
            response.insert_header((IDEMPOTENT_REPLAYED, HeaderValue::from_static("true")));
        }
        if self.stored.body.is_empty() {
            return response.finish();
        }
        response.content_type("application/json").body(self.stored.body)
    }
}

/// Why a write that can be repeated gave no answer.
#[derive(Debug)]
pub enum WriteOnceError<E> {
    /// The operation refused.
    Operation(E),
    /// The key was used for another request.
    OtherRequest,
    /// The key could not be taken. Contention here means that the first request still runs.
    Claim(StoreError),
    /// The store failed elsewhere.
    Store(StoreError),
}

impl<E> From<StoreError> for WriteOnceError<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<E: Into<Problem>> From<WriteOnceError<E>> for Problem {
    fn from(error: WriteOnceError<E>) -> Self {
        match error {
            WriteOnceError::Operation(error) => error.into(),
            WriteOnceError::OtherRequest => ProblemType::IdempotencyKeyReused.into(),
            WriteOnceError::Claim(StoreError::Contention(_)) => {
                Self::new(ProblemType::IdempotencyInProgress).retry_after(Self::RETRY_AFTER_SECONDS)
            }
            WriteOnceError::Claim(error) | WriteOnceError::Store(error) => error.into(),
        }
    }
}

/// Runs a write at most once for its key, inside the transaction `tx`.
///
/// `authorise` runs before anything is said of the key, so that whoever lost a right meanwhile is not told what they once
/// did with it. `effect` is the operation; it checks its rights by itself as always.
pub fn write_once<T, E>(
    tx: &mut T,
    now: Instant,
    scope: Option<&IdempotencyScope>,
    authorise: impl FnOnce(&mut T) -> Result<(), E>,
    effect: impl FnOnce(&mut T) -> Result<Answer, E>,
) -> Result<Answer, WriteOnceError<E>>
where
    T: IdempotencyStore + ?Sized,
{
    let Some(scope) = scope else {
        return effect(tx).map_err(WriteOnceError::Operation);
    };
    match tx
        .claim_idempotency_key(now, scope)
        .map_err(WriteOnceError::Claim)?
    {
        Remembered::OtherRequest => {
            authorise(tx).map_err(WriteOnceError::Operation)?;
            Err(WriteOnceError::OtherRequest)
        }
        Remembered::Answered(stored) => {
            authorise(tx).map_err(WriteOnceError::Operation)?;
            Ok(Answer::replay(stored))
        }
        Remembered::New => {
            let answer = effect(tx).map_err(WriteOnceError::Operation)?;
            tx.store_answer(scope, answer.to_store())?;
            Ok(answer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use kernel::TypedId;
    use std::collections::HashMap;

    #[derive(Default)]
    struct Memory {
        answers: HashMap<String, (String, StoredAnswer)>,
        effects: u32,
        contended: bool,
    }

    impl IdempotencyStore for Memory {
        fn claim_idempotency_key(
            &mut self,
            _: Instant,
            scope: &IdempotencyScope,
        ) -> Result<Remembered, StoreError> {
            if self.contended {
                return Err(StoreError::Contention("the row is locked".into()));
            }
            Ok(match self.answers.get(scope.key.as_str()) {
                None => Remembered::New,
                Some((fingerprint, answer)) if *fingerprint == scope.fingerprint => {
                    Remembered::Answered(answer.clone())
                }
                Some(_) => Remembered::OtherRequest,
            })
        }

        fn store_answer(
            &mut self,
            scope: &IdempotencyScope,
            answer: &StoredAnswer,
        ) -> Result<(), StoreError> {
            self.answers.insert(
                scope.key.as_str().into(),
                (scope.fingerprint.clone(), answer.clone()),
            );
            Ok(())
        }
    }

    fn scope(fingerprint: &str) -> IdempotencyScope {
        let request = TestRequest::post()
            .uri("/x")
            .insert_header((IDEMPOTENCY_KEY, "k"))
            .to_http_request();
        let user = UserId::from_uuid(uuid::Uuid::from_u128(1));
        RepeatKey::of(&request)
            .unwrap()
            .scope(user, &Fingerprint(fingerprint.into()))
            .unwrap()
    }

    fn write(
        memory: &mut Memory,
        scope: Option<&IdempotencyScope>,
        allowed: bool,
    ) -> Result<Answer, WriteOnceError<Problem>> {
        write_once(
            memory,
            chrono::DateTime::UNIX_EPOCH,
            scope,
            |_| {
                if allowed {
                    Ok(())
                } else {
                    Err(Problem::not_found())
                }
            },
            |memory| {
                memory.effects += 1;
                Ok(Answer::created("/x/1".into(), &memory.effects).with_etag("\"1-0\""))
            },
        )
    }

    #[test]
    fn a_repeat_is_answered_as_the_first_and_does_nothing() {
        let mut memory = Memory::default();
        let first = write(&mut memory, Some(&scope("a")), true).unwrap();
        let second = write(&mut memory, Some(&scope("a")), true).unwrap();
        assert_eq!(memory.effects, 1);
        assert_eq!(first.to_store(), second.to_store());
        let request = TestRequest::default().to_http_request();
        assert!(
            first
                .respond_to(&request)
                .headers()
                .get(IDEMPOTENT_REPLAYED)
                .is_none()
        );
        let replayed = second.respond_to(&request);
        assert_eq!(replayed.status(), StatusCode::CREATED);
        assert_eq!(replayed.headers().get(IDEMPOTENT_REPLAYED).unwrap(), "true");
        assert_eq!(replayed.headers().get(header::LOCATION).unwrap(), "/x/1");
        assert_eq!(replayed.headers().get(header::ETAG).unwrap(), "\"1-0\"");
    }

    #[test]
    fn rights_are_asked_before_a_replay() {
        let mut memory = Memory::default();
        write(&mut memory, Some(&scope("a")), true).unwrap();
        assert!(matches!(
            write(&mut memory, Some(&scope("a")), false),
            Err(WriteOnceError::Operation(problem)) if problem.kind() == ProblemType::NotFound
        ));
    }

    #[test]
    fn rights_are_asked_before_another_request_under_the_key_is_refused() {
        let mut memory = Memory::default();
        write(&mut memory, Some(&scope("a")), true).unwrap();
        let refused = Problem::from(write(&mut memory, Some(&scope("b")), false).unwrap_err());
        assert_eq!(refused.kind(), ProblemType::NotFound);
    }

    #[test]
    fn another_request_under_the_key_and_a_running_one_are_refused() {
        let mut memory = Memory::default();
        write(&mut memory, Some(&scope("a")), true).unwrap();
        let reused = Problem::from(write(&mut memory, Some(&scope("b")), true).unwrap_err());
        assert_eq!(reused.kind(), ProblemType::IdempotencyKeyReused);
        memory.contended = true;
        let running = Problem::from(write(&mut memory, Some(&scope("a")), true).unwrap_err());
        assert_eq!(running.kind(), ProblemType::IdempotencyInProgress);
        assert_eq!(memory.effects, 1);
    }

    #[test]
    fn without_a_key_every_write_happens() {
        let mut memory = Memory::default();
        write(&mut memory, None, true).unwrap();
        write(&mut memory, None, true).unwrap();
        assert_eq!(memory.effects, 2);
        assert!(memory.answers.is_empty());
    }

    #[test]
    fn a_malformed_key_is_refused() {
        for bad in ["", "a b", &"k".repeat(256)] {
            let request = TestRequest::post()
                .insert_header((IDEMPOTENCY_KEY, bad))
                .to_http_request();
            assert_eq!(
                RepeatKey::of(&request).unwrap_err().kind(),
                ProblemType::BadHeader,
                "{bad:?}"
            );
        }
        let twice = TestRequest::post()
            .append_header((IDEMPOTENCY_KEY, "a"))
            .append_header((IDEMPOTENCY_KEY, "b"))
            .to_http_request();
        assert!(RepeatKey::of(&twice).is_err());
    }
}
