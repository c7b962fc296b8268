# Stack lights, barriers and cameras.
event-output-fault = { $subject } does not do what it is told
event-output-restored = { $subject } does what it is told again
event-camera-missed = no still from { $subject }
output-working = { $output } shows { $state }
output-fault = { $output } does not do what it is told: { $why }. Do not go by its lamps
