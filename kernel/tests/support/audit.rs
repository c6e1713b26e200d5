//! What must be true of a database at any time between two requests, asked by SQL. Each part of the kernel adds its own.

use super::App;
use super::direct::Direct;

/// A statement whose every row is a fault: its first column says about what.
struct Rule {
    about: &'static str,
    broken: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        about: "every transaction of the ledger sums to zero",
        broken: "select t.reference from ledger_transactions t left join ledger_entries e on e.transaction_id = t.id
                 group by t.id, t.reference having sum(e.amount) is null or sum(e.amount) <> 0",
    },
    Rule {
        about: "what is captured is at most what was asked for, and what is refunded at most what is captured",
        broken: "select p.idempotency_key from payments p
                 left join ledger_transactions t on t.payment_id = p.id
                 left join ledger_entries e on e.transaction_id = t.id and e.account = 'provider'
                 group by p.id, p.idempotency_key, p.amount
                 having coalesce(sum(e.amount), 0) < 0
                     or sum(case when e.amount > 0 then e.amount else 0 end) > p.amount",
    },
    Rule {
        about: "with the refunds that are under way, no more goes back than was captured",
        broken: "select p.idempotency_key from payments p where
                 (select coalesce(sum(s.amount), 0) from payment_steps s
                  where s.payment_id = p.id and s.kind = 'refund' and s.status <> 'failed')
                 > (select coalesce(sum(e.amount), 0) from ledger_transactions t
                    join ledger_entries e on e.transaction_id = t.id
                    where t.payment_id = p.id and t.kind = 'captured' and e.account = 'provider')",
    },
    Rule {
        about: "the ledger has each refund of the journal that is done, and no other",
        broken: "select p.idempotency_key from payments p where
                 (select coalesce(sum(s.amount), 0) from payment_steps s
                  where s.payment_id = p.id and s.kind = 'refund' and s.status = 'done')
                 <> (select coalesce(sum(-e.amount), 0) from ledger_transactions t
                     join ledger_entries e on e.transaction_id = t.id
                     where t.payment_id = p.id and t.kind = 'refunded' and e.account = 'provider')",
    },
    Rule {
        about: "nothing stays reserved for a payment that has ended",
        broken: "select p.idempotency_key from payments p
                 join ledger_transactions t on t.payment_id = p.id
                 join ledger_entries e on e.transaction_id = t.id and e.account = 'authorized'
                 group by p.id, p.idempotency_key, p.status
                 having sum(e.amount) < 0 or (p.status <> 'authorized' and sum(e.amount) <> 0)",
    },
    Rule {
        about: "each order has been charged its total, until it was called off",
        broken: "select cast(o.number as text) from orders o where o.total <>
                 (select coalesce(sum(e.amount), 0) from ledger_transactions t
                  join ledger_entries e on e.transaction_id = t.id
                  where t.order_id = o.id and t.kind in ('placed', 'edited') and e.account = 'receivable')",
    },
    Rule {
        about: "nothing but money that moves by hand touches its account, and it touches no other but what is owed",
        broken: "select t.reference from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
                 where (e.account = 'by-hand') <> (t.kind = 'by-hand') and (t.kind <> 'by-hand' or e.account <> 'receivable')",
    },
    Rule {
        about: "an order that is called off costs nothing, but for what was corrected afterwards",
        broken: "select cast(o.number as text) from orders o
                 join ledger_transactions c on c.order_id = o.id and c.kind = 'cancelled'
                 join ledger_transactions t on t.order_id = o.id join ledger_entries e on e.transaction_id = t.id
                 where e.account in ('sales', 'delivery', 'tax', 'refunds', 'correction')
                   and (t.kind <> 'corrected' or t.id < c.id)
                 group by o.number having sum(e.amount) <> 0",
    },
    Rule {
        about: "no piece of a line goes back twice",
        broken: "select cast(o.number as text) from orders o
                 join order_lines ol on ol.order_id = o.id
                 join refunds r on r.order_id = o.id
                 join refund_lines l on l.refund_id = r.id and l.line_position = ol.position
                 group by o.number, ol.position, ol.quantity having sum(l.quantity) > ol.quantity",
    },
    Rule {
        about: "no more goes back for the delivery than it costs",
        broken: "select cast(o.number as text) from orders o where o.status <> 'cancelled' and o.goods_total > 0
                   and (select coalesce(sum(r.delivery), 0) from refunds r where r.order_id = o.id)
                     > o.delivery_total + (select coalesce(sum(a.amount), 0) from order_adjustments a
                        where a.order_id = o.id and a.target = 'delivery' and a.kind <> 'tax-included')",
    },
    Rule {
        about: "the parts of a refund come to no more than it",
        broken: "select cast(o.number as text) from orders o join refunds r on r.order_id = o.id
                 where r.amount < r.delivery + (select coalesce(sum(l.amount), 0) from refund_lines l where l.refund_id = r.id)",
    },
    Rule {
        about: "a coupon's number is that of its redemptions, and within its limit",
        broken: "select c.code from coupons c
                 left join coupon_redemptions r on r.coupon_id = c.id and r.returned_at is null
                 group by c.id, c.code, c.redeemed, c.limit_total
                 having count(r.id) <> c.redeemed or c.redeemed > coalesce(c.limit_total, c.redeemed)",
    },
    Rule {
        about: "no buyer redeemed a coupon more often than one may",
        broken: "select c.code from coupons c join coupon_redemptions r on r.coupon_id = c.id and r.returned_at is null
                 group by c.id, c.code, c.limit_per_customer, r.buyer having count(r.id) > c.limit_per_customer",
    },
    Rule {
        about: "a cancelled order holds no coupon, and any other holds what it redeemed",
        broken: "select cast(o.number as text) from orders o join coupon_redemptions r on r.order_id = o.id
                 where (o.status = 'cancelled') <> (r.returned_at is not null)",
    },
    Rule {
        about: "never more of a line is in shipments than was ordered and not refunded before",
        broken: "select cast(o.number as text) from orders o
                 join order_lines ol on ol.order_id = o.id
                 where (select coalesce(sum(l.quantity), 0) from shipments s
                        join shipment_lines l on l.shipment_id = s.id and l.line_position = ol.position
                        where s.order_id = o.id and s.status <> 'cancelled')
                     + (select coalesce(sum(l.dropped), 0) from refunds r
                        join refund_lines l on l.refund_id = r.id and l.line_position = ol.position
                        where r.order_id = o.id) > ol.quantity",
    },
    Rule {
        about: "no more of a line comes back to the shelf than has left",
        broken: "select cast(o.number as text) from orders o
                 join order_lines ol on ol.order_id = o.id
                 where (select coalesce(sum(l.quantity), 0) from refunds r
                        join refund_lines l on l.refund_id = r.id and l.line_position = ol.position
                        where r.order_id = o.id and l.restock)
                     + (select coalesce(sum(l.received), 0) from returns r
                        join return_lines l on l.return_id = r.id and l.line_position = ol.position
                        where r.order_id = o.id)
                     > (select coalesce(sum(l.quantity), 0) from shipments s
                        join shipment_lines l on l.shipment_id = s.id and l.line_position = ol.position
                        where s.order_id = o.id and s.dispatched_at is not null)",
    },
    Rule {
        about: "a return is refunded once, for no more than came",
        broken: "select cast(r.number as text) from returns r join return_lines l on l.return_id = r.id
                 left join refund_lines f on f.refund_id = r.refund_id and f.line_position = l.line_position
                 where (r.refund_id is not null and coalesce(f.quantity, 0) <> l.received)
                    or (r.status = 'refunded' and r.refund_id is null)",
    },
    Rule {
        about: "every piece of a return that is on the shelf has its movement",
        broken: "select cast(r.number as text) from returns r
                 join (select return_id, sum(restocked) as pieces from return_lines group by return_id) l
                   on l.return_id = r.id
                 where l.pieces <> (select coalesce(sum(m.on_hand_delta), 0) from stock_movements m
                                    where m.reference_id = r.id and m.kind = 'restock')",
    },
    Rule {
        about: "what has left in shipments has left the stock, of variants that are counted",
        broken: "select cast(o.number as text) from orders o
                 join (select s.order_id, ol.variant_id, sum(l.quantity) as quantity from shipments s
                       join shipment_lines l on l.shipment_id = s.id
                       join order_lines ol on ol.order_id = s.order_id and ol.position = l.line_position
                       where s.dispatched_at is not null group by s.order_id, ol.variant_id) d on d.order_id = o.id
                 where exists (select 1 from stock_reservations r
                               where r.order_id = o.id and r.variant_id = d.variant_id
                                 -- All of it was given back before its variant ceased to be counted.
                                 and (r.state <> 'released' or exists (select 1 from stock_items i
                                      where i.variant_id = d.variant_id and i.tracked)))
                   and d.quantity <> (select coalesce(-sum(m.on_hand_delta), 0) from stock_movements m
                                      where m.reference_id = o.id and m.variant_id = d.variant_id
                                        and m.kind = 'shipment')",
    },
    Rule {
        about: "an order that is cancelled has no goods under way, and one that is shipped none left",
        broken:
            "select cast(o.number as text) from orders o join shipments s on s.order_id = o.id
                 where (o.status = 'cancelled' and s.status <> 'cancelled')
                    or (o.status in ('shipped', 'delivered') and s.status in ('pending', 'booked', 'ready_for_pickup'))",
    },
    Rule {
        about: "no gift card and no store credit is below zero",
        broken: "select coalesce(a.last_four, 'credit') from prepaid_accounts a join prepaid_entries e on e.account_id = a.id
                 group by a.id, a.last_four having sum(e.amount) < 0",
    },
    Rule {
        about: "no account got more back of an order than it paid",
        broken: "select cast(o.number as text) from orders o join prepaid_entries e on e.order_id = o.id
                 where e.cause in ('redeemed', 'returned') group by o.number, e.account_id having sum(e.amount) > 0",
    },
    Rule {
        about: "the ledger of an order has what gift cards and store credit paid and got, each in its account",
        // What moved on the accounts and what the ledger says of it cancel out. One pass: asked order by order, it took seconds.
        broken: "select cast(o.number as text) from orders o join
                 (select order_id from
                      (select e.order_id, a.kind, e.amount from prepaid_entries e join prepaid_accounts a on a.id = e.account_id
                       where e.order_id is not null
                       union all
                       select t.order_id, e.account, e.amount from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
                       where e.account in ('gift-card', 'store-credit')) moved
                  group by order_id, kind having sum(amount) <> 0) off on off.order_id = o.id",
    },
    Rule {
        about: "no more goes back than was paid, in whatever way",
        broken: "select cast(o.number as text) from orders o
                 join ledger_transactions t on t.order_id = o.id join ledger_entries e on e.transaction_id = t.id
                 where e.account in ('provider', 'gift-card', 'store-credit', 'by-hand') group by o.number having sum(e.amount) < 0",
    },
    Rule {
        about: "an order that is not called off was not paid more than it costs, but for what is on its way back",
        broken: "select cast(o.number as text) from orders o where o.status <> 'cancelled'
                   and not exists (select 1 from ledger_transactions c where c.order_id = o.id and c.kind in ('corrected', 'by-hand'))
                   and (select coalesce(sum(e.amount), 0) from ledger_transactions t
                        join ledger_entries e on e.transaction_id = t.id
                        where t.order_id = o.id and e.account = 'receivable')
                     < (select coalesce(sum(-r.amount), 0) from refunds r
                        where r.order_id = o.id and r.status <> 'refunded')",
    },
    Rule {
        about: "every amount is within 2^53",
        broken: "select t.reference from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
                 where e.amount > 9007199254740991 or e.amount < -9007199254740991",
    },
    Rule {
        about: "a payment was written down before anything moved, with the step that is to move it",
        broken: "select p.idempotency_key from payments p where not exists
                 (select 1 from payment_steps s where s.payment_id = p.id and s.kind = 'authorize')",
    },
    Rule {
        about: "a payment is captured when the ledger has money of it, and one that came to nothing has none",
        broken: "select p.idempotency_key from payments p where p.amount > 0
                   and p.status in ('captured', 'declined', 'cancelled', 'pending', 'requires_action')
                   and (p.status = 'captured') <> exists (select 1 from ledger_transactions t
                                                          where t.payment_id = p.id and t.kind = 'captured')",
    },
    Rule {
        about: "a cart has become one order at most, and is closed by it, until that is called off",
        broken: "select cast(min(o.number) as text) from orders o where o.status <> 'cancelled'
                 group by o.cart_id having count(*) > 1
                     or exists (select 1 from carts c where c.id = o.cart_id and c.status = 'open')",
    },
    Rule {
        about: "an order stands where its history ends",
        broken: "select cast(o.number as text) from orders o where o.status <>
                 coalesce((select h.status from order_history h where h.order_id = o.id order by h.position desc limit 1), '')",
    },
    Rule {
        about: "orders are told of as often as they were placed, paid, called off and delivered",
        broken: "select k.kind from (
                     select 'order.placed' as kind, count(*) as changes from orders
                     union all select 'order.paid', count(distinct order_id) from order_history where status = 'paid'
                     union all select 'order.cancelled', count(*) from orders where status = 'cancelled'
                     union all select 'order.delivered', count(*) from orders where status = 'delivered') k
                 where k.changes <> (select count(*) from events e where e.kind = k.kind)
                   -- Who is forgotten takes what was told of them along.
                   and not exists (select 1 from customers c where c.erased_at is not null)
                   and not exists (select 1 from orders o where o.email = '')",
    },
    Rule {
        about: "an order keeps what it holds once it is paid, and nothing when it is called off or all has left",
        broken: "select cast(o.number as text) from orders o join stock_reservations r on r.order_id = o.id
                 where (o.status in ('paid', 'shipped', 'delivered') and r.state in ('held', 'expired'))
                    or (o.status in ('cancelled', 'shipped', 'delivered') and r.state in ('held', 'kept'))",
    },
    Rule {
        about: "no order holds more than it still wants, nor would with its payment",
        broken: "select cast(o.number as text) from orders o
                 join (select order_id, variant_id, sum(quantity) as quantity from stock_reservations
                       where state in ('held', 'kept', 'expired') group by order_id, variant_id) r on r.order_id = o.id
                 where r.quantity > (select coalesce(sum(l.quantity), 0) from order_lines l
                                     where l.order_id = o.id and l.variant_id = r.variant_id)
                     - (select coalesce(sum(l.quantity), 0) from shipments s
                        join shipment_lines l on l.shipment_id = s.id
                        join order_lines ol on ol.order_id = s.order_id and ol.position = l.line_position
                        where s.order_id = o.id and ol.variant_id = r.variant_id and s.dispatched_at is not null)
                     - (select coalesce(sum(l.dropped), 0) from refunds f
                        join refund_lines l on l.refund_id = f.id
                        join order_lines ol on ol.order_id = f.order_id and ol.position = l.line_position
                        where f.order_id = o.id and ol.variant_id = r.variant_id)",
    },
    Rule {
        about: "an order holds all that it still wants of what is counted, or will with its payment",
        broken: "select cast(o.number as text) from orders o
                 join (select order_id, variant_id,
                              sum(case when state in ('held', 'kept', 'expired') then quantity else 0 end) as quantity
                       from stock_reservations group by order_id, variant_id) r on r.order_id = o.id
                 join stock_items i on i.variant_id = r.variant_id and i.tracked
                 where o.status in ('new', 'paid')
                   and r.quantity < (select coalesce(sum(l.quantity), 0) from order_lines l
                                     where l.order_id = o.id and l.variant_id = r.variant_id)
                     - (select coalesce(sum(l.quantity), 0) from shipments s
                        join shipment_lines l on l.shipment_id = s.id
                        join order_lines ol on ol.order_id = s.order_id and ol.position = l.line_position
                        where s.order_id = o.id and ol.variant_id = r.variant_id and s.dispatched_at is not null)
                     - (select coalesce(sum(l.dropped), 0) from refunds f
                        join refund_lines l on l.refund_id = f.id
                        join order_lines ol on ol.order_id = f.order_id and ol.position = l.line_position
                        where f.order_id = o.id and ol.variant_id = r.variant_id)",
    },
    Rule {
        about: "an order is shipped when every piece has left that was not refunded before",
        broken: "select cast(o.number as text) from orders o join order_lines ol on ol.order_id = o.id
                 where o.status in ('shipped', 'delivered')
                   and ol.quantity <> (select coalesce(sum(l.quantity), 0) from shipments s
                        join shipment_lines l on l.shipment_id = s.id and l.line_position = ol.position
                        where s.order_id = o.id and s.dispatched_at is not null)
                     + (select coalesce(sum(l.dropped), 0) from refunds r
                        join refund_lines l on l.refund_id = r.id and l.line_position = ol.position
                        where r.order_id = o.id)",
    },
    Rule {
        about: "a piece that was refunded has left, or never will",
        broken: "select cast(o.number as text) from orders o join order_lines ol on ol.order_id = o.id
                 where o.status <> 'cancelled'
                   and (select coalesce(sum(l.quantity - l.dropped), 0) from refunds r
                        join refund_lines l on l.refund_id = r.id and l.line_position = ol.position
                        where r.order_id = o.id)
                     > (select coalesce(sum(l.quantity), 0) from shipments s
                        join shipment_lines l on l.shipment_id = s.id and l.line_position = ol.position
                        where s.order_id = o.id and s.dispatched_at is not null)",
    },
    Rule {
        about: "invoices and credit notes of a year are numbered without gaps",
        broken: "select cast(year as text) from invoices group by year having count(*) <> max(number) or min(number) <> 1",
    },
    Rule {
        about: "what a product is rated is what its published reviews come to",
        broken: "select cast(p.reviews as text) from product_ratings p where p.reviews <>
                 (select count(*) from reviews r where r.product_id = p.product_id and r.status = 'published')",
    },
    Rule {
        about: "stock is never below zero, nor reserved beyond what is on hand",
        broken: "select cast(on_hand as text) from stock_levels where on_hand < 0 or reserved < 0 or reserved > on_hand",
    },
];

/// Fails with every rule that is broken.
pub async fn audit(app: &App) {
    let mut database = Direct::of(app).await;
    let mut faults = Vec::new();
    for rule in RULES {
        let broken = database.ask(rule.broken).await;
        if !broken.is_empty() {
            faults.push(format!("{}: {broken:?}", rule.about));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
