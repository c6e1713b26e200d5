//! Collections for shoppers.

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{moved, shopper};
use crate::Shop;
use crate::catalog::{self, Collection, Found, Reading, Status};
use crate::clock::{Given, Moment};
use crate::http::caching::Tagged;
use crate::http::extract::{Path, Query};
use crate::http::locale::{LocaleParams, mark};
use crate::http::paging::{Page, PageParams};
use crate::problem::{Problem, ProblemSchema};

/// A collection. Its products: `GET /v1/products?collection=`.
#[derive(Debug, Serialize, ToSchema)]
pub struct CollectionOut {
    id: Uuid,
    #[schema(example = "summer")]
    slug: String,
    #[schema(example = "Summer")]
    title: String,
    /// Plain text: escape it before it becomes part of a page.
    description: String,
    /// For search engines; never empty.
    seo_title: String,
    seo_description: String,
}

/// Which collections, in which language.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CollectionsParams {
    /// BCP 47 tag; without it, `Accept-Language` decides.
    #[param(min_length = 1, max_length = 35, pattern = "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$", example = "de-AT")]
    locale: Option<String>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Active collections, newest first
#[utoipa::path(
    get, path = "/v1/collections", tag = "catalog", params(CollectionsParams),
    responses(
        (status = 200, description = "A page; it bears an ETag and `Content-Language`", body = Page<CollectionOut>),
        (status = 304, description = "The page that `If-None-Match` names is still right")
    )
)]
pub async fn list_collections(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Query(params): Query<CollectionsParams>,
) -> Result<Response, Problem> {
    let reading = Reading::of(&shop, &LocaleParams { locale: params.locale }.wanted(&headers)?);
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let after = page.key::<(Given, Uuid)>()?.map(|(at, id)| (Moment::from(at), id));
    let place = after.map(|(at, id)| format!("{} {id}", at.timestamp_micros())).unwrap_or_default();
    let key = format!("catalog:collections\n{limit}\n{place}\n{}", reading.tag(&shop));
    let mut response = match shop.cache().get(&key) {
        Some(bytes) => Tagged::new(bytes).answer(&headers),
        None => {
            let found = catalog::list_collections(&shop, Status::Active, after, limit + 1, &reading).await?;
            let page = Page::new(found, limit, |found| (found.created_at, found.id), CollectionOut::from);
            shopper::answer(&shop, &key, &page, &headers)?
        }
    };
    mark(response.headers_mut(), reading.tag(&shop));
    Ok(response)
}

/// One active collection, by its id or slug
#[utoipa::path(
    get, path = "/v1/collections/{collection}", tag = "catalog",
    params(("collection" = String, Path, description = "Id or slug", example = "summer"), LocaleParams),
    responses(
        (status = 200, description = "The collection; it bears an ETag and `Content-Language`", body = CollectionOut),
        (status = 301, description = "It has another slug now: `Location` has its address"),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn get_collection(
    State(shop): State<Shop>,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
    Path(collection): Path<String>,
    Query(params): Query<LocaleParams>,
) -> Result<Response, Problem> {
    let reading = Reading::of(&shop, &params.wanted(&headers)?);
    let key = format!("catalog:collection\n{}\n{collection}", reading.tag(&shop));
    let mut response = match shop.cache().get(&key) {
        Some(bytes) => Tagged::new(bytes).answer(&headers),
        None => match catalog::find_collection(&shop, &collection, &reading).await? {
            None => return Err(Problem::not_found()),
            Some(Found::Moved(slug)) => return moved(&format!("/v1/collections/{slug}"), &uri),
            Some(Found::Here(found)) => shopper::answer(&shop, &key, &CollectionOut::from(*found), &headers)?,
        },
    };
    mark(response.headers_mut(), reading.tag(&shop));
    Ok(response)
}

impl From<Collection> for CollectionOut {
    fn from(found: Collection) -> Self {
        let seo_title = if found.seo_title.is_empty() { found.title.clone() } else { found.seo_title };
        Self {
            id: found.id,
            slug: found.slug,
            title: found.title,
            description: found.description,
            seo_title,
            seo_description: found.seo_description,
        }
    }
}
