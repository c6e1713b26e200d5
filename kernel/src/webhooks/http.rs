//! Webhooks over HTTP.

mod messages;
mod subscriptions;

pub use messages::*;
pub use subscriptions::*;

use super::WebhookError;
use crate::accounts::{Permission, Permissions};
use crate::problem::{Kind, Problem};

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let detail = error.to_string();
        match error {
            WebhookError::NotFound => Problem::not_found(),
            WebhookError::TooMany { .. } => Problem::new(Kind::TooManyWebhooks).detail(detail),
            WebhookError::Disabled => Problem::new(Kind::WebhookDisabled),
            WebhookError::Database(error) => error.into(),
        }
    }
}

/// What is told is personal: who sends it somewhere must be one who may see it.
fn require_customers(permissions: Permissions) -> Result<(), Problem> {
    if permissions.has(Permission::Customers) {
        return Ok(());
    }
    Err(Problem::new(Kind::Forbidden).with("permission", Permission::Customers))
}
