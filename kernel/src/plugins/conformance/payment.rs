//! What methods are asked for, at the edges of the contract and by chance. Nothing here pays: no payment is begun.

use super::inputs::{COUNTRIES, CURRENCIES, Chance, END_OF_9999, Input, LOCALES, NOW};
use crate::plugins::payment::Context;
use crate::plugins::pricing::AMOUNT_LIMIT;
use crate::plugins::{Probe, check};

pub(super) fn edges() -> Vec<Input> {
    let of = |amount| Context { amount, ..cart() };
    let mut inputs = vec![
        Input::new("nothing to pay", check::context(&Probe::default())),
        Input::new("one cent", of(1)),
        Input::new("the largest amount", of(AMOUNT_LIMIT)),
        Input::new("no address", Context { country: None, ..of(25_00) }),
        Input::new("the end of the year 9999", Context { now: END_OF_9999, ..of(25_00) }),
    ];
    let to = |country: &str| Context { country: Some(country.into()), ..of(25_00) };
    inputs.extend(COUNTRIES.map(|country| Input::new(format!("to {country}"), to(country))));
    let within = |currency: &str| Context { currency: currency.into(), ..of(12_345) };
    inputs.extend(CURRENCIES.map(|(code, _)| Input::new(format!("in {code}"), within(code))));
    let speaking = |locale: &str| Context { locale: locale.into(), ..of(25_00) };
    inputs.extend(LOCALES.map(|locale| Input::new(format!("in the language {locale}"), speaking(locale))));
    inputs
}

fn cart() -> Context {
    Context { country: Some("DE".into()), now: NOW, ..check::context(&Probe::default()) }
}

pub(super) fn by_chance(chance: &mut Chance) -> Context {
    Context {
        currency: chance.one_of(&CURRENCIES).0.into(),
        amount: chance.amount(AMOUNT_LIMIT),
        country: (!chance.one_in(4)).then(|| (*chance.one_of(&COUNTRIES)).to_owned()),
        locale: (*chance.one_of(&LOCALES)).into(),
        now: NOW + u64::from(chance.below(u32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::inputs::{self, Question};
    use super::*;
    use crate::plugins::Domain;

    #[test]
    fn every_edge_is_there() {
        let context = |input: Input| match input.question {
            Question::Methods(context) => (*context).clone(),
            _ => panic!("{} pays nothing", input.name),
        };
        let contexts: Vec<_> = inputs::of(Domain::Payment, 50).into_iter().map(context).collect();
        for amount in [0, 1, AMOUNT_LIMIT] {
            assert!(contexts.iter().any(|context| context.amount == amount), "{amount}");
        }
        assert!(contexts.iter().any(|context| context.country.is_none()));
        assert!(contexts.iter().all(|context| (0..=AMOUNT_LIMIT).contains(&context.amount)));
    }
}
