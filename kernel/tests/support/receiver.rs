//! A receiver of webhooks: it answers what it is told to and keeps what it is sent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
}

struct State {
    answers: VecDeque<&'static str>,
    received: Vec<Received>,
}

/// Nobody holds so many answers back.
const ALL: usize = 1_000;

/// A running receiver. It ends with the case.
pub struct Receiver {
    pub url: String,
    state: Arc<Mutex<State>>,
    /// A permit for each answer that may go out.
    let_go: Arc<Semaphore>,
}

impl Receiver {
    /// Answers these status lines (`410 Gone`), one after the other, and then `200 OK`.
    pub async fn start(answers: &[&'static str]) -> Self {
        let receiver = Self::start_silent(answers).await;
        receiver.let_go();
        receiver
    }

    /// Takes what comes, and answers nothing before it is [let go](Self::let_go).
    pub async fn start_silent(answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let state = State { answers: answers.iter().copied().collect(), received: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let let_go = Arc::new(Semaphore::new(0));
        let (kept, may_answer) = (state.clone(), let_go.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, kept.clone(), may_answer.clone()));
            }
        });
        Self { url, state, let_go }
    }

    pub fn let_go(&self) {
        self.let_go.add_permits(ALL);
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.lock().expect("no panic").received.clone()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>, may_answer: Arc<Semaphore>) {
    let mut bytes = Vec::new();
    let received = loop {
        match whole(&bytes) {
            Some(received) => break received,
            None if stream.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) => {}
            None => return,
        }
    };
    let status = {
        let mut state = state.lock().expect("no panic");
        state.received.push(received);
        state.answers.pop_front().unwrap_or("200 OK")
    };
    may_answer.acquire().await.expect("never closed").forget();
    let text = "x".repeat(2_000);
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", text.len());
    // Who asked may have gone; it keeps the beginning of the text only.
    let _ = stream.write_all(format!("{head}{text}").as_bytes()).await;
}

fn whole(bytes: &[u8]) -> Option<Received> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let headers: HashMap<_, _> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    (body.len() >= length).then(|| Received { headers, body: body.to_owned() })
}
