use kassa_sdk::notification::{Error, Event, Message, Notification, Recipient};
use kassa_sdk::testing::{self, event, recipient, shop};

use super::EmailNotification;

const ORDER: &str = r#"{
    "number": "1042", "currency": "EUR", "exponent": 2, "total": 3240, "url": "https://shop.example/orders/1042",
    "lines": [
        {"sku": "mug", "title": "Mug <blue>", "quantity": 2, "unit_price": 500, "total": 1000},
        {"sku": "atlas", "title": "Atlas", "quantity": 1, "unit_price": 2000, "total": 2000}],
    "adjustments": [
        {"kind": "discount", "label": "Welcome: 10 % off", "amount": -250},
        {"kind": "tax-included", "label": "VAT 19 %", "amount": 439}],
    "delivery": {"label": "Standard delivery", "amount": 490},
    "address": {"name": "Ada", "street": "Lindenstraße 1\nBack door", "city": "Berlin", "postcode": "10969", "country": "DE"},
    "something-new": true
}"#;

fn compose(event: &Event, locale: &str) -> Message {
    let [message] = composed(event, locale).try_into().unwrap();
    message
}

fn composed(event: &Event, locale: &str) -> Vec<Message> {
    EmailNotification::default().compose(event, &recipient(), locale, &shop()).unwrap()
}

#[test]
fn an_order_in_english() {
    let message = compose(&event("order.placed", ORDER), "en-GB");
    assert_eq!(message.channel, "email");
    assert_eq!(message.subject, "Your order 1042 at Test Shop");
    let expected = "Hello Ada,\n\nWe have received your order 1042 of 3 items.\n\n\
        2 × Mug <blue> (5.00 EUR): 10.00 EUR\n1 × Atlas (20.00 EUR): 20.00 EUR\nStandard delivery: 4.90 EUR\n\
        Welcome: 10 % off: -2.50 EUR\nincluding VAT 19 %: 4.39 EUR\nTotal: 32.40 EUR\n\n\
        Delivery address:\nAda\nLindenstraße 1\nBack door\n10969 Berlin\nDE\n\n\
        View the order: https://shop.example/orders/1042\n\n-- \nTest Shop\nhttps://shop.example\n";
    assert_eq!(message.text.replace('\u{a0}', " "), expected);
    let html = message.html.unwrap();
    assert!(
        html.contains(
            "<td>2 × Mug &lt;blue&gt; (5.00\u{a0}EUR)</td><td style=\"text-align: right\">10.00\u{a0}EUR</td>"
        )
    );
    assert!(html.contains("<a href=\"https://shop.example/orders/1042\">View the order</a>"));
    assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"));
}

