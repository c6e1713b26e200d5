//! The words of documents, in English and Russian. A third language is a third arm in each function here.

use chrono::Datelike;

use super::sheet::Kind;
use crate::clock::Moment;
use crate::money::Amount;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Russian,
}

use Language::{English, Russian};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_RU: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

impl Language {
    /// By the first part of a BCP 47 tag; English where it is none of ours.
    pub fn of(locale: &str) -> Self {
        let first = locale.split(['-', '_']).next().unwrap_or_default();
        if first.eq_ignore_ascii_case("ru") { Russian } else { English }
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

    pub fn title(self, kind: Kind, number: &str) -> String {
        match (kind, self) {
            (Kind::Confirmation, English) => format!("Order {number}"),
            (Kind::Confirmation, Russian) => format!("Заказ {number}"),
            (Kind::Invoice, English) => format!("Invoice {number}"),
            (Kind::Invoice, Russian) => format!("Счёт {number}"),
            (Kind::CreditNote, English) => format!("Credit note {number}"),
            (Kind::CreditNote, Russian) => format!("Корректировочный счёт {number}"),
        }
    }

    pub fn issued(self) -> &'static str {
        self.say("Date", "Дата")
    }

    pub fn order(self) -> &'static str {
        self.say("Order", "Заказ")
    }

    pub fn placed(self) -> &'static str {
        self.say("Ordered on", "Дата заказа")
    }

    pub fn corrects(self) -> &'static str {
        self.say("Corrects invoice", "К счёту")
    }

    pub fn email(self) -> &'static str {
        self.say("E-mail", "Эл. почта")
    }

    pub fn delivered_to(self) -> &'static str {
        self.say("Delivered to", "Адрес доставки")
    }

    pub fn recipient(self) -> &'static str {
        self.say("Customer", "Покупатель")
    }

    /// Article, quantity, price of one, amount.
    pub fn columns(self) -> [&'static str; 4] {
        self.say(["Article", "Quantity", "Price", "Amount"], ["Товар", "Кол-во", "Цена", "Сумма"])
    }

    pub fn goods(self) -> &'static str {
        self.say("Goods", "Товары")
    }

    pub fn delivery(self, label: &str) -> String {
        self.say(format!("Delivery: {label}"), format!("Доставка: {label}"))
    }

    pub fn other(self) -> &'static str {
        self.say("Given back beside", "Прочий возврат")
    }

    pub fn owed(self) -> &'static str {
        self.say("Owed before", "Причиталось ранее")
    }

    pub fn correction(self) -> &'static str {
        self.say("Correction", "Корректировка")
    }

    pub fn total(self, kind: Kind) -> &'static str {
        match kind {
            Kind::CreditNote => self.say("Given back", "К возврату"),
            Kind::Confirmation | Kind::Invoice => self.say("Total", "Итого"),
        }
    }

    /// Of tax that is in the prices already.
    pub fn included(self, label: &str) -> String {
        self.say(format!("including {label}"), format!("в том числе {label}"))
    }

    /// `VAT 19 % (19 % of 8.40 EUR)`: of a tax whose rate and base are known.
    pub fn taxed(self, label: &str, rate_ppm: u32, base: &str) -> String {
        // A ten-thousandth of a per cent is one in a million.
        let (whole, rest) = (rate_ppm / 10_000, format!("{:04}", rate_ppm % 10_000));
        let rate = match rest.trim_end_matches('0') {
            "" => whole.to_string(),
            rest => format!("{whole}{}{rest}", self.say('.', ',')),
        };
        self.say(format!("{label} ({rate} % of {base})"), format!("{label} ({rate} % от {base})"))
    }

    pub fn page(self, number: usize, of: usize) -> String {
        self.say(format!("Page {number} of {of}"), format!("Страница {number} из {of}"))
    }

    /// `21 November 2026`. The day is that of UTC, as that of the number's year.
    pub fn date(self, moment: Moment) -> String {
        let month = moment.month0() as usize;
        let months = self.say(MONTHS, MONTHS_RU);
        let text = format!("{} {} {}", moment.day(), months.get(month).copied().unwrap_or_default(), moment.year());
        self.say(text.clone(), format!("{text} г."))
    }

    /// `1,234.50 EUR`, in Russian `1 234,50 EUR`, with spaces that do not break.
    pub fn money(self, amount: Amount, exponent: u8, currency: &str) -> String {
        let exponent = usize::from(exponent);
        let digits = format!("{:0>width$}", amount.unsigned_abs(), width = exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - exponent);
        let (separator, point) = self.say((',', '.'), ('\u{a0}', ','));
        let mut text = if amount < 0 { "-".to_owned() } else { String::new() };
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                text.push(separator);
            }
            text.push(digit);
        }
        if exponent > 0 {
            text.push(point);
            text.push_str(fraction);
        }
        format!("{text}\u{a0}{currency}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_dates_are_written_as_people_write_them() {
        for (amount, exponent, english, russian) in [
            (123_450, 2, "1,234.50\u{a0}EUR", "1\u{a0}234,50\u{a0}EUR"),
            (-5, 2, "-0.05\u{a0}EUR", "-0,05\u{a0}EUR"),
            (1_000_000, 0, "1,000,000\u{a0}EUR", "1\u{a0}000\u{a0}000\u{a0}EUR"),
            (999, 3, "0.999\u{a0}EUR", "0,999\u{a0}EUR"),
        ] {
            assert_eq!(English.money(amount, exponent, "EUR"), english);
            assert_eq!(Russian.money(amount, exponent, "EUR"), russian);
        }
        let moment = "2026-01-05T23:59:59Z".parse().unwrap();
        assert_eq!(English.date(moment), "5 January 2026");
        assert_eq!(Russian.date(moment), "5 января 2026 г.");
    }

    #[test]
    fn a_tax_says_what_it_was_made_of() {
        for (rate_ppm, english, russian) in [
            (190_000, "VAT (19 % of 8.40 EUR)", "VAT (19 % от 8.40 EUR)"),
            (88_750, "VAT (8.875 % of 8.40 EUR)", "VAT (8,875 % от 8.40 EUR)"),
            (1, "VAT (0.0001 % of 8.40 EUR)", "VAT (0,0001 % от 8.40 EUR)"),
            (1_000_000, "VAT (100 % of 8.40 EUR)", "VAT (100 % от 8.40 EUR)"),
        ] {
            assert_eq!(English.taxed("VAT", rate_ppm, "8.40 EUR"), english);
            assert_eq!(Russian.taxed("VAT", rate_ppm, "8.40 EUR"), russian);
        }
    }

    #[test]
    fn languages_are_told_by_their_tag() {
        for (locale, language) in
            [("ru", Russian), ("ru-RU", Russian), ("RU_ru", Russian), ("rue", English), ("", English)]
        {
            assert_eq!(Language::of(locale), language, "{locale}");
        }
    }
}
