//! Notes and attributes of carts and lines, up to the order.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::shopper::Shopper;

fn line(sku: &str, quantity: u32, attributes: Value) -> Option<Value> {
    Some(json!({ "sku": sku, "quantity": quantity, "attributes": attributes }))
}

api_test! {
    async fn the_same_variant_with_other_attributes_is_another_line(app: App) {
        let shopper = Shopper::guest(&app).await;
        let ada = json!({ "engraving": "Ada", "colour-2": "red" });
        shopper.send(Method::POST, "/lines", line("POT-GLASS-1L", 2, ada.clone())).await.expect(200);
        shopper.send(Method::POST, "/lines", line("POT-GLASS-1L", 3, json!({ "engraving": "Bob" }))).await.expect(200);
        shopper.add("POT-GLASS-1L", 1).await.expect(200);
        let cart = shopper.send(Method::POST, "/lines", line("POT-GLASS-1L", 4, ada.clone())).await.expect(200);
        let lines = cart["lines"].as_array().unwrap();
        let quantities: Vec<_> = lines.iter().map(|line| line["quantity"].as_u64().unwrap()).collect();
        assert_eq!(quantities, [6, 3, 1], "{cart}");
        assert_eq!(lines[0]["attributes"], ada);
        assert_eq!(lines[2]["attributes"], json!({}));
        // Twelve are there, ten are wanted: what the lines want together counts.
        let last = format!("/lines/{}", lines[2]["id"].as_str().unwrap());
        let problem = shopper.send(Method::PATCH, &last, Some(json!({ "quantity": 4 }))).await.problem("insufficient-stock");
        assert_eq!(problem["lines"], json!([{ "sku": "POT-GLASS-1L", "wanted": 4, "available": 3 }]));
        shopper.send(Method::PATCH, &last, Some(json!({ "quantity": 3 }))).await.expect(200);
        let more = shopper.send(Method::POST, "/lines", line("POT-GLASS-1L", 1, json!({ "engraving": "Eve" }))).await;
        more.problem("insufficient-stock");
        assert_eq!(shopper.show().await["lines"].as_array().unwrap().len(), 3);
    }
}

api_test! {
    async fn notes_and_attributes_reach_the_plugin_the_order_and_its_event(app: App) {
        let shopper = Shopper::guest(&app).await;
        let body = json!({
            "sku": "TEA-SENCHA-100", "quantity": 1, "note": " as a gift ", "attributes": { "ribbon": "green" }
        });
        shopper.send(Method::POST, "/lines", Some(body)).await.expect(200);
        // A line that is joined keeps its note, until there is another one.
        shopper.send(Method::POST, "/lines", line("TEA-SENCHA-100", 1, json!({ "ribbon": "green" }))).await.expect(200);
        shopper.prepare("TEA-EARL-GREY-100", 1).await;
        let words = json!({ "note": "please ring twice\nand wait", "attributes": { "heard-of-us": "Bob" } });
        shopper.send(Method::PATCH, "", Some(words)).await.expect(200);
        let cart = shopper.send(Method::PATCH, "", Some(json!({ "attributes": { "heard-of-us": "Eve" } }))).await.expect(200);
        assert_eq!(cart["note"], "please ring twice\nand wait", "what is left out stays");
        assert_eq!(cart["lines"][0]["note"], "as a gift");
        let order = shopper.check_out("tok-approve").await.expect(201);
        assert_eq!(order["note"], cart["note"]);
        assert_eq!(order["attributes"], json!({ "heard-of-us": "Eve" }));
        assert_eq!((&order["lines"][0]["note"], &order["lines"][0]["quantity"]), (&json!("as a gift"), &json!(2)));
        assert_eq!(order["lines"][0]["attributes"], json!({ "ribbon": "green" }));
        assert_eq!((&order["lines"][1]["note"], &order["lines"][1]["attributes"]), (&json!(""), &json!({})));
        let path = format!("/v1/admin/orders/{}/receipt", order["id"].as_str().unwrap());
        let receipt = app.send(Method::GET, &path, Some(&app.merchant().await), None).await.expect(200);
        let heard = &receipt[0]["input"];
        assert_eq!(heard["attributes"], json!([["shopper-heard-of-us", "Eve"]]), "{heard}");
        assert_eq!(heard["lines"][0]["attributes"], json!([["shopper-ribbon", "green"]]));
        let mut conn = app.shop.db().read().await.unwrap();
        let (data,) = kassa::db::sql::one!(conn, (String,), "select data from events where kind = 'order.placed'").unwrap();
        let data: Value = serde_json::from_str(&data).unwrap();
        assert_eq!((&data["note"], &data["attributes"]), (&order["note"], &order["attributes"]));
        assert_eq!(data["lines"][0]["attributes"], order["lines"][0]["attributes"]);
    }
}

api_test! {
    async fn what_a_shopper_may_say_has_limits(app: App) {
        let app = app.another(|config| config.carts.max_attributes = 2).await;
        let shopper = Shopper::guest(&app).await;
        let pointer = |problem: Value| problem["errors"][0]["pointer"].as_str().unwrap().to_owned();
        for (attributes, expected) in [
            (json!({ "Engraving": "x" }), "/attributes/Engraving"),
            (json!({ "": "x" }), "/attributes/"),
            (json!({ "a/b": "x" }), "/attributes/a~1b"),
            (json!({ "a": "" }), "/attributes/a"),
            (json!({ "a": "x".repeat(501) }), "/attributes/a"),
            (json!({ "a": "\u{7}" }), "/attributes/a"),
            (json!({ "a": 1 }), "/attributes/a"),
            (json!({ "a": "1", "b": "2", "c": "3" }), "/attributes"),
        ] {
            let answer = shopper.send(Method::POST, "/lines", line("TEA-SENCHA-100", 1, attributes.clone())).await;
            assert_eq!(pointer(answer.problem("invalid-request")), expected, "a line with {attributes}");
            let answer = shopper.send(Method::PATCH, "", Some(json!({ "attributes": attributes }))).await;
            assert_eq!(pointer(answer.problem("invalid-request")), expected, "a cart with {attributes}");
        }
        let long = Some(json!({ "note": "x".repeat(1_001) }));
        assert_eq!(pointer(shopper.send(Method::PATCH, "", long).await.problem("invalid-request")), "/note");
        shopper.send(Method::PATCH, "", Some(json!({}))).await.expect(200);
        let cart = shopper.show().await;
        assert_eq!((&cart["attributes"], &cart["note"], &cart["lines"]), (&json!({}), &json!(""), &json!([])));
        let longest = json!({ "attributes": { "a": "ä".repeat(500), "b".repeat(64): "x" }, "note": "ß".repeat(1_000) });
        shopper.send(Method::PATCH, "", Some(longest)).await.expect(200);
        app.stopper().stop().await;
    }
}
