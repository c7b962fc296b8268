//! An RS-485 transceiver: a UART, and a pin that lets it drive the line.
//!
//! The pin goes up before the first bit and down after the last; in between nobody else can speak. The UART's `flush`
//! must return when the stop bit of the last byte is out, not when the byte has left the queue: a driver that lets go
//! too early cuts its own CRC, and one that lets go too late cuts the next request.

use embedded_hal::digital::OutputPin;
use embedded_io::{ErrorType, Read, ReadReady, Write};

/// Why bytes did not go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rs485Error<U, P> {
    /// The UART's error.
    #[error("the UART failed")]
    Uart(U),
    /// The pin's error.
    #[error("the driver-enable pin failed")]
    Pin(P),
}

/// A half-duplex line.
#[derive(Debug)]
pub struct Rs485<U, P> {
    uart: U,
    drive: P,
}

impl<U: ErrorType, P: OutputPin> Rs485<U, P> {
    /// A line that listens.
    ///
    /// # Errors
    ///
    /// The pin's error.
    pub fn new(uart: U, mut drive: P) -> Result<Self, Rs485Error<U::Error, P::Error>> {
        drive.set_low().map_err(Rs485Error::Pin)?;
        Ok(Self { uart, drive })
    }

    /// Gives UART and pin back.
    pub fn release(self) -> (U, P) {
        (self.uart, self.drive)
    }
}

impl<U: Write, P: OutputPin> Rs485<U, P> {
    /// Sends a frame, and listens again. Returns when the last bit is out.
    ///
    /// # Errors
    ///
    /// Whatever failed; the line has been let go where the pin obeys.
    pub fn send(&mut self, frame: &[u8]) -> Result<(), Rs485Error<U::Error, P::Error>> {
        self.drive.set_high().map_err(Rs485Error::Pin)?;
        let sent = self.uart.write_all(frame).and_then(|()| self.uart.flush());
        let released = self.drive.set_low();
        sent.map_err(Rs485Error::Uart)?;
        released.map_err(Rs485Error::Pin)
    }
}

impl<U: Read + ReadReady, P> Rs485<U, P> {
    /// A byte that has come, if there is one.
    ///
    /// # Errors
    ///
    /// The UART's error.
    pub fn receive(&mut self) -> Result<Option<u8>, U::Error> {
        if !self.uart.read_ready()? {
            return Ok(None);
        }
        let mut byte = [0];
        let read = self.uart.read(&mut byte)?;
        let [byte] = byte;
        Ok((read > 0).then_some(byte))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;
    use std::{cell::RefCell, collections::VecDeque, rc::Rc, vec, vec::Vec};

    use embedded_hal::digital;
    use embedded_io::ErrorKind;

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Seen {
        Drive(bool),
        Byte(u8),
        Out,
    }

    type Log = Rc<RefCell<Vec<Seen>>>;

    /// A UART that takes two bytes at a time, and may fail at a byte.
    struct Uart {
        log: Log,
        fails_at: Option<u8>,
        incoming: VecDeque<u8>,
    }

    impl ErrorType for Uart {
        type Error = ErrorKind;
    }

    impl Write for Uart {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
            for &byte in bytes.iter().take(2) {
                if self.fails_at == Some(byte) {
                    return Err(ErrorKind::Other);
                }
                self.log.borrow_mut().push(Seen::Byte(byte));
            }
            Ok(bytes.len().min(2))
        }

        fn flush(&mut self) -> Result<(), ErrorKind> {
            self.log.borrow_mut().push(Seen::Out);
            Ok(())
        }
    }

    impl Read for Uart {
        fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
            let Some(byte) = self.incoming.pop_front() else { return Ok(0) };
            bytes.iter_mut().take(1).for_each(|it| *it = byte);
            Ok(1)
        }
    }

    impl ReadReady for Uart {
        fn read_ready(&mut self) -> Result<bool, ErrorKind> {
            Ok(!self.incoming.is_empty())
        }
    }

    struct Pin(Log);

    impl digital::ErrorType for Pin {
        type Error = digital::ErrorKind;
    }

    impl OutputPin for Pin {
        fn set_low(&mut self) -> Result<(), digital::ErrorKind> {
            self.0.borrow_mut().push(Seen::Drive(false));
            Ok(())
        }

        fn set_high(&mut self) -> Result<(), digital::ErrorKind> {
            self.0.borrow_mut().push(Seen::Drive(true));
            Ok(())
        }
    }

    fn line(fails_at: Option<u8>) -> (Rs485<Uart, Pin>, Log) {
        let log = Log::default();
        let uart = Uart { log: Rc::clone(&log), fails_at, incoming: [7, 8].into() };
        (Rs485::new(uart, Pin(Rc::clone(&log))).unwrap(), log)
    }

    #[test]
    fn the_line_is_driven_from_before_the_first_bit_to_after_the_last() {
        use Seen::{Byte, Drive, Out};
        let (mut line, log) = line(None);
        line.send(&[1, 2, 3]).unwrap();
        assert_eq!(*log.borrow(), vec![Drive(false), Drive(true), Byte(1), Byte(2), Byte(3), Out, Drive(false)]);
    }

    #[test]
    fn a_failing_uart_lets_the_line_go() {
        let (mut line, log) = line(Some(2));
        assert_eq!(line.send(&[1, 2, 3]), Err(Rs485Error::Uart(ErrorKind::Other)));
        assert_eq!(log.borrow().last(), Some(&Seen::Drive(false)));
    }

    #[test]
    fn bytes_come_one_by_one_and_then_none() {
        let (mut line, _) = line(None);
        assert_eq!([line.receive(), line.receive(), line.receive()], [Ok(Some(7)), Ok(Some(8)), Ok(None)]);
    }
}
