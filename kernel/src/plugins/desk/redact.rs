//! What of a call is secret, and is struck out before it leaves the memory: by its place, and wherever else the same text stands.
//!
//! Secret are the values that the shop gave the plugin's secrets; settings, headers and members of JSON whose names say so; the token of a
//! payment; links and codes of a letter; the ids of carts and orders, which open those of guests. A text that the plugin made of a secret (in
//! Base64, say) is not found.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::record::{Content, HostCall, HttpAnswer, KvAnswer};
use super::{FailedCall, FileFault, Question};
use crate::audit::{self, STRUCK};
use crate::plugins::{Report, notification, payment};

/// A shorter text is struck out where it is known to be a secret, and nowhere else: it may stand for anything.
const SHORTEST: usize = 6;

/// Members of an event's data that open something: a letter's link, a guest's order.
const OPENS: &[&str] = &["url", "link", "code", "order_id", "cart_id"];

/// What of a call leaves the memory.
pub(super) struct Clean {
    pub settings: Value,
    pub input: Value,
    pub host_calls: Vec<HostCall>,
    pub fault: FileFault,
    pub report: Report,
}

impl Clean {
    pub(super) fn of(call: &FailedCall) -> Self {
        let mut found = BTreeSet::new();
        found.extend(call.granted.values.values().map(|value| value.reveal().to_owned()));
        let mut settings = serde_json::from_str(&call.settings).unwrap_or_default();
        strike_members(&mut settings, &audit::names_a_secret, &mut found);
        let mut input = strike_question(&call.question, &mut found).input();
        let mut host_calls: Vec<_> = call.host_calls.iter().map(|call| strike_answer(call, &mut found)).collect();
        let mut fault = FileFault { code: call.fault.code().to_owned(), text: call.fault.to_string() };
        let mut report = call.report.clone();
        // All that is secret is known by now.
        let redactor = Redactor::new(found);
        redactor.value(&mut settings);
        redactor.value(&mut input);
        redactor.text(&mut fault.text);
        host_calls.iter_mut().for_each(|call| redactor.host_call(call));
        report.log.iter_mut().for_each(|line| redactor.text(&mut line.text));
        Self { settings, input, host_calls, fault, report }
    }
}

/// Strikes out texts wherever they stand.
struct Redactor {
    /// Longer ones first: one may be part of another.
    secrets: Vec<String>,
}

impl Redactor {
    fn new(mut found: BTreeSet<String>) -> Self {
        // What a link carries opens as much as the link: `https://shop.example/#token=…`.
        let carried = |text: &String| text.rsplit_once('=').map(|(_, carried)| carried.to_owned());
        let carried: Vec<_> = found.iter().filter_map(carried).collect();
        found.extend(carried);
        let long = found.into_iter().filter(|text| text.len() >= SHORTEST && text != STRUCK);
        // Inside of a text that is JSON itself, it may be written otherwise.
        let mut secrets: Vec<_> = long.flat_map(|text| [in_json(&text), text]).collect();
        secrets.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self { secrets }
    }

    fn text(&self, text: &mut String) {
        for secret in &self.secrets {
            if text.contains(secret) {
                *text = text.replace(secret, STRUCK);
            }
        }
    }

    /// Every text of a value.
    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.value(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn host_call(&self, call: &mut HostCall) {
        match call {
            HostCall::Kv { key, answer, .. } => {
                self.text(key);
                if let Some(KvAnswer::Quota(text)) = answer {
                    self.text(text);
                }
            }
            HostCall::Http { place, answer, .. } => {
                self.text(place);
                if let Some(HttpAnswer::Response(response)) = answer {
                    response.headers.iter_mut().for_each(|(_, value)| self.text(value));
                }
            }
        }
        if let Some(Content(bytes)) = content_of(call) {
            *bytes = self.secrets.iter().fold(bytes.clone(), |bytes, secret| without(bytes, secret.as_bytes()));
        }
    }
}

fn in_json(text: &str) -> String {
    let written = Value::from(text).to_string();
    written[1..written.len() - 1].to_owned()
}

fn content_of(call: &mut HostCall) -> Option<&mut Content> {
    match call {
        HostCall::Kv { answer: Some(KvAnswer::Value(Some(content))), .. } => Some(content),
        HostCall::Http { answer: Some(HttpAnswer::Response(response)), .. } => Some(&mut response.body),
        _ => None,
    }
}

fn without(bytes: Bytes, secret: &[u8]) -> Bytes {
    let find = |from: &[u8]| from.windows(secret.len()).position(|window| window == secret);
    let mut rest = &bytes[..];
    let mut clean = Vec::new();
    while let Some(at) = find(rest) {
        clean.extend_from_slice(&rest[..at]);
        clean.extend_from_slice(STRUCK.as_bytes());
        rest = &rest[at + secret.len()..];
    }
    if rest.len() == bytes.len() {
        return bytes;
    }
    clean.extend_from_slice(rest);
    clean.into()
}

/// Strikes out the texts of members whose names say that they are secret, and remembers them.
fn strike_members(value: &mut Value, is_secret: &dyn Fn(&str) -> bool, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match is_secret(name) {
                    true => strike_texts(member, found),
                    false => strike_members(member, is_secret, found),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strike_members(item, is_secret, found)),
        _ => {}
    }
}

