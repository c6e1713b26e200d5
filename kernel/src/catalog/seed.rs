//! A small shop for coffee, tea and what they are drunk from, so that a new shop has something to show.

use std::collections::HashMap;

use super::categories::{NewCategory, insert};
use super::products::{insert_product, read_product};
use super::{Error, NewProduct, NewVariant, Status, announce, indexing, store};
use crate::Shop;
use crate::money::{Amount, Currency};

/// Slug, name, and the slug of the parent, which stands before it.
const CATEGORIES: &[(&str, &str, Option<&str>)] = &[
    ("coffee", "Coffee", None),
    ("tea", "Tea", None),
    ("black-tea", "Black tea", Some("tea")),
    ("green-tea", "Green tea", Some("tea")),
    ("equipment", "Equipment", None),
    ("cups", "Cups", Some("equipment")),
];

struct DemoProduct {
    category: &'static str,
    title: &'static str,
    vendor: &'static str,
    description: &'static str,
    variants: &'static [DemoVariant],
}

/// SKU, title, price in hundredths, weight in grams with its packaging, pieces on hand.
type DemoVariant = (&'static str, &'static str, i64, i64, i64);

const PRODUCTS: &[DemoProduct] = &[
    DemoProduct {
        category: "coffee",
        title: "House Blend",
        vendor: "Harbour Roasters",
        description: "Chocolate, hazelnut, little acidity. Whole beans, roasted for every kind of machine.",
        variants: &[
            ("COFFEE-HOUSE-250", "250 g", 790, 270, 120),
            ("COFFEE-HOUSE-500", "500 g", 1_490, 530, 80),
            ("COFFEE-HOUSE-1000", "1 kg", 2_690, 1_050, 40),
        ],
    },
    DemoProduct {
        category: "coffee",
        title: "Ethiopia Yirgacheffe",
        vendor: "Harbour Roasters",
        description: "Washed. Jasmine, bergamot, apricot. Light roast for filter.",
        variants: &[
            ("COFFEE-YIRGACHEFFE-250", "250 g", 1_150, 270, 60),
            ("COFFEE-YIRGACHEFFE-1000", "1 kg", 3_990, 1_050, 15),
        ],
    },
    DemoProduct {
        category: "coffee",
        title: "Brazil Decaf",
        vendor: "Harbour Roasters",
        description: "Decaffeinated with spring water. Caramel and roasted almonds.",
        variants: &[("COFFEE-DECAF-250", "250 g", 990, 270, 45)],
    },
    DemoProduct {
        category: "black-tea",
        title: "Earl Grey",
        vendor: "Leaf & Ladle",
        description: "Ceylon leaf with oil of bergamot from Calabria.",
        variants: &[("TEA-EARL-GREY-100", "100 g", 690, 130, 90), ("TEA-EARL-GREY-250", "250 g", 1_490, 290, 35)],
    },
    DemoProduct {
        category: "black-tea",
        title: "Assam Breakfast",
        vendor: "Leaf & Ladle",
        description: "Malty and strong, made for milk.",
        variants: &[("TEA-ASSAM-100", "100 g", 590, 130, 100), ("TEA-ASSAM-250", "250 g", 1_290, 290, 40)],
    },
    DemoProduct {
        category: "green-tea",
        title: "Sencha",
        vendor: "Leaf & Ladle",
        description: "Steamed green tea of the first harvest. Brew at 70 °C.",
        variants: &[("TEA-SENCHA-100", "100 g", 1_250, 130, 50)],
    },
    DemoProduct {
        category: "green-tea",
        title: "Jasmine Green",
        vendor: "Leaf & Ladle",
        description: "Rolled by hand and scented five times with fresh blossoms.",
        variants: &[("TEA-JASMINE-50", "50 g", 1_390, 80, 25)],
    },
    DemoProduct {
        category: "cups",
        title: "Stoneware Cup",
        vendor: "Potter's Row",
        description: "200 ml, turned by hand, safe in the dishwasher.",
        variants: &[
            ("CUP-STONE-WHITE", "White", 1_850, 380, 30),
            ("CUP-STONE-BLUE", "Blue", 1_850, 380, 30),
            ("CUP-STONE-BLACK", "Black", 1_850, 380, 0),
        ],
    },
    DemoProduct {
        category: "cups",
        title: "Espresso Cup, Set of Two",
        vendor: "Potter's Row",
        description: "Two cups of 80 ml with saucers.",
        variants: &[("CUP-ESPRESSO-2", "", 2_400, 620, 20)],
    },
    DemoProduct {
        category: "equipment",
        title: "Glass Teapot",
        vendor: "Potter's Row",
        description: "One litre, with a steel strainer.",
        variants: &[("POT-GLASS-1L", "", 3_450, 900, 12)],
    },
    DemoProduct {
        category: "equipment",
        title: "Hand Grinder",
        vendor: "Burr & Co",
        description: "Steel burrs, 24 settings, 30 g of beans at a time.",
        variants: &[("GRINDER-HAND", "", 8_900, 750, 8)],
    },
    DemoProduct {
        category: "equipment",
        title: "Paper Filters",
        vendor: "Burr & Co",
        description: "Unbleached, for two to four cups.",
        variants: &[
            ("FILTER-PAPER-100", "100 pieces", 450, 150, 200),
            ("FILTER-PAPER-400", "4 × 100 pieces", 1_590, 580, 50),
        ],
    },
];

