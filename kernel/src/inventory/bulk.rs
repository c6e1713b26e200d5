//! The stock of many variants, changed at once: all of it or nothing.

use std::collections::HashSet;

use uuid::Uuid;

use super::ledger::{Cause, CauseKind};
use super::locks::lock_locations;
use super::wanted::{WantedStock, bring_to};
use super::{Error, Remark, store};
use crate::db::Tx;
use crate::once::Once;
use crate::{Shop, id};

/// What becomes of what lies at a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockChange {
    /// What was counted.
    To(i64),
    /// Pieces that come, or with a minus go.
    By(i64),
}

/// Something to be changed. The variant is one that exists.
#[derive(Debug, Clone, Copy)]
pub struct StockChangeLine {
    pub variant_id: Uuid,
    pub location_id: Uuid,
    pub change: StockChange,
}

/// What lay there before and lies there after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restocked {
    pub variant_id: Uuid,
    pub location_id: Uuid,
    pub before: i64,
    pub after: i64,
}

/// Changes stock, or with `dry_run` only says what would become of it. What lies there already leaves no movement.
pub async fn change_stock(
    shop: &Shop,
    lines: &[StockChangeLine],
    remark: Remark<'_>,
    dry_run: bool,
    once: Once,
) -> Result<Vec<Restocked>, Error> {
    // In the order of locking.
    let mut order: Vec<_> = lines.iter().enumerate().collect();
    order.sort_by_key(|(index, line)| (line.variant_id, line.location_id, *index));
    let mut tx = shop.db().write().await?;
    lock_locations(&mut tx, &lines.iter().map(|line| line.location_id).collect::<Vec<_>>()).await?;
    // Of what was done before, no line is done again: each tells what lies there.
    let again = !dry_run && once.done(&mut tx).await?.is_some();
    let (mut done, mut wrong, mut seen) = (Vec::with_capacity(lines.len()), Vec::new(), HashSet::new());
    for (index, line) in order {
        if !seen.insert((line.variant_id, line.location_id)) {
            wrong.push((format!("/lines/{index}"), "stands here twice".to_owned()));
            continue;
        }
        let line = if again { StockChangeLine { change: StockChange::By(0), ..*line } } else { *line };
        match change(&mut tx, &line, remark).await {
            Ok(restocked) => done.push((index, restocked)),
            Err(Error::Database(error)) => return Err(error.into()),
            Err(error) => wrong.push((line.at(index, &error), error.to_string())),
        }
    }
    if !wrong.is_empty() {
        wrong.sort();
        return Err(Error::Lines(wrong));
    }
    if !dry_run && !again {
        once.keep(&mut tx, id::sequential()).await?;
        tx.commit().await?;
    }
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, restocked)| restocked).collect())
}

async fn change(tx: &mut Tx, line: &StockChangeLine, remark: Remark<'_>) -> Result<Restocked, Error> {
    let StockChangeLine { variant_id, location_id, change } = *line;
    let (wanted, kind) = match change {
        StockChange::To(on_hand) => {
            (WantedStock { levels: vec![(location_id, on_hand)], ..WantedStock::default() }, CauseKind::Count)
        }
        StockChange::By(delta) => {
            (WantedStock { deltas: vec![(location_id, delta)], ..WantedStock::default() }, CauseKind::Adjustment)
        }
    };
    let cause = Cause { kind, reference_id: None, reason: remark.reason, actor: remark.actor };
    let moved = bring_to(tx, variant_id, &wanted, &cause).await?;
    let after = store::find_level(tx, variant_id, location_id).await?.map_or(0, |level| level.on_hand);
    // Nothing else moved in the meantime: the item is locked.
    let before = after - (moved.after - moved.before);
    Ok(Restocked { variant_id, location_id, before, after })
}

impl StockChangeLine {
    /// The pointer of what an error is about.
    fn at(&self, index: usize, error: &Error) -> String {
        match (error, self.change) {
            (Error::LocationUnknown, _) => format!("/lines/{index}/location_id"),
            (Error::NotFound, _) => format!("/lines/{index}"),
            (_, StockChange::To(_)) => format!("/lines/{index}/on_hand"),
            (_, StockChange::By(_)) => format!("/lines/{index}/delta"),
        }
    }
}
