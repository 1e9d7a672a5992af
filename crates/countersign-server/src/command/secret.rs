//! Secrets that a command is given: never on the command line, where every process of the machine could read them.

use std::io::{self, IsTerminal, Read};

use countersign_password::Password;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// More than the longest password or token.
const MOST_BYTES: u64 = 64 * 1024;

/// A new password: from standard input when `from_stdin`, otherwise asked for twice at the terminal.
pub(super) fn new_password(from_stdin: bool) -> Result<Password, Failure> {
    let text = if from_stdin { line(io::stdin().lock(), "the password")? } else { ask_twice()? };
    Ok(Password::new(String::clone(&text))?)
}

/// The one line that `input` holds, without its end.
pub(super) fn line(input: impl Read, what: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = input.take(MOST_BYTES).read_to_string(&mut text);
    read.map_err(|error| Failure::work(format!("cannot read {what}: {error}")))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() || line.contains('\n') {
        return Err(Failure::work(format!("give {what} as one line, and nothing else")));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

fn ask_twice() -> Result<Zeroizing<String>, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is no terminal to ask for the password: give it on standard input, with --password-stdin",
        ));
    }
    let ask = |prompt| {
        let typed = rpassword::prompt_password(prompt).map(Zeroizing::new);
        typed.map_err(|error| Failure::work(format!("cannot read the password: {error}")))
    };
    let first = ask("Password: ")?;
    let second = ask("The same again: ")?;
    if first != second {
        return Err(Failure::work("the two passwords differ: try again"));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<String> {
        line(bytes, "the password").ok().map(|line| String::clone(&line))
    }

    #[test]
    fn one_line_is_read_without_its_end_and_nothing_is_trimmed() {
        assert_eq!(read(b"secret\n").as_deref(), Some("secret"));
        assert_eq!(read(b"secret\r\n").as_deref(), Some("secret"));
        assert_eq!(read(b"secret").as_deref(), Some("secret"));
        assert_eq!(read(b" sec ret \n").as_deref(), Some(" sec ret "));
    }

    #[test]
    fn no_line_and_two_lines_are_refused() {
        for bytes in [&b""[..], b"\n", b"one\ntwo\n", b"one\n\n", b"\xff\n"] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
    }
}
