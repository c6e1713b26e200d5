//! A report as one page to read: no scripts, nothing loaded from anywhere. Texts reach it only through [`escape`].

use super::{CallCost, Change, Failure, Group, OrderChange, Replay, Report, State};
use crate::html::{escape, push};
use crate::money::{Amount, Currency};

const STYLE: &str = "
body { font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif; color: #1a1a1a; margin: 0; background: #fff; }
main { max-width: 56rem; margin: 2.5rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .5rem; }
p { margin: .3rem 0; }
.quiet { color: #555; overflow-wrap: anywhere; }
.sums { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1.5rem 0 0; padding: 0; list-style: none; }
.sums li { border: 1px solid #ddd; border-radius: .5rem; padding: .8rem 1.1rem; min-width: 9rem; }
.sums strong { display: block; font-size: 1.5rem; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; border-bottom: 2px solid #1a1a1a; padding: .35rem 0; }
td { border-bottom: 1px solid #ddd; padding: .35rem 0; vertical-align: top; overflow-wrap: anywhere; }
th + th, td + td { text-align: right; padding-left: 1rem; }
.up { color: #9a3412; } .down { color: #166534; }
.failed { background: #fef2f2; border-left: 4px solid #b91c1c; padding: .6rem 1rem; margin: 1.5rem 0 0; }
@media print { main { margin: 0; max-width: none; padding: 0; } tr { break-inside: avoid; } }
";

pub(super) fn page(replay: &Replay) -> String {
    let mut html = String::with_capacity(16_384);
    let plugins: Vec<_> = replay.candidate.iter().map(|plugin| format!("{} {}", plugin.name, plugin.version)).collect();
    let title = format!("{}: {}", replay.domain.name(), plugins.join(", "));
    let title = escape(&title);
    push(
        &mut html,
        format_args!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width\">\n<title>Replay of {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        ),
    );
    push(&mut html, format_args!("<h1>{title}</h1>\n"));
    let when = replay.created_at.format("%Y-%m-%d %H:%M UTC");
    push(
        &mut html,
        format_args!(
            "<p class=\"quiet\">What the last {} orders would have cost with it. Replayed {when}; nothing of it is in force.</p>\n",
            replay.orders_total
        ),
    );
    match &replay.report {
        Some(report) => whole(&mut html, report),
        None => unfinished(&mut html, replay),
    }
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn unfinished(html: &mut String, replay: &Replay) {
    let said = match replay.state {
        State::Running => format!("{} of {} orders are done.", replay.orders_done, replay.orders_total),
        State::Cancelled => "It was cancelled.".to_owned(),
        State::Done | State::Failed => format!("It failed: {}.", replay.error.as_deref().unwrap_or("nobody knows why")),
    };
    push(html, format_args!("<p>{}</p>\n", escape(&said)));
}

fn whole(html: &mut String, report: &Report) {
    html.push_str("<ul class=\"sums\">\n");
    for (label, count) in [("orders", report.orders), ("unchanged", report.unchanged), ("changed", report.changed)] {
        push(html, format_args!("<li><strong>{count}</strong>{label}</li>\n"));
    }
    for change in &report.totals {
        let (class, difference) = signed(&change.currency, change.difference);
        push(html, format_args!("<li><strong class=\"{class}\">{difference}</strong>in all</li>\n"));
    }
    html.push_str("</ul>\n");
    if report.skipped > 0 {
        push(
            html,
            format_args!("<p class=\"quiet\">{} orders have no receipts that can be read.</p>\n", report.skipped),
        );
    }
    failures(html, report);
    totals(html, &report.totals);
    largest(html, &report.largest);
    groups(html, "By country", "Country", &report.countries);
    groups(html, "By coupon", "Coupon", &report.coupons);
    groups(html, "By category", "Category", &report.categories);
    cost(html, report);
}

fn failures(html: &mut String, report: &Report) {
    if report.errors.is_empty() {
        return;
    }
    push(
        html,
        format_args!("<div class=\"failed\"><p><strong>{} orders have no price with it.</strong></p>\n", report.failed),
    );
    for Failure { plugin, code, text, orders, numbers } in &report.errors {
        let plugin = plugin.as_ref().map_or(String::new(), |plugin| format!("{}: ", escape(plugin)));
        let numbers: Vec<_> = numbers.iter().map(i64::to_string).collect();
        let (code, text, numbers) = (escape(code), escape(text), numbers.join(", "));
        push(html, format_args!("<p>{plugin}{orders} × {code} ({text}); orders {numbers}</p>\n"));
    }
    html.push_str("</div>\n");
}

fn totals(html: &mut String, totals: &[Change]) {
    if totals.is_empty() {
        return;
    }
    html.push_str("<h2>In all</h2>\n");
    head(html, &["Currency", "Before", "After", "Difference", "Dearer", "Cheaper"]);
    for change in totals {
        let money = |amount| plain(&change.currency, amount);
        let (class, difference) = signed(&change.currency, change.difference);
        let (currency, before, after) = (escape(&change.currency), money(change.before), money(change.after));
        let up = format!("{} by {}", change.up.orders, money(change.up.amount));
        let down = format!("{} by {}", change.down.orders, money(-change.down.amount));
        push(
            html,
            format_args!(
                "<tr><td>{currency}</td><td>{before}</td><td>{after}</td><td class=\"{class}\">{difference}</td>\
                 <td>{up}</td><td>{down}</td></tr>\n"
            ),
        );
    }
    html.push_str("</tbody></table>\n");
}

fn largest(html: &mut String, largest: &[OrderChange]) {
    if largest.is_empty() {
        return;
    }
    html.push_str("<h2>The largest changes</h2>\n");
    head(html, &["Order", "Before", "After", "Difference"]);
    for OrderChange { number, currency, before, after, difference } in largest {
        let (class, difference) = signed(currency, *difference);
        let (before, after) = (plain(currency, *before), plain(currency, *after));
        push(
            html,
            format_args!(
                "<tr><td>{number}</td><td>{before}</td><td>{after}</td><td class=\"{class}\">{difference}</td></tr>\n"
            ),
        );
    }
    html.push_str("</tbody></table>\n");
}

fn groups(html: &mut String, title: &str, label: &str, groups: &[Group]) {
    if groups.is_empty() {
        return;
    }
    push(html, format_args!("<h2>{title}</h2>\n"));
    head(html, &[label, "Orders", "Changed", "Before", "After", "Difference"]);
    for Group { key, currency, orders, changed, before, after, difference } in groups {
        let (class, difference) = signed(currency, *difference);
        let (key, before, after) = (escape(key), plain(currency, *before), plain(currency, *after));
        push(
            html,
            format_args!(
                "<tr><td>{key}</td><td>{orders}</td><td>{changed}</td><td>{before}</td><td>{after}</td>\
                 <td class=\"{class}\">{difference}</td></tr>\n"
            ),
        );
    }
    html.push_str("</tbody></table>\n");
}

fn cost(html: &mut String, report: &Report) {
    html.push_str("<h2>What a call costs</h2>\n");
    head(html, &["", "Calls", "Fuel, mean", "Fuel, most", "Median µs", "99 of 100 µs", "Longest µs"]);
    for (label, CallCost { calls, fuel_mean, fuel_max, elapsed_us_p50, elapsed_us_p99, elapsed_us_max }) in
        [("As it was", &report.cost.recorded), ("With it", &report.cost.candidate)]
    {
        push(
            html,
            format_args!(
                "<tr><td>{label}</td><td>{calls}</td><td>{fuel_mean}</td><td>{fuel_max}</td><td>{elapsed_us_p50}</td>\
                 <td>{elapsed_us_p99}</td><td>{elapsed_us_max}</td></tr>\n"
            ),
        );
    }
    push(html, format_args!("</tbody></table>\n<p class=\"quiet\">It took {} ms.</p>\n", report.elapsed_ms));
}

fn head(html: &mut String, columns: &[&str]) {
    html.push_str("<table>\n<thead><tr>");
    columns.iter().for_each(|column| push(html, format_args!("<th scope=\"col\">{}</th>", escape(column))));
    html.push_str("</tr></thead>\n<tbody>\n");
}

/// An amount with its currency: `12.50 EUR`.
fn plain(currency: &str, amount: Amount) -> String {
    match Currency::try_from(currency.to_owned()) {
        Ok(known) => format!("{} {}", known.format_amount(amount), known.code()),
        Err(_) => format!("{amount} {}", escape(currency)),
    }
}

/// The same with its direction, and the class that shows it.
fn signed(currency: &str, amount: Amount) -> (&'static str, String) {
    match amount {
        0 => ("", plain(currency, 0)),
        1.. => ("up", format!("+{}", plain(currency, amount))),
        _ => ("down", format!("−{}", plain(currency, amount.saturating_neg()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shoppers_typed_and_plugins_said_is_text() {
        let group = Group { key: "<b>free</b>".into(), currency: "<i>".into(), orders: 1, ..Group::default() };
        let failure = Failure {
            plugin: Some("p".into()),
            code: "trapped".into(),
            text: "<script>\"x\"</script>".into(),
            orders: 1,
            numbers: vec![1_001],
        };
        let report = Report { coupons: vec![group], errors: vec![failure], ..Report::default() };
        let mut html = String::new();
        whole(&mut html, &report);
        for text in ["&lt;b&gt;free&lt;/b&gt;", "&lt;i&gt;", "&lt;script&gt;&quot;x&quot;"] {
            assert!(html.contains(text), "{text}: {html}");
        }
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
    }
}
