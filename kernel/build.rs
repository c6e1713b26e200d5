//! Builds the plugins that ship by default and embeds them, so that the shop is one file.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/plugins/build.rs"]
#[allow(dead_code, reason = "what only `kassa plugin build` uses")]
mod plugin;

const DEFAULT_PLUGINS: [&str; 4] = ["pricing-standard", "payment-emulator", "delivery-rates", "notification-email"];

fn main() {
    if let Err(error) = embed() {
        // One line on standard error, and cargo shows it: a panic would bury it under a backtrace.
        eprintln!("error: {error}");
        println!("cargo::error={}", error.to_string().lines().next().unwrap_or_default());
        std::process::exit(1);
    }
}

fn embed() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the kernel is in no workspace")?;
    for input in ["plugins", "sdk", "wit", "Cargo.toml", "Cargo.lock", "kernel/src/plugins/build.rs", "kernel/build.rs"]
    {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: this is run by cargo")?);
    let components = plugin::build(&plugin::Build {
        crates: DEFAULT_PLUGINS.iter().map(|name| root.join("plugins").join(name)).collect(),
        target_dir: out.join("plugins-target"),
        ..Default::default()
    })?;

    let mut table = String::from("pub const DEFAULT_PLUGINS: &[(&str, &[u8])] = &[\n");
    for component in components {
        let file = out.join(format!("{}.wasm", component.name));
        fs::write(&file, &component.wasm)?;
        writeln!(table, "    ({:?}, include_bytes!({:?})),", component.name, file)?;
    }
    table.push_str("];\n");
    fs::write(out.join("default_plugins.rs"), table)?;
    Ok(())
}
