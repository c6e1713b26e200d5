//! Letters about goods that arrived, that come back, and that were left in a cart.

use crate::data::Order;
use crate::language::Language;
use crate::letter::Part;
use crate::{amounts, order_link};

/// The kind of the event about a cart that was left.
pub const CART: &str = "cart.abandoned";

/// What a cart comes to, before discounts, taxes and delivery.
pub fn cart_as_order(cart: Order) -> Order {
    Order { total: cart.goods_total, ..cart }
}

/// Subject and parts.
pub fn delivered(language: Language, order: &Order) -> (String, Vec<Part>) {
    let (subject, told) = language.delivered(&order.number, order.is_collected());
    let parts = [Part::Paragraph(told)].into_iter().chain(order_link(language, order));
    (subject, parts.collect())
}

pub fn return_approved(language: Language, order: &Order) -> (String, Vec<Part>) {
    let (subject, told) = language.return_approved(&order.number);
    let lines = order.goods(|reason| language.return_reason(reason));
    let mut parts = vec![Part::Paragraph(told), Part::Lines { title: language.goods(), lines }];
    parts.extend(order_link(language, order));
    (subject, parts)
}

pub fn return_rejected(language: Language, order: &Order) -> (String, Vec<Part>) {
    let (subject, told) = language.return_rejected(&order.number);
    let mut parts = vec![Part::Paragraph(told)];
    if let Some(returned) = order.returned.as_ref().filter(|returned| !returned.cause.is_empty()) {
        parts.push(Part::Paragraph(language.because(&returned.cause)));
    }
    parts.extend(order_link(language, order));
    (subject, parts)
}

pub fn cart_left(language: Language, cart: Order, shop: &str) -> (String, Vec<Part>) {
    let cart = cart_as_order(cart);
    let (subject, told) = language.cart_left(shop);
    let mut parts = vec![Part::Paragraph(told.to_owned()), amounts(language, &cart)];
    if !cart.url.is_empty() {
        parts.push(Part::Link { label: language.cart_link(), url: cart.url });
    }
    (subject, parts)
}

impl Language {
    fn delivered(self, number: &str, collected: bool) -> (String, String) {
        match (self, collected) {
            (Language::English, false) => {
                (format!("Order {number} has arrived"), format!("Your order {number} has arrived."))
            }
            (Language::English, true) => {
                (format!("Order {number} was collected"), format!("Your order {number} was collected."))
            }
            (Language::Russian, false) => {
                (format!("Заказ {number} доставлен"), format!("Ваш заказ {number} доставлен."))
            }
            (Language::Russian, true) => (format!("Заказ {number} получен"), format!("Ваш заказ {number} получен.")),
        }
    }

    fn return_approved(self, number: &str) -> (String, String) {
        match self {
            Language::English => (
                format!("Return of order {number} is approved"),
                format!("You can send these goods of your order {number} back to us."),
            ),
            Language::Russian => (
                format!("Возврат по заказу {number} одобрен"),
                format!("Вы можете вернуть нам эти товары из заказа {number}."),
            ),
        }
    }

    fn return_rejected(self, number: &str) -> (String, String) {
        match self {
            Language::English => (
                format!("Return of order {number} is refused"),
                format!("We cannot take goods of your order {number} back."),
            ),
            Language::Russian => (
                format!("Возврат по заказу {number} отклонён"),
                format!("Мы не можем принять возврат по заказу {number}."),
            ),
        }
    }

    fn because(self, cause: &str) -> String {
        match self {
            Language::English => format!("The reason: {cause}"),
            Language::Russian => format!("Причина: {cause}"),
        }
    }

    fn goods(self) -> &'static str {
        match self {
            Language::English => "Goods",
            Language::Russian => "Товары",
        }
    }

    /// Nothing for reasons that are not known here.
    pub fn return_reason(self, reason: &str) -> Option<&'static str> {
        let (english, russian) = match reason {
            "damaged" => ("damaged", "повреждён"),
            "wrong-item" => ("the wrong item", "не тот товар"),
            "not-as-described" => ("not as described", "не соответствует описанию"),
            "unwanted" => ("not wanted", "не нужен"),
            _ => return None,
        };
        Some(if self == Language::Russian { russian } else { english })
    }

    fn cart_left(self, shop: &str) -> (String, &'static str) {
        match self {
            Language::English => (format!("Your cart at {shop}"), "You left something in your cart."),
            Language::Russian => (format!("Ваша корзина в магазине {shop}"), "Вы оставили товары в корзине."),
        }
    }

    fn cart_link(self) -> &'static str {
        match self {
            Language::English => "Open the cart",
            Language::Russian => "Открыть корзину",
        }
    }
}
