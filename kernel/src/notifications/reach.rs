//! How someone may be reached about something: what there is an address for, and what they want.

use std::collections::BTreeSet;

use super::channel::Channel;
use super::compose::Recipient;
use super::store;
use crate::accounts::{self, Preferences, Topic};
use crate::{Shop, db};

/// The channels that are open to a message, and the devices of the person.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Reach {
    pub channels: BTreeSet<Channel>,
    /// Tokens, for [`Channel::Push`].
    pub devices: Vec<String>,
}

impl Reach {
    /// How `recipient` may be reached about an event of `kind`.
    pub async fn of(shop: &Shop, recipient: &Recipient, kind: &str) -> db::Result<Self> {
        let Some(customer_id) = recipient.customer_id else {
            return Ok(Self { channels: channels(recipient, None, &[], kind), devices: Vec::new() });
        };
        let mut conn = shop.db().read().await?;
        let preferences = accounts::preferences_of(&mut conn, customer_id).await?;
        let devices = store::push_tokens::devices_of(&mut conn, customer_id).await?;
        let devices: Vec<_> = devices.into_iter().map(|device| device.token).collect();
        Ok(Self { channels: channels(recipient, Some(&preferences), &devices, kind), devices })
    }

    /// Mail and nothing else.
    pub fn by_email() -> Self {
        Self { channels: BTreeSet::from([Channel::Email]), devices: Vec::new() }
    }

    /// As plugins are told: `email inbox`.
    pub fn names(&self) -> String {
        self.channels.iter().map(|channel| channel.name()).collect::<Vec<_>>().join(" ")
    }
}

/// `preferences` of someone with an account, who chooses. A guest cannot: they get what the bargain is about, by mail and by the number that
/// they gave with the address so as to be called about the delivery; no advertising, which needs a consent.
fn channels(
    recipient: &Recipient,
    preferences: Option<&Preferences>,
    devices: &[String],
    kind: &str,
) -> BTreeSet<Channel> {
    let topic = topic(kind);
    let wanted = |channel: Channel| match preferences {
        Some(preferences) => preferences.allow(topic, channel.name()),
        None => topic != Topic::Marketing,
    };
    let has_account = recipient.customer_id.is_some();
    let open = [
        (Channel::Email, !recipient.email.is_empty() && (wanted(Channel::Email) || is_owed(kind))),
        (Channel::Sms, !recipient.phone.is_empty() && wanted(Channel::Sms)),
        (Channel::Push, !devices.is_empty() && wanted(Channel::Push)),
        (Channel::Inbox, has_account && wanted(Channel::Inbox)),
    ];
    open.into_iter().filter(|(_, open)| *open).map(|(channel, _)| channel).collect()
}

/// What is not about a bargain or an account is advertising.
fn topic(kind: &str) -> Topic {
    const OF_ORDERS: [&str; 5] = ["order.", "shipment.", "return.", "payment.", "gift-card."];
    if OF_ORDERS.iter().any(|prefix| kind.starts_with(prefix)) {
        Topic::Order
    } else if kind.starts_with("account.") || kind.starts_with("user.") {
        Topic::Account
    } else {
        Topic::Marketing
    }
}

/// Whether a mail of this kind cannot be switched off: whoever buys is owed in writing what was agreed and what was given back,
/// and an account cannot be had without its mails.
fn is_owed(kind: &str) -> bool {
    ["order.placed", "order.cancelled", "order.refunded"].contains(&kind) || kind.starts_with("account.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Channels;

    #[test]
    fn a_channel_is_open_where_there_is_an_address_and_a_wish() {
        let guest = Recipient {
            customer_id: None,
            name: String::new(),
            email: "a@example.org".into(),
            phone: "+493012345".into(),
            locale: "en".into(),
        };
        let customer = Recipient { customer_id: Some(crate::id::sequential()), ..guest.clone() };
        let all = |value| {
            let channels = Channels { email: value, sms: value, push: value, inbox: value };
            Preferences { order: channels, account: channels, marketing: channels }
        };
        let (none, usual, every) = (all(false), Preferences::default(), all(true));
        let token = ["token".to_owned()];
        let (device, no_device) = (&token[..], &token[..0]);
        for (recipient, preferences, devices, kind, expected) in [
            (&guest, None, no_device, "order.paid", "email sms"),
            (&guest, None, no_device, "cart.abandoned", ""),
            (&customer, Some(&usual), no_device, "order.paid", "email inbox"),
            (&customer, Some(&usual), device, "order.shipped", "email push inbox"),
            (&customer, Some(&every), device, "cart.abandoned", "email sms push inbox"),
            (&customer, Some(&none), device, "cart.abandoned", ""),
            (&customer, Some(&none), device, "order.paid", ""),
            (&customer, Some(&none), device, "order.placed", "email"),
            (&customer, Some(&none), device, "account.password-changed", "email"),
        ] {
            let reach = Reach { channels: channels(recipient, preferences, devices, kind), devices: Vec::new() };
            assert_eq!(reach.names(), expected, "{kind} {preferences:?}");
        }
        let nobody = Recipient { email: String::new(), phone: String::new(), ..guest };
        assert!(channels(&nobody, None, no_device, "order.paid").is_empty());
    }
}
