//! How a variant stands, in a word.

/// Whether a variant can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// At once.
    InStock,
    /// At once, but there are few left.
    Low,
    /// It can be ordered, and comes later.
    Backorder,
    /// It cannot be ordered.
    Out,
}

impl Availability {
    /// `free` is what no order holds, `available` what can be ordered. The same `threshold` tells staff of `stock.low`.
    pub fn of(tracked: bool, free: i64, available: i64, threshold: i64) -> Self {
        match free {
            _ if !tracked => Self::InStock,
            free if free <= 0 && available > 0 => Self::Backorder,
            free if free <= 0 => Self::Out,
            free if free <= threshold => Self::Low,
            _ => Self::InStock,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_variant_stands() {
        for (tracked, free, available, threshold, expected) in [
            (true, 6, 6, 5, Availability::InStock),
            (true, 5, 5, 5, Availability::Low),
            (true, 1, 1, 0, Availability::InStock),
            (true, 1, 1_000_000, 5, Availability::Low),
            (true, 0, 3, 5, Availability::Backorder),
            (true, -2, 1, 5, Availability::Backorder),
            (true, 0, 0, 5, Availability::Out),
            (true, -3, 0, 5, Availability::Out),
            (false, 0, 1_000_000, 5, Availability::InStock),
        ] {
            assert_eq!(Availability::of(tracked, free, available, threshold), expected, "{free} {available}");
        }
    }
}
