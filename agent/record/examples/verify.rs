//! Verifies CBOR sequences and prints one report per file, a JSON object on a line each:
//! `cargo run -p tidewaiter-record --example verify -- REGISTRY FILE...`.
//!
//! The smallest program around the verifier; another implementation is held against it file by file.

use std::{error::Error, fs};

use tidewaiter_record::{Registry, Verifier, split_sequence};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let registry = arguments.next().ok_or("usage: verify REGISTRY FILE...")?;
    let registry = Registry::from_json(&fs::read_to_string(registry)?)?;
    for file in arguments {
        let stream = fs::read(file)?;
        let mut verifier = Verifier::new(&registry);
        for item in split_sequence(&stream) {
            match item {
                Ok(item) => {
                    verifier.push(item);
                }
                Err(error) => verifier.push_broken(&error),
            }
        }
        println!("{}", serde_json::to_string(&verifier.finish())?);
    }
    Ok(())
}
