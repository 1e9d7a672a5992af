//! Who waits, and in which order: a line for each source, and the lines take turns.

use std::collections::BTreeMap;

use crate::pool::source::Source;

/// The lines of all sources.
pub(super) struct Lines<T> {
    by_source: BTreeMap<Source, Line<T>>,
    /// Whose turn it is: the lowest is next. Every line has one.
    turns: BTreeMap<u64, Source>,
    len: usize,
    next_number: u64,
}

/// Those who wait for one source: never empty.
struct Line<T> {
    turn: u64,
    /// By number: the lowest is next.
    waiting: BTreeMap<u64, T>,
}

/// A place in a line.
#[derive(Clone, Copy)]
pub(super) struct Ticket {
    source: Source,
    number: u64,
}

impl<T> Default for Lines<T> {
    fn default() -> Lines<T> {
        Lines { by_source: BTreeMap::new(), turns: BTreeMap::new(), len: 0, next_number: 0 }
    }
}

impl<T> Lines<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts one at the end of its source's line. A source that did not wait has its turn after all that do.
    pub(super) fn push(&mut self, source: Source, one: T) -> Ticket {
        let number = self.number();
        let turns = &mut self.turns;
        let line = self.by_source.entry(source).or_insert_with(|| {
            turns.insert(number, source);
            Line { turn: number, waiting: BTreeMap::new() }
        });
        line.waiting.insert(number, one);
        self.len += 1;
        Ticket { source, number }
    }

    /// Who is next.
    pub(super) fn first(&self) -> Option<&T> {
        let (_, source) = self.turns.first_key_value()?;
        self.by_source.get(source)?.waiting.first_key_value().map(|(_, one)| one)
    }

    /// Takes out who is next; the line it leaves has its next turn after all others.
    pub(super) fn take_first(&mut self) -> Option<T> {
        let (_, &source) = self.turns.first_key_value()?;
        let turn = self.number();
        let line = self.by_source.get_mut(&source)?;
        self.turns.remove(&line.turn);
        line.turn = turn;
        self.turns.insert(turn, source);
        let number = *line.waiting.first_key_value()?.0;
        self.remove(Ticket { source, number })
    }

    /// Takes out the one with this ticket, if it still waits.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<T> {
        let line = self.by_source.get_mut(&ticket.source)?;
        let one = line.waiting.remove(&ticket.number)?;
        self.len -= 1;
        if line.waiting.is_empty() {
            self.turns.remove(&line.turn);
            self.by_source.remove(&ticket.source);
        }
        Some(one)
    }

    /// Takes the last one out of the longest line to make room for one of this source, if that will have no more than
    /// half as many waiting: among equals nobody who waits is sent away for somebody who comes.
    pub(super) fn displace_for(&mut self, source: Source) -> Option<T> {
        let own = self.by_source.get(&source).map_or(0, |line| line.waiting.len());
        let (&source, line) = self.by_source.iter().max_by_key(|(_, line)| line.waiting.len())?;
        if line.waiting.len() < 2 * (own + 1) {
            return None;
        }
        let number = *line.waiting.last_key_value()?.0;
        self.remove(Ticket { source, number })
    }

    /// All that wait, in no order.
    pub(super) fn into_all(self) -> impl Iterator<Item = T> {
        self.by_source.into_values().flat_map(|line| line.waiting.into_values())
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;

    fn source(number: u8) -> Source {
        IpAddr::from(Ipv4Addr::new(192, 0, 2, number)).into()
    }

    fn lines(waiting: &[(u8, &'static str)]) -> Lines<&'static str> {
        let mut lines = Lines::default();
        for (from, name) in waiting {
            lines.push(source(*from), *name);
        }
        lines
    }

    fn order(mut lines: Lines<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| lines.take_first()).collect()
    }

    #[test]
    fn one_source_is_served_in_the_order_of_its_coming() {
        assert_eq!(order(lines(&[(1, "a"), (1, "b"), (1, "c")])), ["a", "b", "c"]);
    }

    //
    #[test]
    fn sources_take_turns_however_many_wait_for_one_of_them() {
        let waiting = [(1, "a1"), (1, "a2"), (1, "a3"), (1, "a4"), (2, "b1"), (3, "c1"), (2, "b2")];
        assert_eq!(order(lines(&waiting)), ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
    }

    #[test]
    fn a_source_that_comes_back_does_not_get_ahead_of_those_who_wait() {
        let mut lines = lines(&[(1, "a1"), (2, "b1"), (3, "c1"), (2, "b2")]);
        assert_eq!(lines.take_first(), Some("a1"));
        lines.push(source(1), "a2");
        assert_eq!(order(lines), ["b1", "c1", "a2", "b2"]);
    }

    #[test]
    fn who_leaves_is_not_served_and_the_others_keep_their_order() {
        let mut lines = lines(&[(1, "a1")]);
        let only = lines.push(source(2), "b1");
        let middle = lines.push(source(1), "a2");
        lines.push(source(1), "a3");
        assert_eq!((lines.remove(only), lines.remove(middle)), (Some("b1"), Some("a2")));
        assert_eq!(lines.remove(middle), None);
        assert_eq!(order(lines), ["a1", "a3"]);
    }

    //
    #[test]
    fn whoever_has_more_waiting_makes_room() {
        let mut lines = lines(&[(1, "a1"), (1, "a2"), (1, "a3"), (1, "a4"), (2, "b1"), (2, "b2")]);
        assert_eq!(lines.displace_for(source(3)), Some("a4"));
        lines.push(source(3), "c1");
        // Three, two and one: for a second one nobody goes.
        for among in [1, 2, 3] {
            assert_eq!(lines.displace_for(source(among)), None);
        }
        assert_eq!(lines.displace_for(source(4)), Some("a3"));
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn nobody_makes_room_among_equals() {
        assert_eq!(lines(&[(1, "a"), (2, "b")]).displace_for(source(3)), None);
        assert_eq!(lines(&[]).displace_for(source(1)), None);
    }

    proptest! {
        //
        #[test]
        fn a_flood_from_one_source_delays_another_by_no_more_than_a_turn_of_each(
            flood in prop::collection::vec(1u8..6, 1..200),
            ahead in 0usize..5,
        ) {
            let mut lines = Lines::default();
            for from in &flood {
                lines.push(source(*from), *from);
            }
            for _ in 0..ahead.min(flood.len()) {
                lines.take_first();
            }
            lines.push(source(9), 9);
            let turn = std::iter::from_fn(|| lines.take_first()).position(|from| from == 9).unwrap();
            prop_assert!(turn <= 5);
        }

        #[test]
        fn nothing_is_lost_or_served_twice(acts in prop::collection::vec((1u8..5, 0u8..4), 1..200)) {
            let mut lines = Lines::default();
            let (mut came, mut left, mut tickets) = (0, 0, Vec::new());
            for (from, act) in acts {
                let out = match act {
                    0 | 1 => {
                        tickets.push(lines.push(source(from), came));
                        came += 1;
                        None
                    }
                    2 => lines.take_first(),
                    _ if from == 1 => lines.displace_for(source(1)),
                    _ => tickets.pop().and_then(|ticket| lines.remove(ticket)),
                };
                left += usize::from(out.is_some());
                prop_assert_eq!(lines.len(), came - left);
                prop_assert_eq!(lines.first().is_some(), lines.len() > 0);
                prop_assert_eq!(lines.turns.len(), lines.by_source.len());
            }
            let rest = lines.len();
            prop_assert_eq!(lines.into_all().count(), rest);
        }
    }
}
