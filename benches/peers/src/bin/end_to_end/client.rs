//! A client that keeps its connection: the part of HTTP/1.1 that the contenders use, with little work, so that the
//! server dominates the measurement.

use support::servers::Failure;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The maximum length of a contender's response.
const LONGEST: usize = 16 * 1024;

pub struct Connection {
    stream: TcpStream,
    /// The response that is being read.
    buffer: Vec<u8>,
}

pub struct Response<'a> {
    pub status: u16,
    head: &'a str,
    pub body: &'a str,
}

impl Connection {
    pub async fn open(port: u16) -> Result<Self, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(LONGEST) })
    }

    /// Sends one request and reads its response to the end.
    pub async fn send(&mut self, request: &str) -> Result<Response<'_>, Failure> {
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let (head, end) = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server closed the connection".into());
            }
            if self.buffer.len() > LONGEST {
                return Err("the response is too long".into());
            }
            // Nearly always the first read has all of it.
            let Some(head) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let end = head + 4 + content_length(&self.buffer[..head])?;
            if self.buffer.len() >= end {
                break (head, end);
            }
        };
        if self.buffer.len() > end {
            return Err("the server sent more than one response".into());
        }
        let (text, body) = (std::str::from_utf8(&self.buffer[..head])?, &self.buffer[head + 4..end]);
        Ok(Response { status: status(text)?, head: text, body: std::str::from_utf8(body)? })
    }
}

impl Response<'_> {
    /// The value of the first header with this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn content_length(head: &[u8]) -> Result<usize, Failure> {
    let length = header(std::str::from_utf8(head)?, "content-length");
    Ok(length.ok_or("a response without content-length")?.parse()?)
}

fn status(head: &str) -> Result<u16, Failure> {
    let code = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).ok_or("a response without a status")?;
    Ok(code.parse()?)
}
