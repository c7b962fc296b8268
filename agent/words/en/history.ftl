### The pages of the history, of one record, of the slip and of the statistics.

history-field-subject = Plate, container, sample or inspection (part of it)
history-field-from = From (local time)
history-field-to = To (included)
history-field-place = Place
history-field-disposition = Disposition
history-field-verdict = Verdict
history-field-table = Limit table
history-field-parameter = Parameter
history-field-mark = Mark
history-field-kind = Kind of record
history-field-personal = Plates as they are
history-field-before = Before record
history-field-after = After record
history-field-limit = Rows of a page
history-field-by = Groups
history-any = all
history-reset = Clear
history-found = { $count ->
    [one] one record
   *[other] { $count } records
}
history-none = No record fits.
history-newest = Newest
history-newer = Newer
history-older = Older
history-table = Download as a table (CSV)
history-table-personal = Download as a table with plates
history-reach-growing = Older records are still being looked through: searched so far from #{ $number } on.
history-reach-bounded = Only records from #{ $number } on can be searched here; older ones are stored, tidewaiter export has them.
history-verdict-why = { $verdict }: { $why }

history-head-record = Record
history-head-time = Time
history-head-place = Place
history-head-subject = Subject
history-head-result = Result
history-head-verdict = Verdict
history-head-marks = Marks
history-head-what = What

history-mark-real = real data
history-mark-simulated = simulated
history-mark-drill = drill

history-kind-all = all kinds
history-kind-inspection = inspection
history-kind-interval = watch period
history-kind-follow-up = follow-up
history-kind-warning = proposed warning
history-kind-evidence = evidence
history-kind-reading = single reading
history-kind-no-reading = single reading without a value
history-kind-event = event
history-kind-instrument-identity = instrument identity
history-kind-config-activated = configuration in force
history-kind-limits-activated = limit tables in force
history-kind-command-result = result of a command
history-kind-heartbeat = heartbeat
history-kind-time-step = clock set
history-kind-time-repair = times repaired
history-kind-key-rotate = change of key
history-kind-stopped = recording stopped
history-kind-resumed = recording resumed
history-kind-recovery = recovery
history-kind-shutdown = clean stop
history-kind-trimmed = receipted records deleted
history-kind-genesis = chain begins
history-kind-unknown = not known to this version

history-no-such-field = There is no field “{ $field }” to search by.
history-no-such-value = { $field }: “{ $value }” cannot be used; { $wanted }.
history-too-many = The query has too many fields.
history-wanted-choice = choose from the list
history-wanted-text = write at most 100 bytes without control characters
history-wanted-number = write a whole number that is not negative
history-wanted-limit = write 1 to 200
history-wanted-time = write a date, or a date and a time, such as 2026-11-29 or 2026-11-29T08:30
history-wanted-day = write a date such as 2026-11-29
history-wanted-later = it must not lie before the first day

record-title = Record #{ $number }
record-back = Back to record #{ $number }
record-not-here = Record #{ $number } is not stored here. Old records with a receipt may have been deleted: ask the centre.
record-store-fails = Records cannot be read right now: { $why }. Try again.
record-no-number = A record is asked for by its number.
record-no-ending = A record can be had as .json, .cbor or .n42.
record-no-n42 = This record cannot be written as an N42.42 document: { $why }.
record-unreadable = The record cannot be read: { $why }.
record-receipt = the centre's receipt covers everything up to #{ $number }, stored there { $at }
record-bytes = Signed bytes (CBOR)
record-json = JSON
record-n42 = N42.42 document
record-envelope = Record and time
record-agent = Agent
record-about = From
record-kind = Kind
record-chain = Chain
record-seq = Number
record-hash = SHA-256 of this record
record-prev = SHA-256 of the record before
record-kid = Key
record-algorithm = Algorithm
record-signature = Signature
record-size = Length
record-sealed = Sealed
record-utc = UTC
record-clock = Clock
record-clock-source = Set by
record-clock-set = { $source }, { $age } ago
record-start = Start of the agent · since the host started
record-procedure = Procedure
record-inspection = Inspection
record-opened = Began
record-closed = Ended
record-incomplete = Incomplete
record-declared = Declared:
record-not-declared = No declaration was found.
record-no-findings = No row was judged.
record-not-explained = The steps cannot be repeated here: { $why }
record-recomputed-same = Judged again here by the same tables: the same result.
record-recomputed-drift = Judged again here: another result than the recorded one.
record-measured = Measured (digits as displayed)
record-parameter = Parameter
record-value = Value
record-unit = Unit
record-quality = Quality
record-background = Background
record-uncertainty = Expanded uncertainty (k = 2)
record-instrument = Instrument
record-derivation = Derivation
record-channel = Channel
record-time = Time
record-raw = Raw bytes (hexadecimal, characters beside)
record-readings = Readings
record-readings-more = { $count ->
    [one] one more reading is
   *[other] { $count } more readings are
} not listed; the record and its evidence have all of them.
record-trace = Readings over time
record-channels-more = { $count ->
    [one] one more channel is
   *[other] { $count } more channels are
} not drawn.
record-spectrum = Spectrum
record-following = Recorded about it later
record-nothing-following = No follow-up and no evidence yet.
record-judged-by = Judged by
record-table = Limit table
record-edition = Edition
record-sha256 = SHA-256
record-software = Software
record-config = SHA-256 of the configuration
record-plan = Monitoring plan
record-origin = Origin of the data

proof-title = Does it hold? Four questions, answered apart
proof-number = Record
proof-found = Found
proof-way = Way out
proof-held-against = Held against records #{ $first } to #{ $last } stored here, and the keys this machine believes.
proof-does-not-mean = A yes does not mean that the centre enrolled the key, that the whole chain is there, that the sample was representative, or that the instrument showed the truth. Ask the centre's registry and tidewaiter verify.

evidence-title = Evidence
evidence-open = Open or download
evidence-no-hash = Evidence is asked for by its SHA-256, 64 hexadecimal digits.
evidence-not-named = No record that can be searched here names this evidence.
evidence-not-at-hand = The evidence is not here: { $why }.

spectrum-title = Spectrum — record #{ $number }
spectrum-none = This record has no spectrum to draw.
spectrum-empty = There is no spectrum in the document.
spectrum-unreadable = The N42.42 document cannot be read: { $why }
spectrum-log = Logarithmic
spectrum-linear = Linear
spectrum-about = { $id } ({ $class }): { $channels ->
    [one] one channel
   *[other] { $channels } channels
}, total { $total }, live time { $live } s, real time { $real } s
spectrum-axis-energy = energy (keV)
spectrum-axis-channel = channel
spectrum-hints = Hints of our own search (with a question mark; they decide nothing): { $names }
spectrum-more = { $count ->
    [one] One more spectrum of the document is
   *[other] { $count } more spectra of the document are
} not drawn.

slip-title = Inspection slip (pre-screen)
slip-site = Place
slip-print = Print with the browser: paper of 80 mm or A6.
slip-more = { $count ->
    [one] one more row
   *[other] { $count } more rows
}, see the record's page
slip-none = Only inspections have a slip.
slip-foot = A pre-screen, no official result. Paper can be imitated: the record named by the code counts.

stats-from = First day ({ $zone })
stats-to = Last day ({ $zone })
stats-days = Days are those of { $zone }, by the moment an inspection began.
stats-count = Count
stats-intervals = The lines are 95 % confidence intervals (Wilson).
stats-reach = Only records from #{ $number } on are counted here; tidewaiter stats counts all.
stats-groups-more = { $count ->
    [one] one earlier group is
   *[other] { $count } earlier groups are
} not shown; the table has all.
