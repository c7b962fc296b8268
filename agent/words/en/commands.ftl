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
