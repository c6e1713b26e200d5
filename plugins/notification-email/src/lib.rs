//! Messages about orders, returns, carts and accounts: e-mails as text and HTML, and short ones for inbox, SMS and push; in English and
//! Russian, and in whatever words the merchant puts in their place.
//!
//! `data.rs` reads the event, `language.rs` has the words, `letter.rs` makes text and HTML of a letter, `messages.rs` decides
//! what goes out by which channel, `template.rs` and `values.rs` fill the merchant's own texts. Events of other kinds get a
//! message where the merchant wrote one.

mod account;
mod data;
mod language;
mod letter;
mod look_up;
mod messages;
mod others;
mod template;
mod values;

use std::collections::BTreeMap;

use data::{Order, read};
use kassa_sdk::Money;
use kassa_sdk::notification::{Error, Event, Message, Notification, Recipient, Shop};
use language::Language;
use letter::{Letter, Part};
use messages::{Channel, Channels, Source, Text};
use serde::Deserialize;

/// Rows of a letter, and what each may hold, so that the longest order makes some 50 KiB of text at most.
const LINES: usize = 100;
const ADJUSTMENTS: usize = 25;
const TITLE_BYTES: usize = 200;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmailNotification {
    /// The last line of every letter: a postal address, say.
    footer: String,
    /// Of every kind that `channels_by_kind` does not name.
    channels: Vec<Channel>,
    channels_by_kind: BTreeMap<String, Vec<Channel>>,
    /// The merchant's own.
    texts: Vec<Text>,
}

impl Default for EmailNotification {
    fn default() -> Self {
        let channels = vec![Channel::Email, Channel::Inbox];
        Self { footer: String::new(), channels, channels_by_kind: BTreeMap::new(), texts: Vec::new() }
    }
}

impl Notification for EmailNotification {
    fn compose(&self, event: &Event, recipient: &Recipient, locale: &str, shop: &Shop) -> Result<Vec<Message>, Error> {
        if self.footer.chars().count() > 1_000 {
            return Err(Error::InvalidSettings("footer: must have at most 1000 characters".to_owned()));
        }
        let language = Language::of(locale);
        let letter = match event.kind.as_str() {
            // No shopper waits for this one, and the merchant does.
            "probe" => return messages::check(&self.texts).map(|()| Vec::new()),
            "order.placed" => Some(order_placed(language, &read(event)?, shop)),
            "order.paid" => Some(order_paid(language, &read(event)?)),
            "order.shipped" => Some(order_shipped(language, &read(event)?)),
            "order.cancelled" => Some(order_cancelled(language, &read(event)?)),
            "order.payment-request" => Some(order_to_pay(language, &read(event)?)),
            "order.edited" => Some(order_edited(language, &read(event)?)),
            "order.delivered" => Some(others::delivered(language, &read(event)?)),
            "return.approved" => Some(others::return_approved(language, &read(event)?)),
            "return.rejected" => Some(others::return_rejected(language, &read(event)?)),
            others::CART => Some(others::cart_left(language, read(event)?, &shop.name)),
            look_up::LOOK_UP => Some(look_up::letter(language, &read(event)?)),
            "order.refunded" => {
                let order: Order = read(event)?;
                let Some(refund) = order.refund.as_ref().filter(|refund| !refund.cancellation) else {
                    // The letter about the cancellation has told it.
                    return Ok(Vec::new());
                };
                Some(order_refunded(language, &order, refund.amount))
            }
            kind => account::letter(kind, language, event, shop)?,
        };
        let greeting = language.greeting(&recipient.name);
        let letter = letter.map(|(subject, parts)| Letter { subject, greeting, parts });
        let source = Source { texts: &self.texts, footer: &self.footer, language, locale, shop };
        let channels = Channels { usual: &self.channels, by_kind: &self.channels_by_kind };
        source.compose(event, recipient, letter, &channels)
    }
}

kassa_sdk::export!(notification: EmailNotification);

fn order_placed(language: Language, order: &Order, shop: &Shop) -> (String, Vec<Part>) {
    let pieces = order.lines.iter().map(|line| u64::from(line.quantity)).sum();
    let mut parts = vec![Part::Paragraph(language.placed(&order.number, pieces)), amounts(language, order)];
    if let Some(address) = order.address.as_ref().filter(|_| !order.is_collected()) {
        parts.push(Part::Lines { title: language.delivered_to(), lines: address.lines() });
    }
    parts.extend(order_link(language, order));
    (language.placed_subject(&order.number, &shop.name), parts)
}

fn order_paid(language: Language, order: &Order) -> (String, Vec<Part>) {
    let paid = match order.total {
        Money::ZERO => language.nothing_to_pay(&order.number),
        total => language.paid(&order.number, &language.money(total, order)),
    };
    let mut parts = vec![Part::Paragraph(paid), amounts(language, order)];
    parts.extend(order_link(language, order));
    (language.paid_subject(&order.number), parts)
}

