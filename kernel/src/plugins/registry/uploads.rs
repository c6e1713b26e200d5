//! Uploads: files that are kept, and who stands behind them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::{PluginVersion, Registry, RegistryError, defaults, store};
use crate::clock;
use crate::db::{self, Tx};
use crate::events;
use crate::plugins::answer::is_kebab;
use crate::plugins::conformance::{Failed, Report, Verdict};
use crate::plugins::{Digest, Loaded, Package, PluginsConfig, Signature, SignatureError, Signer, TrustedKey, Unsigned};

/// A file that was looked at and not kept.
#[derive(Debug)]
pub struct Inspected {
    pub package: Package,
    pub signer: Signer,
}

/// Looks at a file, and at the content of its `.minisig` file where there is one, as an upload does before it compiles. What a shop that
/// refuses unsigned files would say is not asked: the card tells who signed.
pub fn inspect(file: &[u8], minisig: Option<&str>, config: &PluginsConfig) -> Result<Inspected, RegistryError> {
    let trusted = &config.signatures.trusted_keys;
    let package = Package::read(file, &config.package)?;
    let signer = Origin::of(file, minisig, trusted)?.signer(trusted);
    Ok(Inspected { package, signer })
}

/// Looks at a signature that others change meanwhile.
const SIGNATURE_TRIES: u32 = 3;

/// Where a file comes from.
struct Origin {
    digest: Digest,
    signature: Option<Signature>,
    from_kernel: bool,
}

impl Origin {
    fn of(file: &[u8], minisig: Option<&str>, trusted: &[TrustedKey]) -> Result<Self, SignatureError> {
        let signature = minisig.map(|minisig| Signature::verify(file, minisig, trusted)).transpose()?;
        let digest = Digest::of(file);
        Ok(Self { digest, signature, from_kernel: defaults::has(digest) })
    }

    fn signer(&self, trusted: &[TrustedKey]) -> Signer {
        signer(self.from_kernel, self.signature.as_ref(), trusted)
    }
}

fn signer(from_kernel: bool, signature: Option<&Signature>, trusted: &[TrustedKey]) -> Signer {
    if from_kernel { Signer::Kernel } else { Signer::of(signature, trusted) }
}

/// Tells of a version that the shop has from now on, and what the suite found.
async fn tell(tx: &mut Tx, version: &PluginVersion, actor: &str) -> db::Result<()> {
    let PluginVersion { package: Package { metadata, digest, domain, .. }, conformance, .. } = version;
    let data = json!({
        "name": metadata.name, "version": metadata.version, "digest": digest.to_string(), "domain": domain.name(),
        "verdict": conformance.as_ref().map(|summary| summary.verdict),
        "found": conformance.as_ref().map(|summary| summary.found), "actor": actor,
    });
    events::record(tx, "plugin.uploaded", &metadata.name, data).await
}

impl Registry {
    /// Keeps an uploaded file that conforms, with the content of its `.minisig` file where there is one. Uploading the same file again answers
    /// the same; with a signature it has that from then on, unless it had one that is trusted and this is not. It is in force only once it is bound.
    pub async fn upload(
        &self,
        file: Bytes,
        minisig: Option<String>,
        actor: &str,
    ) -> Result<PluginVersion, RegistryError> {
        let origin = self.examine(&file, minisig).await?;
        self.permit_upload(&origin).await?;
        let loaded = self.host.load(file.as_ref()).await?;
        let Origin { digest, signature, from_kernel } = origin;
        let (package, uploaded_at) = (loaded.package.clone(), clock::now());
        let mut version = PluginVersion { package, signature, from_kernel, conformance: None, uploaded_at };
        let known = self.known(&version).await?;
        let report = match &known {
            // What comes with the kernel is proven by the kernel's tests: a start does not do it again.
            None if !from_kernel => Some(self.try_out(&loaded).await?),
            _ => None,
        };
        self.blobs.put(&digest.to_string(), file).await?;
        match known {
            Some(known) => Ok(known),
            None => {
                version.conformance = report.as_ref().map(|report| report.summary.clone());
                self.keep(version, report.as_ref(), actor).await
            }
        }
    }

    /// Runs the suite of its world; refused where that is what the operator wants of findings.
    async fn try_out(&self, loaded: &Arc<Loaded>) -> Result<Report, RegistryError> {
        let _one_at_a_time = self.trying_out.lock().await;
        let report = self.host.conformance(loaded, &self.conformance, None).await;
        let (plugin, version) = (loaded.package.name(), loaded.package.version());
        let (verdict, found, elapsed_ms) = (report.summary.verdict, report.summary.found, report.elapsed_ms);
        tracing::info!(plugin, version, ?verdict, found, elapsed_ms, "the conformance suite was run");
        match (verdict, self.conformance.failed) {
            (Verdict::Failed, Failed::Refused) => Err(RegistryError::NotConforming(Box::new(report))),
            _ => Ok(report),
        }
    }

