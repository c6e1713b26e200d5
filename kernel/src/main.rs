//! `kassa`: one program that is the shop and the tools around it.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(compiled) = kassa::plugins::compile::run_if_asked() {
        return compiled;
    }
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<cli::Status>() => {
            ExitCode::from(error.downcast_ref().map_or(1, |cli::Status(status)| *status))
        }
        Err(error) => {
            eprintln!("error: {}", cli::visible(&error.to_string()));
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {}", cli::visible(&error.to_string()));
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}
