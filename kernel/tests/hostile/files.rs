//! Files that no shop takes: what they are, what is in them, what compiling them would cost, what they do before anything is asked.

use std::borrow::Cow;

use kassa::plugins::build::{MANIFEST_SECTION, append_custom_section};
use serde_json::Value;
use wasm_encoder::{
    BlockType, CodeSection, Component, ComponentExportKind, ComponentExportSection, ComponentImportSection,
    ComponentInstanceSection, ComponentSection, ComponentTypeRef, ComponentTypeSection, ComponentValType,
    CustomSection, Function, FunctionSection, InstanceSection, MemorySection, MemoryType, Module, ModuleArg,
    NestedComponentSection, PrimitiveValType, RefType, TableSection, TableType, TypeBounds, TypeSection, ValType,
};

use super::guest::{Guest, Import, foreign, module_of, named, spin, until_refused};
use super::{Case, Meets, Words};
use crate::support::components::PERCENT_V1;
use crate::support::wasm::{busy_module, invalid_module, with_module};

const REJECTED: &str = "plugin-rejected";

pub(super) fn cases() -> Vec<Case> {
    [no_components(), too_much(), no_plugins(), wrong_types(), before_any_call()].into_iter().flatten().collect()
}

fn case(name: &'static str, file: Vec<u8>, words: Words) -> Case {
    Case { name, plugin: name, file, settings: Value::Null, meets: Meets::Upload(REJECTED, words) }
}

