//! Who may call which operation: `access.txt` held against the OpenAPI document, and against the shop itself.

mod cast;
mod fixtures;

use std::collections::BTreeMap;

use cast::{Cast, Operation};

/// `GET /v1/me` -> `customer`.
fn table() -> BTreeMap<String, String> {
    let lines = include_str!("access.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            (format!("{method} {path}"), words.collect::<Vec<_>>().join(" "))
        })
        .collect()
}

/// Every operation, and whether its documentation asks for a token.
fn documented() -> BTreeMap<String, bool> {
    let document = serde_json::to_value(kassa::routes::document()).unwrap();
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.insert(format!("{} {path}", method.to_uppercase()), operation["security"].is_array());
        }
    }
    operations
}

plain_test! {
    fn every_operation_has_its_line() {
        let (table, documented) = (table(), documented());
        let without_line: Vec<_> = documented.keys().filter(|operation| !table.contains_key(*operation)).collect();
        let without_operation: Vec<_> = table.keys().filter(|operation| !documented.contains_key(*operation)).collect();
        assert!(without_line.is_empty(), "add to access.txt: {without_line:#?}");
        assert!(without_operation.is_empty(), "no longer there: {without_operation:#?}");
        for (operation, access) in &table {
            let permission = ["staff ", "person ", "reader "].iter().find_map(|kind| access.strip_prefix(kind));
            let permission = permission.map(kassa::accounts::Permission::parse);
            let known = matches!(access.as_str(), "anyone" | "owner" | "customer" | "mine") || matches!(permission, Some(Some(_)));
            assert!(known, "{operation}: {access}");
            let admin = operation.contains(" /v1/admin/");
            // What another service asks about a token stands with the tokens.
            let staff = admin || access.starts_with("reader ");
            assert_eq!(permission.is_some(), staff, "{operation}: /v1/admin is for staff");
            if staff || access == "customer" || access == "mine" {
                assert!(documented[operation], "{operation}: its documentation does not ask for a token");
            }
        }
    }
}

/// The operations of the document with their lines: what deletes last, the deepest first, so that what others need is still there.
fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(kassa::routes::document()).unwrap();
    let mut operations: Vec<_> = table()
        .into_iter()
        .map(|(name, access)| {
            let (method, path) = name.split_once(' ').expect("a method and a path");
            let about = &document["paths"][path][method.to_lowercase()];
            let method = method.parse().expect("a method");
            Operation { method, path: path.to_owned(), access, takes_body: about["requestBody"].is_object() }
        })
        .collect();
    operations.sort_by_key(|operation| {
        let depth = operation.path.matches('/').count();
        (operation.method == reqwest::Method::DELETE, std::cmp::Reverse(depth), operation.to_string())
    });
    operations
}

api_test! {
    /// Every operation is called by everyone, and each gets what its line in access.txt says.
    async fn everyone_gets_what_the_table_says(app: App) {
        let operations = operations();
        let mut cast = Cast::assemble(&app).await;
        let lacking = cast.lacking(&operations);
        assert!(lacking.is_empty(), "add in kernel/tests/access/fixtures.rs\n{lacking}");
        let mut wrong = Vec::new();
        for operation in &operations {
            cast.call(&app, operation, &mut wrong).await;
        }
        assert!(operations.len() > 50, "only {} operations", operations.len());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
