//! Staff, and what they may do.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;

async fn id_of(app: &App, token: &str) -> String {
    let me = app.send(Method::GET, "/v1/me", Some(token), None).await.expect(200);
    me["id"].as_str().unwrap().to_owned()
}

fn member(id: &str) -> String {
    format!("/v1/admin/staff/{id}")
}

api_test! {
    async fn staff_are_added_changed_and_removed(app: App) {
        let owner = app.merchant().await;
        let grace = app.proved_customer("Grace@example.org").await;
        let send = |method, path: String, body: Option<Value>| {
            let (app, owner) = (&app, owner.clone());
            async move { app.send(method, &path, Some(&owner), body).await }
        };
        let products = || app.send(Method::POST, "/v1/admin/products", Some(&grace), Some(json!({})));
        assert_eq!(products().await.status, 403);
        let staff = "/v1/admin/staff".to_owned();
        let added = json!({ "email": "grace@EXAMPLE.org", "permissions": ["catalog"] });
        let answer = send(Method::POST, staff.clone(), Some(added.clone())).await;
        let path = answer.headers["location"].to_str().unwrap().to_owned();
        let tag = answer.headers["etag"].to_str().unwrap().to_owned();
        let body = answer.expect(201);
        assert_eq!((&body["role"], &body["permissions"]), (&json!("staff"), &json!(["catalog"])));
        assert_eq!(path, member(&id_of(&app, &grace).await));
        send(Method::POST, staff.clone(), Some(added)).await.problem("already-staff");
        products().await.problem("invalid-request");

        let orders = app.client.patch(format!("{}{path}", app.url)).bearer_auth(&owner).header("if-match", &tag);
        let changed = crate::support::app::Answer::of(orders.json(&json!({ "permissions": ["orders"] }))).await;
        assert_eq!(changed.expect(200)["permissions"], json!(["orders"]));
        assert_eq!(products().await.problem("forbidden")["permission"], "catalog", "in force at the next request");
        let again = app.client.patch(format!("{}{path}", app.url)).bearer_auth(&owner).header("if-match", &tag);
        crate::support::app::Answer::of(again.json(&json!({ "permissions": [] }))).await.problem("precondition-failed");

        let listed = send(Method::GET, format!("{staff}?limit=1"), None).await.expect(200);
        let cursor = listed["next_cursor"].as_str().unwrap();
        let rest = send(Method::GET, format!("{staff}?cursor={cursor}"), None).await.expect(200);
        let roles = [&listed["items"][0]["role"], &rest["items"][0]["role"]];
        assert_eq!(roles, [&json!("owner"), &json!("staff")], "customers are not listed");
        assert_eq!(rest["items"].as_array().unwrap().len(), 1);

        assert_eq!(send(Method::DELETE, path.clone(), None).await.status, 204);
        send(Method::GET, path.clone(), None).await.problem("not-found");
        send(Method::DELETE, path, None).await.problem("not-found");
        products().await.problem("invalid-token");
        app.log_in("grace@example.org", "a long enough password").await;
    }
}

api_test! {
    async fn nobody_gives_what_they_do_not_have(app: App) {
        let (owner, clerk) = (app.merchant().await, app.staff(&["settings", "catalog"]).await);
        let (other, key) = (app.staff(&["orders"]).await, app.api_key(&["settings", "catalog"]).await);
        app.proved_customer("eve@example.org").await;
        let add = |token: &str, permissions: Value, role: &str| {
            let body = json!({ "email": "eve@example.org", "permissions": permissions, "role": role });
            let (app, token) = (&app, token.to_owned());
            async move { app.send(Method::POST, "/v1/admin/staff", Some(&token), Some(body)).await }
        };
        assert_eq!(add(&clerk, json!(["catalog", "refunds"]), "staff").await.problem("forbidden")["permission"], "refunds");
        add(&clerk, json!([]), "owner").await.problem("forbidden");
        add(&key, json!(["catalog"]), "staff").await.problem("forbidden");
        add(&other, json!(["orders"]), "staff").await.problem("forbidden");
        add(&owner, json!(["catalog"]), "owner").await.problem("invalid-request");
        let repeated = add(&owner, json!(vec!["catalog"; 100]), "staff").await.problem("invalid-request");
        assert_eq!(repeated["errors"][0]["pointer"], "/permissions");
        // Who may not any more, since the request began.
        use kassa::accounts::{self, Email, Grant, Permissions, StaffError};
        let (giver, eve) = (id_of(&app, &other).await.parse().unwrap(), Email::parse("eve@example.org").unwrap());
        let refused = accounts::add_staff(&app.shop, giver, &eve, Grant::Staff(Permissions::none())).await;
        assert!(matches!(refused, Err(StaffError::BeyondOwn("settings"))), "{refused:?}");
        add(&owner, json!(["everything"]), "staff").await.problem("invalid-request");
        let eve = add(&clerk, json!(["catalog"]), "staff").await.expect(201);

        let change = |token: &str, id: &str, body: Value| {
            let (app, token, path) = (&app, token.to_owned(), member(id));
            async move { app.send(Method::PATCH, &path, Some(&token), Some(body)).await }
        };
        let (eve, own, boss) = (eve["id"].as_str().unwrap(), id_of(&app, &clerk).await, id_of(&app, &owner).await);
        let all = json!({ "permissions": ["settings", "catalog", "plugins"] });
        change(&clerk, &own, all).await.problem("forbidden");
        change(&clerk, eve, json!({ "role": "owner" })).await.problem("forbidden");
        change(&clerk, &boss, json!({ "role": "staff" })).await.problem("forbidden");
        app.send(Method::DELETE, &member(&boss), Some(&clerk), None).await.problem("forbidden");
        change(&owner, eve, json!({ "role": "owner" })).await.expect(200);
        let demoted = change(&owner, eve, json!({ "role": "staff", "permissions": ["orders"] })).await.expect(200);
        assert_eq!(demoted["permissions"], json!(["orders"]));
    }
}

