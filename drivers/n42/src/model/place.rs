//! Where something was, which way it faced and how fast it went.

use tidewaiter_drivers::Decimal;

use super::node::{Content, Part, Reading, Take};
use crate::{
    error::{Fault, ReadError},
    lexical::{Id, Name},
    xml::Sink,
};

node! {
    /// Position, orientation and speed; `StateVector`.
    StateVector {
        /// Where.
        location: Option<Location> = part,
        /// Which way.
        orientation: Option<Orientation> = maybe "Orientation",
        /// Speed in metres per second.
        speed: Option<Decimal> = maybe "SpeedValue",
    }
}

/// A place, by coordinates, in words, or relative to something.
#[derive(Clone, Debug, PartialEq)]
pub enum Location {
    /// By coordinates.
    Geographic(GeographicPoint),
    /// In words.
    Described(Name),
    /// Relative to an origin.
    Relative(RelativeLocation),
}

impl Part for Option<Location> {
    fn take(take: &mut Take<'_>, reading: &mut Reading<'_>) -> Result<Self, ReadError> {
        let geographic = take.optional("GeographicPoint", reading)?.map(Location::Geographic);
        let described = take.optional("LocationDescription", reading)?.map(Location::Described);
        let relative = take.optional("RelativeLocation", reading)?.map(Location::Relative);
        let mut found = [geographic, described, relative].into_iter().flatten();
        match (found.next(), found.next()) {
            (location, None) => Ok(location),
            _ => Err(take.error(reading, Fault::Together("GeographicPoint, LocationDescription and RelativeLocation"))),
        }
    }

    fn put(&self, out: &mut dyn Sink) {
        match self {
            Some(Location::Geographic(point)) => point.write("GeographicPoint", out),
            Some(Location::Described(words)) => words.write("LocationDescription", out),
            Some(Location::Relative(relative)) => relative.write("RelativeLocation", out),
            None => {}
        }
    }
}

node! {
    /// A point on the earth, WGS 84 unless stated otherwise; `GeographicPoint`.
    GeographicPoint {
        /// Another datum.
        datum: Option<String> = maybe_attribute "datum",
        /// Latitude in degrees, north positive.
        latitude: Decimal = one "LatitudeValue",
        /// Longitude in degrees, east positive.
        longitude: Decimal = one "LongitudeValue",
        /// Elevation in metres.
        elevation: Option<Decimal> = maybe "ElevationValue",
        /// Height above the ground in metres.
        elevation_offset: Option<Decimal> = maybe "ElevationOffsetValue",
        /// Accuracy of latitude and longitude in metres.
        accuracy: Option<Decimal> = maybe "GeoPointAccuracyValue",
        /// Accuracy of the elevation in metres.
        elevation_accuracy: Option<Decimal> = maybe "ElevationAccuracyValue",
        /// Accuracy of the height above the ground in metres.
        elevation_offset_accuracy: Option<Decimal> = maybe "ElevationOffsetAccuracyValue",
    }
}

node! {
    /// Which way something faces, in degrees; `Orientation`.
    Orientation {
        /// From north, clockwise.
        azimuth: Decimal = one "AzimuthValue",
        /// Above the horizontal.
        inclination: Option<Decimal> = maybe "InclinationValue",
        /// About its own axis.
        roll: Option<Decimal> = maybe "RollValue",
    }
}

node! {
    /// A place relative to an origin; `RelativeLocation`.
    RelativeLocation {
        /// Direction in degrees.
        azimuth: Option<Decimal> = maybe "RelativeLocationAzimuthValue",
        /// Angle above the horizontal in degrees.
        inclination: Option<Decimal> = maybe "RelativeLocationInclinationValue",
        /// Distance in metres.
        distance: Option<Decimal> = maybe "DistanceValue",
        /// From where.
        origin: Origin = one "Origin",
    }
}

node! {
    /// What a relative place is relative to; `Origin`.
    Origin {
        /// An instrument, detector or item, whose description of the exact point must follow.
        reference: Option<Id> = maybe_attribute "originReference",
        /// A point on the earth.
        point: Option<GeographicPoint> = maybe "GeographicPoint",
        /// In words.
        description: Option<String> = maybe "OriginDescription",
    }
}

node! {
    /// Where a source is thought to be; `SourcePosition`.
    SourcePosition {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Where.
        location: Option<Location> = part,
    }
}
