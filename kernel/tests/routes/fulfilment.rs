//! Shipments: split, booked, followed, collected.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::audit::audit;
use crate::support::shopper::Shopper;
use crate::support::stock::{self, numbers, told};

/// Staff with a paid order in front of them.
pub struct Packer<'a> {
    pub app: &'a App,
    pub token: String,
    pub order: Value,
}

impl<'a> Packer<'a> {
    /// Of goods in these quantities, delivered by the first option.
    pub async fn of(app: &'a App, goods: &[(&str, u32)]) -> Self {
        let shopper = Shopper::guest(app).await;
        for (sku, quantity) in &goods[1..] {
            shopper.add(sku, *quantity).await.expect(200);
        }
        shopper.prepare(goods[0].0, goods[0].1).await;
        Self { app, token: app.merchant().await, order: shopper.check_out("tok-approve").await.expect(201) }
    }

    /// Of an order that is collected.
    pub async fn collecting(app: &'a App, sku: &str, quantity: u32) -> Self {
        let shopper = Shopper::ready(app, sku, quantity).await;
        shopper.put("delivery-option", json!({ "id": "delivery-rates:pickup" })).await.expect(200);
        Self { app, token: app.merchant().await, order: shopper.check_out("tok-approve").await.expect(201) }
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let body = (!body.is_null()).then_some(body);
        self.app.send(method, &format!("/v1/admin/{path}"), Some(&self.token), body).await
    }

    pub async fn on_order(&self, rest: &str, body: Value) -> Answer {
        self.send(Method::POST, &format!("orders/{}/{rest}", self.order["id"].as_str().unwrap()), body).await
    }

    pub async fn plan(&self, body: Value) -> Value {
        self.on_order("shipments", body).await.expect(201)
    }

    pub async fn on(&self, shipment: &Value, rest: &str, body: Value) -> Answer {
        self.send(Method::POST, &format!("shipments/{}/{rest}", shipment["id"].as_str().unwrap()), body).await
    }

    pub async fn look(&self, shipment: &Value) -> Value {
        self.send(Method::GET, &format!("shipments/{}", shipment["id"].as_str().unwrap()), json!(null))
            .await
            .expect(200)
    }

    /// The id of a new location that serves last.
    pub async fn location(&self, name: &str) -> String {
        let made = self.send(Method::POST, "locations", json!({ "name": name, "priority": 9 })).await.expect(201);
        made["id"].as_str().unwrap().to_owned()
    }

    /// The order, as its owner sees it.
    pub async fn seen(&self) -> Value {
        self.app.get(&format!("/v1/orders/{}", self.order["id"].as_str().unwrap())).await.expect(200)
    }

    pub async fn stands(&self) -> (String, String) {
        let order = self.seen().await;
        let text = |name: &str| order[name].as_str().unwrap().to_owned();
        (text("status"), text("fulfilment"))
    }

    /// Puts delivery-rates in force with the demo's rates and this simulated carrier; without one at `null`.
    pub async fn bind(&self, simulation: Value) {
        let bound = self.send(Method::GET, "bindings/delivery", json!(null)).await.expect(200);
        let plugin = &bound["plugins"][0];
        let mut settings = plugin["settings"].clone();
        settings.as_object_mut().unwrap().remove("simulation");
        if !simulation.is_null() {
            settings["simulation"] = simulation;
        }
        let plugins = json!({ "plugins": [{ "name": plugin["name"], "settings": settings }] });
        self.send(Method::PUT, "bindings/delivery", plugins).await.expect(200);
    }
}

pub fn stands(status: &str, fulfilment: &str) -> (String, String) {
    (status.to_owned(), fulfilment.to_owned())
}

fn statuses(shipment: &Value) -> Vec<&str> {
    shipment["events"].as_array().unwrap().iter().map(|event| event["status"].as_str().unwrap()).collect()
}

