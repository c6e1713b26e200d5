//! A pricing plugin whose answer shows whatever chance and time it can get at: the order of a `HashMap`, whose seed is
//! random, and std's clocks. Under the host's WASI every call must give the same bytes.

use std::collections::HashMap;
use std::time::{Instant, SystemTime};

use kassa_sdk::pricing::{Error, Pricing, Quote, Request};

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HashOrder {}

impl Pricing for HashOrder {
    fn price(&self, request: &Request) -> Result<Quote, Error> {
        let mut quote = Quote::empty(request);
        let words: HashMap<String, usize> = (0..32).map(|at| (format!("word-{at}"), at)).collect();
        quote.messages.push(words.values().map(usize::to_string).collect::<Vec<_>>().join(" "));
        quote.messages.push(format!("{:?} {:?}", SystemTime::now(), Instant::now()));
        // stdout is the log, line by line.
        println!("printed");
        Ok(quote)
    }
}

kassa_sdk::export!(pricing: HashOrder);
