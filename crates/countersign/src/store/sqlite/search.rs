//! Searches in SQLite: among the next users if many fit, and by the parts of the text that are indexed, in the order of the ids, if few do.

use rusqlite::{Connection, Row, params};

use crate::store::sql;
use crate::store::sqlite::connection::JobError;
use crate::store::user_query::SearchText;

const CANDIDATES: &str = "SELECT rowid FROM user_search WHERE user_search MATCH $1 AND rowid >= $2 ORDER BY rowid";

/// Users that are looked at before the index is asked: a third of a millisecond.
const LOOKED_AT_FIRST: i64 = 1000;

/// Entries of the index that are looked at. Nearly all of them fit, unless the text was put together of parts that many have.
const CANDIDATES_AT_MOST: usize = 2000;

/// At most so many of the users after this id whom the text finds. To go from the index to a user costs as much as to pass twenty of them, so
/// that where every twentieth name fits, the page is full sooner by going through the names.
pub(super) fn search<T>(
    connection: &Connection,
    text: &SearchText,
    (after, limit): (&[u8], i64),
    read: fn(&Row<'_>) -> Result<T, JobError>,
) -> Result<Vec<T>, JobError> {
    let (username, email) = text.like_patterns();
    let Some(grams) = text.grams() else {
        let values = params![after, username, email, limit];
        return connection.prepare_cached(sql::SEARCH)?.query_and_then(values, read)?.collect();
    };
    let (mut found, is_all) = search_next(connection, (&username, &email), (after, limit), read)?;
    if is_all {
        return Ok(found);
    }
    found.clear();
    let (mut candidates, mut among) =
        (connection.prepare_cached(CANDIDATES)?, connection.prepare_cached(sql::SEARCH_AMONG)?);
    let mut numbers = candidates.query(params![match_of(&grams), number_of(after)])?;
    let missing = |found: &Vec<T>| limit.saturating_sub(i64::try_from(found.len()).unwrap_or(limit));
    let mut looked_at = 0;
    while missing(&found) > 0
        && let Some(row) = numbers.next()?
    {
        let (before, last) = ids_of(row.get(0)?);
        let after = after.max(before.as_slice());
        for user in among.query_and_then(params![after, last, username, email, missing(&found)], read)? {
            found.push(user?);
        }
        looked_at += 1;
        if looked_at == CANDIDATES_AT_MOST {
            let values = params![last, username, email, missing(&found)];
            for user in connection.prepare_cached(sql::SEARCH)?.query_and_then(values, read)? {
                found.push(user?);
            }
            break;
        }
    }
    Ok(found)
}

/// Whom the text finds among the next users, and whether that is all that was asked for.
fn search_next<T>(
    connection: &Connection,
    (username, email): (&str, &str),
    (after, limit): (&[u8], i64),
    read: fn(&Row<'_>) -> Result<T, JobError>,
) -> Result<(Vec<T>, bool), JobError> {
    let mut statement = connection.prepare_cached(sql::SEARCH_NEXT)?;
    let mut rows = statement.query(params![username, email, after, LOOKED_AT_FIRST])?;
    let (mut found, mut passed, mut missing) = (Vec::new(), 0, limit);
    while missing > 0
        && let Some(row) = rows.next()?
    {
        passed += 1;
        if row.get::<_, Option<bool>>(11)? == Some(true) {
            found.push(read(row)?);
            missing -= 1;
        }
    }
    Ok((found, missing <= 0 || passed < LOOKED_AT_FIRST))
}

/// All parts of a name, or all of an address, in FTS5's words. The parts are kept as hexadecimal digits.
fn match_of((in_username, in_email): &(Vec<String>, Vec<String>)) -> String {
    let all = |grams: &[String]| grams.iter().map(|gram| hex(gram)).collect::<Vec<_>>().join(" AND ");
    if in_username == in_email {
        return all(in_username);
    }
    format!("({}) OR ({})", all(in_username), all(in_email))
}

fn hex(gram: &str) -> String {
    let quoted = gram.bytes().fold("\"".to_owned(), |digits, byte| digits + &format!("{byte:02x}"));
    quoted + "\""
}

/// Under which number the index has this id: its first eight bytes, in the same order.
fn number_of(id: &[u8]) -> i64 {
    u64::from_be_bytes(id.first_chunk().copied().unwrap_or_default()).wrapping_sub(1 << 63).cast_signed()
}

/// What all ids of this number come after, and what none of them comes after.
fn ids_of(number: i64) -> ([u8; 8], [u8; 16]) {
    let first = number.cast_unsigned().wrapping_add(1 << 63).to_be_bytes();
    let mut last = [u8::MAX; 16];
    last.iter_mut().zip(first).for_each(|(byte, given)| *byte = given);
    (first, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_the_order_of_the_ids_and_lead_back_to_them() {
        let ids: [[u8; 16]; 5] = [0_u128, 1 << 64, (1 << 127) - 1, 1 << 127, u128::MAX].map(u128::to_be_bytes);
        for id in ids {
            let (before, last) = ids_of(number_of(&id));
            assert!(before.as_slice() < id.as_slice() && id <= last, "{id:?}");
        }
        let numbers = ids.map(|id| number_of(&id));
        assert!(numbers.is_sorted() && numbers.windows(2).all(|pair| pair[0] != pair[1]), "{numbers:?}");
        assert_eq!(number_of(&[]), i64::MIN);
    }
}
