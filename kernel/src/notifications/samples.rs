//! A sample of every event that people are told of, for previews. docs/events.md describes the fields.

use serde_json::{Value, json};

/// Kinds with a sample.
pub const KINDS: &[&str] = &[
    "order.placed",
    "order.paid",
    "order.shipped",
    "order.delivered",
    "order.cancelled",
    "order.refunded",
    "order.edited",
    "order.look-up",
    "order.payment-request",
    "shipment.created",
    "shipment.delivered",
    "return.requested",
    "return.approved",
    "return.rejected",
    "return.received",
    "return.refunded",
    "return.closed",
    "return.cancelled",
    "cart.abandoned",
    "account.confirm-email",
    "account.reset-password",
    "account.change-email-old",
    "account.change-email-new",
    "account.password-changed",
    "account.email-changed",
    "account.second-factor-on",
    "account.second-factor-off",
    "account.already-registered",
];

/// The data of a sample.
pub fn data_of(kind: &str) -> Option<Value> {
    if !KINDS.contains(&kind) {
        return None;
    }
    let data = match kind.split_once('.') {
        Some(("order", "look-up")) => look_up(),
        Some(("order", what)) => order(what),
        Some(("shipment", what)) => shipment(what),
        Some(("return", what)) => returned(what),
        Some(("cart", _)) => cart(),
        _ => account(),
    };
    Some(data)
}

fn order(what: &str) -> Value {
    let mut data = json!({
        "email": "ada@example.org",
        "name": "Ada Lovelace",
        "phone": "+493012345",
        "order_id": "019a0000-0000-7000-8000-000000000000",
        "customer_id": null,
        "number": "1042",
        "status": what,
        "currency": "EUR",
        "exponent": 2,
        "lines": [
            {"sku": "mug-blue", "title": "Mug, blue", "quantity": 2, "unit_price": 500, "total": 1000},
            {"sku": "atlas", "title": "Atlas", "quantity": 1, "unit_price": 2000, "total": 2000},
        ],
        "adjustments": [
            {"target": "order", "line": null, "kind": "discount", "code": "coupon-welcome10", "label": "Welcome: 10 % off",
             "amount": -300},
            {"target": "order", "line": null, "kind": "tax-included", "code": "tax-1900", "label": "VAT 19 %", "amount": 509},
        ],
        "delivery": {"label": "Standard delivery", "amount": 490, "pickup": false},
        "goods_total": 3000,
        "tax_included_total": 509,
        "total": 3190,
        "address": {"name": "Ada Lovelace", "street": "Lindenstraße 1", "city": "Berlin", "region": "", "postcode": "10969",
                    "country": "DE", "phone": "+493012345"},
    });
    match what {
        "shipped" => data["shipment"] = parcel("in_transit"),
        "refunded" => {
            data["refund"] = json!({
                "id": "019a0000-0000-7000-8000-000000000001",
                "amount": 990,
                "delivery": 490,
                "lines": [{"line": 0, "quantity": 1, "amount": 500}],
                "cancellation": false,
            })
        }
        "payment-request" => {
            data["payable"] = json!(3190);
            data["url"] = json!("https://shop.example/orders/sample/pay");
        }
        "edited" => data["edit"] = json!({"revision": 2, "difference": 990, "outstanding": 990}),
        "cancelled" => data["cancellation"] = json!({"reason": "customer", "refunded": 3190}),
        _ => {}
    }
    data
}

fn shipment(what: &str) -> Value {
    let (status, order) = if what == "delivered" { ("delivered", "delivered") } else { ("pending", "paid") };
    let mut data = order_that_is(order);
    data["shipment"] = parcel(status);
    data
}

fn order_that_is(status: &str) -> Value {
    let mut data = order("");
    data["status"] = status.into();
    data
}

fn parcel(status: &str) -> Value {
    json!({
        "id": "019a0000-0000-7000-8000-000000000002",
        "number": 1,
        "kind": "carriage",
        "status": status,
        "tracking_number": "JD01",
        "tracking_url": "https://track.example/JD01",
        "lines": [{"line": 0, "sku": "mug-blue", "title": "Mug, blue", "quantity": 1}],
    })
}

fn returned(what: &str) -> Value {
    let came = u32::from(matches!(what, "received" | "refunded" | "closed"));
    let cause = if what == "rejected" { "it was worn" } else { what };
    let mut data = order_that_is("delivered");
    data["return"] = json!({
        "id": "019a0000-0000-7000-8000-000000000003",
        "number": 1,
        "status": what,
        "cause": cause,
        "lines": [{"line": 0, "quantity": 1, "reason": "damaged", "received": came, "restocked": 0}],
    });
    data
}

fn cart() -> Value {
    json!({
        "email": "ada@example.org",
        "name": "Ada Lovelace",
        "customer_id": null,
        "consent": true,
        "cart_id": "019a0000-0000-7000-8000-000000000003",
        "url": "https://shop.example/cart#cart=019a0000-0000-7000-8000-000000000003",
        "currency": "EUR",
        "exponent": 2,
        "lines": [{"sku": "mug-blue", "title": "Mug, blue", "quantity": 2, "unit_price": 500, "total": 1000, "attributes": {}}],
        "goods_total": 1000,
        "updated_at": "2026-11-21T09:30:00Z",
    })
}

/// The code opens nothing.
fn look_up() -> Value {
    json!({
        "email": "ada@example.org",
        "name": "Ada Lovelace",
        "number": "1042",
        "code": "K7WQZ-3HMPA",
        "valid_minutes": 15,
    })
}

/// The token is nobody's.
fn account() -> Value {
    json!({
        "email": "ada@example.org",
        "name": "Ada Lovelace",
        "url": "https://shop.example/account?token=sample",
        "token": "sample",
        "valid_minutes": 60,
        "new_email": "lovelace@example.org",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_recipient() {
        for kind in KINDS {
            assert!(data_of(kind).is_some_and(|data| data["email"].is_string()), "{kind}");
        }
        // Whatever people can be told of, they can be shown.
        let told = ["order.", "shipment.", "return.", "cart."];
        for kind in crate::events::KINDS.iter().filter(|kind| told.iter().any(|about| kind.starts_with(about))) {
            assert!(KINDS.contains(kind), "{kind} has no sample");
        }
        assert!(data_of("order.eaten").is_none() && data_of("probe").is_none());
    }
}
