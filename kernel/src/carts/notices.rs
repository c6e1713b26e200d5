//! What a shopper is told that has become of their cart: prices, stock, coupons and delivery, against what they were shown.
//!
//! Most of it is derived at each look from what the cart keeps as told, so that nothing has to watch the catalog and a change that
//! is taken back is no news. Only what cannot be derived later, because it changed the cart itself, is kept as a notice.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::line::{GoneLine, Line};
use super::{Cart, Contents, CouponState, DeliveryState, Error, Quoted, change, get, quote};
use crate::money::Amount;
use crate::{Shop, clock};

/// Something that is not as the shopper was shown it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    pub kind: NoticeKind,
    /// The line, of what is about one.
    pub line_id: Option<Uuid>,
    pub sku: Option<String>,
    pub title: Option<String>,
    /// The coupon, of what is about one.
    pub code: Option<String>,
    /// A price of one piece or of the delivery in minor units, or a number of pieces.
    #[schema(example = 500)]
    pub before: Option<i64>,
    #[schema(example = 550)]
    pub after: Option<i64>,
}

/// What has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A piece costs more than it did.
    PriceRaised,
    /// A piece costs less than it did.
    PriceLowered,
    /// `before` are wanted, and `after` can be had. The line stays as it is until the shopper says what they want.
    QuantityShort,
    /// The cart was joined with another one, and holds less than both together.
    QuantityReduced,
    /// It is not on sale any more, or not in the cart's currency.
    Unavailable,
    /// The cart was joined with another one, and cannot hold this line too.
    LineDropped,
    /// The coupon lowers the price no more.
    CouponLost,
    /// The cart was joined with another one, and cannot hold this coupon too.
    CouponDropped,
    /// The delivery that was chosen is not offered any more.
    DeliveryUnavailable,
    DeliveryRaised,
    DeliveryLowered,
}

impl Notice {
    fn new(kind: NoticeKind, before: Option<i64>, after: Option<i64>) -> Self {
        Self { kind, line_id: None, sku: None, title: None, code: None, before, after }
    }

    pub(super) fn of_line(line: &Line, kind: NoticeKind, before: i64, after: i64) -> Self {
        Self {
            line_id: Some(line.line_id),
            sku: Some(line.variant.sku.clone()),
            title: Some(line.variant.title.clone()),
            ..Self::new(kind, Some(before), Some(after))
        }
    }

    pub(super) fn of_gone(line: &GoneLine) -> Self {
        Self {
            line_id: Some(line.line_id),
            sku: Some(line.sku.clone()),
            title: Some(line.title.clone()),
            ..Self::new(NoticeKind::Unavailable, Some(i64::from(line.quantity)), Some(0))
        }
    }

    pub(super) fn of_coupon(code: &str, kind: NoticeKind) -> Self {
        Self { code: Some(code.to_owned()), ..Self::new(kind, None, None) }
    }
}

/// Everything that the shopper has not acknowledged yet.
pub fn notices(contents: &Contents, quoted: &Quoted) -> Vec<Notice> {
    let cart = &contents.cart;
    if cart.order_id.is_some() {
        return Vec::new();
    }
    let mut notices = cart.notices.clone();
    for (line, available) in contents.lines.iter().zip(contents.available()) {
        notices.extend(
            price_change(line.promise.told, line.unit_price)
                .map(|kind| Notice::of_line(line, kind, line.promise.told, line.unit_price)),
        );
        let (wanted, available) = (i64::from(line.quantity), i64::from(available));
        if !line.is_on_sale() {
            notices.push(Notice::of_line(line, NoticeKind::Unavailable, wanted, 0));
        } else if available < wanted {
            notices.push(Notice::of_line(line, NoticeKind::QuantityShort, wanted, available));
        }
    }
    notices.extend(contents.gone.iter().map(Notice::of_gone));
    let applied = applied(quoted);
    let lost = cart.coupons_told.iter().filter(|code| !applied.contains(code) && cart.coupons.contains(code));
    notices.extend(lost.map(|code| Notice::of_coupon(code, NoticeKind::CouponLost)));
    notices.extend(delivery_notice(cart, quoted));
    notices
}

