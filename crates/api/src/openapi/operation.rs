//! One operation of the document.

use super::{BEARER, COOKIE};
use crate::extract::{FORM, ListParams};
use crate::problem::PROBLEM_JSON;
use crate::problem_catalogue::ProblemType;
use crate::route_table::Who;
use actix_web::http::Method;
use std::collections::BTreeMap;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{
    AllOfBuilder, ArrayBuilder, KnownFormat, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
};
use utoipa::{IntoParams, ToSchema};

type NamedSchema = (String, RefOr<Schema>);

/// Describes one operation; the row of the table gives method, path and who.
pub struct OperationDoc {
    method: Method,
    path: &'static str,
    who: Who,
    tag: String,
    summary: &'static str,
    description: Option<&'static str>,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    answers: Vec<(u16, ResponseBuilder)>,
    problems: Vec<ProblemType>,
    /// Problems are told as pages.
    is_page: bool,
    schemas: Vec<NamedSchema>,
}

impl OperationDoc {
    /// An operation with what follows from its row.
    pub fn new(method: &Method, path: &'static str, who: Who) -> Self {
        let mut operation = Self {
            method: method.clone(),
            path,
            who,
            tag: tag_of(path).to_owned(),
            summary: "",
            description: None,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            problems: vec![ProblemType::Internal],
            is_page: false,
            schemas: Vec::new(),
        };
        operation.add_path_parameters();
        operation.add_problems_of_row();
        operation
    }

    /// What the operation does, in a few words.
    #[must_use]
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// What a client should know besides.
    #[must_use]
    pub fn description(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// Where it stands in the document; the first word of the path if not said.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.tag);
        self
    }

    /// A page for people: its problems are pages too.
    #[must_use]
    pub fn page(mut self) -> Self {
        self.is_page = true;
        self.problems(&[ProblemType::BadRequest, ProblemType::Unavailable])
    }

    /// A placeholder of the path that is text, not an id.
    #[must_use]
    pub fn path_text(mut self, name: &str, description: &'static str) -> Self {
        self.parameters.retain(|parameter| parameter.name != name);
        self.parameters
            .push(path_parameter(name, text(), Some(description)));
        self
    }

    /// The parameters of a `QueryParams<T>`, or the filters of a list.
    #[must_use]
    pub fn query<P: IntoParams>(mut self) -> Self {
        self.parameters
            .extend(P::into_params(|| Some(ParameterIn::Query)));
        self.problems(&[ProblemType::BadQuery])
    }

    /// The parameters that every list has, for a `ListQuery<T>`.
    #[must_use]
    pub fn paged(self) -> Self {
        self.query::<ListParams>()
    }

    /// A `JsonBody<T>`.
    #[must_use]
    pub fn json_body<T: ToSchema>(self) -> Self {
        self.object_body::<T>(&["application/json"], Required::True)
    }

    /// An `OptionalJsonBody<T>`.
    #[must_use]
    pub fn optional_json_body<T: ToSchema>(self) -> Self {
        self.object_body::<T>(&["application/json"], Required::False)
    }

    /// A `PatchBody<T>`.
    #[must_use]
    pub fn patch_body<T: ToSchema>(self) -> Self {
        self.object_body::<T>(
            &["application/merge-patch+json", "application/json"],
            Required::True,
        )
    }

    /// A `FormBody` with these fields.
    #[must_use]
    pub fn form_body<T: ToSchema>(mut self) -> Self {
        let schema = self.named::<T>();
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let body = RequestBodyBuilder::new().content(FORM, content);
        self.body = Some(body.required(Some(Required::True)).build());
        self.problems(&[ProblemType::BodyTooLarge, ProblemType::UnsupportedMediaType])
    }

    /// A `RawBody`.
    #[must_use]
    pub fn raw_body(mut self, media_type: &str, description: &'static str) -> Self {
        let content = ContentBuilder::new().schema(Some(text())).build();
        self.body = Some(
            RequestBodyBuilder::new()
                .description(Some(description))
                .content(media_type, content)
                .required(Some(Required::True))
                .build(),
        );
        self.problems(&[ProblemType::BodyTooLarge, ProblemType::BadRequest])
    }

    /// A `RawBody` of one of these media types, or none.
    #[must_use]
    pub fn raw_bodies(mut self, media_types: &[&str], description: &'static str) -> Self {
        let body = RequestBodyBuilder::new().description(Some(description));
        let body = media_types.iter().fold(body, |body, media_type| {
            body.content(*media_type, ContentBuilder::new().schema(Some(text())).build())
        });
        self.body = Some(body.required(Some(Required::False)).build());
        self.problems(&[ProblemType::BodyTooLarge, ProblemType::BadRequest])
    }

