//! The walk of the README, as it stands there, line for line.

use std::process::Command;

const README: &str = include_str!("../../README.md");

/// The block that begins with `SHOP=`: its first line names the address, the rest is run as it is.
fn script(url: &str) -> String {
    let block = README
        .split("```sh\n")
        .filter_map(|part| part.split("```").next())
        .find(|block| block.starts_with("SHOP="))
        .expect("the README has a walk");
    let (_, rest) = block.split_once('\n').expect("the walk has lines");
    format!("SHOP={url}\n{rest}")
}

api_test! {
    async fn the_walk_of_the_readme_ends_in_a_paid_order_and_a_mail(app: App) {
        let script = script(&app.url);
        let output = tokio::task::spawn_blocking(move || Command::new("sh").args(["-eu", "-c", &script]).output());
        let output = output.await.unwrap().expect("sh and curl are there");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(printed.contains(r#""status":"paid""#), "{printed}");
        let both = || async { Some(app.mails()).filter(|mails| mails.len() >= 2) };
        let mails = app.eventually("the mails of the order", both).await;
        assert!(mails.iter().all(|mail| mail.contains("ada@example.org") && mail.contains("1001")), "{mails:?}");
    }
}
