//! All the SQL of gift cards and store credit. Entries are inserted and summed; nothing updates or deletes them.

mod accounts;
mod entries;

pub(super) use accounts::{
    count_version, credit_account, find_by_hash, find_credit, find_gift_card, gift_cards, gift_cards_ending_in,
    insert_gift_card, lock, lock_usable, standing, update_gift_card,
};
pub(super) use entries::{balance, entries, insert_entry, taken};
