//! Reviews of products.

use futures_util::future::join_all;
use kassa::db::sql;
use kassa::{catalog, reviews};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::merchant::{Merchant, pointers};
use crate::support::shopper::Shopper;

const SENCHA: &str = "/v1/products/sencha/reviews";

/// A customer of this name.
async fn customer(app: &App, name: &str) -> String {
    let token = app.customer(&format!("{}@example.org", name.replace(' ', "."))).await;
    app.send(Method::PATCH, "/v1/me", Some(&token), Some(json!({ "name": name }))).await.expect(200);
    token
}

async fn write(app: &App, token: &str, rating: i64) -> Answer {
    let body = json!({ "rating": rating, "title": " Good ", "body": "Tea.\nGreen." });
    app.send(Method::POST, SENCHA, Some(token), Some(body)).await
}

/// Writes a review and publishes it; its id.
async fn published(merchant: &Merchant<'_>, name: &str, rating: i64) -> String {
    let token = customer(merchant.app, name).await;
    let made = write(merchant.app, &token, rating).await.expect(201);
    let id = made["id"].as_str().expect("an id").to_owned();
    merchant.post(&format!("/v1/admin/reviews/{id}/publish"), json!({})).await.expect(200);
    id
}

/// Rating and count, on the page and in the list, which must agree.
async fn rating(app: &App) -> (Value, Value) {
    let page = app.get("/v1/products/sencha").await.expect(200);
    let list = app.get("/v1/products?limit=100").await.expect(200);
    let listed = list["items"].as_array().expect("items").iter().find(|item| item["slug"] == "sencha").expect("sencha");
    assert_eq!((&page["rating"], &page["review_count"]), (&listed["rating"], &listed["review_count"]));
    (page["rating"].clone(), page["review_count"].clone())
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().expect("items").iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

async fn created_events(app: &App) -> i64 {
    let mut conn = app.shop.db().read().await.expect("a connection");
    let row = sql::one!(conn, (i64,), "select count(*) from events where kind = 'review.created'");
    row.expect("counted").0
}

api_test! {
    async fn a_review_is_seen_and_counted_once_it_is_published(app: App) {
        let merchant = Merchant::of(&app).await;
        let ada = customer(&app, "Ada King Lovelace").await;
        app.post(SENCHA, json!({ "rating": 5 })).await.problem("unauthenticated");
        let answer = write(&app, &ada, 5).await;
        let location = answer.headers["location"].to_str().expect("a path").to_owned();
        let made = answer.expect(201);
        assert_eq!((&made["status"], &made["author"], &made["title"]), (&json!("pending"), &json!("Ada L."), &json!("Good")));
        assert_eq!(made["verified"], false);
        assert_eq!(app.send(Method::GET, &location, Some(&ada), None).await.expect(200), made);
        write(&app, &ada, 1).await.problem("review-exists");
        assert_eq!(created_events(&app).await, 1);
        let seen = app.get(SENCHA).await.expect(200);
        assert_eq!((&seen["items"], &seen["summary"]["rating"]), (&json!([]), &json!(null)));
        assert_eq!(rating(&app).await, (json!(null), json!(0)));

        let waiting = merchant.get("/v1/admin/reviews?status=pending").await.expect(200);
        assert_eq!(ids(&waiting), [made["id"].as_str().expect("an id")]);
        assert_eq!(merchant.get("/v1/admin/reviews?status=published").await.expect(200)["items"], json!([]));
        let path = format!("/v1/admin/reviews/{}", made["id"].as_str().expect("an id"));
        let publish = format!("{path}/publish");
        merchant.send_if(Method::POST, &publish, "\"2\"", json!({})).await.problem("precondition-failed");
        let now = merchant.send_if(Method::POST, &publish, "\"1\"", json!({})).await.expect(200);
        assert_eq!(now["status"], "published");
        published(&merchant, "Bob", 2).await;
        published(&merchant, "Eve Adams", 4).await;
        // 11 stars of three.
        assert_eq!(rating(&app).await, (json!(367), json!(3)));
        let seen = app.get(SENCHA).await.expect(200);
        let stars: Vec<_> = seen["summary"]["stars"].as_array().expect("stars").iter().map(|stars| &stars["reviews"]).collect();
        assert_eq!(stars, [1, 1, 0, 1, 0]);
        assert_eq!((&seen["summary"]["rating"], &seen["summary"]["reviews"]), (&json!(367), &json!(3)));
        let shown = &seen["items"][2];
        assert_eq!((&shown["author"], &shown["body"]), (&json!("Ada L."), &json!("Tea.\nGreen.")));
        for secret in ["customer_id", "status", "reason"] {
            assert!(shown.get(secret).is_none(), "{secret}");
        }

        let rejected = merchant.post(&format!("{path}/reject"), json!({ "reason": " Spam " })).await.expect(200);
        assert_eq!((&rejected["status"], &rejected["reason"]), (&json!("rejected"), &json!("Spam")));
        assert_eq!(rating(&app).await, (json!(300), json!(2)));
        assert_eq!(app.send(Method::GET, &location, Some(&ada), None).await.expect(200)["reason"], "Spam");
        merchant.post(&format!("{path}/reject"), json!({ "reason": " " })).await.problem("invalid-request");
        assert_eq!(merchant.delete(&path).await.status, 204);
        merchant.get(&path).await.problem("not-found");
        write(&app, &ada, 3).await.expect(201);
        assert_eq!(created_events(&app).await, 4);
    }
}

api_test! {
    async fn lists_are_filtered_and_sorted_by_the_rating(app: App) {
        let merchant = Merchant::of(&app).await;
        published(&merchant, "Ada", 4).await;
        let first = || async {
            let page = app.get("/v1/products?sort=rating&limit=1").await.expect(200);
            (page["items"][0]["slug"] == "sencha").then_some(())
        };
        app.eventually("the search has the rating", first).await;
        let slugs = |page: Value| page["items"].as_array().expect("items").len();
        assert_eq!(slugs(app.get("/v1/products?rating_min=4").await.expect(200)), 1);
        assert_eq!(slugs(app.get("/v1/products?rating_min=5").await.expect(200)), 0);
    }
}

api_test! {
    async fn wrong_reviews_are_refused(app: App) {
        let merchant = Merchant::of(&app).await;
        let ada = customer(&app, "Ada").await;
        for (body, at) in [
            (json!({ "rating": 0 }), "/rating"),
            (json!({ "rating": 6 }), "/rating"),
            (json!({ "title": "x" }), ""),
            (json!({ "rating": 5, "title": "two\nlines" }), "/title"),
            (json!({ "rating": 5, "title": "x".repeat(151) }), "/title"),
            (json!({ "rating": 5, "body": "x".repeat(5_001) }), "/body"),
            (json!({ "rating": 5, "verified": true }), "/verified"),
        ] {
            let refused = app.send(Method::POST, SENCHA, Some(&ada), Some(body.clone())).await.problem("invalid-request");
            assert_eq!(pointers(&refused), [at], "{body}");
        }
        let body = json!({ "rating": 5 });
        let nowhere = app.send(Method::POST, "/v1/products/no-such/reviews", Some(&ada), Some(body.clone())).await;
        nowhere.problem("not-found");
        merchant.post("/v1/admin/products", json!({ "title": "Draft" })).await.expect(201);
        app.send(Method::POST, "/v1/products/draft/reviews", Some(&ada), Some(body)).await.problem("not-found");
        app.get("/v1/products/draft/reviews").await.problem("not-found");
        app.get(&format!("{SENCHA}?rating=6")).await.problem("invalid-request");
        app.get(&format!("{SENCHA}?cursor=x")).await.problem("invalid-request");
        assert_eq!(created_events(&app).await, 0);
    }
}

api_test! {
    async fn what_its_author_changes_is_moderated_again(app: App) {
        let merchant = Merchant::of(&app).await;
        let (ada, eve) = (customer(&app, "Ada").await, customer(&app, "Eve").await);
        let made = write(&app, &ada, 5).await.expect(201);
        let id = made["id"].as_str().expect("an id");
        let (mine, admin) = (format!("/v1/me/reviews/{id}"), format!("/v1/admin/reviews/{id}"));
        merchant.post(&format!("{admin}/publish"), json!({})).await.expect(200);
        let reply = merchant.put(&format!("{admin}/reply"), json!({ "text": "Thanks!" })).await.expect(200);
        assert_eq!(reply["reply"]["text"], "Thanks!");
        assert_eq!(app.get(SENCHA).await.expect(200)["items"][0]["reply"]["text"], "Thanks!");
        let patch = async |token: &str, body: Value| app.send(Method::PATCH, &mine, Some(token), Some(body)).await;
        patch(&eve, json!({ "rating": 1 })).await.problem("not-found");
        app.send(Method::GET, &mine, Some(&eve), None).await.problem("not-found");
        app.send(Method::DELETE, &mine, Some(&eve), None).await.problem("not-found");
        assert_eq!(rating(&app).await, (json!(500), json!(1)));
        let changed = patch(&ada, json!({ "rating": 3 })).await.expect(200);
        assert_eq!((&changed["status"], &changed["rating"], &changed["title"]), (&json!("pending"), &json!(3), &json!("Good")));
        assert_eq!(rating(&app).await, (json!(null), json!(0)));
        merchant.send_if(Method::POST, &format!("{admin}/publish"), "\"1\"", json!({})).await.problem("precondition-failed");
        merchant.post(&format!("{admin}/publish"), json!({})).await.expect(200);
        assert_eq!(rating(&app).await, (json!(300), json!(1)));
        assert_eq!(merchant.delete(&format!("{admin}/reply")).await.status, 204);
        assert_eq!(app.get(SENCHA).await.expect(200)["items"][0]["reply"], json!(null));
        let all = app.send(Method::GET, "/v1/me/reviews", Some(&ada), None).await.expect(200);
        assert_eq!(ids(&all), [id]);
        assert_eq!(app.send(Method::DELETE, &mine, Some(&ada), None).await.status, 204);
        assert_eq!(rating(&app).await, (json!(null), json!(0)));
        app.send(Method::GET, &mine, Some(&ada), None).await.problem("not-found");
    }
}

api_test! {
    async fn a_shop_can_moderate_afterwards(app: App) {
        let app = app.another(|config| config.reviews.moderation = reviews::Moderation::After).await;
        let merchant = Merchant::of(&app).await;
        let ada = customer(&app, "Ada").await;
        let made = write(&app, &ada, 5).await.expect(201);
        assert_eq!(made["status"], "published");
        assert_eq!(rating(&app).await, (json!(500), json!(1)));
        let mine = format!("/v1/me/reviews/{}", made["id"].as_str().expect("an id"));
        let patch = async |rating: i64| {
            app.send(Method::PATCH, &mine, Some(&ada), Some(json!({ "rating": rating }))).await.expect(200)["status"].clone()
        };
        assert_eq!(patch(4).await, "published");
        assert_eq!(rating(&app).await, (json!(400), json!(1)));
        let reject = format!("/v1/admin/reviews/{}/reject", made["id"].as_str().expect("an id"));
        merchant.post(&reject, json!({ "reason": "Rude" })).await.expect(200);
        // Neither the first change nor a second one brings it back.
        assert_eq!((patch(5).await, patch(3).await), (json!("pending"), json!("pending")));
        assert_eq!(rating(&app).await, (json!(null), json!(0)));
        app.stopper().stop().await;
    }
}

api_test! {
    /// To take a rejected review back and to write it again is no way around the merchant.
    async fn what_was_refused_waits_when_it_comes_again(app: App) {
        let app = app.another(|config| config.reviews.moderation = reviews::Moderation::After).await;
        let merchant = Merchant::of(&app).await;
        let (ada, eve) = (customer(&app, "Ada").await, customer(&app, "Eve").await);
        let again = async |token: &str| {
            let all = app.send(Method::GET, "/v1/me/reviews", Some(token), None).await.expect(200);
            let mine = format!("/v1/me/reviews/{}", all["items"][0]["id"].as_str().expect("an id"));
            assert_eq!(app.send(Method::DELETE, &mine, Some(token), None).await.status, 204);
            write(&app, token, 5).await.expect(201)
        };
        let admin = |review: &Value, rest: &str| format!("/v1/admin/reviews/{}{rest}", review["id"].as_str().expect("an id"));
        let first = write(&app, &ada, 5).await.expect(201);
        merchant.post(&admin(&first, "/reject"), json!({ "reason": "Rude" })).await.expect(200);
        assert_eq!(again(&ada).await["status"], "pending");
        let third = again(&ada).await;
        assert_eq!((&third["status"], rating(&app).await), (&json!("pending"), (json!(null), json!(0))));
        // Until one is published.
        merchant.post(&admin(&third, "/publish"), json!({})).await.expect(200);
        let fourth = again(&ada).await;
        assert_eq!(fourth["status"], "published");
        // What the merchant takes away is looked at when it comes again.
        assert_eq!(merchant.delete(&admin(&fourth, "")).await.status, 204);
        assert_eq!(write(&app, &ada, 5).await.expect(201)["status"], "pending");
        assert_eq!(write(&app, &eve, 5).await.expect(201)["status"], "published", "somebody else's is not");
        app.stopper().stop().await;
    }
}

api_test! {
    async fn a_review_of_what_was_paid_is_verified(app: App) {
        let merchant = Merchant::of(&app).await;
        let (ada, eve) = (customer(&app, "Ada").await, customer(&app, "Eve").await);
        for (token, sku) in [(&ada, "TEA-SENCHA-100"), (&eve, "TEA-EARL-GREY-100")] {
            let shopper = Shopper::signed_in(&app, token).await;
            shopper.prepare(sku, 1).await;
            let order = shopper.check_out("tok-approve").await.expect(201);
            assert_eq!(order["status"], "paid");
        }
        for (token, verified) in [(&ada, true), (&eve, false)] {
            let made = write(&app, token, 4).await.expect(201);
            assert_eq!(made["verified"], verified);
            let path = format!("/v1/admin/reviews/{}/publish", made["id"].as_str().expect("an id"));
            merchant.post(&path, json!({})).await.expect(200);
        }
        assert_eq!(ids(&app.get(SENCHA).await.expect(200)).len(), 2);
        let verified = app.get(&format!("{SENCHA}?verified=true")).await.expect(200);
        assert_eq!((verified["items"].as_array().expect("items").len(), &verified["items"][0]["author"]), (1, &json!("Ada")));
        // Bought since: a change finds out, and a cancelled order does not count.
        let bob = customer(&app, "Bob").await;
        let shopper = Shopper::signed_in(&app, &bob).await;
        shopper.prepare("TEA-SENCHA-100", 1).await;
        let order = shopper.check_out("tok-approve").await.expect(201);
        let cancel = format!("/v1/orders/{}/cancel", order["id"].as_str().expect("an id"));
        app.send(Method::POST, &cancel, Some(&bob), Some(json!({}))).await.expect(200);
        let made = write(&app, &bob, 4).await.expect(201);
        assert_eq!(made["verified"], false);
        let shopper = Shopper::signed_in(&app, &bob).await;
        shopper.prepare("TEA-SENCHA-100", 1).await;
        shopper.check_out("tok-approve").await.expect(201);
        let mine = format!("/v1/me/reviews/{}", made["id"].as_str().expect("an id"));
        let changed = app.send(Method::PATCH, &mine, Some(&bob), Some(json!({ "rating": 5 }))).await.expect(200);
        assert_eq!(changed["verified"], true);
    }
}

api_test! {
    async fn votes_are_counted_once_for_each_customer(app: App) {
        let merchant = Merchant::of(&app).await;
        let old = published(&merchant, "Ada", 5).await;
        let new = published(&merchant, "Bob", 1).await;
        let voters = [customer(&app, "V One").await, customer(&app, "V Two").await, customer(&app, "V Three").await];
        let path = format!("/v1/reviews/{old}/vote");
        let vote = async |token: &str, helpful: bool| {
            app.send(Method::PUT, &path, Some(token), Some(json!({ "helpful": helpful }))).await.status
        };
        let counts = async || {
            let page = app.get(&format!("{SENCHA}?sort=helpful")).await.expect(200);
            let shown = page["items"].as_array().expect("items").iter().find(|item| item["id"] == old).expect("it").clone();
            (shown["helpful"].clone(), shown["unhelpful"].clone())
        };
        assert_eq!(join_all(voters.iter().map(|token| vote(token, true))).await, [204, 204, 204]);
        assert_eq!(counts().await, (json!(3), json!(0)));
        assert_eq!((vote(&voters[0], false).await, vote(&voters[1], true).await), (204, 204));
        assert_eq!(counts().await, (json!(2), json!(1)));
        assert_eq!(ids(&app.get(&format!("{SENCHA}?sort=helpful")).await.expect(200)), [old.clone(), new.clone()]);
        assert_eq!(ids(&app.get(SENCHA).await.expect(200)), [new.clone(), old.clone()]);
        for _ in 0..2 {
            assert_eq!(app.send(Method::DELETE, &path, Some(&voters[1]), None).await.status, 204);
        }
        assert_eq!(counts().await, (json!(1), json!(1)));
        let ada = app.log_in("Ada@example.org", "a long enough password").await;
        let body = Some(json!({ "helpful": true }));
        app.send(Method::PUT, &path, Some(&ada), body.clone()).await.problem("own-review");
        app.send(Method::PUT, &path, None, body.clone()).await.problem("unauthenticated");
        merchant.post(&format!("/v1/admin/reviews/{new}/reject"), json!({ "reason": "x" })).await.expect(200);
        app.send(Method::PUT, &format!("/v1/reviews/{new}/vote"), Some(&ada), body).await.problem("not-found");
    }
}

api_test! {
    async fn pages_have_no_gaps_in_any_order(app: App) {
        let merchant = Merchant::of(&app).await;
        for (index, rating) in [3, 5, 3, 1, 3].into_iter().enumerate() {
            published(&merchant, &format!("C {index}"), rating).await;
        }
        for (query, expected) in [
            ("sort=newest", vec![3, 1, 3, 5, 3]),
            ("sort=rating", vec![5, 3, 3, 3, 1]),
            ("sort=helpful", vec![3, 1, 3, 5, 3]),
            ("rating=3", vec![3, 3, 3]),
        ] {
            let (mut seen, mut ratings) = (Vec::new(), Vec::new());
            let mut path = format!("{SENCHA}?{query}&limit=2");
            loop {
                let page = app.get(&path).await.expect(200);
                seen.extend(ids(&page));
                ratings.extend(page["items"].as_array().expect("items").iter().map(|item| item["rating"].as_i64().expect("stars")));
                let Some(cursor) = page["next_cursor"].as_str() else { break };
                path = format!("{SENCHA}?{query}&limit=2&cursor={cursor}");
            }
            assert_eq!(ratings, expected, "{query}");
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), expected.len(), "{query}");
        }
        let first = app.get(&format!("{SENCHA}?limit=1")).await.expect(200);
        let cursor = first["next_cursor"].as_str().expect("a cursor");
        app.get(&format!("{SENCHA}?sort=rating&cursor={cursor}")).await.problem("invalid-request");
        let admin = merchant.get("/v1/admin/reviews?limit=3").await.expect(200);
        let cursor = admin["next_cursor"].as_str().expect("a cursor");
        assert_eq!(ids(&merchant.get(&format!("/v1/admin/reviews?cursor={cursor}")).await.expect(200)).len(), 2);
    }
}

