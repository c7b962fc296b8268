//! Writing deterministic CBOR.

/// Appends deterministic CBOR items to a buffer.
///
/// Array lengths are stated by the caller, who writes exactly that many items next. Maps sort
/// themselves, see [`Writer::map`].
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes written so far.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    // The head in its shortest form (RFC 8949 §3, §4.2.1).
    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        let bytes = argument.to_be_bytes();
        let [.., b4, b5, b6, b7] = bytes;
        if argument < 24 {
            self.out.push(major | b7);
        } else if argument <= 0xff {
            self.out.extend([major | 0x18, b7]);
        } else if argument <= 0xffff {
            self.out.extend([major | 0x19, b6, b7]);
        } else if argument <= 0xffff_ffff {
            self.out.extend([major | 0x1a, b4, b5, b6, b7]);
        } else {
            self.out.push(major | 0x1b);
            self.out.extend(bytes);
        }
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) {
        self.head(0, value);
    }

    /// A signed integer.
    pub fn int(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(0, value),
            // Major type 1 carries -1 - value, which is the bitwise complement.
            Err(_) => self.head(1, (!value).unsigned_abs()),
        }
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) {
        self.head(2, value.len() as u64);
        self.out.extend_from_slice(value);
    }

    /// A text string.
    pub fn text(&mut self, value: &str) {
        self.head(3, value.len() as u64);
        self.out.extend_from_slice(value.as_bytes());
    }

    /// The head of an array of `len` items.
    pub fn array(&mut self, len: usize) {
        self.head(4, len as u64);
    }

    /// An array of all `items`, each written by `write`.
    pub fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.array(items.len());
        for item in items {
            write(self, item);
        }
    }

    /// A map; entries may be given in any order and are written in the deterministic one.
    ///
    /// # Panics
    ///
    /// On a key given twice, which is a mistake of the calling code and no property of data.
    pub fn map(&mut self, fill: impl FnOnce(&mut Entries)) {
        let mut entries = Entries { entries: Vec::new() };
        fill(&mut entries);
        let mut entries = entries.entries;
        entries.sort();
        assert!(
            entries.windows(2).all(|pair| matches!(pair, [(a, _), (b, _)] if a != b)),
            "a map key was written twice"
        );
        self.head(5, entries.len() as u64);
        for (key, value) in entries {
            self.out.extend(key);
            self.out.extend(value);
        }
    }

    /// The head of a tag; the tagged item follows.
    pub fn tag(&mut self, tag: u64) {
        self.head(6, tag);
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.out.push(if value { 0xf5 } else { 0xf4 });
    }

    /// `null`.
    pub fn null(&mut self) {
        self.out.push(0xf6);
    }

    /// An item that is encoded already.
    pub fn encoded(&mut self, item: &[u8]) {
        self.out.extend_from_slice(item);
    }
}

/// The entries of a map being written.
#[derive(Debug)]
pub struct Entries {
    entries: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entries {
    fn push(&mut self, key: impl FnOnce(&mut Writer), value: impl FnOnce(&mut Writer)) {
        let (mut k, mut v) = (Writer::new(), Writer::new());
        key(&mut k);
        value(&mut v);
        self.entries.push((k.finish(), v.finish()));
    }

    /// An entry under an integer key.
    pub fn int(&mut self, key: i64, value: impl FnOnce(&mut Writer)) {
        self.push(|w| w.int(key), value);
    }

    /// An entry under an integer key, left out when there is no value.
    pub fn optional<T>(&mut self, key: i64, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
        if let Some(value) = value {
            self.int(key, |w| write(w, value));
        }
    }

    /// An entry under a text key.
    pub fn text(&mut self, key: &str, value: impl FnOnce(&mut Writer)) {
        self.push(|w| w.text(key), value);
    }
}
