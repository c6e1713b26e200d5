//! What each piece of an order was paid with: the price of a line with its part of everything that was given or taken on
//! the order as a whole.
//!
//! All in integers, by cumulative rounding: the first k pieces have the floor of their exact share, and a piece is the
//! difference of two such sums. Whatever the order in which pieces go back, one by one or together, they come to the
//! line's share, and the shares of all lines with that of the delivery to the total of the order.

use crate::money::Amount;
use crate::orders::{Adjustment, Delivery, Line, Target};

/// The order's total, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    /// By the position of the line.
    pub lines: Vec<Amount>,
    pub delivery: Amount,
}

impl Shares {
    pub fn of(lines: &[Line], adjustments: &[Adjustment], delivery: &Delivery, total: Amount) -> Self {
        // Tax that a price contains is no part of the sum.
        let charged = adjustments.iter().filter(|adjustment| adjustment.kind != "tax-included");
        let on_delivery: Amount = charged
            .filter(|adjustment| adjustment.target == Target::Delivery)
            .map(|adjustment| adjustment.amount)
            .sum();
        let goods: Amount = lines.iter().map(|line| line.total).sum();
        // A discount on the order may be more than the goods: the rest is the delivery's.
        let on_goods = (total - delivery.amount - on_delivery).max(0);
        let on_goods = if goods == 0 { 0 } else { on_goods };
        let mut before = 0;
        let share = |line: &Line| {
            let from = part(on_goods, before, goods);
            before += line.total;
            part(on_goods, before, goods) - from
        };
        Self { lines: lines.iter().map(share).collect(), delivery: total - on_goods }
    }
}

/// `whole * of / all`, rounded down.
fn part(whole: Amount, of: Amount, all: Amount) -> Amount {
    match all {
        0 => 0,
        // Not beyond `whole`, so that it fits again.
        _ => (i128::from(whole) * i128::from(of)).div_euclid(i128::from(all)) as Amount,
    }
}

/// What `quantity` pieces of a line come to, after `before` of its `pieces` went back.
pub fn of_pieces(share: Amount, pieces: u32, before: u32, quantity: u32) -> Amount {
    let upto = |count: u32| part(share, i64::from(count), i64::from(pieces));
    upto(before.saturating_add(quantity)) - upto(before)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn line(quantity: u32, total: Amount) -> Line {
        Line {
            variant_id: Uuid::nil(),
            sku: String::new(),
            title: String::new(),
            quantity,
            unit_price: 0,
            compare_at: None,
            price_list: None,
            total,
            note: String::new(),
            attributes: Default::default(),
        }
    }

    fn adjustment(target: Target, kind: &str, amount: Amount) -> Adjustment {
        let (kind, code, label) = (kind.into(), String::new(), String::new());
        Adjustment { target, kind, code, label, amount, rate_ppm: None, base: None }
    }

    fn delivery(amount: Amount) -> Delivery {
        Delivery { plugin: String::new(), code: String::new(), label: String::new(), amount, pickup: false }
    }

    #[test]
    fn shares_come_to_the_total() {
        let order = |kind, amount| vec![adjustment(Target::Order, kind, amount)];
        for (lines, adjustments, delivery_amount, total, expected) in [
            (vec![line(1, 10_00)], vec![], 4_90, 14_90, (vec![10_00], 4_90)),
            // A cent that does not divide falls to one line, not to none or two.
            (vec![line(1, 1), line(1, 1), line(1, 1)], order("discount", -1), 0, 2, (vec![0, 1, 1], 0)),
            (vec![line(3, 9_99), line(2, 5_01)], order("tax", 3), 0, 15_03, (vec![10_00, 5_03], 0)),
            (vec![line(1, 10_00)], order("tax-included", 1_60), 5_00, 15_00, (vec![10_00], 5_00)),
            // More off than the goods are worth: free delivery in all but name.
            (vec![line(1, 10_00)], order("discount", -12_00), 5_00, 3_00, (vec![0], 3_00)),
            // A gift, with a fee on the order.
            (vec![line(1, 0)], order("fee", 1_00), 5_00, 6_00, (vec![0], 6_00)),
            (
                vec![line(1, 10_00)],
                vec![adjustment(Target::Delivery, "discount", -5_00)],
                5_00,
                10_00,
                (vec![10_00], 0),
            ),
        ] {
            let shares = Shares::of(&lines, &adjustments, &delivery(delivery_amount), total);
            assert_eq!(shares.lines.iter().sum::<i64>() + shares.delivery, total, "{shares:?}");
            assert_eq!((shares.lines, shares.delivery), expected);
        }
    }

    #[test]
    fn pieces_come_to_the_share_however_they_go_back() {
        for (share, pieces) in [(10_00, 3), (1, 7), (0, 2), (9_007_199_254_740_991, 1_000_000)] {
            let by_one: i64 = (0..pieces.min(1_000)).map(|before| of_pieces(share, pieces, before, 1)).sum();
            assert_eq!(by_one, of_pieces(share, pieces, 0, pieces.min(1_000)), "{share} in {pieces}");
            assert_eq!(of_pieces(share, pieces, 0, pieces), share);
        }
    }
}
