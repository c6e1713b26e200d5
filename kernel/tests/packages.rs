//! Plugin files before they are in force: the card that tells what they are, who signed them, and the process that compiles them.

use std::path::Path;
use std::process::{Command, ExitCode, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kassa::plugins::build::{MANIFEST_SECTION, append_custom_section};
use kassa::plugins::compile::confine;
use kassa::plugins::{TrustedKey, Unsigned};
use minisign::KeyPair;
use reqwest::Method;
use serde_json::json;

use crate::support::app::Answer;
use crate::support::components::{PERCENT_V1, PERCENT_V2};
use crate::support::merchant::{Merchant, pointers};
use crate::support::wasm::{busy_module, invalid_module, with_module};

async fn upload(merchant: &Merchant<'_>, wasm: &[u8], signature: Option<&str>) -> Answer {
    let request = merchant.app.client.post(format!("{}/v1/admin/plugins", merchant.app.url));
    let request = request.bearer_auth(&merchant.token).header("content-type", "application/wasm");
    let request = match signature {
        Some(signature) => request.header("plugin-signature", STANDARD.encode(signature)),
        None => request,
    };
    Answer::of(request.body(wasm.to_vec())).await
}

fn key() -> KeyPair {
    KeyPair::generate_unencrypted_keypair().expect("a key pair")
}

fn trusted(key: &KeyPair) -> Vec<TrustedKey> {
    serde_json::from_value(json!([key.pk.to_base64()])).expect("a key that can be trusted")
}

fn sign(key: &KeyPair, file: &[u8]) -> String {
    minisign::sign(None, &key.sk, std::io::Cursor::new(file), None, None).expect("signed").into_string()
}

fn key_id(key: &KeyPair) -> String {
    key.pk.keynum().iter().rev().map(|byte| format!("{byte:02X}")).collect()
}

/// `kassa plugin …`, as a merchant with a shell types it.
pub async fn kassa(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kassa"));
    command.current_dir(folder).arg("plugin").args(arguments).envs(environment.iter().copied());
    tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("kassa starts")
}

api_test! {
    async fn the_card_on_the_desk_is_the_card_in_the_shop(app: App) {
        let key = key();
        let shop = app.another(|config| config.plugins.signatures.trusted_keys = trusted(&key)).await;
        shop.merchant().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("percent.wasm"), &*PERCENT_V1).unwrap();
        let public = key.pk.to_base64();
        let environment = [
            ("KASSA__PLUGINS__SIGNATURES__TRUSTED_KEYS", public.as_str()),
            ("KASSA_URL", &shop.url),
            ("KASSA_EMAIL", "merchant@example.org"),
            ("KASSA_PASSWORD", "correct horse battery staple"),
        ];
        for signature in [None, Some(sign(&key, &PERCENT_V1))] {
            if let Some(signature) = &signature {
                std::fs::write(folder.path().join("percent.wasm.minisig"), signature).unwrap();
            }
            let inspected = kassa(folder.path(), &environment, &["inspect", "percent.wasm"]).await;
            let pushed = kassa(folder.path(), &environment, &["push", "percent.wasm"]).await;
            assert!(inspected.status.success(), "{}", String::from_utf8_lossy(&inspected.stderr));
            let card = String::from_utf8(inspected.stdout).unwrap();
            assert_eq!(card, String::from_utf8_lossy(&pushed.stdout), "{}", String::from_utf8_lossy(&pushed.stderr));
            let signer = match &signature {
                Some(_) => format!("signature    by the trusted key {}\n", key_id(&key)),
                None => "signature    UNSIGNED\n".to_owned(),
            };
            for line in [
                "name         percent-off\n",
                "version      1.0.0\n",
                "licenses     Apache-2.0\n",
                "domain       pricing\n",
                "contract     0.2.0\n",
                "imports      kassa:host/log@0.1.0\n",
                "hosts        none\n",
                "kv           no\n",
                &signer,
            ] {
                assert!(card.contains(line), "{line}{card}");
            }
        }
    }
}

