//! Versions of the contract stay as they are: `wit/frozen.txt` has the digest of each of their files.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

const HOW_TO_GO_ON: &str = "plugins that were built for a version of the contract rely on every letter of it. Take the change back, and put it \
                            into a new folder, wit/PACKAGE/VERSION; say in wit/CHANGES.md what changed and why; then \
                            `cd wit && sha256sum PACKAGE/VERSION/*.wit >> frozen.txt`";

/// Digests by path from `wit/`.
type Files = BTreeMap<String, String>;

/// Every file of every version.
fn found(wit: &Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![wit.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(wit).unwrap().to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                folders.push(path);
            } else if name.contains('/') {
                let digest = Sha256::digest(std::fs::read(&path).unwrap());
                found.insert(name, digest.iter().map(|byte| format!("{byte:02x}")).collect());
            }
        }
    }
    found
}

/// What is written down: a digest and a path a line, as `sha256sum` has them.
fn frozen(text: &str) -> Files {
    let line = |line: &str| line.split_once("  ").map(|(digest, path)| (path.to_owned(), digest.to_owned()));
    text.lines()
        .map(|text| line(text).unwrap_or_else(|| panic!("frozen.txt: {text:?} is no digest and path")))
        .collect()
}

fn differences(frozen: &Files, found: &Files) -> Vec<String> {
    let changed = found.iter().filter_map(|(path, digest)| match frozen.get(path) {
        Some(known) if known == digest => None,
        Some(_) => Some(format!("wit/{path} was changed")),
        None => Some(format!("wit/{path} is not in wit/frozen.txt")),
    });
    let gone = frozen.keys().filter(|path| !found.contains_key(*path)).map(|path| format!("wit/{path} is gone"));
    changed.chain(gone).collect()
}

plain_test! {
    fn a_version_of_the_contract_stays_as_it_is() {
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        let frozen = frozen(&std::fs::read_to_string(wit.join("frozen.txt")).unwrap());
        assert!(frozen.len() >= 8, "frozen.txt has {} files", frozen.len());
        let differences = differences(&frozen, &found(&wit));
        assert!(differences.is_empty(), "{}\n\n{HOW_TO_GO_ON}", differences.join("\n"));
    }
}

plain_test! {
    /// The comparison itself works, on a folder of its own.
    fn a_change_of_the_contract_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        for path in ["a/0.1.0/a.wit", "b/0.1.0/b.wit", "b/0.1.0/deps/c.wit"] {
            write(path, "package");
        }
        write("CHANGES.md", "belongs to no version");
        let known = found(folder.path());
        assert_eq!((known.len(), differences(&known, &known)), (3, Vec::new()));
        write("a/0.1.0/a.wit", "package ");
        write("b/0.2.0/b.wit", "package");
        std::fs::remove_file(folder.path().join("b/0.1.0/deps/c.wit")).unwrap();
        let expected = ["wit/a/0.1.0/a.wit was changed", "wit/b/0.2.0/b.wit is not in wit/frozen.txt", "wit/b/0.1.0/deps/c.wit is gone"];
        assert_eq!(differences(&known, &found(folder.path())), expected);
    }
}
