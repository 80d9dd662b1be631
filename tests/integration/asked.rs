//! A request as a fake service on this machine reads it.

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// A request.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    head: String,
    pub(crate) body: String,
}

impl Asked {
    /// The next request; nothing when the connection ends before.
    pub(crate) async fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        loop {
            if let Some(asked) = Self::parse(&bytes) {
                return Some(asked);
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// The request in `bytes`, once all of it is there.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, body) = std::str::from_utf8(bytes).ok()?.split_once("\r\n\r\n")?;
        let mut words = head.split(' ');
        let asked = Self {
            method: words.next()?.to_owned(),
            path: words.next()?.to_owned(),
            head: head.to_owned(),
            body: body.to_owned(),
        };
        let length = asked.header("content-length").unwrap_or("0");
        (body.len() >= length.parse().ok()?).then_some(asked)
    }

    /// The value of a header, by its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

/// Whether a request, whatever its body, has come to its end.
pub(crate) fn is_whole(request: &[u8]) -> bool {
    let mut bytes = request.windows(4);
    let Some(end) = bytes.position(|bytes| bytes == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]);
    let length = header(&head, "content-length").and_then(|length| length.parse().ok());
    request.len() >= end + 4 + length.unwrap_or(0)
}

/// The value of a header in `head`, by its name in any case.
pub(crate) fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
