//! Orders: what was bought, at which price, and how far it has come.
//!
//! An order is made by [`checkout`], moved by [`state`] and never loses a line: whatever happens to the catalog, the
//! plugins or the customer afterwards, it keeps its own texts, amounts and receipts.

mod adoption;
mod announce;
mod basket;
pub mod by_hand;
pub mod checkout;
pub mod corrections;
pub mod drafts;
pub mod editing;
mod housekeeping;
pub mod http;
mod listing;
pub mod lookup;
pub mod paying;
mod placing;
mod privacy;
mod purchases;
pub mod receipts;
pub mod refunds;
pub mod requests;
pub mod revisions;
mod state;
mod store;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::address::Address;
use crate::carts;
use crate::clock::Moment;
use crate::db::{self, Conn, Tx};
use crate::fulfilment::{Pieces, Shipment};
use crate::money::{Amount, Currency, UnknownCurrency};
use crate::payments::{self, Payment};
use crate::{Shop, fulfilment, inventory, ledger};

pub use adoption::Adoption;
pub use announce::page;
pub use housekeeping::run;
pub use listing::{Filter, list};
pub use privacy::{
    Forgotten, export, export_drafts, forget_guests, forget_person, ids_of, is_forgotten, placed_by, under_way,
};
pub use purchases::has_paid_for;
pub use refunds::refund_moved;
pub use refunds::refunded_pieces;
pub use state::{Reason, StateError, call_off, cancel, give_back, give_up, mark_delivered, mark_paid, mark_shipped};

/// `[orders]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrdersConfig {
    /// How often the worker looks for payments to reconcile, in milliseconds.
    pub reconcile_interval_ms: u64,
    /// How long after an attempt to pay, whose end nobody saw, the provider is asked, in milliseconds. It must be longer than a
    /// call of a payment plugin may take (`plugins.limits.payment.wall_ms`). Doubles with each time, up to an hour.
    pub reconcile_after_ms: u64,
    /// Minutes that a shopper has for what a payment asks of them (3-D Secure, say).
    pub payment_action_minutes: u32,
    /// How the owner of an order may edit it until shipping begins.
    pub owner_edits: editing::OwnerEdits,
    /// Minutes that a code is good with which a guest finds an order again.
    pub lookup_minutes: u32,
    /// How often a code may be tried.
    pub lookup_attempts: u32,
    /// Page of the storefront that shows an order, for links in letters.
    pub order_path: String,
    /// How often old rows (carts, keys, events) are forgotten, in minutes.
    pub housekeeping_minutes: u32,
}

impl Default for OrdersConfig {
    fn default() -> Self {
        Self {
            reconcile_interval_ms: 1_000,
            reconcile_after_ms: 10_000,
            payment_action_minutes: 30,
            owner_edits: editing::OwnerEdits::default(),
            lookup_minutes: 15,
            lookup_attempts: 5,
            order_path: "/order".into(),
            housekeeping_minutes: 60,
        }
    }
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Placed, not paid.
    New,
    Paid,
    Shipped,
    Delivered,
    Cancelled,
}

impl Status {
    const ALL: [(Self, &'static str); 5] = [
        (Self::New, "new"),
        (Self::Paid, "paid"),
        (Self::Shipped, "shipped"),
        (Self::Delivered, "delivered"),
        (Self::Cancelled, "cancelled"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(status, _)| *status == self).map_or("", |(_, name)| name)
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(status, _)| *status)
    }

    /// The goods are still here.
    pub fn can_be_called_off(self) -> bool {
        matches!(self, Self::New | Self::Paid)
    }
}

/// An order.
#[derive(Debug, Clone)]
pub struct Order {
    pub id: Uuid,
    /// What people call it: 1001 and up, in the order of placing.
    pub number: i64,
    pub cart_id: Uuid,
    pub customer_id: Option<Uuid>,
    pub status: Status,
    pub currency: String,
    pub locale: String,
    pub email: String,
    pub address: Address,
    /// Whom the invoice is for; none: `address`.
    pub billing_address: Option<Address>,
    pub delivery: Delivery,
    /// What the shopper says about it, as about the cart.
    pub note: String,
    pub attributes: carts::Attributes,
    pub goods_total: Amount,
    pub discount_total: Amount,
    pub fee_total: Amount,
    pub delivery_total: Amount,
    pub tax_total: Amount,
    pub tax_included_total: Amount,
    pub total: Amount,
    /// Counts the edits of its contents; 1 as it was placed.
    pub revision: i64,
    pub version: i64,
    pub placed_at: Moment,
    pub updated_at: Moment,
}

/// How it is delivered, as the shopper chose it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Delivery {
    #[schema(example = "delivery-rates")]
    pub plugin: String,
    #[schema(example = "standard")]
    pub code: String,
    #[schema(example = "Standard delivery")]
    pub label: String,
    pub amount: Amount,
    pub pickup: bool,
}

