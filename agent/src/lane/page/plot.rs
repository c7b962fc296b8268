//! How a channel moved, as an SVG the server draws.
//!
//! One picture for each channel: values of different units share no axis. Fractions are binary here, because a pixel is
//! the only thing that comes of them; the numbers at the axis are the readings' own.

use std::fmt::Write as _;

use tidewaiter_drivers::Decimal;
use tidewaiter_words::{Language, quantity, say, terms};

use crate::inspector::Series;

/// Size of the picture in its own units.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 160.0;
/// Room above and below the trace.
const MARGIN: f64 = 12.0;

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plot {
    /// What is shown, of which instrument.
    pub(super) title: String,
    /// The trace: `x,y x,y …`.
    pub(super) points: String,
    /// Greatest and least value with unit.
    pub(super) most: String,
    /// As [`Self::most`].
    pub(super) least: String,
    /// Time from the first point to the last.
    pub(super) span: String,
    /// The picture in a sentence, for those who do not see it.
    pub(super) told: String,
}

/// The picture of a series; none of fewer than two points.
pub(super) fn plot(language: Language, series: &Series) -> Option<Plot> {
    let ((first, _), (last, _)) = (*series.points.first()?, *series.points.last()?);
    let by_value = |a: &&(u64, Decimal), b: &&(u64, Decimal)| a.1.cmp_value(b.1);
    let (_, most) = *series.points.iter().max_by(by_value)?;
    let (_, least) = *series.points.iter().min_by(by_value)?;
    let length_ms = last.checked_sub(first).filter(|it| *it > 0)?;
    let (low, high) = (pixel(least), pixel(most));
    let points = series.points.iter().fold(String::with_capacity(series.points.len() * 12), |mut text, (at, value)| {
        #[allow(clippy::cast_precision_loss, reason = "a place on a screen")]
        let x = (at - first) as f64 / length_ms as f64 * WIDTH;
        // A flat line is drawn in the middle.
        let share = if high > low { (pixel(*value) - low) / (high - low) } else { 0.5 };
        let y = HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN);
        let _ = write!(text, "{x:.1},{y:.1} ");
        text
    });
    let unit = series.unit.map_or("1", tidewaiter_drivers::Unit::code);
    let shown = |value: Decimal| quantity::value(language, &format!("{value} {unit}"));
    let name = channel(language, &series.channel);
    let title = format!("{name} · {}", series.instrument);
    let (most, least, span) = (shown(most), shown(least), terms::span(length_ms / 1000));
    let told = say(
        language,
        "plot-told",
        &[("name", (&title).into()), ("least", (&least).into()), ("most", (&most).into()), ("span", (&span).into())],
    );
    Some(Plot { title, points: points.trim_end().to_owned(), most, least, span, told })
}

/// The name of a channel: that of the parameter it gives where it has one.
pub(super) fn channel(language: Language, id: &str) -> String {
    let parameter = if id == "mass" { "gross-mass" } else { id };
    terms::parameter(language, parameter)
}

fn pixel(value: Decimal) -> f64 {
    value.to_string().parse().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tidewaiter_drivers::Unit;

    use super::*;

    fn series(values: &[(u64, &str)]) -> Series {
        let points = values.iter().map(|(at, value)| (*at, value.parse().unwrap())).collect();
        Series::of("scale-1", "mass", Some(Unit::Kilogram), points)
    }

    #[test]
    fn a_trace_runs_from_edge_to_edge() {
        let plot = plot(Language::En, &series(&[(1000, "0"), (2000, "30120"), (3000, "15060")])).unwrap();
        assert_eq!(plot.points, "0.0,148.0 300.0,12.0 600.0,80.0");
        assert_eq!((plot.most.as_str(), plot.least.as_str(), plot.span.as_str()), ("30120 kg", "0 kg", "00:02"));
        assert_eq!(plot.told, "gross mass · scale-1: from 0 kg to 30120 kg within 00:02");
    }

    #[test]
    fn what_cannot_be_drawn_is_not() {
        assert_eq!(plot(Language::En, &series(&[])), None);
        assert_eq!(plot(Language::En, &series(&[(1, "1")])), None);
        assert_eq!(plot(Language::En, &series(&[(1, "1"), (1, "2")])), None);
        let flat = plot(Language::En, &series(&[(0, "5"), (10, "5")])).unwrap();
        assert_eq!(flat.points, "0.0,80.0 600.0,80.0");
    }
}