#[test]
fn subjects_and_first_lines() {
    let link = r#"{"url": "https://shop.example/confirm#token=1", "token": "1", "valid_minutes": 61, "new_email": "b@example.org"}"#;
    #[rustfmt::skip]
    let cases = [
        ("order.placed", ORDER, "en", "Your order 1042 at Test Shop", "We have received your order 1042 of 3 items."),
        ("order.placed", ORDER, "ru", "Ваш заказ 1042 в магазине Test Shop", "Мы получили ваш заказ 1042: 3 товара."),
        ("order.paid", ORDER, "en", "Order 1042 is paid", "Thank you! We have received 32.40 EUR for your order 1042."),
        ("order.paid", ORDER, "ru-RU", "Заказ 1042 оплачен", "Спасибо! Мы получили 32,40 EUR за ваш заказ 1042."),
        ("order.shipped", ORDER, "en", "Order 1042 is on its way", "Your order 1042 is on its way."),
        ("order.shipped", ORDER, "ru", "Заказ 1042 отправлен", "Ваш заказ 1042 в пути."),
        ("order.cancelled", ORDER, "en", "Order 1042 is cancelled", "Your order 1042 is cancelled."),
        ("order.cancelled", ORDER, "ru", "Заказ 1042 отменён", "Ваш заказ 1042 отменён."),
        ("account.confirm-email", link, "en", "Confirm your e-mail address for Test Shop", "Please confirm that this e-mail address belongs to your account at Test Shop."),
        ("account.confirm-email", link, "ru", "Подтвердите адрес почты для Test Shop", "Подтвердите, что этот адрес почты относится к вашей учётной записи в магазине Test Shop."),
        ("account.reset-password", link, "en", "A new password for Test Shop", "With this link you can set a new password for your account at Test Shop."),
        ("account.reset-password", link, "ru", "Новый пароль для Test Shop", "По этой ссылке можно задать новый пароль для учётной записи в магазине Test Shop."),
        ("account.change-email-old", link, "en", "Do you want another e-mail address for Test Shop?", "Your account at Test Shop is to have the e-mail address b@example.org. Please confirm that you want this, or call it off."),
        ("account.change-email-new", link, "ru", "Подтвердите новый адрес почты для Test Shop", "Этот адрес почты должен относиться к учётной записи в магазине Test Shop. Подтвердите, что он ваш."),
        ("account.password-changed", link, "en", "Your password for Test Shop was changed", "The password of your account at Test Shop was changed."),
        ("account.email-changed", link, "ru", "Ваш адрес почты для Test Shop изменён", "У вашей учётной записи в магазине Test Shop теперь адрес почты b@example.org."),
        ("account.second-factor-on", link, "en", "Logins at Test Shop ask for a code now", "A second factor was set up for your account at Test Shop: whoever logs in needs a code of your authenticator app."),
        ("account.second-factor-off", link, "ru", "Вход в Test Shop теперь без кода", "Второй фактор вашей учётной записи в магазине Test Shop отключён: для входа достаточно пароля."),
        ("account.already-registered", link, "en", "You have an account at Test Shop", "Somebody entered this e-mail address at Test Shop. You have an account there already: log in with it, or ask for a new password."),
    ];
    for (kind, data, locale, subject, first) in cases {
        let message = compose(&event(kind, data), locale);
        assert_eq!(message.subject, subject, "{kind} {locale}");
        assert_eq!(message.text.replace('\u{a0}', " ").lines().nth(2), Some(first), "{kind} {locale}");
        assert!(message.html.is_some(), "{kind} {locale}");
    }
}

