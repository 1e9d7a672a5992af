//! How many requests there were, and how long they took, by route and status.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign::times::Times;

/// Counts requests. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct RequestCounts {
    routes: Arc<Mutex<HashMap<Box<str>, RouteCounts>>>,
}

/// The requests of one route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteCounts {
    /// How many were answered with each status.
    pub statuses: BTreeMap<u16, u64>,
    /// How long they took.
    pub times: Times,
}

impl RequestCounts {
    /// Counts one. Routes are those of the router: a caller cannot add to them.
    pub(crate) fn count(&self, route: &str, status: u16, took: Duration) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if !routes.contains_key(route) {
            routes.insert(route.into(), RouteCounts::default());
        }
        if let Some(counts) = routes.get_mut(route) {
            *counts.statuses.entry(status).or_default() += 1;
            counts.times.add(took);
        }
    }

    /// What was counted, by route.
    pub fn read(&self) -> BTreeMap<Box<str>, RouteCounts> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.iter().map(|(route, counts)| (route.clone(), counts.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_and_status() {
        let counts = RequestCounts::default();
        for (route, status) in [("/token", 200), ("/token", 200), ("/token", 503), ("-", 404)] {
            counts.count(route, status, Duration::from_millis(1));
        }
        let read = counts.read();
        assert_eq!(read.keys().map(|route| &**route).collect::<Vec<_>>(), ["-", "/token"]);
        assert_eq!(read["/token"].statuses, BTreeMap::from([(200, 2), (503, 1)]));
        assert_eq!(read["/token"].times.count, 3);
    }
}
