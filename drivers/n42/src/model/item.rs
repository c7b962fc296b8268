//! What was measured.

use tidewaiter_drivers::Decimal;

use super::Characteristics;
use crate::lexical::{Id, Name};

node! {
    /// A conveyance, container or sample; `RadItemInformation`.
    Item {
        /// Identifier.
        id: Id = attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// What it is.
        description: Option<String> = maybe "RadItemDescription",
        /// How much of it.
        quantity: Option<ItemQuantity> = maybe "RadItemQuantity",
        /// How it was placed.
        geometry: Option<String> = maybe "RadItemMeasurementGeometryDescription",
        /// More about it: plate, container number, manifest.
        characteristics: Vec<Characteristics> = many "RadItemCharacteristics",
    }
}

node! {
    /// How much of an item there is; `RadItemQuantity`.
    ItemQuantity {
        /// Identifier.
        id: Option<Id> = maybe_attribute "id",
        /// Remarks.
        remarks: Vec<String> = many "Remark",
        /// Its value, above 0.
        value: Decimal = one "RadItemQuantityValue",
        /// Its uncertainty, above 0.
        uncertainty: Option<Decimal> = maybe "RadItemQuantityUncertaintyValue",
        /// Its unit.
        units: Name = one "RadItemQuantityUnits",
    }
}

impl Item {
    /// An item with single characteristics.
    pub fn new(id: impl Into<Id>, characteristics: Vec<super::Characteristic>) -> Self {
        let characteristics =
            if characteristics.is_empty() { Vec::new() } else { vec![Characteristics::of(characteristics)] };
        Self { id: id.into(), remarks: Vec::new(), description: None, quantity: None, geometry: None, characteristics }
    }
}
