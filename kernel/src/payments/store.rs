//! All the SQL of payments.

use uuid::Uuid;

use super::steps::{Journaled, Step, StepKind};
use super::{Action, Decline, Payment, Purpose, Status};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::ledger;
use crate::orders::Reason;
use crate::plugins::trial::Answers;

#[derive(FromRow)]
struct PaymentRow {
    id: Uuid,
    order_id: Uuid,
    plugin: String,
    digest: String,
    rollout_id: Option<Uuid>,
    rollout_side: Option<String>,
    method: String,
    purpose: String,
    idempotency_key: String,
    status: String,
    currency: String,
    amount: i64,
    reference: String,
    action: Option<Json<Action>>,
    decline_code: Option<String>,
    decline_message: Option<String>,
    version: i64,
    checks: i64,
    created_at: Moment,
    refunding: i64,
}

impl PaymentRow {
    fn with(self, moved: ledger::Moved) -> Payment {
        let row = self;
        Payment {
            id: row.id,
            order_id: row.order_id,
            plugin: row.plugin,
            digest: row.digest,
            rollout: row.rollout_id.zip(row.rollout_side.as_deref().and_then(Answers::parse)),
            method: row.method,
            // The column's own check allows nothing else.
            purpose: if row.purpose == Purpose::Checkout.name() { Purpose::Checkout } else { Purpose::Rest },
            idempotency_key: row.idempotency_key,
            // The column's own check allows nothing else; not knowing is the reading that moves no money.
            status: Status::parse(&row.status).unwrap_or(Status::Unknown),
            currency: row.currency,
            amount: row.amount,
            reference: row.reference,
            action: row.action.map(|Json(action)| action),
            decline: row.decline_code.map(|code| Decline { code, message: row.decline_message.unwrap_or_default() }),
            version: row.version,
            checks: row.checks,
            created_at: row.created_at,
            moved,
            refunding: row.refunding,
        }
    }
}

pub(super) async fn insert_payment(tx: &mut Tx, payment: &Payment, next_check_at: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "insert into payments (id, order_id, plugin, digest, method, purpose, idempotency_key, status, currency, amount,
                               reference, version, checks, next_check_at, created_at, updated_at, rollout_id,
                               rollout_side)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $14, $14, $15, $16)",
        payment.id,
        payment.order_id,
        payment.plugin.as_str(),
        payment.digest.as_str(),
        payment.method.as_str(),
        payment.purpose.name(),
        payment.idempotency_key.as_str(),
        payment.status.name(),
        payment.currency.as_str(),
        payment.amount,
        payment.reference.as_str(),
        payment.version,
        next_check_at,
        payment.created_at,
        payment.rollout.map(|(id, _)| id),
        payment.rollout.map(|(_, answers)| answers.name())
    )?;
    Ok(())
}

pub(super) async fn get_payment(conn: &mut Conn, id: Uuid) -> Result<Payment> {
    let row = sql::one!(
        conn,
        PaymentRow,
        "select id, order_id, plugin, digest, rollout_id, rollout_side, method, purpose, idempotency_key, status, currency,
                amount, reference, action, decline_code, decline_message, version, checks, created_at,
                (select cast(coalesce(sum(s.amount), 0) as bigint) from payment_steps s
                 where s.payment_id = payments.id and s.kind = 'refund' and s.status = 'begun') as refunding
         from payments where id = $1",
        id
    )?;
    let moved = ledger::moved(conn, id).await?;
    Ok(row.with(moved))
}

/// The order that a payment belongs to, which never changes.
pub(super) async fn order_of(conn: &mut Conn, payment_id: Uuid) -> Result<Uuid> {
    Ok(sql::one!(conn, (Uuid,), "select order_id from payments where id = $1", payment_id)?.0)
}

