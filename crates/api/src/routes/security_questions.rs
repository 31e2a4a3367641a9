//! Security questions: the catalogue, one's own answers, and the way back in by them.

use super::passwords::address_of;
use crate::extract::{Caller, JsonBody, ListAnswer, SignedInCaller};
use crate::idempotency::Answer;
use crate::level_time::level;
use crate::openapi::OperationDoc;
use crate::own_password::check_own_password;
use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::sign_in_limits::{AccountKey, Guess};
use crate::state::{AppState, SharedState};
use actix_web::{HttpRequest, HttpResponse};
use auth::{GivenAnswer, NewPassword, SECURITY_QUESTIONS, SecurityAnswer, SecurityQuestion};
use kernel::{Ctx, EmailAddress, Invalid};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A question that can be answered.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = SecurityQuestion)]
pub struct QuestionBody {
    /// Names it; it never changes.
    #[schema(example = "first_dish")]
    id: &'static str,
    question: &'static str,
}

impl QuestionBody {
    fn of(question: &SecurityQuestion) -> Self {
        Self {
            id: question.id,
            question: question.text,
        }
    }
}

/// The questions that somebody is asked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AskedQuestions {
    /// Always two.
    questions: Vec<QuestionBody>,
}

/// An answer to one question.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerForm {
    #[schema(example = "first_dish")]
    question_id: String,
    /// Case, blanks and punctuation make no difference; without them there are at least 2 characters.
    #[schema(min_length = 2, max_length = 200)]
    answer: String,
}

/// The answers that are to be one's own.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnAnswersForm {
    /// To two different questions at least.
    #[schema(min_items = 2, max_items = 10)]
    answers: Vec<AnswerForm>,
    /// The present password; needed when the sign-in is ten minutes old or older.
    #[schema(format = "password")]
    password: Option<String>,
}

/// Whose questions.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskForm {
    email: String,
}

/// The answers to what was asked, and the password that is to be.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetWithAnswersForm {
    email: String,
    /// To the two questions that were asked.
    #[schema(min_items = 2, max_items = 2)]
    answers: Vec<AnswerForm>,
    /// At least 10 characters and at most 72 bytes, none of the common ones.
    #[schema(min_length = 10, max_length = 72, format = "password")]
    new_password: String,
}

fn pairs(forms: Vec<AnswerForm>) -> Vec<(String, String)> {
    forms
        .into_iter()
        .map(|form| (form.question_id, form.answer))
        .collect()
}

impl ResetWithAnswersForm {
    fn read(self) -> Result<(EmailAddress, Vec<GivenAnswer>, NewPassword), Invalid> {
        let mut invalid = Invalid::none();
        let email = invalid.take("/email", "format", self.email.parse::<EmailAddress>());
        let password = NewPassword::take(&mut invalid, "/new_password", &self.new_password);
        match (email, password, GivenAnswer::parse_asked(&pairs(self.answers))) {
            (Some(email), Some(password), Ok(answers)) => Ok((email, answers, password)),
            (_, _, answers) => {
                let of_answers = answers.err().map_or_else(Vec::new, |wrong| wrong.0);
                invalid.0.extend(of_answers);
                Err(invalid)
            }
        }
    }
}

/// Every question there is.
pub async fn list() -> Result<Answer, Problem> {
    Ok(Answer::ok(&ListAnswer {
        items: SECURITY_QUESTIONS.iter().map(QuestionBody::of).collect(),
        next_cursor: None,
        total: None,
    }))
}

/// See [`list`].
pub fn describe_list(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("List the security questions")
        .answer_list::<QuestionBody>("Every question that can be answered, on one page.")
}

