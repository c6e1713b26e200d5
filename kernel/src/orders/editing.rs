//! Editing an order before anything of it was shipped: other lines, another address, another delivery.
//!
//! Priced like a cart, with no transaction open; then written in one, guarded by the version that was read. Stock, ledger and receipts
//! follow in it. What the order was before is kept as a revision. What it costs less goes back in the usual way; what it costs more is
//! outstanding, and paid like any rest ([`super::paying`]).

use serde::Deserialize;
use uuid::Uuid;

use super::basket::{Basket, Piece, Priced};
use super::refunds::{self, Destination, Shares, Wanted, Why};
use super::revisions::Contents;
use super::{Details, Error, Line, Order, StateError, Status, announce, state, store};
use crate::address::Address;
use crate::carts::change::VariantRef;
use crate::catalog;
use crate::clock;
use crate::coupons::{self, Buyer};
use crate::db::Tx;
use crate::ledger::{self, Charge, Posting};
use crate::money::Amount;
use crate::payments::{self, Step};
use crate::plugins::{OptionId, pricing};
use crate::prices::{Price, PriceContext};
use crate::{Shop, fulfilment, inventory};

/// What is to be otherwise.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    pub address: Option<Address>,
    /// Another one, or none: the invoice is for `address` then.
    pub billing_address: Option<Option<Address>>,
    pub email: Option<String>,
    pub delivery: Option<OptionId>,
    pub lines: Vec<LineEdit>,
}

/// A line that is to be otherwise.
#[derive(Debug, Clone)]
pub enum LineEdit {
    /// So many of a line, by its position; 0 takes it away. At the price at which it was ordered.
    Set { line: u32, quantity: u32 },
    /// More goods, at today's price in the order's currency. They join a line of the same variant and price.
    Add { variant: VariantRef, quantity: u32 },
}

impl LineEdit {
    /// The position of the line that it is about, if the order has it already.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Set { line, .. } => Some(*line),
            Self::Add { .. } => None,
        }
    }
}

/// Who edits, and why.
#[derive(Debug, Clone)]
pub struct Editor {
    pub actor: String,
    pub reason: String,
}

/// How the owner of an order may edit it (`orders.owner_edits`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerEdits {
    #[default]
    Nothing,
    /// Where it goes.
    Address,
    /// That, and less of what was ordered.
    AddressAndLess,
}

impl OwnerEdits {
    /// Whether the owner of the order may edit it so.
    pub fn allow(self, edit: &Edit, lines: &[Line]) -> bool {
        let less = |line: &LineEdit| match line {
            LineEdit::Set { line, quantity } => {
                lines.get(*line as usize).is_some_and(|line| *quantity <= line.quantity)
            }
            LineEdit::Add { .. } => false,
        };
        match self {
            Self::Nothing => false,
            Self::Address => edit.lines.is_empty(),
            Self::AddressAndLess => edit.lines.iter().all(less),
        }
    }
}

/// The order as it would be, priced now.
pub async fn preview(shop: &Shop, before: &Details, edit: &Edit) -> Result<Details, Error> {
    require_editable(before)?;
    let priced = basket(shop, before, edit).await?.price(shop).await?;
    Ok(as_edited(before, edit, &priced))
}

/// Edits the order, if it then costs `expected_total`.
pub async fn edit(
    shop: &Shop,
    before: Details,
    edit: Edit,
    expected_total: Amount,
    editor: Editor,
) -> Result<Details, Error> {
    let work = {
        let shop = shop.clone();
        async move { edit_to_end(&shop, &before, &edit, expected_total, &editor).await }
    };
    shop.run_to_end(work).await?
}

async fn edit_to_end(
    shop: &Shop,
    before: &Details,
    edit: &Edit,
    expected_total: Amount,
    editor: &Editor,
) -> Result<Details, Error> {
    require_editable(before)?;
    let priced = basket(shop, before, edit).await?.price(shop).await?;
    let after = as_edited(before, edit, &priced);
    if after.order.total != expected_total {
        return Err(Error::StaleEdit(Box::new(after)));
    }
    let steps = match write(shop, before, &after, &priced, editor).await {
        // Somebody else redeemed what the price was made of.
        Err(Error::NoLongerAsShown) => return Err(Error::StaleEdit(Box::new(preview(shop, before, edit).await?))),
        written => written?,
    };
    shop.relay().wake();
    payments::run_steps(shop, steps).await;
    super::get_any(shop, before.order.id).await
}

