//! How figures of a status are shown. They are decimals in strings already; here they only change their clothes.

/// What stands where there is no figure.
pub const NOTHING: &str = "–";
/// A space that keeps a number and its unit on one line.
const NO_BREAK: char = '\u{a0}';

/// A figure as it is, or the dash.
pub fn shown(figure: Option<&str>) -> &str {
    figure.unwrap_or(NOTHING)
}

/// A share with its decimals, such as "0.998", in percent: "99.8 %". The digits stay the same, only the point moves.
pub fn percent(share: Option<&str>) -> String {
    let Some(share) = share else { return NOTHING.to_owned() };
    let Some((whole, fraction)) = share.split_once('.').filter(|(_, fraction)| fraction.len() >= 2) else {
        return share.to_owned();
    };
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return share.to_owned();
    }
    let (hundreds, rest) = fraction.split_at(2);
    let digits = format!("{whole}{hundreds}");
    let digits = digits.trim_start_matches('0');
    let (digits, rest) = (if digits.is_empty() { "0" } else { digits }, rest.trim_end_matches('0'));
    if rest.is_empty() { format!("{digits}{NO_BREAK}%") } else { format!("{digits}.{rest}{NO_BREAK}%") }
}

/// A figure as a number, for plots and comparisons.
pub fn number(figure: Option<&str>) -> Option<f64> {
    figure?.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0)
}

/// A count with a thin space between thousands.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    shown
}

/// Milliseconds with decimals, such as "1234.5", with the unit that fits.
pub fn latency(ms: &str) -> String {
    match number(Some(ms)) {
        Some(value) if value >= 10_000.0 => format!("{:.1}{NO_BREAK}s", value / 1_000.0),
        Some(value) if value >= 1_000.0 => format!("{:.2}{NO_BREAK}s", value / 1_000.0),
        Some(value) if value >= 100.0 => format!("{value:.0}{NO_BREAK}ms"),
        _ => format!("{ms}{NO_BREAK}ms"),
    }
}

/// A moment of a run in seconds, with a decimal where it is no whole second.
pub fn seconds(ms: u64) -> String {
    if ms.is_multiple_of(1_000) {
        format!("{} s", ms / 1_000)
    } else {
        format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_keeps_its_digits_in_percent() {
        let check = |share, expected: &str| assert_eq!(percent(share).replace(NO_BREAK, " "), expected, "{share:?}");
        check(Some("1.000"), "100 %");
        check(Some("0.998"), "99.8 %");
        check(Some("0.050"), "5 %");
        check(Some("0.001"), "0.1 %");
        check(Some("0.000"), "0 %");
        check(Some("12.345"), "1234.5 %");
        check(Some("<b>.00"), "<b>.00");
        check(Some("1"), "1");
        check(None, NOTHING);
    }

    #[test]
    fn counts_have_their_thousands_apart_from_five_digits_on() {
        assert_eq!([count(0), count(1_500), count(15_000)], ["0", "1500", "15\u{202f}000"]);
        assert_eq!(count(1_440_000_000), "1\u{202f}440\u{202f}000\u{202f}000");
    }

    #[test]
    fn latencies_have_the_unit_that_fits() {
        let shown = ["5.4", "99.9", "123.4", "1234.5", "12345.6", "?"].map(|ms| latency(ms).replace(NO_BREAK, " "));
        assert_eq!(shown, ["5.4 ms", "99.9 ms", "123 ms", "1.23 s", "12.3 s", "? ms"]);
    }

    #[test]
    fn what_is_no_number_is_none() {
        assert_eq!(number(Some("3.1")), Some(3.1));
        assert_eq!(["NaN", "inf", "-1", "x", ""].map(|text| number(Some(text))), [None; 5]);
    }
}
