//! `kassa-bench hostile`.

use std::time::Duration;

use clap::Args;
use kassa_bench::beside::{LINES, MODES, Pair, Times};
use kassa_bench::{Result, machine};

#[derive(Args)]
pub struct Hostile {
    /// Who call the hostile plugin at once
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    callers: u16,
    /// Seconds for which quotes are asked for, alone and again beside each attack
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

/// Whether all was measured.
pub async fn run(arguments: &Hostile) -> Result<bool> {
    println!("{}", machine::describe());
    println!("quotes for {LINES} lines, µs; beside them {} callers of the hostile plugin", arguments.callers);
    println!("{:<18}{:>20}{:>20}{:>8}  how its calls ended", "", "alone p50 / p99", "beside p50 / p99", "p99 ×");
    let pair = Pair::load().await?;
    for mode in MODES {
        let time = Duration::from_secs(arguments.seconds);
        let measured = pair.beside(mode, arguments.callers.into(), time).await?;
        let times = micros(&measured.beside)[1] / micros(&measured.alone)[1];
        let ended: Vec<_> = measured.ended.iter().map(|(code, count)| format!("{count} {code}")).collect();
        let (alone, beside) = (shown(&measured.alone), shown(&measured.beside));
        println!("{mode:<18}{alone:>20}{beside:>20}{times:>8.2}  {}", ended.join(", "));
    }
    Ok(true)
}

fn shown(times: &Times) -> String {
    let [p50, p99] = micros(times);
    format!("{p50:.1} / {p99:.1}")
}

fn micros(times: &Times) -> [f64; 2] {
    [0.5, 0.99].map(|quantile| times.value_at_quantile(quantile) as f64 / 1_000.0)
}
