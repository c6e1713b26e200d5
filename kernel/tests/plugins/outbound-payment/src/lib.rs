//! A payment provider that sends the requests that its token names, and tells in the payment's reference what came of them.

use kassa_sdk::http::Request;
use kassa_sdk::kv;
use kassa_sdk::payment::{AuthorizeRequest, Context, Error, FollowUp, Method, Outcome, Payment, Status};

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Outbound {
    /// What it asks after what its token names.
    ask: String,
    /// Something that a log should not have.
    api_secret: String,
}

/// `kv`, a URL, `POST=URL`, which posts six bytes, and `panic`; other words are passed over.
fn ask(words: &str, told: &str) -> Vec<String> {
    let one = |word: &str| match word.strip_prefix("POST=") {
        Some(url) => Request::post(url).body("12 EUR").send(),
        None => Request::get(word).send(),
    };
    let told = |word: &str| match (word, one(word)) {
        ("kv", _) => format!("{:?}", kv::set("a", b"b")),
        ("panic", _) => panic!("told to panic by {told}"),
        (_, Ok(answer)) => format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)),
        (_, Err(failure)) => failure.to_string(),
    };
    let known = |word: &&str| ["kv", "panic"].contains(word) || word.contains("://");
    words.split_whitespace().filter(known).map(told).collect()
}

impl Payment for Outbound {
    fn methods(&self, _: &Context) -> Result<Vec<Method>, Error> {
        Ok(vec![Method::new("card", "Card")])
    }

    fn authorize(&self, request: &AuthorizeRequest) -> Result<Outcome, Error> {
        let words = format!("{} {}", request.token, self.ask);
        let told = format!("{}, {}", request.token, self.api_secret);
        let told: String = ask(&words, &told).join("; ").chars().filter(|c| !c.is_control()).take(400).collect();
        Ok(Outcome::new(Status::Captured, &told, request.money()?))
    }

    fn query(&self, _key: &str, _now: u64) -> Result<Option<Outcome>, Error> {
        Ok(None)
    }

    fn capture(&self, request: &FollowUp) -> Result<Outcome, Error> {
        Ok(Outcome::new(Status::Captured, &request.reference, request.money()?))
    }
}

kassa_sdk::export!(payment: Outbound);
