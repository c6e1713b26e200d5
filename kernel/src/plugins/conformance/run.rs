//! Asking: each input twice, one after the other, within a budget of time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use super::ConformanceConfig;
use super::inputs::{self, Input, Question, SUITE};
use super::report::{Check, Cost, Finding, MOST_FINDINGS, Report, Summary, Verdict};
use super::settings::{self, Chosen};
use crate::plugins::{Bound, CallError, Called, Fault, Host, Loaded, answer, patiently, totals};

/// How often an input is asked again that found no place: shoppers come first.
const TRIES: u32 = 5;
const DETAIL_CHARACTERS: usize = 500;
const LOG_LINES: usize = 3;
const ANSWERED: &str = "answered";
/// The amounts of the input leave no room for what was put on top.
const BEYOND_RANGE: &str = "beyond-range";

/// An answer as bytes.
pub(super) type Asked = Result<Called<Vec<u8>>, CallError>;

impl Host {
    /// Runs the suite of the component's world. `settings` are those to try it with, in the place of what its schema has.
    ///
    /// One call at a time, which waits where shoppers have all places. What is not tried when the budget is spent is no finding.
    pub async fn conformance(
        &self,
        component: &Arc<Loaded>,
        config: &ConformanceConfig,
        settings: Option<&Value>,
    ) -> Report {
        let inputs = inputs::of(component.package.domain, config.random_inputs);
        let mut run = Run::begin(config);
        let chosen = settings::choose(self, component, settings, &inputs[0].question).await;
        // Without a place for the first question there is none for the others.
        let Ok(Chosen { settings, finding }) = chosen else {
            return run.report(component, Value::Object(serde_json::Map::new()), inputs.len());
        };
        run.findings.extend(finding);
        let bound = Arc::new(Bound::on_trial(component.clone(), settings.to_string()));
        for input in &inputs {
            if run.is_over() {
                break;
            }
            run.try_out(self, &bound, input).await;
            // Quick plugins never wait: without this the task would have its thread to itself.
            tokio::task::yield_now().await;
        }
        run.report(component, settings, inputs.len())
    }
}

/// A suite on its way.
struct Run {
    begun: Instant,
    budget: Duration,
    outcomes: BTreeMap<String, u32>,
    checks: Vec<Check>,
    findings: Vec<Finding>,
    costs: Vec<(u32, usize)>,
}

impl Run {
    fn begin(config: &ConformanceConfig) -> Self {
        Self {
            begun: Instant::now(),
            budget: Duration::from_millis(config.budget_ms.into()),
            outcomes: BTreeMap::new(),
            checks: Vec::new(),
            findings: Vec::new(),
            costs: Vec::new(),
        }
    }

    fn is_over(&self) -> bool {
        self.findings.len() >= MOST_FINDINGS || self.begun.elapsed() >= self.budget
    }

    async fn try_out(&mut self, host: &Host, bound: &Arc<Bound>, input: &Input) {
        let first = ask_patiently(host, bound, &input.question).await;
        if is_nothing(&first) {
            return;
        }
        let again = match outcome(input, &first) {
            Ok(_) => Some(ask_patiently(host, bound, &input.question).await),
            // Once is enough to know.
            Err(_) => None,
        };
        if again.as_ref().is_some_and(is_nothing) {
            return;
        }
        let judged = match &again {
            Some(again) => judge(input, &first, again),
            None => outcome(input, &first).map(drop),
        };
        if let (Ok(_), Some(lines)) = (&first, input.lines) {
            self.costs.push((lines, self.checks.len()));
        }
        let check = check_of(input, &first, again.as_ref());
        *self.outcomes.entry(check.outcome.clone()).or_default() += 1;
        self.checks.push(check);
        self.findings.extend(judged.err().map(|wrong| wrong.found(&input.name)));
    }