api_test! {
    /// Two lines in two shipments: the order follows its goods, and the stock falls when they leave.
    async fn an_order_is_sent_in_parts(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 2), ("GRINDER-HAND", 1)]).await;
        assert_eq!(packer.stands().await, stands("paid", "unfulfilled"));
        let lines = packer.order["lines"].as_array().unwrap();
        let pot = lines.iter().position(|line| line["sku"] == "POT-GLASS-1L").unwrap();
        let first = packer.plan(json!({ "lines": [{ "line": pot, "quantity": 1 }], "tracking_number": "JD01",
                                        "tracking_url": "https://track.example/JD01" })).await;
        assert_eq!((&first["number"], &first["kind"], &first["status"]), (&json!(1), &json!("carriage"), &json!("pending")));
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (12, 2, 0, 10), "it is planned, and here");
        packer.on(&first, "deliver", json!(null)).await.problem("shipment-state");
        packer.on(&first, "dispatch", json!(null)).await.expect(200);
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (11, 1, 0, 10));
        assert_eq!(packer.stands().await, stands("paid", "partial"));
        packer.on(&first, "dispatch", json!(null)).await.problem("shipment-state");
        packer.on(&first, "cancel", json!(null)).await.problem("shipment-state");
        let seen = packer.seen().await;
        assert_eq!(seen["shipments"][0]["tracking_number"], "JD01");
        assert_eq!(seen["lines"][pot]["shipped"], 1);
        assert!(seen["shipments"][0].get("reference").is_none(), "the carrier's name of it is the shop's affair");

        let beyond = packer.on_order("shipments", json!({ "lines": [{ "line": pot, "quantity": 2 }] })).await;
        assert_eq!(beyond.problem("pieces-exceeded")["available"], 1);
        let rest = packer.plan(json!({})).await;
        assert_eq!(rest["lines"].as_array().unwrap().len(), 2, "one pot and the grinder");
        assert_eq!(packer.on_order("shipments", json!({})).await.problem("pieces-exceeded")["available"], 0);
        packer.on(&rest, "dispatch", json!(null)).await.expect(200);
        assert_eq!(packer.stands().await, stands("shipped", "fulfilled"));
        packer.on(&first, "deliver", json!(null)).await.expect(200);
        assert_eq!(packer.stands().await, stands("shipped", "fulfilled"));
        packer.on(&rest, "deliver", json!(null)).await.expect(200);
        assert_eq!(packer.stands().await, stands("delivered", "fulfilled"));
        for (kind, count) in [("shipment.created", 2), ("order.shipped", 2), ("shipment.delivered", 2), ("order.delivered", 1)] {
            assert_eq!(told(&app, kind).await, count, "{kind}");
        }
        let mail = || async { app.mails().into_iter().find(|mail| mail.contains("JD01")) };
        app.eventually("the mail with the tracking number", mail).await;
        audit(&app).await;
        stock::audit(&app).await;
    }
}

api_test! {
    /// Calling an order off works until shipping begins, and takes plans with it.
    async fn an_order_is_called_off_until_shipping_begins(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 2)]).await;
        let planned = packer.plan(json!({ "lines": [{ "line": 0, "quantity": 1 }] })).await;
        let cancel = format!("/v1/orders/{}/cancel", packer.order["id"].as_str().unwrap());
        app.post(&cancel, json!({})).await.expect(200);
        assert_eq!(packer.look(&planned).await["status"], "cancelled");
        packer.on(&planned, "dispatch", json!(null)).await.problem("shipment-state");
        packer.on_order("shipments", json!({})).await.problem("order-state");
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (12, 0, 0, 12));

        let packer = Packer { order: Shopper::ready(&app, "POT-GLASS-1L", 2).await.check_out("tok-approve").await.expect(201), ..packer };
        let cancel = format!("/v1/orders/{}/cancel", packer.order["id"].as_str().unwrap());
        let part = packer.plan(json!({ "lines": [{ "line": 0, "quantity": 1 }] })).await;
        packer.on(&part, "dispatch", json!(null)).await.expect(200);
        assert_eq!(app.post(&cancel, json!({})).await.problem("order-state")["shipping_begun"], true);
        packer.on_order("cancel", json!(null)).await.problem("order-state");
        assert_eq!(packer.stands().await, stands("paid", "partial"));
        audit(&app).await;
    }
}

api_test! {
    async fn a_shipment_that_makes_no_sense_is_refused(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 1)]).await;
        let nowhere = "00000000-0000-7000-8000-0000000000ff";
        for (body, pointer) in [
            (json!({ "lines": [] }), "/lines"),
            (json!({ "lines": [{ "line": 0, "quantity": 0 }] }), "/lines/0/quantity"),
            (json!({ "lines": [{ "line": 0, "quantity": 1 }, { "line": 0, "quantity": 1 }] }), "/lines"),
            (json!({ "lines": [{ "line": 1, "quantity": 1 }] }), "/lines"),
            (json!({ "tracking_url": "javascript:alert(1)" }), "/tracking_url"),
            (json!({ "tracking_number": "x".repeat(101) }), "/tracking_number"),
            (json!({ "location_id": nowhere }), "/location_id"),
            (json!({ "weight": 1 }), "/weight"),
        ] {
            let problem = packer.on_order("shipments", body.clone()).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
        let unpaid = Shopper::ready(&app, "POT-GLASS-1L", 1).await.check_out("tok-requires-action").await.expect(201);
        let unpaid = Packer { order: unpaid, ..packer };
        assert_eq!(unpaid.on_order("shipments", json!({})).await.problem("order-state")["order_status"], "new");
        unpaid.on_order("ship", json!(null)).await.problem("order-state");
        assert_eq!(unpaid.seen().await["shipments"], json!([]));
    }
}