/// What is uploaded by mistake, and what is broken on purpose.
fn no_components() -> Vec<Case> {
    let plugin = &PERCENT_V1;
    let with = |bytes: &[u8]| [plugin.as_slice(), bytes].concat();
    vec![
        case("nothing", Vec::new(), &["not a WebAssembly component"]),
        case("an-image", b"GIF89a".to_vec(), &["not a WebAssembly component"]),
        case("text", b"(component)".to_vec(), &["WebAssembly text"]),
        case("machine-code", machine_code(), &["precompiled machine code"]),
        case("a-core-module", b"\0asm\x01\0\0\0".to_vec(), &["core module"]),
        case("half-a-file", plugin[..plugin.len() / 2].to_vec(), &["malformed"]),
        case("an-unknown-section", with(&[99, 1, 0]), &["malformed"]),
        case("a-section-of-4-gib", with(&[1, 0xff, 0xff, 0xff, 0xff, 0x0f]), &["malformed"]),
        case("a-number-without-end", with(&[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), &["malformed"]),
        Case { meets: Meets::Upload("payload-too-large", &[]), ..case("five-mib", vec![0; 5 << 20], &[]) },
    ]
}

/// More than an upload may have of something, so that it is never compiled; and what is too much only for the compiler.
fn too_much() -> Vec<Case> {
    let module = |module: Vec<u8>| with_module(&PERCENT_V1, &module);
    vec![
        case("nesting-bomb", nested(2_000), &["levels of nesting"]),
        case("many-types", with(&types(100_000)), &["types"]),
        case("type-bomb", type_bomb(), &["type size"]),
        case("a-huge-body", module(body(&[], |function| many(function, 300 << 10))), &["bytes in one function"]),
        case("many-functions", module(functions(20_001)), &["functions"]),
        case("many-locals", module(body(&[(4_000_000_000, ValType::I64)], |_| {})), &["locals"]),
        case("a-wide-branch", module(body(&[], wide_branch)), &["targets of one br_table"]),
        case(
            "many-modules",
            (0..9).fold(PERCENT_V1.clone(), |file, _| with_module(&file, &functions(0))),
            &["core modules"],
        ),
        case("a-large-table", module(tables(1, 10_000_000)), &["elements in one table"]),
        case("many-tables", module(tables(17, 1)), &["tables"]),
        case("two-memories", module(memories(2, 1)), &["memories in one module"]),
        case("many-imports", with(&imports(65, ComponentTypeRef::Type(TypeBounds::SubResource))), &["imports"]),
        case("many-exports", with(&exports(33)), &["exports"]),
        case("large-sections", section("notes", &[b'x'; 70 << 10]), &["bytes in custom sections"]),
        case("many-instances", with(&instances(900)), &["instance"]),
        case("a-busy-compiler", module(busy_module(6, 250 << 10)), &["3 s on the processor", "MiB of memory"]),
        case("an-invalid-body", module(invalid_module()), &["type mismatch"]),
    ]
}

/// Components that do not say what a plugin says, or ask for what none gets.
fn no_plugins() -> Vec<Case> {
    let importing = |name, from, function, params, results| {
        let import = Some(Import { from, name: function, params, results });
        case(name, Guest { import, ..Guest::default() }.file(name), &["may not import"])
    };
    let network = "wasi:sockets/instance-network@0.2.6";
    let mut unmarked = PERCENT_V1.clone();
    let name = MANIFEST_SECTION.as_bytes();
    let at = unmarked.windows(name.len()).position(|window| window == name).expect("a manifest");
    unmarked[at] = b'K';
    let mut no_json = unmarked.clone();
    append_custom_section(&mut no_json, MANIFEST_SECTION, b"{");
    let mut of_function = ComponentTypeSection::new();
    of_function.function().params([] as [(&str, ComponentValType); 0]).result(None);
    let bare = [bytes_of(&of_function), imports(1, ComponentTypeRef::Func(0))].concat();
    vec![
        importing("a-pricing-plugin-with-kv", "kassa:host/kv@0.1.0", "delete", &[ValType::I32; 3], &[]),
        importing("a-socket", network, "instance-network", &[], &[ValType::I32]),
        case("a-bare-import", [Component::new().finish(), bare].concat(), &["which is not an interface"]),
        case("no-interface", Component::new().finish(), &["no plugin interface"]),
        case("no-manifest", unmarked, &["no `kassa:manifest` section"]),
        case("two-manifests", section(MANIFEST_SECTION, b"{}"), &["there are two"]),
        case("a-manifest-that-is-no-json", no_json, &["the manifest is wrong"]),
        case("a-name-that-paints", section("authors", "Ada\u{202e}".as_bytes()), &["of itself is wrong"]),
    ]
}

/// The right names with something else behind them.
fn wrong_types() -> Vec<Case> {
    let pricing = |text: &'static str| ["package kassa:pricing@0.1.0;", text].concat();
    let contract = |name: &'static str, interface: String, function: &str, results: &[ValType], words| {
        let export = format!("kassa:pricing/pricing@0.1.0#{function}");
        let module = module_of(&[(export.as_str(), &[], results)]);
        let world = "package tests:foreign; world plugin { export kassa:pricing/pricing@0.1.0; }";
        case(name, named(name, &foreign(&[interface.as_str(), world], module)), words)
    };
    let future = "package kassa:pricing@0.9.0; interface pricing { price: func(); }";
    let of_future = "package tests:foreign; world plugin { export kassa:pricing/pricing@0.9.0; }";
    let other = "package kassa:delivery@0.1.0; interface delivery { track: func(); }";
    let both = "package tests:foreign; world plugin { export kassa:pricing/pricing@0.1.0; export kassa:delivery/delivery@0.1.0; }";
    let plain = pricing("interface pricing { price: func(); }");
    let future_file = foreign(&[future, of_future], module_of(&[("kassa:pricing/pricing@0.9.0#price", &[], &[])]));
    let two =
        [("kassa:pricing/pricing@0.1.0#price", &[][..], &[][..]), ("kassa:delivery/delivery@0.1.0#track", &[], &[])];
    let two_domains = foreign(&[plain.as_str(), other, both], module_of(&two));
    vec![
        contract(
            "a-number-for-a-quote",
            pricing("interface pricing { price: func() -> u32; }"),
            "price",
            &[ValType::I32],
            &["does not fit the contract"],
        ),
        contract("nothing-for-a-quote", plain.clone(), "price", &[], &["does not fit the contract"]),
        contract(
            "another-function",
            pricing("interface pricing { cost: func(); }"),
            "cost",
            &[],
            &["does not fit the contract"],
        ),
        case("a-contract-to-come", named("a-contract-to-come", &future_file), &["which this kernel does not know"]),
        case("two-domains", named("two-domains", &two_domains), &["2 plugin interfaces"]),
    ]
}

/// They begin with it when an instance is made, which is when they are uploaded.
fn before_any_call() -> Vec<Case> {
    let starting = |name, start, words| case(name, Guest { start: Some(start), ..Guest::default() }.file(name), words);
    let with_pages = |name, more_pages, words| case(name, Guest { more_pages, ..Guest::default() }.file(name), words);
    vec![
        starting("a-loop-at-the-start", spin, &["units of fuel", "computed for more than"]),
        starting("a-trap-at-the-start", |code| _ = code.unreachable(), &["unreachable"]),
        starting(
            "a-start-that-takes-memory",
            |code| until_refused(code, |code| _ = code.i32_const(16).memory_grow(0)),
            &["MiB of memory"],
        ),
        with_pages("more-memory-than-a-call-has", 1_100, &["memory"]),
        with_pages("all-the-memory-that-there-is", 65_534, &["memory"]),
    ]
}

fn machine_code() -> Vec<u8> {
    wasmtime::Engine::default().precompile_component(&PERCENT_V1).expect("machine code")
}

