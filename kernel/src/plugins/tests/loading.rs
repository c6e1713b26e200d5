//! Reading, compiling and keeping plugin files.

use super::conformance::ConformanceConfig;
use super::*;

#[tokio::test]
async fn files_that_are_no_plugin_are_refused_by_name() {
    let plugin = wasm("percent-off");
    let limits = PackageLimits::default();
    let read = |file: &[u8]| Package::read(file, &limits).expect_err("no plugin");
    assert_eq!(read(b"GIF89a"), PackageError::NotWasm);
    assert_eq!(read(b""), PackageError::NotWasm);
    assert_eq!(read(b"  (component)"), PackageError::TextFormat);
    assert_eq!(read(b"\x7fELF\x02\x01\x01"), PackageError::Precompiled);
    assert_eq!(read(b"\0asm\x01\0\0\0"), PackageError::CoreModule);
    assert_eq!(read(b"\0asm\x0d\0\x01\0"), PackageError::NoDomain);
    assert!(matches!(read(&plugin[..plugin.len() / 2]), PackageError::Malformed(_)));

    let small = PackageLimits { max_bytes: 100, ..limits.clone() };
    let bytes = plugin.len() as u64;
    assert_eq!(Package::read(&plugin, &small), Err(PackageError::TooLarge { bytes, limit: 100 }));
    let few = PackageLimits { functions: 3, ..limits.clone() };
    assert!(matches!(Package::read(&plugin, &few), Err(PackageError::TooMany { what: "functions", .. })));
    let flat = PackageLimits { nesting: 1, ..limits.clone() };
    assert!(matches!(Package::read(&plugin, &flat), Err(PackageError::TooMany { what: "levels of nesting", .. })));

    let bare = PackageLimits { custom_bytes: 1, ..limits.clone() };
    let many = Package::read(&plugin, &bare);
    assert!(matches!(many, Err(PackageError::TooMany { what: "bytes in custom sections", .. })));

    let package = Package::read(&plugin, &limits).expect("a plugin");
    assert_eq!((package.domain, package.contract.as_str()), (Domain::Pricing, "0.2.0"));
    assert_eq!((package.name(), package.digest), ("percent-off", Digest::of(&plugin)));
}

#[tokio::test]
async fn a_manifest_is_needed_once() {
    let limits = PackageLimits::default();
    let mut twice = wasm("percent-off");
    build::append_custom_section(&mut twice, build::MANIFEST_SECTION, b"{}");
    assert!(matches!(Package::read(&twice, &limits), Err(PackageError::BadManifest(_))));
    let name = build::MANIFEST_SECTION.as_bytes();
    let at = twice.windows(name.len()).position(|window| window == name).expect("a manifest");
    let mut none = wasm("percent-off");
    none[at] = b'K';
    assert_eq!(Package::read(&none, &limits), Err(PackageError::NoManifest));
}

#[tokio::test]
async fn imports_beyond_the_grant_are_refused_by_name() {
    let import = |domain, import: &str| package::is_granted(domain, import);
    assert!(import(Domain::Payment, "kassa:host/kv@0.1.0"));
    assert!(!import(Domain::Pricing, "kassa:host/kv@0.1.0"));
    assert!(!import(Domain::Payment, "kassa:host/kv@0.2.0"));
    assert!(!import(Domain::Payment, "kassa:host/kv@0.1.1"));
    assert!(import(Domain::Pricing, "wasi:io/streams@0.2.6"));
    assert!(!import(Domain::Pricing, "wasi:io/streams@0.3.0"));
    for denied in ["wasi:sockets/tcp@0.2.6", "wasi:http/outgoing-handler@0.2.6", "wasi:io/streams", "other:x/y@1.0.0"] {
        assert!(!import(Domain::Pricing, denied), "{denied}");
    }
}

#[tokio::test]
async fn settings_out_of_range_are_refused_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let limited = |limit: fn(&mut Limits)| {
        let mut config = small();
        limit(&mut config.limits.delivery);
        config
    };
    for config in [
        limited(|limits| limits.cpu_ms = 0),
        limited(|limits| limits.wall_ms = 0),
        limited(|limits| limits.fuel = 0),
        limited(|limits| limits.memory_mib = 4097),
        limited(|limits| limits.concurrent_calls = 0),
        PluginsConfig { epoch_tick_ms: 0, ..small() },
        PluginsConfig { epoch_tick_ms: 6, ..small() },
        PluginsConfig { total_calls: 0, ..small() },
        PluginsConfig { engines: 65, ..small() },
        PluginsConfig { slow_lane_threads: 0, ..small() },
        PluginsConfig { slow_lane_nice: 20, ..small() },
        PluginsConfig { conformance: ConformanceConfig { budget_ms: 0, ..ConformanceConfig::default() }, ..small() },
    ] {
        let host = Host::new(&config, folder.path(), KEY, Arc::new(MemoryKv::default()));
        assert!(matches!(host.err(), Some(HostError::Setting { .. })), "{config:?}");
    }
}

#[tokio::test]
async fn the_same_file_is_loaded_once() {
    let fixture = Fixture::new(&small());
    let first = fixture.host.load(wasm("percent-off")).await.expect("loads");
    let second = fixture.host.load(wasm("percent-off")).await.expect("loads");
    assert!(Arc::ptr_eq(&first, &second));
}

#[tokio::test]
async fn compiled_code_is_kept_and_believed_only_with_our_seal() {
    let fixture = Fixture::new(&small());
    let host = &fixture.host.0;
    let digest = Digest::of(&wasm("percent-off"));
    drop(fixture.host.load(wasm("percent-off")).await.expect("loads"));
    let path = host.cache.path(digest);
    let sealed = std::fs::read(&path).expect("an entry");
    assert!(host.cache.find(digest).is_some());

    let mut cut = sealed.clone();
    cut.truncate(sealed.len() / 2);
    let mut changed = sealed.clone();
    changed[sealed.len() / 2] ^= 1;
    for tampered in [cut, changed, sealed[..10].to_vec(), Vec::new()] {
        std::fs::write(&path, &tampered).expect("written");
        assert!(host.cache.find(digest).is_none());
        let loaded = fixture.host.load(wasm("percent-off")).await.expect("compiled again");
        drop(loaded);
        assert_eq!(std::fs::read(&path).expect("an entry"), sealed, "the entry is whole again");
    }

    // An entry of another plugin, or of another install, is not ours either.
    let other = Digest::of(b"other");
    std::fs::write(host.cache.path(other), &sealed).expect("written");
    assert!(host.cache.find(other).is_none());
    let stranger = Host::new(&small(), fixture.cache.path(), b"the key of quite another install", host.kv.clone());
    let stranger = stranger.expect("a host");
    assert!(stranger.0.cache.find(digest).is_none());
}
