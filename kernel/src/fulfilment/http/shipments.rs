//! Shipments for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::{AdminShipmentOut, ShipmentSummaryOut};
use crate::Shop;
use crate::clock::{self, Given, Moment};
use crate::fulfilment::{self, Error, NewShipment, Shipment, ShipmentPatch, ShippedLine, Status, Tracking};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query, present};
use crate::http::paging::{Page, PageParams};
use crate::orders;
use crate::problem::{Problem, ProblemSchema};

const MAX_LINES: usize = 1_000;
const NUMBER_CHARACTERS: usize = 100;
const URL_CHARACTERS: usize = 500;
const TEXT_CHARACTERS: usize = 500;

/// A shipment to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "lines": [{ "line": 0, "quantity": 1 }], "tracking_number": "JD014600006281230704" }))]
pub struct ShipmentIn {
    /// Pieces that go together; everything that is in no shipment, where it is left out.
    #[schema(min_items = 1, max_items = 1000)]
    lines: Option<Vec<ShipmentLineIn>>,
    /// Where the goods leave from; left out: from where they are set aside.
    location_id: Option<Uuid>,
    /// Order the carrier through the delivery plugin at once; `carrier` of the answer tells what became of it.
    #[serde(default)]
    book: bool,
    #[schema(max_length = 100)]
    #[serde(default)]
    tracking_number: String,
    /// Empty, or begins with `https://` or `http://`.
    #[schema(max_length = 500, pattern = "^(https?://[^\\u0000-\\u001F\\u007F-\\u009F]*)?$")]
    #[serde(default)]
    tracking_url: String,
}

/// Pieces of a line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipmentLineIn {
    /// Position of the line in `lines` of the order; the first is 0.
    #[schema(maximum = 10_000)]
    line: u32,
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: u32,
}

/// What is to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipmentPatchIn {
    #[schema(max_length = 100, example = "JD014600006281230704")]
    tracking_number: Option<String>,
    /// Empty, or begins with `https://` or `http://`.
    #[schema(max_length = 500, pattern = "^(https?://[^\\u0000-\\u001F\\u007F-\\u009F]*)?$")]
    tracking_url: Option<String>,
    /// Null: from where the goods are set aside. Only while they are here.
    #[schema(value_type = Option<Uuid>)]
    #[serde(default, deserialize_with = "present")]
    location_id: Option<Option<Uuid>>,
}

/// Something that happened to a shipment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackingEventIn {
    /// Where the shipment is by that. `note` moves nothing.
    status: TrackingStatusIn,
    /// Now, where it is left out; at most a day ahead.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Given>,
    #[schema(max_length = 500, example = "left with a neighbour")]
    #[serde(default)]
    text: String,
}

/// What staff can say of a shipment.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrackingStatusIn {
    InTransit,
    Delivered,
    Returned,
    Note,
}

/// Which shipments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShipmentParams {
    /// `pending`, `booked`, `ready_for_pickup`, `in_transit`, `delivered`, `returned` or `cancelled`.
    #[param(
        pattern = "^(pending|booked|ready_for_pickup|in_transit|delivered|returned|cancelled)$",
        example = "pending"
    )]
    status: Option<String>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Shipments of an order, in their order
#[utoipa::path(get, path = "/v1/admin/orders/{id}/shipments", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = [AdminShipmentOut]),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn list_order_shipments(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<AdminShipmentOut>>, Problem> {
    let details = orders::get_any(&shop, id).await?;
    Ok(Answer(details.shipments.into_iter().map(AdminShipmentOut::from).collect()))
}

/// Plans a shipment of a paid order
///
/// Never more than the order still wants: pieces in other shipments, and those that were refunded before they were in one, are taken off.
/// The goods stay on hand until it is dispatched or, of a pickup, collected. With `book` the carrier is ordered: where the plugin cannot
/// (`carrier.note` is `unsupported`), ship by hand; where it does not answer, it is asked again by itself.
#[utoipa::path(post, path = "/v1/admin/orders/{id}/shipments", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = ShipmentIn, responses(
    (status = 201, body = AdminShipmentOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`pieces-exceeded`; `order-state`: it is not paid, or has as many shipments as it may have; `shipment-state`: a pickup cannot be booked", body = ProblemSchema)
))]
pub async fn create_shipment(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    Json(body): Json<ShipmentIn>,
) -> Result<Response, Problem> {
    let new = body.checked()?;
    orders::get_any(&shop, id).await?;
    let work = {
        let shop = shop.clone();
        async move { fulfilment::create(&shop, id, new).await }
    };
    let made = shop.run_to_end(work).await.map_err(Problem::internal)??;
    let location = HeaderValue::from_str(&format!("/v1/admin/shipments/{}", made.id)).map_err(Problem::internal)?;
    let answer = Answer(AdminShipmentOut::from(made));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer).into_response())
}

