//! A letter, and how it becomes plain text and HTML. Values reach HTML only through [`escape`].

use std::fmt::Write;

use kassa_sdk::notification::{Message, Shop};

use crate::language::Language;

pub struct Letter {
    pub subject: String,
    pub greeting: String,
    pub parts: Vec<Part>,
}

pub enum Part {
    Paragraph(String),
    Link {
        label: &'static str,
        url: String,
    },
    /// Rows of a text and an amount; the last one is the total.
    Amounts(Vec<(String, String)>),
    Lines {
        title: &'static str,
        lines: Vec<String>,
    },
}

impl Letter {
    pub fn to_message(&self, language: Language, shop: &Shop, footer: &str) -> Message {
        let (text, html) = (self.to_text(shop, footer), self.to_html(language, shop, footer));
        Message::email(&self.subject, text).with_html(html)
    }

    /// What it says without its lists, on one line, and the first link; empty where there is none.
    pub fn in_short(&self) -> (String, String) {
        let paragraphs = self.parts.iter().filter_map(|part| match part {
            Part::Paragraph(text) => Some(text.as_str()),
            Part::Link { .. } | Part::Amounts(_) | Part::Lines { .. } => None,
        });
        let url = self.parts.iter().find_map(|part| match part {
            Part::Link { url, .. } => Some(url.clone()),
            Part::Paragraph(_) | Part::Amounts(_) | Part::Lines { .. } => None,
        });
        let text = paragraphs.collect::<Vec<_>>().join(" ");
        (text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(), url.unwrap_or_default())
    }

    fn to_text(&self, shop: &Shop, footer: &str) -> String {
        let mut text = String::new();
        push_line(&mut text, &self.greeting);
        for part in &self.parts {
            text.push('\n');
            match part {
                Part::Paragraph(paragraph) => push_line(&mut text, paragraph),
                Part::Link { label, url } => push_line(&mut text, &format!("{label}: {url}")),
                Part::Amounts(rows) => {
                    rows.iter().for_each(|(row, amount)| push_line(&mut text, &format!("{row}: {amount}")))
                }
                Part::Lines { title, lines } => {
                    push_line(&mut text, &format!("{title}:"));
                    lines.iter().for_each(|line| push_line(&mut text, line));
                }
            }
        }
        text.push_str("\n-- \n");
        for line in [&shop.name, &shop.url, footer].into_iter().filter(|line| !line.is_empty()) {
            push_line(&mut text, line);
        }
        text
    }

    fn to_html(&self, language: Language, shop: &Shop, footer: &str) -> String {
        let mut inner = format!("<p>{}</p>\n", escape(&self.greeting));
        for part in &self.parts {
            part.push_html(&mut inner);
        }
        page(language.tag(), &self.subject, &inner, shop, footer)
    }
}

/// A whole page around `inner`, which is HTML already.
pub fn page(language: &str, subject: &str, inner: &str, shop: &Shop, footer: &str) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\"><title>{}</title></head>\n\
         <body style=\"font-family: sans-serif; max-width: 40em; margin: 0 auto; padding: 1em\">\n{inner}",
        escape(language),
        escape(subject),
    );
    html.push_str("<hr>\n<p style=\"color: #555\">");
    html.push_str(&link_or_text(&shop.name, &shop.url));
    if !footer.is_empty() {
        push(&mut html, format_args!("<br>{}", escape(footer)));
    }
    html.push_str("</p>\n</body>\n</html>\n");
    html
}

impl Part {
    fn push_html(&self, html: &mut String) {
        match self {
            Part::Paragraph(text) => push(html, format_args!("<p>{}</p>\n", escape(text))),
            Part::Link { label, url } => push(html, format_args!("<p>{}</p>\n", link_or_text(label, url))),
            Part::Amounts(rows) => html.push_str(&rows_to_html(rows)),
            Part::Lines { title, lines } => {
                push(html, format_args!("<p>{}:", escape(title)));
                lines.iter().for_each(|line| push(html, format_args!("<br>{}", escape(line))));
                html.push_str("</p>\n");
            }
        }
    }
}

/// A table of texts and amounts, whose last row is the total.
pub fn rows_to_html(rows: &[(String, String)]) -> String {
    let mut html = "<table style=\"width: 100%; border-collapse: collapse\">\n".to_owned();
    for (index, (row, amount)) in rows.iter().enumerate() {
        let weight = if index + 1 == rows.len() { "bold" } else { "normal" };
        push(&mut html, format_args!("<tr style=\"font-weight: {weight}\"><td>{}</td>", escape(row)));
        push(&mut html, format_args!("<td style=\"text-align: right\">{}</td></tr>\n", escape(amount)));
    }
    html.push_str("</table>\n");
    html
}

/// A link, where the address is one of the web; otherwise (`javascript:`, say) the label alone.
fn link_or_text(label: &str, url: &str) -> String {
    if url.starts_with("https://") || url.starts_with("http://") {
        format!("<a href=\"{}\">{}</a>", escape(url), escape(label))
    } else {
        escape(label)
    }
}

/// For text and for attributes in double quotes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() && c != '\n' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A line of the plain text: a value with line breaks in it cannot pose as another part of the letter.
fn push_line(text: &mut String, line: &str) {
    text.extend(line.chars().map(|c| if c.is_control() { ' ' } else { c }));
    text.push('\n');
}

fn push(html: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = html.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_escaped() {
        assert_eq!(escape("<a href='x'>\"&\"</a>\r\u{1b}"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;  ");
    }

    #[test]
    fn only_addresses_of_the_web_become_links() {
        assert_eq!(link_or_text("A&B", "https://x/?a=\"1\""), "<a href=\"https://x/?a=&quot;1&quot;\">A&amp;B</a>");
        for url in ["javascript:alert(1)", "", "//x", "data:text/html,x", " https://x"] {
            assert_eq!(link_or_text("label", url), "label", "{url}");
        }
    }
}