fn require_editable(details: &Details) -> Result<(), StateError> {
    match details.order.status {
        status if status.can_be_called_off() => Ok(()),
        status => Err(StateError::Not(status)),
    }
}

/// The order's contents with the changes.
async fn basket(shop: &Shop, before: &Details, edit: &Edit) -> Result<Basket, Error> {
    let order = &before.order;
    let delivery = OptionId { plugin: order.delivery.plugin.clone(), code: order.delivery.code.clone() };
    Ok(Basket {
        customer_id: order.customer_id,
        currency: order.currency()?,
        locale: order.locale.clone(),
        email: edit.email.clone().unwrap_or_else(|| order.email.clone()),
        address: edit.address.clone().unwrap_or_else(|| order.address.clone()),
        billing_address: edit.billing_address.clone().unwrap_or_else(|| order.billing_address.clone()),
        coupons: codes(shop, order.id).await?,
        order_id: Some(order.id),
        delivery: edit.delivery.clone().unwrap_or(delivery),
        attributes: order.attributes.clone(),
        pieces: pieces(shop, before, &edit.lines).await?,
    })
}

/// The codes with which the order was priced.
async fn codes(shop: &Shop, order_id: Uuid) -> Result<Vec<String>, Error> {
    let receipts = store::receipts(&mut shop.db().read().await?, order_id).await?;
    let first = receipts.first().and_then(|receipt| serde_json::from_str::<pricing::Request>(&receipt.input).ok());
    Ok(first.map(|request| request.coupons).unwrap_or_default())
}

async fn pieces(shop: &Shop, before: &Details, edits: &[LineEdit]) -> Result<Vec<Piece>, Error> {
    let lines = &before.lines;
    let piece = |line: &Line| Piece {
        variant_id: line.variant_id,
        sku: line.sku.clone(),
        title: line.title.clone(),
        quantity: line.quantity,
        price: Price { amount: line.unit_price, compare_at: line.compare_at, list: line.price_list.clone() },
        note: line.note.clone(),
        attributes: line.attributes.clone(),
    };
    let mut pieces: Vec<Piece> = lines.iter().map(piece).collect();
    for edit in edits {
        match edit {
            LineEdit::Set { line, quantity } => {
                let piece = pieces.get_mut(*line as usize).filter(|_| (*line as usize) < lines.len());
                piece.ok_or(Error::UnknownLine(*line))?.quantity = *quantity;
            }
            LineEdit::Add { variant, quantity } => add(shop, &before.order, &mut pieces, variant, *quantity).await?,
        }
    }
    pieces.retain(|piece| piece.quantity > 0);
    if pieces.is_empty() {
        return Err(Error::NothingLeft);
    }
    let most = shop.config().carts.max_lines as usize;
    if pieces.len() > most {
        return Err(crate::carts::Error::Invalid("/lines", format!("an order holds at most {most} lines")).into());
    }
    Ok(pieces)
}

async fn add(
    shop: &Shop,
    order: &Order,
    pieces: &mut Vec<Piece>,
    variant: &VariantRef,
    quantity: u32,
) -> Result<(), Error> {
    let mut conn = shop.db().read().await?;
    let context = PriceContext::of_customer(shop, &mut conn, order.currency()?, order.customer_id).await?;
    let found = match variant {
        VariantRef::Id(id) => catalog::find_variant(&mut conn, &context, *id).await?,
        VariantRef::Sku(sku) => catalog::find_variant_by_sku(&mut conn, &context, sku).await?,
    };
    let mut found = found.filter(|variant| variant.sellable).ok_or(crate::carts::Error::UnknownVariant)?;
    catalog::translate_variant(shop, &mut conn, &order.locale, &mut found).await?;
    let new = Piece::of(found, quantity, None)?;
    let same = |piece: &&mut Piece| piece.variant_id == new.variant_id && piece.price.amount == new.price.amount;
    match pieces.iter_mut().find(same) {
        Some(piece) => piece.quantity = piece.quantity.saturating_add(quantity),
        None => pieces.push(new),
    }
    Ok(())
}

