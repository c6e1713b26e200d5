//! What the placeholders of a merchant's text stand for, by kind of event.

use kassa_sdk::notification::{Error, Event, Recipient, Shop};
use serde::Deserialize;

use crate::amount_rows;
use crate::data::{Account, Order, read};
use crate::language::Language;
use crate::letter::{escape, rows_to_html};
use crate::look_up::{LOOK_UP, LookUp};

/// In the texts of every kind.
const ALWAYS: &[&str] = &["name", "email", "shop", "shop_url", "url"];
const OF_ORDERS: &[&str] =
    &["number", "total", "items", "lines", "address", "delivery", "tracking_number", "tracking_url", "refunded"];
const OF_LOOK_UPS: &[&str] = &["number", "code", "valid_minutes"];
const OF_ACCOUNTS: &[&str] = &["token", "valid_minutes", "new_email"];

/// The placeholders of events of this kind.
pub fn names(kind: &str) -> Vec<&'static str> {
    [ALWAYS, own(kind)].concat()
}

fn own(kind: &str) -> &'static [&'static str] {
    if kind == LOOK_UP {
        OF_LOOK_UPS
    } else if kind.starts_with("order.") {
        OF_ORDERS
    } else if is_of_account(kind) {
        OF_ACCOUNTS
    } else {
        &[]
    }
}

fn is_of_account(kind: &str) -> bool {
    kind.starts_with("account.")
}

/// Whether the event's data may hold a secret.
pub fn may_be_secret(kind: &str) -> bool {
    is_of_account(kind) || kind == LOOK_UP
}

/// Values as they stand in a text, and where it differs, in HTML.
pub struct Values(Vec<(&'static str, String, Option<String>)>);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Other {
    url: String,
}

impl Values {
    pub fn of(event: &Event, recipient: &Recipient, language: Language, shop: &Shop) -> Result<Values, Error> {
        let mut values = Values(vec![
            ("name", recipient.name.clone(), None),
            ("email", recipient.email.clone(), None),
            ("shop", shop.name.clone(), None),
            ("shop_url", shop.url.clone(), None),
        ]);
        if event.kind == LOOK_UP {
            let LookUp { number, code, valid_minutes } = read(event)?;
            values.0.push(("number", number, None));
            values.0.push(("code", code, None));
            values.0.push(("valid_minutes", valid_minutes.to_string(), None));
        } else if event.kind.starts_with("order.") {
            values.add_order(&read(event)?, language);
        } else if is_of_account(&event.kind) {
            let Account { url, token, valid_minutes, new_email } = read(event)?;
            values.0.push(("url", url, None));
            values.0.push(("token", token, None));
            values.0.push(("valid_minutes", valid_minutes.to_string(), None));
            values.0.push(("new_email", new_email, None));
        } else {
            values.0.push(("url", read::<Other>(event)?.url, None));
        }
        Ok(values)
    }

    fn add_order(&mut self, order: &Order, language: Language) {
        let rows = amount_rows(language, order);
        let lines: Vec<_> = rows.iter().map(|(row, amount)| one_line(&format!("{row}: {amount}"))).collect();
        let address = order.address.as_ref().map(|address| address.lines()).unwrap_or_default();
        let address_html: Vec<_> = address.iter().map(|line| escape(line)).collect();
        let shipment = order.shipment.as_ref();
        let refund = order.refund.as_ref().map(|refund| refund.amount);
        let cancelled = order.cancellation.as_ref().map(|cancellation| cancellation.refunded);
        let refunded = refund.or(cancelled).unwrap_or_default();
        let items: u64 = order.lines.iter().map(|line| u64::from(line.quantity)).sum();
        self.0.extend([
            ("url", order.url.clone(), None),
            ("number", order.number.clone(), None),
            ("total", language.money(order.total, order), None),
            ("items", items.to_string(), None),
            ("lines", lines.join("\n"), Some(rows_to_html(&rows))),
            ("address", address.join("\n"), Some(address_html.join("<br>"))),
            ("delivery", order.delivery.as_ref().map(|delivery| delivery.label.clone()).unwrap_or_default(), None),
            ("tracking_number", shipment.map(|shipment| shipment.tracking_number.clone()).unwrap_or_default(), None),
            ("tracking_url", shipment.map(|shipment| shipment.tracking_url.clone()).unwrap_or_default(), None),
            ("refunded", language.money(refunded, order), None),
        ]);
    }

    pub fn text(&self, name: &str) -> Option<String> {
        let (_, text, html) = self.0.iter().find(|(known, ..)| *known == name)?;
        // Only a list has lines; a value with line breaks in it cannot pose as another part of the text.
        Some(if html.is_some() { text.clone() } else { one_line(text) })
    }

    pub fn html(&self, name: &str) -> Option<String> {
        let (_, text, html) = self.0.iter().find(|(known, ..)| *known == name)?;
        Some(html.clone().unwrap_or_else(|| escape(text)))
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
