//! Uploads: files that are kept, and who stands behind them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{PluginVersion, RESERVED_NAME, Registry, RegistryError, defaults, store};
use crate::clock;
use crate::plugins::{
    Digest, Package, PackageError, PluginsConfig, Signature, SignatureError, Signer, TrustedKey, Unsigned,
};

/// A file that was looked at and not kept.
#[derive(Debug)]
pub struct Inspected {
    pub package: Package,
    pub signer: Signer,
}

/// Looks at a file, and at the content of its `.minisig` file where there is one, as an upload does before it compiles.
pub fn inspect(file: &[u8], minisig: Option<&str>, config: &PluginsConfig) -> Result<Inspected, RegistryError> {
    let trusted = &config.signatures.trusted_keys;
    let package = Package::read(file, &config.package)?;
    let signature = minisig.map(|minisig| Signature::verify(file, minisig, trusted)).transpose()?;
    let signer = signer(package.digest, signature.as_ref(), trusted, &defaults::digests());
    Ok(Inspected { package, signer })
}

fn signer(
    digest: Digest,
    signature: Option<&Signature>,
    trusted: &[TrustedKey],
    defaults: &BTreeSet<Digest>,
) -> Signer {
    match defaults.contains(&digest) {
        true => Signer::Kernel,
        false => Signer::of(signature, trusted),
    }
}

impl Registry {
    /// Keeps an uploaded file, with the content of its `.minisig` file where there is one. Uploading the same file again answers
    /// the same; with a signature it has that from then on, unless it had one that is trusted and this is not. It is in force only once it is bound.
    pub async fn upload(&self, file: Bytes, minisig: Option<String>) -> Result<PluginVersion, RegistryError> {
        let signature = self.verify(&file, minisig).await?;
        let signer = self.signer(Digest::of(&file), signature.as_ref());
        if self.signatures.unsigned == Unsigned::Refused && !signer.is_trusted() {
            return Err(SignatureError::Required.into());
        }
        let loaded = self.host.load(file.as_ref()).await?;
        let package = loaded.package.clone();
        if package.name() == RESERVED_NAME {
            let text = format!("the name {RESERVED_NAME} is the kernel's own");
            return Err(PackageError::BadMetadata(text).into());
        }
        self.blobs.put(&package.digest.to_string(), file).await?;
        let version = PluginVersion { package, signature, uploaded_at: clock::now() };
        if let Some(known) = self.known(&version).await? {
            return Ok(known);
        }
        let mut tx = self.db.write().await?;
        match store::insert_version(&mut tx, &version).await {
            Ok(()) => tx.commit().await?,
            // Another upload was first, perhaps of the same file.
            Err(error) if error.is_unique_violation() => {
                drop(tx);
                return self.known(&version).await?.ok_or_else(|| error.into());
            }
            Err(error) => return Err(error.into()),
        }
        let Package { metadata, digest, .. } = &version.package;
        tracing::info!(plugin = metadata.name, version = metadata.version, %digest, ?signer, "uploaded");
        Ok(version)
    }

    /// Off the runtime's threads: it reads the whole file.
    async fn verify(&self, file: &Bytes, minisig: Option<String>) -> Result<Option<Signature>, RegistryError> {
        let Some(minisig) = minisig else { return Ok(None) };
        let (file, trusted) = (file.clone(), self.signatures.trusted_keys.clone());
        let verified = tokio::task::spawn_blocking(move || Signature::verify(&file, &minisig, &trusted)).await;
        Ok(Some(verified.map_err(std::io::Error::other)??))
    }

    /// The same file, if it was uploaded before; another one under its name and version is refused.
    async fn known(&self, version: &PluginVersion) -> Result<Option<PluginVersion>, RegistryError> {
        let Package { metadata, digest, .. } = &version.package;
        let found = store::find_version(&mut self.db.read().await?, &metadata.name, &metadata.version).await?;
        let Some(mut known) = found else { return Ok(None) };
        if known.package.digest != *digest {
            let (name, version) = (metadata.name.clone(), metadata.version.clone());
            return Err(RegistryError::VersionTaken { name, version });
        }
        let is_better = || self.signer_of(version).is_trusted() || !self.signer_of(&known).is_trusted();
        if let Some(signature) = version.signature.as_ref().filter(|_| is_better()) {
            let mut tx = self.db.write().await?;
            store::put_signature(&mut tx, *digest, signature).await?;
            tx.commit().await?;
            known.signature = Some(signature.clone());
        }
        Ok(Some(known))
    }

    /// Who stands behind a version, by the keys that are trusted now.
    pub fn signer_of(&self, version: &PluginVersion) -> Signer {
        self.signer(version.package.digest, version.signature.as_ref())
    }

    fn signer(&self, digest: Digest, signature: Option<&Signature>) -> Signer {
        signer(digest, signature, &self.signatures.trusted_keys, &self.defaults)
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
