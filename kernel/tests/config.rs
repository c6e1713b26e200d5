//! shop.toml is the reference: it names every setting, with its default.

use kassa::Config;

const REFERENCE: &str = include_str!("../../shop.toml");

plain_test! {
    fn the_reference_is_understood() {
        Config::parse(REFERENCE).unwrap();
    }
}

plain_test! {
    /// Uncommented, the reference says what the program does anyway.
    fn the_reference_gives_the_defaults() {
        let written = Config::parse(&uncommented()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(format!("{written:#?}"), format!("{:#?}", Config::default()));
    }
}

plain_test! {
    fn unknown_settings_are_refused() {
        for text in ["[shop]\nnmae = 'x'", "[no_such_section]\na = 1", "[shop]\ncurrency = 'EURO'", "[replay]\nsilence_s = 59"] {
            assert!(Config::parse(text).is_err(), "{text}");
        }
    }
}

plain_test! {
    fn every_setting_stands_in_the_reference() {
        let debug = format!("{:#?}", Config::default());
        let reference = uncommented();
        for line in debug.lines() {
            let Some((name, _)) = line.trim().split_once(": ") else { continue };
            if name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit()) {
                let there = reference.lines().any(|line| {
                    line.trim_start().starts_with(&format!("{name} ="))
                        || line.trim().trim_matches(['[', ']']).split('.').any(|part| part == name)
                });
                assert!(there, "shop.toml does not name `{name}`");
            }
        }
    }
}

/// Settings are commented out as `# key = value`; texts are `## text`.
fn uncommented() -> String {
    let line = |line: &str| match line.strip_prefix("# ") {
        Some(setting) => setting.to_owned(),
        None => line.to_owned(),
    };
    REFERENCE.lines().map(line).collect::<Vec<_>>().join("\n")
}
