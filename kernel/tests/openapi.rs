//! The document is locked: a change of the API shows in a diff.

plain_test! {
    fn the_document_is_the_one_that_was_agreed() {
        insta::assert_snapshot!("openapi", kassa::routes::document().to_pretty_json().unwrap());
    }
}

plain_test! {
    fn the_list_of_problems_is_the_one_that_was_agreed() {
        let kinds = kassa::problem::Kind::ALL.iter();
        let lines: Vec<_> = kinds.map(|kind| format!("{} {}: {}", kind.status().as_u16(), kind.slug(), kind.title())).collect();
        insta::assert_snapshot!("problems", lines.join("\n"));
    }
}

plain_test! {
    /// A request type that took unknown fields would take a typing error for a wish.
    fn every_request_refuses_unknown_fields() {
        let document = serde_json::to_value(kassa::routes::document()).unwrap();
        let mut seen = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) else { continue };
                let closed = &document["components"]["schemas"][name]["additionalProperties"];
                assert_eq!(closed, false, "{method} {path} takes {name} with unknown fields");
                seen += 1;
            }
        }
        assert!(seen >= 15, "only {seen} bodies were looked at");
    }
}