/// Shipments of all orders, the newest first
#[utoipa::path(get, path = "/v1/admin/shipments", tag = "orders", security(("bearer" = [])), params(ShipmentParams), responses(
    (status = 200, body = Page<ShipmentSummaryOut>)
))]
pub async fn list_shipments(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Query(params): Query<ShipmentParams>,
) -> Result<Answer<Page<ShipmentSummaryOut>>, Problem> {
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let status = match params.status.as_deref().map(Status::parse) {
        Some(None) => return Err(Problem::invalid_field("status", "is no status of shipments")),
        known => known.flatten(),
    };
    let listed = fulfilment::list(&shop, status, page.key()?, limit).await?;
    Ok(Answer(Page::new(listed, limit, |shipment| shipment.id, ShipmentSummaryOut::from)))
}

/// A shipment
#[utoipa::path(get, path = "/v1/admin/shipments/{id}", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = AdminShipmentOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_shipment(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<AdminShipmentOut>, Problem> {
    Ok(Answer(fulfilment::get(&shop, id).await?.into()))
}

/// Changes what a shipment is followed by, and where it leaves from
#[utoipa::path(patch, path = "/v1/admin/shipments/{id}", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = ShipmentPatchIn, responses(
    (status = 200, body = AdminShipmentOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`shipment-state`: it is cancelled, or its goods have left", body = ProblemSchema)
))]
pub async fn patch_shipment(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    Json(body): Json<ShipmentPatchIn>,
) -> Result<Answer<AdminShipmentOut>, Problem> {
    let mut checks = Checks::default();
    check_tracking(&mut checks, body.tracking_number.as_deref(), body.tracking_url.as_deref());
    checks.done()?;
    let patch = ShipmentPatch {
        tracking_number: body.tracking_number.map(|number| number.trim().to_owned()),
        tracking_url: body.tracking_url.map(|url| url.trim().to_owned()),
        location_id: body.location_id,
    };
    Ok(Answer(fulfilment::patch(&shop, id, patch).await?.into()))
}