/// What the order becomes.
fn as_edited(before: &Details, edit: &Edit, priced: &Priced) -> Details {
    let (mut after, totals) = (before.clone(), &priced.totals);
    let order = &mut after.order;
    order.email = edit.email.clone().unwrap_or_else(|| order.email.clone());
    order.address = edit.address.clone().unwrap_or_else(|| order.address.clone());
    order.billing_address = edit.billing_address.clone().unwrap_or_else(|| order.billing_address.clone());
    order.delivery = priced.delivery.clone();
    order.goods_total = totals.goods;
    order.discount_total = totals.discounts;
    order.fee_total = totals.fees;
    order.delivery_total = totals.delivery;
    order.tax_total = totals.taxes_added;
    order.tax_included_total = totals.taxes_included;
    order.total = totals.total;
    order.revision += 1;
    after.lines.clone_from(&priced.lines);
    after.adjustments.clone_from(&priced.adjustments);
    let more = totals.total - before.order.total;
    after.amounts.total += more;
    after.amounts.outstanding += more;
    after
}

/// The one write that edits the order, or nothing at all. The steps are to be run after it.
async fn write(
    shop: &Shop,
    before: &Details,
    after: &Details,
    priced: &Priced,
    editor: &Editor,
) -> Result<Vec<Step>, Error> {
    let mut tx = shop.db().write().await?;
    let locked = super::lock(&mut tx, before.order.id).await?;
    if locked.version != before.order.version {
        return Err(StateError::Contended.into());
    }
    payments::require_room(shop, &mut tx, locked.id).await?;
    // What a payment that is under way will bring was asked for at the old price.
    if payments::is_undecided(&mut tx, locked.id).await? {
        return Err(payments::Error::Busy.into());
    }
    // Shipments name lines by their position. What is only planned can be cancelled first.
    if fulfilment::has_shipments(&mut tx, locked.id).await? {
        return Err(StateError::ShippingBegun.into());
    }
    if store::has_refunded_lines(&mut tx, locked.id).await? {
        return Err(Error::LinesRefunded);
    }
    require_refunded_delivery(&mut tx, after).await?;
    follow_stock(shop, &mut tx, before, after).await?;
    let buyer = Buyer::of(after.order.customer_id, Some(&after.order.email));
    if let Some(buyer) = buyer
        && !coupons::redeem(&mut tx, locked.id, &priced.redeems, &buyer).await?
    {
        return Err(Error::NoLongerAsShown);
    }
    store::insert_revision(&mut tx, before, &Contents::of(before), editor, clock::now()).await?;
    let order = Order { version: locked.version + 1, updated_at: clock::now(), ..after.order.clone() };
    store::replace_contents(&mut tx, &order, &after.lines, &after.adjustments).await?;
    store::insert_receipts(&mut tx, order.id, order.revision, &priced.receipts).await?;
    state::note(&mut tx, &order, "edited").await?;
    charge(&mut tx, before, after, editor).await?;
    let steps = settle(shop, &mut tx, before, &order, editor).await?;
    let outstanding = ledger::balance(&mut tx, order.id).await?.outstanding;
    let told = announce::Edited { difference: order.total - before.order.total, outstanding };
    announce::edited(&mut tx, &order, &after.lines, &after.adjustments, told).await?;
    if order.status == Status::New && outstanding <= 0 {
        state::mark_paid(&mut tx, order.id, "nothing is owed after an edit").await?;
    }
    tx.commit().await?;
    Ok(steps)
}

