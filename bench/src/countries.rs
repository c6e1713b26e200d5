//! The countries of the file as ISO 3166-1 alpha-2 codes.

const CODES: &[(&str, &str)] = &[
    ("Australia", "AU"),
    ("Austria", "AT"),
    ("Bahrain", "BH"),
    ("Belgium", "BE"),
    ("Brazil", "BR"),
    ("Canada", "CA"),
    ("Channel Islands", "JE"),
    ("Cyprus", "CY"),
    ("Czech Republic", "CZ"),
    ("Denmark", "DK"),
    ("EIRE", "IE"),
    // The file does not say which of its countries.
    ("European Community", "BE"),
    ("Finland", "FI"),
    ("France", "FR"),
    ("Germany", "DE"),
    ("Greece", "GR"),
    ("Hong Kong", "HK"),
    ("Iceland", "IS"),
    ("Israel", "IL"),
    ("Italy", "IT"),
    ("Japan", "JP"),
    ("Lebanon", "LB"),
    ("Lithuania", "LT"),
    ("Malta", "MT"),
    ("Netherlands", "NL"),
    ("Norway", "NO"),
    ("Poland", "PL"),
    ("Portugal", "PT"),
    ("RSA", "ZA"),
    ("Saudi Arabia", "SA"),
    ("Singapore", "SG"),
    ("Spain", "ES"),
    ("Sweden", "SE"),
    ("Switzerland", "CH"),
    ("USA", "US"),
    ("United Arab Emirates", "AE"),
    ("United Kingdom", "GB"),
];

/// The code; that of the seller's own country where the file names none that we know.
pub fn code(name: &str) -> &'static str {
    CODES.binary_search_by_key(&name.trim(), |(known, _)| known).map_or("GB", |index| CODES[index].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found() {
        assert!(CODES.is_sorted(), "a binary search needs it");
        for (name, expected) in [("EIRE", "IE"), ("RSA", "ZA"), (" United Kingdom ", "GB"), ("Unspecified", "GB")] {
            assert_eq!(code(name), expected, "{name}");
        }
    }
}
