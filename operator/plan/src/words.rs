//! Texts that stay short, however much there is to say: a status stays below 112 KiB, an event has room for 1 KiB.

/// Ends a text that was cut.
const CUT: &str = " …";

/// The text, cut to at most so many bytes, at the end of a character.
pub fn clipped(text: String, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text;
    }
    let room = bytes_max.saturating_sub(CUT.len());
    let end = (0..=room).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}{CUT}", &text[..end])
}

/// The first of these texts, and how many more there are: at most `most` texts.
pub fn few(mut texts: Vec<String>, most: usize) -> Vec<String> {
    if texts.len() > most {
        let named = most.saturating_sub(1);
        let more = texts.len() - named;
        texts.truncate(named);
        texts.push(format!("and {more} more"));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_the_end_of_a_character() {
        assert_eq!(clipped("short".into(), 5), "short");
        assert_eq!(clipped("too long".into(), 7), "too …");
        assert_eq!(clipped("ab×cdefg".into(), 7), "ab …", "no half of a ×");
        assert_eq!(clipped("a".repeat(2_000), 1_000).len(), 1_000);
        assert_eq!(clipped("é".repeat(2_000), 1_000).len(), 1_000);
    }

    #[test]
    fn of_many_texts_the_first_are_named_and_the_others_counted() {
        let few = |n: usize| few((0..n).map(|i| i.to_string()).collect(), 3).join("; ");
        assert_eq!([few(0), few(2), few(3)], ["", "0; 1", "0; 1; 2"]);
        assert_eq!([few(4), few(14)], ["0; 1; and 2 more", "0; 1; and 12 more"]);
    }
}
