### Another configuration while the agent runs, and what the service manager is told.

reload-activated = In force.
reload-unchanged = Nothing has changed; it is in force already.
reload-would-activate = It can be put into force; nothing was done.
reload-refused = Refused; the last good configuration stays in force.
reload-not-now = Not now: { $why }. The configuration of before stays in force.
reload-changes = changed: { $parts }
reload-restart = needs a restart: { $part }
reload-busy = waits for { $place }, at work: { $subject }
reload-interrupted = { $place }: what was open is recorded as interrupted
config-refused = The configuration on disk has { $faults ->
    [one] { $faults } fault
   *[other] { $faults } faults
} and is not in force; the last good one is. First: { $first }
config-refused-short = configuration refused, { $faults ->
    [one] { $faults } fault
   *[other] { $faults } faults
}
service-recording = recording, { $records ->
    [one] { $records } record
   *[other] { $records } records
}
service-not-recording = NOT RECORDING: { $why }
