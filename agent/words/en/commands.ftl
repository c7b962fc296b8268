### What the commands of all three programs say. Their options are described in English, in `--help`.

progress-left = time left
log-none = no records yet
show-not-here = record { $number } is not stored here; `tidewaiter log` shows what is

### status

status-none = none
status-no-agent = no agent is running
status-chain = chain { $chain }
status-stored = records stored from { $oldest } to { $head }, receipted up to { $receipted }
status-head = { $software } · site { $site } · agent { $agent }
status-executable = executable sha256 { $hash }
status-log-fork = THE CENTRE'S LOG FORKS: { $why }
status-recording = recording
status-not-recording = NOT RECORDING: { $why }
status-not-recording-since = NOT RECORDING since { $since }: { $cause }. Use the paper procedure.
status-counters = sampled { $sampled } → sealed { $sealed } → sent { $sent } → receipted { $receipted }
status-waiting = oldest record without a receipt: { $age }
status-refused = { $refused ->
    [one] { $refused } result was refused since recording stopped
   *[other] { $refused } results were refused since recording stopped
}
status-store = store { $used } of { $budget } MiB ({ $percent } %)
status-uplink-up = uplink up
status-uplink-beacon = uplink up, beacon { $number } over { $size } records
status-uplink-none = no uplink configured
status-uplink-down = uplink down for { $span } ({ $why })
status-drill = DRILL at { $place }, ordered by { $operator }
status-places = Places at work
status-unnamed = not identified yet
status-busy = { $place }: { $subject }
status-instruments = Instruments (live values, not recorded)
status-column-instrument = instrument
status-column-channel = channel
status-column-value = value
status-column-unit = unit
status-column-quality = quality
status-column-verification = verification
status-valid = { $standing }, valid until { $until } ({ $days } days)
status-down = no data from { $instrument }
status-in-force = In force
status-more = { $more ->
    [one] and { $more } more
   *[other] and { $more } more
}
status-plan = plan { $id }, version { $version }
status-limits-stale = the signed limit tables are no longer fresh
status-results = Newest results

### new site

new-exists = { $path } exists and is not overwritten; name another file
new-written = { $path } written; change what is yours, then: tidewaiter check { $path }
new-no-place = no place is called { $id }; the example has { $known }
new-no-port = no port is called { $id }; there are { $known }
new-declared = { $path } written: what is declared about the samples

### doctor

