//! Pictures drawn by the server: SVG with classes and attributes of its own, no script and no style.
//!
//! Numbers become binary fractions here and nowhere before: a picture shows, a table says.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::time;

/// Width of every picture in its own units.
const WIDTH: f64 = 800.0;
/// Left of the axis: room for a number.
const LEFT: f64 = 90.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 30.0;
/// Height of one channel of a trace, and of a spectrum.
const TRACE: f64 = 150.0;
const SPECTRUM: f64 = 340.0;
/// Height of a bar with the space around it.
const BAR: f64 = 30.0;
/// Columns of a spectrum at most; a column shows the largest of its channels, so no peak is averaged away.
const COLUMNS: usize = 690;
/// Points of a trace at most; a column of time shows its least and its most.
const POINTS: usize = 1_400;

/// A whole number as a binary fraction.
pub(super) fn real(count: u64) -> f64 {
    // Above 2^53 the nearest double differs by a part in 10^16.
    #[allow(clippy::cast_precision_loss)]
    let real = count as f64;
    real
}

fn size(count: usize) -> f64 {
    real(count as u64)
}

/// A text inside an element or an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What XML has no character for.
            it if it.is_control() => out.push(' '),
            it => out.push(it),
        }
    }
    out
}

fn open(height: f64, title: &str) -> String {
    let title = escaped(title);
    format!(
        "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"{title}\"><title>{title}</title>"
    )
}

/// A number beside an axis: no more digits than a label has room for.
fn label(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let size = value.abs();
    let text = if !(1e-4..1e6).contains(&size) {
        return format!("{value:.1e}");
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 1.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// One channel over time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// What it is, with its unit.
    pub(super) name: String,
    /// UTC milliseconds and value, in order; no value leaves a gap.
    pub(super) points: Vec<(i64, Option<f64>)>,
}

/// Channels over time, one under the other on one axis of time.
pub(super) fn trace(series: &[Series], zone: &TimeZone, title: &str) -> Option<String> {
    let times = || series.iter().flat_map(|it| it.points.iter().map(|it| it.0));
    let (first, last) = (times().min()?, times().max()?);
    let height = TOP + TRACE * size(series.len()) + BOTTOM;
    let span = real(last.abs_diff(first)).max(1.0);
    let x = |at: i64| LEFT + (WIDTH - LEFT - RIGHT) * real(at.abs_diff(first)) / span;
    let mut svg = open(height, title);
    for (place, one) in series.iter().enumerate() {
        let (top, bottom) = (TOP + TRACE * size(place) + 22.0, TOP + TRACE * size(place + 1) - 8.0);
        let values = || one.points.iter().filter_map(|it| it.1).filter(|it| it.is_finite());
        let _ = write!(svg, "<text x=\"{LEFT}\" y=\"{}\">{}</text>", top - 7.0, escaped(&one.name));
        let _ = write!(
            svg,
            "<path class=\"axis\" fill=\"none\" stroke=\"currentColor\" d=\"M{LEFT} {top}V{bottom}H{}\"/>",
            WIDTH - RIGHT
        );
        if values().next().is_none() {
            continue;
        }
        let (low, high) = values().fold((f64::MAX, f64::MIN), |(low, high), it| (low.min(it), high.max(it)));
        let range = if high > low { high - low } else { 1.0 };
        let y = |value: f64| {
            if high > low { bottom - (bottom - top) * (value - low) / range } else { f64::midpoint(top, bottom) }
        };
        let mut path = String::new();
        let mut drawing = false;
        for (at, value) in thinned(&one.points) {
            match value.filter(|it| it.is_finite()) {
                Some(value) => {
                    let _ = write!(path, "{}{:.1} {:.1}", if drawing { 'L' } else { 'M' }, x(at), y(value));
                    drawing = true;
                }
                None => drawing = false,
            }
        }
        // A value alone between two gaps is a line of no length; the round end makes it a dot.
        let _ = write!(
            svg,
            "<path class=\"trace\" fill=\"none\" stroke=\"currentColor\" stroke-linecap=\"round\" d=\"{path}\"/>"
        );
        let mut mark = |value: f64| {
            let _ = write!(
                svg,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                y(value) + 5.0,
                label(value)
            );
        };
        mark(low);
        if high > low {
            mark(high);
        }
    }
    let foot = height - 8.0;
    let _ = write!(svg, "<text x=\"{LEFT}\" y=\"{foot}\">{}</text>", time::local_clock(first, zone));
    let _ = write!(
        svg,
        "<text x=\"{}\" y=\"{foot}\" text-anchor=\"end\">{}</text></svg>",
        WIDTH - RIGHT,
        time::local_clock(last, zone)
    );
    Some(svg)
}

/// At most [`POINTS`] points: of each run of neighbours the least and the most, in their order, and every gap.
fn thinned(points: &[(i64, Option<f64>)]) -> Vec<(i64, Option<f64>)> {
    let run = points.len().div_ceil(POINTS / 2).max(1);
    if run == 1 {
        return points.to_vec();
    }
    let mut out = Vec::with_capacity(POINTS);
    for part in points.chunks(run) {
        let valued = || part.iter().enumerate().filter_map(|(place, (at, value))| Some((place, *at, (*value)?)));
        let least = valued().min_by(|a, b| a.2.total_cmp(&b.2));
        let most = valued().max_by(|a, b| a.2.total_cmp(&b.2));
        let mut ends: Vec<_> = [least, most].into_iter().flatten().collect();
        ends.sort_by_key(|it| it.0);
        ends.dedup_by_key(|it| it.0);
        out.extend(ends.into_iter().map(|(_, at, value)| (at, Some(value))));
        if let Some(gap) = part.iter().find(|it| it.1.is_none()) {
            out.push(*gap);
        }
    }
    out
}

/// A line or a region marked in a spectrum.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    /// Position in channels, from the lower edge of the first.
    pub(super) position: f64,
    /// Where a region ends; none for a line.
    pub(super) until: Option<f64>,
    /// What it is.
    pub(super) text: String,
}

