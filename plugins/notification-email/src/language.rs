//! What the letters say, in English and Russian. A third language is a third arm in each function here.

pub mod account;

use kassa_sdk::Money;

use crate::data::Order;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    Russian,
}

use Language::{English, Russian};

impl Language {
    /// By the first part of a BCP 47 tag; English where it is none of ours.
    pub fn of(locale: &str) -> Language {
        if kassa_sdk::is_language(locale, "ru") { Russian } else { English }
    }

    /// For the `lang` attribute.
    pub fn tag(self) -> &'static str {
        self.say("en", "ru")
    }

    fn say<T>(self, english: T, russian: T) -> T {
        match self {
            English => english,
            Russian => russian,
        }
    }

    /// `1,234.50 EUR`, in Russian `1 234,50 EUR` with spaces that do not break; digits only, no floats.
    pub fn money(self, amount: Money, order: &Order) -> String {
        let decimal = amount.decimal(order.exponent);
        let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal.as_str()), |digits| ("-", digits));
        let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
        let (separator, point) = self.say((',', '.'), ('\u{a0}', ','));
        let mut text = sign.to_owned();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                text.push(separator);
            }
            text.push(digit);
        }
        if let Some(fraction) = fraction {
            text.push(point);
            text.push_str(fraction);
        }
        text.push('\u{a0}');
        text.push_str(&order.currency);
        text
    }

    pub fn greeting(self, name: &str) -> String {
        match (self, name.is_empty()) {
            (English, false) => format!("Hello {name},"),
            (English, true) => "Hello,".to_owned(),
            (Russian, false) => format!("Здравствуйте, {name}!"),
            (Russian, true) => "Здравствуйте!".to_owned(),
        }
    }

    pub fn placed_subject(self, number: &str, shop: &str) -> String {
        self.say(format!("Your order {number} at {shop}"), format!("Ваш заказ {number} в магазине {shop}"))
    }

    pub fn placed(self, number: &str, pieces: u64) -> String {
        match self {
            English => format!("We have received your order {number} of {}.", plural_en(pieces, "item", "items")),
            Russian => {
                format!("Мы получили ваш заказ {number}: {}.", plural_ru(pieces, "товар", "товара", "товаров"))
            }
        }
    }

    pub fn paid_subject(self, number: &str) -> String {
        self.say(format!("Order {number} is paid"), format!("Заказ {number} оплачен"))
    }

    pub fn paid(self, number: &str, total: &str) -> String {
        match self {
            English => format!("Thank you! We have received {total} for your order {number}."),
            Russian => format!("Спасибо! Мы получили {total} за ваш заказ {number}."),
        }
    }

    /// Of an order that costs nothing.
    pub fn nothing_to_pay(self, number: &str) -> String {
        match self {
            English => format!("Thank you! There is nothing to pay for your order {number}."),
            Russian => format!("Спасибо! За ваш заказ {number} платить не нужно."),
        }
    }

    pub fn shipped_subject(self, number: &str) -> String {
        self.say(format!("Order {number} is on its way"), format!("Заказ {number} отправлен"))
    }

    pub fn shipped(self, number: &str) -> String {
        self.say(format!("Your order {number} is on its way."), format!("Ваш заказ {number} в пути."))
    }

    pub fn ready_subject(self, number: &str) -> String {
        self.say(format!("Order {number} is ready"), format!("Заказ {number} готов"))
    }

    /// Of an order that the shopper collects.
    pub fn ready(self, number: &str) -> String {
        match self {
            English => format!("Your order {number} is ready to be collected."),
            Russian => format!("Ваш заказ {number} можно забрать."),
        }
    }

    pub fn tracking_number(self, number: &str) -> String {
        self.say(format!("Tracking number: {number}"), format!("Номер для отслеживания: {number}"))
    }

    pub fn track_link(self) -> &'static str {
        self.say("Follow the parcel", "Отследить посылку")
    }

    pub fn cancelled_subject(self, number: &str) -> String {
        self.say(format!("Order {number} is cancelled"), format!("Заказ {number} отменён"))
    }

    pub fn cancelled(self, number: &str) -> String {
        self.say(format!("Your order {number} is cancelled."), format!("Ваш заказ {number} отменён."))
    }

    /// Nothing for reasons that are not known here.
    pub fn cancellation_reason(self, reason: &str) -> Option<&'static str> {
        match reason {
            "merchant" => Some(self.say("The shop cancelled it.", "Его отменил магазин.")),
            "payment-cancelled" => Some(self.say("It was not paid.", "Он не был оплачен.")),
            "customer" => Some(self.say("You asked us to cancel it.", "Вы попросили его отменить.")),
            "payment-declined" => Some(self.say("The payment was declined.", "Платёж был отклонён.")),
            _ => None,
        }
    }

    pub fn refunded(self, amount: &str) -> String {
        self.say(format!("You get {amount} back."), format!("Мы вернём вам {amount}."))
    }

    pub fn refunded_subject(self, number: &str) -> String {
        self.say(format!("Refund for order {number}"), format!("Возврат денег за заказ {number}"))
    }

    pub fn gave_back(self, number: &str, amount: &str) -> String {
        self.say(
            format!("We have given {amount} back to you for your order {number}."),
            format!("Мы вернули вам {amount} за заказ {number}."),
        )
    }

    pub fn to_pay_subject(self, number: &str) -> String {
        self.say(format!("Please pay order {number}"), format!("Оплатите заказ {number}"))
    }

    pub fn to_pay(self, number: &str) -> String {
        self.say(format!("Your order {number} waits to be paid."), format!("Ваш заказ {number} ждёт оплаты."))
    }

    pub fn pay_link(self) -> &'static str {
        self.say("Pay the order", "Оплатить заказ")
    }

    pub fn edited_subject(self, number: &str) -> String {
        self.say(format!("Order {number} was changed"), format!("Заказ {number} изменён"))
    }

    pub fn edited(self, number: &str) -> String {
        self.say(
            format!("Your order {number} was changed. This is it now:"),
            format!("Ваш заказ {number} изменён. Теперь он такой:"),
        )
    }

    pub fn still_to_pay(self, amount: &str) -> String {
        self.say(format!("{amount} of it is still to be paid."), format!("Осталось оплатить {amount}."))
    }

    pub fn nothing_charged(self) -> &'static str {
        self.say("You have not been charged.", "Деньги не списаны.")
    }

    pub fn order_link(self) -> &'static str {
        self.say("View the order", "Посмотреть заказ")
    }

    pub fn total(self) -> &'static str {
        self.say("Total", "Итого")
    }

    /// Of tax that is in the prices already.
    pub fn included(self, label: &str) -> String {
        self.say(format!("including {label}"), format!("в том числе {label}"))
    }

    /// Of lines that the letter has no room for.
    pub fn more_lines(self, count: usize) -> String {
        self.say(format!("… and {count} more"), format!("… и ещё {count}"))
    }

    pub fn delivered_to(self) -> &'static str {
        self.say("Delivery address", "Адрес доставки")
    }
}