doctor-state-ok = ok
doctor-state-skipped = --
doctor-state-warn = warn
doctor-state-fail = FAIL
doctor-check-configuration = configuration
doctor-check-clock = clock
doctor-check-zone = time zone data
doctor-check-service = service
doctor-check-ports = ports
doctor-check-key = key
doctor-check-store = store
doctor-check-disk = disk
doctor-check-registry = registry of the centre
doctor-check-certificates = certificates
doctor-check-broker = broker
doctor-check-agent = running agent
doctor-check-receipts = receipts
doctor-sum = { $ok } in order, { $warn } to look at, { $fail } wrong
doctor-offline = not asked (--offline)
doctor-packed = bundle for support: { $path } (no keys, tokens or passwords in it, plates masked)
doctor-configuration = { $file }: { $ports } ports, { $instruments } instruments, { $places } places
doctor-clock-kept = a time service keeps it, error at most { $error } ms
doctor-clock-loose = no time service keeps it: records will say that their time is uncertain
doctor-clock-way = apt-get install chrony, then `chronyc tracking`
doctor-clock-unasked = { $socket } is not active: the agent cannot learn that the clock is kept
doctor-zone-none = no data of zone { $zone } in { $dir }
doctor-zone-way = apt-get install tzdata
doctor-no-systemd = no systemd on this machine
doctor-ports = { $ports ->
    [one] { $ports } port is there
   *[other] all { $ports } ports are there
}
doctor-port-closed = port { $port }: { $path } may not be opened, it belongs to group { $group }
doctor-port-way = usermod -aG { $group } USER, with the user of the service; then sign in again, or restart the service
doctor-key = { $kid } in { $place }
doctor-key-way = none yet: tidewaiter keys init --config SITE; there, but closed: give it to the service's user with mode 600
doctor-store-none = { $path }: none yet, the first start makes it
doctor-store-large = { $size } MiB, too much to read through here: tidewaiter fsck { $dir }
doctor-store = { $records ->
    [one] { $records } record, whole and in order; receipted up to { $receipted }
   *[other] { $records } records, whole and in order; receipted up to { $receipted }
}
doctor-store-way = tidewaiter fsck { $dir } tells more; stop the agent and keep a copy before anything else
doctor-disk = { $free } MiB free, the store may still take { $wanted } MiB; it holds about { $hours } h without uplink
doctor-disk-way = make room on this disk, or lower [store] budget
doctor-no-uplink = no [uplink] in the site file
doctor-no-tls = no TLS in the site file
doctor-registry = { $path }: { $keys } keys, centre { $centre }
doctor-registry-empty = { $path } holds no key of a centre: no receipt can be believed
doctor-registry-way = ask the centre for it: tidewaiter-collector keys export; or enrol: tidewaiter enrol --help
doctor-certificate = { $whose } is good until { $until } ({ $days } days)
doctor-certificate-early = { $whose } is good only from { $from } on: is the clock right?
doctor-certificate-unread = { $whose }: no certificate that can be read
doctor-certificate-way = tidewaiter enrol --renew --config SITE, or ask the centre for another
doctor-broker = { $name } answers (without TLS)
doctor-broker-tls = { $name } answers, TLS with both certificates
doctor-broker-way = is the network up, is the name right, is the port open: nc -vz HOST PORT
doctor-tls-way = broker and agent must hold certificates of the same centre; compare [uplink.tls] with what the centre gave
doctor-agent-none = none answers on this data directory
doctor-agent-way = tidewaiter run --config SITE, or systemctl start tidewaiter
doctor-waiting = { $records ->
    [one] { $records } record waits for the centre's receipt
   *[other] { $records } records wait for the centre's receipt
}
doctor-receipts = the centre keeps up
doctor-receipts-late = the oldest record has waited { $hours } h for its receipt
doctor-receipts-way = is the uplink up, and does the centre know this agent's key: tidewaiter status, tidewaiter-collector status

### What several commands say

say-where = say where: --config SITE or --data-dir DIR
say-agent-none = no agent is running on this data directory; start it with `tidewaiter run --config SITE`
say-agent-silent = the agent does not answer on { $address }: { $why }; is it running?
say-config-needed = no agent is running; --config SITE names the site and its store
say-recorded = recorded
say-refused = refused
say-no-value = { $given } is not { $form }, for example { $example }
say-twice = { $name } is given twice; enter replicates one after another
say-bytes = { $bytes } bytes
say-not-folder = { $path }: not a folder; give the one that holds the evidence

### check

check-sum = { $file }: { $ports } ports, { $instruments } instruments, { $lanes } lanes, { $rigs } rigs, { $watches } watches, { $tables } limit tables; the store holds about { $hours } h without uplink
check-column-port = port
check-column-instrument = instrument
check-column-unit-id = unit id
check-column-function = function
check-column-address = address
check-column-count = count
check-column-every-ms = every ms
check-column-bus-ms = bus ms
check-column-requests = requests
check-column-registers = registers
check-column-oldest-ms = oldest value ms
check-column-cycle-ms = cycle ms
check-column-busy = busy %
check-no-limit = no limit
check-requests = poll plan (addresses from 0):
check-instruments = per instrument (without its own time to answer, while every unit answers):
check-ports = per port:
check-too-busy = port "{ $port }": error: asked for { $percent } % of its time, so polls are skipped
check-too-busy-way = write: a longer poll at its instruments, or a higher baud

### bundle

bundle-written = { $path }: records { $first } to { $last }, { $files } files, { $absent } contents not at hand
bundle-unknown = { $asked } is no record number and no inspection stored here; `tidewaiter log` shows what is

