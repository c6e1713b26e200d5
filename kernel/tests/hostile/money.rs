//! Answers that lie about money: what a cart costs, and what became of a payment.

use serde_json::{Value, json};

use super::calls::mode;
use super::network::Outbound;
use super::{Case, Words};

const INVALID: Words = &["invalid-answer"];

pub(super) fn cases() -> Vec<Case> {
    let modes = [
        "wrong-currency",
        "negative-total",
        "negative-line",
        "i64-max",
        "i64-min",
        "beyond-range",
        "long-label",
        "empty-code",
        "control-characters",
        "bad-line-index",
        "bad-delivery",
        "wrong-sign",
        "negative-fee",
        "negative-tax",
        "made-up-tax",
        "foreign-coupon",
        "coupon-twice",
    ];
    let many = ["many-adjustments", "many-messages"].map(|name| mode(name, &["invalid-answer", "answer-too-large"]));
    modes.map(|name| mode(name, INVALID)).into_iter().chain(many).collect()
}

/// What it says became of 17.40: a status, an amount, and what of it can still be taken.
const CLAIMS: [&str; 7] = [
    "captured:1:0",
    "captured:1741:0",
    "captured:-1740:0",
    "captured:9223372036854775807:9223372036854775807",
    "authorized:1740:1",
    "authorized:1741:1741",
    "pending:1741:0",
];

impl Outbound<'_> {
    /// Payments whose plugin claims what cannot be: nobody believes a word of it, and where the provider never heard of them, they end. How
    /// many there were.
    pub(super) async fn claim(&self, wrong: &mut Vec<String>) -> usize {
        let mut lost = Vec::new();
        for claim in CLAIMS {
            self.bind(json!({})).await;
            let placed = self.check_out(&format!("claim={claim}")).await;
            if (&placed.body["status"], &placed.body["payment"]["status"]) == (&json!("new"), &json!("unknown")) {
                lost.push((claim, placed.body["id"].clone()));
            } else {
                wrong.push(format!("{claim}: {} {}", placed.status, placed.body));
            }
        }
        for (claim, order) in &lost {
            let order = self.ended(order, "cancelled").await;
            if order["amounts"]["captured"] != 0 {
                wrong.push(format!("{claim}: {order}"));
            }
        }
        self.claim_when_asked(wrong).await;
        CLAIMS.len() + 1
    }

    /// The answer was lost, and who is asked where the payment stands claims that more was taken than there ever was.
    async fn claim_when_asked(&self, wrong: &mut Vec<String>) {
        self.bind(json!({ "captured": 1_000_000 })).await;
        let placed = self.check_out("claim=captured:1:0").await.expect(201);
        let told = || async {
            let counted = self.merchant.get("/v1/admin/plugins/outbound-payment/counters").await.expect(200);
            let functions = counted["versions"][0]["functions"].as_array()?.clone();
            let asked = functions.into_iter().find(|function| function["function"] == "query")?;
            (asked["faults"]["invalid-answer"].as_u64()? > 0).then_some(())
        };
        self.merchant.app.eventually("the question", told).await;
        let order = self.order(&placed["id"]).await;
        if (&order["status"], &order["amounts"]["captured"]) != (&json!("new"), &json!(0)) {
            wrong.push(format!("a claim when it is asked: {order}"));
        }
        self.bind(json!({})).await;
        self.ended(&placed["id"], "cancelled").await;
    }

    /// Its store: more keys than it may have, and more questions than a call may ask. How many cases there were.
    pub(super) async fn flood(&self, wrong: &mut Vec<String>) -> usize {
        self.bind(json!({})).await;
        let placed = self.check_out("kv-flood").await;
        let told = placed.body["id"].clone();
        match placed.status {
            201 => {
                let reference = self.order(&told).await["payments"][0]["reference"].as_str().map(str::to_owned);
                if !reference.as_ref().is_some_and(|text| text.starts_with("50 keys, then ") && text.contains("store"))
                {
                    wrong.push(format!("kv-flood: {reference:?}"));
                }
            }
            _ => wrong.push(format!("kv-flood: {}", placed.body)),
        }
        let lost = self.check_out("kv-loop").await.expect(201);
        if lost["payment"]["status"] != "unknown" {
            wrong.push(format!("kv-loop: {lost}"));
        }
        self.ended(&lost["id"], "cancelled").await;
        2
    }

    async fn order(&self, id: &Value) -> Value {
        self.merchant.get(&format!("/v1/admin/orders/{}", id.as_str().unwrap_or_default())).await.expect(200)
    }

    async fn ended(&self, id: &Value, status: &str) -> Value {
        let order = || async {
            let order = self.order(id).await;
            (order["status"] == status).then_some(order)
        };
        self.merchant.app.eventually("the end of the payment", order).await
    }
}
