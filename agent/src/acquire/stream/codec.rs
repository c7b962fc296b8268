//! One decoder as the tasks of a byte stream see it, whatever protocol is behind it.
//!
//! Bytes come in, [`Said`] comes out: what to hand on, and whether it answers what was asked. The
//! drivers' decoders enter through a few adapters: [`Plain`] for whatever comes down to channels,
//! [`Weighed`] for displays whose rest has to be found, and one for each protocol with a content of its
//! own (portal lines, plates, line profiles).

use std::sync::Arc;

use tidewaiter_config::{
    profile::{LineProfile, line},
    site::TextEncoding,
};
use tidewaiter_drivers::{
    identity::plate,
    portal::rpm,
    reading::{Channels, Flaw, Moment, Quality, Reading},
    wire::{Decode, Event, Refusal},
};

use crate::acquire::{Content, Happening, Mark, channel};

/// What one frame comes to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    /// Arrivals in their order; none for a frame without a value.
    pub(super) contents: Vec<Content>,
    /// It answers the question put last. Always true for an instrument that is not asked.
    pub(super) answers: bool,
}

impl Said {
    pub(super) const fn new(contents: Vec<Content>) -> Self {
        Self { contents, answers: true }
    }
}

/// Where in the protocol the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// Anywhere: the port was opened while the instrument spoke.
    Unknown,
    /// At the start of the answer to this question, counted from 0.
    Answer(usize),
}

/// A decoder of any protocol.
pub(super) trait Codec: Send {
    /// Takes one byte that arrived at `at`.
    fn push(&mut self, byte: u8, at: Moment) -> Option<Event<Said>>;
    /// The bytes of the frame just reported.
    fn raw(&self) -> &[u8];
    /// Forgets a half-received frame.
    fn begin(&mut self, beginning: Beginning);
}

/// Builds a decoder for a beginning: at the start of an answer nothing has to be thrown away.
type Make<D> = Box<dyn Fn(Beginning) -> D + Send>;

/// Names that some statements carry beside their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// What the instrument calls itself.
    pub(super) serial: Option<String>,
    /// What it calls the sample.
    pub(super) sample: Option<String>,
}

/// The serial number the register of instruments states, the one told last, and the sample named last.
#[derive(Clone, Debug, Default)]
pub(super) struct Register {
    expected: Option<String>,
    told: Option<String>,
    sample: Option<String>,
}

impl Register {
    pub(super) const fn new(expected: Option<String>) -> Self {
        Self { expected, told: None, sample: None }
    }

    /// What is new about who answers, and whether it is another instrument than the registered one.
    fn identity(&mut self, serial: Option<String>) -> (Vec<Content>, bool) {
        let another = matches!((&self.expected, &serial), (Some(expected), Some(found)) if expected != found);
        let Some(found) = serial.filter(|found| self.told.as_ref() != Some(found)) else {
            return (Vec::new(), another);
        };
        let fact = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let mut facts = vec![fact("serial", &found)];
        let name = if self.told.is_some() { "identity-changed" } else { "identity-seen" };
        facts.extend(self.told.iter().map(|former| fact("former-serial", former)));
        let mut told = vec![Content::Event(Happening { name, facts })];
        if let Some(expected) = self.expected.as_ref().filter(|_| another) {
            let facts = vec![fact("expected-serial", expected), fact("serial", &found)];
            told.push(Content::Event(Happening { name: "identity-mismatch", facts }));
        }
        self.told = Some(found);
        (told, another)
    }

    /// The arrivals of a statement: who answers, where that is new, a new sample's name, then the readings, which are bad when
    /// another instrument answers than the registered one.
    fn contents(&mut self, names: Names, mut readings: Vec<Reading>) -> Vec<Content> {
        let (mut contents, another) = self.identity(names.serial);
        if names.sample.is_some() && names.sample != self.sample {
            self.sample.clone_from(&names.sample);
            contents
                .extend(names.sample.map(|text| Content::Identity(Mark { kind: "sample", text, confidence: None })));
        }
        for reading in readings.iter_mut().filter(|_| another) {
            if let Ok(indication) = &mut reading.outcome {
                indication.quality = Quality::Bad(Flaw::IdentityMismatch);
            }
        }
        if !readings.is_empty() {
            contents.push(Content::Readings(readings));
        }
        contents
    }
}

fn readings(frame: &impl Channels, at: Moment) -> Vec<Reading> {
    let mut readings = Vec::new();
    frame.each(&mut |name, outcome| readings.push(Reading { channel: channel::name(name), at, outcome }));
    readings
}

/// Turns a frame into what it says; a frame that cannot be is refused.
pub(super) fn map<T>(event: Event<T>, said: impl FnOnce(T) -> Result<Said, Refusal>) -> Event<Said> {
    match event {
        Event::Frame(frame) => said(frame).map_or_else(Event::Refused, Event::Frame),
        Event::Refused(refusal) => Event::Refused(refusal),
        Event::Garbage(bytes) => Event::Garbage(bytes),
    }
}

