//! The real program on what a case has: for cases that look at a process, or kill one.

use std::fmt::Write as _;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::App;

/// Settings that the shops of cases have, wherever they run.
const SETTINGS: &str = "
[throttle.logins]
per_hour = 0
[throttle.registrations]
per_hour = 0
[orders]
reconcile_interval_ms = 50
reconcile_after_ms = 3000
[events]
poll_interval_ms = 100
[log]
filter = 'warn'
";

/// `kassa serve`. It ends with the case, however that goes.
pub struct Process {
    /// The shop of the case, which the process serves.
    pub app: App,
    child: Child,
}

impl Process {
    /// Stops the kernel of `app`, if it runs here, and starts the program on what it left; `settings` are TOML, in sections of their own.
    pub async fn start(app: &App, settings: &str) -> Self {
        app.leave().await;
        let log = app.data().join("kassa.log");
        let mut command = kassa(app, settings);
        command.arg("serve").stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        command.stderr(std::fs::File::create(&log).expect("a file for its log"));
        let mut child = command.spawn().expect("kassa starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).await.expect("its output");
        let Some(url) = line.trim().strip_prefix("ready ") else {
            panic!("it is not ready: {line:?} {}", std::fs::read_to_string(&log).unwrap_or_default());
        };
        Self { app: app.served_at(url), child }
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("nobody waited for its end")
    }

    /// Whether it is still the process that was started.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("its state is known").is_none()
    }

    /// Bytes that it has in memory; none where the system does not tell.
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib << 10)
    }

    /// Ends it where it is, with nothing put in order.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("killed");
    }
}

/// `kassa`, with the settings of the case's shop.
pub fn kassa(app: &App, settings: &str) -> Command {
    let config = app.shop.config();
    let mut text = String::new();
    let url = &config.database.url;
    write!(text, "[data]\ndir = '{}'\n[database]\nurl = '{url}'\nconnections = 4\n", app.data().display())
        .expect("text");
    text += SETTINGS;
    text += settings;
    let file = app.data().join("shop.toml");
    std::fs::write(&file, text).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kassa"));
    // Settings of the terminal would make it another shop.
    command.env_clear().current_dir(app.data()).env("KASSA__HTTP__LISTEN", "127.0.0.1:0").arg("--config").arg(file);
    command
}