/// A line of an order.
#[derive(Debug, Clone)]
pub struct Line {
    pub variant_id: Uuid,
    pub sku: String,
    pub title: String,
    pub quantity: u32,
    pub unit_price: Amount,
    /// What the shopper saw crossed out.
    pub compare_at: Option<Amount>,
    /// Code of the price list that the price came from.
    pub price_list: Option<String>,
    /// Goods and the line's own adjustments.
    pub total: Amount,
    /// What the shopper says about it.
    pub note: String,
    pub attributes: carts::Attributes,
}

impl Order {
    /// The one of the cart that it was.
    fn currency(&self) -> Result<Currency, UnknownCurrency> {
        Currency::try_from(self.currency.clone())
    }

    /// Whom the invoice is for.
    pub fn billing(&self) -> &Address {
        self.billing_address.as_ref().unwrap_or(&self.address)
    }
}

impl Line {
    /// What it takes from the shelf.
    pub fn stock(&self) -> inventory::Quantity {
        inventory::Quantity { variant_id: self.variant_id, sku: self.sku.clone(), quantity: self.quantity }
    }
}

/// What an adjustment of an order belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A line, by its position.
    Line(i64),
    Order,
    Delivery,
}

impl Target {
    /// The line that it is, by its position.
    fn line(self) -> Option<i64> {
        match self {
            Self::Line(position) => Some(position),
            Self::Order | Self::Delivery => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Line(_) => "line",
            Self::Order => "order",
            Self::Delivery => "delivery",
        }
    }
}

/// A discount, tax or fee of an order.
#[derive(Debug, Clone)]
pub struct Adjustment {
    pub target: Target,
    pub kind: String,
    pub code: String,
    pub label: String,
    pub amount: Amount,
    /// Of a tax, where the plugin said it: its rate in parts per million.
    pub rate_ppm: Option<u32>,
    /// Of a tax, where the plugin said it: what it was computed on, without the tax itself.
    pub base: Option<Amount>,
}

/// A change of status.
#[derive(Debug, Clone)]
pub struct Event {
    pub at: Moment,
    pub status: String,
    pub cause: String,
}

/// An order with all that belongs to it.
#[derive(Debug, Clone)]
pub struct Details {
    pub order: Order,
    pub lines: Vec<Line>,
    pub adjustments: Vec<Adjustment>,
    pub history: Vec<Event>,
    pub priced_by: Vec<PricedBy>,
    /// The newest last; none where there was nothing to pay.
    pub payments: Vec<Payment>,
    pub amounts: ledger::Balance,
    pub shipments: Vec<Shipment>,
    /// Where the pieces of each line are.
    pub pieces: Vec<Pieces>,
}

/// Which plugin made the price.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PricedBy {
    #[schema(example = "pricing-standard")]
    pub plugin: String,
    pub version: String,
    /// SHA-256 of the component.
    pub digest: String,
}

