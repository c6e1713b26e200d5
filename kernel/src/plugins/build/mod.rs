//! Builds plugin crates into components: `cargo build` for wasm32-wasip2, then what it says of itself as custom sections.
//!
//! Used in three ways: by `kernel/build.rs` (through `#[path]`) for the plugins that ship by default, by
//! `kassa plugin build`, and by tests. So it knows std and serde_json, and nothing else of the kernel.

mod sections;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use sections::Package;
pub use sections::{
    MANIFEST_SECTION, NAME_SECTION, Section, append_custom_section, name_section, settings_schema, text_sections,
};

/// What plugins are built for.
pub const TARGET: &str = "wasm32-wasip2";

/// Cargo profile of plugins, given on the command line so that it holds in any workspace.
///
/// One codegen unit and full LTO make the component about a third smaller, which is what it takes to compile and to
/// start it. `panic = "abort"` is what wasm32 does anyway; said here, std's unwinding is not linked at all.
const PROFILE: &str = "kassa-plugin";
const PROFILE_SETTINGS: [&str; 7] = [
    "inherits=\"release\"",
    "opt-level=3",
    "lto=\"fat\"",
    "codegen-units=1",
    "panic=\"abort\"",
    "strip=\"symbols\"",
    "debug=false",
];

/// A guest starts with the pages that its stack and data take. std's stack of 1 MiB makes 17 pages of 64 KiB, and
/// those page faults are what keeps a second core from helping; with this stack the default plugins have four or five.
/// The stack comes first in memory (rustc sees to that), so that one too deep traps instead of overwriting data.
const STACK_BYTES: u32 = 128 * 1024;

/// What to build.
#[derive(Debug, Default)]
pub struct Build {
    /// Folders of the crates, each with its `Cargo.toml`; all of one workspace, so that one `cargo build` makes all.
    pub crates: Vec<PathBuf>,
    /// Cargo's target folder for this build; never that of an outer build, whose lock would be waited for.
    pub target_dir: PathBuf,
    /// Cargo features of the crates.
    pub features: Vec<String>,
    /// Version in the manifests instead of the packages' own: for a pipeline that numbers its builds.
    pub version: Option<String>,
    /// Let cargo write its progress to standard error. Otherwise it is kept, and told only where the build fails.
    pub show_progress: bool,
}

/// A component with its manifest.
#[derive(Clone, Debug)]
pub struct Component {
    /// Name of the package, which is the plugin's.
    pub name: String,
    pub version: String,
    pub wasm: Vec<u8>,
}

/// Why there is no component. Each text is for the person who started the build.
#[derive(Debug)]
pub enum BuildError {
    /// The target is not there and could not be added; the text says what to do.
    Target(String),
    /// A crate cannot be a plugin as it stands: what is wrong in its Cargo.toml or settings schema.
    Manifest(String),
    /// Cargo failed; its own words.
    Cargo(String),
    /// A program could not be started, or a file not be read.
    Io(String),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Target(text) | BuildError::Manifest(text) | BuildError::Cargo(text) | BuildError::Io(text) => {
                f.write_str(text)
            }
        }
    }
}

impl std::error::Error for BuildError {}

/// Builds the components, in the order of [`Build::crates`].
///
/// # Errors
///
/// See [`BuildError`]. Nothing is left behind but the target folder.
pub fn build(build: &Build) -> Result<Vec<Component>, BuildError> {
    let Some(first) = build.crates.first() else { return Ok(Vec::new()) };
    let metadata = metadata(first)?;
    let find = |folder: &PathBuf| {
        let mut package = Package::find(&metadata, folder)?;
        package.version = build.version.clone().unwrap_or(package.version);
        Ok(package)
    };
    let packages: Vec<Package> = build.crates.iter().map(find).collect::<Result<_, BuildError>>()?;
    // Before the build, which takes longer: a broken manifest should be told at once.
    let sections: Vec<Vec<Section>> = packages.iter().map(Package::sections).collect::<Result<_, _>>()?;
    ensure_target(first)?;
    compile(build, first, &packages)?;

    let out = build.target_dir.join(TARGET).join(PROFILE);
    packages
        .iter()
        .zip(sections)
        .map(|(package, sections)| {
            let mut wasm = read(&out.join(&package.file_name))?;
            for (name, data) in sections {
                append_custom_section(&mut wasm, name, &data);
            }
            Ok(Component { name: package.name.clone(), version: package.version.clone(), wasm })
        })
        .collect()
}

