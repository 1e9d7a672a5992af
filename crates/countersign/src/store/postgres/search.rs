//! Searches in PostgreSQL: among the next users if many fit, and by the parts of the text that are indexed if few do.

use crate::store::postgres::connection::{Lane, StepError};
use crate::store::postgres::sql::{SEARCH_BY_GRAMS, SEARCH_NEXT};
use crate::store::postgres::user_rows::read_user;
use crate::store::sql::SEARCH;
use crate::store::user_query::SearchText;
use crate::user::User;

/// Users that are looked at before the index is asked: less than half a millisecond.
const LOOKED_AT_FIRST: i64 = 1000;
/// Users that are looked at if the first ones promise to fill the page by then.
const LOOKED_AT_MOST: i64 = 10_000;

/// At most so many of the users after this id whom the text finds. A database that takes bytes for characters has other parts of a name that is
/// not ASCII than the text. What the index finds comes in no order, so that all of it has to be
/// read for any page: where every twentieth name fits, the page is full sooner by going through the names.
pub(super) async fn search(
    (lane, is_bytewise): (Lane<'_>, bool),
    text: &SearchText,
    after: &[u8],
    limit: i64,
) -> Result<Vec<User>, StepError> {
    let (username, email) = text.like_patterns();
    let Some((in_username, in_email)) =
        text.grams().filter(|_| !is_bytewise || (text.in_username().is_ascii() && text.in_email().is_ascii()))
    else {
        return lane.read_all(SEARCH, &[&after, &username, &email, &limit], read_user).await;
    };
    let mut looked_at = LOOKED_AT_FIRST;
    loop {
        let found = lane.read_all(SEARCH_NEXT, &[&after, &looked_at, &username, &email, &limit], read_user).await?;
        let count = i64::try_from(found.len()).unwrap_or(limit);
        if count == limit {
            return Ok(found);
        }
        if looked_at == LOOKED_AT_MOST || count * LOOKED_AT_MOST < limit * LOOKED_AT_FIRST {
            break;
        }
        looked_at = LOOKED_AT_MOST;
    }
    lane.read_all(SEARCH_BY_GRAMS, &[&in_username, &in_email, &username, &email, &after, &limit], read_user).await
}
