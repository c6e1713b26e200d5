//! A pricing plugin that misbehaves as its settings tell it: `{"mode": "loop"}`. One component covers every attack, so
//! that tests of the host build one crate. Each mode says what the host must see.
//!
//! It is only ever activated by a test that forces it: in every mode but `ok`, a probe with no lines misbehaves too,
//! unless `"spare_probe": true` lets it pass the checks before activation and misbehave with shoppers.

use std::hint::black_box;

use kassa_sdk::pricing::{Adjustment, CouponOutcome, CouponState, Error, Pricing, Quote, Request, Target, TaxLine};
use kassa_sdk::{Configurable, Mistake, Money, log};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hostile {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    spare_probe: bool,
    /// Misbehave only with carts whose first line has so many pieces.
    only_quantity: Option<u32>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    /// An empty quote.
    #[default]
    Ok,
    /// 10 off, whatever the cart: a rule so simple that a test can compute the total.
    #[serde(rename = "flat-off-10")]
    FlatOff10,
    /// Never returns: the deadline.
    Loop,
    /// Recurses without end, with frames in the guest's own memory: they run out of it, a trap.
    Recurse,
    /// Recurses without end, with frames on the engine's stack only: the stack limit.
    RecurseFlat,
    /// Keeps and touches all the memory that it can get: the memory limit, then a trap.
    Allocate,
    /// The `unreachable` instruction: a trap, with nothing in the log.
    Trap,
    /// A Rust panic: a trap, with its message in the log.
    Panic,
    /// An error of the contract, as an honest plugin would answer it.
    Error,
    /// A quote in XXX.
    WrongCurrency,
    /// A discount of one more than the goods.
    NegativeTotal,
    /// A discount of one more than the first line.
    NegativeLine,
    /// A fee of `i64::MAX`.
    I64Max,
    /// A discount of `i64::MIN`, which has no positive counterpart.
    I64Min,
    /// A fee of 2^53, one beyond the range.
    BeyondRange,
    /// A label of 50 MB.
    #[serde(rename = "text-50mb")]
    Text50Mb,
    /// A label of 201 characters, one too many.
    LongLabel,
    /// A label with markup: valid, and to be escaped wherever it is shown.
    Markup,
    /// A label with a control character.
    ControlCharacters,
    /// Sleeps for an hour before it answers.
    Sleep,
    /// An empty code.
    EmptyCode,
    /// 100,000 adjustments.
    ManyAdjustments,
    /// 1,000 messages for the shopper.
    ManyMessages,
    /// An adjustment of a line that is not there.
    BadLineIndex,
    /// A fee on the delivery where none was chosen; where one was, a discount above its price.
    BadDelivery,
    /// A discount above 0.
    WrongSign,
    /// A fee below 0.
    NegativeFee,
    /// A tax below 0.
    NegativeTax,
    /// A tax that its rate and its base do not make.
    MadeUpTax,
    /// A tax with a rate above 100 %.
    RateAboveAll,
    /// A tax on less than nothing.
    NegativeBase,
    /// What became of a coupon that nobody typed in.
    ForeignCoupon,
    /// Each coupon applied and refused.
    CouponTwice,
    /// 1,000,000 lines to the log, then an empty quote: the log limit, and the call goes on.
    LogFlood,
    /// One line of 1 MiB to the log, with control characters in it.
    LogLong,
    /// A quiet line, and a louder one with control characters.
    LogOdd,
    /// 100 mistakes in the settings, with control characters and places that are none.
    ManyMistakes,
    /// Never says whether the settings are right.
    LoopInSettings,
}

