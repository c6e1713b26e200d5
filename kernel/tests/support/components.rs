//! Components that only tests run, built once per run from the crates under `tests/plugins`.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use kassa::plugins::build::{Build, build};

/// A pricing plugin that misbehaves as its settings say.
pub static HOSTILE: LazyLock<Vec<u8>> = LazyLock::new(|| component("hostile-pricing", &[], None));

/// A pricing plugin that takes a percentage off, and its second version: the same rule under another digest.
pub static PERCENT_V1: LazyLock<Vec<u8>> = LazyLock::new(|| component("percent-off", &[], None));
pub static PERCENT_V2: LazyLock<Vec<u8>> = LazyLock::new(|| component("percent-off", &["v2"], Some("2.0.0")));

/// A payment plugin that sends requests to the hosts that its token names.
pub static OUTBOUND: LazyLock<Vec<u8>> = LazyLock::new(|| component("outbound-payment", &[], None));

/// pricing-standard as it was built for contract 0.1.0: see frozen/README.md.
pub static FROZEN: &[u8] = include_bytes!("../frozen/pricing-standard-0.0.1.wasm");

fn component(name: &str, features: &[&str], version: Option<&str>) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugins").join(name);
    let built = build(&Build {
        crates: vec![folder],
        // Beside the target folder of this build, whose lock cargo may hold.
        target_dir: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("plugins"),
        features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        version: version.map(str::to_owned),
        show_progress: false,
    });
    built.unwrap_or_else(|error| panic!("{name}: {error}")).remove(0).wasm
}