api_test! {
    async fn a_signature_is_verified_and_can_come_later(app: App) {
        let (ours, others) = (key(), key());
        let shop = app.another(|config| config.plugins.signatures.trusted_keys = trusted(&ours)).await;
        let merchant = Merchant::of(&shop).await;
        let unsigned = upload(&merchant, &PERCENT_V1, None).await.expect(201);
        assert_eq!(unsigned["signature"], json!({ "by": "unsigned", "key_id": null }));
        let unknown = upload(&merchant, &PERCENT_V1, Some(&sign(&others, &PERCENT_V1))).await.expect(201);
        assert_eq!(unknown["signature"], json!({ "by": "unknown-key", "key_id": key_id(&others) }));
        let signed = upload(&merchant, &PERCENT_V1, Some(&sign(&ours, &PERCENT_V1))).await.expect(201);
        let by_us = json!({ "by": "trusted", "key_id": key_id(&ours) });
        assert_eq!(signed["signature"], by_us);
        // Without a better one, it keeps the one that it has.
        for signature in [None, Some(sign(&others, &PERCENT_V1))] {
            let again = upload(&merchant, &PERCENT_V1, signature.as_deref()).await.expect(201);
            assert_eq!(again["signature"], by_us);
        }
        let listed = merchant.get("/v1/admin/plugins/percent-off").await.expect(200);
        assert_eq!(listed["versions"][0]["signature"], by_us);
        let standard = merchant.get("/v1/admin/plugins/pricing-standard").await.expect(200);
        assert_eq!(standard["versions"][0]["signature"]["by"], "kernel");

        for wrong in [sign(&ours, &PERCENT_V2), "RW".to_owned()] {
            upload(&merchant, &PERCENT_V1, Some(&wrong)).await.problem("plugin-rejected");
        }
        let request = shop.client.post(format!("{}/v1/admin/plugins", shop.url)).bearer_auth(&merchant.token);
        let request = request.header("content-type", "application/wasm").header("plugin-signature", "not Base64");
        Answer::of(request.body(PERCENT_V1.to_vec())).await.problem("plugin-rejected");
    }
}

api_test! {
    async fn where_unsigned_is_refused_nothing_unsigned_comes_in_force(app: App) {
        let (ours, others) = (key(), key());
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &PERCENT_V1, None).await.expect(201);
        let bind = json!({ "plugins": [{ "name": "percent-off", "version": "1.0.0", "settings": {} }] });
        merchant.put("/v1/admin/bindings/pricing", bind.clone()).await.expect(200);
        merchant.put("/v1/admin/bindings/pricing", json!({ "plugins": [{ "name": "pricing-standard" }] })).await.expect(200);

        let strict = app.restart_with(|config| {
            config.plugins.signatures.unsigned = Unsigned::Refused;
            config.plugins.signatures.trusted_keys = trusted(&ours);
        });
        let strict = strict.await;
        let merchant = Merchant { app: &strict, token: merchant.token };
        let refused = merchant.put("/v1/admin/bindings/pricing", bind.clone()).await.problem("binding-rejected");
        assert_eq!((&refused["plugin"], &refused["reason"]), (&json!("percent-off"), &json!("unsigned")));
        let rollback = "/v1/admin/bindings/pricing/rollback";
        merchant.post(rollback, json!({})).await.problem("binding-rejected");
        for signature in [None, Some(sign(&others, &PERCENT_V2))] {
            upload(&merchant, &PERCENT_V2, signature.as_deref()).await.problem("plugin-rejected");
        }
        upload(&merchant, &PERCENT_V1, Some(&sign(&ours, &PERCENT_V1))).await.expect(201);
        // It is known, and signed, by now.
        upload(&merchant, &PERCENT_V1, None).await.expect(201);
        merchant.put("/v1/admin/bindings/pricing", bind).await.expect(200);
        merchant.put("/v1/admin/bindings/pricing", json!({ "plugins": [{ "name": "pricing-standard" }] })).await.expect(200);
    }
}

api_test! {
    /// What a file says of itself is shown to people: it is held to rules.
    async fn a_file_that_says_nonsense_of_itself_is_refused(app: App) {
        let merchant = Merchant::of(&app).await;
        for (section, text) in [
            ("component-name", "\u{0}\u{3}\u{2}A b"),
            ("version", "1"),
            ("authors", "Ada\nGrace"),
            ("source", "javascript:alert(1)"),
        ] {
            let mut file = PERCENT_V1.clone();
            append_custom_section(&mut file, section, text.as_bytes());
            upload(&merchant, &file, None).await.problem("plugin-rejected");
        }
        let mut file = PERCENT_V1.clone();
        append_custom_section(&mut file, "authors", b"Ada Lovelace");
        append_custom_section(&mut file, "revision", b"4f2c1e");
        let card = upload(&merchant, &file, None).await.expect(201);
        assert_eq!((&card["authors"], &card["revision"]), (&json!("Ada Lovelace"), &json!("4f2c1e")));
    }
}

api_test! {
    /// The file passes the scan; what it takes is known only when it is compiled.
    async fn a_file_that_is_too_much_to_compile_is_refused(app: App) {
        let large = with_module(&PERCENT_V1, &busy_module(2, 250 << 10));
        for (cpu_s, wall_s, memory_mib, said) in
            [(1, 30, 4096, "1 s on the processor"), (60, 1, 4096, "1 s (plugins.compile.wall_s)"), (60, 60, 256, "256 MiB of memory")]
        {
            let shop = app.another(|config| {
                let compile = &mut config.plugins.compile;
                (compile.cpu_s, compile.wall_s, compile.memory_mib) = (cpu_s, wall_s, memory_mib);
            });
            let shop = shop.await;
            let merchant = Merchant::of(&shop).await;
            let refused = upload(&merchant, &large, None).await.problem("plugin-rejected");
            let reason = refused["reason"].as_str().unwrap();
            assert!(reason.contains(said), "{reason}");
            merchant.get("/v1/admin/plugins/percent-off").await.problem("not-found");
        }
    }
}

