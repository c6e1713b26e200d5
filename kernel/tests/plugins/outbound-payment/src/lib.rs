//! A payment provider that sends the requests that its token names, and tells in the payment's reference what came of them. It also claims
//! what it is told to claim, and floods its store.

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
    /// What it says was taken, whichever payment it is asked about.
    captured: Option<i64>,
    /// Where it is asked for its methods it writes into its store, and says in the label whether it could.
    keeps: bool,
    /// It has no methods any more once its store has what the word `kv` writes.
    sulks: bool,
}

/// `kv`, `kv-flood`, `kv-loop`, `panic`, or a URL; `POST=URL` posts six bytes, `GZIP=URL` asks for a packed answer. Other words are passed over.
fn ask(words: &str, told: &str) -> Vec<String> {
    let one = |word: &str| match word.split_once('=') {
        Some(("POST", url)) => Request::post(url).body("12 EUR").send(),
        Some(("GZIP", url)) => Request::get(url).header("accept-encoding", "gzip").send(),
        _ => Request::get(word).send(),
    };
    let told = |word: &str| match word {
        "kv" => format!("{:?}", kv::set("a", b"b")),
        "kv-flood" => flood(),
        "kv-loop" => loop {
            let _ = kv::get("a");
        },
        "panic" => panic!("told to panic by {told}"),
        _ => match one(word) {
            Ok(answer) => format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)),
            Err(failure) => failure.to_string(),
        },
    };
    let known = |word: &&str| ["kv", "kv-flood", "kv-loop", "panic"].contains(word) || word.contains("://");
    words.split_whitespace().filter(known).map(told).collect()
}

/// Keys until there is no room for another.
fn flood() -> String {
    let mut keys = 0;
    loop {
        match kv::set(&format!("key-{keys}"), b"x") {
            Ok(()) => keys += 1,
            Err(error) => return format!("{keys} keys, then {error:?}"),
        }
    }
}

/// `STATUS:AMOUNT:CAPTURABLE`, in numbers that no amount of the SDK would hold.
fn claimed(claim: &str) -> Option<Outcome> {
    let mut parts = claim.split(':');
    let status = match parts.next()? {
        "captured" => Status::Captured,
        "authorized" => Status::Authorized,
        _ => Status::Pending,
    };
    let (amount, capturable) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(Outcome { status, reference: String::new(), amount, capturable, attributes: Vec::new() })
}

impl Payment for Outbound {
    fn methods(&self, _: &Context) -> Result<Vec<Method>, Error> {
        if self.sulks && kv::get("a")?.is_some() {
            return Err(Error::Internal("ada@example.org is not served".to_owned()));
        }
        let kept = self.keeps.then(|| kv::set("asked", b"x").is_ok());
        let label = match kept {
            None => "Card",
            Some(true) => "Card, kept",
            Some(false) => "Card, not kept",
        };
        Ok(vec![Method::new("card", label)])
    }

    fn authorize(&self, request: &AuthorizeRequest) -> Result<Outcome, Error> {
        if let Some(outcome) = request.token.strip_prefix("claim=").and_then(claimed) {
            return Ok(outcome);
        }
        let words = format!("{} {}", request.token, self.ask);
        let told = format!("{}, {}", request.token, self.api_secret);
        let told: String = ask(&words, &told).join("; ").chars().filter(|c| !c.is_control()).take(400).collect();
        Ok(Outcome::new(Status::Captured, &told, request.money()?))
    }

    fn query(&self, _key: &str, _now: u64) -> Result<Option<Outcome>, Error> {
        let claimed = |amount| claimed(&format!("captured:{amount}:0"));
        Ok(self.captured.and_then(claimed))
    }

    fn capture(&self, request: &FollowUp) -> Result<Outcome, Error> {
        Ok(Outcome::new(Status::Captured, &request.reference, request.money()?))
    }
}

kassa_sdk::export!(payment: Outbound);
