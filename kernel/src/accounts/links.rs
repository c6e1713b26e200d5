//! The links in letters: each holds a token that is good once, for one purpose, for a while.

use chrono::TimeDelta;
use uuid::Uuid;

use super::sessions::token_hash;
use super::store::{self, links as rows};
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::{Shop, id};

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    ConfirmEmail,
    ResetPassword,
    ChangeEmailOld,
    ChangeEmailNew,
}

impl Purpose {
    pub fn name(self) -> &'static str {
        match self {
            Self::ConfirmEmail => "confirm-email",
            Self::ResetPassword => "reset-password",
            Self::ChangeEmailOld => "change-email-old",
            Self::ChangeEmailNew => "change-email-new",
        }
    }
}

/// A new link. The token is in the letter and nowhere else; the database has its hash.
pub(super) struct Link {
    purpose: Purpose,
    token: String,
    made_at: Moment,
    valid_minutes: u64,
}

/// Whom a used link was for.
pub(super) struct Used {
    pub customer_id: Uuid,
    /// The address that it was sent to; of an e-mail change, the new one.
    pub email: String,
    pub purpose: Purpose,
}

impl Link {
    pub fn new(shop: &Shop, purpose: Purpose) -> Self {
        let config = &shop.config().accounts;
        let valid_minutes = match purpose {
            Purpose::ResetPassword => config.reset_link_minutes,
            Purpose::ConfirmEmail | Purpose::ChangeEmailOld | Purpose::ChangeEmailNew => config.confirm_link_minutes,
        };
        Self { purpose, token: id::secret(), made_at: clock::now(), valid_minutes }
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn valid_minutes(&self) -> u64 {
        self.valid_minutes
    }

    /// The page of the storefront that sends the token back; empty where the shop has no storefront, and the letter shows the token.
    pub fn url(&self, shop: &Shop) -> String {
        let config = &shop.config().accounts;
        let base = shop.config().shop.storefront_url.trim_end_matches('/');
        let path = match self.purpose {
            Purpose::ConfirmEmail => &config.confirm_email_path,
            Purpose::ResetPassword => &config.reset_password_path,
            Purpose::ChangeEmailOld | Purpose::ChangeEmailNew => &config.change_email_path,
        };
        // Behind a #, so that neither the storefront's server nor whoever is named in a Referer gets to see it.
        if base.is_empty() { String::new() } else { format!("{base}{path}#token={}", self.token) }
    }

    /// Makes the link good.
    pub async fn keep(&self, tx: &mut Tx, customer_id: Uuid, email: &str) -> db::Result<()> {
        let expires_at = self.made_at + TimeDelta::minutes(self.valid_minutes as i64);
        let hash = token_hash(&self.token);
        rows::insert(tx, &hash, self.purpose.name(), customer_id, email, self.made_at, expires_at).await
    }
}

/// Uses the token, once; none where it is wrong, for something else, used, or out of date. Holds the lock of the account, which comes before
/// its links: a new password deletes them in this order, and two who wait for each other would fail.
pub(super) async fn spend(tx: &mut Tx, token: &str, purposes: &[Purpose]) -> db::Result<Option<Used>> {
    let (hash, now) = (token_hash(token), clock::now());
    for purpose in purposes {
        let Some(customer_id) = rows::find_customer_of(tx, &hash, purpose.name(), now).await? else { continue };
        store::lock_customer(tx, customer_id, now).await?;
        let spent = rows::spend(tx, &hash, purpose.name(), now).await?;
        if let Some((customer_id, email)) = spent {
            return Ok(Some(Used { customer_id, email, purpose: *purpose }));
        }
    }
    Ok(None)
}
