### Why there is no value, how far a value can be trusted, units.

missing-timed-out = no answer in time
missing-crc-error = check failed
missing-exception = instrument answered exception { $code }
missing-refused = bytes not understood
missing-not-present = instrument does not measure this
missing-warming-up = warming up
missing-overrange = over range
missing-underrange = under range
missing-instrument-fault = instrument fault (code { $code })
missing-line-down = line down

quality-good = good
quality-unregistered = not registered
quality-unstable = not settled
quality-stale = stale
quality-verification-due = verification expires soon
quality-out-of-verification = verification has expired
quality-identity-mismatch = not the registered instrument
quality-function-check-overdue = function check overdue
quality-implausible = implausible

unit-count = counts
unit-grade = grade
