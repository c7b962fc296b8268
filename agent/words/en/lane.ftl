### Fixed sentences of the lane page, counters, clock quality. Only from durable state.

recorded = RECORDED #{ $number }
recorded-waiting = RECORDED #{ $number } — waiting to send (uplink down { $down })
recorded-sent = RECORDED #{ $number } — sent, waiting for the centre's receipt
recorded-receipted = RECORDED #{ $number } — receipted by the centre
not-recording = NOT RECORDING since { $since } — { $cause }. Use the paper procedure.
reading-not-recorded = Reading shown is not yet recorded.
state-unknown = State unknown: the page was last updated { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
} ago.
waiting-for-subject = Waiting for the next subject
inspection-open = Inspecting
simulated = SIMULATED
drill = DRILL
unsigned-view = live value, not signed
cause-storage-full = the store's budget is used up
cause-disk-full = the disk is full
cause-disk-inodes = the disk takes no more files
cause-storage-error = the store cannot be written
cause-key-unavailable = signing key unavailable
way-out-storage-full = The store holds as many records without a receipt as its budget allows: bring the uplink back, so that receipts make room, or raise budget under [store] and restart the agent.
way-out-disk-full = The disk that holds the store is full, though the store is within its budget: delete other files there (logs, old packages), or move the data directory to a larger disk.
way-out-disk-inodes = The file system that holds the store has no inode left for another file: delete small files there, or move the data directory to another file system.
way-out-storage-error = The disk answers with an error: look at the system log and at the mount (read-only? worn out?), check the store with tidewaiter fsck, and replace the disk if it happens again.
way-out-key-unavailable = Bring the signing key back: plug in the token or mount the key's folder. Recording goes on by itself.
way-out-fork = Stop, keep the data directory as it is, and call the centre: somebody signs with this key elsewhere, or an old copy of the store was put back.
cause-starting = starting
uplink-up = uplink up
uplink-down = uplink down { $down }
uplink-none = no uplink configured

counter-sampled = sampled
counter-sealed = sealed
counter-sent = sent
counter-receipted = receipted
oldest-unreceipted = oldest record without a receipt has waited { $age }
nothing-unreceipted = every record has its receipt
reserve-left = storage left for about { $hours ->
    [one] { $hours } hour
   *[other] { $hours } hours
}

clock-S = clock synchronised, error at most { $error }
clock-H = clock was synchronised and now holds on its own, error at most { $error }
clock-I = hardware clock only, error estimated at { $error }
clock-I-unbounded = hardware clock only, error not known
clock-U = time not trustworthy: never set since start

heading-why = Why
heading-do = What to do
heading-history = History
heading-search = Search
heading-instruments = Instruments
heading-tables = Limit tables
heading-time = Time
heading-subject = Subject
heading-result = Result
heading-record = Recording
other-language = 中文