api_test! {
    async fn those_who_write_and_decide_at_once_are_all_counted(app: App) {
        let merchant = Merchant::of(&app).await;
        let ada = customer(&app, "Ada").await;
        let twice = join_all([write(&app, &ada, 5), write(&app, &ada, 5)]).await;
        let mut statuses: Vec<_> = twice.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
        let mut made = vec![twice.into_iter().find(|answer| answer.status == 201).expect("one").expect(201)];
        for name in ["Bob", "Eve", "Joe", "Kim"] {
            let token = customer(&app, name).await;
            made.push(write(&app, &token, 4).await.expect(201));
        }
        let paths: Vec<_> =
            made.iter().map(|review| format!("/v1/admin/reviews/{}/publish", review["id"].as_str().expect("an id"))).collect();
        let decided = join_all(paths.iter().map(|path| merchant.post(path, json!({})))).await;
        assert!(decided.iter().all(|answer| answer.status == 200));
        assert_eq!(rating(&app).await, (json!(420), json!(5)));
    }
}

api_test! {
    async fn a_person_is_forgotten_with_what_they_wrote(app: App) {
        let merchant = Merchant::of(&app).await;
        let review = published(&merchant, "Ada", 1).await;
        published(&merchant, "Bob", 5).await;
        let ada = app.log_in("Ada@example.org", "a long enough password").await;
        let bobs = app.get(&format!("{SENCHA}?rating=5")).await.expect(200)["items"][0]["id"].as_str().expect("an id").to_owned();
        let body = Some(json!({ "helpful": true }));
        app.send(Method::PUT, &format!("/v1/reviews/{bobs}/vote"), Some(&ada), body).await;
        let author = merchant.get(&format!("/v1/admin/reviews/{review}")).await.expect(200);
        let customer_id = author["customer_id"].as_str().expect("an id").parse().expect("a UUID");
        let mut tx = app.shop.db().write().await.expect("a transaction");
        reviews::forget_person(&mut tx, customer_id).await.expect("forgotten");
        tx.commit().await.expect("committed");
        catalog::announce(&app.shop);
        assert_eq!(rating(&app).await, (json!(500), json!(1)));
        let left = app.get(SENCHA).await.expect(200);
        assert_eq!((ids(&left), &left["items"][0]["helpful"]), (vec![bobs], &json!(0)));
    }
}
