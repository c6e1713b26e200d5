//! What an import did.

use serde::{Deserialize, Serialize};

use crate::catalog;
use crate::money::Amount;

/// What an import did, of which somebody waits for the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows read, without the header.
    pub rows: u64,
    /// Rows of which something was taken.
    pub rows_taken: u64,
    pub products: Tally,
    pub variants: Tally,
    /// Product types, categories, collections, and what belongs to products.
    pub others: Tally,
    /// Rows that could not be taken, by line.
    pub rejected: Vec<Remark>,
    /// Rows that were taken otherwise than they stand, by line.
    pub notes: Vec<Remark>,
    /// Quantity times price of the rows taken, in minor units, where the file is one of sales.
    pub sales: Option<Amount>,
}

/// How many were made, changed, and already so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
}

/// What a job has done so far, as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub products: Tally,
    pub variants: Tally,
    pub others: Tally,
    /// Remarks on what could not be taken, and on what was taken otherwise.
    pub refused: u64,
    pub notes: u64,
    /// Things that were made or changed.
    pub done: u64,
}

/// Something about a line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// As an editor counts it, from 1; for a row of several lines, the first.
    pub line: u64,
    pub text: String,
}

/// What a line of the report tells. The names are in the API and in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Updated,
    Refused,
    Note,
}

/// How far the writing is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    pub rows_done: u64,
    pub rows_total: u64,
}

impl Outcome {
    pub(super) const ALL: [(Self, &'static str); 4] =
        [(Self::Created, "created"), (Self::Updated, "updated"), (Self::Refused, "refused"), (Self::Note, "note")];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(outcome, _)| *outcome == self).map_or("", |(_, name)| name)
    }

    /// The column's own check allows nothing else.
    pub(super) fn parse(name: &str) -> Self {
        Self::ALL.iter().find(|(_, known)| *known == name).map_or(Self::Note, |(outcome, _)| *outcome)
    }
}

impl Report {
    pub(super) fn finish(&mut self) {
        self.rejected.sort_by_key(|remark| remark.line);
        self.notes.sort_by_key(|remark| remark.line);
        self.rows_taken = self.rows.saturating_sub(self.rejected.len() as u64);
    }
}

impl Tally {
    /// Whether nothing was made or changed.
    pub fn is_unchanged(&self) -> bool {
        self.created == 0 && self.updated == 0
    }

    pub(super) fn count(&mut self, outcome: catalog::Outcome) {
        match outcome {
            catalog::Outcome::Created => self.created += 1,
            catalog::Outcome::Updated => self.updated += 1,
            catalog::Outcome::Unchanged => self.unchanged += 1,
        }
    }
}