api_test! {
    /// Goods leave from where the shipment says, even if they were set aside elsewhere.
    async fn goods_leave_from_the_location_of_their_shipment(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 2)]).await;
        let far = packer.location("Far").await;
        let shipment = packer.plan(json!({ "location_id": far })).await;
        packer.on(&shipment, "dispatch", json!(null)).await.problem("insufficient-stock");
        let level = format!("variants/{}/stock/{far}", stock::variant(&app, "POT-GLASS-1L").await);
        packer.send(Method::PUT, &level, json!({ "on_hand": 5 })).await.expect(200);
        packer.on(&shipment, "dispatch", json!(null)).await.expect(200);
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (15, 0, 0, 15));
        let moved = json!({ "location_id": null });
        let path = format!("shipments/{}", shipment["id"].as_str().unwrap());
        packer.send(Method::PATCH, &path, moved).await.problem("shipment-state");
        let followed = packer.send(Method::PATCH, &path, json!({ "tracking_number": "JD02" })).await.expect(200);
        assert_eq!((&followed["tracking_number"], &followed["location_id"]), (&json!("JD02"), &json!(far)));
        audit(&app).await;
        stock::audit(&app).await;
    }
}

api_test! {
    /// What is collected is on hand until it is; nobody books a carrier for it.
    async fn goods_are_collected(app: App) {
        let packer = Packer::collecting(&app, "POT-GLASS-1L", 2).await;
        packer.on_order("shipments", json!({ "book": true })).await.problem("shipment-state");
        let shipment = packer.plan(json!({})).await;
        assert_eq!(shipment["kind"], "pickup");
        packer.on(&shipment, "dispatch", json!(null)).await.problem("shipment-state");
        packer.on(&shipment, "book", json!(null)).await.problem("shipment-state");
        // Not where nobody hands it out.
        let (far, path) = (packer.location("Far").await, format!("shipments/{}", shipment["id"].as_str().unwrap()));
        let at = |location: &str| json!({ "location_id": location });
        packer.send(Method::PATCH, &path, at(&far)).await.expect(200);
        packer.on(&shipment, "ready", json!(null)).await.problem("pickup-unavailable");
        assert_eq!(app.get("/v1/pickup-locations").await.expect(200), json!([]));
        let address = json!({ "name": "Tea & Sons", "street": "Torstraße 1", "city": "Berlin", "postcode": "10119", "country": "DE" });
        let main = format!("locations/{}", stock::MAIN);
        packer.send(Method::PATCH, &main, json!({ "pickup": true, "address": address })).await.expect(200);
        let places = app.get("/v1/pickup-locations").await.expect(200);
        assert_eq!((&places[0]["id"], &places[0]["address"]["city"], places.as_array().unwrap().len()), (&json!(stock::MAIN), &json!("Berlin"), 1));
        packer.send(Method::PATCH, &path, at(stock::MAIN)).await.expect(200);
        assert_eq!(packer.on(&shipment, "ready", json!(null)).await.expect(200)["status"], "ready_for_pickup");
        packer.send(Method::PATCH, &path, at(&far)).await.problem("pickup-unavailable");
        assert_eq!(packer.stands().await, stands("paid", "unfulfilled"));
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (12, 2, 0, 10));
        let mail = || async { app.mails().into_iter().find(|mail| mail.contains("ready")) };
        app.eventually("the mail that it is ready", mail).await;
        let shipment = packer.on(&shipment, "deliver", json!(null)).await.expect(200);
        assert_eq!(statuses(&shipment), ["ready_for_pickup", "delivered"]);
        assert_eq!(packer.stands().await, stands("delivered", "fulfilled"));
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (10, 0, 0, 10));

        // In one go; and one that nobody came for.
        let packer = Packer::collecting(&app, "POT-GLASS-1L", 1).await;
        assert_eq!(packer.on_order("ship", json!(null)).await.expect(200)["status"], "paid");
        assert_eq!(packer.on_order("deliver", json!(null)).await.expect(200)["status"], "delivered");
        let packer = Packer::collecting(&app, "POT-GLASS-1L", 1).await;
        packer.on_order("ship", json!(null)).await.expect(200);
        assert_eq!(packer.on_order("cancel", json!(null)).await.expect(200)["status"], "cancelled");
        audit(&app).await;
    }
}

