//! The time of a log line.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::Offset;

/// Appends the time in UTC to the microsecond (RFC 3339), such as `2026-11-22T04:23:58.619393Z`.
pub(super) fn push_now(line: &mut String) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a line of the log bears the system's time, whatever the clock of the accounts says"
    )]
    let now = SystemTime::now();
    let now = Timestamp::try_from(now).unwrap_or_default();
    push(line, now);
}

/// Digit by digit: the machinery of formatting would cost as much as the rest of the line.
fn push(line: &mut String, time: Timestamp) {
    let time = Offset::UTC.to_datetime(time);
    let parts = [
        (time.year().unsigned_abs().into(), 4, '-'),
        (time.month().unsigned_abs().into(), 2, '-'),
        (time.day().unsigned_abs().into(), 2, 'T'),
        (time.hour().unsigned_abs().into(), 2, ':'),
        (time.minute().unsigned_abs().into(), 2, ':'),
        (time.second().unsigned_abs().into(), 2, '.'),
        (time.subsec_nanosecond().unsigned_abs() / 1000, 6, 'Z'),
    ];
    for (number, digits, end) in parts {
        push_digits(line, number, digits);
        line.push(end);
    }
}

fn push_digits(line: &mut String, number: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        line.push(char::from_digit(digit, 10).unwrap_or('?'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_full() {
        for text in ["2026-11-22T04:23:58.619393Z", "1970-01-01T00:00:00.000000Z", "2000-02-29T23:59:59.000001Z"] {
            let mut line = String::new();
            push(&mut line, text.parse().unwrap());
            assert_eq!(line, text);
        }
    }
}
