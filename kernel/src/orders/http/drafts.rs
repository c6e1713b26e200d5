//! Drafts, for staff.

mod body;
mod view;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::{OrderOut, order_out};
use crate::Shop;
use crate::carts::http::{ExplainedOptionsOut, PriceOut};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::http::versions::{expected_version, version_tag};
use crate::money::{Amount, MAX_AMOUNT};
use crate::orders::by_hand::ByHand;
use crate::orders::drafts::{self, Shown, Wishes};
use crate::orders::{self, requests};
use crate::problem::{Problem, ProblemSchema};

use body::DraftIn;
pub use view::draft_out;
use view::{DraftOut, DraftSummaryOut, summary_out};

/// The draft becomes an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteIn {
    /// `price.total` of the draft: the order is made at no other.
    #[schema(value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    expected_total: Amount,
    /// Where it was paid already, and no payment plugin saw it; left out, it is to be paid.
    paid: Option<PaidIn>,
}

/// How it was paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaidIn {
    #[schema(example = "cash", min_length = 1, max_length = 64)]
    method: String,
    /// Number of a receipt or transfer.
    #[serde(default)]
    #[schema(example = "till 2, receipt 4711", max_length = 200)]
    reference: String,
}

/// The draft becomes an order, and its shopper is asked to pay it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "expected_total": 1870 }))]
pub struct SendIn {
    /// `price.total` of the draft: the order is made at no other.
    #[schema(value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    expected_total: Amount,
}

/// Makes a draft: an order in the making, for a shopper on the telephone or at the counter
#[utoipa::path(post, path = "/v1/admin/drafts", operation_id = "create_draft", tag = "drafts", security(("bearer" = [])), request_body = DraftIn, responses(
    (status = 201, description = "The draft, with its ETag", body = DraftOut),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn create_draft(
    State(shop): State<Shop>,
    staff: Staff<may::Orders>,
    Json(body): Json<DraftIn>,
) -> Result<Response, Problem> {
    body.check()?;
    let currency = shop.config().shop.find_currency(body.currency.as_deref());
    let currency = currency.ok_or_else(|| Problem::invalid_field("/currency", "the shop does not sell in it"))?;
    let (locale, currency) = (shop.config().shop.locale.clone(), currency.code().to_owned());
    let mut wishes = Wishes { locale, currency, ..Wishes::default() };
    body.into_patch(&shop).await?.apply(&mut wishes);
    let shown = drafts::create(&shop, wishes, &staff.actor.to_string()).await?;
    let location = format!("/v1/admin/drafts/{}", shown.draft.id);
    let location = HeaderValue::from_str(&location).map_err(Problem::internal)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], tagged(shown)).into_response())
}

/// Drafts, the newest first
#[utoipa::path(get, path = "/v1/admin/drafts", operation_id = "list_drafts", tag = "drafts", security(("bearer" = [])), params(PageParams), responses(
    (status = 200, body = Page<DraftSummaryOut>)
))]
pub async fn list_drafts(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Query(page): Query<PageParams>,
) -> Result<Answer<Page<DraftSummaryOut>>, Problem> {
    let limit = page.limit()?;
    let drafts = drafts::list(&shop, page.key()?, limit).await?;
    Ok(Answer(Page::new(drafts, limit, |draft| (draft.created_at, draft.id), summary_out)))
}

/// A draft, priced now
#[utoipa::path(get, path = "/v1/admin/drafts/{id}", operation_id = "get_draft", tag = "drafts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The draft, with its ETag", body = DraftOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn get_draft(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok(tagged(drafts::get(&shop, id).await?).into_response())
}

/// Changes a draft; lines are given all together
#[utoipa::path(patch, path = "/v1/admin/drafts/{id}", operation_id = "patch_draft", tag = "drafts", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: change only this version")), request_body = DraftIn, responses(
    (status = 200, description = "The draft, with its new ETag", body = DraftOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`cart-closed`: it became an order", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`; `unavailable`: somebody else changed it at the same time", body = ProblemSchema)
))]
pub async fn patch_draft(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Json(body): Json<DraftIn>,
) -> Result<Response, Problem> {
    let version = expected_version(&headers)?;
    body.check()?;
    if body.currency.is_some() {
        return Err(Problem::invalid_field("/currency", "is said when the draft is made, and stays"));
    }
    let patch = body.into_patch(&shop).await?;
    Ok(tagged(drafts::change(&shop, id, version, |wishes| patch.apply(wishes)).await?).into_response())
}