api_test! {
    async fn a_file_that_does_not_compile_is_refused_with_the_compilers_words(app: App) {
        let merchant = Merchant::of(&app).await;
        let refused = upload(&merchant, &with_module(&PERCENT_V1, &invalid_module()), None).await.problem("plugin-rejected");
        let reason = refused["reason"].as_str().unwrap();
        assert!(reason.contains("cannot be compiled") && reason.contains("type mismatch"), "{reason}");
        assert_eq!(merchant.app.send(Method::GET, "/v1/admin/plugins/percent-off", Some(&merchant.token), None).await.status, 404);
    }
}

api_test! {
    /// The schema first, which names every field; then the plugin's own word.
    async fn settings_are_held_against_the_schema_and_every_mistake_has_its_place(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &PERCENT_V1, None).await.expect(201);
        let wrong = json!({ "percent_bp": 10_001, "percent": "a secret" });
        let chain = json!({ "plugins": [{ "name": "pricing-standard" }, { "name": "percent-off", "settings": wrong }] });
        let problem = merchant.put("/v1/admin/bindings/pricing", chain).await.problem("binding-rejected");
        assert_eq!((&problem["plugin"], &problem["reason"]), (&json!("percent-off"), &json!("invalid-settings")));
        assert_eq!(pointers(&problem), ["/plugins/1/settings", "/plugins/1/settings/percent_bp"]);
        assert!(!problem.to_string().contains("a secret"), "{problem}");
        let binding = merchant.get("/v1/admin/bindings/pricing").await.expect(200);
        assert_eq!(binding["generation"], 1);
    }
}

api_test! {
    /// Thirty definitions that each name the next one twice: whoever held settings against that would never end.
    async fn a_schema_that_would_cost_too_much_is_refused_with_its_file(app: App) {
        let merchant = Merchant::of(&app).await;
        let next = |number: usize| json!({ "$ref": format!("#/$defs/d{number}") });
        let both = |number: usize| (format!("d{number}"), json!({ "allOf": [next(number + 1), next(number + 1)] }));
        let mut definitions: serde_json::Map<_, _> = (0..30).map(both).collect();
        definitions.insert("d30".into(), json!({}));
        let manifest = json!({ "settings": { "$ref": "#/$defs/d0", "$defs": definitions } });
        // Where the plugin's own manifest is, another section of no meaning; then the hostile one.
        let name = MANIFEST_SECTION.as_bytes();
        let mut file = PERCENT_V1.clone();
        let at = file.windows(name.len()).position(|window| window == name).expect("a manifest");
        file[at] = b'K';
        append_custom_section(&mut file, MANIFEST_SECTION, manifest.to_string().as_bytes());
        let refused = upload(&merchant, &file, None).await.problem("plugin-rejected");
        assert!(refused["reason"].as_str().unwrap().contains("more than 10000 values"), "{refused}");
    }
}

/// What a process that was confined tries.
const PROBE: &str = "probe-the-jail";

/// For `main`: the process that the case below starts.
pub fn probe_if_asked() -> Option<ExitCode> {
    if std::env::args().nth(1)? != PROBE {
        return None;
    }
    let mut file = std::fs::File::open("/proc/self/status").expect("before, files open");
    confine(2048, 5).expect("confined");
    let tries: [(&str, &dyn Fn() -> std::io::Result<()>); 7] = [
        ("open a file", &|| std::fs::File::open("/proc/self/status").map(drop)),
        ("write a file", &|| std::fs::write(std::env::temp_dir().join("kassa-jail"), "out").map(drop)),
        ("listen", &|| std::net::TcpListener::bind("127.0.0.1:0").map(drop)),
        ("send", &|| std::net::UdpSocket::bind("127.0.0.1:0").map(drop)),
        ("start a program", &|| Command::new("/bin/true").status().map(drop)),
        ("take memory", &|| Vec::<u8>::new().try_reserve_exact(4 << 30).map_err(std::io::Error::other)),
        ("start a thread", &|| std::thread::Builder::new().spawn(|| ()).map(drop)),
    ];
    for (what, attempt) in tries {
        println!("{what}: {}", if attempt().is_ok() { "yes" } else { "no" });
    }
    let read = std::io::Read::read(&mut file, &mut [0; 8]);
    println!("use what is open: {}", if read.is_ok() { "yes" } else { "no" });
    Some(ExitCode::SUCCESS)
}

#[cfg(target_os = "linux")]
plain_test! {
    /// Elsewhere there are the limits alone.
    fn a_confined_process_has_no_files_no_network_and_no_programs() {
        let program = std::env::current_exe().unwrap();
        let output = Command::new(program).arg(PROBE).env_clear().output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let expected = "open a file: no\nwrite a file: no\nlisten: no\nsend: no\nstart a program: no\ntake memory: no\n\
                        start a thread: no\nuse what is open: yes\n";
        assert_eq!(said, expected, "{}", String::from_utf8_lossy(&output.stderr));
    }
}