/// Orders the carrier
///
/// Through the delivery plugin that the shopper chose, under a key of its own: however often it is asked, one carriage is ordered.
#[utoipa::path(post, path = "/v1/admin/shipments/{id}/book", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = AdminShipmentOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`shipment-state`: it is not pending, is to be collected, or the carrier is being asked", body = ProblemSchema)
))]
pub async fn book_shipment(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<AdminShipmentOut>, Problem> {
    to_end(&shop, |shop| async move { fulfilment::book(&shop, id).await }).await
}

/// The goods leave with the carrier
///
/// They are no longer on hand. When all that the order wants has left, it is `shipped`.
#[utoipa::path(post, path = "/v1/admin/shipments/{id}/dispatch", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = AdminShipmentOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`shipment-state`; `insufficient-stock` where it still waits for goods, or they do not lie at its location", body = ProblemSchema)
))]
pub async fn dispatch_shipment(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<AdminShipmentOut>, Problem> {
    Ok(Answer(fulfilment::dispatch(&shop, id).await?.into()))
}

/// The goods can be collected
#[utoipa::path(post, path = "/v1/admin/shipments/{id}/ready", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = AdminShipmentOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`shipment-state`: it is brought by a carrier, or not pending; `pickup-unavailable`", body = ProblemSchema)
))]
pub async fn ready_shipment(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<AdminShipmentOut>, Problem> {
    Ok(Answer(fulfilment::ready(&shop, id).await?.into()))
}

/// The goods have arrived, or were collected
///
/// What is collected leaves the stock at that moment.
#[utoipa::path(post, path = "/v1/admin/shipments/{id}/deliver", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = AdminShipmentOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`shipment-state`; `insufficient-stock`", body = ProblemSchema)
))]
pub async fn deliver_shipment(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<AdminShipmentOut>, Problem> {
    Ok(Answer(fulfilment::deliver(&shop, id).await?.into()))
}

/// Calls a shipment off whose goods are here
///
/// Its pieces can go into another one. Where a carrier is booked, it is asked; where it refuses, the shipment stays booked.
#[utoipa::path(post, path = "/v1/admin/shipments/{id}/cancel", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = AdminShipmentOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`shipment-state`: the goods have left, or the carrier refuses (`reason`) or has not answered yet", body = ProblemSchema)
))]
pub async fn cancel_shipment(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<AdminShipmentOut>, Problem> {
    to_end(&shop, |shop| async move { fulfilment::cancel(&shop, id).await }).await
}

/// Writes down what happened to a shipment
///
/// Other than `note`, the shipment moves as if its carrier had told: `in_transit` and `delivered` dispatch what has not left.
#[utoipa::path(post, path = "/v1/admin/shipments/{id}/tracking-events", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = TrackingEventIn, responses(
    (status = 201, body = AdminShipmentOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`shipment-state`: it cannot go there, or its history is as long as it may be; `insufficient-stock`", body = ProblemSchema)
))]
pub async fn create_tracking_event(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    Json(body): Json<TrackingEventIn>,
) -> Result<(StatusCode, Answer<AdminShipmentOut>), Problem> {
    let mut checks = Checks::default();
    checks.text(&body.text, 0, TEXT_CHARACTERS, "/text");
    let at = body.at.map(Moment::from);
    let last = clock::now() + chrono::TimeDelta::days(1);
    checks.require(at.is_none_or(|at| at <= last), "/at", "must be at most a day ahead");
    checks.done()?;
    let status = match body.status {
        TrackingStatusIn::InTransit => Some(Status::InTransit),
        TrackingStatusIn::Delivered => Some(Status::Delivered),
        TrackingStatusIn::Returned => Some(Status::Returned),
        TrackingStatusIn::Note => None,
    };
    let shipment = fulfilment::add_event(&shop, id, status, at, body.text.trim().to_owned()).await?;
    Ok((StatusCode::CREATED, Answer(shipment.into())))
}

/// A client that leaves must not stop it between the carrier's answer and our note of it.
async fn to_end<F>(shop: &Shop, work: impl FnOnce(Shop) -> F) -> Result<Answer<AdminShipmentOut>, Problem>
where
    F: Future<Output = Result<Shipment, Error>> + Send + 'static,
{
    let shipment = shop.run_to_end(work(shop.clone())).await.map_err(Problem::internal)??;
    Ok(Answer(shipment.into()))
}

fn check_tracking(checks: &mut Checks, number: Option<&str>, url: Option<&str>) {
    if let Some(number) = number {
        checks.text(number, 0, NUMBER_CHARACTERS, "/tracking_number");
    }
    if let Some(url) = url {
        checks.text(url, 0, URL_CHARACTERS, "/tracking_url");
        let url = url.trim();
        let known = url.is_empty() || url.starts_with("https://") || url.starts_with("http://");
        checks.require(known, "/tracking_url", "must begin with https:// or http://");
    }
}

impl ShipmentIn {
    fn checked(self) -> Result<NewShipment, Problem> {
        let mut checks = Checks::default();
        check_tracking(&mut checks, Some(&self.tracking_number), Some(&self.tracking_url));
        if let Some(lines) = &self.lines {
            checks.require((1..=MAX_LINES).contains(&lines.len()), "/lines", "must be 1 to 1,000");
            for (index, line) in lines.iter().take(MAX_LINES).enumerate() {
                let range = (1..=1_000_000).contains(&line.quantity);
                checks.require(range, &format!("/lines/{index}/quantity"), "must be 1 to 1,000,000");
            }
            let mut named: Vec<_> = lines.iter().map(|line| line.line).collect();
            named.sort_unstable();
            checks.require(named.windows(2).all(|pair| pair[0] != pair[1]), "/lines", "must name each line once");
        }
        checks.done()?;
        let line = |line: ShipmentLineIn| ShippedLine { line: line.line, quantity: line.quantity };
        Ok(NewShipment {
            lines: self.lines.map(|lines| lines.into_iter().map(line).collect()),
            location_id: self.location_id,
            tracking: Tracking {
                number: self.tracking_number.trim().to_owned(),
                url: self.tracking_url.trim().to_owned(),
            },
            book: self.book,
        })
    }
}
