//! What a dry run remembers of its transactions, each of which is dropped: what others rest on and that would be there by now.

use std::collections::{BTreeSet, HashMap};

use super::item::{InCategory, Item, Thing};
use super::lines::PriceListLine;
use crate::catalog::{Condition, Outcome, WantedCategory};

/// Types, categories, groups, locations and price lists in the order of the file. A batch is put upon those that it names, and no others: to do all of them again for each
/// batch would take a file of many as long as their square.
#[derive(Debug, Default)]
pub(super) struct Lasting {
    things: Vec<Thing>,
    types: HashMap<String, usize>,
    categories: HashMap<String, usize>,
    groups: HashMap<String, usize>,
    price_lists: HashMap<String, usize>,
    /// `inventory.max_locations` at most, and lines of stock name them in several ways.
    locations: Vec<usize>,
    /// Types that are there and would be others: products that do not mention theirs may have one of them.
    changed_types: BTreeSet<usize>,
}

impl Lasting {
    /// Remembers what would be made or changed. Nothing later in a file rests on collections and on what belongs together.
    pub fn add(&mut self, thing: &Thing, outcome: Outcome) {
        let place = self.things.len();
        match thing {
            _ if outcome == Outcome::Unchanged => return,
            Thing::ProductType(kind, _) => {
                self.types.insert(kind.code.clone(), place);
                if outcome == Outcome::Updated {
                    self.changed_types.insert(place);
                }
            }
            Thing::Category(category) => {
                self.categories.insert(category.slug.clone(), place);
            }
            Thing::Group(group) => {
                self.groups.insert(group.code.clone(), place);
            }
            Thing::PriceList(list) => {
                self.price_lists.insert(list.code.clone(), place);
            }
            Thing::Location(..) => self.locations.push(place),
            Thing::Product(_) | Thing::Related(..) | Thing::Collection(..) | Thing::Prices(_) => return,
        }
        self.things.push(thing.clone());
    }

    /// What a batch rests on, in the order of the file.
    pub fn under<'a>(&'a self, batch: &[Item]) -> impl Iterator<Item = &'a Thing> {
        let mut places = BTreeSet::new();
        for thing in batch.iter().filter_map(|item| item.thing.as_ref()) {
            match thing {
                Thing::ProductType(..) | Thing::Related(..) | Thing::Group(_) | Thing::Location(..) => {}
                Thing::PriceList(list) => places.extend(self.group_of(list)),
                Thing::Prices(prices) => self.add_list(&prices.list, &mut places),
                Thing::Category(category) => self.go_up(parent(category), &mut places),
                Thing::Product(described) => {
                    places.extend(&self.locations);
                    match &described.wanted.type_code {
                        Some(code) => places.extend(code.as_ref().and_then(|code| self.types.get(code))),
                        None => places.extend(&self.changed_types),
                    }
                    if let InCategory::Slug(slug) | InCategory::Named { slug, .. } = &described.category {
                        self.go_up(Some(slug), &mut places);
                    }
                }
                Thing::Collection(collection, categories) => {
                    categories.iter().for_each(|(_, slug)| self.go_up(Some(slug), &mut places));
                    let conditions = collection.rule.iter().flat_map(|rule| &rule.conditions);
                    places.extend(conditions.filter_map(|condition| match condition {
                        Condition::ProductType { value } => self.types.get(value),
                        _ => None,
                    }));
                }
            }
        }
        places.into_iter().filter_map(|place| self.things.get(place))
    }

    fn group_of(&self, list: &PriceListLine) -> Option<&usize> {
        list.group.as_ref()?.as_ref().and_then(|code| self.groups.get(code))
    }

    /// The list, and the group that it is for.
    fn add_list(&self, code: &str, places: &mut BTreeSet<usize>) {
        let Some(place) = self.price_lists.get(code) else { return };
        places.insert(*place);
        if let Some(Thing::PriceList(list)) = self.things.get(*place) {
            places.extend(self.group_of(list));
        }
    }

    /// The category and those that it would be in.
    fn go_up(&self, slug: Option<&String>, places: &mut BTreeSet<usize>) {
        let mut next = slug;
        while let Some(place) = next.and_then(|slug| self.categories.get(slug)) {
            if !places.insert(*place) {
                return;
            }
            next = match self.things.get(*place) {
                Some(Thing::Category(category)) => parent(category),
                _ => None,
            };
        }
    }
}

fn parent(category: &WantedCategory) -> Option<&String> {
    category.parent.as_ref()?.as_ref()
}

#[cfg(test)]
mod tests {
    use super::super::item::Described;
    use super::*;
    use crate::catalog::{ProductType, WantedProduct, WantedTexts};

    fn category(slug: &str, parent: Option<&str>) -> Thing {
        let parent = Some(parent.map(str::to_owned));
        Thing::Category(Box::new(WantedCategory { slug: slug.into(), parent, ..WantedCategory::default() }))
    }

    fn kind(code: &str) -> Thing {
        let kind = ProductType { code: code.into(), name: code.into(), version: 1, attributes: Vec::new() };
        Thing::ProductType(Box::new(kind), WantedTexts::default())
    }

    fn product(type_code: Option<&str>, category: &str) -> Thing {
        let wanted = WantedProduct { type_code: type_code.map(|code| Some(code.into())), ..WantedProduct::default() };
        let category = InCategory::Slug(category.into());
        Thing::Product(Box::new(Described { wanted, category, lines: Vec::new() }))
    }

    #[test]
    fn a_batch_is_put_upon_what_it_names() {
        let mut lasting = Lasting::default();
        for index in 0..10_000 {
            lasting.add(&category(&format!("c-{index}"), None), Outcome::Created);
        }
        for thing in [category("a", None), kind("tea"), category("b", Some("a")), category("c", Some("b"))] {
            lasting.add(&thing, Outcome::Created);
        }
        lasting.add(&kind("cup"), Outcome::Updated);
        lasting.add(&category("known", None), Outcome::Unchanged);
        let names = |thing: Thing| {
            let batch = [Item { thing: Some(thing), ..Item::default() }];
            lasting.under(&batch).map(Thing::name).collect::<Vec<_>>().join(", ")
        };
        for (thing, expected) in [
            (product(Some("tea"), "c"), "category a, product type tea, category b, category c"),
            (product(None, "known"), "product type cup"),
            (category("d", Some("b")), "category a, category b"),
            (category("a", Some("c")), "category a, category b, category c"),
            (Thing::Related("x".into(), Vec::new()), ""),
        ] {
            assert_eq!(names(thing), expected);
        }
    }
}
