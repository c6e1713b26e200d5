//! The catalog as a file, for the merchant.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::header;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Format;
use crate::Shop;
use crate::http::auth::{Staff, may};
use crate::http::extract::Query;
use crate::import::http::FileFormat;
use crate::problem::Problem;

/// What the file is to be.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportParams {
    #[param(inline)]
    format: FileFormat,
}

/// The whole catalog as a file
///
/// It is written while it is sent: one that breaks off is not whole. Importing it again changes nothing.
#[utoipa::path(
    get, path = "/v1/admin/export", tag = "import", security(("bearer" = [])), params(ExportParams),
    responses((status = 200, description = "The file", content(
        (String = "application/jsonl", example = json!(crate::import::http::JSON_LINES)),
        (String = "text/csv", example = json!(crate::import::http::SHOPIFY_CSV))
    )))
)]
pub async fn export_catalog(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Query(params): Query<ExportParams>,
) -> Result<Response, Problem> {
    let (format, media_type, name) = match params.format {
        FileFormat::JsonLines => (Format::JsonLines, "application/jsonl", "catalog.jsonl"),
        FileFormat::ShopifyCsv => (Format::ShopifyCsv, "text/csv; charset=utf-8", "catalog.csv"),
    };
    let parts =
        super::file(shop, format).map(|part| part.inspect_err(|error| tracing::error!(%error, "an export breaks off")));
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}
