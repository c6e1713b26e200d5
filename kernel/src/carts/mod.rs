//! Carts: what a shopper means to buy, and what it costs at this moment.
//!
//! Every answer shows the cart priced now. All that a cart keeps of a price is what the shopper was shown: for a while, no more is
//! asked for a piece ([`line`]), and what is no longer so is told ([`notices`]). A change is applied in memory, priced, and only then
//! written, guarded by the version that was read: where the pricing plugin fails or stock is short, nothing has changed.
//!
//! A guest's cart belongs to whoever knows its id; a customer's cart to that customer alone.

mod abandoned;
pub mod change;
mod claim;
mod delivery;
mod explain;
pub mod http;
pub mod line;
pub mod notices;
mod privacy;
mod quote;
mod settings;
mod store;

use chrono::TimeDelta;
use uuid::Uuid;

use crate::address::Address;
use crate::clock::{self, Moment};
use crate::coupons::Buyer;
use crate::db::{self, Tx};
use crate::money::{Amount, Currency};
use crate::plugins::trial::Asker;
use crate::plugins::{CallError, OptionId};
use crate::prices::PriceContext;
use crate::{Shop, id, payments};

pub use abandoned::{run, tell_abandoned};
pub use change::{Change, change};
pub use claim::{claim, current};
pub use delivery::{DeliveryOption, DeliveryRefusal, FALLBACK, Offered, fallback};
pub use explain::{DeliveryExplained, PriceExplained, explain, explain_price};
pub use line::{Attributes, GoneLine, Line, Promise};
pub use notices::{Notice, NoticeKind, acknowledge, notices};
pub use privacy::{export_person, forget_events, forget_guests, forget_person};
pub use quote::{
    Asked, Call, CouponResult, CouponState, DeliveryState, Quoted, SHOPPERS_WORDS, coupon_results, offered, quote,
};
pub use settings::{CartsConfig, FallbackRate};

/// A cart as it is stored: what the shopper said, and what they were told.
#[derive(Debug, Clone)]
pub struct Cart {
    pub id: Uuid,
    pub customer_id: Option<Uuid>,
    /// Fixed when the cart is made.
    pub currency: Currency,
    pub locale: String,
    pub email: Option<String>,
    pub address: Option<Address>,
    /// Whom the invoice is for; none: `address`.
    pub billing_address: Option<Address>,
    pub coupons: Vec<String>,
    /// Those of them that a price was shown with.
    pub coupons_told: Vec<String>,
    pub note: String,
    pub attributes: Attributes,
    /// Ids of gift cards, in the order in which they pay.
    pub gift_cards: Vec<Uuid>,
    /// Whether the customer's store credit is to pay.
    pub store_credit: bool,
    pub delivery: Option<OptionId>,
    /// What the delivery cost when the cart was changed last.
    pub delivery_told: Option<Amount>,
    /// What happened to the cart and was not acknowledged yet, as far as it cannot be derived.
    pub notices: Vec<Notice>,
    /// The order that it became.
    pub order_id: Option<Uuid>,
    /// The customer's cart that it was added to.
    pub merged_into: Option<Uuid>,
    pub version: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub expires_at: Moment,
}

/// A cart with what the catalog says about its lines now.
#[derive(Debug, Clone)]
pub struct Contents {
    pub cart: Cart,
    pub lines: Vec<Line>,
    /// Lines whose variant is gone.
    pub gone: Vec<GoneLine>,
    /// Who buys: the cart's customer or, of a guest's cart, whoever is signed in.
    pub customer_id: Option<Uuid>,
    /// The code of the group that the cart's customer is in; none for a guest's cart, whoever looks at it.
    pub group: Option<String>,
    /// Orders that they have paid before; 0 for guests.
    pub orders_paid: u32,
    /// The order that is priced again, where it is one: what it redeemed is good for it, whatever was redeemed since.
    pub order_id: Option<Uuid>,
}

/// A line that cannot be had as wanted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Shortage {
    pub sku: String,
    #[schema(example = 5)]
    pub wanted: u32,
    /// How many can be sold now.
    #[schema(example = 2)]
    pub available: u32,
}

