//! The stages of a rollout. Their names are in the API and in the database.

/// How far a candidate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is asked beside the plugins in force, and its answer is thrown away.
    Shadow,
    /// It answers a share of the shoppers.
    Canary,
    /// It is in force, and watched.
    Active,
}

impl Stage {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Shadow, "shadow"), (Self::Canary, "canary"), (Self::Active, "active")];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(stage, _)| *stage == self).map_or("", |(_, name)| name)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(stage, _)| *stage)
    }

    /// Whether it can be `next`. Back to shadow and to other shares as long as it is not in force: from there only a rollback leads.
    pub(super) fn can_become(self, next: Self) -> bool {
        match self {
            Self::Shadow => next != Self::Shadow,
            Self::Canary => true,
            Self::Active => false,
        }
    }
}

/// How a rollout ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The candidate is in force, and no guard had anything against it.
    Completed,
    /// Somebody stopped it: a candidate that was not in force is tried no longer, one that was is watched no longer.
    Stopped,
    /// A guard took the candidate back.
    RolledBack,
    /// Something else was put in force.
    Superseded,
    /// The candidate could not be loaded again.
    Failed,
}

impl Ending {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Completed, "completed"),
        (Self::Stopped, "stopped"),
        (Self::RolledBack, "rolled-back"),
        (Self::Superseded, "superseded"),
        (Self::Failed, "failed"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(ending, _)| *ending == self).map_or("", |(_, name)| name)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(ending, _)| *ending)
    }
}

#[cfg(test)]
mod tests {
    use super::Stage::{Active, Canary, Shadow};

    #[test]
    fn only_a_rollback_leads_back_from_what_is_in_force() {
        for (from, to, expected) in [
            (Shadow, Shadow, false),
            (Shadow, Canary, true),
            (Shadow, Active, true),
            (Canary, Shadow, true),
            (Canary, Canary, true),
            (Canary, Active, true),
            (Active, Shadow, false),
            (Active, Canary, false),
            (Active, Active, false),
        ] {
            assert_eq!(from.can_become(to), expected, "{from:?} to {to:?}");
        }
    }
}