fn plural_en(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// 1 товар, 2 товара, 5 товаров, 11 товаров, 21 товар.
fn plural_ru(count: u64, one: &str, few: &str, many: &str) -> String {
    let form = match (count % 10, count % 100) {
        (1, hundredth) if hundredth != 11 => one,
        (2..=4, hundredth) if !(12..=14).contains(&hundredth) => few,
        _ => many,
    };
    format!("{count} {form}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages() {
        for (locale, language) in [
            ("en", English),
            ("ru", Russian),
            ("ru-RU", Russian),
            ("RU_ru", Russian),
            ("rue", English),
            ("de", English),
            ("", English),
        ] {
            assert_eq!(Language::of(locale), language, "{locale}");
        }
    }

    #[test]
    fn plurals() {
        for (count, russian) in [
            (0, "0 товаров"),
            (1, "1 товар"),
            (2, "2 товара"),
            (4, "4 товара"),
            (5, "5 товаров"),
            (11, "11 товаров"),
            (12, "12 товаров"),
            (14, "14 товаров"),
            (21, "21 товар"),
            (22, "22 товара"),
            (111, "111 товаров"),
            (101, "101 товар"),
        ] {
            assert_eq!(plural_ru(count, "товар", "товара", "товаров"), russian);
        }
        assert_eq!([0, 1, 2].map(|count| plural_en(count, "item", "items")), ["0 items", "1 item", "2 items"]);
    }

    #[test]
    fn amounts() {
        for (minor, exponent, english, russian) in [
            (123_450, 2, "1,234.50\u{a0}EUR", "1\u{a0}234,50\u{a0}EUR"),
            (-5, 2, "-0.05\u{a0}EUR", "-0,05\u{a0}EUR"),
            (100_000_000, 0, "100,000,000\u{a0}EUR", "100\u{a0}000\u{a0}000\u{a0}EUR"),
            (999, 3, "0.999\u{a0}EUR", "0,999\u{a0}EUR"),
            (-100_000, 2, "-1,000.00\u{a0}EUR", "-1\u{a0}000,00\u{a0}EUR"),
        ] {
            let order = Order { currency: "EUR".to_owned(), exponent, ..Order::default() };
            let amount = Money::from(minor);
            assert_eq!(
                (English.money(amount, &order), Russian.money(amount, &order)),
                (english.to_owned(), russian.to_owned())
            );
        }
    }
}