api_test! {
    /// The carrier is booked once, and what it tells moves the shipment and the order.
    async fn a_carrier_is_booked_and_followed_to_the_door(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 2)]).await;
        let url = "https://track.example/{number}";
        packer.bind(json!({ "in_transit_after_seconds": 0, "delivered_after_seconds": 1, "tracking_url": url })).await;
        let shipment = packer.plan(json!({ "book": true })).await;
        assert_eq!((&shipment["status"], &shipment["carrier"]["status"]), (&json!("booked"), &json!("done")));
        let number = shipment["tracking_number"].as_str().unwrap();
        assert!(number.starts_with("SIM"), "{number}");
        assert_eq!(shipment["tracking_url"], url.replace("{number}", number));
        packer.on(&shipment, "book", json!(null)).await.problem("shipment-state");
        let arrived = || async { (packer.seen().await["status"] == "delivered").then_some(()) };
        app.eventually("the shipment arrives", arrived).await;
        let shipment = packer.look(&shipment).await;
        assert_eq!(statuses(&shipment), ["booked", "in_transit", "delivered"], "each is told once: {shipment}");
        assert_eq!(shipment["events"][1]["source"], "carrier");
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (10, 0, 0, 10));
        assert_eq!((told(&app, "order.shipped").await, told(&app, "shipment.delivered").await), (1, 1));
        audit(&app).await;
    }
}

api_test! {
    /// A carrier that is down is asked again under the same key; until its answer is known nothing else happens.
    async fn a_booking_whose_answer_is_lost_is_asked_for_again(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 1)]).await;
        packer.bind(json!({ "down": true })).await;
        let shipment = packer.plan(json!({ "book": true })).await;
        assert_eq!((&shipment["status"], &shipment["carrier"]["status"]), (&json!("pending"), &json!("begun")));
        for rest in ["dispatch", "book", "cancel"] {
            packer.on(&shipment, rest, json!(null)).await.problem("shipment-state");
        }
        packer.on_order("cancel", json!(null)).await.problem("order-state");
        packer.bind(json!({})).await;
        let booked = || async { Some(packer.look(&shipment).await).filter(|shipment| shipment["status"] == "booked") };
        let booked = app.eventually("the booking", booked).await;
        assert_eq!(booked["carrier"], json!({ "kind": "book", "status": "done", "note": "" }));
        // The order is not called off while a carrier is on its way, and can be when that is.
        packer.on_order("cancel", json!(null)).await.problem("order-state");
        assert_eq!(packer.on(&shipment, "cancel", json!(null)).await.expect(200)["status"], "cancelled");
        packer.on_order("cancel", json!(null)).await.expect(200);
        audit(&app).await;
    }
}

api_test! {
    async fn a_carrier_that_will_not_is_told_to_staff(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 2)]).await;
        packer.bind(json!({ "in_transit_after_seconds": 0, "delivered_after_seconds": 3600 })).await;
        let shipment = packer.plan(json!({ "lines": [{ "line": 0, "quantity": 1 }], "book": true })).await;
        let late = packer.on(&shipment, "cancel", json!(null)).await.problem("shipment-state");
        assert!(late["reason"] == "too-late" || late["shipment_status"] == "in_transit", "{late}");
        // Without a carrier behind the plugin, staff ships by hand.
        packer.bind(json!(null)).await;
        let by_hand = packer.plan(json!({ "book": true })).await;
        assert_eq!((&by_hand["status"], &by_hand["carrier"]["note"]), (&json!("pending"), &json!("unsupported")));
        packer.on(&by_hand, "dispatch", json!(null)).await.expect(200);
        let wrong = json!({ "status": "lost" });
        packer.on(&by_hand, "tracking-events", wrong).await.problem("invalid-request");
        let note = json!({ "status": "note", "text": "the driver called" });
        let noted = packer.on(&by_hand, "tracking-events", note).await.expect(201);
        assert_eq!((&noted["status"], statuses(&noted)), (&json!("in_transit"), vec!["in_transit", "note"]));
        let back = json!({ "status": "returned", "at": "2026-01-02T03:04:05.123456789Z" });
        assert_eq!(packer.on(&by_hand, "tracking-events", back).await.expect(201)["status"], "returned");
        packer.on(&by_hand, "tracking-events", json!({ "status": "delivered" })).await.problem("shipment-state");
        let far = json!({ "status": "note", "at": "2999-01-01T00:00:00Z" });
        packer.on(&by_hand, "tracking-events", far).await.problem("invalid-request");
        audit(&app).await;
    }
}

