//! The parameters of a list that are named by the merchant's attributes: `attribute.roast=dark`, `attribute.caffeine.max=125`.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, Required};

use super::CODE_RULE;
use crate::Shop;
use crate::catalog::{Filter, MAX_ATTRIBUTE_TEXT, date_number, is_code};
use crate::http::extract::{Checks, Query};
use crate::http::openapi::TEXT_NOT_EMPTY;
use crate::money::MAX_AMOUNT;
use crate::problem::Problem;
use crate::search::{ATTRIBUTE, Bounds};

/// Values and bounds that one list may be filtered by: each costs a look-up.
const MAX_FILTERS: usize = 50;

/// Parameters of a list, `T`, and those named by attributes.
pub struct ListQuery<T> {
    pub params: T,
    pub attributes: AttributeFilters,
}

/// What attributes the products of a list have.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AttributeFilters {
    /// By the name of the search: one of these values.
    values: BTreeMap<String, Vec<String>>,
    bounds: BTreeMap<String, Bounds>,
}

impl<T: DeserializeOwned> FromRequestParts<Shop> for ListQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let (named, others): (Vec<_>, Vec<_>) = query.split('&').partition(|pair| pair.starts_with(ATTRIBUTE));
        let attributes = AttributeFilters::read(&pairs(&named)?)?;
        // What was a URI is one without some of its parameters.
        let others = rest(&others).map_err(Problem::internal)?;
        parts.uri = others;
        let Query(params) = Query::from_request_parts(parts, shop).await?;
        Ok(Self { params, attributes })
    }
}

fn rest(pairs: &[&str]) -> Result<Uri, http::uri::InvalidUri> {
    format!("/?{}", pairs.join("&")).parse()
}

fn pairs(named: &[&str]) -> Result<Vec<(String, String)>, Problem> {
    let uri = rest(named).map_err(Problem::internal)?;
    let parsed = axum::extract::Query::try_from_uri(&uri);
    parsed.map(|axum::extract::Query(pairs)| pairs).map_err(|error| {
        Problem::new(crate::problem::Kind::MalformedRequest).detail(format!("query: {}", error.body_text()))
    })
}

impl AttributeFilters {
    fn read(pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut checks = Checks::default();
        checks.require(pairs.len() <= MAX_FILTERS, "attribute", &format!("must be at most {MAX_FILTERS} filters"));
        let mut filters = Self::default();
        for (parameter, value) in pairs {
            let rest = parameter.strip_prefix(ATTRIBUTE).unwrap_or_default();
            let (code, bound) = rest.split_once('.').map_or((rest, None), |(code, bound)| (code, Some(bound)));
            checks.require(is_code(code), parameter, &format!("the code {CODE_RULE}"));
            let name = format!("{ATTRIBUTE}{code}");
            match bound {
                None => {
                    checks.text(value, 1, MAX_ATTRIBUTE_TEXT, parameter);
                    filters.values.entry(name).or_default().push(value.clone());
                }
                Some(end @ ("min" | "max")) => {
                    let number = number_of(value);
                    let detail = "must be a whole number of units of its last decimal, or a date like 2026-11-21";
                    checks.require(number.is_some(), parameter, detail);
                    let bounds = filters.bounds.entry(name).or_default();
                    let bound = if end == "min" { &mut bounds.0 } else { &mut bounds.1 };
                    checks.require(bound.is_none(), parameter, "stands here twice");
                    *bound = number;
                }
                Some(_) => checks.require(false, parameter, "ends with .min, .max or its code"),
            }
        }
        checks.done()?;
        Ok(filters)
    }

    /// Adds them to those of the list.
    pub fn put(self, filter: &mut Filter) {
        filter.values.extend(self.values);
        filter.bounds.extend(self.bounds);
    }
}

/// As the index has it.
fn number_of(text: &str) -> Option<i64> {
    let number = text.parse().ok().filter(|number| (-MAX_AMOUNT..=MAX_AMOUNT).contains(number));
    number.or_else(|| date_number(text))
}

/// An object whose members are parameters of their own is how OpenAPI says that their names are not known here.
impl IntoParams for AttributeFilters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let name = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^attribute\.[a-z0-9]+([-_][a-z0-9]+)*(\.(min|max))?$"))
            // What stands around a code of 40 characters.
            .max_length(Some("attribute..min".len() + 40))
            .build();
        let value = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(TEXT_NOT_EMPTY))
            .min_length(Some(1))
            .max_length(Some(500))
            .build();
        let schema = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property_names(Some(Schema::Object(name)))
            .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::Object(value)))))
            .build();
        let description = "Parameters of the names `attribute.<code>`: a value that the product, or one of its variants, has; given \
             several times, one of these. `attribute.<code>.min` and `attribute.<code>.max` are bounds of a number or a date, both \
             included. An attribute that is not filterable finds nothing.";
        let parameter = ParameterBuilder::new()
            .name("attributes")
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(Schema::Object(schema)))
            .style(Some(ParameterStyle::Form))
            .explode(Some(true))
            .example(Some(serde_json::json!({ "attribute.roast": "dark" })))
            .build();
        vec![parameter]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<AttributeFilters, Problem> {
        AttributeFilters::read(&pairs(&query.split('&').collect::<Vec<_>>())?)
    }

    #[test]
    fn parameters_become_filters() {
        let filters = read(
            "attribute.roast=dark&attribute.roast=light&attribute.caffeine.min=-10&attribute.caffeine.max=125&attribute.harvest.min=2026-02-28&attribute.note=a+%26%20b",
        )
        .unwrap();
        assert_eq!(filters.values["attribute.roast"], ["dark", "light"]);
        assert_eq!(filters.values["attribute.note"], ["a & b"]);
        assert_eq!(filters.bounds["attribute.caffeine"], (Some(-10), Some(125)));
        assert_eq!(filters.bounds["attribute.harvest"], (Some(20_260_228), None));
        for wrong in [
            "attribute.=x",
            "attribute.Roast=x",
            "attribute.roast=",
            "attribute.roast.least=1",
            "attribute.roast.min=much",
            "attribute.roast.min=1.5",
            "attribute.harvest.min=2026-02-30",
            "attribute.roast.min=1&attribute.roast.min=2",
            "attribute.roast=%00",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read(&["attribute.a=1"; 50].join("&")).is_ok());
        assert!(read(&["attribute.a=1"; 51].join("&")).is_err());
    }
}
