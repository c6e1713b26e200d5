//! Builds the plugins that ship by default and embeds them, so that the shop is one file.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/plugins/build/mod.rs"]
#[allow(dead_code, unused_imports, reason = "what only `kassa plugin build` uses")]
mod plugin;

const DEFAULT_PLUGINS: [&str; 4] = ["pricing-standard", "payment-emulator", "delivery-rates", "notification-email"];

fn main() {
    if let Err(error) = embed() {
        // The first line is the whole message where something is to be done; a compiler's words follow it.
        eprintln!("{error}");
        println!("cargo::error={}", error.to_string().lines().next().unwrap_or_default());
        std::process::exit(1);
    }
}

fn embed() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the kernel is in no workspace")?;
    for input in ["plugins", "sdk", "wit", "Cargo.toml", "Cargo.lock", "kernel/build.rs", "kernel/src/plugins/build"] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: cargo runs this")?);
    let folders = DEFAULT_PLUGINS.map(|name| root.join("plugins").join(name));
    let components = plugin::build(&plugin::Build {
        crates: folders.to_vec(),
        target_dir: out.join("plugins-target"),
        ..Default::default()
    })?;

    let mut table = String::from("pub const DEFAULT_PLUGINS: &[DefaultPlugin] = &[\n");
    for (component, folder) in components.iter().zip(folders) {
        let file = out.join(format!("{}.wasm", component.name));
        fs::write(&file, &component.wasm)?;
        writeln!(table, "    DefaultPlugin {{")?;
        writeln!(table, "        name: {:?},", component.name)?;
        // The folder's name begins with it: `pricing-standard`.
        let domain = component.name.split('-').next().unwrap_or_default();
        writeln!(table, "        domain: Domain::{}{},", domain[..1].to_uppercase(), &domain[1..])?;
        writeln!(table, "        wasm: include_bytes!({file:?}),")?;
        writeln!(table, "        demo_settings: include_str!({:?}),", folder.join("demo-settings.json"))?;
        writeln!(table, "    }},")?;
    }
    table.push_str("];\n");
    fs::write(out.join("default_plugins.rs"), table)?;
    Ok(())
}
