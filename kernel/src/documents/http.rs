//! Documents over HTTP.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Error, Kind, Printed, Sheet, html, pdf};
use crate::Shop;
use crate::http::auth::{Caller, Staff, may};
use crate::http::extract::{Path, Query};
use crate::orders::{self, Details};
use crate::problem::{Kind as ProblemKind, Problem, ProblemSchema};

/// As what the document is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FormatParams {
    /// `html` or `pdf`; where it is left out, what `Accept` asks for, and HTML where that says nothing.
    #[param(pattern = "^(html|pdf)$")]
    format: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Html,
    Pdf,
}

impl FormatParams {
    fn format(&self, headers: &HeaderMap) -> Result<Format, Problem> {
        match self.format.as_deref() {
            Some("html") => Ok(Format::Html),
            Some("pdf") => Ok(Format::Pdf),
            Some(_) => Err(Problem::invalid_field("format", "must be html or pdf")),
            None => Ok(accepted(headers)),
        }
    }
}

/// The first of the two that `Accept` names. Browsers name HTML first, programs that want the file name one type.
fn accepted(headers: &HeaderMap) -> Format {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let named = accept.split(',').find_map(|range| match range.split(';').next().unwrap_or_default().trim() {
        "text/html" => Some(Format::Html),
        "application/pdf" => Some(Format::Pdf),
        _ => None,
    });
    named.unwrap_or(Format::Html)
}

/// The confirmation of an order of yours, as HTML or PDF
#[utoipa::path(get, path = "/v1/orders/{id}/confirmation", operation_id = "get_order_confirmation", tag = "documents",
    params(("id" = Uuid, Path), FormatParams), responses(
    (status = 200, description = "The document", content((String = "text/html"), (Vec<u8> = "application/pdf"))),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_order_confirmation(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(params): Query<FormatParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let details = orders::get(&shop, id, caller.customer_id()).await?;
    answer(&confirmation(&shop, &details), params.format(&headers)?).await
}

/// The invoice of an order of yours, as HTML or PDF
///
/// Issued at the first demand after the payment, and the same ever after. An order that was edited since gets a new one, and a credit note
/// over the former.
#[utoipa::path(get, path = "/v1/orders/{id}/invoice", operation_id = "get_order_invoice", tag = "documents",
    params(("id" = Uuid, Path), FormatParams), responses(
    (status = 200, description = "The document", content((String = "text/html"), (Vec<u8> = "application/pdf"))),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`: it is not paid", body = ProblemSchema)
))]
pub async fn get_order_invoice(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(params): Query<FormatParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = params.format(&headers)?;
    let details = orders::get(&shop, id, caller.customer_id()).await?;
    answer(&super::invoice(&shop, &details.order).await?, format).await
}

/// The confirmation of any order, as HTML or PDF
#[utoipa::path(get, path = "/v1/admin/orders/{id}/confirmation", operation_id = "admin_get_order_confirmation", tag = "documents", security(("bearer" = [])),
    params(("id" = Uuid, Path), FormatParams), responses(
    (status = 200, description = "The document", content((String = "text/html"), (Vec<u8> = "application/pdf"))),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn admin_get_order_confirmation(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    Query(params): Query<FormatParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let details = orders::get_any(&shop, id).await?;
    answer(&confirmation(&shop, &details), params.format(&headers)?).await
}

/// The invoice of any order, as HTML or PDF
///
/// Issued at the first demand after the payment, as for the shopper.
#[utoipa::path(get, path = "/v1/admin/orders/{id}/invoice", operation_id = "admin_get_order_invoice", tag = "documents", security(("bearer" = [])),
    params(("id" = Uuid, Path), FormatParams), responses(
    (status = 200, description = "The document", content((String = "text/html"), (Vec<u8> = "application/pdf"))),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`: it is not paid", body = ProblemSchema)
))]
pub async fn admin_get_order_invoice(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    Query(params): Query<FormatParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = params.format(&headers)?;
    let details = orders::get_any(&shop, id).await?;
    answer(&super::invoice(&shop, &details.order).await?, format).await
}

/// The credit note of a refund, as HTML or PDF
///
/// Issued at the first demand after the money went back, over what the order costs less for it. The order gets its invoice with it, where it
/// has none yet, or was changed since.
#[utoipa::path(get, path = "/v1/admin/orders/{id}/refunds/{refund_id}/credit-note", operation_id = "get_credit_note", tag = "documents", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("refund_id" = Uuid, Path), FormatParams), responses(
    (status = 200, description = "The document", content((String = "text/html"), (Vec<u8> = "application/pdf"))),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`: nothing was given back yet, or the order was never invoiced; `nothing-credited`: it was owed anyway, after an edit or a correction, and the invoice says so", body = ProblemSchema)
))]
pub async fn get_credit_note(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path((id, refund_id)): Path<(Uuid, Uuid)>,
    Query(params): Query<FormatParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = params.format(&headers)?;
    answer(&super::credit_note(&shop, id, refund_id).await?, format).await
}

fn confirmation(shop: &Shop, details: &Details) -> Sheet {
    Sheet::of_order(shop.config(), Kind::Confirmation, details, details.amounts.corrected)
}

async fn answer(sheet: &Sheet, format: Format) -> Result<Response, Problem> {
    let printed = Printed::of(sheet);
    if format == Format::Html {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, crate::html::POLICY),
        ];
        return Ok(with_vary((headers, html::page(&printed)).into_response()));
    }
    // File names are made of our own letters and digits.
    let name = format!("inline; filename=\"{}.pdf\"", printed.file_name);
    let name = HeaderValue::from_str(&name).map_err(Problem::internal)?;
    // Fonts are cut to what is used: some milliseconds that are not the others' to wait for.
    let file = tokio::task::spawn_blocking(move || pdf::file(&printed)).await.map_err(Problem::internal)??;
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/pdf")), (header::CONTENT_DISPOSITION, name)];
    Ok(with_vary((headers, file).into_response()))
}

fn with_vary(mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    response
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Order(error) => error.into(),
            Error::NotPaid(status) => Problem::new(ProblemKind::OrderState).with("order_status", status.name()),
            Error::NoRefund => Problem::not_found(),
            Error::NotRefunded(status) => Problem::new(ProblemKind::OrderState).with("refund_status", status.name()),
            Error::NothingCredited => Problem::new(ProblemKind::NothingCredited),
            Error::Drawing(_) => Problem::internal(error),
            Error::Database(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_format_that_is_named_is_taken() {
        for (accept, expected) in [
            ("", Format::Html),
            ("*/*", Format::Html),
            ("application/pdf", Format::Pdf),
            ("application/pdf;q=0.9, text/html", Format::Pdf),
            ("text/html,application/xhtml+xml,application/pdf;q=0.9", Format::Html),
            ("application/json", Format::Html),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepted(&headers), expected, "{accept}");
        }
    }
}
