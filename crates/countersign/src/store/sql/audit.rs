//! The audit log, in both engines.

use std::collections::BTreeMap;

use crate::audit::AuditQuery;
use crate::store::StoreError;

pub(in crate::store) const KEEP_RECORD: &str = "
    INSERT INTO audit_log (id, event, outcome, cause, user_id, by_whom, client, source, request_id, times, detail)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT DO NOTHING";
pub(in crate::store) const PURGE_RECORDS: &str =
    "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT $2)";

/// A query for records: all columns, in the order in which `audit::read_record` takes them.
macro_rules! select_records {
    ($rest:literal) => {
        concat!(
            "SELECT id, event, outcome, cause, user_id, by_whom, client, source, request_id, times, detail FROM audit_log ",
            "WHERE id > $1 AND id < $2 AND (CAST($3 AS TEXT) IS NULL OR event = $3) ",
            "AND (CAST($4 AS TEXT) IS NULL OR by_whom = $4) AND (CAST($5 AS TEXT) IS NULL OR client = $5) ",
            "AND (CAST($6 AS TEXT) IS NULL OR source = $6) ",
            $rest
        )
    };
}

const LATEST: &str = select_records!("ORDER BY id DESC LIMIT $7");
const OLDEST: &str = select_records!("ORDER BY id LIMIT $7");
// One user's records have an index of their own.
const LATEST_OF_USER: &str = select_records!("AND user_id = $7 ORDER BY id DESC LIMIT $8");
const OLDEST_OF_USER: &str = select_records!("AND user_id = $7 ORDER BY id LIMIT $8");

/// The statement that answers a query. Its values: the two bounds, the event, by whom, the client, the source, then the user if one is
/// asked for, and how many.
pub(in crate::store) fn list_records(query: &AuditQuery) -> &'static str {
    match (query.user.is_some(), query.oldest_first) {
        (false, false) => LATEST,
        (false, true) => OLDEST,
        (true, false) => LATEST_OF_USER,
        (true, true) => OLDEST_OF_USER,
    }
}

/// What there is to say beside the columns, as it is kept: a JSON object.
pub(in crate::store) fn detail_to_text(detail: &BTreeMap<String, String>) -> String {
    serde_json::Value::from_iter(detail.clone()).to_string()
}

/// The same back.
pub(in crate::store) fn detail_of_text(text: &str) -> Result<BTreeMap<String, String>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged(format!("the detail of an audit record: {error}")))
}
