//! What stands in the language of its reader beside the product's page: lists, carts, orders and what is made of them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::merchant::{Merchant, pointers};
use crate::support::shopper::{Shopper, address};

/// A shop that speaks German too, with a cup in two sizes and a tin that has no options.
async fn furnished(own: &App) -> (App, String) {
    let app = own.another(|config| config.catalog.locales = vec!["de".into()]).await;
    let merchant = Merchant::of(&app).await;
    let attributes = json!([
        { "code": "care", "name": "Care", "kind": "text", "level": "product" },
        { "code": "glaze", "name": "Glaze", "kind": "text", "level": "variant" },
    ]);
    let kind = json!({ "code": "cup", "name": "Cup", "attributes": attributes });
    merchant.post("/v1/admin/product-types", kind).await.expect(201);
    let cup = json!({
        "title": "Cup", "status": "active", "product_type": "cup", "attributes": { "care": "By hand" },
        "options": [{ "name": "Size", "values": [{ "name": "Small" }, { "name": "Large" }] }],
        "variants": [
            { "sku": "CUP-S", "price": 100, "options": { "size": "small" }, "on_hand": 9, "attributes": { "glaze": "Matt" } },
            { "sku": "CUP-L", "price": 200, "options": { "size": "large" }, "on_hand": 9 },
        ],
    });
    let tin = json!({
        "title": "Tin", "status": "active", "variants": [{ "sku": "TIN.1", "title": "Blue", "price": 300, "on_hand": 9 }],
    });
    let mut cup_id = String::new();
    for (product, texts) in [
        (
            cup,
            json!({ "title": "Tasse", "options.size.small": "Klein", "attributes.care": "Von Hand", "attributes.glaze.CUP-S": "Stumpf" }),
        ),
        (tin, json!({ "title": "Dose", "variants.TIN.1.title": "Blau" })),
    ] {
        let made = merchant.post("/v1/admin/products", product).await.expect(201);
        let id = made["id"].as_str().unwrap();
        let path = format!("/v1/admin/translations/product/{id}/de");
        merchant.put(&path, json!({ "texts": texts })).await.expect(204);
        if cup_id.is_empty() {
            id.clone_into(&mut cup_id);
        }
    }
    (app, cup_id)
}

async fn cart_in<'a>(app: &'a App, locale: &str) -> Shopper<'a> {
    let made = app.post("/v1/carts", json!({ "locale": locale })).await.expect(201);
    Shopper::of(app, made["id"].as_str().unwrap())
}

fn titles(of: &Value) -> Vec<&str> {
    of["lines"].as_array().unwrap().iter().map(|line| line["title"].as_str().unwrap()).collect()
}

/// A text without a translation stays in the shop's own language.
const GERMAN: [&str; 3] = ["Tasse, Klein", "Tasse, Large", "Dose, Blau"];

api_test! {
    async fn a_cart_and_its_order_are_in_the_language_of_the_cart(own: App) {
        let (app, _) = furnished(&own).await;
        for (locale, expected) in [("de-AT", GERMAN), ("en", ["Cup, Small", "Cup, Large", "Tin, Blue"])] {
            let shopper = cart_in(&app, locale).await;
            shopper.prepare("CUP-S", 1).await;
            shopper.add("CUP-L", 1).await.expect(200);
            let shown = shopper.add("TIN.1", 1).await.expect(200);
            assert_eq!(titles(&shown), expected, "{locale}, as a change shows it");
            assert_eq!(titles(&shopper.show().await), expected, "{locale}");
            let order = shopper.check_out("tok-approve").await.expect(201);
            assert_eq!(titles(&order), expected, "{locale}, ordered");
            let path = format!("{}/v1/orders/{}/invoice", app.url, order["id"].as_str().unwrap());
            let invoice = app.client.get(path).header("accept", "text/html").send().await.unwrap();
            let invoice = invoice.text().await.unwrap();
            assert!(expected.iter().all(|title| invoice.contains(title)), "{invoice}");
        }
        app.stopper().stop().await;
    }
}

api_test! {
    async fn a_cart_that_joins_another_takes_on_its_language(own: App) {
        let (app, _) = furnished(&own).await;
        let token = app.customer("ada@example.org").await;
        let mine = app.send(Method::POST, "/v1/carts", Some(&token), Some(json!({ "locale": "en" }))).await.expect(201);
        let guest = cart_in(&app, "de").await;
        assert_eq!(titles(&guest.add("CUP-S", 1).await.expect(200)), ["Tasse, Klein"]);
        let claim = format!("/v1/carts/{}/claim", guest.cart);
        let joined = app.send(Method::POST, &claim, Some(&token), None).await.expect(200);
        assert_eq!((&joined["id"], titles(&joined)), (&mine["id"], vec!["Cup, Small"]));
        app.stopper().stop().await;
    }
}