impl Configurable for Hostile {
    fn mistakes(&self) -> Vec<Mistake> {
        match self.mode {
            Mode::ManyMistakes => (0..100)
                .map(|number| match number {
                    0 => Mistake::at("mode", "a\u{1b}[31mb\u{202e}".repeat(100)),
                    _ => Mistake::at(format!("/mode/{number}"), "wrong"),
                })
                .collect(),
            Mode::LoopInSettings => {
                spin();
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}

impl Pricing for Hostile {
    fn price(&self, request: &Request) -> Result<Quote, Error> {
        let mut quote = Quote::empty(request);
        if self.spare_probe && request.lines.is_empty() {
            return Ok(quote);
        }
        let quantity = request.lines.first().map(|line| line.quantity);
        if self.only_quantity.is_some_and(|only| quantity.is_some_and(|quantity| quantity != only)) {
            return Ok(quote);
        }
        let mut adjust = |target, minor, code: &str, label: String| {
            let fee = Adjustment::fee(target, code, label, Money::ZERO);
            quote.adjustments.push(Adjustment { amount: minor, ..fee });
        };
        let goods = request.goods_total()?.minor();
        match self.mode {
            Mode::Ok | Mode::ManyMistakes | Mode::LoopInSettings => {}
            Mode::Loop => spin(),
            Mode::Recurse => drop(black_box(recurse(black_box(0)))),
            Mode::RecurseFlat => drop(black_box(dive(black_box(1)))),
            Mode::Allocate => allocate(),
            Mode::Trap => trap(),
            Mode::Panic => panic!("hostile-pricing was told to panic"),
            Mode::Error => return Err(Error::Internal("hostile-pricing was told to fail".to_owned())),
            Mode::WrongCurrency => quote.currency = "XXX".to_owned(),
            Mode::I64Max => adjust(Target::Order, i64::MAX, "max", "Max".to_owned()),
            Mode::BeyondRange => adjust(Target::Order, 1 << 53, "beyond", "Beyond".to_owned()),
            Mode::NegativeFee => adjust(Target::Order, -1, "negative-fee", "Fee".to_owned()),
            Mode::NegativeTax => tax(&mut quote, -1, None, None),
            Mode::MadeUpTax => tax(&mut quote, 19 + 1_000, Some(190_000), Some(100)),
            Mode::RateAboveAll => tax(&mut quote, 1, Some(1_000_001), None),
            Mode::NegativeBase => tax(&mut quote, 1, None, Some(-1)),
            Mode::Text50Mb => adjust(Target::Order, 1, "text", "x".repeat(50_000_000)),
            Mode::LongLabel => adjust(Target::Order, 1, "label", "x".repeat(201)),
            Mode::Markup => adjust(Target::Order, 1, "markup", "<script>alert(1)</script>".to_owned()),
            Mode::ControlCharacters => adjust(Target::Order, 1, "control", "a\0b".to_owned()),
            Mode::Sleep => std::thread::sleep(std::time::Duration::from_secs(3_600)),
            Mode::EmptyCode => adjust(Target::Order, 1, "", "No code".to_owned()),
            Mode::BadLineIndex => adjust(Target::Line(u32::MAX), 1, "line", "No such line".to_owned()),
            Mode::BadDelivery => match &request.delivery {
                None => adjust(Target::Delivery, 1, "delivery", "No delivery".to_owned()),
                Some(delivery) => discount(&mut quote, Target::Delivery, -delivery.amount - 1),
            },
            Mode::ManyAdjustments => (0..100_000).for_each(|_| adjust(Target::Order, 1, "many", "Many".to_owned())),
            Mode::ManyMessages => quote.messages = vec!["Again".to_owned(); 1_000],
            Mode::FlatOff10 => discount(&mut quote, Target::Order, -10),
            Mode::NegativeTotal => discount(&mut quote, Target::Order, -goods - 1),
            Mode::NegativeLine => {
                let first = request.lines.first().map_or(Ok(Money::ZERO), |line| line.total())?;
                discount(&mut quote, Target::Line(0), -first.minor() - 1);
            }
            Mode::I64Min => discount(&mut quote, Target::Order, i64::MIN),
            Mode::WrongSign => discount(&mut quote, Target::Order, 1),
            Mode::ForeignCoupon => decide(&mut quote, "FOREIGN", CouponState::Applied),
            Mode::CouponTwice => {
                for code in &request.coupons {
                    decide(&mut quote, code, CouponState::Applied);
                    decide(&mut quote, code, CouponState::Unknown);
                }
            }
            Mode::LogFlood => (0..1_000_000).for_each(|line| log::info!("line {line}")),
            Mode::LogOdd => {
                log::info!("quiet");
                log::warn!("forged\r\nline \u{1b}[31m");
            }
            Mode::LogLong => log::info!("{}\r\nforged line \u{1b}[31m", "x".repeat(1 << 20)),
        }
        Ok(quote)
    }
}

fn discount(quote: &mut Quote, target: Target, minor: i64) {
    let discount = Adjustment::discount(target, "hostile", "Hostile", Money::ZERO);
    quote.adjustments.push(Adjustment { amount: minor, ..discount });
}

fn tax(quote: &mut Quote, amount: i64, rate_ppm: Option<u32>, base: Option<i64>) {
    let tax = TaxLine::of(Target::Order, "hostile", "Hostile", Money::ZERO, false);
    quote.taxes.push(TaxLine { amount, rate_ppm, base, ..tax });
}

fn decide(quote: &mut Quote, code: &str, state: CouponState) {
    quote.coupons.push(CouponOutcome { code: code.to_owned(), state, text: String::new() });
}

fn spin() {
    let mut turns = 0u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

#[expect(unconditional_recursion, reason = "what it is for")]
fn recurse(depth: u64) -> u64 {
    // The frame is used after the call, so that no tail call saves the stack.
    let frame = black_box([depth; 64]);
    black_box(recurse(depth + 1)) + frame[1]
}

/// What is left to do after the call is not associative, so that no compiler makes a loop of it.
fn dive(depth: u64) -> u64 {
    if depth == 0 { 0 } else { dive(depth.wrapping_add(2)).wrapping_mul(3) ^ depth }
}

fn allocate() {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1u8; 1 << 20]));
    }
}

/// On WebAssembly the `unreachable` instruction, with no panic before it.
fn trap() -> ! {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    std::process::abort();
}

kassa_sdk::export!(pricing: Hostile, configurable);
