//! The dependency rules of the house. Each names what it forbids and why, so that who breaks it knows what to do.

use std::path::{Path, PathBuf};

/// A crate, and the places in `kernel/src` that may name it.
struct Rule {
    names: &'static str,
    allowed: fn(&str) -> bool,
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        names: "wasmtime",
        allowed: |file| file.starts_with("plugins/"),
        why: "the host is one folder: what runs plugins can change without the rest",
    },
    Rule { names: "wasmtime_wasi", allowed: |file| file.starts_with("plugins/"), why: "the host is one folder" },
    Rule { names: "wasmtime_wasi_http", allowed: |file| file.starts_with("plugins/"), why: "the host is one folder" },
    Rule {
        names: "sqlx",
        allowed: |file| file.starts_with("db/") || is_store(file),
        why: "all the SQL of a domain is in its store",
    },
    Rule { names: "axum", allowed: is_http, why: "domains do not know HTTP" },
    Rule { names: "hyper", allowed: is_http, why: "domains do not know HTTP" },
    Rule { names: "hyper_util", allowed: is_http, why: "domains do not know HTTP" },
    Rule { names: "tower_http", allowed: is_http, why: "domains do not know HTTP" },
    Rule {
        names: "http",
        // What plugins send are messages of `wasi:http`, whose types these are.
        allowed: |file| is_http(file) || file.starts_with("plugins/outbound/"),
        why: "domains do not know HTTP",
    },
    Rule { names: "lapin", allowed: |file| file.starts_with("events/"), why: "a bus is chosen in one place" },
    Rule { names: "redis", allowed: |file| file.starts_with("cache/"), why: "a cache is chosen in one place" },
    Rule {
        names: "moka",
        allowed: |file| file.starts_with("cache/") || ["accounts/attempts.rs", "throttle/memory.rs"].contains(&file),
        why: "a cache is chosen in one place; failed logins and requests are counted in memory",
    },
    Rule { names: "rust_stemmers", allowed: |file| file.starts_with("search/"), why: "words are cut in one place" },
    Rule { names: "image", allowed: |file| file.starts_with("images/"), why: "pictures are decoded in one place" },
    Rule { names: "lettre", allowed: |file| file.starts_with("notifications/"), why: "mail is sent in one place" },
    Rule { names: "jsonwebtoken", allowed: |file| file.starts_with("accounts/"), why: "tokens are accounts' affair" },
    Rule { names: "krilla", allowed: |file| file.starts_with("documents/pdf"), why: "PDF is drawn in one place" },
    Rule { names: "argon2", allowed: |file| file.starts_with("accounts/"), why: "passwords are accounts' affair" },
];

fn is_store(file: &str) -> bool {
    file.ends_with("/store.rs") || file.contains("/store/")
}