/// What a spectrum's picture needs.
#[derive(Clone, Debug)]
pub(super) struct Picture<'a> {
    /// What it is.
    pub(super) title: &'a str,
    /// Counts by channel.
    pub(super) counts: &'a [u64],
    /// Logarithmic counts: a channel without any stands on the axis.
    pub(super) log: bool,
    /// Positions on the lower axis with what stands there.
    pub(super) ticks: &'a [(f64, String)],
    /// What the lower axis counts.
    pub(super) axis: &'a str,
    /// Lines and regions.
    pub(super) marks: &'a [Mark],
}

/// Counts by channel, the largest of each column.
pub(super) fn spectrum(picture: &Picture<'_>) -> Option<String> {
    let counts = picture.counts;
    let most = *counts.iter().max()?;
    let channels = size(counts.len());
    let (bottom, wide) = (SPECTRUM - BOTTOM - 18.0, WIDTH - LEFT - RIGHT);
    let x = |position: f64| LEFT + wide * (position / channels).clamp(0.0, 1.0);
    let scaled = |count: f64| if picture.log { (count + 1.0).log10() } else { count };
    let full = scaled(real(most)).max(f64::MIN_POSITIVE);
    let y = |count: f64| bottom - (bottom - TOP) * scaled(count) / full;
    let mut svg = open(SPECTRUM, picture.title);
    for mark in picture.marks.iter().filter(|it| it.until.is_some()) {
        let (from, to) = (x(mark.position), x(mark.until.unwrap_or(mark.position)));
        let _ = write!(
            svg,
            "<rect class=\"region\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{}\" fill=\"currentColor\" fill-opacity=\"0.12\"><title>{}</title></rect>",
            (to - from).max(1.0),
            bottom - TOP,
            escaped(&mark.text)
        );
    }
    let _ = write!(
        svg,
        "<path class=\"axis\" fill=\"none\" stroke=\"currentColor\" d=\"M{LEFT} {TOP}V{bottom}H{}\"/>",
        WIDTH - RIGHT
    );
    let mut path = format!("M{LEFT} {bottom}");
    let run = counts.len().div_ceil(COLUMNS).max(1);
    for (column, part) in counts.chunks(run).enumerate() {
        let height = y(real(part.iter().copied().max().unwrap_or_default()));
        let _ =
            write!(path, "L{:.1} {height:.1}H{:.1}", x(size(column * run)), x(size((column + 1) * run).min(channels)));
    }
    let _ = write!(path, "V{bottom}");
    let _ = write!(svg, "<path class=\"trace\" fill=\"none\" stroke=\"currentColor\" d=\"{path}\"/>");
    for (place, mark) in picture.marks.iter().filter(|it| it.until.is_none()).enumerate() {
        let at = x(mark.position);
        // Neighbours write on three lines, so that close lines stay readable.
        let above = TOP - 8.0 + 15.0 * size(place % 3);
        let _ = write!(
            svg,
            "<path class=\"limit\" fill=\"none\" stroke=\"currentColor\" d=\"M{at:.1} {}V{bottom}\"/>",
            above + 4.0
        );
        let anchor = if at > WIDTH - 120.0 { "end" } else { "start" };
        let _ =
            write!(svg, "<text x=\"{at:.1}\" y=\"{above:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(&mark.text));
    }
    let _ = write!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{most}</text>", LEFT - 6.0, TOP + 6.0);
    let _ = write!(svg, "<text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">0</text>", LEFT - 6.0);
    for (position, text) in picture.ticks {
        let at = x(*position);
        let _ = write!(svg, "<path class=\"axis\" fill=\"none\" stroke=\"currentColor\" d=\"M{at:.1} {bottom}v5\"/>");
        let _ =
            write!(svg, "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>", bottom + 20.0, escaped(text));
    }
    let _ = write!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text></svg>",
        WIDTH - RIGHT,
        SPECTRUM - 6.0,
        escaped(picture.axis)
    );
    Some(svg)
}

/// A share as a bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// Of what group.
    pub(super) name: String,
    /// How many.
    pub(super) numerator: u64,
    /// Of how many.
    pub(super) denominator: u64,
}

