//! What is said: the bound notification plugins are asked.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::reach::Reach;
use crate::config::Config;
use crate::events::Event;
use crate::orders;
use crate::plugins::notification::{self, Message};
use crate::plugins::trial::{Asker, Said, Served};
use crate::plugins::{CallError, Domain};
use crate::{Shop, clock};

/// Whom an event is told to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// None for a guest.
    pub customer_id: Option<Uuid>,
    /// Empty where it is not known.
    pub name: String,
    pub email: String,
    /// Empty where it is not known.
    pub phone: String,
    /// BCP 47.
    pub locale: String,
}

impl Recipient {
    /// The recipient that the data of `event` names; none where it has no `email`, and nobody is told.
    pub fn of(event: &Event, shop_locale: &str) -> Option<Self> {
        let text = |pointer: &str| event.data.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        Some(Self {
            email: text("/email")?.to_owned(),
            customer_id: text("/customer_id").and_then(|id| id.parse().ok()),
            name: text("/name").unwrap_or_default().to_owned(),
            phone: phone_number(text("/phone").or_else(|| text("/address/phone")).unwrap_or_default()),
            locale: text("/locale").unwrap_or(shop_locale).to_owned(),
        })
    }
}

/// The number without what people put in for reading: `+49 (30) 123-45` is `+493012345`. Empty where that leaves no number.
fn phone_number(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !" ()-./\u{a0}".contains(*c)).collect();
    let digits = kept.strip_prefix('+').unwrap_or(&kept);
    // E.164 has at most 15; fewer than 5 is a slip of the pen.
    let fits = (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits { kept } else { String::new() }
}

/// What one plugin said to an event.
pub struct Answer {
    /// Its name, without the version: a newer version that is asked again must not tell the same thing twice.
    pub plugin: String,
    pub messages: Result<Vec<Message>, CallError>,
}

/// Asks every notification plugin in force, or those that are tried. Never inside a transaction.
pub async fn compose(shop: &Shop, event: &Event, recipient: &Recipient, reach: &Reach) -> Vec<Answer> {
    let served = shop.plugins().routing().serve(Domain::Notification, Some(asker(event)), clock::now());
    ask(shop, &served, event, recipient, reach).await
}

/// Asks the plugins that `served` names.
pub async fn ask(shop: &Shop, served: &Served, event: &Event, recipient: &Recipient, reach: &Reach) -> Vec<Answer> {
    let question = Arc::new(question(shop, event, recipient, reach));
    let (_, said) = shop.plugins().host().compose_served(served, &question).await;
    let answer = |(bound, called): Said<Vec<Message>>| {
        let called = called.inspect_err(|error| {
            let (plugin, version, reason) = (bound.name(), bound.version(), error.code());
            tracing::warn!(plugin, version, reason, %error, event = %event.id, "a plugin failed");
        });
        Answer { plugin: bound.name().to_owned(), messages: called.map(|called| called.value) }
    };
    said.into_iter().map(answer).collect()
}

/// Where a candidate is rolled out, all letters about one order are of one side; those about none, all to one person. An event that is told
/// again goes where it went before.
fn asker(event: &Event) -> Asker {
    let of = |pointer: &str| event.data.pointer(pointer).and_then(Value::as_str)?.parse().ok();
    let id = of("/order_id").or_else(|| of("/customer_id")).unwrap_or(event.id);
    Asker { id, since: event.occurred_at }
}

fn question(shop: &Shop, event: &Event, recipient: &Recipient, reach: &Reach) -> notification::Compose {
    let data = with_page(shop.config(), event).to_string();
    let shop = &shop.config().shop;
    notification::Compose {
        event: notification::Event {
            id: event.id.to_string(),
            kind: event.kind.clone(),
            at: clock::unix_seconds(event.occurred_at),
            data,
        },
        recipient: notification::Recipient {
            name: recipient.name.clone(),
            email: recipient.email.clone(),
            attributes: vec![("channels".into(), reach.names()), ("phone".into(), recipient.phone.clone())],
        },
        locale: recipient.locale.clone(),
        shop: notification::Shop { name: shop.name.clone(), url: shop.url.clone(), email: shop.email.clone() },
    }
}

/// The data of an event, and of one about an order the page of that. Only letters have it: the link opens a guest's order, and events go
/// to other systems and are kept.
fn with_page(config: &Config, event: &Event) -> Value {
    let mut data = event.data.clone();
    if let Some(order_id) = event.data.get("order_id").and_then(Value::as_str)
        && data.get("url").is_none()
    {
        data["url"] = orders::page(config, order_id).into();
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_about_an_order_link_to_it() {
        let event = |data: Value| Event {
            id: crate::id::sequential(),
            kind: "order.paid".into(),
            subject: "1".into(),
            data,
            occurred_at: crate::clock::now(),
        };
        let mut config = Config::default();
        let order = event(serde_json::json!({"order_id": "17"}));
        assert_eq!(with_page(&config, &order)["url"], "", "there is no storefront");
        config.shop.storefront_url = "https://shop.example/".into();
        assert_eq!(with_page(&config, &order)["url"], "https://shop.example/order#order=17");
        let asked = event(serde_json::json!({"order_id": "17", "url": "https://shop.example/pay"}));
        assert_eq!(with_page(&config, &asked)["url"], "https://shop.example/pay");
        assert_eq!(with_page(&config, &event(serde_json::json!({"cart_id": "17"}))).get("url"), None);
    }

    #[test]
    fn the_recipient_is_in_the_data() {
        let event = |data: Value| Event {
            id: crate::id::sequential(),
            kind: "order.paid".into(),
            subject: "1".into(),
            data,
            occurred_at: crate::clock::now(),
        };
        let id = crate::id::sequential();
        let known =
            event(serde_json::json!({"email": "a@example.org", "name": "Ann", "locale": "ru", "customer_id": id,
            "address": {"phone": "+49 (30) 123-45"}}));
        let expected = Recipient {
            customer_id: Some(id),
            name: "Ann".into(),
            email: "a@example.org".into(),
            phone: "+493012345".into(),
            locale: "ru".into(),
        };
        assert_eq!(Recipient::of(&known, "en"), Some(expected));
        let bare = event(serde_json::json!({"email": "a@example.org", "locale": null, "customer_id": null}));
        let expected = Recipient {
            customer_id: None,
            name: String::new(),
            email: "a@example.org".into(),
            phone: String::new(),
            locale: "en".into(),
        };
        assert_eq!(Recipient::of(&bare, "en"), Some(expected));
        for data in
            [serde_json::json!({}), serde_json::json!({"email": ""}), serde_json::json!({"email": 1}), Value::Null]
        {
            assert_eq!(Recipient::of(&event(data), "en"), None);
        }
    }

    #[test]
    fn numbers_are_told_from_other_texts() {
        for (text, number) in [
            ("030 / 123.45", "03012345"),
            ("+7\u{a0}912 345 67 89", "+79123456789"),
            ("1234", ""),
            ("1234567890123456", ""),
            ("call me", ""),
            ("+49+30123", ""),
            ("", ""),
        ] {
            assert_eq!(phone_number(text), number, "{text}");
        }
    }
}