    /// What the suite found when the version was uploaded.
    pub async fn conformance(&self, name: &str, version: &str) -> Result<Report, RegistryError> {
        // What no version is called is not looked for: PostgreSQL takes no U+0000, not even to find nothing.
        if !is_kebab(name, 64) || version.contains('\0') {
            return Err(RegistryError::NotFound);
        }
        let found = store::conformance_of(&mut self.db.read().await?, name, version).await?;
        found.ok_or(RegistryError::NotFound)
    }

    async fn keep(
        &self,
        version: PluginVersion,
        report: Option<&Report>,
        actor: &str,
    ) -> Result<PluginVersion, RegistryError> {
        let mut tx = self.db.write().await?;
        match store::insert_version(&mut tx, &version, report).await {
            Ok(()) => {
                // What comes with the kernel is no news.
                if !version.from_kernel {
                    tell(&mut tx, &version, actor).await?;
                }
                tx.commit().await?;
            }
            // Another upload was first, perhaps of the same file.
            Err(error) if error.is_unique_violation() => {
                drop(tx);
                return self.known(&version).await?.ok_or_else(|| error.into());
            }
            Err(error) => return Err(error.into()),
        }
        let Package { metadata, digest, .. } = &version.package;
        let signer = self.signer_of(&version);
        tracing::info!(plugin = metadata.name, version = metadata.version, %digest, ?signer, "uploaded");
        Ok(version)
    }

    /// Off the runtime's threads: it reads the whole file.
    async fn examine(&self, file: &Bytes, minisig: Option<String>) -> Result<Origin, RegistryError> {
        let (file, trusted) = (file.clone(), self.signatures.trusted_keys.clone());
        let examined = tokio::task::spawn_blocking(move || Origin::of(&file, minisig.as_deref(), &trusted)).await;
        Ok(examined.map_err(std::io::Error::other)??)
    }

    /// Before it is compiled: whether the operator wants the file at all. It may have been signed when it was here before.
    async fn permit_upload(&self, origin: &Origin) -> Result<(), RegistryError> {
        if self.signatures.unsigned != Unsigned::Refused || origin.signer(&self.signatures.trusted_keys).is_trusted() {
            return Ok(());
        }
        let known = store::version_of(&mut self.db.read().await?, origin.digest).await?;
        match known.is_some_and(|known| self.signer_of(&known).is_trusted()) {
            true => Ok(()),
            false => Err(SignatureError::Required.into()),
        }
    }

    /// The same file, if it was uploaded before; another one under its name and version is refused.
    async fn known(&self, version: &PluginVersion) -> Result<Option<PluginVersion>, RegistryError> {
        let Package { metadata, digest, .. } = &version.package;
        for _ in 0..SIGNATURE_TRIES {
            let found = store::find_version(&mut self.db.read().await?, &metadata.name, &metadata.version).await?;
            let Some(mut known) = found else { return Ok(None) };
            if known.package.digest != *digest {
                let (name, version) = (metadata.name.clone(), metadata.version.clone());
                return Err(RegistryError::VersionTaken { name, version });
            }
            let is_better = self.signer_of(version).is_trusted() || !self.signer_of(&known).is_trusted();
            let Some(signature) = version.signature.as_ref().filter(|_| is_better) else { return Ok(Some(known)) };
            let mut tx = self.db.write().await?;
            // Only in the place of the one that was looked at: a better one may have come meanwhile.
            if store::put_signature(&mut tx, *digest, known.signature.as_ref(), signature).await? {
                tx.commit().await?;
                known.signature = Some(signature.clone());
                return Ok(Some(known));
            }
        }
        Err(RegistryError::Contended)
    }

    /// Who stands behind a version, by the keys that are trusted now.
    pub fn signer_of(&self, version: &PluginVersion) -> Signer {
        signer(version.from_kernel, version.signature.as_ref(), &self.signatures.trusted_keys)
    }

    /// Every version, the newest upload first, by plugin.
    pub async fn list(&self) -> Result<BTreeMap<String, Vec<PluginVersion>>, RegistryError> {
        let mut plugins: BTreeMap<String, Vec<PluginVersion>> = BTreeMap::new();
        for version in store::all_versions(&mut self.db.read().await?).await? {
            plugins.entry(version.package.name().to_owned()).or_default().push(version);
        }
        Ok(plugins)
    }
}
