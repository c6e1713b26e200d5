use std::panic::catch_unwind;

use kassa_sdk::payment::{Error, Outcome, Payment, RefundStatus, Status, WebhookError, WebhookRequest};
use kassa_sdk::testing::{self, NOW, follow_up, payment, payment_context};

use super::{Emulator, webhook::sign};

const SECRET: &str = "a secret of the test";

fn emulator() -> Emulator {
    testing::settings(&format!(r#"{{"webhook_secret": "{SECRET}"}}"#)).unwrap()
}

fn authorize(key: &str, token: &str) -> Outcome {
    emulator().authorize(&payment(key, token, 12_00)).unwrap()
}

fn name(status: &Status) -> String {
    match status {
        Status::Authorized => "authorized".to_owned(),
        Status::Captured => "captured".to_owned(),
        Status::RequiresAction(action) => format!("requires-action {}", action.url),
        Status::Pending => "pending".to_owned(),
        Status::Declined(decline) => format!("declined {}", decline.code),
        Status::Cancelled => "cancelled".to_owned(),
    }
}

#[test]
fn the_token_decides_and_the_key_keeps_it() {
    for (token, status, amount) in [
        ("tok-approve", "captured", 12_00),
        ("tok-authorize", "authorized", 12_00),
        ("tok-decline-insufficient-funds", "declined insufficient-funds", 0),
        ("tok-decline-", "declined generic", 0),
        ("tok-cancel", "cancelled", 0),
        ("tok-requires-action", "requires-action https://payments.invalid/confirm?payment=k", 0),
        ("tok-pending", "pending", 0),
        ("4111111111111111", "declined invalid-token", 0),
    ] {
        testing::clear_kv();
        let outcome = authorize("k", token);
        assert_eq!((name(&outcome.status).as_str(), outcome.amount), (status, amount), "{token}");
        assert_eq!(outcome.reference, "emu-k");
        // Again with the same key, even with another token: the same answer, and query agrees.
        assert_eq!(authorize("k", "tok-approve"), outcome, "{token}");
        assert_eq!(emulator().query("k", NOW).unwrap(), Some(outcome), "{token}");
    }
}

#[test]
fn errors_and_time_outs() {
    let tried = |token| catch_unwind(|| emulator().authorize(&payment(token, token, 12_00)));
    assert!(matches!(tried("tok-error"), Ok(Err(Error::Unavailable(_)))));
    assert_eq!(emulator().query("tok-error", NOW).unwrap(), None);
    assert!(tried("tok-timeout-before-charge").is_err());
    assert_eq!(emulator().query("tok-timeout-before-charge", NOW).unwrap(), None);
    assert!(tried("tok-timeout-after-charge").is_err());
    let found = emulator().query("tok-timeout-after-charge", NOW).unwrap().unwrap();
    assert_eq!((found.status, found.amount), (Status::Captured, 12_00));
}

#[test]
fn what_cannot_be_paid_is_refused() {
    for (amount, method) in [(0, "card"), (-1, "card"), (12_00, "cash")] {
        let request =
            kassa_sdk::payment::AuthorizeRequest { method: method.to_owned(), ..payment("k", "tok-approve", amount) };
        assert!(matches!(emulator().authorize(&request), Err(Error::Unsupported(_))), "{amount} {method}");
    }
    authorize("k", "tok-approve");
    let other_amount = emulator().authorize(&payment("k", "tok-approve", 13_00));
    assert!(matches!(other_amount, Err(Error::Internal(_))), "a key is for one amount");
}

#[test]
fn an_authorization_is_captured_or_cancelled_once() {
    authorize("a", "tok-authorize");
    assert!(matches!(emulator().capture(&follow_up("a", "c1", 12_01)), Err(Error::Unsupported(_))));
    for key in ["c1", "c1", "c2"] {
        let outcome = emulator().capture(&follow_up("a", key, 12_00)).unwrap();
        assert_eq!((outcome.status, outcome.amount), (Status::Captured, 12_00));
    }
    let too_late = emulator().cancel(&follow_up("a", "x", 12_00)).unwrap();
    assert_eq!(too_late.status, Status::Captured);

    authorize("b", "tok-authorize");
    assert_eq!(emulator().cancel(&follow_up("b", "x", 12_00)).unwrap().status, Status::Cancelled);
    assert_eq!(emulator().capture(&follow_up("b", "c", 12_00)).unwrap().status, Status::Cancelled);

    // Cancelled before it was seen: the authorize that comes late takes nothing.
    assert_eq!(emulator().cancel(&follow_up("c", "x", 12_00)).unwrap().status, Status::Cancelled);
    assert_eq!(authorize("c", "tok-approve").status, Status::Cancelled);
    assert!(matches!(emulator().capture(&follow_up("nowhere", "c", 1)), Err(Error::Unsupported(_))));
}

#[test]
fn an_authorization_is_captured_in_parts() {
    authorize("p", "tok-authorize");
    for (key, amount, captured, rest) in [("c1", 5_00, 5_00, 7_00), ("c1", 5_00, 5_00, 7_00), ("c2", 3_00, 8_00, 4_00)]
    {
        let outcome = emulator().capture(&follow_up("p", key, amount)).unwrap();
        assert_eq!((outcome.status, outcome.amount, outcome.capturable), (Status::Captured, captured, rest), "{key}");
    }
    assert!(matches!(emulator().capture(&follow_up("p", "c3", 4_01)), Err(Error::Unsupported(_))));
    let released = emulator().cancel(&follow_up("p", "x", 4_00)).unwrap();
    assert_eq!((released.status, released.amount, released.capturable), (Status::Captured, 8_00, 0));

    authorize("w", "tok-capture-whole");
    let part = emulator().capture(&follow_up("w", "c1", 5_00)).unwrap();
    assert_eq!(name(&part.status), "declined partial-capture");
    assert_eq!(emulator().capture(&follow_up("w", "c2", 12_00)).unwrap().status, Status::Captured);

    authorize("h", "tok-capture-half");
    for _ in 0..2 {
        let half = emulator().capture(&follow_up("h", "c1", 12_00)).unwrap();
        assert_eq!((half.status, half.amount, half.capturable), (Status::Captured, 6_00, 6_00));
    }
    let rest = emulator().capture(&follow_up("h", "c2", 6_00)).unwrap();
    assert_eq!(name(&rest.status), "declined partial-capture");
}

#[test]
fn the_first_refund_fails_as_the_token_asks() {
    authorize("d", "tok-refund-decline");
    let refund = |payment, key| emulator().refund(&follow_up(payment, key, 1_00)).unwrap().status;
    assert!(matches!(refund("d", "r1"), RefundStatus::Declined(decline) if decline.code == "refund-declined"));
    assert_eq!(refund("d", "r2"), RefundStatus::Refunded);
    authorize("p", "tok-refund-pending");
    assert_eq!(refund("p", "r1"), RefundStatus::Pending);
    assert_eq!(refund("p", "r1"), RefundStatus::Refunded);
}

#[test]
fn refunds_never_pass_what_was_captured() {
    authorize("k", "tok-approve");
    let refund = |key, amount| emulator().refund(&follow_up("k", key, amount)).unwrap().status;
    assert_eq!(refund("r1", 5_00), RefundStatus::Refunded);
    assert_eq!(refund("r1", 5_00), RefundStatus::Refunded, "the same key again moves nothing");
    assert!(matches!(refund("r2", 7_01), RefundStatus::Declined(_)));
    assert_eq!(refund("r3", 7_00), RefundStatus::Refunded);
    assert!(matches!(refund("r4", 1), RefundStatus::Declined(_)));

    authorize("open", "tok-authorize");
    let uncaptured = emulator().refund(&follow_up("open", "r", 1)).unwrap().status;
    assert!(matches!(uncaptured, RefundStatus::Declined(_)));
}

fn webhook(emulator: &Emulator, body: &str, signature: Option<&str>) -> Result<String, WebhookError> {
    let headers = signature.map(|hex| ("x-emulator-signature".to_owned(), hex.to_owned())).into_iter().collect();
    let request = WebhookRequest { headers, body: body.as_bytes().to_vec(), now: NOW };
    emulator.webhook(&request).map(|events| {
        let [event] = events.as_slice() else { panic!("one event") };
        format!("{} {} {}", event.payment_key, name(&event.outcome.status), event.outcome.amount)
    })
}

#[test]
fn a_webhook_settles_what_is_open() {
    #[rustfmt::skip]
    let cases = [
        ("tok-requires-action", r#""event": "captured""#, "k captured 1200"),
        ("tok-requires-action", r#""event": "authorized""#, "k authorized 1200"),
        ("tok-pending", r#""event": "declined", "code": "expired-card""#, "k declined expired-card 0"),
        ("tok-pending", r#""event": "cancelled""#, "k cancelled 0"),
        ("tok-authorize", r#""event": "captured""#, "k captured 1200"),
        // What is settled stays.
        ("tok-approve", r#""event": "declined""#, "k captured 1200"),
        ("tok-cancel", r#""event": "captured""#, "k cancelled 0"),
    ];
    for (token, event, expected) in cases {
        testing::clear_kv();
        authorize("k", token);
        let body = format!(r#"{{"payment_key": "k", {event}}}"#);
        for _ in 0..2 {
            assert_eq!(webhook(&emulator(), &body, Some(&sign(&body, SECRET))).unwrap(), expected, "{token} {event}");
        }
        let found = emulator().query("k", NOW).unwrap().unwrap();
        assert_eq!(format!("k {} {}", name(&found.status), found.amount), expected, "{token} {event}");
    }
}

#[test]
fn a_webhook_that_is_not_signed_is_not_read() {
    authorize("k", "tok-pending");
    let body = r#"{"payment_key": "k", "event": "captured"}"#;
    let good = sign(body, SECRET);
    let unauthentic = |emulator: &Emulator, signature: Option<&str>| {
        matches!(webhook(emulator, body, signature), Err(WebhookError::Unauthentic))
    };
    let (other, short) = (sign(body, "another secret"), &good[..62]);
    for signature in [None, Some(""), Some("zz"), Some(other.as_str()), Some(short)] {
        assert!(unauthentic(&emulator(), signature), "{signature:?}");
    }
    let no_secret: Emulator = testing::settings("{}").unwrap();
    assert!(unauthentic(&no_secret, Some(&sign(body, ""))));
    assert_eq!(emulator().query("k", NOW).unwrap().unwrap().status, Status::Pending);
    assert_eq!(webhook(&emulator(), body, Some(&good.to_uppercase())).unwrap(), "k captured 1200");

    for malformed in
        ["", "[]", r#"{"payment_key": "k", "event": "eaten"}"#, r#"{"payment_key": "none", "event": "captured"}"#]
    {
        let answer = webhook(&emulator(), malformed, Some(&sign(malformed, SECRET)));
        assert!(matches!(answer, Err(WebhookError::Malformed(_))), "{malformed}");
    }
}

#[test]
fn methods_and_settings() {
    let method = &emulator().methods(&payment_context("ru-RU")).unwrap()[0];
    assert_eq!((method.code.as_str(), method.label.as_str()), ("card", "Карта (проверочная)"));
    let wrong: Emulator = testing::settings(r#"{"action_url": "javascript:alert(1)"}"#).unwrap();
    assert!(matches!(wrong.methods(&payment_context("en")), Err(Error::InvalidSettings(_))));
    let demo: Emulator = testing::settings(include_str!("../demo-settings.json")).unwrap();
    assert!(demo.methods(&payment_context("en")).is_ok());
}
