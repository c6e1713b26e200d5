//! Returns over HTTP.

mod merchant;
mod shopper;
mod view;

use serde::Deserialize;
use utoipa::ToSchema;

use super::{Error, Reason, ReturnLine};
use crate::http::extract::Checks;
use crate::problem::{Kind, Problem};

pub use merchant::*;
pub use shopper::*;

const MAX_LINES: usize = 1_000;
const TEXT_CHARACTERS: usize = 500;

/// What is to be sent back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "lines": [{ "line": 0, "quantity": 1, "reason": "damaged", "note": "the lid is broken" }] }))]
pub struct ReturnIn {
    #[schema(min_items = 1, max_items = 1000)]
    lines: Vec<ReturnLineIn>,
}

/// Pieces of a line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnLineIn {
    /// Position of the line in `lines` of the order; the first is 0.
    #[schema(maximum = 10_000)]
    line: u32,
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: u32,
    reason: Reason,
    #[schema(max_length = 500)]
    #[serde(default)]
    note: String,
}

impl ReturnIn {
    fn checked(self) -> Result<Vec<ReturnLine>, Problem> {
        let mut checks = Checks::default();
        check_lines(&mut checks, self.lines.iter().map(|line| (line.line, line.quantity)));
        for (index, line) in self.lines.iter().take(MAX_LINES).enumerate() {
            checks.text(&line.note, 0, TEXT_CHARACTERS, &format!("/lines/{index}/note"));
        }
        checks.done()?;
        let line = |line: ReturnLineIn| ReturnLine {
            line: line.line,
            quantity: line.quantity,
            reason: line.reason,
            note: line.note.trim().to_owned(),
            received: 0,
            restocked: 0,
        };
        Ok(self.lines.into_iter().map(line).collect())
    }
}

/// Of lines and their quantities.
fn check_lines(checks: &mut Checks, lines: impl ExactSizeIterator<Item = (u32, u32)>) {
    checks.require((1..=MAX_LINES).contains(&lines.len()), "/lines", "must be 1 to 1,000");
    let mut named = Vec::new();
    for (index, (line, quantity)) in lines.take(MAX_LINES).enumerate() {
        let range = (1..=1_000_000).contains(&quantity);
        checks.require(range, &format!("/lines/{index}/quantity"), "must be 1 to 1,000,000");
        named.push(line);
    }
    named.sort_unstable();
    checks.require(named.windows(2).all(|pair| pair[0] != pair[1]), "/lines", "must name each line once");
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::not_found(),
            Error::NothingOut | Error::TooMany => Problem::new(Kind::OrderState).detail(detail),
            Error::TooLate { days } => Problem::new(Kind::OrderState).detail(detail).with("return_days", days),
            Error::State(status) => Problem::new(Kind::ReturnState).detail(detail).with("return_status", status.name()),
            Error::NothingCame => Problem::new(Kind::ReturnState).detail(detail),
            Error::UnknownLine(_) => Problem::invalid_field("/lines", detail),
            Error::PiecesGone { line, available } => {
                Problem::new(Kind::PiecesExceeded).detail(detail).with("line", line).with("available", available)
            }
            Error::Contended => Problem::new(Kind::Unavailable).detail(detail),
            Error::Stock(error) => error.into(),
            Error::Orders(error) => (*error).into(),
            Error::Payments(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}
