//! What an order is to be made of, priced like a cart: for orders that are edited, and for those that staff makes.

use uuid::Uuid;

use super::checkout::{order_adjustment, order_lines};
use super::receipts::{self, Receipt};
use super::{Adjustment, Delivery, Error, Line};
use crate::address::Address;
use crate::carts::{self, Cart, Contents, DeliveryState, Promise};
use crate::catalog::{self, SellableVariant};
use crate::clock;
use crate::money::{Amount, Currency};
use crate::plugins::OptionId;
use crate::plugins::pricing::Totals;
use crate::prices::{Price, PriceContext};
use crate::{Shop, id};

/// All that decides a price.
#[derive(Debug, Clone)]
pub(super) struct Basket {
    pub customer_id: Option<Uuid>,
    pub currency: Currency,
    pub locale: String,
    pub email: String,
    pub address: Address,
    /// No price depends on it.
    pub billing_address: Option<Address>,
    pub coupons: Vec<String>,
    /// The order whose contents are priced again; none of one that is to be made.
    pub order_id: Option<Uuid>,
    pub delivery: OptionId,
    /// Attributes of the order; pricing may go by them.
    pub attributes: carts::Attributes,
    pub pieces: Vec<Piece>,
}

/// So many of a variant, at the price that was agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub variant_id: Uuid,
    pub sku: String,
    pub title: String,
    pub quantity: u32,
    /// Of one piece.
    pub price: Price,
    pub note: String,
    pub attributes: carts::Attributes,
}

/// A basket with its price.
pub(super) struct Priced {
    pub lines: Vec<Line>,
    pub adjustments: Vec<Adjustment>,
    pub receipts: Vec<Receipt>,
    pub totals: Totals,
    pub delivery: Delivery,
    /// Coupons that this price redeems.
    pub redeems: Vec<Uuid>,
}

impl Piece {
    /// What the catalog has of it now, at its price or at one that was `agreed`.
    pub fn of(variant: SellableVariant, quantity: u32, agreed: Option<Amount>) -> Result<Self, Error> {
        let SellableVariant { id, sku, title, price, .. } = variant;
        let agreed = agreed.map(|amount| Price { amount, compare_at: None, list: None });
        let Some(price) = agreed.or(price) else { return Err(carts::Error::PriceMissing(vec![sku]).into()) };
        let (note, attributes) = (String::new(), carts::Attributes::new());
        Ok(Self { variant_id: id, sku, title, quantity, price, note, attributes })
    }
}

impl Basket {
    /// Asks the plugins what it costs. No transaction is open.
    pub async fn price(&self, shop: &Shop) -> Result<Priced, Error> {
        let contents = self.contents(shop).await?;
        let quoted = carts::quote(shop, &contents).await?;
        let DeliveryState::Chosen(option) = &quoted.delivery else {
            return Err(carts::Error::DeliveryUnavailable.into());
        };
        Ok(Priced {
            lines: order_lines(&contents, &quoted)?,
            adjustments: quoted.adjustments.iter().map(order_adjustment).collect(),
            receipts: receipts::of(&quoted),
            delivery: Delivery {
                plugin: option.id.plugin.clone(),
                code: option.id.code.clone(),
                label: option.label.clone(),
                amount: option.amount,
                pickup: option.pickup,
            },
            redeems: quoted.redeems(),
            totals: quoted.totals,
        })
    }

    /// The cart that it would be.
    pub async fn contents(&self, shop: &Shop) -> Result<Contents, Error> {
        let mut conn = shop.db().read().await?;
        let context = PriceContext::of_customer(shop, &mut conn, self.currency, self.customer_id).await?;
        let mut lines = Vec::with_capacity(self.pieces.len());
        for (position, piece) in (0_i64..).zip(&self.pieces) {
            let found = catalog::find_variant(&mut conn, &context, piece.variant_id).await?;
            let price = piece.price.amount;
            lines.push(carts::Line {
                line_id: id::sequential(),
                quantity: piece.quantity,
                position,
                variant: piece.variant(found),
                unit_price: price,
                promise: Promise { price, until: None, told: price },
                note: piece.note.clone(),
                attributes: piece.attributes.clone(),
            });
        }
        let orders_paid = match self.customer_id {
            Some(customer_id) => super::count_paid(&mut conn, customer_id, self.order_id).await?,
            None => 0,
        };
        let now = clock::now();
        let cart = Cart {
            id: Uuid::nil(),
            customer_id: self.customer_id,
            currency: self.currency,
            locale: self.locale.clone(),
            email: Some(self.email.clone()),
            address: Some(self.address.clone()),
            billing_address: self.billing_address.clone(),
            coupons: self.coupons.clone(),
            coupons_told: Vec::new(),
            note: String::new(),
            attributes: self.attributes.clone(),
            gift_cards: Vec::new(),
            store_credit: false,
            delivery: Some(self.delivery.clone()),
            delivery_told: None,
            notices: Vec::new(),
            order_id: None,
            merged_into: None,
            version: 1,
            created_at: now,
            updated_at: now,
            expires_at: now,
        };
        let (customer_id, order_id) = (self.customer_id, self.order_id);
        let group = context.group;
        Ok(Contents { cart, lines, gone: Vec::new(), customer_id, group, orders_paid, order_id })
    }
}

impl Piece {
    /// The variant as the plugins see it: weight and category of the catalog, text and price as agreed. One that is gone has neither.
    fn variant(&self, found: Option<SellableVariant>) -> SellableVariant {
        let (sku, title, price) = (self.sku.clone(), self.title.clone(), Some(self.price.clone()));
        match found {
            Some(variant) => SellableVariant { sku, title, price, ..variant },
            None => SellableVariant {
                id: self.variant_id,
                product_id: Uuid::nil(),
                sku,
                title,
                price,
                weight_grams: 0,
                category_path: None,
                available: 0,
                sellable: false,
            },
        }
    }
}
