//! What the placeholders of a merchant's text stand for, by kind of event.

use kassa_sdk::notification::{Error, Event, Recipient, Shop};
use serde::Deserialize;

use crate::amount_rows;
use crate::data::{Account, Order, read};
use crate::language::Language;
use crate::letter::{escape, rows_to_html};
use crate::look_up::{LOOK_UP, LookUp};
use crate::others::{CART, cart_as_order};

/// In the texts of every kind.
const ALWAYS: &[&str] = &["name", "email", "shop", "shop_url", "url"];
const OF_ORDERS: &[&str] =
    &["number", "total", "items", "lines", "address", "delivery", "tracking_number", "tracking_url", "refunded"];
const OF_EDITS: &[&str] = &["difference", "outstanding"];
const OF_REQUESTS: &[&str] = &["payable"];
const OF_SHIPMENTS: &[&str] = &["goods"];
const OF_RETURNS: &[&str] = &["goods", "cause", "return_number"];
const OF_CARTS: &[&str] = &["total", "items", "lines"];
const OF_LOOK_UPS: &[&str] = &["number", "code", "valid_minutes"];
const OF_ACCOUNTS: &[&str] = &["token", "valid_minutes", "new_email"];

/// The placeholders of events of this kind.
pub fn names(kind: &str) -> Vec<&'static str> {
    let own: &[&[&str]] = match kind {
        LOOK_UP => &[OF_LOOK_UPS],
        "order.edited" => &[OF_ORDERS, OF_EDITS],
        "order.payment-request" => &[OF_ORDERS, OF_REQUESTS],
        "order.shipped" => &[OF_ORDERS, OF_SHIPMENTS],
        CART => &[OF_CARTS],
        kind => match kind.split_once('.') {
            Some(("order", _)) => &[OF_ORDERS],
            Some(("shipment", _)) => &[OF_ORDERS, OF_SHIPMENTS],
            Some(("return", _)) => &[OF_ORDERS, OF_RETURNS],
            Some(("account", _)) => &[OF_ACCOUNTS],
            _ => &[],
        },
    };
    [&[ALWAYS], own].concat().concat()
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
        } else if ["order.", "shipment.", "return."].iter().any(|about| event.kind.starts_with(about)) {
            values.add_order(&read(event)?, language);
        } else if event.kind == CART {
            values.add_cart(read(event)?, language);
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

    fn add_cart(&mut self, cart: Order, language: Language) {
        let cart = cart_as_order(cart);
        self.0.push(("url", cart.url.clone(), None));
        self.add_contents(&cart, language);
    }

    fn add_contents(&mut self, order: &Order, language: Language) {
        let rows = amount_rows(language, order);
        let lines: Vec<_> = rows.iter().map(|(row, amount)| one_line(&format!("{row}: {amount}"))).collect();
        let items: u64 = order.lines.iter().map(|line| u64::from(line.quantity)).sum();
        self.0.extend([
            ("total", language.money(order.total, order), None),
            ("items", items.to_string(), None),
            ("lines", lines.join("\n"), Some(rows_to_html(&rows))),
        ]);
    }

    fn add_order(&mut self, order: &Order, language: Language) {
        self.add_contents(order, language);
        let address = order.address.as_ref().map(|address| address.lines()).unwrap_or_default();
        let address_html: Vec<_> = address.iter().map(|line| escape(line)).collect();
        let shipment = order.shipment.as_ref();
        let refund = order.refund.as_ref().map(|refund| refund.amount);
        let cancelled = order.cancellation.as_ref().map(|cancellation| cancellation.refunded);
        let refunded = refund.or(cancelled).unwrap_or_default();
        let (edit, returned) = (order.edit.as_ref(), order.returned.as_ref());
        let goods: Vec<_> =
            order.goods(|reason| language.return_reason(reason)).iter().map(|line| one_line(line)).collect();
        let goods_html: Vec<_> = goods.iter().map(|line| escape(line)).collect();
        self.0.extend([
            ("url", order.url.clone(), None),
            ("number", order.number.clone(), None),
            ("address", address.join("\n"), Some(address_html.join("<br>"))),
            ("delivery", order.delivery.as_ref().map(|delivery| delivery.label.clone()).unwrap_or_default(), None),
            ("tracking_number", shipment.map(|shipment| shipment.tracking_number.clone()).unwrap_or_default(), None),
            ("tracking_url", shipment.map(|shipment| shipment.tracking_url.clone()).unwrap_or_default(), None),
            ("refunded", language.money(refunded, order), None),
            ("payable", language.money(order.payable, order), None),
            ("difference", language.money(edit.map(|edit| edit.difference).unwrap_or_default(), order), None),
            ("outstanding", language.money(edit.map(|edit| edit.outstanding).unwrap_or_default(), order), None),
            ("goods", goods.join("\n"), Some(goods_html.join("<br>"))),
            ("cause", returned.map(|returned| returned.cause.clone()).unwrap_or_default(), None),
            ("return_number", returned.map(|returned| returned.number.to_string()).unwrap_or_default(), None),
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
