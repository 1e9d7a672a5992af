//! F-08: the database's machine is lost, and its copy takes over.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::check::Depth;
use crate::crowd::Crowd;
use crate::faults::control;
use crate::harness::Harness;
use crate::http::Request;
use crate::postgres::{Cluster, Stop};
use crate::probe::time_until_good;
use crate::process::{Server, Site};
use crate::proxy::{Proxy, Weather};
use crate::report::{Engine, Report};

const CROWD: usize = 6;
const LINES: [&str; 2] = ["fsync = off", "wal_keep_size = 64MB"];
const HEALED: Duration = Duration::from_secs(10);

/// A primary, its copy, and a server that knows both.
struct Pair {
    primary: Cluster,
    copy: Cluster,
    /// On which the copy hears of what is written.
    way: Proxy,
    site: Site,
    server: Server,
}

pub(super) fn failover(harness: &Harness) -> Result<Report> {
    let mut report = harness.report("F-08", "a copy takes over", Some(Engine::Postgres));
    for _ in 0..harness.rounds(1, 10) {
        let mut pair = Pair::start(harness)?;
        pair.primary.query("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        pair.primary.query("postgres", "SELECT pg_reload_conf()")?;
        let mut crowd = harness.crowd(&pair.server, CROWD)?;
        let healed = pair.lose_primary(&mut crowd, Duration::from_secs(2))?;
        report.within("served again after", healed, HEALED);
        report.findings += crowd.check(Depth::Everything)?;
        pair.old_primary_comes_back(&mut crowd, &mut report)?;
        report.take(&crowd.ledger);
        report.rounds += 1;
    }
    control(&mut report, "an asynchronous copy that hears nothing for a second", |control| {
        let mut pair = Pair::start(harness)?;
        let mut crowd = harness.crowd(&pair.server, CROWD)?;
        pair.way.set(Weather::Drop);
        pair.lose_primary(&mut crowd, Duration::from_secs(1))?;
        control.findings += crowd.check(Depth::Everything)?;
        Ok(())
    });
    Ok(report)
}

impl Pair {
    fn start(harness: &Harness) -> Result<Self> {
        let folder = harness.folder("failover")?;
        let primary = harness.make_cluster(&folder.join("primary"), &LINES)?;
        primary.make_database("auth")?;
        let way = Proxy::before(SocketAddr::from(([127, 0, 0, 1], primary.port)), harness.random())?;
        let copy = Cluster::copy_of(way.address.port(), &folder.join("copy"), &LINES)?;
        let url = format!("postgres://countersign@127.0.0.1:{},127.0.0.1:{}/auth", primary.port, copy.port);
        let site = harness.site_at(&folder, Some(url))?;
        site.add_administrator()?;
        let server = site.start()?;
        Ok(Self { primary, copy, way, site, server })
    }

    /// While people write. How long it took until a write was good again.
    fn lose_primary(&mut self, crowd: &mut Crowd, after: Duration) -> Result<Duration> {
        let Self { primary, copy, server, .. } = self;
        let write = serde_json::json!({ "full_name": "Administrator" });
        let write = Request::json("PATCH", "/users/me", &write).bearer(&crowd.manners.administrator);
        crowd.during(|| -> Result<_> {
            std::thread::sleep(after);
            primary.stop(Stop::Kill)?;
            copy.query("postgres", "SELECT pg_promote()")?;
            time_until_good(server.address, &write).context("no write succeeds after the copy took over")
        })
    }

    /// As a copy: nobody may write to it, though it stands first in the URL.
    fn old_primary_comes_back(&mut self, crowd: &mut Crowd, report: &mut Report) -> Result<()> {
        std::fs::write(self.primary.folder.join("data/standby.signal"), "")?;
        crate::postgres::own(&self.primary.folder.join("data/standby.signal"))?;
        self.primary.start()?;
        let is_copy = self.primary.query("postgres", "SELECT pg_is_in_recovery()")?;
        report.bound("the old primary is a copy", is_copy == "t");
        // A process that knows nothing of what has been.
        let server = self.site.start()?;
        crowd.target.set(&[server.address, self.server.address]);
        crowd.act_for(Duration::from_secs(1));
        let before = crowd.ledger.counts().unknown;
        crowd.act_for(Duration::from_secs(1));
        report.bound("nothing is refused with the old primary as a copy", crowd.ledger.counts().unknown == before);
        report.findings += crowd.check(Depth::Everything)?;
        crowd.target.set(&[self.server.address]);
        Ok(())
    }
}