/// A protocol whose frames come down to channels.
pub(super) struct Plain<D: Decode> {
    decoder: D,
    make: Make<D>,
    names: fn(&D::Item) -> Names,
    /// Whether a frame answers the question of this number.
    answers: fn(&D::Item, usize) -> bool,
    question: usize,
    /// The decoder keeps what the first answer of a poll told it.
    keeps: bool,
    register: Register,
}

impl<D: Decode> Plain<D>
where
    D::Item: Channels,
{
    pub(super) fn new(make: impl Fn(Beginning) -> D + Send + 'static, register: Register) -> Self {
        Self {
            decoder: make(Beginning::Unknown),
            make: Box::new(make),
            names: |_| Names::default(),
            answers: |_, _| true,
            question: 0,
            keeps: false,
            register,
        }
    }

    /// With a decoder that must not forget the earlier answers of a poll.
    pub(super) fn keeping(self) -> Self {
        Self { keeps: true, ..self }
    }

    /// With names beside the values.
    pub(super) fn with_names(self, names: fn(&D::Item) -> Names) -> Self {
        Self { names, ..self }
    }

    /// With frames that do not answer every question.
    pub(super) fn answering(self, answers: fn(&D::Item, usize) -> bool) -> Self {
        Self { answers, ..self }
    }
}

impl<D: Decode + Send> Codec for Plain<D>
where
    D::Item: Channels,
{
    fn push(&mut self, byte: u8, at: Moment) -> Option<Event<Said>> {
        let event = self.decoder.push(byte)?;
        Some(map(event, |frame| {
            let answers = (self.answers)(&frame, self.question);
            let contents =
                if answers { self.register.contents((self.names)(&frame), readings(&frame, at)) } else { Vec::new() };
            Ok(Said { contents, answers })
        }))
    }

    fn raw(&self) -> &[u8] {
        self.decoder.raw()
    }

    fn begin(&mut self, beginning: Beginning) {
        if !(self.keeps && matches!(beginning, Beginning::Answer(1..))) {
            self.decoder = (self.make)(beginning);
        }
        self.question = match beginning {
            Beginning::Unknown => 0,
            Beginning::Answer(question) => question,
        };
    }
}

/// A protocol with a content of its own, whose frames a function turns into contents.
pub(super) struct Special<D, M, F> {
    decoder: D,
    make: M,
    said: F,
}

impl<D: Decode, M: Fn() -> D, F> Special<D, M, F>
where
    F: FnMut(Event<D::Item>, Moment) -> Event<Said>,
{
    pub(super) fn new(make: M, said: F) -> Self {
        Self { decoder: make(), make, said }
    }
}

impl<D: Decode + Send, M: Fn() -> D + Send, F> Codec for Special<D, M, F>
where
    F: FnMut(Event<D::Item>, Moment) -> Event<Said> + Send,
{
    fn push(&mut self, byte: u8, at: Moment) -> Option<Event<Said>> {
        let event = self.decoder.push(byte)?;
        Some((self.said)(event, at))
    }

    fn raw(&self) -> &[u8] {
        self.decoder.raw()
    }

    fn begin(&mut self, _: Beginning) {
        self.decoder = (self.make)();
    }
}

/// Lines of a radiation portal.
pub(super) fn portal() -> Box<dyn Codec> {
    // A whole line of another kind is no fault of the line: it passes, and means nothing further on.
    Box::new(Special::new(rpm::Decoder::new, |event, _| map(event, |line| Ok(Said::new(vec![Content::Portal(line)])))))
}

/// Lines of a plate reader.
pub(super) fn plates(encoding: TextEncoding) -> Box<dyn Codec> {
    Box::new(Special::new(plate::Decoder::new, move |event, _| {
        map(event, |plate| {
            let text = text(&plate.bytes, encoding).ok_or(Refusal::Shape)?;
            Ok(Said::new(vec![Content::Identity(Mark { kind: "plate", text, confidence: plate.confidence })]))
        })
    }))
}

/// The text of a reader, or nothing when its bytes are not text in that encoding: a replacement
/// character in a plate would look like a plate.
pub(super) fn text(bytes: &[u8], encoding: TextEncoding) -> Option<String> {
    match encoding {
        TextEncoding::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
        TextEncoding::Gbk => encoding_rs::GBK
            .decode_without_bom_handling_and_without_replacement(bytes)
            .map(std::borrow::Cow::into_owned),
    }
}

/// Lines as a profile describes them.
pub(super) struct Lines {
    decoder: line::Decoder,
    register: Register,
}

impl Lines {
    pub(super) fn new(profile: &LineProfile, register: Register) -> Self {
        Self { decoder: line::Decoder::new(Arc::new(profile.clone())), register }
    }
}

impl Codec for Lines {
    fn push(&mut self, byte: u8, at: Moment) -> Option<Event<Said>> {
        let event = self.decoder.push(byte)?;
        Some(map(event, |statement| {
            let readings = readings(&statement, at);
            let names = Names { serial: statement.serial, sample: statement.sample };
            Ok(Said::new(self.register.contents(names, readings)))
        }))
    }

    fn raw(&self) -> &[u8] {
        self.decoder.raw()
    }

    fn begin(&mut self, beginning: Beginning) {
        match beginning {
            Beginning::Unknown => self.decoder.reset(),
            Beginning::Answer(_) => self.decoder.begin(),
        }
    }
}
