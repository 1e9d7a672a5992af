//! A bad network: a proxy before the database that delays, drops, hangs, half-closes and resets.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use rustix::net::sockopt::set_socket_linger;

use crate::random::Random;

const TICK: Duration = Duration::from_millis(20);

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    Fair,
    /// Everything comes so much later, on each way.
    Delay(Duration),
    /// New connections are refused, those that are there are reset.
    Down,
    /// What is sent is swallowed, and nothing is heard.
    Drop,
    /// Nothing moves, and everything comes when the weather is fair again.
    Hang,
    /// The database's side is closed after the next answer; ours may still send.
    HalfClose,
    /// One message in so many is not delivered; the connection is reset instead.
    ResetBefore(usize),
    /// One answer in so many is not delivered; the connection is reset instead, and what was asked has happened.
    ResetAfter(usize),
    /// Each COMMIT is delivered, and the connection is reset before its answer.
    ResetAtCommit,
}

/// A proxy before an address. It goes on until this is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    to: SocketAddr,
    weather: Mutex<Weather>,
    is_over: AtomicBool,
    hits: AtomicU64,
    random: Mutex<Random>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToClient,
}

impl Proxy {
    pub(crate) fn before(to: SocketAddr, random: Random) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            to,
            weather: Mutex::new(Weather::Fair),
            is_over: AtomicBool::new(false),
            hits: AtomicU64::new(0),
            random: Mutex::new(random),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.is_over.load(Ordering::Relaxed) {
                    return;
                }
                accepting.connect(client);
            }
        });
        Ok(Self { address, shared })
    }

    pub(crate) fn set(&self, weather: Weather) {
        *self.shared.weather.lock().unwrap_or_else(PoisonError::into_inner) = weather;
    }

    /// How often the weather has struck.
    pub(crate) fn hits(&self) -> u64 {
        self.shared.hits.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn weather(&self) -> Weather {
        *self.weather.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn strikes(&self, one_in: usize) -> bool {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).below(one_in) == 0
    }

    fn connect(self: &Arc<Self>, client: TcpStream) {
        if self.weather() == Weather::Down {
            self.hit();
            reset(&client);
            return;
        }
        let Ok(server) = TcpStream::connect(self.to) else {
            reset(&client);
            return;
        };
        let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else { return };
        for (from, into, way) in [(client, server, Way::ToServer), (server_too, client_too, Way::ToClient)] {
            let shared = Arc::clone(self);
            std::thread::spawn(move || shared.pump(from, into, way));
        }
    }

    fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// Passes on what comes, as the weather is.
    fn pump(&self, mut from: TcpStream, mut into: TcpStream, way: Way) {
        drop(from.set_read_timeout(Some(TICK)));
        drop(into.set_nodelay(true));
        let mut buffer = vec![0; 64 * 1024];
        while !self.is_over() {
            if self.weather() == Weather::Down {
                self.hit();
                return reset_both(&from, &into);
            }
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if is_timeout(&error) => continue,
                Err(_) => break,
            };
            let Some(bytes) = buffer.get(..count) else { break };
            if !self.pass(bytes, (&from, &mut into), way) {
                return;
            }
        }
        drop(into.shutdown(Shutdown::Write));
    }

    /// Whether the connection goes on.
    fn pass(&self, bytes: &[u8], (from, into): (&TcpStream, &mut TcpStream), way: Way) -> bool {
        match self.weather() {
            Weather::Drop => {
                self.hit();
                return true;
            }
            Weather::Hang => {
                self.hit();
                while self.weather() == Weather::Hang && !self.is_over() {
                    std::thread::sleep(TICK);
                }
            }
            Weather::Delay(time) => {
                self.hit();
                std::thread::sleep(time);
            }
            Weather::HalfClose if way == Way::ToClient => {
                self.hit();
                drop(into.write_all(bytes));
                drop(into.shutdown(Shutdown::Write));
                return false;
            }
            Weather::ResetBefore(one_in) if way == Way::ToServer && self.strikes(one_in) => {
                self.hit();
                reset_both(from, into);
                return false;
            }
            Weather::ResetAfter(one_in) if way == Way::ToClient && self.strikes(one_in) => {
                self.hit();
                reset_both(from, into);
                return false;
            }
            Weather::ResetAtCommit if way == Way::ToServer && holds_commit(bytes) => {
                self.hit();
                drop(into.write_all(bytes));
                reset(from);
                // The server shall get it before its side is closed.
                std::thread::sleep(TICK);
                reset(into);
                return false;
            }
            _ => {}
        }
        into.write_all(bytes).is_ok()
    }
}

fn holds_commit(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|window| window == b"COMMIT")
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

fn reset_both(one: &TcpStream, other: &TcpStream) {
    reset(one);
    reset(other);
}

/// The peer gets a reset when the last handle is closed, and nothing is read or written any more.
fn reset(stream: &TcpStream) {
    // One that is closed already needs no reset.
    let _ = set_socket_linger(stream, Some(Duration::ZERO));
    drop(stream.shutdown(Shutdown::Both));
}
