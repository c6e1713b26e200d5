//! Postal addresses.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::plugins::types;

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Name of the recipient, 1 to 100 characters.
    #[schema(example = "Ada Lovelace", min_length = 1, max_length = 100)]
    pub name: String,
    /// Street and number, 1 to 200 characters; further lines are separated by a newline.
    #[schema(example = "12 St James's Square", min_length = 1, max_length = 200)]
    pub street: String,
    /// 1 to 100 characters.
    #[schema(example = "London", min_length = 1, max_length = 100)]
    pub city: String,
    /// State, province or region, up to 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub region: String,
    /// Up to 20 characters; some countries have none.
    #[serde(default)]
    #[schema(example = "SW1Y 4JH", max_length = 20)]
    pub postcode: String,
    /// ISO 3166-1 alpha-2, upper case.
    #[schema(example = "GB", pattern = "^[A-Z]{2}$")]
    pub country: String,
    /// Up to 40 characters.
    #[serde(default)]
    #[schema(max_length = 40)]
    pub phone: String,
}

impl Address {
    /// The same without spaces around its texts.
    pub fn trimmed(self) -> Self {
        let trim = |text: String| text.trim().to_owned();
        Self {
            name: trim(self.name),
            street: trim(self.street),
            city: trim(self.city),
            region: trim(self.region),
            postcode: trim(self.postcode),
            country: trim(self.country),
            phone: trim(self.phone),
        }
    }

    /// What is left when the person is forgotten: where tax was due, and of a postcode only the area.
    pub fn without_person(&self) -> Self {
        let area = self.postcode.chars().count().saturating_sub(2).min(3);
        Self {
            region: self.region.clone(),
            postcode: self.postcode.chars().take(area).collect(),
            country: self.country.clone(),
            ..Self::default()
        }
    }

    /// What tax and delivery rules need to know of it.
    pub fn destination(&self) -> types::Destination {
        types::Destination {
            country: self.country.clone(),
            region: self.region.clone(),
            postcode: self.postcode.clone(),
        }
    }

    /// All of it, for payment and booking.
    pub fn to_contract(&self) -> types::Address {
        types::Address {
            name: self.name.clone(),
            street: self.street.clone(),
            city: self.city.clone(),
            region: self.region.clone(),
            postcode: self.postcode.clone(),
            country: self.country.clone(),
            phone: self.phone.clone(),
        }
    }
}

/// Is `code` an assigned code of ISO 3166-1 alpha-2? (`XK`, Kosovo, is not assigned but widely used, and taken.)
pub fn is_country(code: &str) -> bool {
    code.len() == 2 && COUNTRIES.as_bytes().chunks(3).any(|chunk| &chunk[..2] == code.as_bytes())
}

const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW \
BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM \
FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP \
MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA \
RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR \
TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_its_person_names_an_area() {
        for (postcode, area) in [("10117", "101"), ("SW1Y 4JH", "SW1"), ("101", "1"), ("12", ""), ("", "")] {
            let text = |text: &str| text.to_owned();
            let address = Address {
                name: text("Ada"),
                street: text("12 St James's Square"),
                city: text("London"),
                region: text("Greater London"),
                postcode: text(postcode),
                country: text("GB"),
                phone: text("+44 20 7946 0000"),
            };
            let left = Address {
                region: text("Greater London"),
                postcode: text(area),
                country: text("GB"),
                ..Address::default()
            };
            assert_eq!(address.without_person(), left, "{postcode}");
        }
    }

    #[test]
    fn countries_are_the_assigned_codes() {
        for (code, expected) in
            [("DE", true), ("AD", true), ("ZW", true), ("de", false), ("UK", false), ("", false), ("D ", false)]
        {
            assert_eq!(is_country(code), expected, "{code}");
        }
        assert_eq!(COUNTRIES.split(' ').count(), 250);
    }
}