fn metadata(folder: &Path) -> Result<Value, BuildError> {
    let mut command = cargo();
    command.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    serde_json::from_slice(&output(command, false)?)
        .map_err(|error| BuildError::Cargo(format!("cargo metadata: {error}")))
}

fn compile(build: &Build, first: &Path, packages: &[Package]) -> Result<(), BuildError> {
    let mut command = cargo();
    // In the folder of the crate, so that its rust-toolchain.toml and .cargo/config.toml hold.
    command.current_dir(first).args(["build", "--lib", "--target", TARGET, "--profile", PROFILE]);
    for setting in PROFILE_SETTINGS {
        command.args(["--config", &format!("profile.{PROFILE}.{setting}")]);
    }
    // Static: a component is placed by nobody, and position-independent code would look every static up in a table.
    let flags = format!("\"-Clink-arg=-zstack-size={STACK_BYTES}\", \"-Crelocation-model=static\"");
    command.args(["--config", &format!("target.{TARGET}.rustflags=[{flags}]")]);
    command.arg("--target-dir").arg(absolute(&build.target_dir)?);
    for package in packages {
        command.args(["--package", &package.name]);
    }
    if !build.features.is_empty() {
        command.args(["--features", &build.features.join(",")]);
    }
    output(command, build.show_progress).map(drop)
}

/// Makes sure that rustc can build for [`TARGET`], through rustup where there is one. With `RUSTUP_AUTO_INSTALL=0`
/// the `targets` of rust-toolchain.toml install nothing, so it is asked for by name.
fn ensure_target(folder: &Path) -> Result<(), BuildError> {
    if has_target(folder)? {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).current_dir(folder).output();
    if matches!(&added, Ok(added) if added.status.success()) && has_target(folder)? {
        return Ok(());
    }
    let cause = match added {
        Ok(added) => String::from_utf8_lossy(&added.stderr).lines().last().unwrap_or("no reason given").to_owned(),
        Err(error) => format!("rustup: {error}"),
    };
    Err(BuildError::Target(format!(
        "plugins need the Rust target {TARGET}: run `rustup target add {TARGET}` ({cause})"
    )))
}

fn has_target(folder: &Path) -> Result<bool, BuildError> {
    let mut command = clean(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.current_dir(folder).args(["--print", "target-libdir", "--target", TARGET]);
    let libraries = output(command, false)?;
    Ok(Path::new(String::from_utf8_lossy(&libraries).trim()).is_dir())
}

fn cargo() -> Command {
    clean(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A command without what an outer build has set for itself: its flags, wrappers, target folder, jobserver and the
/// description of the package that it builds. Where the registry is and how to reach it stays.
fn clean(program: OsString) -> Command {
    const KEPT: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTRIES_",
        "CARGO_REGISTRY_",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
    ];
    const REMOVED: [&str; 11] = [
        "CLIPPY_ARGS",
        "MAKEFLAGS",
        "MFLAGS",
        "OUT_DIR",
        "PROFILE",
        "RUSTC_LINKER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTDOCFLAGS",
        "RUSTFLAGS",
        "TARGET",
    ];
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let lossy = name.to_string_lossy();
        let foreign = lossy.starts_with("CARGO_") && !KEPT.iter().any(|kept| lossy.starts_with(kept));
        if foreign || REMOVED.contains(&&*lossy) {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command to its end; its standard output, or an error with what it wrote to standard error.
fn output(mut command: Command, show_progress: bool) -> Result<Vec<u8>, BuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(if show_progress { Stdio::inherit() } else { Stdio::piped() });
    let output = command
        .spawn()
        .and_then(|child| child.wait_with_output())
        .map_err(|e| BuildError::Io(format!("{program}: {e}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(BuildError::Cargo(
        format!("{program} ended with {}\n{}", output.status, words.trim_end()).trim_end().to_owned(),
    ))
}

fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    std::fs::read(path).map_err(|error| BuildError::Io(format!("{}: {error}", path.display())))
}

fn absolute(path: &Path) -> Result<PathBuf, BuildError> {
    std::path::absolute(path).map_err(|error| BuildError::Io(format!("{}: {error}", path.display())))
}
