//! Carts for staff.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::{DeliveryOptionOut, delivery_out};
use crate::Shop;
use crate::carts::{self, DeliveryRefusal, Offered};
use crate::http::auth::{Staff, may};
use crate::http::extract::Path;
use crate::money::Currency;
use crate::problem::{Problem, ProblemSchema};

/// The ways to deliver a cart or a draft, and why there are no others.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedOptionsOut {
    options: Vec<DeliveryOptionOut>,
    refusals: Vec<DeliveryRefusalOut>,
}

/// Why a way to deliver is not offered, or may be wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryRefusalOut {
    /// Who says so; null: the shop itself.
    #[schema(example = "delivery-rates")]
    plugin: Option<String>,
    /// Of a plugin: the option, `zone` of delivery-rates where nothing goes to that country or postcode, or the code of a fault. Of the shop:
    /// `empty`, `address`, `no-plugin`, `stock`, `weight-unknown`.
    #[schema(example = "express")]
    code: String,
    #[schema(example = "heavier than 20 kg")]
    reason: String,
}

impl ExplainedOptionsOut {
    pub fn of(currency: Currency, explained: Offered) -> Self {
        Self {
            options: explained.options.into_iter().map(|option| delivery_out(currency, option)).collect(),
            refusals: explained.refusals.into_iter().map(DeliveryRefusalOut::from).collect(),
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
