//! A GET of a server on this machine, for the text of its answer.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};

const LIMIT: Duration = Duration::from_secs(10);

/// Status and body of the answer on that port of 127.0.0.1.
pub fn http_get(port: u16, path: &str) -> Result<(u16, String)> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    let mut stream = stream.with_context(|| format!("nobody listens on port {port}"))?;
    stream.set_read_timeout(Some(LIMIT))?;
    // HTTP/1.0: the answer ends with the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).with_context(|| format!("no answer on port {port}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").context("not an answer")?;
    let status = head.split(' ').nth(1).context("not an answer")?.parse()?;
    Ok((status, body.to_owned()))
}
