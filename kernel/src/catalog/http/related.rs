//! Products beside a product, for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{expected_version, version_tag};
use crate::Shop;
use crate::catalog::{self, RelatedProduct, Relation};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path};
use crate::problem::{Problem, ProblemSchema};

/// What belongs to a product, in the order in which it is shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "products": [{ "relation": "accessory", "id": "0198a1b2-4c3d-7e5f-8a9b-0c1d2e3f4a5b" }] }))]
pub struct RelatedIn {
    /// At most `catalog.max_related`.
    #[schema(max_items = 20)]
    products: Vec<RelatedProductIn>,
}

/// One product beside another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelatedProductIn {
    relation: Relation,
    id: Uuid,
}

/// What belongs to a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct RelatedOut {
    products: Vec<RelatedProductOut>,
}

/// One product beside another.
#[derive(Debug, Serialize, ToSchema)]
pub struct RelatedProductOut {
    #[schema(example = "accessory")]
    relation: Relation,
    id: Uuid,
    #[schema(example = "hand-grinder")]
    slug: String,
    #[schema(example = "Hand Grinder")]
    title: String,
    /// Shoppers see active ones only.
    active: bool,
}

/// What stands beside a product: related, accessories, upsells
#[utoipa::path(
    get, path = "/v1/admin/products/{id}/related", tag = "catalog", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "In order, with the ETag of the product", body = RelatedOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn get_related(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok(answer(catalog::get_related(&shop, id).await?))
}

/// Replace what stands beside a product
#[utoipa::path(
    put, path = "/v1/admin/products/{id}/related", tag = "catalog", request_body = RelatedIn, security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag of the product")),
    responses(
        (status = 200, description = "In order, with the new ETag of the product", body = RelatedOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn put_related(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(body): Json<RelatedIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let max = shop.config().catalog.max_related;
    checks.require(body.products.len() <= max as usize, "/products", &format!("must be at most {max}"));
    checks.done()?;
    let related: Vec<_> = body.products.into_iter().map(|product| (product.relation, product.id)).collect();
    Ok(answer(catalog::put_related(&shop, id, &related, expected_version(&headers)?).await?))
}

fn answer((related, version): (Vec<RelatedProduct>, i64)) -> Response {
    let body = RelatedOut { products: related.into_iter().map(RelatedProductOut::from).collect() };
    ([(header::ETAG, version_tag(version))], Answer(body)).into_response()
}

impl From<RelatedProduct> for RelatedProductOut {
    fn from(related: RelatedProduct) -> Self {
        let RelatedProduct { relation, id, slug, title, active } = related;
        Self { relation, id, slug, title, active }
    }
}
