//! Uploads: files that are kept, and who stands behind them.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{PluginVersion, Registry, RegistryError, defaults, store};
use crate::clock;
use crate::plugins::{Digest, Package, PluginsConfig, Signature, SignatureError, Signer, Unsigned};

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
    let signature = minisig.map(|minisig| Signature::verify(file, minisig, trusted)).transpose()?;
    let signer = match defaults::has(package.digest) {
        true => Signer::Kernel,
        false => Signer::of(signature.as_ref(), trusted),
    };
    Ok(Inspected { package, signer })
}

impl Registry {
    /// Keeps an uploaded file, with the content of its `.minisig` file where there is one. Uploading the same file again answers
    /// the same; with a signature it has that from then on, unless it had one that is trusted and this is not. It is in force only once it is bound.
    pub async fn upload(&self, file: Bytes, minisig: Option<String>) -> Result<PluginVersion, RegistryError> {
        let (digest, signature) = self.verify(&file, minisig).await?;
        self.permit_upload(digest, signature.as_ref()).await?;
        let loaded = self.host.load(file.as_ref()).await?;
        self.blobs.put(&digest.to_string(), file).await?;
        let package = loaded.package.clone();
        let version = PluginVersion { package, signature, from_kernel: false, uploaded_at: clock::now() };
        self.keep(version).await
    }

    /// Keeps a plugin that came with this kernel.
    pub(super) async fn upload_own(&self, file: &'static [u8]) -> Result<PluginVersion, RegistryError> {
        let loaded = self.host.load(file).await?;
        let package = loaded.package.clone();
        self.blobs.put(&package.digest.to_string(), Bytes::from_static(file)).await?;
        self.keep(PluginVersion { package, signature: None, from_kernel: true, uploaded_at: clock::now() }).await
    }

    async fn keep(&self, version: PluginVersion) -> Result<PluginVersion, RegistryError> {
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
        let signer = self.signer_of(&version);
        tracing::info!(plugin = metadata.name, version = metadata.version, %digest, ?signer, "uploaded");
        Ok(version)
    }

    /// Off the runtime's threads: it reads the whole file.
    async fn verify(
        &self,
        file: &Bytes,
        minisig: Option<String>,
    ) -> Result<(Digest, Option<Signature>), RegistryError> {
        let (file, trusted) = (file.clone(), self.signatures.trusted_keys.clone());
        let verified = tokio::task::spawn_blocking(move || {
            let signature = minisig.map(|minisig| Signature::verify(&file, &minisig, &trusted)).transpose()?;
            Ok::<_, SignatureError>((Digest::of(&file), signature))
        });
        Ok(verified.await.map_err(std::io::Error::other)??)
    }

    /// Before it is compiled: whether the operator wants the file at all. It may have been signed when it was here before.
    async fn permit_upload(&self, digest: Digest, signature: Option<&Signature>) -> Result<(), RegistryError> {
        let trusted = &self.signatures.trusted_keys;
        if self.signatures.unsigned != Unsigned::Refused || Signer::of(signature, trusted).is_trusted() {
            return Ok(());
        }
        let known = store::version_of(&mut self.db.read().await?, digest).await?;
        match known.is_some_and(|known| self.signer_of(&known).is_trusted()) {
            true => Ok(()),
            false => Err(SignatureError::Required.into()),
        }
    }

    /// The same file, if it was uploaded before; another one under its name and version is refused.
    async fn known(&self, version: &PluginVersion) -> Result<Option<PluginVersion>, RegistryError> {
        let Package { metadata, digest, .. } = &version.package;
        loop {
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
    }

    /// Who stands behind a version, by the keys that are trusted now.
    pub fn signer_of(&self, version: &PluginVersion) -> Signer {
        match version.from_kernel {
            true => Signer::Kernel,
            false => Signer::of(version.signature.as_ref(), &self.signatures.trusted_keys),
        }
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
