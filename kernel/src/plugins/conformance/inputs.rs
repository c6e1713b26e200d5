//! What the inputs of all worlds are made of.

use std::borrow::Cow;
use std::sync::Arc;

use super::{delivery, notification, payment, pricing};
use crate::plugins::telemetry::Function;
use crate::plugins::{
    Domain, delivery as deliveries, notification as notifications, payment as payments, pricing as prices,
};

/// Rises with every change of what is asked.
pub(super) const SUITE: u32 = 1;

/// Lines of the inputs that tell the cost.
pub(super) const COST_LINES: [u32; 4] = [1, 10, 100, 500];
pub(super) const LARGEST_QUANTITY: u32 = 1_000_000;
/// The 1st of January 2026, at noon.
pub(super) const NOW: u64 = 1_767_268_800;
pub(super) const END_OF_9999: u64 = 253_402_300_799;

/// With their digits after the point: none, two, three. The shop of the suite sells in the first.
pub(super) const CURRENCIES: [(&str, u8); 4] = [("EUR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3)];
/// The attribute that says in which currency amounts of settings are, where the request is in another.
const SHOP_CURRENCY: &str = "shop-currency";

/// Near, far, and one that stands on no list of ISO 3166-1.
pub(super) const COUNTRIES: [&str; 6] = ["DE", "US", "JP", "BR", "AQ", "XK"];
pub(super) const LOCALES: [&str; 5] = ["en", "ru-RU", "ar", "zh-Hant-TW", "tlh"];

/// Texts as people type them, by what is odd about them.
pub(super) const TEXTS: [(&str, &str); 6] = [
    ("right to left", "شاي אדום"),
    ("emoji", "👩‍👩‍👧‍👦🫖🇩🇪"),
    ("many bytes", "紅茶とＴＥＡ"),
    ("marks on marks", "z̸̢̛͎a̷͔̔l̶̰̋g̵̹͝o̴͚͐"),
    ("markup", "<b>&amp;\"'`${x}{{y}}</b>"),
    ("turned around", "\u{202e}aet\u{202c}\u{200b}"),
];

/// A question to a plugin, with the name that a report has for it.
pub(super) struct Input {
    pub name: Cow<'static, str>,
    pub question: Question,
    /// It tells what so many lines cost.
    pub lines: Option<u32>,
    /// Its amounts fill the range of the contract: with any tax or fee on top the total is beyond it, and that is no fault of the plugin.
    pub is_full: bool,
}

/// What is asked, of the functions that do nothing but answer.
pub(super) enum Question {
    Price(Arc<prices::Request>),
    Methods(Arc<payments::Context>),
    Quote(Arc<deliveries::Shipment>),
    Compose(Arc<notifications::Compose>),
}

impl Question {
    pub(super) fn function(&self) -> Function {
        match self {
            Self::Price(_) => Function::Price,
            Self::Methods(_) => Function::Methods,
            Self::Quote(_) => Function::Quote,
            Self::Compose(_) => Function::Compose,
        }
    }

    /// Whether the same question must have the same answer.
    pub(super) fn must_repeat(&self) -> bool {
        !self.function().may_send()
    }
}

impl From<prices::Request> for Question {
    fn from(request: prices::Request) -> Self {
        Self::Price(Arc::new(request))
    }
}

impl From<payments::Context> for Question {
    fn from(context: payments::Context) -> Self {
        Self::Methods(Arc::new(context))
    }
}

impl From<deliveries::Shipment> for Question {
    fn from(shipment: deliveries::Shipment) -> Self {
        Self::Quote(Arc::new(shipment))
    }
}

impl From<notifications::Compose> for Question {
    fn from(compose: notifications::Compose) -> Self {
        Self::Compose(Arc::new(compose))
    }
}

impl Input {
    pub(super) fn new(name: impl Into<Cow<'static, str>>, question: impl Into<Question>) -> Self {
        Self { name: name.into(), question: question.into(), lines: None, is_full: false }
    }

    pub(super) fn full(self) -> Self {
        Self { is_full: true, ..self }
    }

    pub(super) fn cost(lines: u32, question: impl Into<Question>) -> Self {
        Self { lines: Some(lines), ..Self::new(format!("the cost of {lines} lines"), question) }
    }
}

/// Everything that a plugin of `domain` is asked, in the order in which it is asked: the edges and the costs come first, so that a budget
/// that is too small leaves out what is left to chance. The very first is what activation asks.
pub(super) fn of(domain: Domain, random: u32) -> Vec<Input> {
    let mut inputs = match domain {
        Domain::Pricing => pricing::edges(),
        Domain::Payment => payment::edges(),
        Domain::Delivery => delivery::edges(),
        Domain::Notification => notification::edges(),
    };
    // Each has a seed of its own, so that one can be had again without those before it.
    let by_chance = |seed| Input::new(format!("chance {seed}"), by_chance(domain, &mut Chance::new(seed)));
    inputs.extend((1..=random).map(by_chance));
    inputs
}

fn by_chance(domain: Domain, chance: &mut Chance) -> Question {
    match domain {
        Domain::Pricing => pricing::by_chance(chance).into(),
        Domain::Payment => payment::by_chance(chance).into(),
        Domain::Delivery => delivery::by_chance(chance).into(),
        Domain::Notification => notification::by_chance(chance).into(),
    }
}

/// What a request in `currency` says of the shop's own.
pub(super) fn shop_currency(currency: &str) -> Vec<(String, String)> {
    let own = CURRENCIES[0].0;
    if currency == own { Vec::new() } else { vec![(SHOP_CURRENCY.to_owned(), own.to_owned())] }
}

/// `part` again and again, as many characters as there may be.
pub(super) fn filled(part: &str, characters: usize) -> String {
    part.chars().cycle().take(characters).collect()
}

/// SplitMix64: the same numbers on every machine and in every release, which no crate of random numbers promises.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u32) -> Self {
        Self(seed.into())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `limit` - 1.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        // What the remainder prefers is nothing that a test of plugins would feel; the result is below `limit`, so it fits.
        (self.next() % u64::from(limit.max(1))) as u32
    }

    pub(super) fn one_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    pub(super) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u32) as usize]
    }

    /// 0 to `most`, small ones as often as large ones.
    pub(super) fn amount(&mut self, most: i64) -> i64 {
        let bits = self.below(54);
        // At most 53 bits are left, which an i64 holds.
        ((self.next() >> 11) & ((1 << bits) - 1)).min(most.max(0).unsigned_abs()) as i64
    }

    /// A text that somebody might type, at most so long.
    pub(super) fn text(&mut self, characters: usize) -> String {
        match self.below(4) {
            0 => String::new(),
            1 => filled(self.one_of(&TEXTS).1, characters),
            2 => self.one_of(&TEXTS).1.chars().take(characters).collect(),
            _ => format!("tea {}", self.below(10_000)).chars().take(characters).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::money::Currency;

    #[test]
    fn chance_is_the_same_everywhere() {
        // The first numbers of SplitMix64 from the seed 1234567, as its authors print them.
        let mut chance = Chance::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([chance.next(), chance.next(), chance.next()], expected);
        for (bound, mut chance) in [(1, Chance::new(1)), (7, Chance::new(2)), (1_000, Chance::new(3))] {
            let seen: BTreeSet<_> = (0..20_000).map(|_| chance.below(bound)).collect();
            assert_eq!((seen.len(), seen.last().copied()), (bound as usize, Some(bound - 1)));
        }
        let most = (1 << 53) - 1;
        let mut chance = Chance::new(4);
        let amounts: Vec<_> = (0..10_000).map(|_| chance.amount(most)).collect();
        assert!(amounts.iter().all(|amount| (0..=most).contains(amount)));
        assert!(amounts.contains(&0) && amounts.iter().any(|amount| *amount > most / 4));
        assert_eq!((0..100).map(|_| chance.amount(3)).max(), Some(3));
    }

    #[test]
    fn currencies_have_the_digits_that_the_kernel_gives_them() {
        for (code, exponent) in CURRENCIES {
            let known = Currency::try_from(code.to_owned()).expect("a currency");
            assert_eq!(known.exponent(), exponent, "{code}");
        }
        assert_eq!(shop_currency("EUR"), []);
        assert_eq!(shop_currency("JPY"), [("shop-currency".to_owned(), "EUR".to_owned())]);
    }

    #[test]
    fn every_input_has_a_name_of_its_own_and_asks_a_function_that_only_answers() {
        for domain in Domain::ALL {
            let inputs = of(domain, 32);
            let names: BTreeSet<_> = inputs.iter().map(|input| &input.name).collect();
            assert_eq!(names.len(), inputs.len(), "{domain}");
            assert!(inputs.iter().all(|input| input.question.function().only_answers()), "{domain}");
            let costs: Vec<_> = inputs.iter().filter_map(|input| input.lines).collect();
            let has_lines = matches!(domain, Domain::Pricing | Domain::Delivery);
            assert_eq!(costs, if has_lines { COST_LINES.to_vec() } else { Vec::new() }, "{domain}");
            assert_eq!(of(domain, 0).len() + 32, inputs.len(), "{domain}");
        }
    }
}
