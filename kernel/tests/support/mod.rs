//! What all cases share: registration, backends, a running shop, a client.

pub mod app;
pub mod audit;
pub mod backend;
pub mod components;
pub mod direct;
pub mod emulator;
pub mod merchant;
pub mod prices;
pub mod process;
pub mod receiver;
pub mod schema;
pub mod shopper;
pub mod stock;
pub mod wasm;

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

pub use app::App;
pub use backend::Backend;

type Run = fn(App) -> Pin<Box<dyn Future<Output = ()>>>;

/// A case that runs on every backend.
pub struct ApiCase {
    pub module: &'static str,
    pub name: &'static str,
    pub run: Run,
}

/// A case that needs no shop.
pub struct PlainCase {
    pub module: &'static str,
    pub name: &'static str,
    pub run: fn(),
}

inventory::collect!(ApiCase);
inventory::collect!(PlainCase);

/// Registers `async fn name(app: App)`, to be run on SQLite and on PostgreSQL.
macro_rules! api_test {
    ($(#[doc = $doc:literal])* async fn $name:ident($app:ident: App) $body:block) => {
        $(#[doc = $doc])*
        async fn $name($app: $crate::support::App) $body
        ::inventory::submit! {
            $crate::support::ApiCase {
                module: module_path!(),
                name: stringify!($name),
                run: |app| Box::pin($name(app)),
            }
        }
    };
}

/// Registers `fn name()`.
macro_rules! plain_test {
    ($(#[doc = $doc:literal])* fn $name:ident() $body:block) => {
        $(#[doc = $doc])*
        fn $name() $body
        ::inventory::submit! {
            $crate::support::PlainCase { module: module_path!(), name: stringify!($name), run: $name }
        }
    };
}

/// Runs what the arguments select, and says at the end what was not covered.
pub fn run() -> ExitCode {
    let arguments = Arguments::from_args();
    let postgres = backend::postgres_answers();
    let required = std::env::var_os("KASSA_TEST_REQUIRE_BACKENDS").is_some_and(|value| value == "1");
    let mut trials: Vec<Trial> = inventory::iter::<PlainCase>.into_iter().map(plain_trial).collect();
    for case in inventory::iter::<ApiCase> {
        trials.push(api_trial(case, Backend::Sqlite, true));
        trials.push(api_trial(case, Backend::Postgres, postgres.is_ok() || required));
    }
    trials.sort_by(|a, b| a.name().cmp(b.name()));
    let conclusion = libtest_mimic::run(&arguments, trials);
    backend::clean_up();
    if let Err(reason) = postgres {
        eprintln!(
            "\nNOT COVERED: PostgreSQL ({reason}). Set KASSA_TEST_POSTGRES to a server that may be written to.\n"
        );
    }
    conclusion.exit_code()
}

/// The name of the threads that serve the shop of a case.
pub fn thread_name(case: &str, backend: Backend) -> String {
    format!("{case} {}", backend.name())
}

fn plain_trial(case: &'static PlainCase) -> Trial {
    Trial::test(name(case.module, case.name), move || {
        (case.run)();
        Ok(())
    })
}

fn api_trial(case: &'static ApiCase, backend: Backend, covered: bool) -> Trial {
    let trial = Trial::test(format!("{}::{}", name(case.module, case.name), backend.name()), move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            // Whose threads they are: `plans` listens to one case among all that run at a time.
            .thread_name(thread_name(case.name, backend))
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| Failed::from(error.to_string()))?;
        runtime.block_on(async {
            let app = App::start(backend).await;
            let stop = app.stopper();
            (case.run)(app).await;
            stop.stop().await;
        });
        Ok(())
    });
    trial.with_ignored_flag(!covered)
}

/// `routes::carts::a_line_is_added`, without the name of the binary.
fn name(module: &str, name: &str) -> String {
    match module.split_once("::") {
        Some((_, module)) => format!("{module}::{name}"),
        None => name.to_owned(),
    }
}
