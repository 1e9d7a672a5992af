//! What PostgreSQL says of a database.

use crate::store::postgres::connection::{StepError, get};
use crate::store::postgres::{Address, OpenError, PostgresStore, schema, sql};
use crate::store::sql::LATEST;
use crate::store::{Examination, KNOWN_VERSION};

/// Looks at the database at this address; nothing is changed, and the schema may be an older one.
pub async fn examine(address: &Address) -> Result<Examination, OpenError> {
    let store = PostgresStore::connect(&address.clone().connections(1))?;
    let failed = |error: StepError| schema::open_error(&store.database, error);
    let turn = store.turn().await.map_err(failed)?;
    let lane = turn.lane();
    let found = schema::check_ours(lane, &store.database).await?;
    let settings = lane.read_all(sql::EXAMINED_SETTINGS, &[], |row| Ok((get(row, 0)?, get(row, 1)?)));
    let clock = lane.read_first(sql::CLOCK, &[], |row| Ok((get(row, 0)?, get::<String>(row, 1)?)));
    let settings = settings.await.map_err(failed)?.into_iter().collect();
    let (clock, version) = clock.await.map_err(failed)?.unzip();
    let latest = if found == KNOWN_VERSION {
        lane.read_first(LATEST, &[], |row| get(row, 0)).await.map_err(failed)?.flatten()
    } else {
        None
    };
    Ok(Examination {
        engine: format!("PostgreSQL {}", version.unwrap_or_default()),
        schema: found,
        known_schema: KNOWN_VERSION,
        mark: schema::mark(lane).await.map_err(failed)?,
        settings,
        damage: None,
        clock,
        latest,
    })
}