fn price_change(told: Amount, now: Amount) -> Option<NoticeKind> {
    match now.cmp(&told) {
        std::cmp::Ordering::Greater => Some(NoticeKind::PriceRaised),
        std::cmp::Ordering::Less => Some(NoticeKind::PriceLowered),
        std::cmp::Ordering::Equal => None,
    }
}

fn delivery_notice(cart: &Cart, quoted: &Quoted) -> Option<Notice> {
    let told = cart.delivery_told?;
    let (kind, after) = match &quoted.delivery {
        DeliveryState::Open => return None,
        DeliveryState::Gone => (NoticeKind::DeliveryUnavailable, None),
        DeliveryState::Chosen(option) => match price_change(told, option.amount)? {
            NoticeKind::PriceRaised => (NoticeKind::DeliveryRaised, Some(option.amount)),
            _ => (NoticeKind::DeliveryLowered, Some(option.amount)),
        },
    };
    Some(Notice::new(kind, Some(told), after))
}

/// The codes that lower this price.
fn applied(quoted: &Quoted) -> Vec<&String> {
    let applied = quoted.coupons.iter().filter(|outcome| outcome.state == CouponState::Applied);
    applied.map(|outcome| &outcome.code).collect()
}

impl Contents {
    /// Keeps what an answer to a change shows, and promises its prices.
    pub(super) fn keep_shown(&mut self, shop: &Shop, quoted: &Quoted) {
        self.cart.keep_shown(quoted);
        self.renew_promises(clock::now(), change::hold(shop));
    }
}

impl Cart {
    /// A coupon that was lost stays told until it is acknowledged;
    /// what the delivery costs follows from the change itself, and is no news.
    fn keep_shown(&mut self, quoted: &Quoted) {
        let applied = applied(quoted);
        self.coupons_told = self
            .coupons
            .iter()
            .filter(|code| self.coupons_told.contains(code) || applied.contains(code))
            .cloned()
            .collect();
        match &quoted.delivery {
            DeliveryState::Chosen(option) => self.delivery_told = Some(option.amount),
            // It stays as it was told until another one is chosen.
            DeliveryState::Gone => {}
            DeliveryState::Open => self.delivery_told = None,
        }
    }
}

/// The shopper has seen the cart with its changes, and takes it as it stands: prices are as shown, no more is wanted than can be had,
/// and what cannot be had at all is removed. Refused where the cart costs another total than the one that they saw.
pub async fn acknowledge(
    shop: &Shop,
    cart_id: Uuid,
    caller: Option<Uuid>,
    expected_total: Amount,
) -> Result<(Contents, Quoted), Error> {
    for _ in 0..change::ATTEMPTS {
        let before = get(shop, cart_id, caller).await?;
        before.cart.require_open()?;
        let shown = quote(shop, &before).await?;
        if shown.totals.total != expected_total {
            return Err(Error::Stale(Box::new((before, shown))));
        }
        let mut after = before.clone();
        accept(&mut after, &shown);
        if let Some(quoted) = change::write(shop, &before, &mut after, None).await? {
            return Ok((after, quoted));
        }
    }
    Err(Error::Contended)
}

fn accept(contents: &mut Contents, shown: &Quoted) {
    let available = contents.available();
    for (line, available) in contents.lines.iter_mut().zip(available) {
        line.quantity = available;
        line.promise.told = line.unit_price;
    }
    contents.lines.retain(|line| line.quantity > 0);
    contents.gone.clear();
    let cart = &mut contents.cart;
    cart.notices.clear();
    let applied = applied(shown);
    cart.coupons_told.retain(|code| applied.contains(&code));
    if matches!(shown.delivery, DeliveryState::Gone) {
        (cart.delivery, cart.delivery_told) = (None, None);
    }
}
