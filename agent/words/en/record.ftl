### What a record says, one line each: results first, then the kinds that are none, then events.

result-said = { $subject } { $disposition } · { $verdict } · { $why }
interval-said = { $watch } { $from }–{ $to } received { $received }/{ $expected }

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
event-operator-enter = { $operator } entered values on { $place }
event-drill-on = { $operator } switched { $subject } to DRILL
event-drill-off = { $operator } switched { $subject } back from DRILL
event-sign-in = { $operator } signed in from { $from }
event-sign-out = { $operator } signed out
event-sign-in-failed = { $tries } sign-ins failed
event-password-changed = { $operator } gave themselves another password
event-users-in-force = users file read: { $users } users
event-link-flapping = the connection to { $subject } comes and goes: it is told once more when it is steady
event-link-steady = the connection to { $subject } is steady again, { $state ->
    [up] and stands
   *[other] and is DOWN
}: { $changes } changes in { $span-s } s
event-port-held-off = port { $subject } is held off: the process broke on it again and again
event-no-passage = { $place }: the portal saw something, and no vehicle came
event-second-vehicle = { $place }: a second vehicle drove in before the first had left
event-result-not-sealed = the result { $subject } could NOT be recorded: { $why }
event-key-rotation = { $operator } ordered a new key
event-key-erased = the old key { $kid } is erased
event-key-kept = the old key { $kid } still lies in { $file }: erase it by hand
event-config-refused = a new configuration was NOT taken: the last good one stays in force
event-order-refused = an order of the centre was NOT taken ({ $subject })
event-centre-note = the centre says: { $text }
event-beacon-refused = a beacon of { $subject } was NOT believed
event-log-fork = the centre has shown two different logs: { $why }
event-authority-state-lost = what the centre had ordered before could not be read again: { $why }
event-duty-state-lost = what was due could not be read again: { $why }
event-plan-activated = monitoring plan { $subject } in force
event-plan-waiting = monitoring plan { $subject } waits for its first day
event-plan-resumed = monitoring plan { $subject } in force again
event-plan-expired = monitoring plan { $subject } HAS EXPIRED
event-plan-refused = monitoring plan { $subject } was NOT taken: { $why }
event-plan-lost = the monitoring plan could not be read again: { $why }
event-deadline-started = deadline { $subject } runs
event-deadline-due = deadline { $subject } is due
event-deadline-at-risk = deadline { $subject } is near
event-deadline-met = deadline { $subject } was kept
event-deadline-missed = deadline { $subject } was NOT kept
event-deadline-late = what was due for { $subject } came late
event-deadline-not-kept = deadline { $subject } could not be noted: too many are open
event-sampling-missed = the plan asked for a sample of { $subject }, and none was drawn
event-trend-rate = too many failures: { $subject }
event-trend-run = failures one after the other: { $subject }
event-trend-systemic = failures at several consignees: { $subject }
event-warning-incomplete = a warning about { $subject } lacks facts to be scored
event-finding-not-followed = finding { $subject } could not be followed up: too many are open

stopped-budget-used-up = the store's budget is used up
stopped-disk-full = the disk is full
stopped-no-inodes-left = the disk takes no more files
outcome-done = done
outcome-failed = FAILED
outcome-refused = refused
outcome-interrupted = INTERRUPTED: whether it was done is not known