    /// The write can be repeated under an `Idempotency-Key`.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.parameters.push(header_parameter(
            "Idempotency-Key",
            "Names this request: repeated within 24 hours it is answered as the first time, with `Idempotent-Replayed: true`.",
        ));
        self.problems(&[
            ProblemType::BadHeader,
            ProblemType::IdempotencyKeyReused,
            ProblemType::IdempotencyInProgress,
        ])
    }

    /// The change may be conditional on the version.
    #[must_use]
    pub fn if_match(mut self) -> Self {
        self.parameters.push(header_parameter(
            "If-Match",
            "The ETag of the version that the change is meant for.",
        ));
        self.problems(&[ProblemType::PreconditionFailed])
    }

    /// The read may be conditional on the version.
    #[must_use]
    pub fn if_none_match(mut self) -> Self {
        self.parameters.push(header_parameter(
            "If-None-Match",
            "The ETag of the version that is known already.",
        ));
        self.answer_empty(304, "The version that is known already is the present one.")
    }

    /// An answer with a JSON body. `T` is a struct or enum with a name.
    #[must_use]
    pub fn answer<T: ToSchema>(mut self, status: u16, description: &'static str) -> Self {
        let schema = self.named::<T>();
        self.with_answer(status, description, Some(("application/json", schema)))
    }

    /// An answer with one page of a list, a `ListAnswer<T>`.
    #[must_use]
    pub fn answer_list<T: ToSchema>(mut self, description: &'static str) -> Self {
        let item = self.named::<T>();
        let name = format!("{}List", T::name());
        self.schemas.push((name.clone(), list_of(item)));
        self.with_answer(
            200,
            description,
            Some(("application/json", Ref::from_schema_name(name).into())),
        )
    }

    /// An answer with a JSON object of any form.
    #[must_use]
    pub fn answer_object(self, status: u16, description: &'static str) -> Self {
        let schema = ObjectBuilder::new().schema_type(Type::Object).build();
        self.with_answer(status, description, Some(("application/json", schema.into())))
    }

    /// An answer of 200 that is JSON, or one of these media types if the request asks for it.
    #[must_use]
    pub fn answer_forms<T: ToSchema>(mut self, media_types: &[&str], description: &'static str) -> Self {
        let schema = self.named::<T>();
        let json = ContentBuilder::new().schema(Some(schema)).build();
        let mut response = ResponseBuilder::new()
            .description(description)
            .content("application/json", json);
        for media_type in media_types {
            response = response.content(*media_type, ContentBuilder::new().schema(Some(text())).build());
        }
        self.answers.push((200, response));
        self
    }

    /// An answer of another media type.
    #[must_use]
    pub fn answer_media(self, status: u16, media_type: &str, description: &'static str) -> Self {
        self.with_answer(status, description, Some((media_type, text())))
    }

    /// An answer without a body.
    #[must_use]
    pub fn answer_empty(self, status: u16, description: &'static str) -> Self {
        self.with_answer(status, description, None)
    }

    /// A header of the answer described last, such as `Location` or `ETag`.
    #[must_use]
    pub fn with_header(mut self, name: &str, description: &'static str) -> Self {
        if let Some((status, response)) = self.answers.pop() {
            let header = HeaderBuilder::new()
                .schema(Some(text()))
                .description(Some(description))
                .build();
            self.answers.push((status, response.header(name, header)));
        }
        self
    }

    /// Problems that the operation's own rules give.
    #[must_use]
    pub fn problems(mut self, problems: &[ProblemType]) -> Self {
        self.problems.extend_from_slice(problems);
        self
    }

    /// All problems that the operation can be answered with.
    pub fn all_problems(&self) -> &[ProblemType] {
        &self.problems
    }

    /// The operation and the schemas that it names.
    pub fn build(self) -> (Operation, Vec<NamedSchema>) {
        let mut builder = OperationBuilder::new()
            .operation_id(Some(operation_id(&self.method, self.path, self.is_page)))
            .tag(self.tag.as_str())
            .summary(Some(self.summary))
            .description(self.description)
            .request_body(self.body)
            .extensions(Some(
                ExtensionsBuilder::new().add("x-who", self.who.names()).build(),
            ));
        if !self.parameters.is_empty() {
            builder = builder.parameters(Some(self.parameters));
        }
        for (status, response) in self.answers {
            builder = builder.response(status.to_string(), response.build());
        }
        for (status, response) in problem_responses(&self.problems, self.is_page) {
            builder = builder.response(status.to_string(), response);
        }
        if self.who != Who::PublicAsNobody {
            if self.who.admits_anonymous() {
                builder = builder.security(SecurityRequirement::default());
            }
            let none: [&str; 0] = [];
            builder = builder
                .security(SecurityRequirement::new(BEARER, none))
                .security(SecurityRequirement::new(COOKIE, none));
        }
        (builder.build(), self.schemas)
    }

    fn with_answer(
        mut self,
        status: u16,
        description: &'static str,
        content: Option<(&str, RefOr<Schema>)>,
    ) -> Self {
        let mut response = ResponseBuilder::new().description(description);
        if let Some((media_type, schema)) = content {
            response = response.content(media_type, ContentBuilder::new().schema(Some(schema)).build());
        }
        self.answers.push((status, response));
        self
    }

    fn object_body<T: ToSchema>(mut self, media_types: &[&str], required: Required) -> Self {
        let schema = self.named::<T>();
        let mut body = RequestBodyBuilder::new().required(Some(required));
        for media_type in media_types {
            body = body.content(
                *media_type,
                ContentBuilder::new().schema(Some(schema.clone())).build(),
            );
        }
        self.body = Some(body.build());
        self.problems(&[
            ProblemType::NotJson,
            ProblemType::BodyTooLarge,
            ProblemType::UnsupportedMediaType,
            ProblemType::BadRequest,
            ProblemType::Invalid,
        ])
    }

    fn named<T: ToSchema>(&mut self) -> RefOr<Schema> {
        T::schemas(&mut self.schemas);
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), T::schema()));
        Ref::from_schema_name(name).into()
    }

    fn add_path_parameters(&mut self) {
        let placeholders = self
            .path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next());
        for name in placeholders {
            let is_id = name == "id" || name.ends_with("_id");
            let schema = if is_id { uuid() } else { text() };
            self.parameters.push(path_parameter(name, schema, None));
        }
    }

    fn add_problems_of_row(&mut self) {
        if self.who != Who::PublicAsNobody {
            self.problems.extend([
                ProblemType::Unauthenticated,
                ProblemType::SessionEnded,
                ProblemType::Unavailable,
            ]);
            if !matches!(self.method, Method::GET | Method::HEAD) {
                self.problems.push(ProblemType::OriginNotAllowed);
            }
        }
        if let Who::Permission(_) = self.who {
            self.problems.push(ProblemType::Forbidden);
        }
        if !self.parameters.is_empty() {
            self.problems.push(ProblemType::NotFound);
        }
        if self.path.starts_with(crate::BASE_PATH) {
            self.problems.push(ProblemType::Unavailable);
        }
    }
}