/// Numbers stay: they are not told from an amount.
fn strike_texts(value: &mut Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if !text.is_empty() => drop(found.insert(std::mem::replace(text, STRUCK.to_owned()))),
        Value::Array(items) => items.iter_mut().for_each(|item| strike_texts(item, found)),
        Value::Object(members) => members.values_mut().for_each(|member| strike_texts(member, found)),
        _ => {}
    }
}

fn strike_question(question: &Question, found: &mut BTreeSet<String>) -> Question {
    match question {
        Question::Authorize(request) => {
            let mut request = payment::AuthorizeRequest::clone(request);
            found.insert(std::mem::replace(&mut request.token, STRUCK.to_owned()));
            Question::Authorize(Arc::new(request))
        }
        Question::Webhook(request) => {
            let mut request = payment::WebhookRequest::clone(request);
            strike_headers(&mut request.headers, found);
            request.body = strike_json(request.body.into(), found).to_vec();
            Question::Webhook(Arc::new(request))
        }
        Question::Compose(request) => {
            let mut request = notification::Compose::clone(request);
            let opens = |name: &str| audit::names_a_secret(name) || OPENS.contains(&name);
            // The data of an event is JSON always; what is not would go whole.
            let mut data = serde_json::from_str(&request.event.data).unwrap_or_default();
            strike_members(&mut data, &opens, found);
            request.event.data = data.to_string();
            Question::Compose(Arc::new(request))
        }
        other => other.clone(),
    }
}

fn strike_answer(call: &HostCall, found: &mut BTreeSet<String>) -> HostCall {
    let mut call = call.clone();
    if let HostCall::Http { answer: Some(HttpAnswer::Response(response)), .. } = &mut call {
        strike_headers(&mut response.headers, found);
    }
    if let Some(Content(bytes)) = content_of(&mut call) {
        *bytes = strike_json(bytes.clone(), found);
    }
    call
}

/// A signature says who may be believed: for the same bytes it is good again.
fn strike_headers(headers: &mut [(String, String)], found: &mut BTreeSet<String>) {
    for (name, value) in headers {
        if audit::names_a_secret(name) || name.contains("signature") {
            found.insert(std::mem::replace(value, STRUCK.to_owned()));
        }
    }
}