/// The oldest first.
pub(super) async fn ids_of_order(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Uuid>> {
    let rows =
        sql::all!(conn, (Uuid,), "select id from payments where order_id = $1 order by created_at, id", order_id)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Postings and steps of an order.
pub(super) async fn count_movements(conn: &mut Conn, order_id: Uuid) -> Result<i64> {
    let (count,) = sql::one!(
        conn,
        (i64,),
        "select (select count(*) from ledger_transactions where order_id = $1)
              + (select count(*) from payments p join payment_steps s on s.payment_id = p.id where p.order_id = $1)",
        order_id
    )?;
    Ok(count)
}

/// Is a payment of the order under way?
pub(super) async fn is_any_open(conn: &mut Conn, order_id: Uuid) -> Result<bool> {
    let found = sql::optional!(
        conn,
        (Uuid,),
        "select id from payments
         where order_id = $1 and status in ('pending', 'requires_action', 'authorized', 'unknown') limit 1",
        order_id
    )?;
    Ok(found.is_some())
}

pub(super) async fn is_undecided(conn: &mut Conn, order_id: Uuid) -> Result<bool> {
    let found = sql::optional!(
        conn,
        (Uuid,),
        "select p.id from payments p where p.order_id = $1 and (p.status in ('pending', 'requires_action', 'unknown')
             or exists (select 1 from payment_steps s
                        where s.payment_id = p.id and s.status = 'begun' and s.kind in ('capture', 'cancel'))) limit 1",
        order_id
    )?;
    Ok(found.is_some())
}

/// The payment with this key, and its amount.
pub(super) async fn find_by_key(conn: &mut Conn, plugin: &str, key: &str) -> Result<Option<(Uuid, i64)>> {
    sql::optional!(
        conn,
        (Uuid, i64),
        "select id, amount from payments where idempotency_key = $2 and plugin = $1",
        plugin,
        key
    )
}

/// Did a plugin of this name ever begin a payment?
pub(super) async fn has_payments(conn: &mut Conn, plugin: &str) -> Result<bool> {
    let found = sql::optional!(conn, (Uuid,), "select id from payments where plugin = $1 limit 1", plugin)?;
    Ok(found.is_some())
}

/// In which rollouts payments of the plugin were begun, and by which side; at most `limit`, the newest first. Not what is nobody's own any
/// more: what a side began that was in force before is gone on with by what is in force, once the rollout has ended.
pub(super) async fn begun_in_rollouts(conn: &mut Conn, plugin: &str, limit: u32) -> Result<Vec<(Uuid, Answers)>> {
    let rows = sql::all!(
        conn,
        (Uuid, String),
        "select r.id, s.side
         from rollouts r cross join (select 'base' as side union all select 'candidate' as side) s
         where r.domain = 'payment' and (s.side = 'candidate' or r.ended_at is null)
           and exists (select 1 from payments p where p.plugin = $1 and p.rollout_id = r.id and p.rollout_side = s.side)
         order by r.id desc, s.side limit $2",
        plugin,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().filter_map(|(id, side)| Some((id, Answers::parse(&side)?))).collect())
}

/// Writes the payment unless it changed since its version was read.
pub(super) async fn update_payment(
    tx: &mut Tx,
    payment: &Payment,
    next_check_at: Option<Moment>,
    now: Moment,
) -> Result<bool> {
    let decline = payment.decline.as_ref();
    let changed = sql::execute!(
        tx,
        "update payments set status = $3, reference = $4, action = $5, decline_code = $6, decline_message = $7,
                next_check_at = $8, updated_at = $9, version = version + 1
         where id = $1 and version = $2",
        payment.id,
        payment.version,
        payment.status.name(),
        payment.reference.as_str(),
        payment.action.as_ref().map(Json),
        decline.map(|decline| decline.code.as_str()),
        decline.map(|decline| decline.message.as_str()),
        next_check_at,
        now
    )?;
    Ok(changed == 1)
}

pub(super) async fn schedule(tx: &mut Tx, id: Uuid, next_check_at: Option<Moment>) -> Result<()> {
    sql::execute!(tx, "update payments set next_check_at = $2 where id = $1", id, next_check_at)?;
    Ok(())
}

/// Postpones a payment that is due; false where another worker has.
pub(super) async fn claim_check(tx: &mut Tx, payment: &Payment, now: Moment, next: Moment) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update payments set next_check_at = $3, checks = checks + 1 where id = $1 and next_check_at <= $2",
        payment.id,
        now,
        next
    )?;
    Ok(changed == 1)
}

pub(super) async fn due_payments(conn: &mut Conn, now: Moment) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select id from payments where next_check_at <= $1 order by next_check_at limit 100",
        now
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn insert_step(tx: &mut Tx, step: &Step) -> Result<()> {
    sql::execute!(
        tx,
        "insert into payment_steps (id, payment_id, kind, refund_id, idempotency_key, amount, status, note, begun_at)
         values ($1, $2, $3, $4, $5, $6, 'begun', $7, $8)",
        step.id,
        step.payment_id,
        step.kind.name(),
        step.refund_id,
        step.idempotency_key.as_str(),
        step.amount,
        step.wish.map_or("", Reason::name),
        step.begun_at
    )?;
    Ok(())
}

/// Whose wish an open cancel is.
pub(super) async fn set_wish(tx: &mut Tx, key: &str, wish: Reason) -> Result<()> {
    let wish = wish.name();
    sql::execute!(tx, "update payment_steps set note = $2 where idempotency_key = $1 and status = 'begun'", key, wish)?;
    Ok(())
}

