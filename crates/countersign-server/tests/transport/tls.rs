//! TLS in front of the same limits.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use countersign_server::transport::{Certificate, Door, Limits, Presentation, Stopped, serve};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::house::plain;
use crate::tls_client::{ask, connect, make};

/// A server that speaks TLS.
struct House {
    address: SocketAddr,
    shown: Certificate,
    files: (PathBuf, PathBuf),
    folder: TempDir,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<Stopped>,
}

impl House {
    fn start(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = make(folder.path(), "certificate.pem", "key.pem");
        let shown = Certificate::load(&files.0, &files.1).unwrap();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let ((stop, asked), (tell, stopped)) = (oneshot::channel(), oneshot::channel());
        let door = Door::encrypted(listener, shown.clone());
        let router = Router::new().route("/", get(async || "hello"));
        let presentation = Presentation { is_https: true, ..plain() };
        runtime.spawn(async move {
            let _ = tell.send(serve(door, router, presentation, limits, async { asked.await.unwrap_or(()) }).await);
        });
        Self { address, shown, files, folder, runtime, stop, stopped }
    }
}

#[test]
fn both_versions_of_http_are_spoken_as_the_client_likes() {
    let house = House::start(Limits::default());
    for (offered, agreed) in [
        (&[b"h2".as_slice(), b"http/1.1"][..], Some(b"h2".as_slice())),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let mut stream = connect(house.address, &house.files.0, offered).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), agreed);
        if agreed == Some(b"h2") {
            // The preface, settings, and GET / in the static table of RFC 7541; the authority is x.
            stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
            stream.write_all(b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x01\x01x").unwrap();
            let mut head = [0; 9];
            loop {
                stream.read_exact(&mut head).unwrap();
                let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
                stream.read_exact(&mut payload).unwrap();
                if head[3] == 1 {
                    assert_eq!(payload[0], 0x88, "`:status: 200` of the static table");
                    break;
                }
            }
        } else {
            assert_eq!((ask(&mut stream, "/"), ask(&mut stream, "/nowhere")), (200, 404));
        }
    }
}

//
#[test]
fn the_limits_hold_inside() {
    let house = House::start(Limits::default());
    let mut stream = connect(house.address, &house.files.0, &[]).unwrap();
    assert_eq!(ask(&mut stream, &format!("/{}", "x".repeat(9000))), 414);
}

//
#[test]
fn who_does_not_shake_hands_in_time_is_let_go() {
    let house = House::start(Limits { head: Duration::from_secs(2), ..Limits::default() });
    for said in [&b""[..], b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(house.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(said).unwrap();
        let mut answer = Vec::new();
        // An alert may come, and nothing of HTTP.
        let ended = stream.read_to_end(&mut answer);
        assert!(!matches!(&ended, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "{ended:?}");
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    assert_eq!(ask(&mut connect(house.address, &house.files.0, &[]).unwrap(), "/"), 200);
}

// F-16
#[test]
fn a_server_that_stops_waits_for_no_handshake() {
    let house = House::start(Limits::default());
    let silent = TcpStream::connect(house.address).unwrap();
    let mut served = connect(house.address, &house.files.0, &[]).unwrap();
    assert_eq!(ask(&mut served, "/"), 200);
    house.stop.send(()).unwrap();
    assert_eq!(house.runtime.block_on(house.stopped).unwrap(), Stopped::Drained);
    drop(silent);
}

#[test]
fn a_new_certificate_is_shown_to_who_comes_and_a_bad_one_to_nobody() {
    let house = House::start(Limits::default());
    let (certificate, key) = &house.files;
    let first = house.folder.path().join("first.pem");
    std::fs::copy(certificate, &first).unwrap();
    let mut before = connect(house.address, &first, &[]).unwrap();
    assert_eq!(ask(&mut before, "/"), 200);
    assert!(!house.shown.has_changed());

    for (file, bad, said) in [
        (key, "nothing", "no private key"),
        (certificate, "nothing", "no certificate"),
        (certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be used together"),
    ] {
        let whole = std::fs::read(file).unwrap();
        std::fs::write(file, bad).unwrap();
        assert!(house.shown.has_changed());
        let refused = house.shown.reload().unwrap_err().to_string();
        assert!(refused.contains(said) && !refused.contains('\n'), "{refused}");
        assert!(!house.shown.has_changed(), "a file is tried once");
        assert_eq!(ask(&mut connect(house.address, &first, &[]).unwrap(), "/"), 200);
        std::fs::write(file, whole).unwrap();
    }
    // The key of another certificate.
    make(house.folder.path(), "other.pem", "key.pem");
    let refused = house.shown.reload().unwrap_err().to_string();
    assert!(refused.contains("the key is not that of the first certificate"), "{refused}");

    std::fs::rename(house.folder.path().join("other.pem"), certificate).unwrap();
    house.shown.reload().unwrap();
    assert!(connect(house.address, &first, &[]).is_err());
    assert_eq!(ask(&mut connect(house.address, certificate, &[]).unwrap(), "/"), 200);
    assert_eq!(ask(&mut before, "/"), 200, "who was there stays");
}
