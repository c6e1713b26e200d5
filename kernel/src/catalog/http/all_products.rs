//! The merchant's list of products.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::check_code;
use crate::Shop;
use crate::catalog::{self, AllFilter, AllSort, Entry, Status};
use crate::clock::{Given, Moment};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::Problem;

const MAX_SEARCH_CHARS: usize = 200;

/// Which products, and in which order; what is left out does not matter.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AllProductsParams {
    /// Beginnings of words of the title, of SKUs, barcodes, the vendor and tags: all of them are found.
    #[param(max_length = 200, example = "tea-sen")]
    q: Option<String>,
    status: Option<Status>,
    /// Id of the category that they are in, without those below it.
    category: Option<Uuid>,
    /// Code of the product type.
    #[param(max_length = 40, example = "coffee", pattern = "^[a-z0-9]+([_-][a-z0-9]+)*$")]
    product_type: Option<String>,
    /// `newest` where none is given.
    #[param(inline)]
    sort: Option<AllSort>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// A product in the merchant's list.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminProductSummaryOut {
    id: Uuid,
    #[schema(example = "earl-grey")]
    slug: String,
    #[schema(example = "Earl Grey")]
    title: String,
    vendor: String,
    status: Status,
    category_id: Option<Uuid>,
    product_type: Option<String>,
    version: i64,
    /// How many it has.
    #[schema(example = 2)]
    variants: i64,
    /// Pieces of all variants that can be sold now, at all locations.
    #[schema(example = 50)]
    available: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

impl From<Entry> for AdminProductSummaryOut {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            slug: entry.slug,
            title: entry.title,
            vendor: entry.vendor,
            status: entry.status,
            category_id: entry.category_id,
            product_type: entry.type_code,
            version: entry.version,
            variants: entry.variants,
            available: entry.available,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        }
    }
}

/// All products, whatever their status
#[utoipa::path(
    get, path = "/v1/admin/products", tag = "catalog", params(AllProductsParams), security(("bearer" = [])),
    responses(
        (status = 200, body = Page<AdminProductSummaryOut>)
    )
)]
pub async fn list_all_products(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Query(params): Query<AllProductsParams>,
) -> Result<Answer<Page<AdminProductSummaryOut>>, Problem> {
    let mut checks = Checks::default();
    let q = params.q.as_deref().map(str::trim).unwrap_or_default();
    checks.text(q, 0, MAX_SEARCH_CHARS, "q");
    if let Some(code) = &params.product_type {
        check_code(&mut checks, "product_type", code);
    }
    checks.done()?;
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let (limit, sort) = (page.limit()?, params.sort.unwrap_or_default());
    let after = match page.key()? {
        Some((of, moment, id)) if of == sort => Some((moment.into(), id)),
        Some::<(AllSort, Given, Uuid)>(_) => {
            return Err(Problem::invalid_field("cursor", "is of a list in another order"));
        }
        None => None,
    };
    let mut filter = AllFilter {
        status: params.status,
        category_id: params.category,
        type_code: params.product_type,
        labels: Vec::new(),
    };
    // Signs only: they name nothing, and everything would be the wrong answer.
    let entries = if q.is_empty() || filter.search(q) {
        catalog::list_all(&shop, &filter, sort, after, limit).await?
    } else {
        Vec::new()
    };
    let key = |entry: &Entry| (sort, entry.updated_at, entry.id);
    Ok(Answer(Page::new(entries, limit, key, AdminProductSummaryOut::from)))
}
