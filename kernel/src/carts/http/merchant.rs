//! Carts for staff.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::price::{DeliveryStepOut, PriceOut};
use super::view::{DeliveryOptionOut, delivery_out};
use crate::Shop;
use crate::carts::{self, DeliveryExplained, DeliveryRefusal};
use crate::http::auth::{Staff, may};
use crate::http::extract::Path;
use crate::money::Currency;
use crate::problem::{Problem, ProblemSchema};

/// The ways to deliver a cart or a draft, and why there are no others.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedOptionsOut {
    options: Vec<DeliveryOptionOut>,
    refusals: Vec<DeliveryRefusalOut>,
    /// Who was asked, in that order; `fallback` at the end, where the static rates of the settings stood in for one that failed.
    asked: Vec<DeliveryStepOut>,
}

/// Why a way to deliver is not offered, or may be wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryRefusalOut {
    /// Who says so; null: the shop itself.
    #[schema(example = "delivery-rates")]
    pub plugin: Option<String>,
    /// Of a plugin: the option, `zone` of delivery-rates where nothing goes to that country or postcode, or the code of a fault. Of the shop:
    /// `empty`, `address`, `no-plugin`, `stock`, `weight-unknown`.
    #[schema(example = "express")]
    pub code: String,
    #[schema(example = "heavier than 20 kg")]
    pub reason: String,
}

impl ExplainedOptionsOut {
    pub fn of(currency: Currency, explained: DeliveryExplained) -> Self {
        Self {
            options: explained.options.into_iter().map(|option| delivery_out(currency, option)).collect(),
            refusals: explained.refusals.into_iter().map(DeliveryRefusalOut::from).collect(),
            asked: explained.asked.into_iter().map(|told| DeliveryStepOut::of(currency, told)).collect(),
        }
    }
}

impl From<DeliveryRefusal> for DeliveryRefusalOut {
    fn from(refusal: DeliveryRefusal) -> Self {
        Self { plugin: refusal.plugin, code: refusal.code, reason: refusal.reason }
    }
}

/// Why a cart can be delivered in these ways, and in no others
///
/// What each plugin refuses (too heavy, another country), and what the shop sees amiss: no address, less in stock than is wanted, variants
/// without a weight. For answering a shopper who asks why an option is missing.
#[utoipa::path(get, path = "/v1/admin/carts/{id}/delivery-options", tag = "carts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = ExplainedOptionsOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn explain_delivery_options(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<ExplainedOptionsOut>, Problem> {
    let contents = carts::get_any(&shop, id).await?;
    let explained = carts::explain(&shop, &contents).await?;
    Ok(Answer(ExplainedOptionsOut::of(contents.cart.currency, explained)))
}

/// Why a cart costs what it costs
///
/// It is priced now, and every plugin that is asked is told: what it added, what it wrote, what the call cost; then who was asked for the
/// delivery. A plugin that fails is told with its fault, and there is no total.
#[utoipa::path(get, path = "/v1/admin/carts/{id}/price", tag = "carts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = PriceOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn explain_cart_price(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<PriceOut>, Problem> {
    let contents = carts::get_any(&shop, id).await?;
    Ok(Answer(PriceOut::of(carts::explain_price(&shop, &contents).await?)))
}
