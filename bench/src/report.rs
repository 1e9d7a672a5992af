//! What a run found, for people and for machines.

use serde_json::{Value, json};

/// The figures of one run.
pub(crate) struct Report {
    title: &'static str,
    rows: Vec<(&'static str, &'static str, Vec<f64>)>,
}

impl Report {
    pub(crate) fn new(title: &'static str) -> Self {
        Self { title, rows: Vec::new() }
    }

    /// Adds a row: a name, a unit, and what each round measured.
    pub(crate) fn row(mut self, name: &'static str, unit: &'static str, rounds: Vec<f64>) -> Self {
        self.rows.push((name, unit, rounds));
        self
    }

    pub(crate) fn print(&self, json: bool) {
        if json {
            println!("{}", self.to_json());
            return;
        }
        println!("{} (median of {} rounds; least to most)", self.title, self.rows.first().map_or(0, |row| row.2.len()));
        for (name, unit, rounds) in &self.rows {
            let (least, median, most) = spread(rounds);
            println!("  {name:<40} {median:>10.2} {unit}  ({least:.2} to {most:.2})");
        }
    }

    fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(
            |(name, unit, rounds)| json!({ "name": name, "unit": unit, "median": spread(rounds).1, "rounds": rounds }),
        );
        json!({ "title": self.title, "rows": rows.collect::<Vec<_>>() })
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