/// Why a cart cannot be shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such cart for this caller")]
    NotFound,
    #[error("there is no such line")]
    LineNotFound,
    #[error("the cart became order {0}")]
    Closed(Uuid),
    #[error("the cart was added to cart {0}")]
    Merged(Uuid),
    /// The cart costs another total than the shopper was shown.
    #[error("the shopper was shown another total")]
    Stale(Box<(Contents, Quoted)>),
    #[error("there is no such variant on sale")]
    UnknownVariant,
    #[error("not sold in the currency of the cart: {}", .0.join(", "))]
    PriceMissing(Vec<String>),
    #[error("not enough in stock")]
    Insufficient(Vec<Shortage>),
    /// The field and what is wrong with it.
    #[error("{0}: {1}")]
    Invalid(&'static str, String),
    #[error("the cart lacks {0:?}")]
    Incomplete(Vec<&'static str>),
    #[error("this delivery is not offered")]
    DeliveryUnavailable,
    #[error("the cart cannot be priced: {0}")]
    Pricing(CallError),
    #[error("the payment methods cannot be listed: {0}")]
    Payment(CallError),
    #[error("the cart was changed by someone else at the same time")]
    Contended,
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Opens an empty cart, for a customer or a guest.
pub async fn create(
    shop: &Shop,
    customer_id: Option<Uuid>,
    currency: Currency,
    locale: Option<String>,
) -> Result<Contents, Error> {
    let now = clock::now();
    let cart = Cart {
        id: id::unguessable(),
        customer_id,
        currency,
        locale: locale.unwrap_or_else(|| shop.config().shop.locale.clone()),
        email: None,
        address: None,
        billing_address: None,
        coupons: Vec::new(),
        coupons_told: Vec::new(),
        note: String::new(),
        attributes: Attributes::new(),
        gift_cards: Vec::new(),
        store_credit: false,
        delivery: None,
        delivery_told: None,
        notices: Vec::new(),
        order_id: None,
        merged_into: None,
        version: 1,
        created_at: now,
        updated_at: now,
        expires_at: expiry(shop, customer_id, now),
    };
    let mut tx = shop.db().write().await?;
    store::insert_cart(&mut tx, &cart).await?;
    tx.commit().await?;
    Ok(Contents {
        cart,
        lines: Vec::new(),
        gone: Vec::new(),
        customer_id,
        // An empty cart costs nothing in any group; whoever reads it again is told.
        group: None,
        orders_paid: 0,
        order_id: None,
    })
}

/// The cart, if `caller` may see it. Someone else's cart does not exist for them.
pub async fn get(shop: &Shop, cart_id: Uuid, caller: Option<Uuid>) -> Result<Contents, Error> {
    let contents = read(shop, cart_id, caller, None).await?;
    match contents.cart.customer_id {
        Some(_) if contents.cart.customer_id != caller => Err(Error::NotFound),
        _ => Ok(contents),
    }
}

/// The cart, for staff.
pub async fn get_any(shop: &Shop, cart_id: Uuid) -> Result<Contents, Error> {
    read(shop, cart_id, None, None).await
}

/// A guest's cart, at the prices of the customer who is about to make it theirs; a cart that is somebody's as [`get`] has it.
async fn get_as_own(shop: &Shop, cart_id: Uuid, customer_id: Uuid) -> Result<Contents, Error> {
    let contents = read(shop, cart_id, Some(customer_id), Some(customer_id)).await?;
    match contents.cart.customer_id {
        Some(owner) if owner != customer_id => Err(Error::NotFound),
        _ => Ok(contents),
    }
}

/// `asked` is whose prices a guest's cart has; nobody's where it is none.
async fn read(shop: &Shop, cart_id: Uuid, caller: Option<Uuid>, asked: Option<Uuid>) -> Result<Contents, Error> {
    let mut conn = shop.db().read().await?;
    let cart = store::find_cart(&mut conn, cart_id).await?.ok_or(Error::NotFound)?;
    if cart.order_id.is_none() && cart.expires_at <= clock::now() {
        return Err(Error::NotFound);
    }
    let context = PriceContext::of_customer(shop, &mut conn, cart.currency, cart.customer_id.or(asked)).await?;
    let (mut lines, gone) = store::lines(&mut conn, cart_id, &context).await?;
    line::translate(shop, &mut conn, &cart.locale, &mut lines).await?;
    let customer_id = cart.customer_id.or(caller);
    let orders_paid = match customer_id {
        Some(customer_id) => crate::orders::count_paid(&mut conn, customer_id, None).await?,
        None => 0,
    };
    Ok(Contents { cart, lines, gone, customer_id, group: context.group, orders_paid, order_id: None })
}

/// The cart priced, for a shopper who looks at it: what they see now is held from now on.
pub async fn show(shop: &Shop, cart_id: Uuid, caller: Option<Uuid>) -> Result<(Contents, Quoted), Error> {
    let mut contents = get(shop, cart_id, caller).await?;
    let quoted = quote(shop, &contents).await?;
    keep_promises(shop, &mut contents).await?;
    Ok((contents, quoted))
}

/// Writes down the prices that `contents` shows, if they are news and the cart is still the same. Its version stays: a checkout at
/// the same moment has read the same prices.
pub async fn keep_promises(shop: &Shop, contents: &mut Contents) -> Result<(), Error> {
    if contents.cart.require_open().is_err() {
        return Ok(());
    }
    let before = contents.clone();
    contents.renew_promises(clock::now(), change::hold(shop));
    let writes = change::writes(&before, contents);
    if writes.is_empty() {
        return Ok(());
    }
    let mut tx = shop.db().write().await?;
    if store::lock_cart(&mut tx, contents.cart.id, contents.cart.version).await? {
        store::write_lines(&mut tx, contents.cart.id, &writes).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The ways to pay for this cart.
pub async fn payment_methods(shop: &Shop, contents: &Contents) -> Result<Vec<payments::Method>, Error> {
    let quoted = quote(shop, contents).await?;
    payments::methods(shop, &contents.payment_question(quoted.prepaid.due)).await.map_err(Error::Payment)
}

/// Turns an open cart into the order, once. False where it changed since `contents` was read.
pub async fn close(tx: &mut Tx, contents: &Contents, order_id: Uuid) -> Result<bool, db::Error> {
    store::close_cart(tx, contents.cart.id, contents.cart.version, order_id, clock::now()).await
}

/// Opens the cart of an order that came to nothing, so that the shopper can try again.
pub async fn reopen(shop: &Shop, tx: &mut Tx, cart_id: Uuid, order_id: Uuid) -> Result<(), db::Error> {
    let now = clock::now();
    let days = shop.config().carts.guest_expire_days.max(shop.config().carts.customer_expire_days);
    store::reopen_cart(tx, cart_id, order_id, now, now + TimeDelta::days(i64::from(days))).await
}

/// Forgets carts that nobody has touched for long, and tells how many. In small transactions: on SQLite each holds up every
/// writer of the shop.
pub async fn forget_expired(shop: &Shop) -> Result<u64, db::Error> {
    const ROWS: i64 = 500;
    let mut total = 0;
    loop {
        let mut tx = shop.db().write().await?;
        let forgotten = store::delete_expired(&mut tx, clock::now(), ROWS).await?;
        for cart_id in &forgotten {
            forget_events(&mut tx, *cart_id).await?;
        }
        tx.commit().await?;
        total += forgotten.len() as u64;
        if forgotten.is_empty() || shop.stopping().is_cancelled() {
            return Ok(total);
        }
    }
}

fn expiry(shop: &Shop, customer_id: Option<Uuid>, now: Moment) -> Moment {
    let config = &shop.config().carts;
    let days = if customer_id.is_some() { config.customer_expire_days } else { config.guest_expire_days };
    now + TimeDelta::days(i64::from(days))
}

/// The contract with plugins allows no more.
fn max_quantity(shop: &Shop) -> u32 {
    shop.config().carts.max_quantity.min(1_000_000)
}

impl Cart {
    /// Whose questions its price is: by it is decided whether a candidate that is rolled out is asked. None for what is no shopper's cart, an
    /// order that is edited or a draft: those are priced by what is in force.
    fn asker(&self) -> Option<Asker> {
        (!self.id.is_nil()).then_some(Asker { id: self.id, since: self.created_at })
    }

    /// Refuses a cart that is no longer one.
    pub fn require_open(&self) -> Result<(), Error> {
        match (self.order_id, self.merged_into) {
            (Some(order_id), _) => Err(Error::Closed(order_id)),
            (None, Some(cart_id)) => Err(Error::Merged(cart_id)),
            (None, None) => Ok(()),
        }
    }
}

impl Contents {
    /// Who redeems coupons; none before a guest has given an e-mail address.
    pub fn buyer(&self) -> Option<Buyer> {
        Buyer::of(self.customer_id, self.cart.email.as_deref())
    }

    /// What payment plugins are asked for ways to pay `due`.
    pub fn payment_question(&self, due: Amount) -> payments::Question<'_> {
        let cart = &self.cart;
        payments::Question {
            asker: cart.asker(),
            currency: cart.currency,
            amount: due,
            country: cart.address.as_ref().map(|address| address.country.clone()),
            locale: &cart.locale,
        }
    }

    /// Which prices its lines have now.
    pub fn price_context(&self, shop: &Shop) -> PriceContext {
        PriceContext::now(shop, self.cart.currency, self.group.clone())
    }

    /// Where a new line stands.
    fn next_position(&self) -> i64 {
        self.lines.iter().map(|line| line.position + 1).max().unwrap_or(0)
    }
}
