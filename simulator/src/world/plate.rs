//! The plate reader: one line per lorry, a moment after it arrived; sometimes wrong, sometimes none.

use super::{
    chance::{Chance, Purpose},
    traffic::Passage,
};
use crate::scene::{ContainerRead, PlateRead};

/// Characters a camera takes for each other.
const LOOK_ALIKES: [(char, char); 6] = [('8', 'B'), ('0', 'D'), ('5', 'S'), ('2', 'Z'), ('6', 'G'), ('1', '7')];

/// What the reader makes of this lorry's plate: text and confidence in per cent.
pub(crate) fn read(passage: &Passage, chance: Chance) -> Option<(String, u8)> {
    let mut draw = chance.draw(Purpose::Plate, passage.number.cast_signed());
    let within = |low: u8, high: u8, unit: f64| {
        low + u8::try_from(super::rounding::below(unit * f64::from(high - low))).unwrap_or(0)
    };
    match passage.lorry.plate_read {
        PlateRead::Right => Some((passage.lorry.plate.clone(), within(93, 99, draw.unit()))),
        PlateRead::Wrong => Some((misread(&passage.lorry.plate), within(55, 75, draw.unit()))),
        PlateRead::Missing => None,
    }
}

/// What the container reader reads off this lorry.
pub(crate) fn container(passage: &Passage) -> Option<String> {
    let number = passage.lorry.container.clone()?;
    match passage.lorry.container_read {
        ContainerRead::Right => Some(number),
        ContainerRead::Confused => Some(number.replacen('0', "O", 1)),
        ContainerRead::Wrong => {
            let place = number.chars().count().checked_sub(2)?;
            let other = |it: char| char::from_digit((it.to_digit(10)? + 1) % 10, 10);
            Some(
                number
                    .chars()
                    .enumerate()
                    .map(|(at, it)| if at == place { other(it).unwrap_or(it) } else { it })
                    .collect(),
            )
        }
        ContainerRead::Missing => None,
    }
}

/// The last character with a look-alike is taken for it; a plate without one loses its last character.
fn misread(plate: &str) -> String {
    let mut read: Vec<char> = plate.chars().collect();
    let swap = |it: char| {
        LOOK_ALIKES.iter().find_map(|&(a, b)| {
            if it == a {
                Some(b)
            } else if it == b {
                Some(a)
            } else {
                None
            }
        })
    };
    match read.iter_mut().rev().find_map(|it| swap(*it).map(|other| (it, other))) {
        Some((it, other)) => *it = other,
        None => {
            read.pop();
        }
    }
    read.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misread_plate_is_another_plate() {
        for (plate, read) in [("粤B12345", "粤B1234S"), ("粤BD8888", "粤BD888B"), ("粤AFFF4F", "粤AFFF4")] {
            assert_eq!(misread(plate), read);
        }
    }
}
