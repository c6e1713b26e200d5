//! A merchant's connection to a running shop.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use kassa::Config;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// Which shop, and as whom.
#[derive(Args)]
pub struct Remote {
    /// The shop; the address of the settings where none is given
    #[arg(long, env = "KASSA_URL")]
    url: Option<String>,
    /// The merchant's e-mail address; from the credentials file of the first start where none is given
    #[arg(long, env = "KASSA_EMAIL")]
    email: Option<String>,
    /// The password, better given by the environment than on the command line
    #[arg(long, env = "KASSA_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// A code of the merchant's second factor, where they have one
    #[arg(long, env = "KASSA_CODE", hide_env_values = true)]
    code: Option<String>,
}

/// A signed-in merchant.
pub struct Merchant {
    client: Client,
    url: String,
    tokens: Mutex<Tokens>,
}

struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    fn of(answer: &Value) -> Self {
        let token = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        Self { access: token("access_token"), refresh: token("refresh_token") }
    }
}

impl Merchant {
    pub async fn log_in(config: &Config, remote: &Remote) -> Result<Self, Box<dyn Error>> {
        let url = remote.url.clone().unwrap_or_else(|| format!("http://{}", config.http.listen));
        let url = url.trim_end_matches('/').to_owned();
        let (email, password) = match (&remote.email, &remote.password) {
            (Some(email), Some(password)) => (email.clone(), password.clone()),
            _ => read_credentials(config)?,
        };
        let client = Client::new();
        let login = client.post(format!("{url}/v1/auth/login"));
        let mut tokens = read(login.json(&json!({ "email": email, "password": password })).send().await?).await?;
        if tokens["second_factor_required"] == true {
            let code =
                remote.code.as_deref().ok_or("the account has a second factor: give a code of it with --code")?;
            let proof = client.post(format!("{url}/v1/auth/second-factor"));
            let proof = proof.json(&json!({ "challenge": tokens["challenge"], "code": code }));
            tokens = read(proof.send().await?).await?;
        }
        Ok(Self { client, url, tokens: Mutex::new(Tokens::of(&tokens)) })
    }

    /// A request that [`Self::send`] or [`Self::answer`] sends.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Sends a request as the merchant. An access token ends after minutes, and a command may take longer: where it has, the session gives
    /// the next one.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Box<dyn Error>> {
        let again = request.try_clone();
        let access = self.tokens.lock().await.access.clone();
        let response = request.bearer_auth(access).send().await?;
        match again {
            Some(again) if response.status() == StatusCode::UNAUTHORIZED => {
                Ok(again.bearer_auth(self.renew().await?).send().await?)
            }
            _ => Ok(response),
        }
    }

    /// The JSON of a good answer; a problem becomes an error with its texts.
    pub async fn answer(&self, request: RequestBuilder) -> Result<Value, Box<dyn Error>> {
        read(self.send(request).await?).await
    }

    /// The next access token of the session. Each refresh token is good once: nobody else may use this one meanwhile.
    async fn renew(&self) -> Result<String, Box<dyn Error>> {
        let mut tokens = self.tokens.lock().await;
        let refresh = self.client.post(format!("{}/v1/auth/refresh", self.url));
        let refresh = refresh.json(&json!({ "refresh_token": tokens.refresh }));
        *tokens =
            Tokens::of(&read(refresh.send().await?).await.map_err(|error| format!("the session is over: {error}"))?);
        Ok(tokens.access.clone())
    }

    /// Ends the session: a command leaves none behind.
    pub async fn log_out(self) -> Result<(), Box<dyn Error>> {
        let logout = self.client.post(format!("{}/v1/auth/logout", self.url));
        logout.json(&json!({ "refresh_token": self.tokens.into_inner().refresh })).send().await?;
        Ok(())
    }
}

async fn read(response: Response) -> Result<Value, Box<dyn Error>> {
    let status = response.status();
    let body: Value = response.json().await.unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    let text = |name: &str| body[name].as_str().map(|text| format!(": {text}")).unwrap_or_default();
    let mut message = format!("{status}{}{}{}", text("title"), text("reason"), text("detail"));
    for error in body["errors"].as_array().into_iter().flatten() {
        message +=
            &format!("\n  {} {}", error["pointer"].as_str().unwrap_or(""), error["detail"].as_str().unwrap_or(""));
    }
    for finding in body["findings"].as_array().into_iter().flatten() {
        message +=
            &format!("\n  {}: {}", finding["input"].as_str().unwrap_or(""), finding["detail"].as_str().unwrap_or(""));
    }
    Err(message.into())
}

fn read_credentials(config: &Config) -> Result<(String, String), Box<dyn Error>> {
    let path: PathBuf = config.data.dir.join("merchant-credentials.txt");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("give --email and KASSA_PASSWORD: {} cannot be read ({error})", path.display()))?;
    let value = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_prefix(':'))
            .map(|value| value.trim().to_owned())
    };
    value("email")
        .zip(value("password"))
        .ok_or_else(|| format!("{} names no email and password", path.display()).into())
}
