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