#[test]
fn a_refund_is_told_once() {
    for (locale, subject, first) in [
        ("en", "Refund for order 1042", "We have given 12.40 EUR back to you for your order 1042."),
        ("ru", "Возврат денег за заказ 1042", "Мы вернули вам 12,40 EUR за заказ 1042."),
    ] {
        let data = ORDER.replacen('{', r#"{"refund": {"amount": 1240, "cancellation": false},"#, 1);
        let message = compose(&event("order.refunded", &data), locale);
        assert_eq!(message.subject, subject);
        assert_eq!(message.text.replace('\u{a0}', " ").lines().nth(2), Some(first));
    }
    let data = ORDER.replacen('{', r#"{"refund": {"amount": 1240, "cancellation": true},"#, 1);
    assert!(composed(&event("order.refunded", &data), "en").is_empty(), "the letter of the cancellation told it");
}

#[test]
fn what_shipping_and_cancelling_tell() {
    #[rustfmt::skip]
    let cases = [
        ("order.shipped", r#""shipment": {"tracking_number": "JD01", "tracking_url": "https://track.example/JD01"}"#,
            "en", &["Tracking number: JD01", "Follow the parcel: https://track.example/JD01"][..]),
        ("order.shipped", r#""shipment": {"tracking_number": "", "tracking_url": ""}"#, "en", &[]),
        ("order.cancelled", r#""cancellation": {"reason": "customer", "refunded": 3240}"#,
            "en", &["You asked us to cancel it.", "You get 32.40 EUR back."]),
        ("order.cancelled", r#""cancellation": {"reason": "payment-declined", "refunded": 0}"#,
            "ru", &["Платёж был отклонён.", "Деньги не списаны."]),
        ("order.cancelled", r#""cancellation": {"reason": "a new one"}"#, "en", &["You have not been charged."]),
    ];
    for (kind, more, locale, lines) in cases {
        let data = ORDER.replacen('{', &format!("{{{more},"), 1);
        let message = compose(&event(kind, &data), locale);
        let text = message.text.replace('\u{a0}', " ");
        let told: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let end = told.iter().position(|line| line.contains("orders/1042")).unwrap();
        assert_eq!(&told[2..end], lines, "{kind} {more}");
    }
}

const CART: &str = r#"{"url": "https://shop.example/cart#cart=1", "currency": "EUR", "exponent": 2, "goods_total": 1000,
    "lines": [{"sku": "mug", "title": "Mug <blue>", "quantity": 2, "unit_price": 500, "total": 1000}]}"#;

const RETURNED: &str = r#""return": {"number": 2, "cause": "it was worn",
    "lines": [{"line": 1, "quantity": 1, "reason": "damaged"}, {"line": 0, "quantity": 2, "reason": "other"}]}"#;

#[test]
fn what_arrives_comes_back_or_is_left_is_told() {
    let returned = ORDER.replacen('{', &format!("{{{RETURNED},"), 1);
    let collected = ORDER.replace(r#""amount": 490"#, r#""amount": 490, "pickup": true"#);
    #[rustfmt::skip]
    let cases: [(&str, &str, &str, &str, &[&str]); 8] = [
        ("order.delivered", ORDER, "en", "Order 1042 has arrived", &["Your order 1042 has arrived.", "View the order: "]),
        ("order.delivered", &collected, "ru", "Заказ 1042 получен", &["Ваш заказ 1042 получен."]),
        ("return.approved", &returned, "en", "Return of order 1042 is approved",
            &["You can send these goods of your order 1042 back to us.", "1 × Atlas (damaged)", "2 × Mug <blue>\n", "View the order: "]),
        ("return.approved", &returned, "ru", "Возврат по заказу 1042 одобрен", &["1 × Atlas (повреждён)"]),
        ("return.rejected", &returned, "en", "Return of order 1042 is refused", &["The reason: it was worn", "View the order: "]),
        ("return.rejected", &returned, "ru", "Возврат по заказу 1042 отклонён", &["Причина: it was worn"]),
        ("cart.abandoned", CART, "en", "Your cart at Test Shop", &["2 × Mug <blue> (5.00 EUR): 10.00 EUR", "Total: 10.00 EUR",
            "Open the cart: https://shop.example/cart#cart=1"]),
        ("cart.abandoned", CART, "ru", "Ваша корзина в магазине Test Shop", &["Вы оставили товары в корзине.", "Открыть корзину: "]),
    ];
    for (kind, data, locale, subject, said) in cases {
        let message = compose(&event(kind, data), locale);
        let text = message.text.replace('\u{a0}', " ");
        assert_eq!(message.subject, subject, "{kind}");
        for words in said {
            assert!(text.contains(words), "{kind} {locale}: {words} is not in {text}");
        }
    }
}

#[test]
fn own_texts_have_the_values_of_their_kind() {
    let returned = ORDER.replacen('{', &format!("{{{RETURNED},"), 1);
    let shipment = r#"{"shipment": {"tracking_number": "JD01", "lines": [{"title": "Atlas", "quantity": 1}]},"#;
    let shipped = ORDER.replacen('{', shipment, 1);
    let edited = ORDER.replacen('{', r#"{"edit": {"difference": -990, "outstanding": 120},"#, 1);
    let payable = ORDER.replacen('{', r#"{"payable": 700,"#, 1);
    for (kind, data, text, expected) in [
        (
            "return.received",
            &returned,
            "{number}/{return_number}: {cause}. {goods}",
            "1042/2: it was worn. 1 × Atlas (damaged)\n2 × Mug <blue>",
        ),
        (
            "shipment.created",
            &shipped,
            "{number} {tracking_number} {goods} {url}",
            "1042 JD01 1 × Atlas https://shop.example/orders/1042",
        ),
        ("order.edited", &edited, "{difference} {outstanding}", "-9.90 EUR 1.20 EUR"),
        ("order.payment-request", &payable, "{payable} of {total}", "7.00 EUR of 32.40 EUR"),
        (
            "cart.abandoned",
            &CART.to_owned(),
            "{items} for {total}: {url}",
            "2 for 10.00 EUR: https://shop.example/cart#cart=1",
        ),
    ] {
        let plugin = settings(serde_json::json!({
            "texts": [{"kind": kind, "channel": "email", "subject": "s", "text": text}]
        }));
        plugin.compose(&event("probe", "{}"), &recipient(), "en", &shop()).unwrap();
        let message = plugin.compose(&event(kind, data), &recipient(), "en", &shop()).unwrap().remove(0);
        assert_eq!(message.text.replace('\u{a0}', " "), expected, "{kind}");
    }
    let wrong = settings(serde_json::json!({
        "texts": [{"kind": "order.paid", "channel": "email", "subject": "s", "text": "{cause}"}]
    }));
    assert!(wrong.compose(&event("probe", "{}"), &recipient(), "en", &shop()).is_err());
}

#[test]
fn an_order_that_is_collected_or_costs_nothing_is_told_so() {
    let collected = ORDER.replace(r#""amount": 490"#, r#""amount": 490, "pickup": true"#);
    let placed = compose(&event("order.placed", &collected), "en");
    assert!(!placed.text.contains("Delivery address"), "{}", placed.text);
    for (locale, subject, first) in [
        ("en", "Order 1042 is ready", "Your order 1042 is ready to be collected."),
        ("ru", "Заказ 1042 готов", "Ваш заказ 1042 можно забрать."),
    ] {
        let ready = compose(&event("order.shipped", &collected), locale);
        assert_eq!((ready.subject.as_str(), ready.text.lines().nth(2)), (subject, Some(first)));
    }
    let free = ORDER.replace(r#""total": 3240"#, r#""total": 0"#);
    let paid = compose(&event("order.paid", &free), "en");
    assert_eq!(paid.text.lines().nth(2), Some("Thank you! There is nothing to pay for your order 1042."));
}

#[test]
fn the_longest_order_fits_a_letter() {
    let long = "😀&".repeat(200);
    let line =
        serde_json::json!({"title": long, "quantity": 99_999, "unit_price": 9_007_199_254_740_i64, "total": 1_00});
    let lines = vec![line; 1_000];
    let tax = serde_json::json!({"kind": "tax-included", "label": long, "amount": 1_00});
    let fee = serde_json::json!({"kind": "fee", "label": long, "amount": 1_00});
    let adjustments = [vec![tax; 100], vec![fee; 4_000]].concat();
    let address = serde_json::json!({"name": "😀".repeat(200), "street": "😀".repeat(400), "city": "😀".repeat(200)});
    let data = serde_json::json!({"number": "1", "currency": "EUR", "exponent": 2, "lines": lines, "adjustments": adjustments,
        "address": address, "delivery": {"label": "😀".repeat(100)}});
    for locale in ["en", "ru"] {
        let plugin = EmailNotification { footer: "😀".repeat(1_000), ..EmailNotification::default() };
        let placed = event("order.placed", &data.to_string());
        let message = plugin.compose(&placed, &recipient(), locale, &shop()).unwrap().remove(0);
        let html = message.html.unwrap();
        assert!(message.text.len() <= 64 << 10 && html.len() <= 256 << 10, "{} {}", message.text.len(), html.len());
        // The rows still add up: 99 of 1.00 and the rest in one.
        let rest =
            if locale == "en" { "… and 901 more: 901.00\u{a0}EUR\n" } else { "… и ещё 901: 901,00\u{a0}EUR\n" };
        assert!(message.text.contains(rest), "{}", message.text);
    }
}

#[test]
fn links_are_escaped_and_say_how_long_they_work() {
    let data = r#"{"url": "https://shop.example/reset?t=1&u=\"2\"", "valid_minutes": 61}"#;
    let message = compose(&event("account.reset-password", data), "ru");
    assert!(message.text.contains("Задать новый пароль: https://shop.example/reset?t=1&u=\"2\"\n"));
    assert!(message.text.contains("Срок действия: 61 минута.\n"));
    let html = message.html.unwrap();
    assert!(html.contains("<a href=\"https://shop.example/reset?t=1&amp;u=&quot;2&quot;\">Задать новый пароль</a>"));
}

#[test]
fn a_shop_without_pages_shows_the_code_and_a_notice_has_neither() {
    let data = r#"{"url": "", "token": "8xGfM0T4", "valid_minutes": 60}"#;
    let message = compose(&event("account.reset-password", data), "en");
    assert!(message.text.contains("\nYour code:\n8xGfM0T4\n\nIt works for 1 hour.\n"), "{}", message.text);
    let notice = compose(&event("account.password-changed", data), "en");
    assert!(!notice.text.contains("8xGfM0T4") && notice.text.contains("If that was not you"), "{}", notice.text);
}

#[test]
fn values_cannot_add_headers_lines_or_markup() {
    let evil = "1042\r\nBcc: all@example.org\r\n<script>";
    let data = serde_json::json!({"number": evil, "currency": "<b>", "exponent": 2, "total": 1, "url": "javascript:x",
        "lines": [{"title": evil, "quantity": 1}], "delivery": {"label": evil}, "adjustments": [{"label": evil}],
        "address": {"street": evil}, "shipment": {"tracking_number": evil, "tracking_url": "javascript:x"}});
    let to = Recipient { name: evil.to_owned(), ..recipient() };
    let shop = kassa_sdk::notification::Shop { name: evil.to_owned(), url: "javascript:x".to_owned(), ..shop() };
    for kind in ["order.placed", "order.paid", "order.shipped", "order.cancelled", "account.reset-password"] {
        let plugin = EmailNotification { footer: evil.to_owned(), ..EmailNotification::default() };
        let message = plugin.compose(&event(kind, &data.to_string()), &to, "en", &shop).unwrap().remove(0);
        assert!(!message.subject.chars().any(char::is_control), "{kind}: {:?}", message.subject);
        // Of the values only an address may have lines, and each stands below its title.
        let forged = message.text.lines().filter(|line| line.starts_with("Bcc:")).count();
        assert_eq!(forged, usize::from(kind == "order.placed"), "{kind}");
        let html = message.html.unwrap();
        assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains("javascript"), "{kind}: {html}");
    }
}

#[test]
fn other_events_get_no_message_and_broken_ones_an_error() {
    let plugin: EmailNotification = testing::settings(include_str!("../demo-settings.json")).unwrap();
    for kind in ["probe", "order.returned", ""] {
        assert_eq!(plugin.compose(&event(kind, "{}"), &recipient(), "en", &shop()).unwrap(), [], "{kind}");
    }
    for data in ["", "7", r#"{"total": 1.5}"#, r#"{"total": 9007199254740992}"#] {
        let answer = plugin.compose(&event("order.paid", data), &recipient(), "en", &shop());
        assert!(matches!(answer, Err(Error::Internal(_))), "{data}");
    }
    let nobody = Recipient { name: String::new(), ..recipient() };
    let message = plugin.compose(&event("order.paid", "{}"), &nobody, "en", &shop()).unwrap().remove(0);
    assert!(message.text.starts_with("Hello,\n"));
    assert!(!message.text.contains("View the order"), "there is no page for it");
    let long = EmailNotification { footer: "x".repeat(1_001), ..EmailNotification::default() };
    let answer = long.compose(&event("probe", "{}"), &recipient(), "en", &shop());
    assert!(matches!(answer, Err(Error::InvalidSettings(_))));
}

fn settings(json: serde_json::Value) -> EmailNotification {
    testing::settings(&json.to_string()).unwrap()
}

/// Someone with every channel open.
fn everywhere() -> Recipient {
    Recipient { attributes: vec![("channels".to_owned(), "email sms push inbox".to_owned())], ..recipient() }
}

#[test]
fn channels_are_those_that_are_open_and_wanted() {
    let plugin = settings(serde_json::json!({
        "channels_by_kind": {"order.shipped": ["sms", "push", "inbox", "sms"], "order.paid": [], "account.reset-password": ["sms"]}
    }));
    let link = r#"{"url": "https://shop.example/reset"}"#;
    for (kind, data, to, expected) in [
        ("order.placed", ORDER, everywhere(), &["email", "inbox"][..]),
        ("order.placed", ORDER, recipient(), &["email"]),
        ("order.shipped", ORDER, everywhere(), &["sms", "push", "inbox"]),
        ("order.paid", ORDER, everywhere(), &[]),
        ("account.reset-password", link, everywhere(), &["email"]),
    ] {
        let messages = plugin.compose(&event(kind, data), &to, "en", &shop()).unwrap();
        let channels: Vec<_> = messages.iter().map(|message| message.channel.as_str()).collect();
        assert_eq!(channels, expected, "{kind}");
    }
    let shipped = plugin.compose(&event("order.shipped", ORDER), &everywhere(), "en", &shop()).unwrap();
    assert_eq!(shipped[0].text, "Your order 1042 is on its way. https://shop.example/orders/1042");
    assert_eq!(
        (shipped[1].subject.as_str(), shipped[1].text.as_str()),
        ("Order 1042 is on its way", "Your order 1042 is on its way.")
    );
    assert_eq!(shipped[1].attributes, [("url".to_owned(), "https://shop.example/orders/1042".to_owned())]);
    assert!(shipped.iter().all(|message| message.html.is_none()));
}

#[test]
fn the_merchants_own_text_stands_in_for_ours() {
    let text = |locale: &str, subject: &str| {
        serde_json::json!({"kind": "order.placed", "channel": "email", "locale": locale,
        "subject": subject, "text": "Dear {name}\n\n{lines}\n\nSee {url} {{really}}"})
    };
    let plugin = settings(
        serde_json::json!({"texts": [text("de", "Bestellung {number}"), text("de-AT", "Bstellung {number}"),
        {"kind": "cart.abandoned", "channel": "email", "subject": "Come back", "text": "{url}", "html": "<b>{name}</b>"}]}),
    );
    let say = |kind: &str, data: &str, to: &Recipient, locale: &str| {
        plugin.compose(&event(kind, data), to, locale, &shop()).unwrap().remove(0)
    };
    for (locale, subject) in [
        ("de", "Bestellung 1042"),
        ("de-CH", "Bestellung 1042"),
        ("de-at", "Bstellung 1042"),
        ("fr", "Your order 1042 at Test Shop"),
    ] {
        assert_eq!(say("order.placed", ORDER, &recipient(), locale).subject, subject, "{locale}");
    }
    let german = say("order.placed", ORDER, &recipient(), "de");
    assert!(german.text.starts_with("Dear Ada\n\n2 × Mug <blue> (5.00"), "{}", german.text);
    assert!(german.text.ends_with("See https://shop.example/orders/1042 {really}"));
    let html = german.html.unwrap();
    assert!(html.starts_with("<!doctype html>\n<html lang=\"de\">") && html.contains("<br>1 × Atlas"), "{html}");
    assert!(html.contains("Mug &lt;blue&gt;"));
    let evil = Recipient { name: "<script>\r\n.".to_owned(), ..recipient() };
    let abandoned = say("cart.abandoned", r#"{"url": "https://shop.example/cart"}"#, &evil, "en");
    assert_eq!((abandoned.subject.as_str(), abandoned.text.as_str()), ("Come back", "https://shop.example/cart"));
    assert!(abandoned.html.unwrap().contains("<b>&lt;script&gt;"));
    assert!(!say("order.placed", ORDER, &evil, "de").text.contains("<script>\r"));
}

#[test]
fn texts_that_could_not_be_sent_are_refused_at_activation() {
    let text = |change: serde_json::Value| {
        let mut text = serde_json::json!({"kind": "order.paid", "channel": "email", "subject": "s", "text": "t"});
        text.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        settings(serde_json::json!({"texts": [text]})).compose(&event("probe", "{}"), &recipient(), "en", &shop())
    };
    assert_eq!(text(serde_json::json!({})).unwrap(), []);
    for (change, expected) in [
        (
            serde_json::json!({"subject": "{nmber}"}),
            "texts[0].subject: there is no {nmber} for order.paid; there are name, email,",
        ),
        (serde_json::json!({"text": "{token}"}), "texts[0].text: there is no {token}"),
        (serde_json::json!({"html": "<b>{"}), "texts[0].html: a brace is written twice"),
        (serde_json::json!({"html": "", "channel": "sms"}), "texts[0].html: only mails"),
        (
            serde_json::json!({"kind": "account.invited", "channel": "sms"}),
            "texts[0].channel: account.invited goes by email",
        ),
    ] {
        let Err(Error::InvalidSettings(reason)) = text(change.clone()) else { panic!("{change}") };
        assert!(reason.starts_with(expected), "{reason}");
    }
    let pigeon = testing::settings::<EmailNotification>(r#"{"channels": ["pigeon"]}"#);
    assert!(matches!(pigeon, Err(Error::InvalidSettings(_))));
}
