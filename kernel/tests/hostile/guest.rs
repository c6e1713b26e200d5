//! Plugins written by hand, instruction by instruction, for what no compiler would make.

use std::path::Path;

use kassa::plugins::pack;
use serde_json::Value;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, ImportSection, InstructionSink, MemArg, MemorySection, MemoryType, Module, RefType, StartSection,
    TableSection, TableType, TypeSection, ValType,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What a pricing plugin of any language may import beside the contract, in as few words as it takes; the last is what it may not.
const PACKAGES: [&str; 5] = [
    "package wasi:io@0.2.6; interface streams { resource output-stream; }",
    "package wasi:cli@0.2.6;
     interface stdout { use wasi:io/streams@0.2.6.{output-stream}; get-stdout: func() -> output-stream; }
     interface exit { exit: func(status: result); }",
    "package wasi:random@0.2.6; interface random { get-random-bytes: func(len: u64) -> list<u8>; }",
    "package wasi:sockets@0.2.6; interface instance-network { resource network; instance-network: func() -> network; }",
    "package tests:pricing;
     world plugin {
         import kassa:host/settings@0.1.0;
         import kassa:host/kv@0.1.0;
         import wasi:cli/stdout@0.2.6;
         import wasi:cli/exit@0.2.6;
         import wasi:random/random@0.2.6;
         import wasi:sockets/instance-network@0.2.6;
         export kassa:pricing/pricing@0.1.0;
     }",
];

/// Where the answer lies. Its memory is zero: an `ok` with a quote that adds nothing.
pub const ANSWER: u32 = 1024;
/// The fields of the quote in it: what follows is pointer and length of each, and the contract is frozen.
pub const CURRENCY: u32 = ANSWER + 4;
pub const ADJUSTMENTS: u32 = ANSWER + 12;
pub const MESSAGES: u32 = ANSWER + 28;
/// In the request: how many lines the cart has.
const LINES: u32 = 124;
/// Where memory begins that the kernel is given for its arguments.
const HEAP: i32 = 4096;

const I32: ValType = ValType::I32;

