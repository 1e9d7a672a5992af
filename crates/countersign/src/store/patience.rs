//! How long the steps of one request may take together: each may take its time, but not as much as all before it have left.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

tokio::task_local! {
    /// What the steps of this request have taken.
    static SPENT: Cell<Duration>;
}

/// Runs a request whose steps at a database server share the time that one of them may take, where each would have it to itself
/// otherwise (F-09). What it does besides, such as to hash, is not counted.
pub async fn share_time<F: Future>(request: F) -> F::Output {
    SPENT.scope(Cell::default(), request).await
}

/// What is left of the time for a step; nothing if this request has spent it.
#[cfg(any(test, feature = "postgres"))]
pub(in crate::store) fn left_of(time: Duration) -> Duration {
    SPENT.try_with(|spent| time.saturating_sub(spent.get())).unwrap_or(time)
}

/// A step of this request has taken so long.
#[cfg(any(test, feature = "postgres"))]
pub(in crate::store) fn spend(took: Duration) {
    // Whoever is no request has all the time again for the next step.
    let _ = SPENT.try_with(|spent| spent.set(spent.get().saturating_add(took)));
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn steps_of_one_request_share_the_time_and_nobody_else_does() {
        spend(STEP);
        assert_eq!(left_of(STEP), STEP);
        share_time(async {
            spend(Duration::from_secs(2));
            tokio::task::yield_now().await;
            assert_eq!(left_of(STEP), Duration::from_secs(3));
            spend(STEP);
            assert_eq!(left_of(STEP), Duration::ZERO);
        })
        .await;
        share_time(async { assert_eq!(left_of(STEP), STEP) }).await;
    }
}
