//! A merchant's text with placeholders: `{number}` stands for a value, `{{` and `}}` for the braces themselves. There is no
//! logic: what a text cannot say with values, it does not say.

/// What is wrong with a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// There is no such placeholder.
    Unknown(String),
    /// A brace that is neither doubled nor part of a placeholder.
    Brace,
}

/// The text with its values in place; `value` has those that there are.
pub fn render(template: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, Wrong> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            text.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            text.push('}');
            rest = after;
        } else {
            let (name, after) = from.strip_prefix('{').and_then(|name| name.split_once('}')).ok_or(Wrong::Brace)?;
            text.push_str(&value(name).ok_or_else(|| Wrong::Unknown(name.to_owned()))?);
            rest = after;
        }
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_their_places() {
        let value = |name: &str| (name == "number").then(|| "{10}".to_owned());
        for (template, expected) in [
            ("", Ok("")),
            ("Order {number}: {{{number}}}", Ok("Order {10}: {{10}}")),
            ("{nmber}", Err(Wrong::Unknown("nmber".into()))),
            ("{}", Err(Wrong::Unknown(String::new()))),
            ("{number", Err(Wrong::Brace)),
            ("a } b", Err(Wrong::Brace)),
        ] {
            assert_eq!(render(template, value), expected.map(str::to_owned), "{template}");
        }
    }
}
