//! How much there can be of shipments, and what is said of those that are over.

use reqwest::Method;
use serde_json::json;

use super::fulfilment::Packer;

api_test! {
    async fn an_order_has_so_many_shipments_with_so_many_entries(app: App) {
        let own = |config: &mut kassa::Config| {
            (config.fulfilment.max_shipments, config.fulfilment.max_tracking_events) = (1, 2);
        };
        let app = app.another(own).await;
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 2)]).await;
        let one = || json!({ "lines": [{ "line": 0, "quantity": 1 }] });
        let shipment = packer.plan(one()).await;
        packer.on_order("shipments", one()).await.problem("order-state");
        assert_eq!(packer.seen().await["shipments"].as_array().unwrap().len(), 1);
        packer.on(&shipment, "dispatch", json!(null)).await.expect(200);
        let note = json!({ "status": "note", "text": "the driver called" });
        packer.on(&shipment, "tracking-events", note.clone()).await.expect(201);
        packer.on(&shipment, "tracking-events", note).await.problem("shipment-state");
        packer.on(&shipment, "tracking-events", json!({ "status": "delivered" })).await.problem("shipment-state");
        let shown = packer.look(&shipment).await;
        assert_eq!((shown["events"].as_array().unwrap().len(), &shown["status"]), (2, &json!("in_transit")));
        app.stopper().stop().await;
    }
}

api_test! {
    async fn a_cancelled_shipment_is_followed_by_nothing(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 1)]).await;
        let shipment = packer.plan(json!({})).await;
        packer.on(&shipment, "cancel", json!(null)).await.expect(200);
        let path = format!("shipments/{}", shipment["id"].as_str().unwrap());
        packer.send(Method::PATCH, &path, json!({ "tracking_number": "JD01" })).await.problem("shipment-state");
        assert_eq!(packer.look(&shipment).await["tracking_number"], shipment["tracking_number"]);
    }
}

api_test! {
    /// Whether the carrier still comes is not known until it answers.
    async fn a_carrier_that_does_not_answer_is_waited_for(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 1)]).await;
        packer.bind(json!({})).await;
        let shipment = packer.plan(json!({ "book": true })).await;
        assert_eq!(shipment["status"], "booked");
        packer.bind(json!({ "down": true })).await;
        let problem = packer.on(&shipment, "cancel", json!(null)).await.problem("shipment-state");
        assert_eq!(problem.get("reason"), None, "no carrier has said no: {problem}");
        assert_eq!(packer.look(&shipment).await["carrier"]["status"], "begun");
        packer.bind(json!({})).await;
        let over = || async { Some(packer.look(&shipment).await).filter(|shipment| shipment["status"] == "cancelled") };
        app.eventually("the carrier agrees", over).await;
    }
}

api_test! {
    /// Nobody knows whether the carrier comes: until it answers, the goods stay.
    async fn what_a_carrier_was_asked_for_is_waited_for(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 1)]).await;
        packer.bind(json!({ "down": true })).await;
        let shipment = packer.plan(json!({ "book": true })).await;
        assert_eq!(shipment["carrier"]["status"], "begun");
        let mut edit = json!({ "email": "eve@example.org", "reason": "they called" });
        edit["expected_total"] = packer.order["total"].clone();
        packer.on_order("edits", edit).await.problem("order-state");
        packer.on_order("ship", json!(null)).await.problem("shipment-state");
        packer.on(&shipment, "tracking-events", json!({ "status": "in_transit" })).await.problem("shipment-state");
        let path = format!("shipments/{}", shipment["id"].as_str().unwrap());
        let nowhere = json!({ "location_id": shipment["id"] });
        packer.send(Method::PATCH, &path, nowhere).await.problem("invalid-request");
        packer.bind(json!({})).await;
        let booked = || async { Some(packer.look(&shipment).await).filter(|shipment| shipment["status"] == "booked") };
        app.eventually("the carrier comes", booked).await;
    }
}
