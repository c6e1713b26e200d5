//! The ledger of an order, for staff.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, Transaction};
use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::Path;
use crate::money::Amount;
use crate::orders;
use crate::problem::{Problem, ProblemSchema};

/// A transaction of the ledger. Its entries sum to zero.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionOut {
    id: Uuid,
    /// The payment whose money moved, if one did.
    payment_id: Option<Uuid>,
    /// `placed`, `edited`, `cancelled`, `authorized`, `released`, `captured`, `credited`, `refunded`, `redeemed`,
    /// `corrected` or `by-hand`.
    #[schema(example = "captured")]
    kind: String,
    /// What it tells of; there is one transaction for each.
    reference: String,
    cause: String,
    #[schema(value_type = String, format = DateTime)]
    posted_at: Moment,
    entries: Vec<EntryOut>,
}

/// One side of a transaction.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryOut {
    /// `receivable`, `sales`, `delivery`, `tax`, `refunds`, `authorized`, `hold`, `provider`, `gift-card`, `store-credit`,
    /// `by-hand` or `correction`.
    #[schema(example = "provider")]
    account: String,
    /// Above 0 a debit, below 0 a credit.
    #[schema(value_type = i64, example = 4280)]
    amount: Amount,
}

/// The ledger of an order
///
/// Every transaction, in the order of posting. docs/payments.md says what each means.
#[utoipa::path(get, path = "/v1/admin/orders/{id}/ledger", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = [TransactionOut]),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_ledger(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<TransactionOut>>, Problem> {
    orders::get_any(&shop, id).await?;
    let transactions = super::transactions(&mut shop.db().read().await?, id).await?;
    Ok(Answer(transactions.into_iter().map(transaction_out).collect()))
}

fn transaction_out(transaction: Transaction) -> TransactionOut {
    let entries = transaction.entries.into_iter().map(|(account, amount)| EntryOut { account, amount });
    TransactionOut {
        id: transaction.id,
        payment_id: transaction.payment_id,
        kind: transaction.kind,
        reference: transaction.reference,
        cause: transaction.cause,
        posted_at: transaction.posted_at,
        entries: entries.collect(),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Unbalanced(..) | Error::OutOfRange(_) => Problem::internal(error),
            Error::Database(error) => error.into(),
        }
    }
}
