//! What operators ask for.

use serde_json::json;

api_test! {
    async fn a_running_shop_is_live_and_ready(app: App) {
        assert_eq!(app.get("/livez").await.expect(200)["status"], "live");
        assert_eq!(app.get("/readyz").await.expect(200)["status"], "ready");
        app.get("/no/such/path").await.problem("not-found");
        app.post("/livez", json!({})).await.problem("method-not-allowed");
    }
}

api_test! {
    /// Who is asked while connections run out answers that others are to be asked.
    async fn a_shop_that_stops_is_not_ready(app: App) {
        let app = app.another(|_| {}).await;
        app.shop.stop();
        let problem = kassa::http::operations::readyz(axum::extract::State(app.shop.clone())).await.unwrap_err();
        assert_eq!(problem.kind, kassa::problem::Kind::Unavailable);
        app.stopper().stop().await;
    }
}

api_test! {
    async fn every_type_of_problem_is_listed_and_explained(app: App) {
        let list = app.get("/problems").await.expect(200);
        let list = list.as_array().unwrap();
        assert_eq!(list.len(), kassa::problem::Kind::ALL.len());
        for entry in list {
            let page = app.get(entry["type"].as_str().unwrap()).await.expect(200);
            assert_eq!(&page, entry);
        }
        app.get("/problems/no-such").await.problem("not-found");
    }
}

api_test! {
    async fn the_document_and_its_page_are_served(app: App) {
        let document = app.get("/openapi.json").await.expect(200);
        assert!(document["paths"]["/v1/carts/{id}/checkout"]["post"].is_object());
        let page = app.get("/docs/").await;
        assert_eq!(page.status, 200);
        assert!(page.body.as_str().unwrap().contains("swagger"), "{}", page.body);
    }
}

api_test! {
    async fn a_request_keeps_its_id_and_gets_one(app: App) {
        let request = app.client.get(format!("{}/livez", app.url));
        let answer = crate::support::app::Answer::of(request.header("x-request-id", "abc-1")).await;
        assert_eq!(answer.headers["x-request-id"], "abc-1");
        assert_eq!(app.get("/livez").await.headers["x-request-id"].len(), 36);
    }
}