/// An empty note leaves the one that is there. False where the step had ended before.
pub(super) async fn end_step(tx: &mut Tx, key: &str, status: &str, note: &str, now: Moment) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update payment_steps set status = $2, note = case when $3 = '' then note else $3 end, ended_at = $4
         where idempotency_key = $1 and status = 'begun'",
        key,
        status,
        note,
        now
    )?;
    Ok(changed == 1)
}

#[derive(FromRow)]
struct StepRow {
    id: Uuid,
    payment_id: Uuid,
    kind: String,
    refund_id: Option<Uuid>,
    idempotency_key: String,
    amount: i64,
    note: String,
    begun_at: Moment,
}

impl StepRow {
    fn step(self) -> Option<Step> {
        Some(Step {
            id: self.id,
            payment_id: self.payment_id,
            kind: StepKind::parse(&self.kind)?,
            refund_id: self.refund_id,
            idempotency_key: self.idempotency_key,
            amount: self.amount,
            wish: Reason::parse(&self.note),
            begun_at: self.begun_at,
        })
    }
}

/// The capture or cancel whose end is not known. There is one at a time.
pub(super) async fn open_step(conn: &mut Conn, payment_id: Uuid) -> Result<Option<Step>> {
    let row = sql::optional!(
        conn,
        StepRow,
        "select id, payment_id, kind, refund_id, idempotency_key, amount, note, begun_at from payment_steps
         where payment_id = $1 and status = 'begun' and kind in ('capture', 'cancel') order by begun_at desc limit 1",
        payment_id
    )?;
    Ok(row.and_then(StepRow::step))
}

/// What captures of an order's payments, but one, are to bring whose end is not known.
pub(super) async fn open_captures(conn: &mut Conn, order_id: Uuid, but: Uuid) -> Result<i64> {
    let (amount,) = sql::one!(
        conn,
        (i64,),
        "select cast(coalesce(sum(s.amount), 0) as bigint) from payments p join payment_steps s on s.payment_id = p.id
         where p.order_id = $1 and p.id <> $2 and s.status = 'begun' and s.kind = 'capture'",
        order_id,
        but
    )?;
    Ok(amount)
}

/// The refunds whose end is not known.
pub(super) async fn open_refunds(conn: &mut Conn, payment_id: Uuid) -> Result<Vec<Step>> {
    let rows = sql::all!(
        conn,
        StepRow,
        "select id, payment_id, kind, refund_id, idempotency_key, amount, note, begun_at from payment_steps
         where payment_id = $1 and status = 'begun' and kind = 'refund' order by begun_at, id",
        payment_id
    )?;
    Ok(rows.into_iter().filter_map(StepRow::step).collect())
}

/// How many steps of a refund are open, and what those that are done come to.
pub(super) async fn refund_progress(conn: &mut Conn, refund_id: Uuid) -> Result<(i64, i64)> {
    sql::one!(
        conn,
        (i64, i64),
        "select cast(coalesce(sum(case when status = 'begun' then 1 else 0 end), 0) as bigint),
                cast(coalesce(sum(case when status = 'done' then amount else 0 end), 0) as bigint)
         from payment_steps where refund_id = $1",
        refund_id
    )
}

#[derive(FromRow)]
struct JournalRow {
    id: Uuid,
    payment_id: Uuid,
    kind: String,
    amount: i64,
    status: String,
    note: String,
    begun_at: Moment,
    ended_at: Option<Moment>,
}

pub(super) async fn journal(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Journaled>> {
    let rows = sql::all!(
        conn,
        JournalRow,
        "select s.id, s.payment_id, s.kind, s.amount, s.status, s.note, s.begun_at, s.ended_at
         from payments p join payment_steps s on s.payment_id = p.id
         where p.order_id = $1 order by s.begun_at, s.id",
        order_id
    )?;
    let journaled = |row: JournalRow| Journaled {
        id: row.id,
        payment_id: row.payment_id,
        kind: row.kind,
        amount: row.amount,
        status: row.status,
        note: row.note,
        begun_at: row.begun_at,
        ended_at: row.ended_at,
    };
    Ok(rows.into_iter().map(journaled).collect())
}

/// Why a step failed, if it did.
pub(super) async fn failure(conn: &mut Conn, step_id: Uuid) -> Result<Option<String>> {
    let row =
        sql::optional!(conn, (String,), "select note from payment_steps where id = $1 and status = 'failed'", step_id)?;
    Ok(row.map(|(note,)| note))
}
