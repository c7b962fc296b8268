### Console lines of the demo, the agent and the central end.

result-line-plain = #{ $number } { $subject } { $disposition } · { $verdict }
receipt-line = receipted by the centre up to #{ $number }
receipt-waiting = waiting for the centre's receipt
all-within = everything required is within limits
nothing-required = nothing was required
why-more = { $first }; and { $more } more
declared-nothing = no declaration found

demo-page = Lane page: { $url }
demo-sign-in = To act there, sign in as { $user } with the password { $password } (another one at each start)
demo-started = Demo running: { $lanes ->
    [one] { $lanes } lane
   *[other] { $lanes } lanes
}, { $rigs ->
    [one] { $rigs } rig
   *[other] { $rigs } rigs
}, { $instruments ->
    [one] { $instruments } simulated instrument
   *[other] { $instruments } simulated instruments
}. Ctrl-C ends it.
demo-simulated = All data is simulated, and says so inside the signature.
demo-draining = Ending: waiting for the receipt of { $left ->
    [one] { $left } record
   *[other] { $left } records
}
demo-summary = sealed { $sealed }, published { $published }, received { $received }, verified { $verified }, receipted { $receipted }, bad { $bad }, gaps { $gaps }
demo-data = Data directory: { $dir }

uplink-connected = connected to { $broker }
uplink-lost = connection lost: { $cause }; trying again in { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}
instrument-up = instrument { $instrument } is back
instrument-lost = no data from instrument { $instrument }: { $why }

collector-listening = central end ready: { $broker }, store { $store }
collector-record = { $agent } #{ $number } { $disposition } · { $verdict }
collector-duplicate = { $agent } #{ $number } came again, folded
collector-gap = { $agent } lacks #{ $first } to #{ $last }, asked to resend
collector-bad = { $agent } #{ $number } refused: { $why }
collector-fork = { $agent } #{ $number } exists with two contents: kept as evidence
collector-mismatch = { $agent } #{ $number }: recomputing gives another verdict than the record

### Records that are not results: one line each.

kind-genesis = the chain begins
kind-stopped = NOT RECORDING from here: { $why }
kind-resumed = recording again; { $refused ->
    [one] { $refused } result was
   *[other] { $refused } results were
} refused in between
kind-recovery = started after an end that was not clean; { $interrupted ->
    [one] { $interrupted } inspection was
   *[other] { $interrupted } inspections were
} interrupted
kind-shutdown = stopped in order
kind-follow-up = follow-up of { $inspection }: { $step } by { $by }, now { $state }
kind-warning = warning { $state }: level { $level }, { $notice }: { $matters }
kind-reading = { $instrument }: { $channel } { $value }
kind-no-reading = { $instrument }: no value, { $why }
kind-heartbeat = the agent is at work
kind-time-step = the clock was set: from { $before } to { $after }
kind-time-repair = earlier times of this host are now known
kind-instrument-identity = { $instrument } identified: { $standing }
kind-config-activated = { $software } with a new configuration or file of its own
kind-limits-activated = { $count ->
    [one] { $count } limit table
   *[other] { $count } limit tables
} in force from here
kind-command-result = command { $number } ({ $verb }): { $outcome }. { $text }
kind-key-rotate = the chain goes on with a new key
kind-evidence = evidence of { $inspection }: { $media }, { $size } bytes
kind-trimmed = receipted records { $from } to { $upto } were deleted here to make room
kind-unknown = content unknown to this version

