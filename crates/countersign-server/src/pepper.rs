//! The file of peppers: one a line, base64 of 32 random bytes, the one of new hashes first. `none` in its place makes new hashes
//! without one, and the others still verify.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::store::sqlite;
use countersign_password::{Pepper, Peppers};
use zeroize::Zeroizing;

/// How a pepper is made.
const REMEDY: &str = "write base64 of 32 random bytes on each line, as `openssl rand -base64 32` prints it; the first is for new \
                      hashes, or `none`";

/// Reads the file; others must not be able to.
pub fn read(path: &Path) -> Result<Peppers, String> {
    sqlite::check_file(path).map_err(|error| error.to_string())?;
    // A pipe would be waited for.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(format!("this is no file: {REMEDY}"));
    }
    let text =
        fs::read_to_string(path).map(Zeroizing::new).map_err(|error| format!("the file cannot be read: {error}"))?;
    parse(&text)
}

fn parse(text: &str) -> Result<Peppers, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut peppers = Vec::new();
    let mut has_none = false;
    for (at, line) in lines.enumerate() {
        if line == "none" && at == 0 {
            has_none = true;
        } else {
            // The line is a secret: the error names its place.
            peppers.push(pepper(line).ok_or_else(|| format!("pepper {}: {REMEDY}", at + 1))?);
        }
    }
    if peppers.is_empty() {
        return Err(format!("there is no pepper in the file: {REMEDY}"));
    }
    let current = if has_none { None } else { Some(peppers.remove(0)) };
    Ok(Peppers::new(current, peppers))
}

fn pepper(line: &str) -> Option<Pepper> {
    let bytes = Zeroizing::new(STANDARD.decode(line).ok()?);
    Some(Pepper::new(bytes.as_slice().try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

    #[test]
    fn the_first_line_is_for_new_hashes_and_all_verify() {
        let [one, two] = [[1; 32], [2; 32]].map(|key| Pepper::new(key).id());
        for (text, current) in [
            (format!("{ONE}\n{TWO}\n"), Some(one)),
            (format!("# of November\n {TWO}\r\n\n# before\n{ONE}"), Some(two)),
            (format!("none\n{ONE}\n{TWO}"), None),
        ] {
            let peppers = parse(&text).unwrap();
            assert_eq!(peppers.current(), current, "{text}");
            assert!(peppers.find(one).is_some() && peppers.find(two).is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_no_pepper_is_refused_without_being_repeated() {
        for text in
            ["", "# nothing\n", "none\n", "c2hvcnQ=", &ONE.replace('=', ""), &format!("{ONE}\nnone"), "secret words"]
        {
            let error = parse(text).unwrap_err();
            assert!(error.contains("openssl") && !error.contains("c2hvcnQ") && !error.contains("secret"), "{error}");
        }
    }
}
