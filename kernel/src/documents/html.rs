//! A document as one HTML page: no scripts, nothing loaded from anywhere, ready to be printed. Texts reach it only through [`escape`].

use super::Printed;
use crate::html::{escape, push};

const STYLE: &str = "
body { font: 15px/1.45 system-ui, -apple-system, 'Segoe UI', sans-serif; color: #1a1a1a; margin: 0; background: #fff; }
main { max-width: 46rem; margin: 2.5rem auto; padding: 0 1.5rem; }
header { display: flex; justify-content: space-between; gap: 2rem; flex-wrap: wrap; }
address { font-style: normal; }
.seller { text-align: right; color: #555; font-size: .87em; }
.seller strong { color: #1a1a1a; font-size: 1.2em; }
h1 { font-size: 1.6rem; margin: 2rem 0 .75rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: 0 0 1.75rem; }
dt { color: #555; }
dd { margin: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 600; border-bottom: 2px solid #1a1a1a; padding: .4rem 0; }
td { border-bottom: 1px solid #ddd; padding: .45rem 0; vertical-align: top; overflow-wrap: anywhere; }
th + th, td + td { text-align: right; padding-left: 1rem; white-space: nowrap; }
tfoot td { border: 0; padding: .2rem 0; }
tfoot td:first-child { text-align: right; }
tfoot tr:first-child td { padding-top: .8rem; }
tr.total td { font-weight: 700; font-size: 1.1em; border-top: 2px solid #1a1a1a; padding-top: .5rem; }
tr.included td { color: #555; }
footer { margin-top: 3rem; padding-top: .8rem; border-top: 1px solid #ddd; color: #555; font-size: .8em; }
@media print { main { margin: 0; max-width: none; padding: 0; } tr { break-inside: avoid; } }
";

pub fn page(printed: &Printed) -> String {
    let mut html = String::with_capacity(8_192);
    let title = escape(&printed.title);
    push(&mut html, format_args!("<!doctype html>\n<html lang=\"{}\">\n<head>\n", printed.language.tag()));
    push(
        &mut html,
        format_args!("<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n"),
    );
    push(
        &mut html,
        format_args!("<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<header>\n"),
    );
    address(&mut html, "recipient", &printed.recipient);
    address(&mut html, "seller", &printed.seller);
    push(&mut html, format_args!("</header>\n<h1>{title}</h1>\n<dl>\n"));
    for (label, text) in &printed.facts {
        push(&mut html, format_args!("<dt>{}</dt><dd>{}</dd>\n", escape(label), escape(text)));
    }
    html.push_str("</dl>\n<table>\n<thead><tr>");
    for column in &printed.columns {
        push(&mut html, format_args!("<th scope=\"col\">{}</th>", escape(column)));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in &printed.rows {
        html.push_str("<tr>");
        for cell in row {
            push(&mut html, format_args!("<td>{}</td>", escape(cell)));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n<tfoot>\n");
    printed.sums.iter().for_each(|sum| sum_row(&mut html, "sum", sum));
    sum_row(&mut html, "total", &printed.total);
    printed.included.iter().for_each(|sum| sum_row(&mut html, "included", sum));
    html.push_str("</tfoot>\n</table>\n");
    if !printed.footer.is_empty() {
        let lines: Vec<_> = printed.footer.iter().map(|line| escape(line)).collect();
        push(&mut html, format_args!("<footer>{}</footer>\n", lines.join("<br>")));
    }
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn address(html: &mut String, class: &str, lines: &[String]) {
    let mut lines = lines.iter().map(|line| escape(line));
    let first = lines.next().unwrap_or_default();
    let rest: String = lines.map(|line| format!("<br>{line}")).collect();
    push(html, format_args!("<address class=\"{class}\"><strong>{first}</strong>{rest}</address>\n"));
}

fn sum_row(html: &mut String, class: &str, (label, amount): &(String, String)) {
    let (label, amount) = (escape(label), escape(amount));
    push(html, format_args!("<tr class=\"{class}\"><td colspan=\"3\">{label}</td><td>{amount}</td></tr>\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_people_typed_is_markup() {
        let text = "<script>alert(\"1\")</script> & 'x'";
        assert_eq!(escape(text), "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;");
    }
}