event-operator-start = { $operator } started { $subject } on { $place }
event-operator-next = { $operator }: next parallel on { $place }
event-operator-stop = { $operator } ended the run on { $place }
event-function-check-start = { $operator } began the function check { $place }
event-function-check-next = { $operator }: next step of the function check { $place }
event-function-check-stop = { $operator } ended the function check { $place }
event-subject-posted = { $operator } declared { $subject }
event-link-down = no connection to { $subject }
event-link-up = { $subject } is connected again
event-identity-seen = { $subject } said who it is
event-identity-changed = { $subject } says it is ANOTHER instrument than before
event-identity-mismatch = { $subject } is NOT the registered instrument
event-node-seen = first sealed reading of { $subject }
event-node-restarted = { $subject } was started again
event-node-parameters-changed = parameters of { $subject } WERE CHANGED
event-node-status = { $subject } says another status than before
event-node-simulated = { $subject } says that it is SIMULATED: its values are not judged
event-node-sequence = { $subject } sent a sealed reading that CAME BEFORE: refused
event-verification-due = the verification of { $subject } runs out soon
event-verification-expired = the verification of { $subject } HAS RUN OUT: its values are not judged
event-function-check-overdue = a function check of { $subject } failed or is overdue: its values are not judged
event-portal-setup-seen = alarm parameters of { $subject } read
event-portal-setup-changed = alarm parameters of { $subject } were CHANGED
event-portal-fault-raised = { $subject } reports a fault
event-portal-fault-cleared = the fault of { $subject } is over
event-portal-occupancy-lost = { $subject } counted passages that were not seen here

### The register of instruments.

register-instrument = instrument
register-control = control
register-class = class
register-certificate = certificate
register-valid-until = valid until
register-days-left = days left
register-standing = standing
register-checks = function checks (UTC)
control-compulsory-verification = compulsory verification
control-calibration = calibration
register-check-passed = { $check } passed { $when }
register-check-waiting = { $check } not done yet, due { $when }
register-check-unseen = { $check } no record of it
register-check-never = { $check } NEVER DONE
register-check-overdue = { $check } OVERDUE, last passed { $when }
register-check-failed = { $check } FAILED { $when }

### Statistics.

stats-examinations = inspections recorded
stats-retests = of these re-tests of the same lot
stats-presented = lots presented
stats-invalid = invalid (void or incomplete)
stats-tested = lots tested
stats-judged = lots judged
stats-pass = pass (pre-screen)
stats-conditional-pass = conditional pass (pre-screen)
stats-conditional-fail = conditional fail (pre-screen)
stats-fail = fail (pre-screen)
stats-inconclusive = inconclusive (pre-screen)
stats-not-applicable = nothing required
stats-simulated = with simulated instruments (counted above)
stats-coverage = coverage
stats-pass-rate = pass rate
stats-fail-rate = fail rate
stats-inconclusive-rate = inconclusive rate
stats-invalid-rate = invalid rate
stats-by-day = day
stats-by-week = week
stats-by-month = month
stats-by-place = place
stats-by-procedure = procedure
stats-by-table = limit table
stats-by-hazard = hazard
stats-by-origin = origin
stats-total = all
stats-no-origin = not stated
stats-share = { $percent } ({ $numerator } of { $denominator }: { $of })
stats-failed-hazard = failed for { $hazard }
stats-overlap = A lot is in every group it was judged for, so the groups do not add up to the total.
stats-function-checks = Function checks, counted apart: { $done } done, { $passed } passed, { $failed } failed, { $unfinished } not finished
stats-drills = Drills, counted apart: { $drills }
stats-not-understood = NOT COUNTED: { $records } inspections recorded by a newer version

### Enrolment.
enrol-asked = { $agent } of { $site } asks the centre to be enrolled.
enrol-fingerprint = Fingerprint: { $fingerprint }
enrol-compare = Read it to the centre, by telephone or photograph. A second person there compares it and approves.
enrol-waiting = Waiting for the approval. It may be broken off; the same command goes on with it.
enrol-pending = Not approved yet. The same command asks again.
enrol-rejected = The centre has rejected it: { $reason }
enrol-granted = Enrolled. Transport certificate until { $until }: { $certificate }
enrol-renewed = Transport certificate renewed until { $until }: { $certificate }
enrol-broker = The centre names the broker { $broker }; the site file has { $configured }.
