//! Requests as an API server sends them, and others.

use std::fs;

use hpa_override_testbed::{connector, seed, usage::memory};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{client::TlsStream, rustls::pki_types::ServerName};

use crate::Admitting;

/// How many malformed requests are sent.
const MALFORMED: &str = "HPA_OVERRIDE_MALFORMED_REQUESTS";

/// A connection as the API server has one.
pub struct Caller(TlsStream<TcpStream>);

impl Caller {
    pub async fn connect(admitting: &Admitting) -> Self {
        let ca = fs::read_to_string(admitting.folder.join("tls.crt")).unwrap();
        Self::connect_to(&admitting.address, &ca).await
    }

    pub async fn connect_to(address: &str, ca: &str) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        Self(connector(ca).unwrap().connect(name, socket).await.unwrap())
    }

    pub async fn send(&mut self, length: usize, body: &[u8]) -> std::io::Result<()> {
        let head = format!("POST /admit HTTP/1.1\r\nHost: webhook\r\nContent-Length: {length}\r\n\r\n");
        self.0.write_all(head.as_bytes()).await?;
        self.0.write_all(body).await
    }

    /// Status line and headers of the next answer, in lower case.
    pub async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap().to_lowercase()
    }

    /// Status and body of the next answer.
    pub async fn answer(&mut self) -> (u16, String) {
        let head = self.head().await;
        let after =
            |key: &str| head.split_once(key).map(|(_, rest)| rest.split_whitespace().next().unwrap().to_owned());
        let mut body = vec![0; after("content-length: ").unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).await.unwrap();
        (after("http/1.1 ").unwrap().parse().unwrap(), String::from_utf8(body).unwrap())
    }

    pub async fn ask(&mut self, body: &[u8]) -> (u16, String) {
        self.send(body.len(), body).await.unwrap();
        self.answer().await
    }
}

/// A review of an override that is as it should be.
pub fn review() -> String {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u", "kind": {"group": "hpa-override.dev", "version": "v1", "kind": "AutoscalerOverride"},
            "operation": "CREATE", "userInfo": {"username": "alice"},
            "object": {"metadata": {"namespace": "shop", "name": "a"}, "spec": {"hpa": "web", "minReplicas": 3, "duration": "1h"}},
        },
    })
    .to_string()
}

#[tokio::test]
async fn what_is_no_review_is_refused_and_ends_nothing() {
    let admitting = Admitting::start(json!({})).await;
    let mut caller = Caller::connect(&admitting).await;
    assert_eq!(caller.ask(b"").await.0, 400);
    let (status, body) = caller.ask(br#"{"apiVersion":"v1","kind":"Pod","request":{"uid":"u"}}"#).await;
    assert_eq!(
        (status, body.as_str()),
        (400, "the body is no AdmissionReview of admission.k8s.io/v1, but `Pod` of `v1`\n")
    );

    // A client that sends the beginnings of as many reviews as it may have connections keeps nobody from an answer.
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut caller = Caller::connect(&admitting).await;
        caller.send(1000, b"{").await.unwrap();
        slow.push(caller);
    }
    assert_eq!(caller.ask(review().as_bytes()).await.0, 200);
    for caller in &mut slow {
        assert_eq!(caller.answer().await.0, 408);
    }
    // Nor do many small values, each of which takes a hundred times its size.
    let resident = memory(admitting.controller.id()).unwrap();
    let many = format!(r#"{{"more":[{}0],{}"#, r#"{"":0},"#.repeat(500_000), &review()[1..]);
    let mut heavy = Vec::new();
    for _ in 0..8 {
        let mut caller = Caller::connect(&admitting).await;
        let many = many.clone().into_bytes();
        heavy.push(tokio::spawn(async move { caller.ask(&many).await.0 }));
    }
    assert_eq!(caller.ask(review().as_bytes()).await.0, 200);
    for status in heavy {
        assert!([400, 408].contains(&status.await.unwrap()));
    }
    let grown = memory(admitting.controller.id()).unwrap() - resident;
    assert!(grown < 150.0, "{grown} MB more");

    let mut random = fastrand::Rng::with_seed(seed("HPA_OVERRIDE_MALFORMED_SEED").unwrap());
    let count = std::env::var(MALFORMED).map_or(500, |count| count.parse().unwrap());
    let resident = memory(admitting.controller.id()).unwrap();
    for number in 0..count {
        // The server ends a connection that lasts long.
        if number % 1000 == 999 {
            caller = Caller::connect(&admitting).await;
        }
        let mut body = review().into_bytes();
        for _ in 0..random.usize(1..20) {
            let at = random.usize(..body.len());
            match random.usize(..4) {
                0 if body.len() > 1 => drop(body.remove(at)),
                1 => body.insert(at, random.u8(..)),
                2 => body.truncate(at.max(1)),
                _ => body[at] = random.u8(..),
            }
        }
        let (status, answer) = caller.ask(&body).await;
        assert!([200, 400].contains(&status), "{status} {answer}: {}", String::from_utf8_lossy(&body));
    }
    let large = vec![b' '; (4 << 20) + 1];
    // It may close before all is sent.
    drop(caller.send(large.len(), &large).await);
    assert_eq!(caller.answer().await.0, 413);
    let grown = memory(admitting.controller.id()).unwrap() - resident;
    println!("{count} malformed requests: {grown:.1} MB more");
    assert!(grown < 32.0, "{grown} MB more");
    assert_eq!(Caller::connect(&admitting).await.ask(review().as_bytes()).await.0, 200);
}
