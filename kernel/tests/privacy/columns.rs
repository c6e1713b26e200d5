//! Which columns of the database hold something of a person, and what becomes of it.

const COLUMNS: &str = include_str!("../snapshots/shop__database__columns.snap");

/// Words in the names of columns that may hold something of a person.
const WORDS: &[&str] = &[
    "address",
    "agent",
    "attributes",
    "author",
    "birth",
    "body",
    "buyer",
    "cause",
    "city",
    "contact",
    "content",
    "data",
    "email",
    "first_name",
    "group_code",
    "input",
    "last_name",
    "message",
    "name",
    "network",
    "note",
    "person",
    "phone",
    "postcode",
    "preferences",
    "reason",
    "recipient",
    "reply",
    "sheet",
    "street",
    "subject",
    "term",
    "text",
    "title",
    "token",
    "wishes",
];

/// Columns of people, and what becomes of them when the person is forgotten.
pub const OF_PEOPLE: &[(&str, &str)] = &[
    ("account_letters.email_key", "deleted by accounts::forget_person"),
    ("account_letters.other_email", "deleted by accounts::forget_person"),
    ("account_tokens.email", "deleted by accounts::forget_person"),
    ("account_tokens.token_hash", "deleted by accounts::forget_person"),
    ("audit_entries.address", "of what they did themselves: emptied by audit::forget_person"),
    ("audit_entries.body", "of what was done to them and their orders: emptied by audit::forget_subject"),
    ("cart_lines.attributes", "deleted by carts::forget_person"),
    ("cart_lines.note", "deleted by carts::forget_person"),
    ("carts.address", "deleted by carts::forget_person"),
    ("carts.attributes", "deleted by carts::forget_person"),
    ("carts.billing_address", "deleted by carts::forget_person"),
    ("carts.email", "deleted by carts::forget_person"),
    ("carts.email_key", "deleted by carts::forget_person"),
    ("carts.note", "deleted by carts::forget_person"),
    ("coupon_redemptions.buyer", "emptied by coupons::forget_buyers"),
    ("customer_addresses.address", "deleted by accounts::forget_person"),
    ("customer_terms.term", "deleted by accounts::forget_person"),
    ("customers.email", "replaced by accounts::forget_person"),
    ("customers.email_confirmed_at", "emptied by accounts::forget_person"),
    ("customers.email_key", "replaced by accounts::forget_person"),
    ("customers.group_code", "emptied by accounts::forget_person"),
    ("customers.name", "emptied by accounts::forget_person"),
    ("customers.name_key", "emptied by accounts::forget_person"),
    ("customers.note", "emptied by accounts::forget_person"),
    ("customers.phone", "emptied by accounts::forget_person"),
    ("customers.preferences", "emptied by accounts::forget_person"),
    ("drafts.email_key", "deleted by orders::forget_person"),
    ("drafts.wishes", "deleted by orders::forget_person"),
    ("events.data", "deleted by events::forget_subject"),
    ("failed_call_subjects.subject", "deleted by plugins::registry::forget_failed_calls"),
    ("failed_calls.call", "of calls about them: deleted by plugins::registry::forget_failed_calls"),
    ("idempotency_keys.body", "deleted by http::idempotency::forget_person"),
    ("inbox_items.attributes", "deleted by notifications::forget_person"),
    ("inbox_items.body", "deleted by notifications::forget_person"),
    ("inbox_items.title", "deleted by notifications::forget_person"),
    ("invoices.sheet", "address and e-mail address left out by documents::forget"),
    ("ledger_transactions.cause", "of corrections, refunds and what was paid by hand: emptied by ledger::forget_words"),
    ("login_challenges.token_hash", "deleted by accounts::forget_person"),
    ("messages.attributes", "deleted by notifications::forget_person"),
    ("messages.body_html", "deleted by notifications::forget_person"),
    ("messages.body_text", "deleted by notifications::forget_person"),
    ("messages.recipient", "deleted by notifications::forget_person"),
    ("messages.recipient_key", "deleted by notifications::forget_person"),
    ("messages.recipient_name", "deleted by notifications::forget_person"),
    ("messages.subject", "deleted by notifications::forget_person"),
    ("order_lines.attributes", "emptied by orders::forget_person"),
    ("order_lines.note", "emptied by orders::forget_person"),
    ("order_receipts.input", "without the shopper's words by orders::forget_person"),
    ("order_receipts.input_sha256", "of what is left, by orders::forget_person"),
    ("order_revisions.contents", "deleted by orders::forget_person"),
    ("order_revisions.reason", "deleted by orders::forget_person"),
    ("orders.address", "country, region and area left by orders::forget_person"),
    ("orders.attributes", "emptied by orders::forget_person"),
    ("orders.billing_address", "emptied by orders::forget_person"),
    ("orders.email", "emptied by orders::forget_person"),
    ("orders.email_key", "emptied by orders::forget_person"),
    ("orders.note", "emptied by orders::forget_person"),
    ("prepaid_entries.reason", "emptied by prepaid::forget_words"),
    ("push_tokens.token", "deleted by notifications::forget_person"),
    ("refresh_tokens.token_hash", "deleted by accounts::forget_person"),
    ("refunds.reason", "emptied by orders::forget_person"),
    ("return_history.cause", "of rejections and refunds: emptied by returns::forget"),
    ("return_lines.note", "emptied by returns::forget"),
    ("reviews.author", "deleted by reviews::forget_person"),
    ("reviews.body", "deleted by reviews::forget_person"),
    ("reviews.reason", "deleted by reviews::forget_person"),
    ("reviews.reply", "deleted by reviews::forget_person"),
    ("reviews.title", "deleted by reviews::forget_person"),
    ("sessions.network", "deleted by accounts::forget_person"),
    ("sessions.user_agent", "deleted by accounts::forget_person"),
    ("tracking_events.text", "deleted by fulfilment::forget"),
    ("webhook_messages.body", "deleted by webhooks::forget_events"),
];

