//! What a run found, for people and for machines.

use serde_json::{Value, json};

/// The figures of one run.
pub(crate) struct Report {
    title: &'static str,
    rows: Vec<(&'static str, &'static str, Vec<f64>)>,
    bounds: Vec<(&'static str, bool)>,
}

impl Report {
    pub(crate) fn new(title: &'static str) -> Self {
        Self { title, rows: Vec::new(), bounds: Vec::new() }
    }

    /// Adds a row: a name, a unit, and what each round measured.
    pub(crate) fn row(mut self, name: &'static str, unit: &'static str, rounds: Vec<f64>) -> Self {
        self.rows.push((name, unit, rounds));
        self
    }

    /// Adds a row that is measured once.
    pub(crate) fn figure(self, name: &'static str, unit: &'static str, value: f64) -> Self {
        self.row(name, unit, vec![value])
    }

    /// Adds what should hold, and whether it did.
    pub(crate) fn bound(mut self, name: &'static str, holds: bool) -> Self {
        self.bounds.push((name, holds));
        self
    }

    /// Whether everything that should hold does.
    pub(crate) fn is_good(&self) -> bool {
        self.bounds.iter().all(|(_, holds)| *holds)
    }

    pub(crate) fn print(&self, json: bool) {
        if json {
            println!("{}", self.to_json());
            return;
        }
        let rounds = self.rows.first().map_or(0, |row| row.2.len());
        let note = if rounds > 1 { format!(" (median of {rounds} rounds; least to most)") } else { String::new() };
        println!("{}{note}", self.title);
        for (name, unit, rounds) in &self.rows {
            let (least, median, most) = spread(rounds);
            let note = if rounds.len() > 1 { format!("  ({least:.2} to {most:.2})") } else { String::new() };
            println!("  {name:<48} {median:>10.2} {unit}{note}");
        }
        for (name, holds) in &self.bounds {
            println!("  {}: {name}", if *holds { "held" } else { "MISSED" });
        }
    }

    fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(
            |(name, unit, rounds)| json!({ "name": name, "unit": unit, "median": spread(rounds).1, "rounds": rounds }),
        );
        let bounds: Vec<_> = self.bounds.iter().map(|(name, holds)| json!({ "name": name, "holds": holds })).collect();
        json!({ "title": self.title, "rows": rows.collect::<Vec<_>>(), "bounds": bounds })
    }
}

/// Round by round, the first over the second.
pub(crate) fn ratios(first: &[f64], second: &[f64]) -> Vec<f64> {
    first.iter().zip(second).map(|(first, second)| first / second).collect()
}

fn spread(rounds: &[f64]) -> (f64, f64, f64) {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    (at(0), at(sorted.len() / 2), at(sorted.len().saturating_sub(1)))
}
