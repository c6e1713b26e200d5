//! Options: what the variants of a product differ in, `Size` and `Colour`, and the value that each variant has of each.

use std::collections::{BTreeMap, HashSet};

use super::{Error, Flaw, Product, Variant};

/// Options that one product may have, as in other shops.
pub const MAX_OPTIONS: usize = 3;
/// Values that one option may have.
pub const MAX_OPTION_VALUES: usize = 100;
/// Longest name of an option or of a value, in characters. Three of them and what stands between fit a variant's title.
pub const MAX_OPTION_NAME: usize = 60;

/// What variants differ in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProductOption {
    pub code: String,
    pub name: String,
    /// In the order in which they are shown.
    pub values: Vec<OptionValue>,
}

/// One value of an option.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OptionValue {
    pub code: String,
    pub name: String,
}

/// The value of each option, by codes.
pub type Chosen = BTreeMap<String, String>;

/// The value codes in the order of the options.
pub(super) fn choose(options: &[ProductOption], chosen: &Chosen, at: &str) -> Result<Vec<String>, Vec<Flaw>> {
    let mut flaws = Vec::new();
    for code in chosen.keys().filter(|code| options.iter().all(|option| option.code != **code)) {
        flaws.push(Flaw::new(format!("{at}/options/{code}"), "the product has no such option"));
    }
    let mut codes = Vec::with_capacity(options.len());
    for option in options {
        match chosen.get(&option.code) {
            Some(value) if option.values.iter().any(|known| known.code == *value) => codes.push(value.clone()),
            Some(_) => flaws.push(Flaw::new(format!("{at}/options/{}", option.code), "the option has no such value")),
            None => flaws.push(Flaw::new(format!("{at}/options/{}", option.code), "each option needs a value")),
        }
    }
    if flaws.is_empty() { Ok(codes) } else { Err(flaws) }
}

/// As a variant shows them.
pub fn chosen(options: &[ProductOption], codes: &[String]) -> Chosen {
    options.iter().zip(codes).map(|(option, code)| (option.code.clone(), code.clone())).collect()
}

/// The names of its values make the title of a variant: `M / Red`.
pub(super) fn title(options: &[ProductOption], codes: &[String]) -> Option<String> {
    let name = |(option, code): (&ProductOption, &String)| {
        let value = option.values.iter().find(|value| value.code == *code);
        value.map_or_else(|| code.clone(), |value| value.name.clone())
    };
    let names: Vec<_> = options.iter().zip(codes).map(name).collect();
    (!names.is_empty()).then(|| names.join(" / "))
}

/// Another variant of the product has the same values.
pub(super) fn is_taken(variants: &[Variant], variant: &Variant) -> bool {
    !variant.options.is_empty()
        && variants.iter().any(|other| other.id != variant.id && other.options == variant.options)
}

/// Gives a product other options. Its variants keep their values; of an option that is new, they get the first value.
pub(super) fn change(product: &mut Product, options: Vec<ProductOption>) -> Result<(), Error> {
    assign(product, options, |_| None)
}

/// As [`change`], with what `chosen` says of single variants, by their SKU.
pub(super) fn assign<'a>(
    product: &mut Product,
    options: Vec<ProductOption>,
    chosen_of: impl Fn(&str) -> Option<&'a Chosen>,
) -> Result<(), Error> {
    let mut flaws = Vec::new();
    for variant in &mut product.variants {
        let had = chosen(&product.options, &variant.options);
        let wanted = chosen_of(&variant.sku);
        variant.options.clear();
        for (index, option) in options.iter().enumerate() {
            let code = match wanted.and_then(|wanted| wanted.get(&option.code)).or_else(|| had.get(&option.code)) {
                Some(code) => code.clone(),
                None => option.values.first().map(|value| value.code.clone()).unwrap_or_default(),
            };
            if option.values.iter().all(|value| value.code != code) {
                let detail = format!("the variant {} has the value `{code}`, which is missing", variant.sku);
                flaws.push(Flaw::new(format!("/options/{index}/values"), detail));
            }
            variant.options.push(code);
        }
        variant.title = title(&options, &variant.options).unwrap_or_else(|| std::mem::take(&mut variant.title));
    }
    Flaw::none(flaws)?;
    let mut seen = HashSet::new();
    if product.variants.iter().any(|variant| !options.is_empty() && !seen.insert(&variant.options)) {
        let detail = "two variants would have the same values";
        return Err(Error::Invalid(vec![Flaw::new("/options", detail)]));
    }
    product.options = options;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(code: &str, values: &[&str]) -> ProductOption {
        let value = |code: &&str| OptionValue { code: (*code).into(), name: code.to_uppercase() };
        ProductOption { code: code.into(), name: code.into(), values: values.iter().map(value).collect() }
    }

    #[test]
    fn each_option_has_one_known_value() {
        let options = [option("size", &["s", "m"]), option("colour", &["red"])];
        for (given, expected) in [
            (vec![("size", "m"), ("colour", "red")], Ok(vec!["m", "red"])),
            (vec![("size", "m")], Err(vec!["/options/colour"])),
            (vec![("size", "xl"), ("colour", "red"), ("cut", "a")], Err(vec!["/options/cut", "/options/size"])),
        ] {
            let given: Chosen = given.into_iter().map(|(option, value)| (option.into(), value.into())).collect();
            let found = choose(&options, &given, "");
            let pointers = |flaws: &Vec<Flaw>| flaws.iter().map(|flaw| flaw.pointer.clone()).collect::<Vec<_>>();
            assert_eq!(
                found.as_ref().map_err(pointers).cloned(),
                expected
                    .map(|codes| codes.into_iter().map(String::from).collect())
                    .map_err(|pointers| pointers.into_iter().map(String::from).collect())
            );
        }
    }

    #[test]
    fn variants_follow_their_options() {
        let mut product = Product { options: vec![option("size", &["s", "m"])], ..Product::default() };
        for code in ["s", "m"] {
            product.variants.push(Variant { options: vec![code.into()], ..Variant::default() });
        }
        let titles = |product: &Product| -> Vec<_> { product.variants.iter().map(|v| v.title.clone()).collect() };
        change(&mut product, vec![option("size", &["m", "s"]), option("colour", &["red", "blue"])]).unwrap();
        assert_eq!(titles(&product), ["S / RED", "M / RED"]);
        assert!(change(&mut product.clone(), vec![option("size", &["m"])]).is_err(), "a value in use");
        assert!(change(&mut product.clone(), vec![option("colour", &["red"])]).is_err(), "twins");
        assert!(change(&mut product.clone(), vec![]).is_ok(), "variants without options are told apart by title");
        change(&mut product, vec![option("size", &["s", "m"])]).unwrap();
        assert_eq!(titles(&product), ["S", "M"]);
    }
}
