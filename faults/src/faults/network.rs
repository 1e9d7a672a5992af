//! F-09: the network between the server and its database.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::check::Depth;
use crate::faults::stop::descriptors;
use crate::harness::Harness;
use crate::http::Request;
use crate::postgres::url;
use crate::probe::time_until_good;
use crate::proxy::{Proxy, Weather};
use crate::report::{Engine, Report};

const CROWD: usize = 6;
/// Five seconds that a statement may take, and one.
const LONGEST_ANSWER: Duration = Duration::from_secs(6);
/// What was swallowed on its way is waited for until its step ends, and the look at the signing keys, which readiness rests on, is such a
/// step.
const HEALED: Duration = Duration::from_secs(6);

pub(super) fn fails(harness: &Harness) -> Result<Report> {
    let mut report = harness.report("F-09", "the network fails", Some(Engine::Postgres));
    let cluster = harness.cluster()?;
    let name = format!("network{}", harness.number());
    cluster.make_database(&name)?;
    let proxy = Proxy::before(SocketAddr::from(([127, 0, 0, 1], cluster.port)), harness.random())?;
    let site = harness.site_at(&harness.folder("network")?, Some(url(proxy.address.port(), &name)))?;
    site.add_administrator()?;
    let server = site.start()?;
    let mut crowd = harness.crowd(&server, CROWD)?;
    let hang = harness.time(Duration::from_secs(7), Duration::from_mins(1));
    let some = harness.time(Duration::from_secs(2), Duration::from_secs(20));
    let weathers = [
        (Weather::Delay(Duration::from_secs(2)), hang),
        (Weather::Drop, hang),
        (Weather::Hang, hang),
        (Weather::HalfClose, some),
        (Weather::Down, some),
        (Weather::ResetBefore(10), some),
        (Weather::ResetAfter(10), some),
        (Weather::ResetAtCommit, some),
    ];
    let ready = Request::get("/health/ready");
    let mut slowest = Duration::ZERO;
    crowd.act_for(Duration::from_secs(1));
    let before = descriptors(&server)?;
    for (weather, time) in weathers {
        let (hits, unknown) = (proxy.hits(), crowd.ledger.counts().unknown);
        let healed = crowd.during(|| {
            std::thread::sleep(Duration::from_millis(500));
            proxy.set(weather);
            std::thread::sleep(time);
            proxy.set(Weather::Fair);
            time_until_good(server.address, &ready)
        });
        slowest = slowest.max(healed.with_context(|| format!("the pool does not heal after {weather:?}"))?);
        let (hits, unknown) = (proxy.hits() - hits, crowd.ledger.counts().unknown - unknown);
        report.within(
            &format!("{weather:?}, {hits} hits, {unknown} unknown, slowest answer"),
            crowd.ledger.take_slowest(),
            LONGEST_ANSWER,
        );
        report.bound(format!("{weather:?} has struck"), hits > 0);
        report.findings += crowd.check(Depth::Touched)?;
        report.rounds += 1;
    }
    report.findings += crowd.check(Depth::Everything)?;
    report.within("healed after", slowest, HEALED);
    let after = descriptors(&server)?;
    report.figure("descriptors before and after", format!("{before}, {after}"));
    report.bound("no connection is leaked", after <= before + 16);
    report.take(&crowd.ledger);
    report.every_act_is_answered();
    Ok(report)
}