api_test! {
    /// Who registered an address need not be who is meant: only whoever reads its mail gets in.
    async fn staff_without_an_account_are_invited_by_letter(app: App) {
        let owner = app.merchant().await;
        app.customer("taken@example.org").await;
        let add = |email: &'static str| {
            let body = json!({ "email": email, "permissions": ["orders"] });
            let (app, owner) = (&app, owner.clone());
            async move { app.send(Method::POST, "/v1/admin/staff", Some(&owner), Some(body)).await }
        };
        let unproved = add("taken@example.org").await.problem("invalid-request");
        assert_eq!(unproved["errors"][0]["pointer"], "/email");

        let made = add("Grace@example.org").await.expect(201);
        add("grace@example.org").await.problem("already-staff");
        let taken = json!({ "email": "grace@example.org", "password": "a password of mine" });
        app.post("/v1/auth/register", taken).await.problem("email-taken");
        let letter = || async { app.mails().into_iter().find(|mail| mail.contains("To: ") && mail.contains("Grace@example.org")) };
        let letter = app.eventually("a letter to Grace", letter).await;
        let code = letter.lines().skip_while(|line| line.trim() != "Your code:").nth(1).unwrap().trim().to_owned();
        let set = json!({ "token": code, "password": "a long enough password" });
        assert_eq!(app.post("/v1/auth/reset-password", set).await.status, 204);
        let grace = app.log_in("grace@example.org", "a long enough password").await;
        assert_eq!(id_of(&app, &grace).await, made["id"].as_str().unwrap());
        app.send(Method::GET, "/v1/admin/orders", Some(&grace), None).await.expect(200);
    }
}

api_test! {
    /// Two owners who remove, or unmake, each other at the same moment: one of them stays.
    async fn the_last_owner_stays(app: App) {
        let (one, first) = (app.merchant().await, "merchant@example.org");
        let id = id_of(&app, &one).await;
        app.send(Method::DELETE, &member(&id), Some(&one), None).await.problem("last-owner");
        app.send(Method::PATCH, &member(&id), Some(&one), Some(json!({ "role": "staff" }))).await.problem("last-owner");
        let mut tokens = vec![one];
        for number in 0..5 {
            let email = format!("owner-{number}@example.org");
            tokens.push(app.proved_customer(&email).await);
            let body = json!({ "email": email, "role": "owner" });
            app.send(Method::POST, "/v1/admin/staff", Some(&tokens[0]), Some(body)).await.expect(201);
        }
        let ids = join_all(tokens.iter().map(|token| id_of(&app, token))).await;
        // Everyone removes the next one.
        let removals = tokens.iter().zip(ids.iter().cycle().skip(1)).enumerate().map(|(index, (token, next))| {
            let (app, path) = (&app, member(next));
            async move {
                match index % 2 {
                    0 => app.send(Method::DELETE, &path, Some(token), None).await.status,
                    _ => app.send(Method::PATCH, &path, Some(token), Some(json!({ "role": "staff" }))).await.status,
                }
            }
        });
        let statuses = join_all(removals).await;
        assert!(statuses.iter().all(|status| [200, 204, 401, 403, 404, 409].contains(status)), "{statuses:?}");
        let owners = kassa::accounts::list_staff(&app.shop, None, 100).await.unwrap();
        let owners = owners.iter().filter(|member| member.grant == kassa::accounts::Grant::Owner).count();
        assert!(owners >= 1, "{first} and everyone else removed each other");
    }
}