api_test! {
    async fn shipments_are_listed_by_status(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 3)]).await;
        let mut made = Vec::new();
        for _ in 0..3 {
            made.push(packer.plan(json!({ "lines": [{ "line": 0, "quantity": 1 }] })).await);
        }
        packer.on(&made[1], "dispatch", json!(null)).await.expect(200);
        let list = |query: &str| {
            let (packer, path) = (&packer, format!("shipments{query}"));
            async move { packer.send(Method::GET, &path, json!(null)).await }
        };
        let ids = |page: &Value| -> Vec<Value> {
            page["items"].as_array().unwrap().iter().map(|shipment| shipment["number"].clone()).collect()
        };
        let (first, all) = (list("?limit=2").await.expect(200), list("").await.expect(200));
        assert_eq!((ids(&first), ids(&all)), (vec![json!(3), json!(2)], vec![json!(3), json!(2), json!(1)]));
        let next = list(&format!("?limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await.expect(200);
        assert_eq!((ids(&next), &next["next_cursor"]), (vec![json!(1)], &json!(null)));
        assert_eq!(ids(&list("?status=pending").await.expect(200)), [json!(3), json!(1)]);
        assert_eq!(list("?status=lost").await.problem("invalid-request")["errors"][0]["pointer"], "status");
        let of_order = format!("orders/{}/shipments", packer.order["id"].as_str().unwrap());
        let of_order = packer.send(Method::GET, &of_order, json!(null)).await;
        assert_eq!(of_order.expect(200).as_array().unwrap().len(), 3);
    }
}

api_test! {
    /// Weight, country and stock: staff reads why an option is missing, shoppers see what there is.
    async fn delivery_options_explain_themselves_to_staff(app: App) {
        let token = app.merchant().await;
        let shopper = Shopper::guest(&app).await;
        let explain = async || {
            let path = format!("/v1/admin/carts/{}/delivery-options", shopper.cart);
            let answer = app.send(Method::GET, &path, Some(&token), None).await.expect(200);
            let refusals = answer["refusals"].as_array().unwrap().iter();
            let refusals: Vec<_> = refusals.map(|of| (of["plugin"].clone(), of["code"].clone(), of["reason"].clone())).collect();
            (answer["options"].as_array().unwrap().len(), refusals)
        };
        let codes = |refusals: &[(Value, Value, Value)]| refusals.iter().map(|(_, code, _)| code.clone()).collect::<Vec<_>>();
        let (options, refusals) = explain().await;
        assert_eq!((options, codes(&refusals)), (0, vec![json!("empty"), json!("address")]));
        shopper.prepare("POT-GLASS-1L", 1).await;
        assert_eq!(explain().await, (3, vec![]));
        app.send(Method::GET, &format!("/v1/carts/{}/delivery-options", shopper.cart), None, None).await.expect(200);

        // 30 kg are too heavy for the express delivery.
        let path = format!("/v1/admin/variants/{}", stock::variant(&app, "POT-GLASS-1L").await);
        app.send(Method::PATCH, &path, Some(&token), Some(json!({ "weight_grams": 30_000 }))).await.expect(200);
        let heavy = (json!("delivery-rates"), json!("express"), json!("heavier than 20 kg"));
        assert_eq!(explain().await, (2, vec![heavy]));
        app.send(Method::PATCH, &path, Some(&token), Some(json!({ "weight_grams": 0 }))).await.expect(200);
        assert_eq!(codes(&explain().await.1), [json!("weight-unknown")]);
        // Somebody else buys the rest.
        Shopper::ready(&app, "POT-GLASS-1L", 12).await.check_out("tok-approve").await.expect(201);
        assert_eq!(codes(&explain().await.1), [json!("stock"), json!("weight-unknown")]);
        let nobody = "/v1/admin/carts/00000000-0000-4000-8000-000000000000/delivery-options";
        app.send(Method::GET, nobody, Some(&token), None).await.problem("not-found");
    }
}