### evidence

evidence-large = { $path } has { $size } bytes, more than the { $most } that one piece of evidence may have
evidence-recorded = recorded #{ $number } sha256 { $hash }
evidence-line = #{ $number } { $inspection } { $media } { $size } bytes { $hash } { $title }
evidence-not-here = evidence { $hash } is not kept here; `tidewaiter evidence list` shows what is
evidence-changed = { $path } has changed: its hash is { $hash }

### export, recompute, stats

export-written = { $records ->
    [one] { $records } record
   *[other] { $records } records
}
export-parquet = tables of Parquet are made at the centre, where the records of all agents are: tidewaiter-collector export --format parquet --out DIR. Here: cborseq, jsonl, csv, n42
export-folder = --format n42 writes one file an inspection: say into which folder with --out DIR
export-documents = { $documents } documents of { $records } records
recompute-sum = { $same } the same, { $drift } different, { $undone } not to be repeated here, { $other } records of other kinds
recompute-drift = different
recompute-not-done = not to be repeated here
stats-before = --to { $to } is before --from { $from }
stats-broken = { $name }: { $why }; nothing was counted, ask `tidewaiter verify` what is wrong

### keys

keys-made = key of { $agent } made in { $dir }
keys-give = give { $entry } to the centre: tidewaiter-collector keys add --registry REGISTRY { $entry }
keys-agent = agent
keys-chain = chain
keys-algorithm = algorithm
keys-public = public
keys-place = place
keys-statement = statement
keys-signs = signs from record { $number } on
keys-before = before: { $kid } up to record { $number }, { $state }
keys-erased = erased
keys-kept = kept until the centre's receipt covers that record
keys-rotated = record { $number } hands the chain over: { $old } signed up to it, { $new } signs from now on
keys-erased-later = the old key is erased when the centre has receipted record { $number }

### read, try, listen, probe

read-unknown = there is no instrument { $wanted }; the site has { $known }
read-recorded = recorded #{ $number } { $channel } { $said }
read-counts = { $instrument }: { $readings } readings, { $refused } refused frames, { $garbage } bytes of garbage, missing { $missing }
read-connected = { $instrument }: connected
read-disconnected = { $instrument }: disconnected
try-holds = { $vectors ->
    [one] profile { $id }: { $vectors } test vector holds
   *[other] profile { $id }: { $vectors } test vectors hold
}
try-no-port = this port carries no instrument
listen-what = say what to listen to: a target or --file
listen-fit = { $protocol } { $sure }: { $frames } frames, { $refused } refused, { $share } % of { $bytes } bytes
listen-fits = fits
listen-fits-not = does not fit
listen-nothing = no known protocol fits these { $bytes } bytes; a line profile can describe them
listen-several = more than one fits: confirm with a known value on the instrument
probe-closed = { $target } cannot be opened
probe-nothing = nothing found; check power, A/B or TX/RX, the address switch, and try --units 1-247
probe-silent = { $target }: silent
probe-speaks = { $target }: speaks unasked, { $bytes } bytes
probe-unknown = nothing known; the setting may be wrong, or it needs a line profile
probe-unit = { $target }: { $protocol } unit { $unit } answers
probe-vendor = vendor
probe-product = product
probe-revision = revision
probe-object = object

### salvage

salvage-sum = { $path }: { $records } records of { $agent } ({ $first } to { $last }), { $contents } contents
salvage-answers = by its own statement: signature { $signature }, chain { $chain }
salvage-rotten = record { $number } has rotted on the disk and was left out
salvage-lost = evidence { $hash } is not there, or not what it was
salvage-ended = reading ended early: { $why }
salvage-next = at the centre: { $command }

### plan, draw, limits, screen, version

