fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(format!("{out}/default_plugins.rs"), "pub const DEFAULT_PLUGINS: &[DefaultPlugin] = &[];").unwrap();
}
