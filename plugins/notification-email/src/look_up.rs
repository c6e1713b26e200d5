//! The code with which a guest finds an order again.

use serde::Deserialize;

use crate::language::Language;
use crate::letter::Part;

/// The kind of the event.
pub const LOOK_UP: &str = "order.look-up";

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct LookUp {
    pub number: String,
    pub code: String,
    pub valid_minutes: u32,
}

/// Subject and parts.
pub fn letter(language: Language, look_up: &LookUp) -> (String, Vec<Part>) {
    let parts = vec![
        Part::Paragraph(language.look_up(&look_up.number)),
        Part::Lines { title: language.code(), lines: vec![look_up.code.clone()] },
        Part::Paragraph(language.valid_for(look_up.valid_minutes)),
        Part::Paragraph(language.look_up_not_you().to_owned()),
    ];
    (language.look_up_subject(&look_up.number), parts)
}

impl Language {
    fn look_up_subject(self, number: &str) -> String {
        match self {
            Language::English => format!("Your code for order {number}"),
            Language::Russian => format!("Код для заказа {number}"),
        }
    }

    fn look_up(self, number: &str) -> String {
        match self {
            Language::English => format!("With this code you can open your order {number}."),
            Language::Russian => format!("С этим кодом можно открыть ваш заказ {number}."),
        }
    }

    fn look_up_not_you(self) -> &'static str {
        match self {
            Language::English => {
                "If you did not ask for it, you need do nothing: nobody can open your order without it."
            }
            Language::Russian => {
                "Если вы его не запрашивали, ничего делать не нужно: без него ваш заказ никто не откроет."
            }
        }
    }
}
