//! Swapping the pricing plugin while shoppers check out.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Result;
use crate::latency::Latency;
use crate::merchant::{Login, Merchant};
use crate::replay::Progress;

const BINDING: &str = "/v1/admin/bindings/pricing";

/// One of the two plugins in turn.
#[derive(Debug, Clone)]
pub struct Version {
    pub name: String,
    pub version: String,
    pub digest: String,
    /// What it takes off the goods.
    pub basis_points: u32,
}

#[derive(Deserialize)]
struct Uploaded {
    name: String,
    version: String,
    digest: String,
}

#[derive(Deserialize)]
struct Bound {
    name: String,
    version: String,
    settings: Value,
}

#[derive(Deserialize)]
struct Binding {
    plugins: Vec<Bound>,
}

/// What was in force before the swaps.
pub struct Before(Value);

impl Before {
    pub async fn read(login: &Login) -> Result<Self> {
        let before: Binding = Merchant::log_in(login).await?.get(BINDING).await?;
        let keep = |bound: &Bound| json!({ "name": bound.name, "version": bound.version, "settings": bound.settings });
        Ok(Self(json!({ "plugins": before.plugins.iter().map(keep).collect::<Vec<_>>() })))
    }

    pub async fn put_back(self, login: &Login) -> Result<()> {
        let _: Binding = Merchant::log_in(login).await?.put(BINDING, &self.0).await?;
        Ok(())
    }
}

/// Swaps between two versions.
pub struct Swapper {
    merchant: Merchant,
    versions: [Version; 2],
    pub latency: Latency,
}

impl Swapper {
    /// Uploads both files and puts the first in force, alone.
    pub async fn begin(mut merchant: Merchant, files: [Bytes; 2], basis_points: [u32; 2]) -> Result<Self> {
        let [first, second] = files;
        let [first, second] = [merchant.upload::<Uploaded>(first).await?, merchant.upload::<Uploaded>(second).await?];
        let version = |uploaded: Uploaded, basis_points| Version {
            name: uploaded.name,
            version: uploaded.version,
            digest: uploaded.digest,
            basis_points,
        };
        let versions = [version(first, basis_points[0]), version(second, basis_points[1])];
        let mut swapper = Self { merchant, versions, latency: Latency::default() };
        swapper.put_in_force(0).await?;
        swapper.latency = Latency::default();
        Ok(swapper)
    }

    pub fn versions(&self) -> &[Version; 2] {
        &self.versions
    }

    /// Swaps `times` times, evenly over a replay of `invoices`.
    pub async fn run(mut self, times: usize, invoices: usize, progress: Arc<Progress>) -> Result<Self> {
        for swap in 1..=times {
            progress.reach(swap * invoices / (times + 1)).await;
            self.put_in_force(swap % 2).await?;
        }
        Ok(self)
    }

    async fn put_in_force(&mut self, index: usize) -> Result<()> {
        let Version { name, version, basis_points, .. } = &self.versions[index];
        let plugin = json!({ "name": name, "version": version, "settings": { "percent_bp": basis_points } });
        let begun = Instant::now();
        let _: Binding = self.merchant.put(BINDING, &json!({ "plugins": [plugin] })).await?;
        self.latency.record(begun.elapsed());
        Ok(())
    }
}