/// Columns of people that an export leaves out, and why.
pub const NOT_TOLD: &[(&str, &str)] = &[
    ("account_letters.*", "letters that open the account, and where they go"),
    ("account_tokens.*", "what opens the account"),
    ("audit_entries.body", "what staff sent: it is about others too"),
    ("carts.email_key", "the address, folded"),
    ("coupon_redemptions.buyer", "a hash"),
    ("customer_terms.term", "words of name and address, folded"),
    ("customers.email_key", "the address, folded"),
    ("customers.name_key", "the name, folded"),
    ("drafts.email_key", "the address, folded"),
    ("events.data", "copies of orders, for a while"),
    ("failed_call_subjects.subject", "whom a failed call is about, for a while"),
    ("failed_calls.call", "what plugins were asked that failed, for a while"),
    ("idempotency_keys.body", "answers that were given, for a while"),
    ("login_challenges.token_hash", "what opens the account"),
    ("messages.body_html", "the text, told once"),
    ("messages.recipient_key", "the address, folded"),
    ("order_receipts.*", "what plugins were asked, of which the words are the order's"),
    ("orders.email_key", "the address, folded"),
    ("push_tokens.token", "what opens a device"),
    ("refresh_tokens.token_hash", "what opens the account"),
    ("webhook_messages.body", "copies of events, for a while"),
];

/// Columns that are called so and know nobody. A table with a star is about goods, plugins or the shop itself.
const OF_NOBODY: &[&str] = &[
    "api_keys.name",
    "attribute_choices.*",
    "attributes.*",
    "audit_entries.body_bytes",
    "audit_entries.body_sha256",
    "audit_entries.subject",
    "cart_lines.title",
    "categories.*",
    "collections.*",
    "counters.name",
    "customer_groups.*",
    "events.subject",
    "idempotency_keys.content_type",
    "idempotency_keys.subject_id",
    // Under a key that the database does not have, and gone within the hour: it outlives the account, so that whoever erases themselves and
    // registers again is not written to at once.
    "letter_pauses.recipient_digest",
    "message_attempts.message_id",
    "order_lines.title",
    "payment_steps.note",
    "payments.decline_message",
    "plugin_secrets.name",
    "plugin_versions.name",
    // Of gift cards, which belong to whoever has the code.
    "prepaid_accounts.note",
    "price_lists.*",
    "product_attributes.*",
    "product_types.*",
    "products.*",
    "search_documents.*",
    "search_labels.term",
    "search_postings.term",
    "search_values.name",
    // Of goods: what carriers say of parcels.
    "shipment_steps.note",
    // The kernel's own words.
    "order_history.cause",
    "prepaid_entries.cause",
    "return_lines.reason",
    "rollouts.reason",
    "webhooks.disabled_reason",
    // Of goods that are counted, not of orders.
    "stock_movements.reason",
    "stock_locations.address",
    "stock_locations.name",
    "variants.title",
    "webhook_attempts.message_id",
];

fn columns() -> Vec<&'static str> {
    let lines = COLUMNS.lines().skip_while(|line| *line != "---").skip(1).skip_while(|line| *line != "---").skip(1);
    lines.map(|line| line.trim_end_matches('?')).filter(|line| line.contains('.')).collect()
}

plain_test! {
    /// Who adds a column that may know somebody says here what becomes of it when they are forgotten.
    fn every_column_of_people_is_forgotten_somewhere() {
        let columns = columns();
        assert!(columns.len() > 200, "only {} columns", columns.len());
        let is_known = |column: &str| {
            let table = column.split('.').next().unwrap_or_default();
            OF_PEOPLE.iter().any(|(known, _)| *known == column)
                || OF_NOBODY.iter().any(|known| *known == column || *known == format!("{table}.*"))
        };
        let suspicious = |column: &&&str| {
            let name = column.split('.').nth(1).unwrap_or_default();
            WORDS.iter().any(|word| name.contains(word))
        };
        let unknown: Vec<_> = columns.iter().filter(suspicious).filter(|column| !is_known(column)).collect();
        assert!(unknown.is_empty(), "say in kernel/tests/privacy/columns.rs what becomes of {unknown:#?}");
        let gone: Vec<_> = OF_PEOPLE.iter().filter(|(known, _)| !columns.contains(known)).collect();
        assert!(gone.is_empty(), "no longer there: {gone:#?}");
    }
}
