//! `kassa plugin pack`: components of any tool become plugin files.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::components::PERCENT_V1;

const DESCRIPTION: &str = r#"
name = "percent-packed"
version = "3.2.1"
description = "A percentage off"
authors = ["Ada", "Grace"]
licenses = "MIT"
source = "https://example.org/percent"

[settings]
type = "object"
properties.percent_bp = { title = "Percent", type = "integer", maximum = 10000 }
"#;

fn kassa(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kassa"))
        .current_dir(folder)
        .arg("plugin")
        .args(arguments)
        .output()
        .expect("kassa starts")
}

fn folder_with(description: (&str, &str)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("component.wasm"), &*PERCENT_V1).unwrap();
    std::fs::write(folder.path().join(description.0), description.1).unwrap();
    folder
}

plain_test! {
    /// Its card is that of `inspect`, and tells what the description says and nothing of what stood there before.
    fn a_packed_component_is_a_plugin_file() {
        let folder = folder_with(("manifest.toml", DESCRIPTION));
        let packed = kassa(folder.path(), &["pack", "component.wasm", "--manifest", "manifest.toml"]);
        assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
        let inspected = kassa(folder.path(), &["inspect", "percent-packed-3.2.1.wasm"]);
        let card = String::from_utf8(packed.stdout).unwrap();
        assert_eq!(card, String::from_utf8_lossy(&inspected.stdout));
        for line in [
            "name         percent-packed\n",
            "version      3.2.1\n",
            "description  A percentage off\n",
            "authors      Ada, Grace\n",
            "licenses     MIT\n",
            "source       https://example.org/percent\n",
            "domain       pricing\n",
            "hosts        none\n",
            "\"maximum\": 10000",
        ] {
            assert!(card.contains(line), "{line}{card}");
        }

        // What it has become is packed again as JSON, and is the same to the byte.
        let json = serde_json::json!({
            "name": "percent-packed", "version": "3.2.1", "description": "A percentage off", "authors": "Ada, Grace", "licenses": "MIT",
            "source": "https://example.org/percent", "settings": "schema.json",
        });
        std::fs::write(folder.path().join("manifest.json"), json.to_string()).unwrap();
        let schema = r#"{"type": "object", "properties": {"percent_bp": {"title": "Percent", "type": "integer", "maximum": 10000}}}"#;
        std::fs::write(folder.path().join("schema.json"), schema).unwrap();
        let arguments = ["pack", "percent-packed-3.2.1.wasm", "--manifest", "manifest.json", "-o", "again.wasm"];
        let again = kassa(folder.path(), &arguments);
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        assert_eq!(read("percent-packed-3.2.1.wasm"), read("again.wasm"));
    }
}

plain_test! {
    /// Each is told with the file that is wrong, and no file is written.
    fn what_no_shop_would_take_is_not_packed() {
        for (description, expected) in [
            ("name = 7", "name must be a text"),
            ("name = \"A B\"", "the name"),
            ("version = \"one\"", "the version \"one\" is not like 1.2.3"),
            ("licence = \"MIT\"", "unknown field `licence`"),
            ("settings = \"nowhere.json\"", "nowhere.json: "),
            ("hosts = [\"*\"]", "the host \"*\" is not"),
            ("hosts = [\"api.example.com\"]", "a pricing plugin sends no requests"),
            ("source = \"javascript:alert(1)\"", "is not a URL of http or https"),
            ("name = ", "manifest.toml: "),
        ] {
            let folder = folder_with(("manifest.toml", description));
            let refused = kassa(folder.path(), &["pack", "component.wasm", "--manifest", "manifest.toml", "-o", "out.wasm"]);
            let words = String::from_utf8_lossy(&refused.stderr);
            assert!(!refused.status.success() && words.contains(expected), "{description}: {words}");
            assert!(!folder.path().join("out.wasm").exists(), "{description}");
        }
    }
}

plain_test! {
    /// The settings that docs/plugins.md tells operators of other languages to raise are those that `.ci/languages/run` is run with.
    fn the_documented_limits_are_those_that_are_tested() {
        let limits = include_str!("../../examples/limits.toml");
        kassa::Config::parse(limits).expect("settings of a shop");
        // The file's own words to operators are the page's.
        let settings: Vec<_> = limits.lines().filter(|line| !line.starts_with('#')).collect();
        let block = format!("```toml\n{}\n```", settings.join("\n").trim());
        assert!(include_str!("../../docs/plugins.md").contains(&block), "docs/plugins.md does not have:\n{block}");
    }
}
