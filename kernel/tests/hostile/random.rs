//! Files and code that nobody wrote: modules and components drawn at random, files with a byte changed, carts priced by random code.
//!
//! Each is taken or refused; none ends the process. So many of each kind as `KASSA_TEST_RANDOM_FILES` says, or 50; on each
//! database others.

use arbitrary::{Arbitrary, Unstructured};
use reqwest::Method;
use serde_json::json;
use wasm_encoder::{
    CodeSection, ComponentSectionId, ExportKind, ExportSection, Function, FunctionSection, Module, RawSection,
    TypeSection, ValType,
};
use wasm_smith::Config;
use wasmparser::{Parser, Payload};

use super::guest::{named, try_component};
use super::{Ground, SETTINGS, sign_in};
use crate::support::Backend;
use crate::support::app::Answer;
use crate::support::components::PERCENT_V1;
use crate::support::process::Process;
use crate::support::wasm::with_module;

const PRICE: &str = "kassa:pricing/pricing@0.1.0#price";

/// What chance is made of here: the same for the same number. By Steele, Lea and Flood (SplitMix64).
fn chance(number: u64) -> Vec<u8> {
    let mut state = number;
    let mut word = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    (0..512).flat_map(|_| word().to_le_bytes()).collect()
}

/// A module of any kind, now and then with bodies that are none.
fn module(number: u64) -> arbitrary::Result<Vec<u8>> {
    let bytes = chance(number);
    let mut chance = Unstructured::new(&bytes);
    let config = Config { allow_invalid_funcs: chance.ratio(1, 4)?, ..Config::arbitrary(&mut chance)? };
    Ok(with_module(&PERCENT_V1, &wasm_smith::Module::new(config, &mut chance)?.to_bytes()))
}

/// A component within the plugin.
fn component(number: u64) -> arbitrary::Result<Vec<u8>> {
    use wasm_encoder::Encode;
    let bytes = chance(number);
    let inner = wasm_smith::Component::new(Config::default(), &mut Unstructured::new(&bytes))?.to_bytes();
    let mut whole = PERCENT_V1.clone();
    whole.push(ComponentSectionId::Component.into());
    inner.as_slice().encode(&mut whole);
    Ok(whole)
}

/// The plugin with another byte somewhere.
fn changed(number: u64) -> arbitrary::Result<Vec<u8>> {
    let bytes = chance(number);
    let mut chance = Unstructured::new(&bytes);
    let mut whole = PERCENT_V1.clone();
    let at = chance.choose_index(whole.len())?;
    whole[at] ^= chance.int_in_range(1..=u8::MAX)?;
    Ok(whole)
}

/// A plugin whose every function is random code of the right type.
fn code(number: u64) -> Option<Vec<u8>> {
    let bytes = chance(number);
    let nothing = Module::new().finish();
    let config = Config {
        exports: Some(shape()),
        available_imports: Some(nothing),
        min_memories: 1,
        max_memories: 1,
        max_memory32_bytes: 1 << 20,
        bulk_memory_enabled: true,
        ..Config::default()
    };
    let module = wasm_smith::Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    let component = try_component(exporting_memory(&module.to_bytes())).ok()?;
    Some(named(&format!("random-{number}"), &component))
}

/// What such a plugin exports.
fn shape() -> Vec<u8> {
    let (mut types, mut functions, mut exports, mut code) =
        (TypeSection::new(), FunctionSection::new(), ExportSection::new(), CodeSection::new());
    for (number, (name, params)) in (0..).zip([("cabi_realloc", 4), (PRICE, 1)]) {
        types.ty().function(vec![ValType::I32; params], [ValType::I32]);
        functions.function(number);
        exports.export(name, ExportKind::Func, number);
        let mut body = Function::new([]);
        body.instructions().unreachable().end();
        code.function(&body);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&exports).section(&code);
    module.finish()
}

/// The module, whose exports are functions, with its memory among them.
fn exporting_memory(module: &[u8]) -> Vec<u8> {
    let mut whole = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.expect("a valid module");
        if let Payload::ExportSection(section) = &payload {
            let mut exports = ExportSection::new();
            for export in section.clone() {
                let export = export.expect("a valid module");
                exports.export(export.name, ExportKind::Func, export.index);
            }
            exports.export("memory", ExportKind::Memory, 0);
            whole.section(&exports);
        } else if let Some((id, range)) = payload.as_section() {
            whole.section(&RawSection { id, data: &module[range] });
        }
    }
    whole.finish()
}

/// How many were taken, and how many refused.
#[derive(Debug, Default)]
struct Counts {
    taken: u32,
    refused: u32,
}

impl Counts {
    fn count(&mut self, what: &str, number: u64, answer: &Answer) {
        let problem = answer.body["type"].as_str().unwrap_or_default();
        match (answer.status, problem) {
            // The plugin's name and version are taken after the first of them: it was compiled and looked at.
            (200 | 201, _) | (_, "/problems/plugin-version-taken") => self.taken += 1,
            (_, "/problems/plugin-rejected" | "/problems/binding-rejected" | "/problems/pricing-unavailable") => {
                self.refused += 1
            }
            _ => panic!("{what} {number}: {} {}", answer.status, answer.body),
        }
    }
}

/// Takes a plugin of random code as far as it comes.
async fn price_by(ground: &Ground<'_>, number: u64, file: &[u8], counts: &mut Counts) {
    let uploaded = ground.upload(file).await;
    if uploaded.status != 201 {
        return counts.count("code", number, &uploaded);
    }
    let bound = ground.bind(&format!("random-{number}"), Some(&json!({}))).await;
    counts.count("code", number, &bound);
    if bound.status == 200 {
        let priced = ground.shopper.send(Method::GET, "", None).await;
        counts.count("code", number, &priced);
        ground.bind("pricing-standard", None).await.expect(200);
    }
}

api_test! {
    async fn what_nobody_wrote_is_taken_or_refused(app: App) {
        app.merchant().await;
        let mut process = Process::start(&app, SETTINGS).await;
        let files = std::env::var("KASSA_TEST_RANDOM_FILES").map_or(50, |text| text.parse().expect("a number of files"));
        let first = if app.backend == Backend::Sqlite { 0 } else { 1 << 32 };
        type Make = fn(u64) -> arbitrary::Result<Vec<u8>>;
        let kinds: [(&str, Make); 3] = [("module", module), ("component", component), ("changed", changed)];
        for (what, make) in kinds {
            let ground = Ground::of(&process.app, &sign_in(&process.app).await).await;
            let mut counts = Counts::default();
            for number in first..first + files {
                // Chance may run out before there is anything.
                let Ok(file) = make(number) else { continue };
                counts.count(what, number, &ground.upload(&file).await);
            }
            assert!(counts.taken > 0 && counts.refused > 0, "{what}: {counts:?}");
        }
        let ground = Ground::of(&process.app, &sign_in(&process.app).await).await;
        let mut counts = Counts::default();
        for number in first..first + files {
            if let Some(file) = code(number) {
                price_by(&ground, number, &file, &mut counts).await;
            }
        }
        assert!(counts.taken + counts.refused > 0, "{counts:?}");
        assert_eq!(ground.shopper.show().await["total"], ground.total);
        assert!(process.runs(), "it ended");
        process.kill().await;
    }
}
