//! The outside of a small program: what it is started with, and how it listens.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use tokio::net::TcpListener;

/// The command line of a small program.
///
/// ```
/// use countersign_axum::serve::Arguments;
///
/// let arguments = Arguments::parse_from(["program", "--listen", "127.0.0.1:9000"]);
/// assert_eq!(arguments.listen.port(), 9000);
/// ```
///
/// A program that takes more has a command line of its own, with this one in it (`#[command(flatten)]`).
#[derive(Clone, Debug, clap::Parser)]
pub struct Arguments {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,
    /// Users besides those of the program, as JSON Lines
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,
}

impl Arguments {
    /// Reads the command line of the process; what cannot be read ends it, with code 2 and a sentence that says why.
    pub fn parse() -> Self {
        clap::Parser::parse()
    }

    /// Reads these words, of which the first is the name of the program; ends the process as [`parse`](Self::parse) does.
    pub fn parse_from(words: impl IntoIterator<Item = &'static str>) -> Self {
        clap::Parser::parse_from(words)
    }
}

/// Answers requests until the process is interrupted; those that are under way are answered before it ends.
///
/// As `axum::serve`, which sets no limits of time and size to connections: a program that faces the internet stands
/// behind a proxy that does.
pub async fn serve(router: Router, listen: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    println!("Listening on http://{}, documentation at /docs", listener.local_addr()?);
    axum::serve(listener, router).with_graceful_shutdown(interrupted()).await
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler for the signal the process is ended by it.
        std::future::pending::<()>().await;
    }
}
