### Subjects, identities, why an inspection is incomplete or void, alarms, names of parameters.

incomplete-timed-out = a value did not arrive in time
incomplete-drove-off = the vehicle left early
incomplete-stopped = stopped by the operator
incomplete-interrupted = the agent stopped or lost power
incomplete-instrument-stopped = the instrument ended its programme early
incomplete-overlap = another subject entered before this one was through

fault-background-high = gamma background high
fault-background-low = gamma background low
fault-neutron-high = neutron background high
fault-tamper = tamper contact open
fault-over-speed = passed too fast
fault-incomplete-window = measured for too short a time
fault-missing-end = end of passage was not reported
fault-lost-occupancy = a passage was lost
fault-scale-unstable = scale did not settle in time
fault-line-down = line down
fault-speed-inconsistent = speed report contradicts itself
fault-no-background = no background was measured
fault-other = device state "{ $kind }"

alarm-gamma = gamma alarm
alarm-neutron = neutron alarm
alarm-over-temperature = over-temperature alarm
alarm-load-deviation = load deviation alarm
alarm-speed-deviation = speed deviation alarm
alarm-pressure-loss = pressure loss alarm
alarm-tyre-failure = tyre failure
alarm-door-open = guard door open
alarm-sensor-fault = sensor fault
alarm-drive-fault = drive fault
alarm-other = instrument alarm "{ $kind }"
alarm-by-both = { $alarm } (instrument and recomputation agree)
alarm-by-device = { $alarm } (by the instrument)
alarm-by-recomputation = { $alarm } (by recomputation)

subject-conveyance = vehicle
subject-container = container
subject-lot = lot
subject-sample = sample
subject-instrument = instrument

identity-plate = plate
identity-container = container number
identity-sample = sample number
identity-declaration = declaration number
source-read = read
source-corrected = corrected
source-manual = entered by hand
source-ambiguous = doubtful
not-identified = not identified

procedure-lorry-gate = lorry gate
procedure-textile-ph = textile pH
procedure-tyre-endurance = tyre endurance
procedure-background-watch = background watch

parameter-gross-mass = gross mass
parameter-declared-mass = mass against declaration
parameter-dose-rate = gamma dose rate
parameter-gamma-counts = gamma counts
parameter-neutron-counts = neutron counts
parameter-ph = pH
parameter-formaldehyde = formaldehyde
parameter-odour = odour
parameter-azo-amine = aromatic amines from azo dyes
parameter-fastness-water = colour fastness to water
parameter-fastness-acid-perspiration = colour fastness to acid perspiration
parameter-fastness-alkaline-perspiration = colour fastness to alkaline perspiration
parameter-fastness-dry-rubbing = colour fastness to dry rubbing
parameter-fastness-saliva = colour fastness to saliva
parameter-speed = speed
parameter-load = load
parameter-pressure = pressure
parameter-ambient = ambient temperature
parameter-stage-duration = stage duration

# Steps after an alarm or a referral, and where a finding stands.
step-handheld = hand-held check
step-sample = sample sent
step-lab-result = laboratory result
step-hold = held
step-release = release
step-return = returned to sender
step-re-scan = scanned again
state-screened = screened
state-sample-sent = sample sent
state-lab-confirmed = confirmed by laboratory
state-lab-cleared = cleared by laboratory
state-held = held
state-released = released
state-returned = returned
state-proposed = proposed
state-lift-proposed = lifting proposed
notice-tongbao = notice to regulators
notice-tonggao = notice to enterprises
notice-gonggao = notice to the public
