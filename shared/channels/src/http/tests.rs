use super::*;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::dns::{Addrs, Name, Resolving};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::task::JoinHandle;

/// A server on loopback that reads one request and writes `answer` as it stands.
async fn serve(answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"the body") {
            let mut chunk = [0; 1024];
            let read = stream.read(&mut chunk).await.unwrap();
            request.extend_from_slice(&chunk[..read]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        if answer.is_empty() {
            return String::new();
        }
        // Held open until the client leaves, so that only the answer ends the exchange.
        while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
        String::from_utf8(request).unwrap()
    });
    (address, served)
}

fn request(url: String) -> HttpRequest {
    HttpRequest {
        method: "POST".to_owned(),
        url,
        headers: vec![("X-Secret".to_owned(), "hush".to_owned())],
        body: Some(b"the body".to_vec()),
        reach: Reach::Anywhere,
        timeout: Duration::from_secs(20),
        max_answer: 100,
    }
}

fn exchange(answer: &'static str, timeout: Duration) -> Result<HttpAnswer, HttpFailure> {
    block_on(async {
        let (address, _) = serve(answer).await;
        let request = HttpRequest {
            timeout,
            ..request(format!("http://{address}/path?token=hush"))
        };
        client().send(request).await
    })
}

fn client() -> Client {
    Client::new().unwrap()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

const PATIENT: Duration = Duration::from_secs(20);

#[test]
fn a_request_arrives_whole_and_its_answer_comes_back() {
    block_on(async {
        let (address, served) =
            serve("HTTP/1.1 404 Not Found\r\nX-Why: gone\r\nContent-Length: 2\r\n\r\nno").await;
        let client = client();
        let answer = client
            .send(request(format!("http://{address}/path?a=1")))
            .await
            .unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (404, &b"no"[..]));
        assert!(
            answer
                .headers
                .contains(&("x-why".to_owned(), "gone".to_owned()))
        );
        drop(client);
        let received = served.await.unwrap();
        assert!(received.starts_with("POST /path?a=1 HTTP/1.1\r\n"));
        assert!(received.contains("x-secret: hush\r\n"));
    });
}

#[test]
fn a_redirect_is_an_answer() {
    let answer = exchange(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        PATIENT,
    );
    assert_eq!(answer.unwrap().status, 302);
}

#[test]
fn no_connection_means_not_sent() {
    let failure = block_on(async {
        // A port that was free a moment ago.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let url = format!("http://{address}/?token=hush");
        client().send(request(url)).await.unwrap_err()
    });
    assert!(matches!(&failure, HttpFailure::NotSent(_)), "{failure}");
    assert!(!failure.to_string().contains("hush"));
}

#[test]
fn a_request_that_cannot_be_built_is_not_sent() {
    let failures = block_on(async {
        let client = client();
        [
            client.send(request("no url".to_owned())).await,
            client.send(request("ftp://127.0.0.1/".to_owned())).await,
            client
                .send(HttpRequest {
                    method: "P OST".to_owned(),
                    ..request("http://127.0.0.1/".to_owned())
                })
                .await,
            client
                .send(HttpRequest {
                    headers: vec![("X-Secret".to_owned(), "hush\n".to_owned())],
                    ..request("http://127.0.0.1/".to_owned())
                })
                .await,
        ]
    });
    for failure in failures {
        let failure = failure.unwrap_err();
        assert!(matches!(&failure, HttpFailure::NotSent(_)), "{failure}");
        assert!(!failure.to_string().contains("hush"));
    }
}

#[test]
fn a_connection_that_breaks_after_sending_is_unknown() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Le", "nonsense\r\n\r\n"] {
        let failure = exchange(answer, Duration::from_millis(300)).unwrap_err();
        assert!(matches!(&failure, HttpFailure::Unknown(_)), "{failure}");
        assert!(!failure.to_string().contains("hush"));
    }
}

#[test]
fn an_answer_that_does_not_end_in_time_is_unknown() {
    let stalled = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf";
    let failure = exchange(stalled, Duration::from_millis(300)).unwrap_err();
    assert!(matches!(failure, HttpFailure::Unknown(_)), "{failure}");
}

