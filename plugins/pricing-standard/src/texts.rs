//! What the shopper reads about coupons, in English and Russian.

use kassa_sdk::Money;
use kassa_sdk::pricing::Request;

pub fn needs_goods(request: &Request, minimum: Money) -> String {
    let amount = format!("{} {}", minimum.decimal(request.exponent), request.currency);
    if is_russian(request) {
        format!("Действует при покупке от {amount}")
    } else {
        format!("For goods of {amount} or more")
    }
}

pub fn other_goods(request: &Request) -> String {
    if is_russian(request) { "Не действует для этих товаров" } else { "Not for these goods" }.to_owned()
}

pub fn other_currency(request: &Request) -> String {
    let currency = &request.currency;
    if is_russian(request) {
        format!("Не действует для покупок в {currency}")
    } else {
        format!("Not for a cart in {currency}")
    }
}

pub fn other_customers(request: &Request) -> String {
    if is_russian(request) { "Не действует для вас" } else { "Not for you" }.to_owned()
}

pub fn better_discount(request: &Request) -> String {
    if is_russian(request) {
        "Действует более выгодная скидка"
    } else {
        "You have a better discount"
    }
    .to_owned()
}

pub fn nothing_to_take_off(request: &Request) -> String {
    if is_russian(request) { "Снижать нечего" } else { "There is nothing to take it off" }.to_owned()
}

fn is_russian(request: &Request) -> bool {
    kassa_sdk::is_language(&request.locale, "ru")
}
