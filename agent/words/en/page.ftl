### The pages: headings, forms, what stands around the fixed sentences of lane.ftl.

# The frame of every page
page-overview = All places
page-statistics = Statistics
page-skip = To the content
page-ways = Pages
page-operator = Operator
page-no-place = There is no such place. The links at the top lead to those there are.
page-full = Too many pages are open at once. Close those not in use; this one tries again by itself.
page-lost = No word from the agent for

# The large word and what it asks for, beside lane.ftl and verdict.ftl
stage-unknown = STATE UNKNOWN
stage-starting = STARTING
stage-open = INSPECTING
stage-waiting = WAITING
page-starting = No instrument has said anything yet.
not-recording-now = NOT RECORDING — { $cause }. Use the paper procedure.
cause-stopping = the agent is stopping
cause-fork = the centre signed for other records than ours
do-unknown = Use the paper procedure until this page is back.
do-starting = Wait; do not begin before the instruments are ready.
do-open = Wait for the result.
do-waiting = The next one may come.
do-unanswering = { $instrument } does not answer: let the next one wait until it does, or use the paper procedure.
do-refer-no-declaration = Nothing is declared: find out what it is, enter it, and direct it to an inspector.
do-refer-incomplete = The inspection is incomplete: pass through again; if it stays so, direct it to an inspector.
do-refer-quality = The value may not decide: measure with another instrument in verification, or direct it to an inspector.
do-rig-clear = What was measured is within its limits; release the sample by the procedure.
do-rig-refer = Keep the sample, tell the person in charge, confirm by the standard method.
do-rig-alarm = Stop, seal the sample, call the officer on duty.
do-rig-not-valid = This run is void: repeat it.
do-rig-open = Go on as it says below, and wait for the result.
do-rig-waiting = Scan a sample number to begin.
do-rig-refer-incomplete = The run is incomplete: repeat it; if it stays so, tell the person in charge.
do-rig-refer-no-declaration = Nothing is declared: find out the category of the sample, enter it, and repeat the run.
page-old = This result is { $age } old and not that of the next one
page-more = and { $count } more
page-advisory = { $finding } (listed only)
page-refused = { $count ->
    [one] { $count } result
   *[other] { $count } results
} not recorded since recording stopped
page-plan = monitoring plan { $plan }
page-in-force = in force since { $since } ({ $days ->
    [one] { $days } day
   *[other] { $days } days
})
age-seconds = { $count } s
age-minutes = { $count } min
age-hours = { $count } h
age-days = { $count } d

# The subject
container-holds = check digit holds (ISO 6346)
container-corrected = misread, put right by its check digit (ISO 6346)
container-fails = check digit fails (ISO 6346); compare with the container

# Live values and traces
heading-live = Live
live-stable = stable
live-moving = moving
trend-now = This inspection
trend-last = Last inspection
plot-told = { $name }: from { $least } to { $most } within { $span }

# Notices
heading-notices = Take note
notice-drill = { $place } is at drill ({ $operator }, since { $since }): results are exercises
notice-check = { $instrument } is under the function check { $check }: its readings go into no inspection
notice-down = { $instrument }: line down
notice-missing = { $instrument }: { $why }
notice-register = { $instrument }: { $why }
notice-limits-stale = the signed limit tables were not renewed in time
notice-log-fork = the centre's log contradicts itself: { $why }
notice-overdue = receipt overdue: the oldest record has waited { $age }
notice-refused = the broker has refused { $count ->
    [one] { $count } publish
   *[other] { $count } publishes
}
notice-no-subscriber = nobody receives at the centre: { $count ->
    [one] { $count } publish
   *[other] { $count } publishes
} without a subscriber

# Instruments
page-reading = Newest reading
page-link = Line
page-verification = Verification and checks
link-up = up
link-down = down
link-unknown = not known
page-valid = valid until { $until }, { $days ->
    [one] { $days } day
   *[other] { $days } days
} left
page-expired = expired on { $until }, { $days ->
    [one] { $days } day
   *[other] { $days } days
} ago
page-never = never passed
page-check-due = function check { $check }: to be passed by { $due }

# Rigs
heading-run = Run
heading-checks = Function checks
run-none = no run is going on
run-open = { $id }, open for { $age }
run-elapsed = the bench's own time { $elapsed }
run-stage = stage { $stage }, { $lasts }: { $held }
run-quantity = Quantity
run-values = Values
run-count = Count
run-state = State
run-full = complete
run-wanting = to come
awaits-mass = Waiting for a settled mass
awaits-portal = Waiting for the vehicle to pass the portal
awaits-leaving = Waiting for the scale to be left
awaits-identity = Waiting for the identity
awaits-steady = Waiting for the display to hold still
awaits-next = This parallel is accepted: lift and rinse the electrode, then the next one
awaits-background = Measuring the background: put in the sample after it, and press Next
awaits-values = Waiting for more values
awaits-programme = The bench is running its programme
rig-forms = Operation
rig-start = Start
rig-next = Next
rig-stop = Stop
rig-enter = Enter
drill-on = Begin a drill
drill-off = End the drill
done-start = Started, and recorded.
done-next = Next step, recorded.
done-stop = Stopped, and recorded.
done-enter = Entered, and recorded.
done-drill-on = The drill has begun, and that is recorded.
done-drill-off = The drill is over, and that is recorded.
refused-operator = Give the operator's name (at most 200 bytes).
refused-sample = Scan or type a sample number (at most 200 bytes, no control characters).
refused-values = Type at least one value.
refused-busy = The agent is busy or stopping; try again.
refused-not-recorded = Not done, because it could not be recorded: { $why }
refused-running = Sample { $sample } is running; stop it first.
refused-idle = No run is going on; begin with a sample number.
refused-not-here = This rig follows its bench and has no such step.
refused-check-running = The function check { $check } has not ended: empty its instrument, or stop it.
refused-check-idle = The function check { $check } is not running; start it.
refused-in-use = { $by } is using the instrument; wait until it is free.
refused-under-check = The instrument is under the function check { $check }; wait for its end.
refused-drill-already = The drill is so already.
refused-no-check = There is no function check { $check }.
refused-no-quantity = This rig does not measure { $name }.
refused-measured = { $name } is read from { $instrument } and cannot be typed.
refused-not-a-value = { $name }: “{ $text }” is no value: { $why }