/// Throws a draft away
#[utoipa::path(delete, path = "/v1/admin/drafts/{id}", operation_id = "delete_draft", tag = "drafts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`cart-closed`: it became an order", body = ProblemSchema)
))]
pub async fn delete_draft(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    drafts::delete(&shop, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why a draft can be delivered in these ways, and in no others
///
/// As of a cart: what each plugin refuses, and what the shop sees amiss. There are none before there is an address.
#[utoipa::path(get, path = "/v1/admin/drafts/{id}/delivery-options", operation_id = "list_draft_delivery_options", tag = "drafts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = ExplainedOptionsOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`price-missing`: something has no price in its currency, and staff gave none", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn list_draft_delivery_options(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<ExplainedOptionsOut>, Problem> {
    let (currency, explained) = drafts::delivery_options(&shop, id).await?;
    Ok(Answer(ExplainedOptionsOut::of(currency, explained)))
}

/// Why a draft costs what it costs
///
/// As of a cart, and at any time: also while something is missing, and once it became an order, at what it would cost now.
#[utoipa::path(get, path = "/v1/admin/drafts/{id}/price", tag = "drafts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = PriceOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`price-missing`: something has no price in its currency, and staff gave none", body = ProblemSchema)
))]
pub async fn explain_draft_price(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<PriceOut>, Problem> {
    Ok(Answer(PriceOut::of(drafts::explain_price(&shop, id).await?)))
}

/// Makes the order: paid by hand, or to be paid
///
/// The goods are reserved, at the total that the draft showed. Paid by hand, the ledger says how; else
/// the order waits for `POST /v1/orders/{id}/payments`.
#[utoipa::path(post, path = "/v1/admin/drafts/{id}/complete", operation_id = "complete_draft", tag = "drafts", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = CompleteIn, responses(
    (status = 201, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`stale-quote`, `cart-incomplete`, `cart-closed`, `insufficient-stock`, `price-missing`, `delivery-option-unavailable`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`; `unavailable`: somebody else changed it at the same time", body = ProblemSchema)
))]
pub async fn complete_draft(
    State(shop): State<Shop>,
    staff: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    Json(body): Json<CompleteIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    checks.require((0..=MAX_AMOUNT).contains(&body.expected_total), "/expected_total", "must be 0 to 2^53 - 1");
    if let Some(paid) = &body.paid {
        checks.text(&paid.method, 1, 64, "/paid/method");
        checks.text(&paid.reference, 0, 200, "/paid/reference");
    }
    checks.done()?;
    let paid = body
        .paid
        .map(|paid| ByHand { method: paid.method.trim().to_owned(), reference: paid.reference.trim().to_owned() });
    made(drafts::complete(&shop, id, body.expected_total, paid, staff.actor.to_string()).await?)
}

/// Makes the order, and asks its shopper by letter to pay it
///
/// The letter goes to the draft's e-mail address, with a link to the page of the storefront where it is paid.
#[utoipa::path(post, path = "/v1/admin/drafts/{id}/send", operation_id = "send_draft", tag = "drafts", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = SendIn, responses(
    (status = 201, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`stale-quote`, `cart-incomplete`, `cart-closed`, `insufficient-stock`, `price-missing`, `delivery-option-unavailable`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`; `unavailable`: somebody else changed it at the same time", body = ProblemSchema)
))]
pub async fn send_draft(
    State(shop): State<Shop>,
    staff: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    Json(body): Json<SendIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    checks.require((0..=MAX_AMOUNT).contains(&body.expected_total), "/expected_total", "must be 0 to 2^53 - 1");
    checks.done()?;
    let details = drafts::complete(&shop, id, body.expected_total, None, staff.actor.to_string()).await?;
    // The order is made, whatever becomes of the letter: it can be sent again.
    if let Err(error) = requests::send(&shop, &details).await {
        tracing::warn!(order = details.order.number, %error, "the letter that asks to pay is not sent");
    }
    made(details)
}

/// Asks the shopper by letter to pay what an order owes
#[utoipa::path(post, path = "/v1/admin/orders/{id}/payment-request", operation_id = "request_payment", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 202, description = "A letter is on its way to the address of the order"),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`: there is nothing to pay", body = ProblemSchema)
))]
pub async fn request_payment(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let details = orders::get_any(&shop, id).await?;
    requests::send(&shop, &details).await?;
    Ok(StatusCode::ACCEPTED)
}

fn made(details: orders::Details) -> Result<Response, Problem> {
    let location = format!("/v1/admin/orders/{}", details.order.id);
    let location = HeaderValue::from_str(&location).map_err(Problem::internal)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Answer(order_out(details))).into_response())
}

fn tagged(shown: Shown) -> impl IntoResponse {
    ([(header::ETAG, version_tag(shown.draft.version))], Answer(draft_out(shown)))
}
