//! E-mails about orders and accounts, as text and HTML, in English and Russian.
//!
//! `data.rs` reads the event, `language.rs` has the words, `letter.rs` makes text and HTML of a letter. Events of other
//! kinds get no message.

mod data;
mod language;
mod letter;

use data::{AccountLink, Order, read};
use kassa_sdk::Money;
use kassa_sdk::notification::{Error, Event, Message, Notification, Recipient, Shop};
use language::Language;
use letter::{Letter, Part};
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmailNotification {
    /// The last line of every letter: a postal address, say.
    footer: String,
}

impl Notification for EmailNotification {
    fn compose(&self, event: &Event, recipient: &Recipient, locale: &str, shop: &Shop) -> Result<Vec<Message>, Error> {
        if self.footer.chars().count() > 1_000 {
            return Err(Error::InvalidSettings("footer: must have at most 1000 characters".to_owned()));
        }
        let language = Language::of(locale);
        let (subject, parts) = match event.kind.as_str() {
            "order.placed" => order_placed(language, &read(event)?, shop),
            "order.paid" => order_paid(language, &read(event)?),
            "order.shipped" => order_shipped(language, &read(event)?),
            "order.cancelled" => order_cancelled(language, &read(event)?),
            "customer.email-confirmation" => email_confirmation(language, read(event)?, shop),
            "customer.password-reset" => password_reset(language, read(event)?, shop),
            _ => return Ok(Vec::new()),
        };
        let letter = Letter { subject, greeting: language.greeting(&recipient.name), parts };
        Ok(vec![letter.into_message(language, shop, &self.footer)])
    }
}

kassa_sdk::export!(notification: EmailNotification);

fn order_placed(language: Language, order: &Order, shop: &Shop) -> (String, Vec<Part>) {
    let pieces = order.lines.iter().map(|line| u64::from(line.quantity)).sum();
    let mut parts = vec![Part::Paragraph(language.placed(&order.number, pieces)), amounts(language, order)];
    if let Some(address) = &order.address {
        parts.push(Part::Lines { title: language.delivered_to(), lines: address.lines() });
    }
    parts.extend(order_link(language, order));
    (language.placed_subject(&order.number, &shop.name), parts)
}

fn order_paid(language: Language, order: &Order) -> (String, Vec<Part>) {
    let paid = language.paid(&order.number, &language.money(order.total, order));
    let mut parts = vec![Part::Paragraph(paid), amounts(language, order)];
    parts.extend(order_link(language, order));
    (language.paid_subject(&order.number), parts)
}

fn order_shipped(language: Language, order: &Order) -> (String, Vec<Part>) {
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

fn email_confirmation(language: Language, link: AccountLink, shop: &Shop) -> (String, Vec<Part>) {
    let parts = account_letter(language, language.confirmation(&shop.name), language.confirmation_link(), link);
    (language.confirmation_subject(&shop.name), parts)
}

fn password_reset(language: Language, link: AccountLink, shop: &Shop) -> (String, Vec<Part>) {
    let parts = account_letter(language, language.reset(&shop.name), language.reset_link(), link);
    (language.reset_subject(&shop.name), parts)
}

fn account_letter(language: Language, what: String, label: &'static str, link: AccountLink) -> Vec<Part> {
    let mut parts = vec![Part::Paragraph(what), Part::Link { label, url: link.url }];
    if link.valid_minutes > 0 {
        parts.push(Part::Paragraph(language.valid_for(link.valid_minutes)));
    }
    parts.push(Part::Paragraph(language.not_asked_for().to_owned()));
    parts
}

/// None where the shop has no page for it.
fn order_link(language: Language, order: &Order) -> Option<Part> {
    (!order.url.is_empty()).then(|| Part::Link { label: language.order_link(), url: order.url.clone() })
}

/// Lines, adjustments, delivery and the total, in the order in which they add up.
fn amounts(language: Language, order: &Order) -> Part {
    let money = |amount| language.money(amount, order);
    let lines = order.lines.iter().map(|line| {
        let title = if line.title.is_empty() { &line.sku } else { &line.title };
        (format!("{} × {title} ({})", line.quantity, money(line.unit_price)), money(line.total))
    });
    let mut rows: Vec<(String, String)> = lines.collect();
    rows.extend(order.delivery.iter().map(|delivery| (delivery.label.clone(), money(delivery.amount))));
    let (included, added): (Vec<_>, Vec<_>) = order.adjustments.iter().partition(|a| a.kind == "tax-included");
    rows.extend(added.iter().map(|adjustment| (adjustment.label.clone(), money(adjustment.amount))));
    // Tax in the prices adds nothing, so it must not stand among what adds up without saying so.
    rows.extend(included.iter().map(|tax| (language.included(&tax.label), money(tax.amount))));
    rows.push((language.total().to_owned(), money(order.total)));
    Part::Amounts(rows)
}

#[cfg(test)]
mod tests;