plan-which = say which plan: a file, or --config SITE with [plan] file = "plan.toml" in it
plan-records-form = { $place }: { $why }; write the records with `tidewaiter export --format jsonl`
draw-nothing = nothing was drawn; the agent's records say why
limits-none-then = no edition of { $id } is in force on { $at }; --edition takes one of: { $names }
limits-sides = two files, or TABLE EDITION TABLE EDITION
limits-programme = { $path } is a step programme, no limit table
limits-unknown = no limit table { $id } is loaded; { $way }
limits-listed = `tidewaiter limits show` lists those there are
limits-meant = { $meant } is meant perhaps
limits-no-edition = limit table { $id } has no edition { $name }; there are: { $names }
version-unread = sha256 unknown: the executable cannot be read
register-which = no agent is running; --config SITE names the register

### tidewaiter-sim

judge-sum = expected { $expected }, recorded { $recorded }, agree { $agree }
judge-differ = { $differ ->
    [one] { $differ } difference
   *[other] { $differ } differences
}
capture-written = { $path }: { $bytes } bytes; name its protocol with: tidewaiter listen --file { $path }

### tidewaiter-collector

centre-backup = { $path }: { $bytes } bytes; the centre's key is not in it, keep that elsewhere
centre-archive = { $path }: { $records } records of { $chains } chains in { $files } files, root { $root }; { $absent } contents are not here
centre-archive-signed = signed by { $by }; { $leaves } leaves, root { $root }; { $heads } heads hold
centre-taken = { $what }: { $new } records were new, { $here } were here, { $refused } refused; { $contents } contents, { $heads } heads
centre-restored = { $path }: restored; what came after { $at } is not in it, see `tidewaiter-collector status` for gaps
centre-tables = { $path }: { $records } records, { $inspections } inspections, { $findings } findings, { $readings } readings, { $intervals } intervals; go on with `--after { $upto }`
centre-bundle = { $path }: records { $first } to { $last } of chain { $chain }, { $files } files, { $absent } contents not at hand
centre-column-agent = agent
centre-column-chain = chain
centre-column-receipted = receipted up to
centre-column-missing = missing
centre-column-waiting = waiting
centre-column-evidence = evidence
centre-column-newest = newest
centre-column-name = name
centre-column-serial = serial
centre-column-until = until
centre-column-denied = denied
centre-column-id = id
centre-column-state = state
centre-column-site = site
centre-column-asked-by = asked by
centre-column-at = at
centre-column-fingerprint = fingerprint
centre-column-number = number
centre-column-leaves = leaves
centre-column-root = root
centre-column-signed = signed
centre-column-key = key
centre-column-role = role
centre-column-numbers = numbers
centre-column-simulated = simulated
centre-column-note = note
centre-column-instrument = instrument
centre-column-from = from
centre-column-blocks = blocks
centre-column-newest-block = newest block
centre-count-received = received
centre-count-records = records
centre-count-verified = verified
centre-count-receipted = receipted
centre-count-missing = missing
centre-count-resends = requests to send again
centre-count-duplicates = duplicates folded
centre-count-recomputed = recomputed
centre-count-not-recomputed = not recomputed
centre-count-node = instrument nodes
centre-node-blocks = { $blocks } blocks, { $sealed } sealed rightly
centre-node-added = node { $serial } is { $instrument } of { $agent } from { $from }
centre-node-revoked = the key of { $instrument } of { $agent } ends at { $at }
centre-nodes-gone-over = { $records } stored records gone over, { $nodes } with readings of nodes
centre-nodes-blocks = { $blocks } blocks, { $sealed } sealed rightly, { $new } of them not known before
centre-nodes-found = new finding { $kind }: { $count }
centre-nodes-findings = { $new ->
    [0] no new finding; { $known } known before
   *[other] new findings: { $new }; { $known } known before. `tidewaiter-collector status` names the records
}
centre-nodes-waiting = { $records } records name readings that are still to come; they are checked when those are here
centre-nodes-unreadable = { $records } stored records cannot be read any more; `tidewaiter-collector log check` says which
centre-node-order = node { $serial }: length { $length }, security counter { $counter }, SHA-256 { $hash }, order { $mac }
centre-bad = bad: { $cause } ({ $meant })
centre-cause-topic = on a topic that is none of ours
centre-cause-malformed = no record
centre-cause-topic-mismatch = on the topic of another agent
centre-cause-unknown-key = signed with a key that nobody registered
centre-cause-key-not-for = signed with a key that may not sign there
centre-cause-signature = the signature does not hold
centre-cause-chain-link = it does not follow the record before it
centre-cause-equivocation = two records under one number
centre-cause-verdict-drift = judged again here, the verdict is another
centre-cause-simulated = simulated, and the registry is one for real instruments
centre-cause-anchor = it names a head that our log never had
centre-cause-key-proof = the new key did not prove itself
centre-cause-evidence-hash = its evidence came with another content
centre-cause-open-gap = missing for long, though asked for
centre-verdict = verdict: { $word }
centre-log = log: { $leaves } leaves, head { $number } over { $size } of them, { $at }
centre-incident-fork = incident fork: two boxes sign as { $agent }: since { $since }, { $records } other records under numbers from { $first } of chain { $chain }; both branches are kept
centre-incident-reset = incident chain-reset: { $agent } began chain { $chain } in place of { $before }, whose last known record is { $after }: { $note }
centre-incident-node = incident { $kind }: { $agent }, record { $number }: { $what }
centre-silent = silent: { $agent } ({ $site }): no record for { $since }
centre-silent-more = silent: { $more } more agents, see --json
centre-unseen = { $agents } agents have an open key and have never sent a record
centre-unreceipted = oldest record without a receipt: here for { $since }
centre-store = store: { $used }, { $free } free on its disk
centre-store-server = store: { $used } on its server
centre-gap = gap: { $agent }: records { $first } to { $last } are missing since { $since }; asked for { $asked } times
centre-gap-late = incident: { $agent }: records { $first } to { $last } are missing since { $since }, more than { $minutes } minutes; asked for { $asked } times
centre-held = held: { $agent }: receipts stop before record { $number }: its evidence { $hash } ({ $size } bytes) has not come
centre-key-made = centre key { $kid }: { $key } (keep it secret), registry: { $registry } (give it to every agent)
centre-key-in-token = centre key { $kid } in token { $token }, registry: { $registry } (give it to every agent)
centre-key-line = key { $kid } of { $name }, chain { $chain }: numbers { $numbers }
centre-key-person = key { $kid } of { $name }: { $path } (it stays with them alone)
centre-ca-root = { $path }: give it to agents and broker
centre-ca-root-key = { $path }: move it to a stick in a safe now
centre-ca-lists = { $crl } and { $acl }: for the broker (crlfile, acl_file)
centre-ca-issued = { $path }: { $name } until { $until }
centre-ca-renewed = { $path }: new; crl.pem is new too, give it to the broker
centre-ca-denied = { $agent } is denied: { $crl } and { $acl }
centre-ca-denied-since = denied since { $since }: { $agent } ({ $reason })
centre-enrolled = { $agent } is enrolled: key { $kid }, chain { $chain }
centre-rejected = request { $id } is rejected
centre-audit-log = log: { $leaves } leaves, root { $root }
centre-audit-heads = heads: { $heads }, the newest has number { $newest }
centre-audit-unsigned = heads: { $heads }, the newest has number { $newest } (signatures not checked: no registry)
centre-audit-anchors = anchors: { $anchors } in records of { $agents } agents
centre-audit-incident = incident: { $what }
centre-audit-agrees = everything agrees
centre-audit-incidents = { $count } incidents
centre-head-issued = head { $number } issued over { $size } leaves
centre-proved = record { $hash } is leaf { $index } of the log of centre { $centre }: head { $number }, { $size } leaves, signed { $at }
centre-reset-made = { $path }: two people sign it with `tidewaiter-collector reset sign`
centre-reset-signed = { $path }: signed
centre-reset-applied = applied; it shows as an incident in `tidewaiter-collector status`
