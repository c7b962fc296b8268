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
cause-storage-full = storage full
cause-storage-error = storage failed
cause-key-unavailable = signing key unavailable
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
heading-record = Record
other-language = 中文