/// One response for each status, which says what problems it can be.
fn problem_responses(problems: &[ProblemType], is_page: bool) -> BTreeMap<u16, Response> {
    let mut by_status: BTreeMap<u16, Vec<ProblemType>> = BTreeMap::new();
    for problem in problems {
        let known = by_status.entry(problem.status().as_u16()).or_default();
        if !known.contains(problem) {
            known.push(*problem);
        }
    }
    by_status
        .into_iter()
        .map(|(status, problems)| (status, problem_response(&problems, is_page)))
        .collect()
}

fn problem_response(problems: &[ProblemType], is_page: bool) -> Response {
    let sentences: Vec<String> = problems
        .iter()
        .map(|problem| format!("`{}`: {}", problem.slug(), problem.explanation()))
        .collect();
    let (media_type, schema) = if is_page {
        ("text/html", text())
    } else {
        (PROBLEM_JSON, problem_schema(problems))
    };
    let mut response = ResponseBuilder::new()
        .description(sentences.join("\n\n"))
        .content(media_type, ContentBuilder::new().schema(Some(schema)).build());
    if problems
        .iter()
        .any(|problem| matches!(problem, ProblemType::RateLimited | ProblemType::Unavailable))
    {
        let seconds = HeaderBuilder::new()
            .schema(Some(text()))
            .description(Some("Seconds to wait."));
        response = response.header("Retry-After", seconds.build());
    }
    response.build()
}

fn problem_schema(problems: &[ProblemType]) -> RefOr<Schema> {
    let types = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .enum_values(Some(problems.iter().map(|problem| problem.uri())));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name("Problem"))
        .item(ObjectBuilder::new().property("type", types))
        .build();
    Schema::AllOf(schema).into()
}

fn list_of(item: RefOr<Schema>) -> RefOr<Schema> {
    let nullable_text = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("Where the next page begins; null on the last one."));
    let total = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .minimum(Some(0))
        .description(Some("How many items there are in all, if that was asked."));
    let object = ObjectBuilder::new()
        .property("items", ArrayBuilder::new().items(item))
        .property("next_cursor", nullable_text)
        .property("total", total)
        .required("items")
        .required("next_cursor");
    Schema::Object(object.build()).into()
}

fn text() -> RefOr<Schema> {
    Schema::Object(
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .build(),
    )
    .into()
}

fn uuid() -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    Schema::Object(object.build()).into()
}

fn path_parameter(name: &str, schema: RefOr<Schema>, description: Option<&str>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(description)
        .schema(Some(schema))
        .build()
}

fn header_parameter(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(text()))
        .build()
}

fn tag_of(path: &str) -> &str {
    let below = path.strip_prefix(crate::BASE_PATH).unwrap_or(path);
    below
        .trim_start_matches('/')
        .split(['/', '.'])
        .next()
        .unwrap_or_default()
}

/// `get_events_id` for `GET /api/v1/events/{id}`, and `get_page_vote_token` for a link's page, beside which there may be a route of
/// the same path: unique because method and path together are.
fn operation_id(method: &Method, path: &str, is_page: bool) -> String {
    let below = path.strip_prefix(crate::BASE_PATH).unwrap_or(path);
    let mut id = method.as_str().to_ascii_lowercase();
    if is_page {
        id.push_str("_page");
    }
    for part in below
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|part| !part.is_empty())
    {
        id.push('_');
        id.push_str(part);
    }
    if path.ends_with('/') {
        id.push_str("_index");
    }
    id
}
