//! Extractors whose refusals are problems of the closed list.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::header;
use http::request::Parts;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::strict::Strict;
use crate::Shop;
use crate::address::{Address, is_country};
use crate::problem::{Kind, Problem};

/// A JSON body. Unknown fields are refused where the type says `deny_unknown_fields`, which a test asks of all.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequest<Shop> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Shop) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let bytes = read_body(request).await?;
        parse_json(&bytes).map(Self)
    }
}

/// A JSON body, or the same fields as a form: for the operation that a standard says is sent a form.
pub struct JsonOrForm<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequest<Shop> for JsonOrForm<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shop: &Shop) -> Result<Self, Problem> {
        if !essence(request.headers()).eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Json::from_request(request, shop).await.map(|Json(value)| Self(value));
        }
        let bytes = read_body(request).await?;
        let malformed = || Problem::new(Kind::MalformedRequest).detail("the body is not a form");
        // A form is what a query would be, sent as a body.
        let form = std::str::from_utf8(&bytes).ok().and_then(|form| format!("/?{form}").parse::<http::Uri>().ok());
        match axum::extract::Query::try_from_uri(&form.ok_or_else(malformed)?) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::invalid_field("", error.body_text())),
        }
    }
}

/// Reads a whole body; the limit was set by a layer around the routes.
pub async fn read_body(request: Request) -> Result<bytes::Bytes, Problem> {
    match request.into_body().collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(body_problem(&error)),
    }
}

fn body_problem(error: &axum::Error) -> Problem {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return Problem::new(Kind::PayloadTooLarge);
        }
        cause = error.source();
    }
    Problem::new(Kind::MalformedRequest).detail("the body did not arrive whole")
}

/// Parses `bytes`, naming what is wrong by JSON pointer.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Strict(&mut deserializer)).map_err(|error| {
        let pointer = json_pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() {
            Problem::invalid_field(pointer, without_position(&inner.to_string()))
        } else {
            Problem::new(Kind::MalformedRequest).detail(format!("the body is not JSON: {inner}"))
        }
    })?;
    deserializer
        .end()
        .map_err(|error| Problem::new(Kind::MalformedRequest).detail(format!("the body is not JSON: {error}")))?;
    Ok(value)
}

fn require_json(headers: &http::HeaderMap) -> Result<(), Problem> {
    if essence(headers).eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Problem::new(Kind::UnsupportedMediaType).detail("send application/json"))
    }
}

/// The media type of the body, without its parameters.
fn essence(headers: &http::HeaderMap) -> &str {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().unwrap_or_default().trim()
}

/// The position of serde's texts is of the body as sent, which clients rarely have at hand; the pointer says it better.
fn without_position(text: &str) -> &str {
    text.rsplit_once(" at line ").map_or(text, |(text, _)| text)
}

fn json_pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}

/// Tells a field that is null from one that is missing: `Some(None)` and `None`.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Parameters of the path. What does not parse (an id that is no UUID) names nothing: a 404.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Shop> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, shop).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::not_found()),
        }
    }
}

/// Parameters of the query.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Shop> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shop) -> Result<Self, Problem> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::new(Kind::MalformedRequest).detail(format!("query: {}", error.body_text()))),
        }
    }
}

/// Checks of one request, gathered so that the answer names all that is wrong at once.
#[derive(Default)]
pub struct Checks(Vec<crate::problem::FieldError>);

impl Checks {
    /// Notes that the field at `pointer` is wrong unless `ok`.
    pub fn require(&mut self, ok: bool, pointer: &str, detail: &str) {
        if !ok {
            self.0.push(crate::problem::FieldError::new(pointer, detail));
        }
    }

    /// A text of `min` to `max` characters after trimming, without control characters (newlines apart).
    pub fn text(&mut self, value: &str, min: usize, max: usize, pointer: &str) {
        let length = value.trim().chars().count();
        let clean = !value.chars().any(|c| c.is_control() && c != '\n');
        self.require(
            (min..=max).contains(&length) && clean,
            pointer,
            &format!("must be {min} to {max} characters, without control characters"),
        );
    }

    /// The same of one line: what stands in lists, subjects and on labels.
    pub fn line(&mut self, value: &str, min: usize, max: usize, pointer: &str) {
        self.text(value, min, max, pointer);
        self.require(!value.contains('\n'), pointer, "must be one line");
    }

    /// A postal address whose fields stand below `pointer`.
    pub fn address(&mut self, address: &Address, pointer: &str) {
        for (value, min, max, field) in [
            (&address.name, 1, 100, "name"),
            (&address.city, 1, 100, "city"),
            (&address.region, 0, 100, "region"),
            (&address.postcode, 0, 20, "postcode"),
            (&address.phone, 0, 40, "phone"),
        ] {
            self.line(value, min, max, &format!("{pointer}/{field}"));
        }
        self.text(&address.street, 1, 200, &format!("{pointer}/street"));
        let country = format!("{pointer}/country");
        self.require(is_country(&address.country), &country, "must be an ISO 3166-1 alpha-2 code such as DE");
    }

    pub fn done(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[allow(dead_code)]
        quantity: u32,
    }

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[allow(dead_code)]
        lines: Vec<Line>,
    }

    #[test]
    fn what_is_wrong_is_named_by_pointer() {
        for (text, kind, pointer) in [
            (r#"{"lines":[{"quantity":1},{"quantity":-1}]}"#, Kind::InvalidRequest, "/lines/1/quantity"),
            (r#"{"lines":[{"quantity":1.5}]}"#, Kind::InvalidRequest, "/lines/0/quantity"),
            (r#"{"lines":[{"quantity":4294967296}]}"#, Kind::InvalidRequest, "/lines/0/quantity"),
            (r#"{"lines":[],"extra":1}"#, Kind::InvalidRequest, "/extra"),
            (r#"{}"#, Kind::InvalidRequest, ""),
            (r#"[[]]"#, Kind::InvalidRequest, ""),
            (r#"{"lines":[[1]]}"#, Kind::InvalidRequest, "/lines/0"),
            (r#"{"lines":[]"#, Kind::MalformedRequest, ""),
            (r#"{"lines":[]} x"#, Kind::MalformedRequest, ""),
            ("\u{0}", Kind::MalformedRequest, ""),
        ] {
            let problem = parse_json::<Body>(text.as_bytes()).expect_err(text);
            assert_eq!(problem.kind, kind, "{text}");
            if kind == Kind::InvalidRequest {
                assert_eq!(problem.to_json()["errors"][0]["pointer"], pointer, "{text}");
            }
        }
    }
}