/// Shares as bars from 0 to 100 %, each with its interval.
pub(super) fn bars(shares: &[Share], title: &str) -> String {
    const NAMES: f64 = 190.0;
    const NUMBERS: f64 = 150.0;
    let (wide, height) = (WIDTH - NAMES - NUMBERS, TOP + BAR * size(shares.len()) + BOTTOM);
    let x = |share: f64| NAMES + wide * share;
    let mut svg = open(height, title);
    for (place, share) in shares.iter().enumerate() {
        let top = TOP + BAR * size(place);
        let middle = top + BAR / 2.0;
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            NAMES - 8.0,
            middle + 5.0,
            escaped(&cut(&share.name))
        );
        if let Some((low, part, high)) = interval(share.numerator, share.denominator) {
            let _ = write!(
                svg,
                "<rect class=\"share\" x=\"{NAMES}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" fill=\"currentColor\" fill-opacity=\"0.35\"/>",
                top + 5.0,
                x(part) - NAMES,
                BAR - 10.0
            );
            let _ = write!(
                svg,
                "<path class=\"limit\" fill=\"none\" stroke=\"currentColor\" d=\"M{:.1} {middle}H{:.1}\"/>",
                x(low),
                x(high)
            );
            let _ = write!(
                svg,
                "<text x=\"{}\" y=\"{}\">{} / {} = {:.1} %</text>",
                x(1.0) + 8.0,
                middle + 5.0,
                share.numerator,
                share.denominator,
                part * 100.0
            );
        }
    }
    let foot = height - BOTTOM + 4.0;
    let _ = write!(
        svg,
        "<path class=\"axis\" fill=\"none\" stroke=\"currentColor\" d=\"M{NAMES} {TOP}V{foot}H{}\"/>",
        x(1.0)
    );
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{:.0} %</text>",
            x(tick),
            foot + 18.0,
            tick * 100.0
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Names longer than their room.
fn cut(name: &str) -> String {
    const SHOWN: usize = 22;
    if name.chars().count() <= SHOWN { name.to_owned() } else { name.chars().take(SHOWN - 1).chain(['…']).collect() }
}

/// A share and its 95 % interval (Wilson's score interval; E. B. Wilson, JASA 22 (1927) 209); none of nothing.
pub(super) fn interval(numerator: u64, denominator: u64) -> Option<(f64, f64, f64)> {
    const Z: f64 = 1.959_964;
    if denominator == 0 || numerator > denominator {
        return None;
    }
    let (n, part) = (real(denominator), real(numerator) / real(denominator));
    let square = Z * Z;
    let middle = (part + square / (2.0 * n)) / (1.0 + square / n);
    let half = Z / (1.0 + square / n) * (part * (1.0 - part) / n + square / (4.0 * n * n)).sqrt();
    Some(((middle - half).max(0.0), part, (middle + half).min(1.0)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3.
    #[test]
    fn intervals_are_those_of_the_literature() {
        for (numerator, denominator, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let (found_low, _, found_high) = interval(numerator, denominator).unwrap();
            assert!((found_low - low).abs() < 5e-5 && (found_high - high).abs() < 5e-5, "{found_low} {found_high}");
        }
        assert_eq!(interval(0, 0), None);
        assert_eq!(interval(2, 1), None);
        assert!(interval(5, 5).unwrap().2 <= 1.0);
    }

    #[test]
    fn no_peak_is_lost_in_a_picture() {
        let mut counts = vec![1; 65_536];
        *counts.get_mut(40_001).unwrap() = 1_000_000;
        let picture = Picture { title: "t", counts: &counts, log: false, ticks: &[], axis: "", marks: &[] };
        let svg = spectrum(&picture).unwrap();
        assert!(svg.contains(&format!(" {TOP:.1}H")), "the highest channel reaches the top");
        assert!(svg.len() < 40_000, "{}", svg.len());
        let flat = Picture { counts: &[0, 0, 0], log: true, ..picture.clone() };
        assert!(!spectrum(&flat).unwrap().contains("NaN"));
        assert_eq!(spectrum(&Picture { counts: &[], ..picture }), None);
    }

    #[test]
    fn a_long_trace_keeps_its_ends_and_its_gaps() {
        let mut points: Vec<(i64, Option<f64>)> = (0..20_000).map(|it| (it, Some(1.0))).collect();
        points.get_mut(7_777).unwrap().1 = Some(9.0);
        points.get_mut(9_999).unwrap().1 = None;
        let thin = thinned(&points);
        assert!(thin.len() <= POINTS + 1, "{}", thin.len());
        assert!(thin.contains(&(7_777, Some(9.0))) && thin.contains(&(9_999, None)));
        let series = [Series { name: "<script>".to_owned(), points }];
        let svg = trace(&series, &TimeZone::UTC, "a \"b\"").unwrap();
        assert!(svg.contains("&lt;script&gt;") && svg.contains("a &quot;b&quot;") && !svg.contains("NaN"));
        assert_eq!(trace(&[], &TimeZone::UTC, ""), None);
    }
}
