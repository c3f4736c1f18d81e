//! Figures in words.

use killsnoop_tests::measure::stats::Summary;

/// With commas between thousands, and as many digits behind the point.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, rest) =
        text.split_once('.').map_or((&*text, String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    // What is almost nothing has no sign.
    let is_nothing = text.bytes().all(|byte| b"-0.".contains(&byte));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let sign = if is_nothing { "" } else { sign };
    let n = digits.len();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (n - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

/// With three digits that say something.
pub(crate) fn short(value: f64) -> String {
    let decimals = match value.abs() {
        least if least >= 100.0 => 0,
        least if least >= 10.0 => 1,
        least if least >= 1.0 => 2,
        least if least >= 0.1 => 3,
        _ => 4,
    };
    number(value, decimals)
}

/// In powers of 1000.
pub(crate) fn bytes(value: f64) -> String {
    scaled(value, 1000.0, &["B", "KB", "MB", "GB", "TB", "PB"])
}

/// From MiB, in powers of 1024.
pub(crate) fn memory(mebibytes: f64) -> String {
    scaled(mebibytes, 1024.0, &["MiB", "GiB", "TiB"])
}

fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    for larger in units {
        if value < step {
            break;
        }
        (value, unit) = (value / step, larger);
    }
    format!("{} {unit}", if unit == "B" { number(value, 0) } else { short(value) })
}

/// The median of a few, and their range if there is one.
pub(crate) fn spread(values: impl IntoIterator<Item = f64>) -> String {
    Summary::of(values).map_or_else(String::new, |Summary { median, min, max, n }| match n {
        1 => short(median),
        _ => format!("{} ({} … {})", short(median), short(min), short(max)),
    })
}

#[test]
fn numbers_are_short_and_large_ones_have_commas() {
    assert_eq!(
        ["0", "999", "1,000", "1,234,567"].map(str::to_owned),
        [0.0, 999.0, 1e3, 1_234_567.0].map(|value| number(value, 0))
    );
    assert_eq!(
        ["0.0123", "0.123", "1.23", "12.3", "-1,234", "0.0000"].map(str::to_owned),
        [0.0123, 0.123, 1.234, 12.34, -1234.5, -1e-6].map(short)
    );
    assert_eq!(
        (bytes(999.0), bytes(16_605.0), memory(2048.0)),
        ("999 B".to_owned(), "16.6 KB".to_owned(), "2.00 GiB".to_owned())
    );
    assert_eq!(spread([3.0, 1.0, 2.0]), "2.00 (1.00 … 3.00)");
}
