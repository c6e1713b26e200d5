//! Orders for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::cancel_to_end;
use super::view::{OrderOut, order_out};
use crate::Shop;
use crate::audit::redacted_settings;
use crate::carts::http::PriceOut;
use crate::fulfilment;
use crate::http::auth::{Staff, may};
use crate::http::extract::Path;
use crate::orders::receipts::{self, Receipt};
use crate::orders::{self, Reason};
use crate::plugins::registry::http::LogLineOut;
use crate::problem::{Problem, ProblemSchema};

/// A recorded call of a plugin.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptOut {
    #[schema(value_type = String, example = "pricing")]
    domain: &'static str,
    /// `fallback`: the static rates of the settings stood in for delivery plugins that failed.
    #[schema(example = "pricing-standard")]
    plugin: String,
    #[schema(example = "0.1.0")]
    version: String,
    /// Of the component; empty for `fallback`.
    digest: String,
    /// Of the binding that it stood in; 0 for `fallback`.
    #[schema(example = 4)]
    generation: i64,
    /// Without their texts, of which any may be a secret: `GET /v1/admin/bindings/{domain}` has them.
    settings: serde_json::Value,
    /// The request as it was priced.
    input: serde_json::Value,
    /// SHA-256 of the recorded text.
    input_sha256: String,
    output: serde_json::Value,
    /// Deterministic cost of the call.
    #[schema(example = 48_210)]
    fuel: i64,
    /// Null where it was not recorded.
    #[schema(example = 327_680)]
    memory_bytes: Option<i64>,
    /// Microseconds that it took.
    #[schema(example = 14)]
    elapsed_us: i64,
    /// What the plugin wrote meanwhile, the first line first.
    log: Vec<LogLineOut>,
    /// Lines beyond the limits of a call.
    #[schema(example = 0)]
    dropped_log_lines: i64,
}

impl From<Receipt> for ReceiptOut {
    fn from(receipt: Receipt) -> Self {
        let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
        Self {
            domain: receipt.domain.name(),
            settings: redacted_settings(json(&receipt.settings)),
            input: json(&receipt.input),
            output: json(&receipt.output),
            plugin: receipt.plugin,
            version: receipt.version,
            digest: receipt.digest,
            generation: receipt.generation,
            input_sha256: receipt.input_sha256,
            fuel: receipt.fuel,
            memory_bytes: (receipt.memory_bytes > 0).then_some(receipt.memory_bytes),
            elapsed_us: receipt.elapsed_us,
            log: receipt.log.into_iter().map(LogLineOut::from).collect(),
            dropped_log_lines: receipt.dropped_log_lines,
        }
    }
}

/// Any order
#[utoipa::path(get, path = "/v1/admin/orders/{id}", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn admin_get_order(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<OrderOut>, Problem> {
    Ok(Answer(order_out(orders::get_any(&shop, id).await?)))
}

/// What the plugins were asked for the price of an order
///
/// The pricing plugins in the order of their chain, each with what those before it have added as `so_far`; then who was asked for the
/// delivery: who refused a way to deliver says why. Every amount of the order can be derived again from it (`kassa order verify`).
#[utoipa::path(get, path = "/v1/admin/orders/{id}/receipt", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = [ReceiptOut]),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn admin_get_receipt(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<ReceiptOut>>, Problem> {
    let receipts = receipts::list(&shop, id).await?;
    Ok(Answer(receipts.into_iter().map(ReceiptOut::from).collect()))
}

/// Why an order costs what it costs
///
/// As of a cart, from what was recorded when it was priced: as it is now, after all edits. Corrections by hand are no part of the price; the
/// ledger has them.
#[utoipa::path(get, path = "/v1/admin/orders/{id}/price", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = PriceOut),
    (status = 404, description = "`not-found`: there is no such order, or no receipt of its price that can be read", body = ProblemSchema)
))]
pub async fn explain_order_price(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<PriceOut>, Problem> {
    Ok(Answer(PriceOut::of(receipts::explain_price(&shop, id).await?)))
}

/// Sends everything that has not left
///
/// The shorthand of shops that send an order at once: it makes a shipment of all pieces that are in none, and dispatches it with those that
/// wait. What is to be collected is made ready instead, and the order stays `paid` until it is collected.
#[utoipa::path(post, path = "/v1/admin/orders/{id}/ship", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`; `pieces-exceeded`: nothing is left; `shipment-state`: a carrier is being asked; `insufficient-stock` where it still waits for goods", body = ProblemSchema)
))]
pub async fn ship_order(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<OrderOut>, Problem> {
    orders::get_any(&shop, id).await?;
    fulfilment::ship_all(&shop, id).await?;
    Ok(Answer(order_out(orders::get_any(&shop, id).await?)))
}

/// Everything that is on its way has arrived
///
/// The shorthand for all shipments that are in transit or ready to be collected.
#[utoipa::path(post, path = "/v1/admin/orders/{id}/deliver", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`: nothing is on its way; `insufficient-stock`", body = ProblemSchema)
))]
pub async fn deliver_order(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<OrderOut>, Problem> {
    orders::get_any(&shop, id).await?;
    fulfilment::deliver_all(&shop, id).await?;
    Ok(Answer(order_out(orders::get_any(&shop, id).await?)))
}

/// Calls any order off, before shipping begins
///
/// Cancel what is booked first: `shipping_begun` of `order-state` tells that something is. Shipments that are only planned are cancelled with it.
#[utoipa::path(post, path = "/v1/admin/orders/{id}/cancel", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`", body = ProblemSchema)
))]
pub async fn admin_cancel_order(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<OrderOut>, Problem> {
    let details = orders::get_any(&shop, id).await?;
    cancel_to_end(&shop, details, Reason::Merchant).await
}
