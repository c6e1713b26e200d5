//! The order of images.

use uuid::Uuid;

/// Whether `wanted` names each of `existing` once and nothing else.
pub(super) fn is_permutation(existing: &[Uuid], wanted: &[Uuid]) -> bool {
    let sorted = |ids: &[Uuid]| {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids
    };
    sorted(existing) == sorted(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_each_image_once() {
        let [a, b, c] = [1, 2, 3].map(Uuid::from_u128);
        for (wanted, expected) in [
            (vec![b, a], true),
            (vec![a, b], true),
            (vec![a], false),
            (vec![a, a], false),
            (vec![a, b, b], false),
            (vec![a, c], false),
            (vec![], false),
        ] {
            assert_eq!(is_permutation(&[a, b], &wanted), expected, "{wanted:?}");
        }
    }
}
