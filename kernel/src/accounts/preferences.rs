//! What people want to be told, and where; and what they have consented to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::store::preferences as rows;
use super::{Error, lock_living, recovery, store};
use crate::clock::{self, Moment};
use crate::db::{self, Conn, Tx};
use crate::{Shop, id};

/// The channels on which somebody wants messages of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    pub email: bool,
    pub sms: bool,
    pub push: bool,
    /// The inbox in the shop itself.
    pub inbox: bool,
}

/// For each kind of message, where somebody wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Preferences {
    /// How an order goes on. That it was placed, cancelled or refunded comes by e-mail in any case.
    pub order: Channels,
    /// What happens to the account. Letters with links and notices of safety come by e-mail in any case.
    pub account: Channels,
    /// Everything else. Nothing of it is sent without the consent `marketing`.
    pub marketing: Channels,
}

impl Default for Preferences {
    /// A text message costs somebody money, so it has to be asked for.
    fn default() -> Self {
        let usual = Channels { email: true, sms: false, push: true, inbox: true };
        Self { order: usual, account: usual, marketing: usual }
    }
}

/// The kinds of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Order,
    Account,
    Marketing,
}

impl Preferences {
    /// Whether messages of this kind may be sent on `channel`. A channel that nobody could have chosen is no advertising channel.
    pub fn allow(&self, topic: Topic, channel: &str) -> bool {
        let channels = match topic {
            Topic::Order => self.order,
            Topic::Account => self.account,
            Topic::Marketing => self.marketing,
        };
        match channel {
            "email" => channels.email,
            "sms" => channels.sms,
            "push" => channels.push,
            "inbox" => channels.inbox,
            _ => topic != Topic::Marketing,
        }
    }
}

/// What may be sent to the customer: what they chose, and no advertising without their consent. The usual for someone unknown.
pub async fn preferences_of(conn: &mut Conn, customer_id: Uuid) -> db::Result<Preferences> {
    let mut preferences = rows::find(conn, customer_id).await?.unwrap_or_default();
    let consent = rows::latest_consent(conn, customer_id, Consent::Marketing.name()).await?;
    if !consent.is_some_and(|consent| consent.given) {
        preferences.marketing = Channels { email: false, sms: false, push: false, inbox: false };
    }
    Ok(preferences)
}

/// What the customer chose.
pub async fn chosen_preferences(shop: &Shop, customer_id: Uuid) -> Result<Preferences, Error> {
    Ok(rows::find(&mut shop.db().read().await?, customer_id).await?.unwrap_or_default())
}

/// Changes what the customer chose, and their language.
pub async fn choose_preferences(
    shop: &Shop,
    customer_id: Uuid,
    locale: &str,
    preferences: &Preferences,
) -> Result<(), Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    lock_living(&mut tx, customer_id).await?;
    let Some(customer) = store::find_customer(&mut tx, customer_id).await? else { return Ok(()) };
    let chosen = rows::find(&mut tx, customer_id).await?.unwrap_or_default();
    let differs = [("locale", customer.locale != locale), ("notifications", chosen != *preferences)];
    let changed: Vec<_> = differs.into_iter().filter_map(|(field, differs)| differs.then_some(field)).collect();
    if !changed.is_empty() {
        rows::update(&mut tx, customer_id, locale, preferences, now).await?;
        recovery::updated(&mut tx, customer_id, &changed).await?;
        tx.commit().await?;
        shop.relay().wake();
    }
    Ok(())
}

/// What somebody can consent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Consent {
    /// Being told about offers.
    Marketing,
    /// Being counted.
    Analytics,
}

impl Consent {
    pub const ALL: [Self; 2] = [Self::Marketing, Self::Analytics];

    pub fn name(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Analytics => "analytics",
        }
    }
}

/// A consent that was given or withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentChange {
    pub id: Uuid,
    pub given: bool,
    /// How, in the storefront's words: `checkbox at checkout, text of 2026-05`.
    pub source: String,
    pub at: Moment,
}

/// How each consent stands; none where it was never asked.
pub async fn consents(shop: &Shop, customer_id: Uuid) -> Result<Vec<(Consent, Option<ConsentChange>)>, Error> {
    let mut conn = shop.db().read().await?;
    let mut consents = Vec::new();
    for consent in Consent::ALL {
        consents.push((consent, rows::latest_consent(&mut conn, customer_id, consent.name()).await?));
    }
    Ok(consents)
}

/// Every change of a consent, the newest first: the proof that the law asks for. One more than `limit`, where there are.
pub async fn consent_changes(
    shop: &Shop,
    customer_id: Uuid,
    consent: Consent,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<ConsentChange>, Error> {
    let before = before.unwrap_or(Uuid::max());
    let mut conn = shop.db().read().await?;
    Ok(rows::consent_changes(&mut conn, customer_id, consent.name(), before, limit + 1).await?)
}

/// Writes down that the customer gives or withdraws a consent. Rows are added and never changed; what stands already is not written
/// again.
pub async fn change_consent(
    shop: &Shop,
    customer_id: Uuid,
    consent: Consent,
    given: bool,
    source: &str,
) -> Result<ConsentChange, Error> {
    let mut tx = shop.db().write().await?;
    lock_living(&mut tx, customer_id).await?;
    let latest = rows::latest_consent(&mut tx, customer_id, consent.name()).await?;
    if let Some(latest) = latest.filter(|latest| latest.given == given) {
        return Ok(latest);
    }
    let change = write_consent(&mut tx, customer_id, consent, given, source).await?;
    recovery::updated(&mut tx, customer_id, &["consents"]).await?;
    tx.commit().await?;
    shop.relay().wake();
    Ok(change)
}

async fn write_consent(
    tx: &mut Tx,
    customer_id: Uuid,
    consent: Consent,
    given: bool,
    source: &str,
) -> db::Result<ConsentChange> {
    let change = ConsentChange { id: id::sequential(), given, source: source.to_owned(), at: clock::now() };
    rows::insert_consent(tx, customer_id, consent.name(), &change).await?;
    Ok(change)
}

/// Withdraws what somebody gave who had not proved whose address it is.
pub(super) async fn withdraw_unproved(tx: &mut Tx, customer_id: Uuid) -> db::Result<()> {
    for consent in Consent::ALL {
        let latest = rows::latest_consent(tx, customer_id, consent.name()).await?;
        if latest.is_some_and(|latest| latest.given) {
            write_consent(tx, customer_id, consent, false, "given before the address was proved").await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_where_it_is_wanted() {
        let none = Channels { email: false, sms: false, push: false, inbox: false };
        let preferences =
            Preferences { order: Channels { sms: true, ..none }, marketing: none, ..Preferences::default() };
        for (topic, channel, expected) in [
            (Topic::Order, "sms", true),
            (Topic::Order, "email", false),
            (Topic::Account, "email", true),
            (Topic::Account, "sms", false),
            (Topic::Account, "push", true),
            (Topic::Marketing, "inbox", false),
            (Topic::Order, "fax", true),
            (Topic::Marketing, "fax", false),
        ] {
            assert_eq!(preferences.allow(topic, channel), expected, "{topic:?} {channel}");
        }
    }
}
