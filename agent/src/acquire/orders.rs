//! What an output may ask of the port it shares with instruments: the only writes there are.
//!
//! One task owns one port, so whoever switches a lamp on that line hands the task an [`Order`] and waits for the answer.
//! Orders go before polls, between two exchanges and never inside one; an order that has waited past its
//! [`until`](Order::until) is not carried out any more, since what was wanted then may be wrong now. There are
//! as many orders under way as the port has outputs, one each, and a site without outputs has no way to write at all.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tidewaiter_config::site::Site;
use tidewaiter_drivers::{modbus::register::Table, reading::Missing};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::Instant,
};

/// Something to be written to a unit and read back from it, one exchange after another until one fails.
#[derive(Debug)]
pub struct Order {
    /// Unit id.
    pub unit: u8,
    /// Longest wait for each answer.
    pub timeout: Duration,
    /// The exchanges; at most some dozens.
    pub actions: Vec<Action>,
    /// Not begun after this.
    pub until: Instant,
    /// Answer.
    pub reply: oneshot::Sender<Answer>,
}

/// One exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Function 05 (`Coil`), 15 (`Coils`), 06 (`Register`) or 16 (`Registers`).
    Write {
        /// Coil or register as sent.
        address: u16,
        /// What is written.
        content: Written,
    },
    /// Function 01 or 03; the words of the last one are the answer.
    Read {
        /// Coils or holding registers.
        table: Table,
        /// First cell.
        address: u16,
        /// Cells.
        count: u16,
    },
}

/// What is written in one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// One coil.
    Coil(bool),
    /// Coils side by side, the first in the least bit; at most 16.
    Coils {
        /// Their states.
        bits: u16,
        /// How many.
        count: u8,
    },
    /// One holding register, function 06.
    Register(u16),
    /// One holding register, function 16.
    Registers(u16),
}

/// What came of an order.
pub type Answer = Result<Carried, Missing>;

/// An order carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Which opening of the port it went over; another number is another connection.
    pub connection: u64,
    /// What was read last.
    pub words: Vec<u16>,
}

/// Where the orders of each port go in.
pub type Desks = BTreeMap<String, mpsc::Sender<Order>>;

/// The orders of a port, on the side of its task. A port that is opened anew goes on with the same inbox.
#[derive(Clone, Debug)]
pub struct Inbox {
    orders: Arc<Mutex<mpsc::Receiver<Order>>>,
    /// Longest answer time of each unit that is written to.
    pub(super) units: BTreeMap<u8, Duration>,
}

/// Time-outs after which an unanswered write is not expected to be answered any more.
const LATE_TIMEOUTS: u32 = 2;

/// A desk and an inbox for every port that has outputs.
pub fn desks(site: &Site) -> (Desks, BTreeMap<String, Inbox>) {
    let mut units: BTreeMap<String, BTreeMap<u8, Duration>> = BTreeMap::new();
    let mut outputs: BTreeMap<String, usize> = BTreeMap::new();
    for unit in site.outputs.iter().filter_map(|it| it.unit()) {
        *outputs.entry(unit.port.clone()).or_default() += 1;
        let longest = units.entry(unit.port.clone()).or_default().entry(unit.unit_id).or_default();
        *longest = (*longest).max(late(unit.timeout));
    }
    let (mut desks, mut inboxes) = (Desks::new(), BTreeMap::new());
    for (port, units) in units {
        let (desk, orders) = mpsc::channel(outputs.get(&port).copied().unwrap_or(1));
        desks.insert(port.clone(), desk);
        inboxes.insert(port, Inbox { orders: Arc::new(Mutex::new(orders)), units });
    }
    (desks, inboxes)
}

/// How long an answer may still come.
pub(super) fn late(timeout: Duration) -> Duration {
    timeout * LATE_TIMEOUTS
}

impl Inbox {
    /// The next order; pends for ever when nobody can give one any more. Cancel safe.
    pub(super) async fn next(inbox: &mut Option<Self>) -> Order {
        if let Some(inner) = inbox {
            if let Some(order) = inner.orders.lock().await.recv().await {
                return order;
            }
            *inbox = None;
        }
        std::future::pending().await
    }

    /// An order that waits.
    pub(super) fn waiting(inbox: &mut Option<Self>) -> Option<Order> {
        inbox.as_mut()?.orders.try_lock().ok()?.try_recv().ok()
    }
}

impl Order {
    /// Answers; whoever asked may have given up.
    pub(super) fn answer(self, answer: Answer) {
        let _ = self.reply.send(answer);
    }
}

impl Written {
    /// The function that writes it.
    pub(super) const fn function(self) -> u8 {
        match self {
            Self::Coil(_) => 0x05,
            Self::Coils { .. } => 0x0F,
            Self::Register(_) => 0x06,
            Self::Registers(_) => 0x10,
        }
    }
}
