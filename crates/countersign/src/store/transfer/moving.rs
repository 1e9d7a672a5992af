//! From one database into another. A move that was cut off, by whatever, is taken up again: what is there already is compared and not
//! copied, so that a second run over a source that has changed since copies what has changed.

use crate::store::transfer::BATCH;
use crate::store::transfer::line::{Digest, Summing};
use crate::store::transfer::port::{Port, Purpose, count_all, digest, first_in_use};
use crate::store::transfer::table::{Range, Row, Table, Value};
use crate::store::{Mark, StoreError};

/// Why everything was not moved; one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// Somebody might write to it meanwhile.
    #[error("the target is in use: stop the servers and commands that work on it, and run this again")]
    TargetInUse,
    /// It would be mixed with what is there.
    #[error("the target is not empty, there are rows in {table}: name an empty database")]
    TargetNotEmpty {
        /// The first table with rows.
        table: String,
    },
    /// It would be mixed with what was begun.
    #[error("the target holds a half-done move of {source_name}: finish that one, or name an empty database")]
    OtherMove {
        /// What was being moved.
        source_name: String,
    },
    /// It is not in use any more.
    #[error(
        "everything in the source was moved to {target_name} already: move that, or have the source used again by `countersign migrate --reopen`"
    )]
    Moved {
        /// Where everything went.
        target_name: String,
    },
    /// Somebody looks at it meanwhile.
    #[error("the database is in use: stop what works on it, and run this again")]
    InUse,
    /// A server could be started on the source, and go on from what was.
    #[error(
        "everything has arrived, but the source could not be marked as moved: see that it can be written to, and run this again: {0}"
    )]
    Unmarked(StoreError),
    /// The engines do not keep the same.
    #[error("the two databases do not have the same tables: {0} differs")]
    Shape(String),
    /// What has arrived is not what was sent.
    #[error("the table {table} has arrived otherwise than it was sent: the target cannot be used; run this again")]
    Differs {
        /// Which.
        table: String,
    },
    /// The source failed.
    #[error("reading the source failed: run this again, and it goes on from here: {0}")]
    Source(StoreError),
    /// The target failed.
    #[error("writing the target failed: run this again, and it goes on from here: {0}")]
    Target(StoreError),
}

/// What a move has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Whether it is finished: everything is there, verified, and servers may open the target. Otherwise somebody is still at work on the
    /// source, and a second run is needed when they have stopped.
    pub is_finished: bool,
    /// Each table, as it is in the source and, if finished, in the target.
    pub tables: Vec<MovedTable>,
}

/// One table of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedTable {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub digest: Digest,
    /// How many rows were written by this run; the others were there already.
    pub written: u64,
}