/// Fills an empty catalog; one with a product or a category is left as it is, and the answer is false.
pub async fn demo(shop: &Shop) -> Result<bool, Error> {
    let mut tx = shop.db().write().await?;
    store::lock_tree(&mut tx).await?;
    if !store::is_empty(&mut tx).await? {
        return Ok(false);
    }
    let mut ids = HashMap::new();
    for (position, (slug, name, parent)) in (0..).zip(CATEGORIES) {
        let parent_id = parent.and_then(|parent| ids.get(parent).copied());
        let new = NewCategory {
            name: (*name).into(),
            slug: Some((*slug).into()),
            parent_id,
            position,
            ..NewCategory::default()
        };
        ids.insert(*slug, insert(&mut tx, &new).await?.id);
    }
    for product in PRODUCTS {
        let new = product.describe(ids.get(product.category).copied(), shop.config().shop.currency);
        let id = insert_product(&mut tx, &new).await?;
        let product = read_product(&mut tx, id).await?;
        indexing::index(&mut tx, &product).await?;
    }
    tx.commit().await?;
    announce(shop);
    Ok(true)
}

impl DemoProduct {
    fn describe(&self, category_id: Option<uuid::Uuid>, currency: Currency) -> NewProduct {
        let variant = |(sku, title, hundredths, weight_grams, on_hand): &DemoVariant| NewVariant {
            sku: (*sku).into(),
            title: (*title).into(),
            price: price(*hundredths, currency),
            weight_grams: *weight_grams,
            on_hand: *on_hand,
            ..NewVariant::default()
        };
        NewProduct {
            title: self.title.into(),
            slug: None,
            description: self.description.into(),
            vendor: self.vendor.into(),
            status: Status::Active,
            category_id,
            variants: self.variants.iter().map(variant).collect(),
            ..NewProduct::default()
        }
    }
}

/// 6.90 EUR, 6.900 KWD, and 690 JPY: where there are no hundredths, the number as it is makes a likelier price than one
/// that is rounded.
fn price(hundredths: Amount, currency: Currency) -> Amount {
    let beyond = u32::from(currency.exponent()).saturating_sub(2);
    hundredths * 10_i64.pow(beyond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_suit_the_currency() {
        for (code, expected) in [("EUR", 690), ("JPY", 690), ("KWD", 6_900)] {
            let currency = Currency::try_from(code.to_owned()).unwrap();
            assert_eq!(price(690, currency), expected, "{code}");
        }
    }

    #[test]
    fn a_parent_stands_before_its_children_and_every_category_exists() {
        let mut known = Vec::new();
        for (slug, _, parent) in CATEGORIES {
            assert!(parent.is_none_or(|parent| known.contains(&parent)), "{slug}");
            known.push(*slug);
        }
        assert!(PRODUCTS.iter().all(|product| known.contains(&product.category)));
    }
}
