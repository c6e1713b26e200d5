//! Components put together by hand, for what no compiler would make.

use wasm_encoder::{BlockType, CodeSection, Function, FunctionSection, Module, TypeSection, ValType};

/// The component with one more core module in it, which it never uses; the scan and the compiler meet it all the same.
pub fn with_module(component: &[u8], module: &[u8]) -> Vec<u8> {
    use wasm_encoder::Encode;
    let mut whole = component.to_vec();
    // A section of core modules has the id 1 and holds one.
    whole.push(1);
    module.encode(&mut whole);
    whole
}

/// A module of functions with so many bytes each: hundreds of variables, each of which may have been changed at each of thousands of
/// forks. Every compiler must find out which value is where.
pub fn busy_module(functions: u32, bytes: usize) -> Vec<u8> {
    const LOCALS: usize = 500;
    let mut types = TypeSection::new();
    types.ty().function([ValType::I64; 2], [ValType::I64]);
    let mut declared = FunctionSection::new();
    let mut code = CodeSection::new();
    for _ in 0..functions {
        declared.function(0);
        let mut body = Function::new([(LOCALS as u32, ValType::I64)]);
        let mut instructions = body.instructions();
        let local = |number: usize| (2 + number % LOCALS) as u32;
        // At most 16 bytes a round.
        for round in 0..bytes / 17 {
            instructions.local_get(local(round)).i64_eqz().if_(BlockType::Empty);
            instructions.local_get(local(round + 7)).i64_const(1).i64_add().local_set(local(round * 13)).end();
        }
        instructions.local_get(0).end();
        code.function(&body);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    module.finish()
}

/// A module whose only function leaves nothing where its type promises a number.
pub fn invalid_module() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], [ValType::I64]);
    let mut declared = FunctionSection::new();
    declared.function(0);
    let mut body = Function::new([]);
    body.instructions().end();
    let mut code = CodeSection::new();
    code.function(&body);
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    module.finish()
}