fn section(name: &str, data: &[u8]) -> Vec<u8> {
    let mut file = PERCENT_V1.clone();
    append_custom_section(&mut file, name, data);
    file
}

fn with(section: &[u8]) -> Vec<u8> {
    [PERCENT_V1.as_slice(), section].concat()
}

fn bytes_of(section: &impl ComponentSection) -> Vec<u8> {
    let mut bytes = Vec::new();
    section.append_to_component(&mut bytes);
    bytes
}

fn nested(levels: u32) -> Vec<u8> {
    let mut component = Component::new();
    component.section(&CustomSection { name: Cow::Borrowed("innermost"), data: Cow::Borrowed(&[]) });
    for _ in 0..levels {
        let mut around = Component::new();
        around.section(&NestedComponentSection(&component));
        component = around;
    }
    component.finish()
}

fn types(count: u32) -> Vec<u8> {
    let mut types = ComponentTypeSection::new();
    for _ in 0..count {
        types.defined_type().primitive(PrimitiveValType::U8);
    }
    bytes_of(&types)
}

/// Each type is a pair of the one before it: the last has two to the power of their number of parts.
fn type_bomb() -> Vec<u8> {
    let mut types = ComponentTypeSection::new();
    types.defined_type().primitive(PrimitiveValType::U8);
    for before in 0..40 {
        types.defined_type().tuple([ComponentValType::Type(before); 2]);
    }
    let mut instances = ComponentInstanceSection::new();
    instances.export_items([] as [(&str, ComponentExportKind, u32); 0]);
    let mut exports = ComponentExportSection::new();
    exports.export("kassa:pricing/pricing@0.1.0", ComponentExportKind::Instance, 0, None);
    let mut component = Component::new();
    component.section(&types).section(&instances).section(&exports);
    named("type-bomb", &component.finish())
}

fn imports(count: u32, ty: ComponentTypeRef) -> Vec<u8> {
    let mut imports = ComponentImportSection::new();
    for number in 0..count {
        imports.import(format!("thing-{number}"), ty);
    }
    bytes_of(&imports)
}

fn exports(count: u32) -> Vec<u8> {
    let mut exports = ComponentExportSection::new();
    for number in 0..count {
        exports.export(format!("thing-{number}"), ComponentExportKind::Type, 0, None);
    }
    bytes_of(&exports)
}

/// A module, and so many instances of it.
fn instances(count: u32) -> Vec<u8> {
    let module = core_modules(&PERCENT_V1);
    let mut instances = InstanceSection::new();
    for _ in 0..count {
        instances.instantiate(module, [] as [(&str, ModuleArg); 0]);
    }
    let added = with_module(&[], &functions(1));
    [added, bytes_of(&instances)].concat()
}

fn functions(count: u32) -> Vec<u8> {
    let (mut types, mut declared, mut code) = (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([], []);
    for _ in 0..count {
        declared.function(0);
        let mut empty = Function::new([]);
        empty.instructions().end();
        code.function(&empty);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    module.finish()
}

/// A module with one function.
fn body(locals: &[(u32, ValType)], write: impl FnOnce(&mut Function)) -> Vec<u8> {
    let (mut types, mut declared, mut code) = (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([], []);
    declared.function(0);
    let mut function = Function::new(locals.iter().copied());
    write(&mut function);
    function.instructions().end();
    code.function(&function);
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    module.finish()
}

fn many(function: &mut Function, bytes: usize) {
    for _ in 0..bytes {
        function.instructions().nop();
    }
}

fn wide_branch(function: &mut Function) {
    let mut code = function.instructions();
    code.block(BlockType::Empty).i32_const(0).br_table(vec![0; 10_000], 0).end();
}

fn tables(count: u32, minimum: u64) -> Vec<u8> {
    let mut tables = TableSection::new();
    for _ in 0..count {
        let element_type = RefType::FUNCREF;
        tables.table(TableType { element_type, table64: false, minimum, maximum: None, shared: false });
    }
    let mut module = Module::new();
    module.section(&tables);
    module.finish()
}

fn memories(count: u32, minimum: u64) -> Vec<u8> {
    let mut memories = MemorySection::new();
    for _ in 0..count {
        memories.memory(MemoryType { minimum, maximum: None, memory64: false, shared: false, page_size_log2: None });
    }
    let mut module = Module::new();
    module.section(&memories);
    module.finish()
}

/// The number of the next one.
fn core_modules(file: &[u8]) -> u32 {
    let payloads = wasmparser::Parser::new(0).parse_all(file).map(|payload| payload.expect("a component"));
    payloads.filter(|payload| matches!(payload, wasmparser::Payload::ModuleSection { .. })).count() as u32
}
