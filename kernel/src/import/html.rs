//! HTML bodies as plain text. Descriptions are kept without markup: a page that shows one can then escape all of it,
//! and nobody has to decide which tags of a stranger's file are safe.

/// Elements that end a line of text.
const BLOCKS: &[&str] = &["br", "p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "table"];
/// Elements whose content is no text.
const SILENT: &[&str] = &["script", "style"];

/// The text of `html`: tags are gone, blocks are lines, list items begin with a hyphen, entities are characters.
pub(super) fn to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    // Behind the last of them no tag ends: looked for once, and not at every `<` that is left.
    let ends = html.rfind('>').map_or(0, |last| last + 1);
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let ends_somewhere = html.len() - rest.len() < ends;
        rest = match rest.starts_with('<') {
            true => skip_tag(rest, ends_somewhere, &mut text),
            false => read_entity(rest, &mut text),
        };
    }
    text.push_str(rest);
    tidy(&text)
}

/// Reads a tag at the start of `rest`, and returns what follows it. A `<` that begins no tag is text.
fn skip_tag<'a>(rest: &'a str, ends_somewhere: bool, text: &mut String) -> &'a str {
    let begins_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
    let end = if begins_tag && ends_somewhere { rest.find('>') } else { None };
    let Some(end) = end else {
        text.push('<');
        return &rest[1..];
    };
    let (tag, after) = (&rest[1..end], &rest[end + 1..]);
    let closing = tag.starts_with('/');
    let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    if SILENT.contains(&name.as_str()) && !closing {
        return find_closing(after, &name).map_or("", |at| &after[at..]);
    }
    if BLOCKS.contains(&name.as_str()) {
        text.push('\n');
    }
    if name == "li" && !closing {
        text.push_str("- ");
    }
    after
}

/// Where `</name` begins, in any case.
fn find_closing(text: &str, name: &str) -> Option<usize> {
    let named = |at: usize| text.get(at + 2..at + 2 + name.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(name));
    text.match_indices("</").map(|(at, _)| at).find(|at| named(*at))
}

/// Reads an entity at the start of `rest`, and returns what follows it. A `&` that begins none is text.
fn read_entity<'a>(rest: &'a str, text: &mut String) -> &'a str {
    // None that stands for a character is longer than nine.
    let end = rest.bytes().skip(1).take(10).position(|byte| byte == b';');
    let entity = end.map(|end| (&rest[1..1 + end], &rest[end + 2..]));
    let decoded = entity.and_then(|(name, after)| Some((decode(name)?, after)));
    let (c, after) = decoded.unwrap_or(('&', &rest[1..]));
    text.push(c);
    after
}

fn decode(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "rsquo" => '’',
        "lsquo" => '‘',
        "rdquo" => '”',
        "ldquo" => '“',
        "bull" => '•',
        "deg" => '°',
        "times" => '×',
        "eacute" => 'é',
        "euro" => '€',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        _ => return None,
    })
}

/// Single spaces, no control characters, no empty lines.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for line in text.split(['\n', '\r', '\u{2028}', '\u{2029}']) {
        let words = line.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let line = words.collect::<Vec<_>>().join(" ");
        if !line.is_empty() && line != "-" {
            if !tidy.is_empty() {
                tidy.push('\n');
            }
            tidy.push_str(&line);
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_lines_of_text() {
        for (html, expected) in [
            ("plain", "plain"),
            (
                "<p>Silver&nbsp;chain.</p>\n<ul>\n<li>14 inches</li>\n<li>Boho <b>Chic</b></li></ul>",
                "Silver chain.\n- 14 inches\n- Boho Chic",
            ),
            ("one<br>two<br/>three", "one\ntwo\nthree"),
            ("Length 12\" &amp; 2 &lt; 3 &#233;&#xe9; &unknown; & co", "Length 12\" & 2 < 3 éé &unknown; & co"),
            ("a < b, and 1<2", "a < b, and 1<2"),
            ("<script>alert('<p>')</script>safe<style>p{}</style>", "safe"),
            ("<SCRIPT>never closed", ""),
            ("<!-- note -->x<", "x<"),
            ("a\u{a0}b\u{2028}c\u{0}d", "a b\nc d"),
            ("<li></li><p>  </p>", ""),
            ("&lt;script&gt;", "<script>"),
            ("&#0;&#x110000;", "&#x110000;"),
            ("<sCript>a</B></SCRIPT>b", "b"),
            ("&ä;&#00000065;&#000000065;", "&ä;A&#000000065;"),
            ("a > b <b", "a > b <b"),
        ] {
            assert_eq!(to_text(html), expected, "{html:?}");
        }
    }

    /// Each of these was looked through to its end from every character on.
    #[test]
    fn a_long_text_of_beginnings_is_read_once() {
        for beginning in ["<", "&", "<a", "</", "<script>x</script>", "<!", "&a"] {
            let html = beginning.repeat(1_000_000);
            assert!(to_text(&html).len() <= html.len(), "{beginning}");
            assert!(to_text(&format!("{html}>")).len() <= html.len() + 1, "{beginning}");
        }
    }
}
