//! The card of a plugin file: all that is known of it without running it, for people who decide whether to trust it.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::GrantList;
use crate::plugins::{Package, Signer};

/// What a plugin file is, who made it, what it asks for and who stands behind it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardOut {
    #[schema(example = "pricing-standard")]
    name: String,
    #[schema(example = "1.2.0")]
    version: String,
    /// One sentence, by its author. This, `authors`, `licenses`, `source`, `homepage` and `revision` are what the file says of
    /// itself.
    description: Option<String>,
    #[schema(example = "Ada Lovelace <ada@example.org>")]
    authors: Option<String>,
    /// SPDX expression.
    #[schema(example = "MIT OR Apache-2.0")]
    licenses: Option<String>,
    /// URL of the source code.
    source: Option<String>,
    homepage: Option<String>,
    /// Revision of the source that it was made of.
    revision: Option<String>,
    /// `pricing`, `payment`, `delivery` or `notification`, read from the component's types.
    domain: &'static str,
    /// Version of the contract that it was built for, read from the component's types.
    #[schema(example = "0.1.0")]
    contract: String,
    size_bytes: u64,
    /// SHA-256 of the file.
    digest: String,
    /// The interfaces that it imports.
    #[schema(example = json!(["kassa:host/log@0.1.0", "kassa:host/settings@0.1.0"]))]
    imports: Vec<String>,
    /// What it asks the shop for, beside its settings and its log.
    asks_for: GrantList,
    /// JSON Schema of its settings.
    settings_schema: Option<Value>,
    /// Whether it says itself what is wrong with settings, beyond the schema.
    validates_settings: bool,
    signature: SignatureOut,
}

/// Who stands behind a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignatureOut {
    /// `kernel`: it came with the kernel. `trusted`: a key that this shop trusts has signed it. `unknown-key`: it has a signature
    /// that nobody could verify. `unsigned`: it has none.
    #[schema(example = "trusted")]
    by: &'static str,
    /// The key, as minisign prints it.
    #[schema(example = "E7620F1842B4E81F")]
    key_id: Option<String>,
}

impl CardOut {
    pub fn of(package: Package, signer: Signer) -> Self {
        let asks_for = package.asks_for().into();
        let Package { metadata, manifest, digest, domain, contract, bytes, imports, configurable } = package;
        Self {
            name: metadata.name,
            version: metadata.version,
            description: metadata.description,
            authors: metadata.authors,
            licenses: metadata.licenses,
            source: metadata.source,
            homepage: metadata.homepage,
            revision: metadata.revision,
            domain: domain.name(),
            contract,
            size_bytes: bytes,
            digest: digest.to_string(),
            imports,
            asks_for,
            settings_schema: manifest.settings,
            validates_settings: configurable,
            signature: signature_out(signer),
        }
    }
}

fn signature_out(signer: Signer) -> SignatureOut {
    let (by, key_id) = match signer {
        Signer::Kernel => ("kernel", None),
        Signer::Trusted(key) => ("trusted", Some(key.to_string())),
        Signer::Unknown(key) => ("unknown-key", Some(key.to_string())),
        Signer::Nobody => ("unsigned", None),
    };
    SignatureOut { by, key_id }
}