    fn report(self, component: &Loaded, settings: Value, inputs: usize) -> Report {
        let fuel_limit = component.limits.fuel;
        let tried = self.checks.len();
        let verdict = if !self.findings.is_empty() {
            Verdict::Failed
        } else if tried > 0 && !self.outcomes.contains_key(ANSWERED) {
            Verdict::Untried
        } else if tried < inputs {
            Verdict::Incomplete
        } else {
            Verdict::Passed
        };
        let cost = |&(lines, index): &(u32, usize)| {
            let Check { fuel, memory_bytes, elapsed_us, .. } = self.checks[index];
            let fuel_bp = fuel.saturating_mul(10_000) / fuel_limit.max(1);
            Cost { lines, fuel, fuel_bp, memory_bytes, elapsed_us }
        };
        let summary = Summary {
            verdict,
            inputs: count(inputs),
            tried: count(tried),
            found: count(self.findings.len()),
            costs: self.costs.iter().map(cost).collect(),
        };
        let elapsed_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Self { outcomes, checks, findings, .. } = self;
        Report { summary, suite: SUITE, settings, outcomes, findings, checks, fuel_limit, elapsed_ms }
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Asks once.
pub(super) async fn ask(host: &Host, bound: &Arc<Bound>, question: &Question) -> Asked {
    match question {
        Question::Price(request) => host.price(bound, request).await.map(bytes),
        Question::Methods(context) => host.payment_methods(bound, context).await.map(bytes),
        Question::Quote(shipment) => host.delivery_quote(bound, shipment).await.map(bytes),
        Question::Compose(request) => host.compose(bound, request).await.map(bytes),
    }
}

fn bytes<T: Serialize>(called: Called<T>) -> Called<Vec<u8>> {
    // Records of the contract always have a JSON form.
    Called { value: serde_json::to_vec(&called.value).unwrap_or_default(), report: called.report }
}

async fn ask_patiently(host: &Host, bound: &Arc<Bound>, question: &Question) -> Asked {
    let asked = patiently(TRIES, is_nothing, || ask(host, bound, question)).await;
    match &asked {
        // In limits of time the machine has a say: only who is too slow twice is too slow.
        Err(CallError { fault: Fault::DeadlineExceeded { .. } | Fault::WallClockExceeded { .. }, .. }) => {
            ask(host, bound, question).await
        }
        _ => asked,
    }
}

fn is_nothing(asked: &Asked) -> bool {
    asked.as_ref().is_err_and(|error| is_of_kernel(&error.fault))
}

/// Nothing is known of the plugin: there was no place for it, or the kernel itself failed.
pub(super) fn is_of_kernel(fault: &Fault) -> bool {
    matches!(fault, Fault::Busy | Fault::CircuitOpen { .. } | Fault::Unavailable(_))
}

/// What is wrong with an answer.
#[derive(Debug, PartialEq)]
pub(super) struct Wrong {
    rule: &'static str,
    detail: String,
    log: Vec<String>,
}

impl Wrong {
    pub(super) fn of(error: &CallError) -> Self {
        let lines = error.report.log.iter().skip(error.report.log.len().saturating_sub(LOG_LINES));
        let log = lines.map(|line| shortened(line.text.clone())).collect();
        Self { rule: error.code(), detail: error.fault.to_string(), log }
    }

    fn compared(rule: &'static str, detail: impl Into<String>) -> Self {
        Self { rule, detail: detail.into(), log: Vec::new() }
    }

    pub(super) fn found(self, input: &str) -> Finding {
        let Self { rule, detail, log } = self;
        Finding { input: input.to_owned(), rule: rule.to_owned(), detail: shortened(detail), log }
    }
}

/// Some of it may be the plugin's own words.
fn shortened(mut text: String) -> String {
    answer::clean(&mut text, DETAIL_CHARACTERS);
    text
}

/// What an answer comes to by itself. A refusal in the words of the contract is one.
fn outcome(input: &Input, asked: &Asked) -> Result<&'static str, Wrong> {
    match asked {
        Ok(_) => Ok(ANSWERED),
        Err(error) => match &error.fault {
            Fault::Plugin(_) => Ok(error.code()),
            Fault::InvalidAnswer(rule) if input.is_full && totals::is_total_beyond(rule) => Ok(BEYOND_RANGE),
            _ => Err(Wrong::of(error)),
        },
    }
}

/// Two answers to the same question. Ways to pay may change from one moment to the next; nothing else may.
fn judge(input: &Input, first: &Asked, again: &Asked) -> Result<(), Wrong> {
    outcome(input, first)?;
    outcome(input, again)?;
    if !input.question.must_repeat() {
        return Ok(());
    }
    match (first, again) {
        (Ok(first), Ok(again)) if first.value != again.value => {
            Err(Wrong::compared("other-answer", "the same question was answered otherwise the second time"))
        }
        (Ok(first), Ok(again)) if first.report.fuel != again.report.fuel => {
            let (first, again) = (first.report.fuel, again.report.fuel);
            Err(Wrong::compared("other-fuel", format!("the same question took {first} units of fuel, then {again}")))
        }
        (Err(first), Err(again)) if first.fault != again.fault => {
            Err(Wrong::compared("other-answer", format!("first: {}; then: {}", first.fault, again.fault)))
        }
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => Err(Wrong::compared(
            "other-answer",
            format!("of two calls one was answered, and of the other: {}", error.fault),
        )),
        _ => Ok(()),
    }
}

fn check_of(input: &Input, first: &Asked, again: Option<&Asked>) -> Check {
    let report = match first {
        Ok(called) => &called.report,
        Err(error) => &error.report,
    };
    let came_to = outcome(input, first).unwrap_or_else(|wrong| wrong.rule);
    let second =
        again.and_then(|again| again.as_ref().ok()).map_or(report.elapsed_us, |called| called.report.elapsed_us);
    Check {
        input: input.name.clone().into_owned(),
        outcome: came_to.to_owned(),
        fuel: report.fuel,
        memory_bytes: report.memory_bytes,
        elapsed_us: report.elapsed_us.min(second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::{Level, LogLine, Probe, check, types};

    fn input() -> Input {
        Input::new("an input", check::cart(&Probe::default()))
    }

    fn answered(value: &[u8], fuel: u64) -> Asked {
        let report = crate::plugins::Report { fuel, ..Default::default() };
        Ok(Called { value: value.to_vec(), report })
    }

    fn failed(fault: Fault) -> Asked {
        Err(CallError { fault, report: crate::plugins::Report::default() })
    }

    fn refused(text: &str) -> Asked {
        failed(Fault::Plugin(types::Error::Unsupported(text.into())))
    }

    #[test]
    fn two_answers_are_the_same_or_a_finding() {
        let beyond = || failed(Fault::InvalidAnswer("the total is beyond ±(2^53 - 1)".into()));
        for (first, again, rule) in [
            (answered(b"a", 1), answered(b"a", 1), None),
            (answered(b"a", 1), answered(b"b", 1), Some("other-answer")),
            (answered(b"a", 1), answered(b"a", 2), Some("other-fuel")),
            (refused("a"), refused("a"), None),
            (refused("a"), refused("b"), Some("other-answer")),
            (answered(b"a", 1), refused("a"), Some("other-answer")),
            (refused("a"), answered(b"a", 1), Some("other-answer")),
            (answered(b"a", 1), failed(Fault::StackOverflow), Some("stack-overflow")),
            (failed(Fault::Trapped("unreachable".into())), answered(b"a", 1), Some("trapped")),
            (beyond(), beyond(), Some("invalid-answer")),
        ] {
            assert_eq!(judge(&input(), &first, &again).err().map(|wrong| wrong.rule), rule, "{first:?} {again:?}");
        }
        // With a tax on top of the largest amount no total can be within the range.
        assert_eq!(judge(&input().full(), &beyond(), &beyond()), Ok(()));
        let line = failed(Fault::InvalidAnswer("line 0 falls below zero".into()));
        assert!(judge(&input().full(), &line, &line).is_err());
    }

    #[test]
    fn ways_to_pay_may_change() {
        let methods = Input::new("an input", check::context(&Probe::default()));
        assert_eq!(judge(&methods, &answered(b"a", 1), &answered(b"b", 2)), Ok(()));
        assert!(judge(&methods, &answered(b"a", 1), &failed(Fault::StackOverflow)).is_err());
    }

    #[test]
    fn a_finding_is_short_and_has_the_last_words() {
        let line = |text: &str| LogLine { level: Level::Info, text: text.into(), by_kernel: false };
        let log = ["a", "b", "c", &"d".repeat(1_000)].map(line).to_vec();
        let report = crate::plugins::Report { log, ..Default::default() };
        let error = CallError { fault: Fault::Trapped("\u{7}x".repeat(1_000)), report };
        let finding = Wrong::of(&error).found("an input");
        assert_eq!((finding.input.as_str(), finding.rule.as_str()), ("an input", "trapped"));
        assert_eq!((finding.detail.chars().count(), finding.detail.contains('\u{7}')), (500, false));
        assert_eq!(finding.log, ["b".to_owned(), "c".to_owned(), "d".repeat(500)]);
    }
}
