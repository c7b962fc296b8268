//! Named values beyond the standard's own elements.

use super::DataClass;
use crate::lexical::{DateTime, Id, Name};

node! {
    /// Characteristics of an instrument, a detector or an item; `…Characteristics`.
    Characteristics {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Single ones.
        single: Vec<Characteristic> = many "Characteristic",
        /// Grouped ones.
        groups: Vec<CharacteristicGroup> = many "CharacteristicGroup",
    }
}

node! {
    /// A group of characteristics; `CharacteristicGroup`.
    CharacteristicGroup {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Whether any of them is out of its limits.
        out_of_limits: Option<bool> = maybe_attribute "groupOutOfLimits",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Its name.
        name: Name = one "CharacteristicGroupName",
        /// Its members, one at least.
        members: Vec<Characteristic> = many "Characteristic",
    }
}

node! {
    /// A named value; `Characteristic`.
    Characteristic {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// When it was valid.
        at: Option<DateTime> = maybe_attribute "valueDateTime",
        /// Whether it is out of its limits.
        out_of_limits: Option<bool> = maybe_attribute "valueOutOfLimits",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// What it is.
        name: Name = one "CharacteristicName",
        /// Its value, as text.
        value: Name = one "CharacteristicValue",
        /// Its unit, `unit-less` where there is none.
        units: Name = one "CharacteristicValueUnits",
        /// The data type of the value.
        class: DataClass = one "CharacteristicValueDataClassCode",
    }
}

impl Characteristic {
    /// A text, such as the number of a container.
    ///
    /// # Errors
    ///
    /// What the schema does not take for a name or value.
    pub fn text(name: &str, value: &str) -> Result<Self, crate::lexical::NotAName> {
        Ok(Self {
            id: None,
            at: None,
            out_of_limits: None,
            remarks: Vec::new(),
            name: Name::new(name)?,
            value: Name::new(value)?,
            units: Name::new("unit-less")?,
            class: DataClass::Text,
        })
    }
}

impl Characteristics {
    /// Single characteristics.
    pub fn of(single: Vec<Characteristic>) -> Self {
        Self { id: None, remarks: Vec::new(), single, groups: Vec::new() }
    }
}