/// Sets one's own answers.
pub async fn set_own(
    request: HttpRequest,
    caller: SignedInCaller,
    body: Result<JsonBody<OwnAnswersForm>, Problem>,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let ctx = caller.ctx;
    auth::may_have_security_questions(&ctx)?;
    let form = body?.value;
    let given = GivenAnswer::parse_new(&pairs(form.answers))?;
    let checked = match form.password {
        Some(password) => {
            Some(check_own_password(&state, &request, caller.signed_in.user_id, password).await?)
        }
        None => None,
    };
    // Asked before so much is hashed for nothing.
    let (before, known) = (ctx.clone(), checked.clone());
    state
        .store
        .read(move |tx| auth::may_set_security_answers(tx, &before, known.as_ref()))
        .await?;
    let mut answers = Vec::with_capacity(given.len());
    for given in given {
        answers.push(SecurityAnswer {
            question_id: given.question.id.to_owned(),
            answer_hash: state.passwords.hash_answer(given.answer).await?,
        });
    }
    state
        .store
        .write(move |tx| auth::set_security_answers(tx, &ctx, &answers, checked.as_ref()))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// See [`set_own`].
pub fn describe_set_own(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Set one's own answers to security questions")
        .description("Puts them in the place of all answers that were before. Needs the present password, or a sign-in that is less than ten minutes old. The person is told by mail.")
        .json_body::<OwnAnswersForm>()
        .answer_empty(204, "The answers are set.")
        .problems(&[
            ProblemType::SecurityQuestionsNotAllowed,
            ProblemType::RecentSignInNeeded,
            ProblemType::WrongPassword,
        ])
}

/// What somebody is asked who forgot the password.
pub async fn ask(body: JsonBody<AskForm>, state: SharedState) -> Result<Answer, Problem> {
    let email = address_of(&body.value.email)?;
    let keys = Arc::clone(&state.keys);
    let asking = state
        .store
        .read(move |tx| auth::asked_questions(tx, &keys, &email));
    let asked = level(asking).await?;
    Ok(Answer::ok(&AskedQuestions {
        questions: asked.into_iter().map(QuestionBody::of).collect(),
    }))
}

/// See [`ask`].
pub fn describe_ask(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Ask which questions reset the password")
        .description("Two questions for every address, the same each time, whether or not it has an account with answers.")
        .json_body::<AskForm>()
        .answer::<AskedQuestions>(200, "The questions to be answered.")
}

/// Sets a new password by the answers.
pub async fn reset(
    request: HttpRequest,
    Caller(ctx): Caller,
    body: JsonBody<ResetWithAnswersForm>,
    state: SharedState,
) -> Result<HttpResponse, Problem> {
    let (email, answers, password) = body.value.read()?;
    let account = AccountKey::of(&email);
    let attempt = state.limits.attempt(Guess::Answers, &request, account).await?;
    let answer = set_password(&state, ctx, email, answers, password).await;
    attempt.end(answer).await
}

async fn set_password(
    state: &AppState,
    ctx: Ctx,
    email: EmailAddress,
    answers: Vec<GivenAnswer>,
    password: NewPassword,
) -> Result<HttpResponse, Problem> {
    let questions: Vec<&'static SecurityQuestion> = answers.iter().map(|given| given.question).collect();
    let (first, keys) = (ctx.clone(), Arc::clone(&state.keys));
    let charging = state
        .store
        .write(move |tx| auth::charge_answers(tx, &first, &keys, &email, &questions));
    let charged = level(charging).await?;
    // Both are compared, whatever comes of the first, and with nobody's hash where there is none: it takes as long.
    let mut all_fit = true;
    for (given, hash) in answers.into_iter().zip(charged.hashes) {
        let text = given.answer.digest().to_owned();
        all_fit &= state.passwords.verify(text, hash).await?;
    }
    let Some(recovered) = charged.recovered.filter(|_| all_fit) else {
        return Err(ProblemType::CodeRefused.into());
    };
    let hash = state.passwords.hash(password).await?;
    let set = state
        .store
        .write(move |tx| auth::reset_with_answers(tx, &ctx, &recovered, &hash))
        .await?;
    if set {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ProblemType::CodeRefused.into())
    }
}

/// See [`reset`].
pub fn describe_reset(operation: OperationDoc) -> OperationDoc {
    operation
        .summary("Reset the password by the answers to the security questions")
        .description("Every address is refused alike, whether or not it has an account with answers. After every five wrong tries in a row no answer is taken for 15 minutes; a reset by mail ends that. Ends every session of the account, takes back all mails by which the password could be reset, and tells the person by mail.")
        .json_body::<ResetWithAnswersForm>()
        .answer_empty(204, "The new password is set. Sign in with it.")
        .problems(&[ProblemType::CodeRefused])
}
