//! Patterns that come to mind first: repetitions, rows, and the words of one's own context.

/// Rows of which a password is an obvious part; their reverse as well. The keyboards are the English, German and French ones.
const ROWS: [&str; 7] = [
    "abcdefghijklmnopqrstuvwxyz",
    "012345678901234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "qwertzuiopüasdfghjklöäyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1234567890qwertyuiop",
];

/// The shortest text whose repetition the whole is: `abc` for `abcabcabc`, the text itself where it repeats nothing.
pub(super) fn unit(text: &str) -> &str {
    let starts = text.char_indices().map(|(at, _)| at).skip(1);
    let repeats = |at: &usize| {
        text.len().is_multiple_of(*at)
            && text.as_bytes().chunks(*at).all(|part| Some(part) == text.as_bytes().get(..*at))
    };
    starts.into_iter().find(repeats).and_then(|at| text.get(..at)).unwrap_or(text)
}

/// Whether the unit of a password is a few characters, or a part of a row.
pub(super) fn is_simple(unit: &str) -> bool {
    let backwards: String = unit.chars().rev().collect();
    unit.chars().count() <= 4 || ROWS.iter().any(|row| row.contains(unit) || row.contains(&backwards))
}

/// How many code points of the text are left when these words are taken out, and with an address its two halves. Words shorter
/// than `shortest` code points are passed over.
pub(super) fn beside_words<'w>(text: &str, words: impl Iterator<Item = &'w str>, shortest: usize) -> usize {
    let with_parts =
        words.flat_map(|word| [word].into_iter().chain(word.split(['@', '.']).filter(move |part| *part != word)));
    let mut words: Vec<String> =
        with_parts.filter(|word| word.chars().count() >= shortest).map(str::to_lowercase).collect();
    // The longer ones first: a part of a word is no more than a part.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let mut rest = text.to_owned();
    for word in words {
        rest = rest.replace(&word, "");
    }
    if rest.len() == text.len() { usize::MAX } else { rest.chars().count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_what_is_repeated() {
        for (text, repeated) in
            [("abcabc", "abc"), ("aaaa", "a"), ("abca", "abca"), ("öäöä", "öä"), ("a", "a"), ("", "")]
        {
            assert_eq!(unit(text), repeated, "{text}");
        }
    }

    #[test]
    fn words_are_taken_out_with_the_parts_of_an_address() {
        let beside = |text, words: &[&str]| beside_words(text, words.iter().copied(), 4);
        assert_eq!(beside("johndoe johndoe", &["johndoe"]), 1);
        assert_eq!(beside("example7", &["john@example.com"]), 1);
        assert_eq!(beside("nothing of it", &["johndoe"]), usize::MAX);
    }
}