pub type Code = fn(&mut InstructionSink<'_>);

/// A function that a guest imports; it is function 0.
#[derive(Clone, Copy)]
pub struct Import {
    pub from: &'static str,
    pub name: &'static str,
    pub params: &'static [ValType],
    pub results: &'static [ValType],
}

/// A pricing plugin that answers honestly, but for what its parts do. Each may use two locals of its own, 4 and 5.
#[derive(Default)]
pub struct Guest {
    pub import: Option<Import>,
    /// Before anything is asked of it.
    pub start: Option<Code>,
    /// Whenever the kernel wants memory for its arguments.
    pub realloc: Option<Code>,
    /// Asked about a cart with lines, when the honest answer is written.
    pub price: Option<Code>,
    /// When the answer was read.
    pub post: Option<Code>,
    /// Pages of memory beyond the two that it needs.
    pub more_pages: u64,
}

impl Guest {
    /// The file of a plugin with this name.
    pub fn file(&self, name: &str) -> Vec<u8> {
        named(name, &try_component(self.module()).expect("a component"))
    }

    fn module(&self) -> Vec<u8> {
        let mut parts = Parts::default();
        if let Some(Import { from, name, params, results }) = self.import {
            let ty = parts.ty(params, results);
            parts.imports.import(from, name, EntityType::Function(ty));
            parts.count += 1;
        }
        let realloc = parts.function(&[I32; 4], &[I32], |code| allocate(code, self.realloc));
        parts.exports.export("cabi_realloc", ExportKind::Func, realloc);
        let price = parts.function(&[I32], &[I32], |code| answer(code, self.price));
        parts.exports.export("kassa:pricing/pricing@0.1.0#price", ExportKind::Func, price);
        if let Some(post) = self.post {
            let post = parts.function(&[I32], &[], post);
            parts.exports.export("cabi_post_kassa:pricing/pricing@0.1.0#price", ExportKind::Func, post);
        }
        let start = self.start.map(|start| parts.function(&[], &[], start));
        parts.finish(2 + self.more_pages, start)
    }
}

/// The sections of a module on its way.
#[derive(Default)]
struct Parts {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    exports: ExportSection,
    code: CodeSection,
    count: u32,
}

impl Parts {
    fn ty(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        self.types.ty().function(params.iter().copied(), results.iter().copied());
        self.types.len() - 1
    }

    /// Adds a function; the locals 4 and 5 are free in each.
    fn function(
        &mut self,
        params: &[ValType],
        results: &[ValType],
        body: impl FnOnce(&mut InstructionSink<'_>),
    ) -> u32 {
        let ty = self.ty(params, results);
        self.functions.function(ty);
        let mut function = Function::new([(6 - params.len() as u32, I32)]);
        let mut code = function.instructions();
        body(&mut code);
        code.end();
        self.code.function(&function);
        self.count += 1;
        self.count - 1
    }

    fn finish(mut self, pages: u64, start: Option<u32>) -> Vec<u8> {
        let mut tables = TableSection::new();
        let element_type = RefType::FUNCREF;
        tables.table(TableType { element_type, table64: false, minimum: 1, maximum: None, shared: false });
        let mut memories = MemorySection::new();
        let limits = MemoryType { minimum: pages, maximum: None, memory64: false, shared: false, page_size_log2: None };
        memories.memory(limits);
        let mut globals = GlobalSection::new();
        let heap = GlobalType { val_type: I32, mutable: true, shared: false };
        globals.global(heap, &ConstExpr::i32_const(HEAP));
        self.exports.export("memory", ExportKind::Memory, 0);
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions).section(&tables);
        module.section(&memories).section(&globals).section(&self.exports);
        if let Some(function_index) = start {
            module.section(&StartSection { function_index });
        }
        module.section(&self.code);
        module.finish()
    }
}

/// What is wanted begins where the last ended, at its own alignment; nothing is given back.
fn allocate(code: &mut InstructionSink<'_>, before: Option<Code>) {
    if let Some(before) = before {
        before(code);
    }
    code.global_get(0).local_get(2).i32_add().i32_const(1).i32_sub();
    code.i32_const(0).local_get(2).i32_sub().i32_and().local_tee(4);
    code.local_get(3).i32_add().global_set(0).local_get(4);
}

/// An answer in the currency of the request, which is its first field.
fn answer(code: &mut InstructionSink<'_>, to_shoppers: Option<Code>) {
    for at in [0, 4] {
        code.i32_const(CURRENCY as i32 + at).local_get(0).i32_load(word(at as u64)).i32_store(word(0));
    }
    if let Some(to_shoppers) = to_shoppers {
        code.local_get(0).i32_load(word(LINES.into())).if_(BlockType::Empty);
        to_shoppers(code);
        code.end();
    }
    code.i32_const(ANSWER as i32);
}

fn word(offset: u64) -> MemArg {
    MemArg { offset, align: 2, memory_index: 0 }
}

/// Puts a number into the guest's memory.
pub fn write(code: &mut InstructionSink<'_>, at: u32, value: i32) {
    code.i32_const(at as i32).i32_const(value).i32_store(word(0));
}

/// For ever.
pub fn spin(code: &mut InstructionSink<'_>) {
    code.loop_(BlockType::Empty).br(0).end();
}

/// Again and again, until what `step` leaves on the stack is -1; then it traps.
pub fn until_refused(code: &mut InstructionSink<'_>, step: Code) {
    code.loop_(BlockType::Empty);
    step(code);
    code.i32_const(-1).i32_ne().br_if(0).end().unreachable();
}

/// A pricing plugin of this module, where it has what one has.
pub fn try_component(module: Vec<u8>) -> Result<Vec<u8>, String> {
    let mut resolve = Resolve::default();
    for folder in ["types", "host", "pricing"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit").join(folder).join("0.1.0");
        resolve.push_dir(folder).expect("the contract");
    }
    encode(resolve, &PACKAGES, module)
}

/// A component that has the types of the world `plugin` of the last of `packages`, of which none is the contract's own.
pub fn foreign(packages: &[&str], module: Vec<u8>) -> Vec<u8> {
    encode(Resolve::default(), packages, module).expect("a component")
}

fn encode(mut resolve: Resolve, packages: &[&str], mut module: Vec<u8>) -> Result<Vec<u8>, String> {
    let ids: Vec<_> = packages.iter().map(|text| resolve.push_str("test.wit", text).expect("a package")).collect();
    let world = resolve.select_world(&ids[ids.len() - 1..], Some("plugin")).expect("a world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("its types");
    let mut encoder = ComponentEncoder::default();
    let encoded = encoder.module(&module).and_then(|encoder| encoder.encode());
    encoded.map_err(|error| format!("{error:?}"))
}

/// A module of functions that answer 0 where they answer at all, under these names.
pub fn module_of(exports: &[(&str, &[ValType], &[ValType])]) -> Vec<u8> {
    let mut parts = Parts::default();
    for (name, params, results) in exports {
        let function = parts.function(params, results, |code| {
            if !results.is_empty() {
                code.i32_const(0);
            }
        });
        parts.exports.export(name, ExportKind::Func, function);
    }
    let realloc = parts.function(&[I32; 4], &[I32], |code| allocate(code, None));
    parts.exports.export("cabi_realloc", ExportKind::Func, realloc);
    parts.finish(2, None)
}

/// The component as a plugin file with this name.
pub fn named(name: &str, component: &[u8]) -> Vec<u8> {
    let texts = [("name", name), ("version", "1.0.0")];
    let description = texts.map(|(field, text)| (field.to_owned(), Value::from(text))).into_iter().collect();
    pack(component, description, Path::new("")).expect("packed")
}