/// Bytes that are no JSON, and those in which nothing is secret, stay what they are.
fn strike_json(bytes: Bytes, found: &mut BTreeSet<String>) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else { return bytes };
    let before = value.clone();
    strike_members(&mut value, &audit::names_a_secret, found);
    if value == before { bytes } else { value.to_string().into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::record::{HttpResponse, KvOperation};
    use super::*;
    use crate::clock;
    use crate::plugins::limits::Limits;
    use crate::plugins::telemetry::Function;
    use crate::plugins::{CallFile, Domain, Fault, Granted, Level, LogLine, PluginId, SecretValue};

    const SECRET: &str = "sk_live_4eC39HqLyjWD";
    const TOKEN: &str = "tok_\"1N3T00\"";
    const SETTING: &str = "whsec_MfKQ9r8GKYqr";
    const CODE: &str = "code-of-a-letter";
    const CARRIED: &str = "carried-by-a-link";

    fn kv(value: &[u8]) -> HostCall {
        let answer = Some(KvAnswer::Value(Some(Content(Bytes::copy_from_slice(value)))));
        HostCall::Kv { operation: KvOperation::Get, key: format!("of {TOKEN}"), answer }
    }

    fn http(body: &str) -> HostCall {
        let headers = vec![("set-cookie".to_owned(), "session=1".to_owned()), ("x-echo".to_owned(), SECRET.to_owned())];
        let response = HttpResponse { status: 200, headers, body: Content(body.to_owned().into()) };
        HostCall::Http {
            method: "GET".into(),
            place: format!("api.example.com/{SECRET}"),
            answer: Some(HttpAnswer::Response(response)),
        }
    }

    fn failed(domain: Domain, function: Function, question: Question) -> FailedCall {
        let values = [("api-key".to_owned(), SecretValue::new(SECRET))].into();
        let log = vec![LogLine { level: Level::Error, text: format!("{TOKEN} {SECRET} {CARRIED}"), by_kernel: false }];
        FailedCall {
            failed_at: clock::now(),
            plugin: PluginId { name: "pay".into(), version: "1.0.0".into(), digest: "d".into(), generation: 1 },
            domain,
            function,
            question,
            settings: json!({ "webhook_secret": SETTING, "label": "Card", "list": [{ "api_keys": ["one-of-two"] }] })
                .to_string()
                .into(),
            limits: Limits::of(domain),
            host_calls: vec![
                kv(format!("{{\"client_secret\":\"{CODE}\",\"amount\":5}}").as_bytes()),
                kv(&[b"\xff", SECRET.as_bytes()].concat()),
                http(&json!({ "echo": TOKEN }).to_string()),
                http(&format!("{CODE} {SETTING} one-of-two")),
            ],
            cut: false,
            granted: Arc::new(Granted { grants: Default::default(), values }),
            fault: Fault::Trapped(format!("with {TOKEN} and {SETTING}")),
            report: Report { log, ..Report::default() },
        }
    }

    fn authorize() -> Question {
        let mut request: payment::AuthorizeRequest = serde_json::from_value(json!({
            "idempotency_key": "k", "order_number": "1042", "currency": "EUR", "amount": 5, "method": "card", "token": "",
            "email": "ada@example.org", "billing_address": null, "locale": "en", "now": 7, "attributes": [["note", SECRET]],
        }))
        .expect("a request");
        request.token = TOKEN.into();
        Question::Authorize(Arc::new(request))
    }

    fn webhook() -> Question {
        let headers = vec![("x-emulator-signature".to_owned(), "5f4dcc3b5aa7".to_owned())];
        let body = format!("{{\"id\":\"evt\",\"token\":{}}}", Value::from(TOKEN)).into_bytes();
        Question::Webhook(Arc::new(payment::WebhookRequest { headers, body, now: 7 }))
    }

    fn compose() -> Question {
        let data = json!({ "url": format!("https://shop.example/#token={CARRIED}"), "order_id": "0b1c2d", "number": 1042, "code": CODE });
        let request = serde_json::from_value(json!({
            "event": { "id": "e", "kind": "account.reset-password", "at": 7, "data": data.to_string() },
            "recipient": { "name": "Ada", "email": "ada@example.org", "attributes": [] },
            "locale": "en", "shop": { "name": "Shop", "url": "https://shop.example", "email": "shop@example.org" },
        }));
        Question::Compose(Arc::new(request.expect("a request")))
    }

    #[test]
    fn no_secret_is_in_any_file() {
        for (domain, function, question, others) in [
            (Domain::Payment, Function::Authorize, authorize(), vec![TOKEN]),
            (Domain::Payment, Function::Webhook, webhook(), vec![TOKEN, "5f4dcc3b5aa7"]),
            (Domain::Notification, Function::Compose, compose(), vec![CODE, CARRIED, "0b1c2d"]),
        ] {
            let call = failed(domain, function, question);
            let (text, file) = CallFile::of(uuid::Uuid::nil(), &call, 1 << 20);
            let forms = |secret: &str| [secret.to_owned(), in_json(secret), in_json(&in_json(secret))];
            let is_there = |secret: &str| forms(secret).iter().any(|form| text.contains(form));
            for secret in [&[SECRET, SETTING, CODE, "one-of-two", "session=1"][..], &others].concat() {
                assert!(!is_there(secret), "{secret} is in {text}");
            }
            // What is no secret stays, and the file is one that can be asked again.
            for kept in ["Card", "amount", "api.example.com/"] {
                assert!(text.contains(kept), "{kept} is not in {text}");
            }
            let read = CallFile::read(text.as_bytes()).expect("it is read");
            assert_eq!(serde_json::to_value(&read).expect("a form"), serde_json::to_value(&file).expect("a form"));
            read.question().expect("a question");
            let HostCall::Kv { answer: Some(KvAnswer::Value(Some(Content(bytes)))), .. } = &read.host_calls[1] else {
                panic!("{text}")
            };
            assert_eq!(&bytes[..], [b"\xff", STRUCK.as_bytes()].concat());
        }
    }

    #[test]
    fn an_input_that_is_too_large_is_told_and_not_kept() {
        let call = failed(Domain::Payment, Function::Authorize, authorize());
        let bytes = Clean::of(&call).input.to_string().len();
        let (_, kept) = CallFile::of(uuid::Uuid::nil(), &call, bytes);
        let (_, cut) = CallFile::of(uuid::Uuid::nil(), &call, bytes - 1);
        assert_eq!((kept.input.is_some(), kept.input_bytes), (true, bytes as u64));
        assert_eq!((cut.input, cut.input_bytes), (None, bytes as u64));
        let without = CallFile { input: None, ..kept };
        assert!(without.question().expect_err("nothing to ask").contains(&format!("{bytes} bytes")));
    }
}
