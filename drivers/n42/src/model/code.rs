//! The standard's code lists.

use crate::{error::Fault, lexical::Lexical};

/// Declares a code list: variants and their spelling.
macro_rules! codes {
    ($(
        $(#[$meta:meta])* $name:ident, $expected:literal {
            $( $(#[$variant_meta:meta])* $variant:ident = $code:literal ),* $(,)?
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )*
        }

        impl $name {
            /// All codes, in the standard's order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The spelling in documents.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }

        impl Lexical for $name {
            fn parse(text: &str) -> Result<Self, Fault> {
                let text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
                Self::ALL
                    .iter()
                    .copied()
                    .find(|it| it.code() == text)
                    .ok_or_else(|| Fault::value(&text, $expected))
            }

            fn print(&self) -> String {
                self.code().to_owned()
            }
        }
    )* };
}

codes! {
    /// What kind of instrument it is.
    InstrumentClass, "an instrument class of the standard" {
        /// Carried on the back.
        Backpack = "Backpack",
        /// Dosimeter.
        Dosimeter = "Dosimeter",
        /// Electronic personal emergency radiation detector.
        EmergencyDetector = "Electronic Personal Emergency Radiation Detector",
        /// Vehicle-borne system.
        Mobile = "Mobile System",
        /// Area monitor in a network.
        AreaMonitor = "Network Area Monitor",
        /// Neutron handheld.
        NeutronHandheld = "Neutron Handheld",
        /// Personal radiation detector.
        PersonalDetector = "Personal Radiation Detector",
        /// Radionuclide identifier.
        Identifier = "Radionuclide Identifier",
        /// Portal monitor that counts.
        Portal = "Portal Monitor",
        /// Portal monitor with spectra.
        SpectroscopicPortal = "Spectroscopic Portal Monitor",
        /// Personal detector with spectra.
        SpectroscopicPersonalDetector = "Spectroscopic Personal Radiation Detector",
        /// Gamma handheld.
        GammaHandheld = "Gamma Handheld",
        /// Transportable system.
        Transportable = "Transportable System",
        /// None of these.
        Other = "Other",
    }

    /// What a detector detects.
    DetectorCategory, "a detector category of the standard" {
        /// Gamma rays.
        Gamma = "Gamma",
        /// Neutrons.
        Neutron = "Neutron",
        /// Alpha particles.
        Alpha = "Alpha",
        /// Beta particles.
        Beta = "Beta",
        /// X-rays.
        XRay = "X-ray",
        /// Something else, which the detector's description must say.
        Other = "Other",
    }

    /// What a detector is made of.
    DetectorKind, "a detector kind of the standard" {
        /// High-purity germanium.
        Hpge = "HPGe",
        /// High-pressure xenon.
        Hpxe = "HPXe",
        /// Sodium iodide.
        Nai = "NaI",
        /// Lanthanum bromide.
        Labr3 = "LaBr3",
        /// Lanthanum chloride.
        Lacl3 = "LaCl3",
        /// Bismuth germanate.
        Bgo = "BGO",
        /// Cadmium zinc telluride.
        Czt = "CZT",
        /// Cadmium telluride.
        Cdte = "CdTe",
        /// Caesium iodide.
        Csi = "CsI",
        /// Geiger-Müller tube.
        Gmt = "GMT",
        /// Geiger-Müller tube with a window.
        Gmtw = "GMTW",
        /// Lithium glass fibre.
        LiFiber = "LiFiber",
        /// Polyvinyl toluene.
        Pvt = "PVT",
        /// Polystyrene.
        Ps = "PS",
        /// Helium-3.
        He3 = "He3",
        /// Helium-4.
        He4 = "He4",
        /// Lithium glass.
        LiGlass = "LiGlass",
        /// Lithium iodide.
        LiI = "LiI",
        /// Strontium iodide.
        Sri2 = "SrI2",
        /// Caesium lithium yttrium chloride.
        Clyc = "CLYC",
        /// Cadmium tungstate.
        Cdwo4 = "CdWO4",
        /// Boron trifluoride.
        Bf3 = "BF3",
        /// Mercuric iodide.
        Hgi2 = "HgI2",
        /// Cerium bromide.
        Cebr4 = "CeBr4",
        /// Lithium calcium aluminium fluoride.
        Licaf = "LiCAF",
        /// Lithium zinc sulphide.
        LiZnS = "LiZnS",
        /// Something else, which the detector's description must say.
        Other = "Other",
    }

    /// What a measurement is of.
    MeasurementClass, "Foreground, Background, Calibration, IntrinsicActivity or NotSpecified" {
        /// The item.
        Foreground = "Foreground",
        /// The place without the item.
        Background = "Background",
        /// A calibration source.
        Calibration = "Calibration",
        /// The detector's own activity.
        IntrinsicActivity = "IntrinsicActivity",
        /// Not stated.
        NotSpecified = "NotSpecified",
    }

    /// What an alarm is about.
    AlarmCategory, "an alarm category of the standard" {
        /// Neutrons.
        Neutron = "Neutron",
        /// Gamma rays.
        Gamma = "Gamma",
        /// Alpha particles.
        Alpha = "Alpha",
        /// Beta particles.
        Beta = "Beta",
        /// A nuclide.
        Isotope = "Isotope",
        /// Something else, which the alarm's description must say.
        Other = "Other",
    }

    /// How bad a fault is.
    Severity, "Fatal, Error or Warning" {
        /// Nothing measured can be used.
        Fatal = "Fatal",
        /// Something is wrong.
        Error = "Error",
        /// Something deserves attention.
        Warning = "Warning",
    }

    /// What an instrument was doing.
    InstrumentMode, "an instrument mode of the standard" {
        /// Calibrating.
        Calibrate = "Calibrate",
        /// Measuring one place for long.
        LongDwell = "Long Dwell",
        /// Searching.
        Search = "Search",
        /// Testing itself.
        Test = "Test",
        /// Something else.
        Other = "Other",
    }

    /// Whether an analysis succeeded.
    ResultStatus, "Success or Failure" {
        /// It did.
        Success = "Success",
        /// It did not.
        Failure = "Failure",
    }

    /// The shape of a source.
    SourceGeometry, "Point, Extended or Undetermined" {
        /// A point.
        Point = "Point",
        /// Extended.
        Extended = "Extended",
        /// Not determined.
        Undetermined = "Undetermined",
    }

    /// The data type of a characteristic's value, by its name in the schema language.
    DataClass, "a data class of the standard" {
        /// URI.
        AnyUri = "anyURI",
        /// Base64.
        Base64Binary = "base64Binary",
        /// Boolean.
        Boolean = "boolean",
        /// Signed 8-bit integer.
        Byte = "byte",
        /// Date.
        Date = "date",
        /// Date and time.
        DateTime = "dateTime",
        /// Decimal.
        Decimal = "decimal",
        /// Double.
        Double = "double",
        /// List of doubles.
        DoubleList = "DoubleList",
        /// Duration.
        Duration = "duration",
        /// Float.
        Float = "float",
        /// Hexadecimal.
        HexBinary = "hexBinary",
        /// Identifier.
        Id = "ID",
        /// Reference.
        Idref = "IDREF",
        /// References.
        Idrefs = "IDREFS",
        /// Signed 32-bit integer.
        Int = "int",
        /// Integer.
        Integer = "integer",
        /// Signed 64-bit integer.
        Long = "long",
        /// XML name.
        Name = "Name",
        /// XML name without colon.
        NcName = "NCName",
        /// Negative integer.
        NegativeInteger = "negativeInteger",
        /// Text with a word in it.
        NonBlankString = "NonBlankString",
        /// List of doubles, 0 or more.
        NonNegativeDoubleList = "NonNegativeDoubleList",
        /// Double, 0 or more.
        NonNegativeDouble = "NonNegativeDouble",
        /// Integer, 0 or more.
        NonNegativeInteger = "nonNegativeInteger",
        /// Integer, 0 or less.
        NonPositiveInteger = "nonPositiveInteger",
        /// Text without line breaks.
        NormalizedString = "normalizedString",
        /// Per cent.
        Percent = "Percent",
        /// List of positive doubles.
        PositiveDoubleList = "PositiveDoubleList",
        /// Positive double.
        PositiveDouble = "PositiveDouble",
        /// Positive integer.
        PositiveInteger = "positiveInteger",
        /// List of positive integers.
        PositiveIntegerList = "PositiveIntegerList",
        /// Signed 16-bit integer.
        Short = "short",
        /// Text.
        Text = "string",
        /// List of texts.
        TextList = "StringList",
        /// Time of day.
        Time = "time",
        /// Token.
        Token = "token",
        /// Unsigned 8-bit integer.
        UnsignedByte = "unsignedByte",
        /// Unsigned 32-bit integer.
        UnsignedInt = "unsignedInt",
        /// Unsigned 64-bit integer.
        UnsignedLong = "unsignedLong",
        /// Unsigned 16-bit integer.
        UnsignedShort = "unsignedShort",
        /// Double of 0 to 1.
        ZeroToOneDouble = "ZeroToOneDouble",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn codes_read_back_and_are_case_sensitive() {
        for &class in InstrumentClass::ALL {
            assert_eq!(InstrumentClass::parse(class.code()).unwrap(), class);
        }
        for &kind in DetectorKind::ALL {
            assert_eq!(DetectorKind::parse(&kind.print()).unwrap(), kind);
        }
        for &class in DataClass::ALL {
            assert_eq!(DataClass::parse(class.code()).unwrap(), class);
        }
        assert_eq!(InstrumentClass::parse("\n Portal  Monitor ").unwrap(), InstrumentClass::Portal);
        assert!(MeasurementClass::parse("foreground").is_err());
    }
}