/// Brings everything over, and verifies that it has arrived. The names of both sides mark them, so that nobody works on the wrong one: the
/// target bears that of the source until the move is finished, and the source that of the target from then on. `progress` hears how many
/// rows are done, and how many there are.
pub async fn bring_over(
    source: &mut dyn Port,
    target: &mut dyn Port,
    (source_name, target_name): (&str, &str),
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Moved, MoveError> {
    let tables = source.tables();
    compare_shapes(&tables, &target.tables())?;
    refuse_moved(source, target_name).await?;
    take_possession(target, source_name).await?;
    // Whoever comes after this waits outside, so that nothing is written that would not be moved.
    let is_alone = source.claim().await.map_err(MoveError::Source)?;
    source.begin(Purpose::Reading).await.map_err(MoveError::Source)?;
    // Each row is passed twice: copied, and verified.
    let total = 2 * count_all(source).await.map_err(MoveError::Source)?;
    let mut done = 0;
    let mut moved = Vec::with_capacity(tables.len());
    for table in tables.iter() {
        let mut copy = Copying { source: &mut *source, target: &mut *target, table, written: 0 };
        let digest = copy.run(&mut |rows| progress(done + rows, total)).await?;
        done += digest.rows;
        moved.push(MovedTable { name: table.name.clone(), digest, written: copy.written });
    }
    source.commit().await.map_err(MoveError::Source)?;
    if is_alone {
        verify(target, &tables, &moved, &mut |rows| progress(done + rows, total)).await?;
        // In this order: at no moment do both let somebody in.
        let moved_there = Mark::MovedTo(target_name.to_owned());
        set_mark(source, Some(&moved_there)).await.map_err(MoveError::Unmarked)?;
        set_mark(target, None).await.map_err(MoveError::Target)?;
    }
    Ok(Moved { is_finished: is_alone, tables: moved })
}

fn compare_shapes(source: &[Table], target: &[Table]) -> Result<(), MoveError> {
    let other = |these: &[Table], those: &[Table]| {
        these.iter().find(|table| !those.contains(table)).map(|table| MoveError::Shape(table.name.clone()))
    };
    other(source, target).or_else(|| other(target, source)).map_or(Ok(()), Err)
}

/// Lets a database be used again out of which everything was moved; where it went, or `None` if nothing was.
pub async fn reopen(port: &mut dyn Port) -> Result<Option<String>, MoveError> {
    if !port.claim().await.map_err(MoveError::Source)? {
        return Err(MoveError::InUse);
    }
    let Some(Mark::MovedTo(target)) = port.mark().await.map_err(MoveError::Source)? else { return Ok(None) };
    set_mark(port, None).await.map_err(MoveError::Source)?;
    Ok(Some(target))
}

/// A move that was cut off at its very end is finished.
async fn refuse_moved(source: &mut dyn Port, target: &str) -> Result<(), MoveError> {
    match source.mark().await.map_err(MoveError::Source)? {
        Some(Mark::MovedTo(target_name)) if target_name != target => Err(MoveError::Moved { target_name }),
        _ => Ok(()),
    }
}

/// The target is empty, or holds a part of the same move; it bears the mark from here on.
async fn take_possession(target: &mut dyn Port, name: &str) -> Result<(), MoveError> {
    if !target.claim().await.map_err(MoveError::Target)? {
        return Err(MoveError::TargetInUse);
    }
    match target.mark().await.map_err(MoveError::Target)? {
        Some(Mark::HalfDone(source_name)) if source_name == name => Ok(()),
        Some(Mark::HalfDone(source_name)) => Err(MoveError::OtherMove { source_name }),
        Some(Mark::MovedTo(_)) | None => match first_in_use(target).await.map_err(MoveError::Target)? {
            Some(table) => Err(MoveError::TargetNotEmpty { table }),
            None => set_mark(target, Some(&Mark::HalfDone(name.to_owned()))).await.map_err(MoveError::Target),
        },
    }
}

async fn set_mark(port: &mut dyn Port, mark: Option<&Mark>) -> Result<(), StoreError> {
    port.begin(Purpose::Writing).await?;
    if mark.is_none() {
        port.settle().await?;
    }
    port.set_mark(mark).await?;
    port.commit().await
}

/// One table on its way.
struct Copying<'c> {
    source: &'c mut dyn Port,
    target: &'c mut dyn Port,
    table: &'c Table,
    written: u64,
}

impl Copying<'_> {
    /// Goes through the source, a range at a time, and makes the target the same within each.
    async fn run(&mut self, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Digest, MoveError> {
        let mut summing = Summing::of(self.table);
        let mut after: Option<Vec<Value>> = None;
        loop {
            let from = Range::after(after.clone());
            let rows = self.source.rows(self.table, &from, BATCH).await.map_err(MoveError::Source)?;
            summing.take_all(&rows);
            progress(summing.rows());
            let next = rows.last().map(|last| self.table.key_of(last)).filter(|_| rows.len() == BATCH);
            let range = Range { after, upto: next.clone() };
            self.make_alike(&range, rows).await.map_err(MoveError::Target)?;
            if next.is_none() {
                return Ok(summing.end());
            }
            after = next;
        }
    }

    async fn make_alike(&mut self, range: &Range, rows: Vec<Row>) -> Result<(), StoreError> {
        // One more shows that there are more.
        let there = self.target.rows(self.table, range, rows.len() + 1).await?;
        if there == rows {
            return Ok(());
        }
        self.written += rows.len() as u64;
        if self.put(range, &rows).await.is_ok() {
            return Ok(());
        }
        // Something further on is in the way, such as a user who had this name before; all that is further on is compared anyway.
        self.target.undo().await?;
        self.put(&Range::after(range.after.clone()), &rows).await
    }

    async fn put(&mut self, instead_of: &Range, rows: &[Row]) -> Result<(), StoreError> {
        self.target.begin(Purpose::Writing).await?;
        self.target.delete(self.table, instead_of).await?;
        self.target.insert(self.table, rows.to_vec()).await?;
        self.target.commit().await
    }
}

/// Reads everything in the target once more: whether it is what was sent.
async fn verify(
    target: &mut dyn Port,
    tables: &[Table],
    moved: &[MovedTable],
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<(), MoveError> {
    let mut done = 0;
    for (table, sent) in tables.iter().zip(moved) {
        let arrived = digest(target, table).await.map_err(MoveError::Target)?;
        if arrived != sent.digest {
            return Err(MoveError::Differs { table: table.name.clone() });
        }
        done += arrived.rows;
        progress(done);
    }
    Ok(())
}