#[test]
fn an_answer_that_is_too_long_is_unknown() {
    let failure = exchange(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
         40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n\
         40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n",
        PATIENT,
    );
    assert_eq!(
        failure.unwrap_err(),
        HttpFailure::Unknown("the answer is longer than 100 bytes".to_owned())
    );
}

/// Says that every host is where it is told, and how often it was asked.
struct Book(Vec<IpAddr>, Arc<AtomicUsize>);

impl Resolve for Book {
    fn resolve(&self, _: Name) -> Resolving {
        self.1.fetch_add(1, Ordering::Relaxed);
        let addresses = self.0.clone().into_iter();
        let addresses = addresses.map(|address| SocketAddr::new(address, 0));
        Box::pin(async { Ok(Box::new(addresses) as Addrs) })
    }
}

fn reach(url: String, reach: Reach, known: &[&str]) -> Result<HttpAnswer, HttpFailure> {
    block_on(async {
        let known = known.iter().map(|address| address.parse().unwrap());
        let book = Book(known.collect(), Arc::default());
        let client = Client::resolving(Arc::new(book)).unwrap();
        let request = HttpRequest {
            reach,
            timeout: Duration::from_secs(5),
            ..request(url)
        };
        client.send(request).await
    })
}

#[test]
fn a_tool_reaches_no_address_of_this_machine_or_a_private_network_unless_it_says_so() {
    for (address, private_too) in [
        ("127.0.0.1", true),
        ("::1", true),
        ("10.0.0.1", true),
        ("172.20.0.1", true),
        ("192.168.0.1", true),
        ("fc00::1", true),
        ("::ffff:127.0.0.1", true),
        ("::ffff:169.254.169.254", false),
        ("169.254.169.254", false),
        ("fe80::1", false),
        ("fd00:ec2::254", false),
    ] {
        let refused = |url: &str, within: Reach, known: &[&str]| {
            let failure = reach(url.to_owned(), within, known).unwrap_err();
            assert!(
                matches!(&failure, HttpFailure::OffLimits(_)),
                "{url} at {known:?}: {failure}"
            );
        };
        let literal = match address.contains(':') {
            true => format!("http://[{address}]:1/"),
            false => format!("http://{address}:1/"),
        };
        refused(&literal, Reach::Public, &[]);
        refused("http://parcels.example:1/", Reach::Public, &[address]);
        refused(
            "http://parcels.example:1/",
            Reach::Public,
            &["93.184.216.34", address],
        );
        if !private_too {
            refused(&literal, Reach::Private, &[]);
            refused("http://parcels.example:1/", Reach::Private, &[address]);
        }
    }
    // However the number is written.
    for literal in [
        "http://2130706433:1/",
        "http://0x7f.1:1/",
        "http://127.1:1/",
        "http://0:1/",
    ] {
        let failure = reach(literal.to_owned(), Reach::Public, &[]).unwrap_err();
        assert!(
            matches!(&failure, HttpFailure::OffLimits(_)),
            "{literal}: {failure}"
        );
    }
}

#[test]
fn the_address_that_was_judged_is_the_one_that_is_connected_to() {
    block_on(async {
        let (address, served) = serve("HTTP/1.1 204 No Content\r\n\r\n").await;
        let asked = Arc::new(AtomicUsize::new(0));
        let book = Book(vec![address.ip()], Arc::clone(&asked));
        let client = Client::resolving(Arc::new(book)).unwrap();
        let to = |reach| HttpRequest {
            reach,
            ..request(format!("http://parcels.example:{}/", address.port()))
        };
        let failure = client.send(to(Reach::Public)).await.unwrap_err();
        assert_eq!(
            failure,
            HttpFailure::OffLimits(
                "parcels.example is not a public address; where this machine or a private network is meant, \
                 `allow_private` stands beside `url`"
                    .to_owned()
            )
        );
        assert_eq!(client.send(to(Reach::Private)).await.unwrap().status, 204);
        assert_eq!(
            asked.load(Ordering::Relaxed),
            2,
            "each connection asks once"
        );
        served.abort();
    });
}