/// Why an order cannot be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such order for this caller")]
    NotFound,
    #[error(transparent)]
    Cart(#[from] carts::Error),
    /// The cart costs another amount than the shopper was shown.
    #[error("the shopper was shown another total")]
    StaleQuote(Box<(carts::Contents, carts::Quoted)>),
    /// As [`Error::StaleQuote`], found out while the order was written.
    #[error("what the price was made of is gone")]
    NoLongerAsShown,
    #[error("the payment method is not offered")]
    UnknownPaymentMethod,
    #[error("a payment token is missing")]
    NoPaymentToken,
    /// Refused; nothing was charged, and the cart is open again.
    #[error("the payment was declined: {}", .0.code)]
    Declined(payments::Decline),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Stock(#[from] inventory::Error),
    #[error(transparent)]
    Payment(#[from] payments::Error),
    #[error("the order has no line {0}")]
    UnknownLine(u32),
    #[error(
        "of line {line}, {available} pieces can go back: no others that a carrier is booked for, or that went back before"
    )]
    PiecesGone { line: u32, available: u32 },
    #[error("the refund is {}", .0.name())]
    RefundState(refunds::RefundStatus),
    #[error("of line {line}, {out} pieces are out: no more can come back to the shelf")]
    NotShipped { line: u32, out: u32 },
    #[error("the order is a guest's, who has no store credit")]
    NoAccount,
    #[error("with it, the order would owe more or less than an amount can say")]
    AmountTooLarge,
    /// The order would cost another amount than was shown.
    #[error("the edited order costs another total")]
    StaleEdit(Box<Details>),
    /// The draft comes to another amount than was shown.
    #[error("the draft comes to another total")]
    StaleDraft(Box<drafts::Shown>),
    #[error("the draft has changed: it is version {current} now")]
    DraftChanged { current: i64 },
    #[error("line {0} names no variant that is on sale")]
    UnknownDraftVariant(usize),
    #[error("there is no such customer")]
    UnknownCustomer,
    #[error("there is nothing to pay")]
    NothingToPay,
    #[error("{0}")]
    LetterNotComposed(String),
    #[error(transparent)]
    Accounts(crate::accounts::Error),
    #[error("an order keeps at least one line; cancel it instead")]
    NothingLeft,
    #[error("pieces of its lines were refunded: its lines stay as they are")]
    LinesRefunded,
    #[error("more of its delivery was refunded than it would cost then")]
    DeliveryRefunded,
    #[error("the shop does not let you edit the order so")]
    EditNotAllowed,
    #[error("the code is wrong, was used, or is out of date")]
    WrongCode,
    /// The order does not owe what the shopper was shown.
    #[error("{payable} of the order can be paid now")]
    StaleAmount { payable: Amount },
    /// A row that was not written by us.
    #[error(transparent)]
    Currency(#[from] UnknownCurrency),
    #[error("an amount is out of range")]
    OutOfRange(#[from] crate::money::OutOfRange),
    #[error("the work was cut off: {0}")]
    CutOff(#[from] tokio::task::JoinError),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The order, if `caller` may see it. A guest's order belongs to whoever knows its id.
pub async fn get(shop: &Shop, id: Uuid, caller: Option<Uuid>) -> Result<Details, Error> {
    let mut conn = shop.db().read().await?;
    let order = store::find_order(&mut conn, id).await?.ok_or(Error::NotFound)?;
    if order.customer_id.is_some() && order.customer_id != caller {
        return Err(Error::NotFound);
    }
    Ok(details(&mut conn, order).await?)
}

/// The order, for a merchant.
pub async fn get_any(shop: &Shop, id: Uuid) -> Result<Details, Error> {
    details_in(&mut shop.db().read().await?, id).await
}

/// As [`get_any`], on a connection that is open already.
async fn details_in(conn: &mut Conn, id: Uuid) -> Result<Details, Error> {
    let order = store::find_order(conn, id).await?.ok_or(Error::NotFound)?;
    Ok(details(conn, order).await?)
}

/// The order, locked until the end of the transaction. Its row is the lock of its money: whoever changes what is owed, or moves
/// any of it, takes it first, and two who do wait for each other instead of reading what is about to change.
pub async fn lock(tx: &mut Tx, id: Uuid) -> Result<Order, db::Error> {
    store::lock_order(tx, id).await
}

/// The order with this id.
pub async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<Order>, db::Error> {
    store::find_order(conn, id).await
}

/// The lines of an order, by position.
pub async fn lines(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Line>, db::Error> {
    store::lines(conn, order_id).await
}

/// What so many pieces of a line cost, with the line's own adjustments.
pub fn part_of_line(line: &Line, quantity: u32) -> Amount {
    refunds::of_pieces(line.total, line.quantity, 0, quantity)
}

/// What events tell about an order.
pub async fn event_data(conn: &mut Conn, order: &Order) -> Result<serde_json::Value, db::Error> {
    let lines = store::lines(conn, order.id).await?;
    let adjustments = store::adjustments(conn, order.id).await?;
    Ok(announce::data(order, &lines, &adjustments))
}

/// The order with this number.
pub async fn get_by_number(shop: &Shop, number: i64) -> Result<Order, Error> {
    store::find_order_by_number(&mut shop.db().read().await?, number).await?.ok_or(Error::NotFound)
}

/// How many orders there are.
pub async fn count(shop: &Shop) -> Result<u64, Error> {
    Ok(store::count(&mut shop.db().read().await?).await?)
}

/// Numbers of orders after `number`, in their order.
pub async fn numbers_after(shop: &Shop, number: i64, limit: u32) -> Result<Vec<i64>, Error> {
    Ok(store::numbers_after(&mut shop.db().read().await?, number, i64::from(limit)).await?)
}

/// The order with all that belongs to it, as this connection or transaction sees it.
pub async fn details(conn: &mut Conn, order: Order) -> Result<Details, db::Error> {
    Ok(Details {
        lines: store::lines(conn, order.id).await?,
        adjustments: store::adjustments(conn, order.id).await?,
        history: store::history(conn, order.id).await?,
        priced_by: store::priced_by(conn, order.id).await?,
        payments: payments::of_order(conn, order.id).await?,
        amounts: ledger::balance(conn, order.id).await?,
        shipments: fulfilment::of_order(conn, order.id).await?,
        pieces: fulfilment::pieces(conn, order.id).await?,
        order,
    })
}

/// How many orders this customer has paid; of those before `order_id`, where that is some.
pub async fn count_paid(conn: &mut Conn, customer_id: Uuid, order_id: Option<Uuid>) -> Result<u32, db::Error> {
    store::count_paid(conn, customer_id, order_id).await
}

/// The limit of quantities that the contract allows, for what is stored as 64 bits.
fn quantity_of(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(u32::MAX)
}
