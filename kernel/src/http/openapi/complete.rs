//! What holds for every operation, written into the document once instead of beside each handler: the answers of the layers and
//! extractors that all requests pass, the header of idempotency, the media type of problems.

use http::Method;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Required, Schema};

use crate::http::idempotency;
use crate::problem::Kind;

const PROBLEM: &str = "application/problem+json";

/// Completes every operation of the document.
pub fn complete(document: &mut OpenApi) {
    super::texts::complete(document);
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let facts = Facts::of(path, &method, operation);
            if facts.takes_key {
                operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
            }
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter {
                    state_plainly(parameter);
                    super::texts::complete_parameter(parameter);
                }
            }
            for kind in facts.kinds() {
                document_answer(operation, kind);
            }
            rename_problems(operation);
        }
    }
}

/// Method and path of every operation of the document, and how it calls it.
pub fn operation_ids(document: OpenApi) -> impl Iterator<Item = (String, String)> {
    document.paths.paths.into_iter().flat_map(|(path, mut item)| {
        let named = operations(&mut item)
            .filter_map(|(method, operation)| Some((format!("{method} {path}"), operation.operation_id.clone()?)));
        named.collect::<Vec<_>>()
    })
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

/// What of an operation decides on its common answers.
struct Facts {
    /// Under `/v1`: behind the layers of the shop.
    api: bool,
    /// For those who work for the shop.
    staff: bool,
    signed_in: bool,
    body: bool,
    json: bool,
    takes_key: bool,
    /// A parameter of the query may be none that the operation knows: a cursor, a format, a language.
    asked: bool,
    /// `If-Match` may name another version.
    conditional: bool,
}

impl Facts {
    fn of(path: &str, method: &Method, operation: &Operation) -> Self {
        let api = path.starts_with("/v1/");
        let content = operation.request_body.as_ref().and_then(|body| match body {
            RefOr::T(body) => Some(&body.content),
            RefOr::Ref(_) => None,
        });
        let has = |place: ParameterIn, name: Option<&str>| {
            operation.parameters.iter().flatten().any(|parameter| {
                matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == place && name.is_none_or(|name| parameter.name == name))
            })
        };
        Self {
            api,
            staff: path.starts_with("/v1/admin/") || path == "/v1/auth/introspect",
            signed_in: operation.security.is_some(),
            body: content.is_some(),
            json: content.is_some_and(|content| content.contains_key("application/json")),
            takes_key: api && *method == Method::POST && !idempotency::is_ignored_at(path),
            asked: has(ParameterIn::Query, None),
            conditional: has(ParameterIn::Header, Some("If-Match")),
        }
    }

    fn kinds(&self) -> Vec<Kind> {
        let groups: [(bool, &[Kind]); 9] = [
            (true, &[Kind::MalformedRequest, Kind::RequestTimeout, Kind::InternalError]),
            (self.api, &[Kind::InvalidToken, Kind::TooManyRequests, Kind::Unavailable]),
            // An API key is nobody in person.
            (self.signed_in, &[Kind::Unauthenticated, Kind::Forbidden]),
            (self.staff, &[Kind::SecondFactorRequired]),
            (self.body || self.takes_key, &[Kind::PayloadTooLarge]),
            (self.json, &[Kind::UnsupportedMediaType, Kind::InvalidRequest]),
            (self.takes_key, &[Kind::InvalidRequest, Kind::IdempotencyKeyReused, Kind::IdempotencyKeyInFlight]),
            (self.asked, &[Kind::InvalidRequest]),
            (self.conditional, &[Kind::PreconditionFailed]),
        ];
        groups.into_iter().filter(|(holds, _)| *holds).flat_map(|(_, kinds)| kinds.iter().copied()).collect()
    }
}

fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(16))
        .max_length(Some(128))
        .pattern(Some("^[!-~]+$"))
        .build();
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Sent again with the same request, it happens once: the answer is the one of the first time"))
        .schema(Some(schema))
        .build()
}

/// A parameter that may be left out is not null: there is no way to send null in a query or a header.
fn state_plainly(parameter: &mut Parameter) {
    let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema else { return };
    if let SchemaType::Array(types) = &object.schema_type
        && let [one, Type::Null] | [Type::Null, one] = types.as_slice()
    {
        object.schema_type = SchemaType::Type(one.clone());
    }
    if parameter.name == "If-Match" {
        object.pattern = Some(r#"^(\*|"[0-9]{1,18}")$"#.to_owned());
    }
}

/// Adds the problem to the answer of its status, which may have been documented for others.
fn document_answer(operation: &mut Operation, kind: Kind) {
    let status = kind.status().as_u16().to_string();
    let slug = format!("`{}`", kind.slug());
    let answer = operation.responses.responses.entry(status).or_insert_with(|| RefOr::T(Response::new("")));
    let RefOr::T(answer) = answer else { return };
    if answer.content.is_empty() {
        answer.content.insert(PROBLEM.to_owned(), RefOr::T(Content::new(Some(Ref::from_schema_name("Problem")))));
    }
    if !answer.description.contains(&slug) {
        let before = std::mem::take(&mut answer.description);
        let separator = if before.is_empty() {
            ""
        } else if before.ends_with('`') {
            ", "
        } else {
            "; "
        };
        answer.description = format!("{before}{separator}{slug}");
    }
}

/// Handlers document a problem by its schema; its media type is always the same.
fn rename_problems(operation: &mut Operation) {
    for (status, answer) in &mut operation.responses.responses {
        let RefOr::T(answer) = answer else { continue };
        if status.starts_with(['4', '5'])
            && let Some(content) = answer.content.shift_remove("application/json")
        {
            answer.content.insert(PROBLEM.to_owned(), content);
        }
    }
}
