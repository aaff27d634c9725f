//! What the runbook shows, held against what was printed. `…` stands for some text, as little as will do; a line of `…` alone for
//! any lines; `3.60±0.09` for a number that is so near; spaces only part words. All else is as it is printed.

use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

static PARTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?<any>…)|(?<mean>[0-9]+(\.[0-9]+)?)±(?<within>[0-9]+(\.[0-9]+)?)|(?<space>\s+)").unwrap()
});

/// Checks all that was printed. The error is the first line of `shown` that has no counterpart.
pub fn check(shown: &str, printed: &str) -> Result<(), String> {
    let lines: Vec<Line> = shown.lines().map(Line::new).collect();
    let printed: Vec<&str> = printed.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let lines: Vec<&Line> = lines.iter().filter(|line| !line.is_empty()).collect();
    match first_unmatched(&lines, &printed) {
        None => Ok(()),
        Some(line) => Err(line),
    }
}

/// `None`: all of them match.
fn first_unmatched(lines: &[&Line], printed: &[&str]) -> Option<String> {
    match (lines.split_first(), printed.split_first()) {
        (None, None) => None,
        (None, Some((more, _))) => Some(format!("nothing is shown where this was printed: {more}")),
        (Some((line, rest)), _) if line.is_any_lines() => {
            // As few as will do; what is told of a failure is that of the fewest.
            let mut told = None;
            for skipped in 0..=printed.len() {
                let unmatched = first_unmatched(rest, &printed[skipped..])?;
                told.get_or_insert(unmatched);
            }
            told
        }
        (Some((line, _)), None) => Some(format!("nothing was printed where this is shown: {}", line.shown)),
        (Some((line, rest)), Some((first, others))) if line.matches(first) => first_unmatched(rest, others),
        (Some((line, _)), Some((first, _))) => Some(format!("shown:   {}\nprinted: {first}", line.shown)),
    }
}

/// A line as it is shown.
struct Line {
    shown: String,
    pattern: Regex,
    /// The numbers of the pattern's groups: each with how far off it may be.
    numbers: Vec<(f64, f64)>,
}

impl Line {
    fn new(shown: &str) -> Self {
        let shown = shown.trim_end();
        let (mut pattern, mut numbers, mut end) = (String::from("^"), Vec::new(), 0);
        for part in PARTS.captures_iter(shown) {
            let whole = part.get(0).unwrap();
            pattern += &regex_lite::escape(&shown[end..whole.start()]);
            end = whole.end();
            if part.name("any").is_some() {
                pattern += r"\S.*?";
            } else if part.name("space").is_some() {
                pattern += r"\s+";
            } else {
                pattern += r"([0-9]+(?:\.[0-9]+)?)";
                numbers.push((number(&part, "mean"), number(&part, "within")));
            }
        }
        pattern += &regex_lite::escape(&shown[end..]);
        Self { pattern: Regex::new(&(pattern + "$")).unwrap(), shown: shown.to_owned(), numbers }
    }

    fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    fn is_any_lines(&self) -> bool {
        self.shown == "…"
    }

    fn matches(&self, printed: &str) -> bool {
        let Some(found) = self.pattern.captures(printed) else { return false };
        let are = (1..).map_while(|group| found.get(group)?.as_str().parse::<f64>().ok());
        // Decimals aren't exact in binary; a millionth is less than any that is printed.
        are.zip(&self.numbers).all(|(is, (mean, within))| (is - mean).abs() <= within + 1e-6)
    }
}

fn number(part: &Captures<'_>, name: &str) -> f64 {
    part.name(name).unwrap().as_str().parse().unwrap()
}

#[cfg(test)]
mod tests {
    use super::check;

    fn agree(shown: &str, printed: &str) {
        check(shown, printed).unwrap_or_else(|told| panic!("{told}"));
    }

    fn differ(shown: &str, printed: &str, told: &str) {
        assert_eq!(check(shown, printed), Err(told.to_owned()));
    }

    #[test]
    fn what_is_shown_is_what_is_printed() {
        agree("status 200 (ok)\n", "status 200 (ok)\n");
        agree("AMP  PEAK\n\n1.000 3.000\n", "AMP      PEAK  \n1.000    3.000\n");
        differ("one\ntwo\n", "one\ntoo\n", "shown:   two\nprinted: too");
        differ("one\n", "one\ntwo\n", "nothing is shown where this was printed: two");
        differ("one\ntwo\n", "one\n", "nothing was printed where this is shown: two");
    }

    #[test]
    fn an_ellipsis_stands_for_anything_and_not_for_lines() {
        agree(r#"{"id":"…","n":1}"#, r#"{"id":"8240b933","n":1}"#);
        agree("naive … … 1.000 0", "naive  > 5s  5.8  1.000  0");
        agree("outage … 3.6±0.1 … 0.7±0.1 …", "outage   1896   3.564   9.9   0.705   0.1");
        differ(r#"{"id":"…"}"#, r#"{"id":""}"#, "shown:   {\"id\":\"…\"}\nprinted: {\"id\":\"\"}");
        differ("a … c", "a\nb\nc", "shown:   a … c\nprinted: a");
    }

    #[test]
    fn a_line_of_an_ellipsis_stands_for_any_lines() {
        agree("…\nlast\n", "first\nlast\n");
        agree("…\nlast\n", "last\n");
        agree("first\n…\n2 …\n…\n", "first\n1 x\n2 x\n3 x\n4 x\n");
        differ("…\nlast\n", "first\n", "shown:   last\nprinted: first");
    }

    #[test]
    fn a_number_is_near() {
        agree("outage 3.60±0.09 x", "outage 3.511 x");
        agree("7.5±0.5 s", "7 s");
        agree("0.3±0.1", "0.4");
        differ("3.60±0.09", "3.50", "shown:   3.60±0.09\nprinted: 3.50");
        differ("3.60±0.09", "-", "shown:   3.60±0.09\nprinted: -");
    }
}
