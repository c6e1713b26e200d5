//! What a call does, and what it takes: the shop's time, its memory, its log, its handles.

use serde_json::{Value, json};
use wasm_encoder::{BlockType, HeapType, InstructionSink, ValType};

use super::guest::{ADJUSTMENTS, ANSWER, CURRENCY, Guest, Import, MESSAGES, spin, until_refused, write};
use super::{Case, Meets, Words};
use crate::support::components::HOSTILE;

/// Of what never ends: how fast the machine is decides.
const TIME: Words = &["fuel-exhausted", "deadline-exceeded"];
const MIB: i32 = 1 << 20;

pub(super) fn cases() -> Vec<Case> {
    [by_compilers(), by_hand(), at_the_border()].into_iter().flatten().collect()
}

/// The plugin whose settings say how it misbehaves.
pub(super) fn mode(mode: &'static str, words: Words) -> Case {
    let settings = json!({ "mode": mode, "spare_probe": true });
    Case { name: mode, plugin: "hostile-pricing", file: HOSTILE.clone(), settings, meets: Meets::Cart(words) }
}

fn by_compilers() -> Vec<Case> {
    vec![
        mode("loop", TIME),
        mode("recurse", &["trapped", "stack-overflow", "memory-exceeded"]),
        mode("recurse-flat", &["stack-overflow"]),
        mode("allocate", &["memory-exceeded", "fuel-exhausted", "deadline-exceeded"]),
        mode("trap", &["trapped"]),
        mode("panic", &["trapped"]),
        mode("error", &["plugin-internal"]),
        mode("text-50mb", &["answer-too-large", "memory-exceeded", "fuel-exhausted", "deadline-exceeded"]),
        mode("log-long", &["answer-too-large"]),
        mode("log-flood", TIME),
        // A sleep is over at once: no time passes for a plugin.
        Case { meets: Meets::Nothing, ..mode("sleep", &[]) },
        Case {
            meets: Meets::Binding(TIME),
            settings: json!({ "mode": "loop-in-settings" }),
            ..mode("loop-in-settings", &[])
        },
    ]
}

fn hand(name: &'static str, guest: &Guest, meets: Meets) -> Case {
    Case { name, plugin: name, file: guest.file(name), settings: Value::Object(Default::default()), meets }
}

fn importing(from: &'static str, name: &'static str, params: &'static [ValType], results: &'static [ValType]) -> Guest {
    Guest { import: Some(Import { from, name, params, results }), ..Guest::default() }
}

fn by_hand() -> Vec<Case> {
    use ValType::{I32, I64};
    let cart = |name, guest: Guest, words| hand(name, &guest, Meets::Cart(words));
    let memory = Guest {
        price: Some(|code| until_refused(code, |code| _ = code.i32_const(1).memory_grow(0))),
        ..Guest::default()
    };
    let table = Guest { price: Some(grow_table), ..Guest::default() };
    let handles = importing("wasi:cli/stdout@0.2.6", "get-stdout", &[], &[I32]);
    let settings = importing("kassa:host/settings@0.1.0", "get", &[I32], &[]);
    let random = importing("wasi:random/random@0.2.6", "get-random-bytes", &[I64, I32], &[]);
    let exit = importing("wasi:cli/exit@0.2.6", "exit", &[I32], &[]);
    vec![
        cart("grows-its-memory", memory, &["memory-exceeded"]),
        cart("grows-its-table", table, &["trapped"]),
        cart("fills-its-memory", Guest { price: Some(fill), ..Guest::default() }, TIME),
        cart(
            "opens-streams",
            Guest { price: Some(|code| _ = code.loop_(BlockType::Empty).call(0).drop().br(0).end()), ..handles },
            &["trapped"],
        ),
        cart("asks-for-its-settings", Guest { price: Some(ask_again), ..settings }, &["host-calls-exceeded"]),
        cart(
            "asks-for-all-randomness",
            Guest { price: Some(|code| _ = code.i64_const(i64::MAX).i32_const(2048).call(0)), ..random },
            &["trapped"],
        ),
        cart("ends-the-program", Guest { price: Some(|code| _ = code.i32_const(0).call(0)), ..exit }, &["trapped"]),
    ]
}

/// Answers and arguments cross the border by pointers, and both sides say where.
fn at_the_border() -> Vec<Case> {
    let cart = |name, price, words| hand(name, &Guest { price: Some(price), ..Guest::default() }, Meets::Cart(words));
    let realloc =
        |name, realloc, words| hand(name, &Guest { realloc: Some(realloc), ..Guest::default() }, Meets::Binding(words));
    let settings = importing("kassa:host/settings@0.1.0", "get", &[ValType::I32], &[]);
    let calling_back = Guest { realloc: Some(|code| _ = code.i32_const(2048).call(0)), ..settings };
    let broken: Words = &["invalid-answer"];
    vec![
        cart(
            "a-list-of-two-billion",
            |code| write(code, ADJUSTMENTS + 4, i32::MAX),
            &["invalid-answer", "answer-too-large"],
        ),
        cart("a-list-beyond-memory", |code| list(code, MESSAGES, 131_064, 2), broken),
        cart("a-list-that-is-not-aligned", |code| list(code, ADJUSTMENTS, 2049, 1), broken),
        cart("a-case-that-there-is-not", |code| write(code, ANSWER, 255), broken),
        cart("a-text-that-is-not-utf-8", not_utf8, broken),
        cart("a-currency-beyond-memory", |code| write(code, CURRENCY, -16), broken),
        hand("spins-when-it-was-read", &Guest { post: Some(spin), ..Guest::default() }, Meets::Binding(TIME)),
        realloc(
            "has-no-room-for-arguments",
            |code| _ = code.i32_const(-8).global_set(0),
            &["invalid-answer", "trapped"],
        ),
        realloc("spins-when-it-is-asked", spin, TIME),
        hand("calls-back-when-it-is-asked", &calling_back, Meets::Binding(&["invalid-answer", "trapped"])),
    ]
}

fn grow_table(code: &mut InstructionSink<'_>) {
    until_refused(code, |code| _ = code.ref_null(HeapType::FUNC).i32_const(1_000).table_grow(0));
}

/// Many bytes with one instruction, again and again.
fn fill(code: &mut InstructionSink<'_>) {
    code.i32_const(512).memory_grow(0).drop();
    code.loop_(BlockType::Empty).i32_const(0).i32_const(0).i32_const(32 * MIB).memory_fill(0).br(0).end();
}

fn ask_again(code: &mut InstructionSink<'_>) {
    code.loop_(BlockType::Empty).i32_const(2048).call(0);
    // The memory that the answer took is there again.
    code.i32_const(4096).global_set(0).br(0).end();
}

fn list(code: &mut InstructionSink<'_>, at: u32, pointer: i32, length: i32) {
    write(code, at, pointer);
    write(code, at + 4, length);
}

fn not_utf8(code: &mut InstructionSink<'_>) {
    write(code, 2048, -1);
    list(code, CURRENCY, 2048, 3);
}