fn is_http(file: &str) -> bool {
    file.starts_with("http/")
        || file == "routes.rs"
        // A problem knows how it is sent: the one bridge between the domains' errors and HTTP.
        || file == "problem.rs"
        || file.ends_with("/http.rs")
        || file.contains("/http/")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every Rust file below `folder`, with its path from there.
fn files(folder: &Path) -> Vec<(String, String)> {
    fn walk(top: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
        let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() && !path.ends_with("target") {
                walk(top, &path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(top).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found
}

/// The code of a file: without comments, and without the unit tests at its end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().take_while(|(_, line)| *line != "#[cfg(test)]");
    lines.map(|(index, line)| (index + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Does the line name the crate: `name::` that is not the tail of a longer path or word?
fn names(line: &str, name: &str) -> bool {
    let pattern = format!("{name}::");
    line.match_indices(&pattern).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let path =
            line[..at].strip_suffix("::").is_some_and(|head| !head.is_empty() && !head.ends_with([' ', '(', '<', '&']));
        !path && !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

plain_test! {
    fn crates_are_named_only_where_they_belong() {
        let mut broken = Vec::new();
        for (file, text) in files(&root().join("src")) {
            if file.starts_with("cli/") || file == "main.rs" {
                continue;
            }
            for (number, line) in code(&text) {
                for rule in RULES.iter().filter(|rule| !(rule.allowed)(&file)) {
                    // `crate::http` and `super::http` are ours; a bare `http::` in a file that declares or imports our own is too.
                    let ours = rule.names == "http" && (text.contains("mod http;") || imports_our_http(&text));
                    if !ours && names(line, rule.names) {
                        broken.push(format!("{file}:{number} names {}: {}", rule.names, rule.why));
                    }
                }
            }
        }
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }
}

/// A long list of imports stands on several lines.
fn imports_our_http(text: &str) -> bool {
    let lists = text.split("\nuse crate::{").skip(1).filter_map(|rest| rest.split_once("};"));
    let mut names = lists.flat_map(|(list, _)| list.split(|c: char| c == ',' || c.is_whitespace()));
    names.any(|name| name == "http")
}

plain_test! {
    /// Arrows point down: nothing below a handler asks what a handler knows.
    fn domains_name_no_handlers() {
        let mut broken = Vec::new();
        for (file, text) in files(&root().join("src")) {
            // The settings name each room's own.
            if is_http(&file) || file == "config.rs" {
                continue;
            }
            for (number, line) in code(&text) {
                if line.contains("::http::") {
                    broken.push(format!("{file}:{number}: {}", line.trim()));
                }
            }
        }
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }
}

plain_test! {
    /// A domain asks another through its `mod.rs`.
    fn stores_are_private_to_their_domain() {
        let mut broken = Vec::new();
        for (file, text) in files(&root().join("src")) {
            for (number, line) in code(&text) {
                let reaches = line.contains("::store::") && !line.contains("super::store::") && line.contains("crate::");
                let own = file.split('/').next().is_some_and(|domain| line.contains(&format!("crate::{domain}::")));
                if reaches && !own || line.trim_start().starts_with("pub mod store") {
                    broken.push(format!("{file}:{number}: {}", line.trim()));
                }
            }
        }
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }
}

plain_test! {
    /// What is written for plugins sees the contract and nothing of the kernel.
    fn plugins_and_the_sdk_never_see_the_kernel() {
        for folder in ["../sdk", "../plugins"] {
            for (file, text) in files(&root().join(folder)) {
                assert!(!code(&text).any(|(_, line)| names(line, "kassa")), "{folder}/{file} names the kernel");
            }
        }
        for manifest in ["../sdk/Cargo.toml", "../plugins/pricing-standard/Cargo.toml"] {
            let text = std::fs::read_to_string(root().join(manifest)).unwrap();
            assert!(!text.lines().any(|line| line.starts_with("kassa ") || line.starts_with("kassa.")), "{manifest}");
        }
    }
}

plain_test! {
    fn no_file_is_a_drawer_for_everything() {
        for folder in ["src", "tests", "../sdk", "../plugins", "../bench"] {
            for (file, _) in files(&root().join(folder)) {
                for part in file.trim_end_matches(".rs").split('/') {
                    assert!(!["utils", "util", "helpers", "common", "misc"].contains(&part), "{folder}/{file}");
                }
            }
        }
    }
}

plain_test! {
    /// The clock and randomness have one room each.
    fn time_and_chance_are_read_in_one_place() {
        for (file, text) in files(&root().join("src")) {
            for (number, line) in code(&text) {
                assert!(file == "clock.rs" || !line.contains("Utc::now"), "{file}:{number} reads the clock");
                let chance = line.contains("new_v4") || line.contains("now_v7") || line.contains("SystemRandom");
                assert!(["id.rs", "accounts/keys.rs"].contains(&file.as_str()) || !chance, "{file}:{number} draws lots");
            }
        }
    }
}

/// The names under which the types of a file stand in the OpenAPI document.
fn schema_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut waiting = false;
    let mut given = None;
    for (_, line) in code(text) {
        waiting |= line.starts_with("#[derive(") && line.contains("ToSchema");
        if let Some((_, rest)) = line.split_once("#[schema(as = ") {
            given = rest.split([',', ')']).next().map(|name| name.trim_matches('"').to_owned());
        }
        let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
        if waiting && matches!(words.next(), Some("struct" | "enum")) {
            let own =
                words.next().unwrap_or_default().split(['<', '(', ';', '{']).next().unwrap_or_default().to_owned();
            names.push(given.take().unwrap_or(own));
            waiting = false;
        }
    }
    names
}

plain_test! {
    /// Of two types of one name, one would stand in the document for both, and the answers of the other break their word.
    fn no_two_types_share_a_name_in_the_document() {
        let mut seen = std::collections::BTreeMap::<String, String>::new();
        let mut twice = Vec::new();
        for (file, text) in files(&root().join("src")) {
            for name in schema_names(&text) {
                if let Some(other) = seen.insert(name.clone(), file.clone()) {
                    twice.push(format!("{name}: {other} and {file}"));
                }
            }
        }
        assert!(seen.len() > 300, "only {} types were seen", seen.len());
        assert!(twice.is_empty(), "{}", twice.join("\n"));
    }
}

plain_test! {
    /// Who may subscribe to a kind must find it in the documentation, and the other way round.
    fn every_kind_of_event_is_documented_and_known() {
        let documentation = include_str!("../../docs/events.md");
        for kind in kassa::events::KINDS {
            assert!(documentation.contains(&format!("`{kind}`")), "docs/events.md does not have {kind}");
        }
        // Headings, and the first column of the table of the others, name the kinds.
        let places = documentation.lines().filter(|line| line.starts_with("## `") || line.starts_with("| `"));
        let names = places.flat_map(|line| line.trim_start_matches("| ").split('|').next().unwrap_or_default().split('`'));
        let named: Vec<_> = names.filter(|name| is_kind(name)).collect();
        for kind in &named {
            assert!(kassa::events::KINDS.contains(kind), "add to kernel/src/events/kinds.rs: {kind}");
        }
        assert!(named.len() >= kassa::events::KINDS.len(), "{named:?}");
    }
}

/// Letters that hold a secret are no events: they never stand in the outbox.
const LETTERS: [&str; 2] = ["order.look-up", "order.payment-request"];

fn is_kind(name: &str) -> bool {
    let parts: Vec<_> = name.split('.').collect();
    let plain = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    parts.len() == 2 && parts.iter().all(plain) && parts[0] != "account" && !LETTERS.contains(&name)
}

plain_test! {
    /// The sieve itself works: it sees what it must and lets pass what it may.
    fn the_sieve_sees() {
        for (line, name, expected) in [
            ("use sqlx::Row;", "sqlx", true),
            ("    let row = sqlx::query(text);", "sqlx", true),
            ("fn a() -> Result<http::Uri> {", "http", true),
            ("use crate::http::auth::Caller;", "http", false),
            ("use super::http::cart_out;", "http", false),
            ("carts::http::cart_out(shop)", "http", false),
            ("use wasmtime_wasi::p2;", "wasmtime", false),
            ("    ::sqlx::query(text)", "sqlx", true),
        ] {
            assert_eq!(names(line, name), expected, "{line}");
        }
    }
}
