//! Gift cards and store credit, wanted by many at once.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::prepaid::{Till, check_out, with_cards};
use crate::support::audit::audit;

api_test! {
    /// 32 carts show the same balance: as many as it is enough for have it, and nobody pays what they were not shown.
    async fn a_balance_is_spent_once_by_32_clients(app: App) {
        let till = Till::of(&app).await;
        let card = till.card(5000).await;
        let cards = [&card];
        let carts = join_all((0..32).map(|_| with_cards(&app, &cards))).await;
        let bought = carts.iter().map(|(shopper, cart)| check_out(shopper, cart, ""));
        let answers = join_all(bought).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 2, "{answers:?}");
        for answer in answers.into_iter().filter(|answer| answer.status != 201) {
            let stale = answer.problem("stale-quote");
            assert!(stale["cart"]["due"].as_i64().unwrap() > 0, "{stale}");
        }
        assert_eq!(till.balance(&card).await, 5000 - 2 * 1740);
        audit(&app).await;
    }
}

api_test! {
    /// Two cards in either order: nobody waits for another in a circle.
    async fn cards_in_either_order_do_not_wait_in_a_circle(app: App) {
        let till = Till::of(&app).await;
        let (one, other) = (till.card(1000).await, till.card(1500).await);
        let orders = [[&one, &other], [&other, &one]];
        let carts = join_all((0..32).map(|number| with_cards(&app, &orders[number % 2]))).await;
        let answers = join_all(carts.iter().map(|(shopper, cart)| check_out(shopper, cart, ""))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "{answers:?}");
        assert_eq!(till.balance(&one).await + till.balance(&other).await, 2500 - 1740);
        audit(&app).await;
    }
}

api_test! {
    /// Staff takes from a card while it pays: it never falls below zero.
    async fn adjustments_against_checkouts(app: App) {
        let till = Till::of(&app).await;
        let card = till.card(8 * 1740).await;
        let cards = [&card];
        let carts = join_all((0..8).map(|_| with_cards(&app, &cards))).await;
        let path = format!("gift-cards/{}/adjustments", card.id);
        let body = json!({ "amount": -1740, "reason": "x" });
        let taken = (0..8).map(|_| till.send(Method::POST, &path, Some(body.clone())));
        let bought = carts.iter().map(|(shopper, cart)| check_out(shopper, cart, ""));
        let (taken, bought) = tokio::join!(join_all(taken), join_all(bought));
        let done = taken.iter().chain(&bought).filter(|answer| answer.status == 201).count();
        assert_eq!((done, till.balance(&card).await), (8, 0), "{taken:?} {bought:?}");
        audit(&app).await;
    }
}