api_test! {
    async fn what_staff_adds_is_in_the_language_of_the_order(own: App) {
        let (app, _) = furnished(&own).await;
        let merchant = Merchant::of(&app).await;
        let shopper = cart_in(&app, "de").await;
        shopper.prepare("CUP-S", 1).await;
        let order = shopper.check_out("tok-approve").await.expect(201);
        let edit = json!({ "lines": [{ "sku": "TIN.1", "quantity": 1 }] });
        let path = format!("/v1/admin/orders/{}/edits/preview", order["id"].as_str().unwrap());
        let shown = merchant.post(&path, edit).await.expect(200);
        assert_eq!(titles(&shown["order"]), ["Tasse, Klein", "Dose, Blau"]);

        let lines = json!([{ "sku": "CUP-S", "quantity": 1 }, { "sku": "TIN.1", "quantity": 1 }]);
        let draft = json!({ "email": "ada@example.org", "address": address(), "locale": "en", "lines": lines });
        let draft = merchant.post("/v1/admin/drafts", draft).await.expect(201);
        assert_eq!(titles(&draft), ["Cup, Small", "Tin, Blue"]);
        let path = format!("/v1/admin/drafts/{}", draft["id"].as_str().unwrap());
        let options = merchant.get(&format!("{path}/delivery-options")).await.expect(200);
        let change = json!({ "locale": "de", "delivery_option": options["options"][0]["id"] });
        let draft = merchant.patch(&path, change).await.expect(200);
        assert_eq!((titles(&draft), titles(&draft["price"])), (vec!["Tasse, Klein", "Dose, Blau"], vec!["Tasse, Klein", "Dose, Blau"]));
        app.stopper().stop().await;
    }
}

api_test! {
    async fn a_list_is_in_the_language_of_its_reader(own: App) {
        let (app, cup) = furnished(&own).await;
        let merchant = Merchant::of(&app).await;
        let image = app.client.post(format!("{}/v1/admin/products/{cup}/images?alt=A+cup", app.url));
        let image = image.bearer_auth(&merchant.token).header("content-type", "image/jpeg");
        let image = Answer::of(image.body(include_bytes!("../data/cmyk.jpg").as_slice())).await.expect(201);
        let texts = json!({
            "title": "Tasse", "options.size.small": "Klein", format!("images.{}", image["id"].as_str().unwrap()): "Eine Tasse",
        });
        merchant.put(&format!("/v1/admin/translations/product/{cup}/de"), json!({ "texts": texts })).await.expect(204);
        for (locale, expected, alt) in [
            ("de", vec![("Dose", vec!["Blau"]), ("Tasse", vec!["Klein", "Large"])], "Eine Tasse"),
            ("en", vec![("Tin", vec!["Blue"]), ("Cup", vec!["Small", "Large"])], "A cup"),
        ] {
            let page = app.get(&format!("/v1/products?limit=2&locale={locale}")).await.expect(200);
            let title = |of: &Value| of["title"].as_str().unwrap().to_owned();
            let shown: Vec<_> = page["items"].as_array().unwrap().iter()
                .map(|product| (title(product), product["variants"].as_array().unwrap().iter().map(title).collect::<Vec<_>>()))
                .collect();
            let shown: Vec<_> = shown.iter()
                .map(|(title, variants)| (title.as_str(), variants.iter().map(String::as_str).collect::<Vec<_>>())).collect();
            assert_eq!(shown, expected, "{locale}");
            assert_eq!(page["items"][1]["images"][0]["alt"], alt);
        }
        app.stopper().stop().await;
    }
}

api_test! {
    async fn values_and_titles_of_variants_are_translated(own: App) {
        let (app, cup) = furnished(&own).await;
        let merchant = Merchant::of(&app).await;
        for (locale, care, glaze, blue) in [("de", "Von Hand", "Stumpf", "Blau"), ("en", "By hand", "Matt", "Blue")] {
            let page = app.get(&format!("/v1/products/cup?locale={locale}")).await.expect(200);
            assert_eq!(page["attributes"][0]["value"], care);
            let small = page["variants"][0]["id"].as_str().unwrap();
            assert_eq!(page["variant_details"][small]["attributes"][0]["value"], glaze);
            assert_eq!(app.get(&format!("/v1/products/tin?locale={locale}")).await.expect(200)["variants"][0]["title"], blue);
        }
        // A variant with options is called by them, one without the attribute has no value, and numbers are no texts.
        let texts = json!({ "variants.CUP-S.title": "x", "attributes.glaze.CUP-L": "x", "attributes.glaze": "x", "variants.NO.title": "x" });
        let refused = merchant.put(&format!("/v1/admin/translations/product/{cup}/de"), json!({ "texts": texts })).await;
        let expected =
            ["/texts/attributes.glaze", "/texts/attributes.glaze.CUP-L", "/texts/variants.CUP-S.title", "/texts/variants.NO.title"];
        assert_eq!(pointers(&refused.problem("invalid-request")), expected);
        app.eventually("it is found by its translated words", || async {
            let found = app.get("/v1/products?q=stumpf").await.expect(200);
            (found["items"][0]["slug"] == "cup").then_some(())
        })
        .await;
        app.stopper().stop().await;
    }
}
