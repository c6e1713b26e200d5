//! Options that a file describes, settled against those that a product has.

use super::super::options;
use super::super::{Chosen, Error, Flaw, MAX_CODE, OptionValue, Product, ProductOption, slugify};
use super::wanted::{ChosenBySku, WantedChoice, WantedOptions, WantedProduct};

/// Gives a product the options that are wanted, and its variants their values; answers what each variant of the file
/// chose. Values that the file does not name stay.
pub(super) fn lay(product: &mut Product, wanted: &WantedProduct) -> Result<Vec<Chosen>, Error> {
    let (settled, chosen) = settle(&product.options, wanted);
    let named = wanted.variants.iter().zip(&chosen).filter(|(variant, _)| variant.options.is_some());
    let by_sku: ChosenBySku<'_> = named.map(|(variant, chosen)| (variant.sku.as_str(), chosen.clone())).collect();
    let options = settled.unwrap_or_else(|| product.options.clone());
    let has = |code: &String| options.iter().any(|option| option.code == *code);
    if let Some(code) = by_sku.values().flat_map(Chosen::keys).find(|code| !has(code)) {
        let detail = format!("the product has no option `{code}`");
        return Err(Error::Invalid(vec![Flaw::new("/options", detail)]));
    }
    options::assign(product, options, |sku| by_sku.get(sku))?;
    Ok(chosen)
}

/// The options of a product that is to be made, and what each of its variants chose.
pub(super) fn of_new(wanted: &WantedProduct) -> Result<(Vec<ProductOption>, Vec<Chosen>), Error> {
    let (settled, chosen) = settle(&[], wanted);
    Ok((settled.unwrap_or_default(), chosen))
}

/// The options as they are to be, none where the file does not mention them, and the values of each variant.
fn settle(current: &[ProductOption], wanted: &WantedProduct) -> (Option<Vec<ProductOption>>, Vec<Chosen>) {
    let names = match &wanted.options {
        Some(WantedOptions::Named(names)) => names,
        exact => {
            let chosen = wanted.variants.iter().map(|variant| match &variant.options {
                Some(WantedChoice::Codes(chosen)) => chosen.clone(),
                _ => Chosen::new(),
            });
            let options = match exact {
                Some(WantedOptions::Exactly(options)) => Some(options.clone()),
                _ => None,
            };
            return (options, chosen.collect());
        }
    };
    let mut options: Vec<ProductOption> = Vec::with_capacity(names.len());
    for name in names {
        let known = current.iter().find(|option| option.name == *name).cloned();
        let option = known.unwrap_or_else(|| {
            let taken = |code: &str| options.iter().chain(current).any(|option| option.code == code);
            ProductOption { code: free_code(name, "option", taken), name: name.clone(), values: Vec::new() }
        });
        options.push(option);
    }
    let mut all = Vec::with_capacity(wanted.variants.len());
    for variant in &wanted.variants {
        let values = match &variant.options {
            Some(WantedChoice::Named(values)) => values.as_slice(),
            _ => &[],
        };
        let pairs = options.iter_mut().zip(values);
        all.push(pairs.map(|(option, value)| (option.code.clone(), value_code(option, value))).collect());
    }
    (Some(options), all)
}

/// The code of a value, which is added where it is not there.
fn value_code(option: &mut ProductOption, name: &str) -> String {
    if let Some(known) = option.values.iter().find(|value| value.name == name) {
        return known.code.clone();
    }
    let code = free_code(name, "value", |code| option.values.iter().any(|value| value.code == code));
    option.values.push(OptionValue { code: code.clone(), name: name.to_owned() });
    code
}

/// `M` and `m` are two names of one code: the second gets a number.
fn free_code(name: &str, fallback: &str, taken: impl Fn(&str) -> bool) -> String {
    // Slugs are ASCII: any place is the border of a character.
    let short = |text: String, room: usize| text[..text.len().min(MAX_CODE - room)].trim_end_matches('-').to_owned();
    let base = short(slugify(name, fallback), 0);
    if !taken(&base) {
        return base;
    }
    let mut numbered = (2_u32..).map(|number| format!("{}-{number}", short(base.clone(), 11)));
    numbered.find(|code| !taken(code)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::WantedVariant;

    fn wanted(names: &[&str], variants: &[&[&str]]) -> WantedProduct {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let variant = |values: &&[&str]| WantedVariant {
            options: Some(WantedChoice::Named(texts(values))),
            ..WantedVariant::default()
        };
        WantedProduct {
            options: Some(WantedOptions::Named(texts(names))),
            variants: variants.iter().map(variant).collect(),
            ..WantedProduct::default()
        }
    }

    #[test]
    fn names_find_the_codes_that_are_there() {
        let current = [ProductOption {
            code: "cut".into(),
            name: "Size".into(),
            values: vec![OptionValue { code: "one".into(), name: "M".into() }],
        }];
        let (options, chosen) = settle(&current, &wanted(&["Size", "Cut"], &[&["M", "Wide"], &["m", "Wide"]]));
        let options = options.unwrap();
        let codes: Vec<_> = options.iter().map(|option| option.code.as_str()).collect();
        assert_eq!(codes, ["cut", "cut-2"], "the code of another option is not taken twice");
        let values: Vec<_> = options[0].values.iter().map(|value| (value.code.as_str(), value.name.as_str())).collect();
        assert_eq!(values, [("one", "M"), ("m", "m")]);
        assert_eq!(chosen[1], Chosen::from([("cut".into(), "m".into()), ("cut-2".into(), "wide".into())]));
    }

    #[test]
    fn names_of_one_code_are_told_apart() {
        let (options, _) = settle(&[], &wanted(&["Size"], &[&["M"], &["m"], &["M!"], &["M"]]));
        let codes: Vec<_> = options.unwrap()[0].values.iter().map(|value| value.code.clone()).collect();
        assert_eq!(codes, ["m", "m-2", "m-3"]);
        let long = "x".repeat(60);
        assert_eq!(free_code(&long, "value", |_| false).len(), MAX_CODE);
        assert!(free_code(&long, "value", |code| code.len() == MAX_CODE).len() <= MAX_CODE);
    }
}
