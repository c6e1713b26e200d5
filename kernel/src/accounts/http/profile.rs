//! Who I am.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::check_profile;
use crate::Shop;
use crate::accounts::{self, Customer, ProfileChange, Role};
use crate::clock::Moment;
use crate::http::auth::SignedIn;
use crate::http::extract::{Checks, Json};
use crate::problem::Problem;

const MAX_PHONE_CHARS: usize = 40;

/// What to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MePatch {
    #[schema(example = "Ada Lovelace", max_length = 200)]
    name: Option<String>,
    /// Empty takes it away.
    #[schema(example = "+44 20 7946 0000", max_length = 40)]
    phone: Option<String>,
    /// BCP 47 tag of the language of mails.
    #[schema(example = "en", max_length = 35)]
    locale: Option<String>,
}

impl MePatch {
    fn check(self) -> Result<ProfileChange, Problem> {
        let mut checks = Checks::default();
        check_profile(&mut checks, self.name.as_deref(), self.locale.as_deref());
        if let Some(phone) = &self.phone {
            checks.line(phone, 0, MAX_PHONE_CHARS, "/phone");
        }
        checks.done()?;
        let trimmed = |text: String| text.trim().to_owned();
        Ok(ProfileChange { name: self.name.map(trimmed), phone: self.phone.map(trimmed), locale: self.locale })
    }
}

/// What someone may do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoleName {
    Customer,
    Staff,
    Owner,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Customer => Self::Customer,
            Role::Staff => Self::Staff,
            Role::Owner => Self::Owner,
        }
    }
}

/// Someone with an account.
#[derive(Serialize, ToSchema)]
pub struct CustomerBody {
    id: Uuid,
    #[schema(example = "ada@example.org")]
    email: String,
    /// Whether its owner proved it.
    email_confirmed: bool,
    /// Empty where none was given.
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// Empty where none was given.
    #[schema(example = "+44 20 7946 0000")]
    phone: String,
    #[schema(example = "en")]
    locale: String,
    role: RoleName,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
}

impl From<Customer> for CustomerBody {
    fn from(customer: Customer) -> Self {
        let role = customer.role.into();
        let Customer { id, email, email_confirmed_at, name, phone, locale, created_at, .. } = customer;
        Self { id, email, email_confirmed: email_confirmed_at.is_some(), name, phone, locale, role, created_at }
    }
}

/// Who I am
#[utoipa::path(get, path = "/v1/me", tag = "accounts", security(("bearer" = [])), responses(
    (status = 200, body = CustomerBody)
))]
pub async fn get_me(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
) -> Result<axum::Json<CustomerBody>, Problem> {
    let customer = accounts::find_customer(&shop, identity.customer_id).await?;
    Ok(axum::Json(customer.ok_or_else(Problem::not_found)?.into()))
}

/// Change my name, telephone number or language
#[utoipa::path(patch, path = "/v1/me", tag = "accounts", security(("bearer" = [])), request_body = MePatch, responses(
    (status = 200, body = CustomerBody)
))]
pub async fn patch_me(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Json(body): Json<MePatch>,
) -> Result<axum::Json<CustomerBody>, Problem> {
    let customer = accounts::change_profile(&shop, identity.customer_id, body.check()?).await?;
    Ok(axum::Json(customer.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::wrong;
    use super::*;

    #[test]
    fn changes_are_checked() {
        assert_eq!(wrong(&json!({ "email": "eve@example.org" }), MePatch::check), ["/email"]);
        assert_eq!(wrong(&json!({ "phone": "1".repeat(41) }), MePatch::check), ["/phone"]);
        assert_eq!(wrong(&json!({ "locale": "english" }), MePatch::check), ["/locale"]);
    }
}