/// What was given back of the delivery went for what it cost: a cheaper one would give it back again.
async fn require_refunded_delivery(tx: &mut Tx, after: &Details) -> Result<(), Error> {
    let order = &after.order;
    let refunded = store::refunded_delivery(tx, order.id).await?;
    let share = Shares::of(&after.lines, &after.adjustments, &order.delivery, order.total).delivery;
    if refunded > 0 && refunded > share { Err(Error::DeliveryRefunded) } else { Ok(()) }
}

async fn follow_stock(shop: &Shop, tx: &mut Tx, before: &Details, after: &Details) -> Result<(), Error> {
    let stock = |lines: &[Line]| lines.iter().map(Line::stock).collect::<Vec<_>>();
    let (was, is) = (stock(&before.lines), stock(&after.lines));
    // What stays as it is, too: an order that is paid by its edit keeps all of it.
    inventory::lock(tx, &[was.as_slice(), &is].concat()).await?;
    let held_until = (before.order.status == Status::New).then(|| inventory::held_until(shop));
    Ok(inventory::rewrite(tx, before.order.id, &was, &is, held_until).await?)
}

/// The difference of what is owed for goods, delivery and tax.
async fn charge(tx: &mut Tx, before: &Details, after: &Details, editor: &Editor) -> Result<(), Error> {
    let [was, is] = [before, after].map(|of| super::placing::charge_of(&of.order, &of.adjustments));
    let difference =
        Charge { sales: is.sales - was.sales, delivery: is.delivery - was.delivery, tax: is.tax - was.tax };
    let entries = difference.entries()?;
    let reference = format!("edited-{}-{}", after.order.id, after.order.revision);
    let posting = Posting {
        order_id: after.order.id,
        payment_id: None,
        kind: ledger::Kind::Edited,
        reference: &reference,
        cause: &editor.actor,
        entries: &entries,
    };
    ledger::post(tx, &posting).await.map_err(StateError::from)?;
    Ok(())
}

/// Begins to give back what the order costs less, as far as it was taken and is not on its way back already.
async fn settle(
    shop: &Shop,
    tx: &mut Tx,
    before: &Details,
    order: &Order,
    editor: &Editor,
) -> Result<Vec<Step>, Error> {
    let less = before.order.total - order.total;
    // Of what is only reserved, less will be taken.
    let reserved = ledger::balance(tx, order.id).await?.authorized;
    let owed = refunds::unclaimed(tx, order.id).await? - reserved;
    let payments = payments::of_order(tx, order.id).await?;
    let available = refunds::available(tx, order.id, &payments, Destination::Original).await?;
    let back = less.min(owed).min(available);
    if back <= 0 {
        return Ok(Vec::new());
    }
    let why = Why { reason: &editor.reason, actor: &editor.actor };
    let (_, steps) = refunds::begin(shop, tx, order, &Wanted::Amount(back), why).await?;
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_edit_what_the_shop_lets_them() {
        let line = Line {
            variant_id: Uuid::nil(),
            sku: String::new(),
            title: String::new(),
            quantity: 2,
            unit_price: 1,
            compare_at: None,
            price_list: None,
            total: 2,
            note: String::new(),
            attributes: crate::carts::Attributes::new(),
        };
        let to = |line, quantity| Edit { lines: vec![LineEdit::Set { line, quantity }], ..Edit::default() };
        let more = Edit {
            lines: vec![LineEdit::Add { variant: VariantRef::Sku("x".into()), quantity: 1 }],
            ..Edit::default()
        };
        let moved = Edit { address: Some(Address::default()), ..Edit::default() };
        for (setting, edit, expected) in [
            (OwnerEdits::Nothing, &moved, false),
            (OwnerEdits::Address, &moved, true),
            (OwnerEdits::Address, &to(0, 1), false),
            (OwnerEdits::AddressAndLess, &to(0, 1), true),
            (OwnerEdits::AddressAndLess, &to(0, 0), true),
            (OwnerEdits::AddressAndLess, &to(0, 3), false),
            (OwnerEdits::AddressAndLess, &to(1, 0), false),
            (OwnerEdits::AddressAndLess, &more, false),
        ] {
            assert_eq!(setting.allow(edit, std::slice::from_ref(&line)), expected, "{setting:?} {edit:?}");
        }
    }
}
