//! Moments of the wall clock as text: RFC 3339, UTC, to the millisecond.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY_S: u64 = 86_400;

/// The moment as RFC 3339 writes it; moments before 1970 as 1970.
pub fn rfc3339(moment: SystemTime) -> String {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / DAY_S, since.as_secs() % DAY_S);
    let (year, month, day) = civil(days);
    // Digit by digit: every answer has a timestamp, and `format!` takes 20 times as long.
    let mut text = *b"0000-00-00T00:00:00.000Z";
    write_digits(&mut text[0..4], year);
    write_digits(&mut text[5..7], month);
    write_digits(&mut text[8..10], day);
    write_digits(&mut text[11..13], second / 3_600);
    write_digits(&mut text[14..16], second / 60 % 60);
    write_digits(&mut text[17..19], second % 60);
    write_digits(&mut text[20..23], u64::from(since.subsec_millis()));
    String::from_utf8(text.to_vec()).unwrap_or_default()
}

fn write_digits(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of the Gregorian calendar, so many days after 1970-01-01: Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `civil_from_days`, for days from 1970 on. Its years begin in March.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + (month <= 2) as u64;
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(unix_ms: u64, expected: &str) {
        assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_millis(unix_ms)), expected);
    }

    #[test]
    fn a_moment_is_written_as_the_calendar_has_it() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_399_999, "2000-02-28T23:59:59.999Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(1_709_251_199_000, "2024-02-29T23:59:59.000Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn days_follow_each_other_without_gap_or_repeat() {
        let mut last = (1969, 12, 31);
        for days in 0..150_000 {
            let date = civil(days);
            let next_day = (date.0, date.1, date.2 - 1) == last;
            let next_month = date.2 == 1 && date.0 == last.0 && date.1 == last.1 + 1 && last.2 >= 28;
            let next_year = (date.1, date.2) == (1, 1) && date.0 == last.0 + 1 && (last.1, last.2) == (12, 31);
            assert!(next_day || next_month || next_year, "{last:?} is followed by {date:?}");
            last = date;
        }
    }
}
