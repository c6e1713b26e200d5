//! What 32 clients want at once, over HTTP, round after round; after each, all that must be true is asked by SQL.
//!
//! Two rounds unless `KASSA_TEST_RACE_ROUNDS` says otherwise. Many are run with optimised code:
//! `KASSA_TEST_RACE_ROUNDS=200 cargo test --release --test shop -- races::`

mod buying;
mod paying;
mod prepaid;
mod sending;

use futures_util::future::join_all;
use serde_json::json;

use crate::support::App;
use crate::support::app::Answer;
use crate::support::audit::audit;
use crate::support::merchant::Merchant;

/// Clients of a round.
pub const CLIENTS: usize = 32;

/// Plays `round`, which is given its number, as often as was asked for, and audits after each.
///
/// The merchant signs in for each: an access token lives for minutes, many rounds for longer.
pub async fn rounds(app: &App, mut round: impl AsyncFnMut(usize, &Merchant<'_>)) {
    let rounds = std::env::var("KASSA_TEST_RACE_ROUNDS").map_or(2, |text| text.parse().expect("a number of rounds"));
    for number in 0..rounds {
        round(number, &Merchant::of(app).await).await;
        audit(app).await;
        crate::support::stock::audit(app).await;
    }
}

/// What all clients are answered who do it at once.
pub async fn at_once<F: Future<Output = Answer>>(clients: impl IntoIterator<Item = F>) -> Vec<Answer> {
    join_all(clients).await
}

/// How many got `status`; all others must have got one of `problems`.
pub fn count(answers: Vec<Answer>, status: u16, problems: &[&str]) -> usize {
    let mut counted = 0;
    for answer in answers {
        let slug = answer.body["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default();
        if answer.status == status {
            counted += 1;
        } else {
            assert!(problems.contains(&slug), "{answer:?}");
        }
    }
    counted
}

/// A product with so many pieces of its one variant; the SKU.
pub async fn with_pieces(merchant: &Merchant<'_>, sku: &str, pieces: usize) -> String {
    let variant = json!({ "sku": sku, "price": 1000, "weight_grams": 100, "on_hand": pieces });
    let product = json!({ "title": "Race", "status": "active", "variants": [variant] });
    merchant.post("/v1/admin/products", product).await.expect(201);
    sku.to_owned()
}
