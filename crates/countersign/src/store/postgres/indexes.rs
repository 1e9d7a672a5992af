//! Indexes that take minutes where there are millions of rows. They are made after the schema and beside the work of others, who write
//! meanwhile (F-11); programs of the version before do without.

use std::time::Duration;

use deadpool::managed::Pool;
use tokio::time::sleep;

use crate::store::postgres::connection::{Lane, StepError, Turn};
use crate::store::postgres::pool::Manager;
use crate::store::postgres::sql;

/// Each by its name, and what it is of.
const INDEXES: [(&str, &str); 1] =
    [("users_by_grams", "ON users USING gin (countersign_grams(username, email_canonical)) WITH (fastupdate = off)")];

/// How often to look whether another process has made it.
const PAUSE: Duration = Duration::from_millis(100);

/// Makes those that are missing, and anew those that were left half made. Of several processes that do so at once, one does it and the
/// others wait.
pub(super) async fn complete(pool: &Pool<Manager>) -> Result<(), StepError> {
    let mut turn = Turn::take(pool).await?;
    for (name, definition) in INDEXES {
        while !turn.lane().exists(sql::IS_WHOLE, &[&name]).await? {
            if turn.lane().exists(sql::BEGIN_INDEXES, &[]).await? {
                make(turn.lane(), name, definition).await?;
                turn.renew();
                turn.lane().batch(sql::END_INDEXES).await?;
            } else {
                // Without a transaction meanwhile: whoever makes it waits for those that there are.
                sleep(PAUSE).await;
                turn.renew();
            }
        }
    }
    Ok(())
}

/// Where that takes a moment it is done at once: beside the work of others, it would wait for all transactions in the database.
async fn make(lane: Lane<'_>, name: &str, definition: &str) -> Result<(), StepError> {
    let beside = if lane.exists(sql::HAS_MANY_USERS, &[]).await? {
        tracing::info!(
            index = name,
            "an index is made beside the work of others: for a million users it takes some minutes"
        );
        "CONCURRENTLY"
    } else {
        ""
    };
    // Each a batch of its own: no transaction may be around them.
    lane.batch(&format!("DROP INDEX {beside} IF EXISTS {name}")).await?;
    lane.batch(&format!("CREATE INDEX {beside} {name} {definition}")).await
}
