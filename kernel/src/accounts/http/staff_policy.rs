//! What the owners ask of staff, over HTTP.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::accounts::{self, StaffPolicy};
use crate::clock::Moment;
use crate::http::auth::{InPerson, Staff, may};
use crate::http::extract::Json;
use crate::problem::{Problem, ProblemSchema};

/// What to ask of everybody who works for the shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffPolicyIn {
    /// Who has no second factor may do nothing under `/v1/admin` until they have one.
    #[schema(example = true)]
    second_factor_required: bool,
}

/// What is asked of everybody who works for the shop.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaffPolicyOut {
    /// In force, whoever asks it.
    #[schema(example = true)]
    second_factor_required: bool,
    /// `accounts.require_second_factor_of_staff` asks it, whatever the owners say.
    #[schema(example = false)]
    required_by_settings: bool,
    /// The owner who changed it last; null where none has.
    changed_by: Option<Uuid>,
    #[schema(value_type = Option<String>, format = DateTime)]
    changed_at: Option<Moment>,
}

/// What is asked of staff
#[utoipa::path(get, path = "/v1/admin/staff-policy", tag = "accounts", security(("bearer" = [])), responses(
    (status = 200, body = StaffPolicyOut)
))]
pub async fn get_staff_policy(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
) -> Result<Answer<StaffPolicyOut>, Problem> {
    Ok(Answer(policy_out(&shop, accounts::staff_policy(&shop).await?)))
}

/// Require a second factor of staff, or no longer
///
/// For owners. In force at everybody's next request, one's own too: set yours up first, or right after under `/v1/me/second-factor`.
#[utoipa::path(put, path = "/v1/admin/staff-policy", tag = "accounts", security(("bearer" = [])), request_body = StaffPolicyIn, responses(
    (status = 200, body = StaffPolicyOut),
    (status = 403, description = "`forbidden`: also to an API key, and to who is no owner", body = ProblemSchema)
))]
pub async fn put_staff_policy(
    State(shop): State<Shop>,
    owner: InPerson<may::Settings>,
    Json(body): Json<StaffPolicyIn>,
) -> Result<Answer<StaffPolicyOut>, Problem> {
    let policy = accounts::set_staff_policy(&shop, owner.identity.customer_id, body.second_factor_required).await?;
    Ok(Answer(policy_out(&shop, policy)))
}

fn policy_out(shop: &Shop, policy: StaffPolicy) -> StaffPolicyOut {
    let required_by_settings = shop.config().accounts.require_second_factor_of_staff;
    StaffPolicyOut {
        second_factor_required: policy.second_factor_required || required_by_settings,
        required_by_settings,
        changed_by: policy.changed_by,
        changed_at: policy.changed_at,
    }
}