fn order_shipped(language: Language, order: &Order) -> (String, Vec<Part>) {
    if order.is_collected() {
        let parts = [Part::Paragraph(language.ready(&order.number))].into_iter().chain(order_link(language, order));
        return (language.ready_subject(&order.number), parts.collect());
    }
    let mut parts = vec![Part::Paragraph(language.shipped(&order.number))];
    if let Some(shipment) = &order.shipment {
        if !shipment.tracking_number.is_empty() {
            parts.push(Part::Paragraph(language.tracking_number(&shipment.tracking_number)));
        }
        if !shipment.tracking_url.is_empty() {
            parts.push(Part::Link { label: language.track_link(), url: shipment.tracking_url.clone() });
        }
    }
    parts.extend(order_link(language, order));
    (language.shipped_subject(&order.number), parts)
}

fn order_cancelled(language: Language, order: &Order) -> (String, Vec<Part>) {
    let mut parts = vec![Part::Paragraph(language.cancelled(&order.number))];
    if let Some(cancellation) = &order.cancellation {
        let reason = language.cancellation_reason(&cancellation.reason);
        parts.extend(reason.map(|reason| Part::Paragraph(reason.to_owned())));
        parts.push(Part::Paragraph(match cancellation.refunded {
            Money::ZERO => language.nothing_charged().to_owned(),
            amount => language.refunded(&language.money(amount, order)),
        }));
    }
    parts.extend(order_link(language, order));
    (language.cancelled_subject(&order.number), parts)
}

fn order_to_pay(language: Language, order: &Order) -> (String, Vec<Part>) {
    let mut parts = vec![Part::Paragraph(language.to_pay(&order.number)), amounts(language, order)];
    parts.push(Part::Paragraph(language.still_to_pay(&language.money(order.payable, order))));
    if !order.url.is_empty() {
        parts.push(Part::Link { label: language.pay_link(), url: order.url.clone() });
    }
    (language.to_pay_subject(&order.number), parts)
}

fn order_edited(language: Language, order: &Order) -> (String, Vec<Part>) {
    let mut parts = vec![Part::Paragraph(language.edited(&order.number)), amounts(language, order)];
    let edit = order.edit.as_ref();
    if let Some(rest) = edit.map(|edit| edit.outstanding).filter(|rest| *rest > Money::ZERO) {
        parts.push(Part::Paragraph(language.still_to_pay(&language.money(rest, order))));
    }
    parts.extend(order_link(language, order));
    (language.edited_subject(&order.number), parts)
}

fn order_refunded(language: Language, order: &Order, amount: Money) -> (String, Vec<Part>) {
    let told = language.gave_back(&order.number, &language.money(amount, order));
    let parts = [Part::Paragraph(told)].into_iter().chain(order_link(language, order));
    (language.refunded_subject(&order.number), parts.collect())
}

/// None where the shop has no page for it.
fn order_link(language: Language, order: &Order) -> Option<Part> {
    (!order.url.is_empty()).then(|| Part::Link { label: language.order_link(), url: order.url.clone() })
}

/// Lines, adjustments, delivery and the total, in the order in which they add up.
fn amounts(language: Language, order: &Order) -> Part {
    Part::Amounts(amount_rows(language, order))
}

fn amount_rows(language: Language, order: &Order) -> Vec<(String, String)> {
    let money = |amount| language.money(amount, order);
    let lines = order.lines.iter().map(|line| {
        let title = if line.title.is_empty() { &line.sku } else { &line.title };
        (format!("{} × {} ({})", line.quantity, shortened(title), money(line.unit_price)), line.total)
    });
    let mut rows = with_room_for(LINES, language, order, lines.collect());
    rows.extend(order.delivery.iter().map(|delivery| (delivery.label.clone(), money(delivery.amount))));
    let (included, added): (Vec<_>, Vec<_>) = order.adjustments.iter().partition(|a| a.kind == "tax-included");
    let added = added.iter().map(|adjustment| (shortened(&adjustment.label), adjustment.amount));
    rows.extend(with_room_for(ADJUSTMENTS, language, order, added.collect()));
    // Tax in the prices adds nothing, so it must not stand among what adds up without saying so.
    let included = included.iter().map(|tax| (language.included(&shortened(&tax.label)), tax.amount));
    rows.extend(with_room_for(ADJUSTMENTS, language, order, included.collect()));
    rows.push((language.total().to_owned(), money(order.total)));
    rows
}

/// The first rows, and one for all the others: the kernel takes letters of 64 KiB, and an order can have more.
fn with_room_for(
    room: usize,
    language: Language,
    order: &Order,
    mut rows: Vec<(String, Money)>,
) -> Vec<(String, String)> {
    if rows.len() > room {
        let others = rows.split_off(room - 1);
        let count = others.len();
        // The kernel's sums are within the range of amounts, so these are.
        let sum = Money::sum(others.into_iter().map(|(_, amount)| amount)).unwrap_or_default();
        rows.push((language.more_lines(count), sum));
    }
    rows.into_iter().map(|(text, amount)| (text, language.money(amount, order))).collect()
}

/// At most [`TITLE_BYTES`], and the sign that there was more.
fn shortened(title: &str) -> String {
    if title.len() <= TITLE_BYTES {
        return title.to_owned();
    }
    format!("{}…", &title[..title.floor_char_boundary(TITLE_BYTES)])
}

#[cfg(test)]
mod tests;
