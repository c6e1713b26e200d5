//! Which versions of its contract the kernel speaks.

use super::{since_0_1, since_0_2};
use crate::plugins::Bound;

/// A version of `kassa:pricing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    Since0_1,
    Since0_2,
}

impl Contract {
    /// All of them, the newest last.
    pub const ALL: [Self; 2] = [Self::Since0_1, Self::Since0_2];
    pub const LATEST: Self = Self::Since0_2;

    /// As a package of WIT has it: `0.2.0`.
    pub const fn version(self) -> &'static str {
        match self {
            Self::Since0_1 => "0.1.0",
            Self::Since0_2 => "0.2.0",
        }
    }

    /// None where the kernel does not speak it.
    pub fn named(version: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|contract| contract.version() == version)
    }

    /// That of a pricing plugin. What was loaded has one that the kernel speaks.
    pub fn of(plugin: &Bound) -> Self {
        Self::named(&plugin.component().package.contract).unwrap_or(Self::LATEST)
    }

    /// What a component of this version exports.
    pub(super) const fn interface(self) -> &'static str {
        match self {
            Self::Since0_1 => since_0_1::INTERFACE,
            Self::Since0_2 => since_0_2::INTERFACE,
        }
    }
}
